package live

import (
	"strings"

	"gnet/internal/safe"
)

// Canvas is a rectangle of the screen. Coordinates count from its upper left corner; nothing is drawn outside of it.
type Canvas struct {
	picture    *picture
	x, y, w, h int
	// ASCII asks for pictures of ASCII characters.
	ASCII bool
}

// Size returns the columns and rows.
func (c *Canvas) Size() (w, h int) { return c.w, c.h }

// Part returns the rectangle of that size at x, y, cut to c. Drawing there draws on c.
func (c *Canvas) Part(x, y, w, h int) *Canvas {
	p := *c
	x, y = max(x, 0), max(y, 0)
	p.x, p.y = c.x+x, c.y+y
	p.w, p.h = max(min(w, c.w-x), 0), max(min(h, c.h-y), 0)
	return &p
}

// Text writes s at x, y, made safe for a terminal, and returns the column behind it. Where it does not fit the last column has a
// mark.
func (c *Canvas) Text(x, y int, st Style, s string) int {
	return c.Cell(x, y, c.w-x, st, s)
}

// Cell writes s into n columns at x, y, as Text does; it returns the column behind what was written.
func (c *Canvas) Cell(x, y, n int, st Style, s string) int {
	end := min(x+n, c.w)
	if y < 0 || y >= c.h || x < 0 {
		return x
	}
	s = safe.String(s)
	for s != "" && x < end {
		first, rest, width := cluster(s)
		if x+width > end || rest != "" && x+width >= end {
			c.picture.put(c.x+x, c.y+y, c.more(), 1, st)
			return end
		}
		if width > 0 { // a mark that combines with nothing takes no column
			c.picture.put(c.x+x, c.y+y, first, width, st)
		}
		s, x = rest, x+width
	}
	return x
}

// Words writes as many of the words as there is room for, in their order, with two blanks between.
func (c *Canvas) Words(y int, st Style, words ...string) {
	x := 0
	for _, word := range words {
		n := Columns(word)
		if x > 0 && x+n > c.w {
			return
		}
		x = c.Text(x, y, st, word) + 2
	}
}

// Clear makes the rectangle blank.
func (c *Canvas) Clear() {
	for y := range c.h {
		c.Cell(0, y, c.w, Plain, blanks(c.w))
	}
}

func blanks(n int) string { return strings.Repeat(" ", n) }

// Right writes s so that it ends before column x+n; what does not fit is cut at its end.
func (c *Canvas) Right(x, y, n int, st Style, s string) {
	c.Cell(x+max(n-Columns(s), 0), y, min(n, Columns(s)), st, s)
}

// more is the mark of text that goes on.
func (c *Canvas) more() string {
	if c.ASCII {
		return "+"
	}
	return "…"
}

// Put writes one character of one column.
func (c *Canvas) Put(x, y int, st Style, r rune) {
	if x >= 0 && y >= 0 && x < c.w && y < c.h {
		c.picture.put(c.x+x, c.y+y, string(r), 1, st)
	}
}

// Fill gives row y a style, with what stands there.
func (c *Canvas) Fill(y int, st Style) {
	if y < 0 || y >= c.h {
		return
	}
	for x := range c.w {
		cell := c.picture.at(c.x+x, c.y+y)
		cell.style = st
		c.picture.cells[(c.y+y)*c.picture.w+c.x+x] = cell
	}
}

// Cursor shows the cursor at x, y.
func (c *Canvas) Cursor(x, y int) {
	if x >= 0 && y >= 0 && x < c.w && y < c.h {
		c.picture.cursor = point{c.x + x, c.y + y}
	}
}
