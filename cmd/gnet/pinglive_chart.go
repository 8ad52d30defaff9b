package main

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"gnet/internal/chart"
	"gnet/internal/live"
)

// scale is how round trips are drawn: by their logarithm, or evenly from zero or, with fit, from a little below the shortest.
type scale struct{ log, fit bool }

// other is the word for the other scale.
func (s scale) other() string {
	if s.log {
		return "linear"
	}
	return "logarithmic"
}

// timeAxis is an axis of round trips, in nanoseconds.
type timeAxis struct {
	log    bool
	lo, hi float64
	ticks  []float64
	word   func(float64) string
}

// axis makes one for times from lo to hi, with about n names.
func (s scale) axis(shortest, longest time.Duration, n int) timeAxis {
	lo, hi := max(float64(shortest), 1000), max(float64(longest), 1000)
	a := timeAxis{log: s.log}
	if s.log {
		a.lo, a.hi = lo/1.1, hi*1.1
		if a.hi/a.lo < 10 { // a decade at least, or there are no names
			middle := math.Sqrt(a.lo * a.hi)
			a.lo, a.hi = middle/math.Sqrt(10), middle*math.Sqrt(10)
		}
		a.ticks = chart.Decades(a.lo, a.hi, n)
		a.word = func(v float64) string {
			size, unit := chart.TimeUnit(2 * v) // 1 ms and not 1000 us
			return chart.TickText(v/size, v/size) + " " + unit
		}
		return a
	}
	if !s.fit {
		lo = 0
	}
	size, unit := chart.TimeUnit(hi)
	step := chart.Step(max(hi-lo, 1000), n)
	a.lo, a.hi = math.Floor(lo/step)*step, math.Ceil(hi/step*1.0001)*step
	a.ticks = chart.Ticks(a.lo, a.hi, step)
	a.word = func(v float64) string { return chart.TickText(v/size, step/size) + " " + unit }
	return a
}

// share is where on the axis a time is: 0 at its lower end, 1 at its upper.
func (a *timeAxis) share(d time.Duration) float64 {
	v, lo, hi := float64(d), a.lo, a.hi
	if a.log {
		v, lo, hi = math.Log10(max(v, lo)), math.Log10(lo), math.Log10(hi)
	}
	return min(max((v-lo)/(hi-lo), 0), 1)
}

// rttColumn is what a column of dots shows: the probes of a zoomed group.
type rttColumn struct {
	foldedPoint
	waiting, again int64
}

// columns folds the kept probes that a chart of n columns shows up to seq. Groups begin at multiples of their size, so that a
// column stays what it is when the next one comes.
func (v *pingView) columns(t *pingTrack, n int) []rttColumn {
	list := make([]rttColumn, n)
	last := (v.shown(t) - 1) >> v.zoom
	for i := range list {
		group := last - int64(n-1-i)
		if group < 0 {
			continue
		}
		for seq := max(group<<v.zoom+1, t.first); seq <= min((group+1)<<v.zoom, v.shown(t)); seq++ {
			list[i].add(t.held(seq))
		}
	}
	return list
}

// add adds a probe.
func (c *rttColumn) add(p *trackedProbe) {
	q := foldedPoint{at: p.at, end: p.at, n: 1}
	switch p.fate {
	case fateAnswered:
		q.answered, q.min, q.max, q.sum = 1, p.rtt, p.rtt, p.rtt
	case fateSilent:
		q.silent = 1
	case fateError:
		q.errs = 1
	case fateRefused:
		q.refused = 1
	default:
		c.waiting++
	}
	if p.again {
		c.again++
	}
	if c.n == 0 {
		c.foldedPoint = q
		return
	}
	c.join(&q)
}

// mark is the sign below a column, and how grave it is: 0 for none.
func (c *rttColumn) mark() (sign rune, style live.Style, grave int) {
	switch {
	case c.errs > 0:
		return '!', live.Bad, 5
	case c.silent > 0:
		return 'x', live.Bad, 4
	case c.refused > 0:
		return '-', live.Warn, 3
	case c.again > 0:
		return '+', live.Warn, 2
	case c.waiting > 0:
		return '.', live.Faint, 1
	}
	return ' ', live.Plain, 0
}

