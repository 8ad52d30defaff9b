package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeFlushOptions is what a `route flush` command line asks for.
type routeFlushOptions struct {
	Filter      routes.Filter
	Yes, DryRun bool
	Confirm     time.Duration // as of routeOptions
	Format      render.Format
}

// newRouteFlushCommand returns `gnet route flush`.
func newRouteFlushCommand(e *env) *cobra.Command {
	var s routeSelection
	var o routeFlushOptions
	var all bool
	cmd := &cobra.Command{
		Use:   "flush",
		Short: "Delete the routes that a filter selects",
		Long: `Delete the routes that the filter options select, of the main table unless another
is named. Without any filter --all is needed. It asks first; without a terminal
it refuses unless --yes is given. The kernel's own table local is only flushed
when --table local names it. The last line says what was done; status 1: not all.`,
		Args:              noWords(e),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addSelection(cmd, &s)
	cmd.Flags().BoolVar(&all, "all", false, "every route of the table, when no filter is given")
	cmd.Flags().BoolVar(&o.Yes, "yes", false, "do not ask")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "list what would be deleted, and delete nothing")
	addConfirm(cmd, &o.Confirm)
	format := formatFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if o.Filter, err = s.selection(); err != nil {
			return err
		}
		if o.Format, err = format(); err != nil {
			return err
		}
		if !all && !s.Given() {
			return fail(statusUsage, "flush needs a filter, or --all for every route of the main table").
				withHint("gnet route flush --help lists the filters")
		}
		return flushRoutes(cmd.Context(), e, o)
	}
	return cmd
}

func flushRoutes(ctx context.Context, e *env, o routeFlushOptions) error {
	conn, err := dialRoutes(&o.Filter)
	if err != nil {
		return err
	}
	defer conn.Close()
	if o.DryRun {
		return listFlushable(e, conn, o)
	}
	tellPending(ctx, e)
	if !o.Yes {
		n, err := askFlush(e, conn, &o.Filter)
		if err != nil {
			return err
		}
		if n == 0 { // what comes now was not asked about
			return newChangeReport(e, o.Format).end(&routes.Outcome{}, nil)
		}
	}
	ctx, cancel := untilSignal(ctx)
	defer cancel()
	var m *routes.Memory
	var try *trial
	if o.Confirm != 0 {
		if m, err = conn.RememberFlush(&o.Filter); err == nil {
			try, err = tryMany(ctx, e, conn, o.Confirm, m)
		}
		if err != nil {
			return notBegun(err)
		}
	}
	report := newChangeReport(e, o.Format)
	outcome, err := conn.FlushRemembered(ctx, &o.Filter, m, func(r *rtnl.Route, err error) {
		report.failed(notChanged{route: r, err: err})
	})
	return report.endTrial(try, &outcome, err)
}

// listFlushable lists what would be deleted.
func listFlushable(e *env, conn *routes.Conn, o routeFlushOptions) error {
	var doc *render.Document
	var rows *render.Rows[rtnl.Route]
	if o.Format != render.Classic {
		doc = e.document(o.Format, routeSaveSchema)
		rows = render.NewRows(doc, savedColumns())
	}
	n := 0
	for r, err := range conn.Flushable(&o.Filter) {
		if err != nil {
			return err
		}
		n++
		if rows == nil {
			fmt.Fprintln(e.Stdout, "would delete "+routeText(r))
		} else if err := rows.Write(r); err != nil {
			return err
		}
	}
	if doc != nil {
		return e.closeDocument(doc)
	}
	fmt.Fprintf(e.Stdout, "%s would be deleted\n", countRoutes(uint64(n)))
	return nil
}

func countRoutes(n uint64) string {
	if n == 1 {
		return "1 route"
	}
	return fmt.Sprintf("%d routes", n)
}

// askFlush asks whoever sits at the terminal about n routes, and does not ask when
// there are none. Anything but y or yes is no, which is an error.
func askFlush(e *env, conn *routes.Conn, f *routes.Filter) (n uint64, err error) {
	if !e.canAsk() {
		return 0, fail(statusUsage, "flush asks before it deletes, and there is no terminal").
			withHint("--yes deletes without asking, --dry-run lists what would go")
	}
	var kernels uint64
	for r, err := range conn.Flushable(f) {
		if err != nil {
			return 0, err
		}
		if n++; r.Protocol == unix.RTPROT_KERNEL {
			kernels++
		}
	}
	if n == 0 {
		return 0, nil
	}
	of := ""
	if kernels > 0 {
		of = fmt.Sprintf(", %d of them made by the kernel for its own addresses", kernels)
	}
	e.Stdout.Flush()
	fmt.Fprintf(e.Stderr, "delete %s%s? [y/N] ", countRoutes(n), of)
	answer, err := bufio.NewReader(e.Stdin).ReadString('\n')
	if err != nil && err != io.EOF {
		return 0, err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return n, nil
	}
	return 0, fail(statusNo, "nothing was deleted")
}
