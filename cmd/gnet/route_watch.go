package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gnet/internal/render"
	"gnet/routes"
)

// routeWatchSchema names the document of changes as they come; gnet-json(5).
const routeWatchSchema = "gnet/route-watch/1"

// newRouteWatchCommand returns `gnet route watch`.
func newRouteWatchCommand(e *env) *cobra.Command {
	var s routeSelection
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show changes of the routes as they come",
		Long: `Show changes of the routes that the filter options select as they come, with the
time and the protocol that made them, until interrupted. What the kernel does not
announce (IPv4 routes through an interface that goes down) is found by reading
the tables, as is what it announced faster than it could be read; such lines say
"found".`,
		Args:              noWords(e),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	addSelection(cmd, &s)
	format := formatFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := s.selection()
		if err != nil {
			return err
		}
		out, err := format()
		if err != nil {
			return err
		}
		if out == render.Table {
			return fail(statusUsage, "a table has an end, and watch has none").withHint("--format jsonl, json, csv or classic")
		}
		return watchRoutes(cmd.Context(), e, f, out)
	}
	return cmd
}

// watchedChange is a change and when it was heard of.
type watchedChange struct {
	*routes.RouteChange
	at time.Time
}

func watchRoutes(ctx context.Context, e *env, f routes.Filter, format render.Format) error {
	ctx, cancel := untilSignal(ctx)
	defer cancel()
	conn, err := dialRoutes(&f)
	if err != nil {
		return err
	}
	defer conn.Close()
	var doc *render.Document
	var rows *render.Rows[watchedChange]
	if format != render.Classic {
		doc = e.document(format, routeWatchSchema)
		rows = render.NewRows(doc, watchColumns())
	}
	for ch, err := range conn.Watch(ctx, &f) {
		if err != nil {
			return err
		}
		if ch.Kind == routes.EventsLost {
			e.warn("changes came faster than they could be read; the tables are read again")
			continue
		}
		one := watchedChange{ch, e.Now()}
		if rows != nil {
			err = rows.Change(&one)
			doc.Flush()
		} else {
			err = printChange(e, &one)
		}
		if ferr := e.Stdout.Flush(); err != nil || ferr != nil {
			return exitSilently(statusNo) // the end of the output says what is wrong with it
		}
	}
	if doc != nil {
		return e.closeDocument(doc)
	}
	return nil
}

// printChange prints a line: time, what happened, the route, who made it.
func printChange(e *env, c *watchedChange) error {
	found := ""
	if c.Found {
		found = " (found)"
	}
	_, err := fmt.Fprintf(e.Stdout, "%s %-8s %s%s\n", c.at.Format("15:04:05.000000"), changeWord(c.Kind), routeText(c.Route), found)
	return err
}

func changeWord(kind routes.ChangeKind) string {
	switch kind {
	case routes.RouteAdded:
		return "added"
	case routes.RouteReplaced:
		return "replaced"
	}
	return "deleted"
}

// watchColumns describes a change: the keys of a saved route behind time and change.
func watchColumns() []render.Column[watchedChange] {
	type row = watchedChange
	columns := []render.Column[row]{
		{Field: render.Field{Name: "time", Kind: render.Time, Doc: "when the change was heard of"},
			Get: func(c *row, v *render.Value) { v.Time(c.at) }},
		{Field: render.Field{Name: "change", Kind: render.String, Doc: "added, replaced (the route stands where another was) or deleted"},
			Get: func(c *row, v *render.Value) { v.Str(changeWord(c.Kind)) }},
		{Field: render.Field{Name: "found", Kind: render.Bool, Doc: "true: the kernel did not announce it, it was found in the tables"},
			Get: func(c *row, v *render.Value) {
				if c.Found {
					v.Bool(true)
				}
			}},
	}
	for _, c := range savedColumns() {
		columns = append(columns, render.Column[row]{Field: c.Field, Get: func(w *row, v *render.Value) { c.Get(w.Route, v) }})
	}
	return columns
}
