package render

import (
	"bytes"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"

	"gnet/internal/safe"
)

// tableRows collects escaped cells until the widest of each column is known.
type tableRows struct {
	fields []Field
	rows   [][]string
}

func (t *tableRows) head(fields []Field) { t.fields = fields }

// tableRow returns the row's cells as terminal text; unknown is "-".
func tableRow[T any](columns []Column[T], row *T) []string {
	cells := make([]string, len(columns))
	for i := range columns {
		var v Value
		columns[i].Get(row, &v)
		switch {
		case !v.Known():
			cells[i] = "-"
		case v.kind == List, v.kind == Object:
			cells[i] = listCell(&v)
		default:
			cells[i] = safe.String(string(appendPlain(nil, &v)))
		}
	}
	return cells
}

// listCell shows a list's objects as a/b/c, separated by blanks.
func listCell(v *Value) string {
	objects := make([]string, len(v.list))
	for i, object := range v.list {
		parts := make([]string, 0, len(object))
		for j := range object {
			if object[j].Known() {
				parts = append(parts, safe.String(string(appendPlain(nil, &object[j]))))
			}
		}
		objects[i] = strings.Join(parts, "/")
	}
	if len(objects) == 0 {
		return "-"
	}
	return strings.Join(objects, " ")
}

// render writes the boxed table into out. Columns that are unknown in every
// row are left out: a machine table has more columns than a screen.
func (t *tableRows) render(out *bytes.Buffer) error {
	keep := t.knownColumns()
	head := make([]string, 0, len(keep))
	align := make([]tw.Align, 0, len(keep))
	for _, c := range keep {
		head = append(head, t.fields[c].Name)
		align = append(align, alignment(t.fields[c].Kind))
	}
	w := tablewriter.NewTable(out,
		tablewriter.WithEastAsian(false),
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignment(tw.AlignLeft),
		tablewriter.WithAlignment(align),
		tablewriter.WithRenderer(renderer.NewBlueprint()),
	)
	w.Header(head)
	for _, row := range t.rows {
		cells := make([]string, 0, len(keep))
		for _, c := range keep {
			cells = append(cells, row[c])
		}
		if err := w.Append(cells); err != nil {
			return err
		}
	}
	return w.Render()
}

func (t *tableRows) knownColumns() []int {
	var keep []int
	for c := range t.fields {
		known := len(t.rows) == 0
		for _, row := range t.rows {
			known = known || row[c] != "-"
		}
		if known {
			keep = append(keep, c)
		}
	}
	return keep
}

// Width returns how many columns of a terminal s takes: two for a wide character, none for a combining one. The text must be safe
// for a terminal.
func Width(s string) int {
	twwidth.SetEastAsian(false) // as the table
	return twwidth.WidthNoCache(s)
}

func alignment(k Kind) tw.Align {
	switch k {
	case Int, Uint, Float, Duration:
		return tw.AlignRight
	}
	return tw.AlignLeft
}
