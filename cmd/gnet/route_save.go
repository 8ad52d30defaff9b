package main

import (
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/routes"
)

// routeSelection is what the verbs that select routes have in common: the filter options and the family.
type routeSelection struct {
	routeFilter
	inet, inet6 bool
}

// addSelection gives a verb the filter options, -4 and -6.
func addSelection(cmd *cobra.Command, s *routeSelection) {
	cmd.Flags().SortFlags = false
	cmd.Flags().BoolVarP(&s.inet, "inet", "4", false, "IPv4 only")
	cmd.Flags().BoolVarP(&s.inet6, "inet6", "6", false, "IPv6 only")
	addFilterFlags(cmd, &s.routeFilter)
}

// selection checks what was given together.
func (s *routeSelection) selection() (routes.Filter, error) {
	f, err := s.routeFilter.filter()
	if err != nil {
		return f, err
	}
	only := uint8(0)
	switch {
	case s.inet && !s.inet6:
		only = unix.AF_INET
	case s.inet6 && !s.inet:
		only = unix.AF_INET6
	}
	f.Family, err = s.routeFilter.family(only)
	f.Family = max(f.Family, only)
	return f, err
}

// namesTables reports whether a table was named.
func (s *routeSelection) namesTables() bool {
	return slices.ContainsFunc(s.given, func(name string) bool { return name == "table" || name == "all-tables" || name == "vrf" })
}

// noWords refuses operands.
func noWords(e *env) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		e.setName(cmd)
		if len(args) > 0 {
			return fail(statusUsage, "%q: no word is expected here, only options", args[0])
		}
		return nil
	}
}

// newRouteSaveCommand returns `gnet route save`.
func newRouteSaveCommand(e *env) *cobra.Command {
	var s routeSelection
	cmd := &cobra.Command{
		Use:   "save",
		Short: "Write routes so that restore can put them back",
		Long: `Write routes of both families as lines of JSON, with all that the kernel
lists about them: restore puts them back exactly. Without --table and
--all-tables those of the main table.`,
		Args:              noWords(e),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			f, err := s.selection()
			if err != nil {
				return err
			}
			return saveRoutes(e, f)
		},
	}
	addSelection(cmd, &s)
	return cmd
}

func saveRoutes(e *env, f routes.Filter) error {
	conn, err := dialRoutes(&f)
	if err != nil {
		return err
	}
	defer conn.Close()
	doc := e.document(render.JSONL, routeSaveSchema)
	rows := render.NewRows(doc, savedColumns())
	for r, err := range conn.Selected(&f) {
		if err != nil {
			return err
		}
		if err := rows.Write(r); err != nil {
			return err
		}
	}
	return e.closeDocument(doc)
}

// dialRoutes connects and finds what the filter names.
func dialRoutes(f *routes.Filter) (*routes.Conn, error) {
	conn, err := routes.Dial()
	if err != nil {
		return nil, err
	}
	if err := conn.Resolve(f); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// saveLabels finds the numbers of names that administrators give.
func saveLabels() routes.Labels {
	return routes.Labels{
		Table: func(name string) (uint32, bool) { return numberOfLabel("rt_tables", name) },
		Protocol: func(name string) (uint8, bool) {
			n, ok := numberOfLabel("rt_protos", name)
			return uint8(n), ok && n <= 0xff
		},
	}
}
