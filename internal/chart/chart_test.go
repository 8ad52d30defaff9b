package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStep(t *testing.T) {
	got := []float64{Step(100, 5), Step(7, 3), Step(0.3, 10), Step(0, 4), Step(1e9, 3)}
	if diff := cmp.Diff([]float64{20, 5, 0.05, 1, 5e8}, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestTicks(t *testing.T) {
	if diff := cmp.Diff([]float64{-10, 0, 10, 20}, Ticks(-10, 25, 10)); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if diff := cmp.Diff([]float64{1, 2, 5, 10, 20}, Decades(1, 20, 8)); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if diff := cmp.Diff([]float64{1, 10, 100}, Decades(1, 300, 3)); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

func TestDots(t *testing.T) {
	rows := func(d *Dots) (text []string) {
		for y := range d.h {
			line := ""
			for x := range d.w {
				r, _ := d.Cell(x, y)
				line += string(r)
			}
			text = append(text, line)
		}
		return text
	}
	draw := func(ascii bool) []string {
		d := NewDots(3, 2, ascii)
		w, h := d.Size()
		for x := range w {
			d.Set(x, h-1-x*h/w, 1, '*')
		}
		d.Upright(w-1, h, -4, 2, '|')
		d.Set(-1, 0, 1, 'x')
		d.Set(0, h, 1, 'x')
		return rows(d)
	}
	if diff := cmp.Diff([][]string{{" ⢀⢼", "⡠⠂⢸"}, {"  |", "**|"}}, [][]string{draw(false), draw(true)}); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	all := NewDots(1, 1, false)
	for x := range 2 {
		all.Upright(x, 0, 3, 7, ' ')
	}
	if r, ink := all.Cell(0, 0); r != '⣿' || ink != 7 {
		t.Errorf("all dots: %q, ink %d", r, ink)
	}
}

func TestAppendXML(t *testing.T) {
	if diff := cmp.Diff(`&lt;a&gt;&amp;&quot;\x1b?`, string(AppendXML(nil, "<a>&\"\x1b\uffff"))); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	if diff := cmp.Diff("-1.3 0 12", string(AppendNumber(append(AppendNumber(append(AppendNumber(nil, -1.26), ' '), 0.04), ' '), 12))); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}