// axisWidth is that of the names of an axis.
const axisWidth = 8

// chart draws the round trips over time, with the marks of the lost and the time since the start below.
func (v *pingView) chart(c *live.Canvas, t *pingTrack) {
	w, h := c.Size()
	rows, cells := h-2, w-axisWidth-1
	if rows < 1 || cells < 4 {
		return
	}
	dots := chart.NewDots(cells, rows, c.ASCII)
	across, down := dots.PerCell()
	list := v.columns(t, cells*across)
	lo, hi, longest := v.spanOf(list)
	if longest > hi && rows > 2 {
		beyond(c, list, hi, across)
		c = c.Part(0, 1, w, h-1)
		rows--
		dots = chart.NewDots(cells, rows, c.ASCII)
	} else {
		hi = longest
	}
	axis := v.axis(lo, hi, max(rows/3, 1))
	if hi > 0 {
		v.axisNames(c, &axis, rows, down)
	} else {
		for y := range rows {
			c.Put(axisWidth, y, live.Faint, wall(c.ASCII))
		}
	}
	drawColumns(dots, list, &axis)
	for y := range rows {
		for x := range cells {
			if r, ink := dots.Cell(x, y); r != ' ' {
				c.Put(axisWidth+1+x, y, live.Style(ink), r)
			}
		}
	}
	v.below(c.Part(axisWidth+1, rows, cells, 2), list, across)
}

// spanOf returns the shortest round trip, the longest one that is drawn to scale, and the longest one. A linear scale is made for 95 % of the
// columns where the longest round trip is more than four times longer: drawn to scale it would leave them a line at the bottom.
func (v *pingView) spanOf(list []rttColumn) (lo, hi, longest time.Duration) {
	const few, far, near = 8, 4, 2
	var tops []time.Duration
	for i := range list {
		if p := &list[i]; p.answered > 0 {
			if longest == 0 || p.min < lo {
				lo = p.min
			}
			longest = max(longest, p.max)
			tops = append(tops, p.max)
		}
	}
	if v.log || len(tops) < few {
		return lo, longest, longest
	}
	slices.Sort(tops)
	usual := tops[(len(tops)-1)*95/100]
	if longest <= far*usual {
		return lo, longest, longest
	}
	for _, top := range tops {
		if top <= near*usual {
			hi = top
		}
	}
	return lo, hi, longest
}

// beyond draws the row above a chart: a mark over each column that goes beyond it, and how long it is, where there is room for the number: the
// longest ones have theirs first.
func beyond(c *live.Canvas, list []rttColumn, hi time.Duration, across int) {
	c.Right(0, 0, axisWidth, live.Faint, "beyond")
	c.Put(axisWidth, 0, live.Faint, wall(c.ASCII))
	mark := '▲'
	if c.ASCII {
		mark = '^'
	}
	tops := make([]time.Duration, len(list)/across) // by cell
	taken := make([]bool, len(tops))
	var marked []int
	for x := range tops {
		for i := range list[x*across : (x+1)*across] {
			tops[x] = max(tops[x], list[x*across+i].max)
		}
		if taken[x] = tops[x] > hi; taken[x] {
			marked = append(marked, x)
			c.Put(axisWidth+1+x, 0, live.Warn, mark)
		}
	}
	slices.SortStableFunc(marked, func(a, b int) int { return cmp.Compare(tops[b], tops[a]) })
	for _, x := range marked {
		text := threeDigits(tops[x]) + " ms"
		for _, at := range []int{x + 2, x - 1 - len(text)} {
			left, right := max(at-1, 0), min(at+len(text)+1, len(taken))
			if at < x {
				right = x
			} else {
				left = x + 1
			}
			if at < 0 || at+len(text) > len(taken) || slices.Contains(taken[left:right], true) {
				continue
			}
			c.Text(axisWidth+1+at, 0, live.Warn, text)
			for i := range text {
				taken[at+i] = true
			}
			break
		}
	}
}

