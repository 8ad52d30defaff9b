package live

import (
	"testing"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"
)

// puts counts what is put on a screen, by row.
type puts struct {
	tcell.Screen
	rows []int
}

func (p *puts) Put(x, y int, text string, style tcell.Style) (string, int) {
	p.rows[y]++
	return p.Screen.Put(x, y, text, style)
}

// TestPicture: a row that has not changed is not put on the screen again, nor blanks at the ends of rows that were blank; a screen that was
// lost, or has another size, gets all of its cells.
func TestPicture(t *testing.T) {
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer screen.Fini()
	var p picture
	theme := newTheme(256)
	steps := []struct {
		name   string
		first  func()
		second string
		cursor point
		width  int
	}{
		{"first", func() {}, "a b", noCursor(), 5},
		{"same", func() {}, "a b", noCursor(), 5},
		{"another row", func() {}, "漢", noCursor(), 5},
		{"narrow again", func() {}, "cd", noCursor(), 5},
		{"cursor alone", func() {}, "cd", point{1, 1}, 5},
		{"lost", func() { p.forget() }, "cd", point{1, 1}, 5},
		{"narrower", func() {}, "e", point{1, 1}, 4},
		{"wider", func() {}, "e", point{1, 1}, 5},
		{"nothing", func() {}, "", point{1, 1}, 5},
	}
	var got []any
	for _, s := range steps {
		s.first()
		screen.SetSize(s.width, 3)
		p.begin(s.width, 3)
		c := &Canvas{picture: &p, w: s.width, h: 3}
		c.Text(0, 0, Plain, "top")
		c.Text(1, 1, Good, s.second)
		p.cursor = s.cursor
		counted := &puts{screen, make([]int, 3)}
		changed := p.flush(counted, theme)
		screen.Show()
		line := ""
		for x := 0; x < s.width; {
			text, _, width := screen.Get(x, 1)
			line += text
			x += width
		}
		got = append(got, s.name, changed, counted.rows, line)
	}
	want := []any{"first", true, []int{6, 6, 0}, " a b ", "same", false, []int{0, 0, 0}, " a b ", "another row", true, []int{0, 5, 0}, " 漢  ",
		"narrow again", true, []int{0, 5, 0}, " cd  ", "cursor alone", true, []int{0, 0, 0}, " cd  ", "lost", true, []int{8, 7, 5}, " cd  ",
		"narrower", true, []int{7, 5, 4}, " e  ", "wider", true, []int{8, 6, 5}, " e   ", "nothing", true, []int{0, 2, 0}, "     "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
