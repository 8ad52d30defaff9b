package view

import (
	"io"
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// Plot draws the plots of one run in the terminal: the sequence space of each direction that carries data in tcptrace's marks, and
// below it the congestion window, round trips and goodput over the same time. It keeps what Sequence keeps, the expectations of a
// lesson, and draws at Close. Explain and Unfold mean nothing to it, and numbers are relative.
type Plot struct {
	page page
	seq  *Sequence
	sum  analyze.Summary
	// legend is what was drawn.
	legend legend
	crosses
	// sacks are where the last letters of SACK blocks stand, by their number.
	sacks [event.MaxBlocks + 1]int
}

// crosses are the signs of what the link took: a segment, and an acknowledgment of what is drawn.
type crosses struct{ lost, ackLost string }

// The heights of the panels, in rows.
const (
	sequenceRows = 20
	windowRows   = 8
	goodputRows  = 5
	axisColumns  = 9 // for the numbers at the left
)

// NewPlot gives a plot that writes to w. Close must be called at the end.
func NewPlot(w io.Writer, o Options) *Plot {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	p := &Plot{page: page{w: w, opts: o, glyphs: unicodeGlyphs}, seq: NewSequence()}
	p.crosses = crosses{"✗", "⊗"}
	if o.ASCII {
		p.page.glyphs, p.crosses = asciiGlyphs, crosses{"x", "*"}
	}
	return p
}

// Event takes e, in which package analyze has derived what follows. It keeps no reference to e. The error is that of the writer.
func (p *Plot) Event(e *event.Event) error {
	p.sum.Add(e)
	p.seq.Event(e)
	switch {
	case e.Kind == event.KindRun && e.Run != nil:
		p.page.run(e.Run)
	case e.Kind == event.KindExpectation:
		p.page.expected(e.Expectation)
	}
	return p.page.err
}

// Close draws. It does not close the writer.
func (p *Plot) Close() error {
	list := p.seq.layout(0)
	for i := range list {
		p.panel(&list[i])
	}
	for _, line := range plotNotes(p.seq, list) {
		p.page.text("note    ", line, faint)
	}
	p.key()
	p.page.summary(&p.sum)
	p.page.verdicts()
	return p.page.err
}

// panel draws one.
func (p *Plot) panel(q *panel) {
	p.page.text("", q.name(), strong)
	rows := [...]int{sequenceRows, windowRows, windowRows, goodputRows}[q.kind]
	c := newCanvas(p.page.opts.Width-axisColumns-1, rows, p.page.opts.ASCII)
	q.x, q.y, q.w, q.h = 0, 0, float64(c.w*c.dw-1), float64(c.h*c.dh-1)
	switch q.kind {
	case panelSequence:
		p.page.text("  ", q.detail(), faint)
		clear(p.sacks[:])
		p.sequence(c, q)
		if q.above {
			p.page.text("  ", "the window's right edge is above, up to "+strconv.FormatInt(q.strand.highest(), 10), faint)
		}
	case panelGoodput:
		window := p.goodput(c, q)
		p.page.text("  ", q.strand.goodputWords(window), faint)
	default:
		p.keys(c, q)
		p.values(c, q)
	}
	p.cuts(c, q)
	p.frame(c, q)
	p.page.emit(p.page.row())
}

// frame writes the canvas with its axes.
func (p *Plot) frame(c *canvas, q *panel) {
	labels := make([]string, c.h)
	values, word := q.figures(max(c.h/3, 2))
	for _, v := range values {
		if y := int(q.down(v)+0.5) / c.dh; v >= 0 && y >= 0 && y < c.h && labels[y] == "" {
			if text := word(v); columns(text) < axisColumns { // a damaged run may claim centuries, and a number is never cut
				labels[y] = text
			}
		}
	}
	side, tick, corner, floor, mark := "│", "┤", "└", '─', '┬'
	if p.page.opts.ASCII {
		side, tick, corner, floor, mark = "|", "+", "+", '-', '+'
	}
	for y, l := range labels {
		edge := side
		if l != "" {
			edge = tick
		}
		b := append(p.page.buf[:0], strings.Repeat(" ", max(axisColumns-1-columns(l), 0))...)
		b = append(b, l...)
		b = append(b, ' ')
		b = append(b, edge...)
		b = c.appendRow(b, y, p.page.opts.Color)
		p.page.line(b)
	}
	axis, numbers := p.page.row(), p.page.row()
	put(axis, axisColumns, corner+strings.Repeat(string(floor), c.w), plain)
	_, name := q.time.unit()
	end := 0
	for _, k := range q.time.ticks(c.w / 12) {
		at, text := axisColumns+1+int(q.across(k.t)+0.5)/c.dw, k.text
		if from := at - columns(text)/2; from > end && from+columns(text) < len(numbers)-len(name)-1 {
			put(axis, at, string(mark), plain)
			put(numbers, from, text, plain)
			end = from + columns(text)
		}
	}
	put(numbers, len(numbers)-len(name), name, plain)
	p.page.emit(axis)
	p.page.emit(numbers)
}

// line writes a row that is ready.
func (p *page) line(b []byte) {
	end := len(b)
	for end > 0 && b[end-1] == ' ' {
		end--
	}
	p.buf = append(b[:end], '\n')
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
}

// cuts marks the times that are cut from the axis.
func (p *Plot) cuts(c *canvas, q *panel) {
	wall := "┊"
	if p.page.opts.ASCII {
		wall = ":"
	}
	for i, k := range q.time.knots {
		if !k.cut {
			continue
		}
		next := q.time.knots[i+1]
		x0, x1 := int(q.w*k.at)/c.dw, int(q.w*next.at)/c.dw
		text := "+" + inUnit(next.t-k.t, 3, " ")
		at := min((x0+x1-columns(text))/2+1, c.w-columns(text))
		for y := c.h - 1; y >= 0 && !c.write(max(at, 0), y, text, tintDim, true); y-- {
		}
		for y := range c.h {
			c.write(x0, y, wall, tintDim, true)
			c.write(x1, y, wall, tintDim, true)
		}
	}
}