// drawColumns draws the columns: a line through the round trips, and a dotted wall where an answer is missing.
func drawColumns(dots *chart.Dots, list []rttColumn, axis *timeAxis) {
	_, tall := dots.Size()
	place := func(d time.Duration) int { return tall - 1 - int(axis.share(d)*float64(tall-1)+0.5) }
	before := -1
	for x := range list {
		p := &list[x]
		if p.silent+p.errs > 0 {
			for y := 0; y < tall; y += 2 {
				dots.Set(x, y, uint8(live.Bad), ':')
			}
		}
		if p.answered == 0 {
			before = -1
			continue
		}
		top, bottom := place(p.max), place(p.min)
		if before >= 0 && before < top {
			dots.Upright(x, before+1, top, uint8(live.Series1), '|')
		} else if before > bottom {
			dots.Upright(x, bottom, before-1, uint8(live.Series1), '|')
		}
		dots.Upright(x, top, bottom, uint8(live.Series1), '*')
		before = place(p.sum / time.Duration(p.answered))
	}
}

// wall is the line of an axis.
func wall(ascii bool) rune {
	if ascii {
		return '|'
	}
	return '│'
}

// axisNames draws the axis at the left.
func (v *pingView) axisNames(c *live.Canvas, a *timeAxis, rows, down int) {
	taken := make([]bool, rows)
	for y := range rows {
		c.Put(axisWidth, y, live.Faint, wall(c.ASCII))
	}
	for _, tick := range a.ticks {
		tall := rows*down - 1
		y := (tall - int(a.share(time.Duration(tick))*float64(tall)+0.5)) / down
		if y < 0 || y >= rows || taken[y] {
			continue
		}
		taken[y] = true
		c.Right(0, y, axisWidth, live.Faint, a.word(tick))
	}
}

// below draws the marks and the times below a chart.
func (v *pingView) below(c *live.Canvas, list []rttColumn, across int) {
	cells, _ := c.Size()
	free := 0 // the first cell behind the last time
	for x := range cells {
		sign, style, grave := ' ', live.Plain, 0
		for _, p := range list[x*across : (x+1)*across] {
			if r, s, g := p.mark(); g > grave {
				sign, style, grave = r, s, g
			}
		}
		if grave > 0 {
			c.Put(x, 0, style, sign)
		}
		p := &list[x*across]
		if p.n == 0 || x%16 != 0 && free > 0 {
			continue
		}
		if text := clockOf(p.at); x >= free && x+len(text) <= cells {
			c.Text(x, 1, live.Faint, text)
			free = x + len(text) + 2
		}
	}
}

// histogram draws how the round trips are spread, as fine as there is room for.
func (v *pingView) histogram(c *live.Canvas, t *pingTrack) {
	w, h := c.Size()
	if t.spread == nil || t.spread.Count() == 0 || h < 2 {
		c.Text(0, 0, live.Faint, "no answer so far")
		return
	}
	rows := spreadRows(t.spread, h-1)
	most := int64(0)
	for _, r := range rows {
		most = max(most, r.Count)
	}
	c.Text(0, 0, live.Heading, "    from ms     answers")
	sign := "█"
	if c.ASCII {
		sign = "#"
	}
	shown := rows
	if len(rows) > h-1 {
		shown = rows[:h-2]
		c.Text(0, h-1, live.Faint, "the longer ones have no room here")
	}
	for i, r := range shown {
		c.Right(0, i+1, 11, live.Plain, threeDigits(r.From))
		c.Right(12, i+1, 11, live.Plain, numeral(r.Count))
		if room := w - 25; room > 0 {
			bar := (r.Count*int64(room) + most - 1) / most // nothing is drawn of nothing alone
			c.Text(24, i+1, live.Series1, strings.Repeat(sign, int(bar)))
		}
	}
}
