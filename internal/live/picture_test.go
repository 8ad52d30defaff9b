package live

import (
	"testing"

	"github.com/gdamore/tcell/v2"
	"github.com/google/go-cmp/cmp"
)

// puts counts what is put on a screen, by row.
type puts struct {
	tcell.Screen
	rows map[int]int
}

func (p *puts) Put(x, y int, text string, style tcell.Style) (string, int) {
	p.rows[y]++
	return p.Screen.Put(x, y, text, style)
}

// TestPicture: a row that has not changed is not put on the screen again, and a screen that was lost gets all of them.
func TestPicture(t *testing.T) {
	screen := tcell.NewSimulationScreen("UTF-8")
	if err := screen.Init(); err != nil {
		t.Fatal(err)
	}
	defer screen.Fini()
	screen.SetSize(4, 3)
	var p picture
	theme := newTheme(256)
	steps := []struct {
		name   string
		first  func()
		second string
		cursor point
	}{
		{"first", func() {}, "ab", noCursor()},
		{"same", func() {}, "ab", noCursor()},
		{"another row", func() {}, "漢", noCursor()},
		{"narrow again", func() {}, "cd", noCursor()},
		{"cursor alone", func() {}, "cd", point{1, 1}},
		{"lost", func() { p.forget() }, "cd", point{1, 1}},
	}
	var got []any
	for _, s := range steps {
		s.first()
		p.begin(4, 3)
		c := &Canvas{picture: &p, w: 4, h: 3}
		c.Text(0, 0, Plain, "top")
		c.Text(1, 1, Good, s.second)
		p.cursor = s.cursor
		counted := &puts{screen, map[int]int{}}
		changed := p.flush(counted, theme)
		screen.Show()
		line := ""
		for x := 0; x < 4; {
			text, _, width := screen.Get(x, 1)
			line += text
			x += width
		}
		got = append(got, s.name, changed, len(counted.rows), line)
	}
	want := []any{"first", true, 3, " ab ", "same", false, 0, " ab ", "another row", true, 1, " 漢 ", "narrow again", true, 1, " cd ",
		"cursor alone", true, 0, " cd ", "lost", true, 3, " cd "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
