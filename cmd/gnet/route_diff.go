package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"gnet/internal/render"
	"gnet/routes"
)

// routeDiffSchema names the document of differences; gnet-json(5).
const routeDiffSchema = "gnet/route-diff/1"

// newRouteDiffCommand returns `gnet route diff FILE`.
func newRouteDiffCommand(e *env) *cobra.Command {
	var s routeSelection
	cmd := &cobra.Command{
		Use:   "diff FILE",
		Short: "Compare saved routes with the tables",
		Long: `Compare the routes of a file with the tables: what restore would add (+) or replace
(~), and what is there beyond the file (-), in the tables that the file has
routes of or that --table names. Status 1: there are differences.`,
		Args: func(cmd *cobra.Command, args []string) error {
			e.setName(cmd)
			if len(args) != 1 {
				return fail(statusUsage, "one file, or - for standard input, got %d words", len(args))
			}
			return nil
		},
	}
	addSelection(cmd, &s)
	format := formatFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := s.selection()
		if err != nil {
			return err
		}
		if !s.namesTables() {
			f.Table = 0 // those of the file
		}
		out, err := format()
		if err != nil {
			return err
		}
		return diffRoutes(cmd.Context(), e, args[0], f, out)
	}
	return cmd
}

func diffRoutes(ctx context.Context, e *env, name string, f routes.Filter, format render.Format) error {
	file, err := openSaved(ctx, e, name)
	if err != nil {
		return err
	}
	defer file.Close()
	conn, err := dialRoutes(&f)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := diffWriter{e: e}
	if format != render.Classic {
		w.doc = e.document(format, routeDiffSchema)
		w.rows = render.NewRows(w.doc, diffColumns())
	}
	for d, err := range conn.Diff(file, saveLabels(), &f) {
		if bad := (*routes.ParseError)(nil); errors.As(err, &bad) {
			w.found++
			e.warn("%v", bad)
			continue
		}
		if err != nil {
			return savedFileError(name, err)
		}
		if err := w.write(d); err != nil {
			return err
		}
	}
	return w.end()
}

// diffWriter prints differences.
type diffWriter struct {
	e     *env
	doc   *render.Document
	rows  *render.Rows[routes.Difference]
	found int
}

func (w *diffWriter) write(d *routes.Difference) error {
	w.found++
	if w.rows != nil {
		return w.rows.Write(d)
	}
	mark, text := diffMark(d), ""
	switch {
	case d.File == nil:
		text = routeText(d.Kernel)
	case d.Kernel == nil:
		text = routeText(d.File)
	default:
		text = routeText(d.File) + "  was: " + routeText(d.Kernel)
	}
	_, err := fmt.Fprintf(w.e.Stdout, "%s %s\n", mark, text)
	return err
}

func (w *diffWriter) end() error {
	if w.doc != nil {
		if err := w.e.closeDocument(w.doc); err != nil {
			return err
		}
	}
	if w.found > 0 {
		return exitSilently(statusNo)
	}
	return nil
}

func diffMark(d *routes.Difference) string {
	switch {
	case d.File == nil:
		return "-"
	case d.Kernel == nil:
		return "+"
	}
	return "~"
}

// diffColumns describes a difference: the keys of a saved route, of the file's where there is one, behind what it is.
func diffColumns() []render.Column[routes.Difference] {
	type row = routes.Difference
	columns := []render.Column[row]{
		{Field: render.Field{Name: "change", Kind: render.String, Doc: "add or replace, which restore would do, or extra: not in the file"},
			Get: func(d *row, v *render.Value) {
				v.Str(map[string]string{"+": "add", "~": "replace", "-": "extra"}[diffMark(d)])
			}},
		{Field: render.Field{Name: "line", Kind: render.Uint, Doc: "line in the file, of lines of JSON"},
			Get: func(d *row, v *render.Value) { setNonZero(v, uint64(d.Place.Line)) }},
		{Field: render.Field{Name: "item", Kind: render.Uint, Doc: "number of the route in the file, from 1"},
			Get: func(d *row, v *render.Value) { setNonZero(v, uint64(d.Place.Item)) }},
		{Field: render.Field{Name: "was", Kind: render.String, Doc: "the route that would be replaced"},
			Get: func(d *row, v *render.Value) {
				if d.File != nil && d.Kernel != nil {
					v.Str(routeText(d.Kernel))
				}
			}},
	}
	for _, c := range savedColumns() {
		columns = append(columns, render.Column[row]{Field: c.Field, Get: func(d *row, v *render.Value) {
			if r := d.File; r != nil {
				c.Get(r, v)
			} else {
				c.Get(d.Kernel, v)
			}
		}})
	}
	return columns
}
