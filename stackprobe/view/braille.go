package view

import (
	"strconv"
	"unicode/utf8"

	"gnet/internal/chart"
)

// tint is the colour of a part of a plot: a number of the palette of 256 colours that terminals share, next to Okabe and Ito's.
type tint uint8

// The tints. None is the terminal's own colour.
const (
	tintNone   tint = 0
	tintDim    tint = 244
	tintRed    tint = 202 // vermillion
	tintGreen  tint = 35
	tintGold   tint = 185
	tintOrange tint = 214
	tintBlue   tint = 74
	tintViolet tint = 175
)

// pen is how a line is drawn on a canvas. Where there is no braille its sign stands in each cell.
type pen struct {
	tint  tint
	ascii byte
	// gap leaves out dots: of each period of 2*gap the second half; 0 is a whole line.
	gap int
	// fill is for areas: every second dot of every second row.
	fill bool
}

// canvas is a drawing of dots with letters over them.
type canvas struct {
	*chart.Dots
	w, h   int // in cells
	dw, dh int // dots in a cell
	tints  []tint
	runes  []rune // a letter over the dots, 0 for none
}

// newCanvas gives an empty one of so many cells.
func newCanvas(w, h int, ascii bool) *canvas {
	c := &canvas{Dots: chart.NewDots(w, h, ascii), w: w, h: h, tints: make([]tint, w*h), runes: make([]rune, w*h)}
	c.dw, c.dh = c.PerCell()
	return c
}

// dot draws the dot at x, y, counted from the upper left; outside it draws nothing.
func (c *canvas) dot(x, y int, p *pen) { c.Set(x, y, uint8(p.tint), p.ascii) }

// on says whether the pen draws at that place of a line.
func (p *pen) on(at int) bool { return p.gap == 0 || at%(2*p.gap) < p.gap }

// upright draws a vertical line.
func (c *canvas) upright(x, y0, y1 int, p *pen) {
	y0, y1 = max(min(y0, y1), 0), min(max(y0, y1), c.h*c.dh-1)
	for y := y0; y <= y1; y++ {
		if p.on(y) || c.dh == 1 {
			c.dot(x, y, p)
		}
	}
}

// level draws a horizontal line.
func (c *canvas) level(x0, x1, y int, p *pen) {
	x0, x1 = max(min(x0, x1), 0), min(max(x0, x1), c.w*c.dw-1)
	for x := x0; x <= x1; x++ {
		if p.on(x) || c.dh == 1 {
			c.dot(x, y, p)
		}
	}
}

// below fills a column from y to the bottom.
func (c *canvas) below(x, y int, p *pen) {
	for ; y < c.h*c.dh; y++ {
		if c.dh == 1 || x%2 == 0 && y%2 == 0 {
			c.dot(max(x, 0), max(y, 0), p)
		}
	}
}

// drawn says whether a cell has dots.
func (c *canvas) drawn(x, y int) bool {
	r, _ := c.Cell(x, y)
	return r != ' '
}

// write puts letters over the dots, if none are there; where they must not cover dots either, free says so.
func (c *canvas) write(x, y int, s string, t tint, free bool) bool {
	n := utf8.RuneCountInString(s)
	if x < 0 || y < 0 || y >= c.h || x+n > c.w {
		return false
	}
	for i := range n {
		if at := y*c.w + x + i; c.runes[at] != 0 || free && c.drawn(x+i, y) {
			return false
		}
	}
	for _, r := range s {
		c.runes[y*c.w+x], c.tints[y*c.w+x] = r, t
		x++
	}
	return true
}

// appendRow writes a row of cells, without blanks at its end.
func (c *canvas) appendRow(b []byte, y int, color bool) []byte {
	row, end := y*c.w, c.w
	for end > 0 && c.runes[row+end-1] == 0 && !c.drawn(end-1, y) {
		end--
	}
	now := tintNone
	for i := row; i < row+end; i++ {
		r, t := c.runes[i], c.tints[i]
		if r == 0 {
			var ink uint8
			r, ink = c.Cell(i-row, y)
			t = tint(ink)
		}
		if r != ' ' {
			b = appendTint(b, &now, t, color)
		}
		b = utf8.AppendRune(b, r)
	}
	return appendTint(b, &now, tintNone, color)
}

// appendTint changes the colour of what follows (ECMA-48 8.3.117, with the palette of ISO 8613-6).
func appendTint(b []byte, now *tint, to tint, color bool) []byte {
	switch {
	case !color || *now == to:
	case to == tintNone:
		b = append(b, "\x1b[0m"...)
	default:
		b = append(b, "\x1b[38;5;"...)
		b = append(strconv.AppendUint(b, uint64(to), 10), 'm')
	}
	*now = to
	return b
}
