package main

import (
	"fmt"
	"strconv"
	"time"

	"gnet/internal/live"
)

// numeral writes a number.
func numeral(n int64) string { return strconv.FormatInt(n, 10) }

// millisColumns are those of cellMillis.
const millisColumns = 6

// cellMillis writes milliseconds as threeDigits does, in no more than millisColumns up to a quarter of an hour: less than ten microseconds
// have four decimals.
func cellMillis(d time.Duration) string {
	if d > 0 && d < 10*time.Microsecond {
		return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 4, 64)
	}
	return threeDigits(d)
}

// hostColumn is a column of the table of hosts.
type hostColumn struct {
	head  string
	width int
	cell  func(t *pingTrack) string
}

// hostColumns are those of numbers that a table of that width has room for, the most telling first to come.
func hostColumns(w int) []hostColumn {
	rtt := func(f func(t *pingTrack) time.Duration) func(t *pingTrack) string {
		return func(t *pingTrack) string {
			if t.spread == nil {
				return "-"
			}
			return cellMillis(f(t))
		}
	}
	quantile := func(q float64) func(t *pingTrack) string {
		return rtt(func(t *pingTrack) time.Duration { d, _ := t.spread.Quantile(q); return d })
	}
	all := []struct {
		from int // the width of the screen at which it is shown
		hostColumn
	}{
		{60, hostColumn{"sent", 6, func(t *pingTrack) string { return numeral(t.stats.Transmitted) }}},
		{0, hostColumn{"loss", 5, (*pingTrack).lossText}},
		{0, hostColumn{"last", 6, rtt(func(t *pingTrack) time.Duration { return t.last })}},
		{120, hostColumn{"min", 6, rtt(func(t *pingTrack) time.Duration { return t.stats.RTT.Min })}},
		{70, hostColumn{"avg", 6, rtt(func(t *pingTrack) time.Duration { return t.stats.RTT.Average() })}},
		{100, hostColumn{"p50", 6, quantile(0.5)}},
		{70, hostColumn{"p99", 6, quantile(0.99)}},
		{100, hostColumn{"max", 6, rtt(func(t *pingTrack) time.Duration { return t.stats.RTT.Max })}},
		{100, hostColumn{"jitter", 6, rtt(func(t *pingTrack) time.Duration { d, _ := t.spread.Jitter(); return d })}},
	}
	var list []hostColumn
	for _, c := range all {
		if w >= c.from {
			list = append(list, c.hostColumn)
		}
	}
	return list
}

// drawTable draws the table of the hosts.
func (v *pingView) drawTable(c *live.Canvas) {
	w, h := c.Size()
	v.sorted()
	v.title(c, fmt.Sprintf("PING %s  %s", plural(len(v.order), "host"), v.head))
	v.sums(c)
	columns := hostColumns(w)
	name := max(min(w/3, 32), 12)
	trend, remarks := v.shares(w, name, columns)
	x := name
	c.Cell(0, 2, name, live.Heading, "host, "+v.sort.String())
	for _, col := range columns {
		c.Right(x+1, 2, col.width, live.Heading, col.head)
		x += col.width + 1
	}
	if trend > 0 {
		c.Text(x+1, 2, live.Heading, "trend")
	}
	if remarks > 0 {
		c.Text(x+trend+2, 2, live.Heading, "last trouble")
	}
	v.list.Draw(c.Part(0, 3, w, h-5), len(v.order), func(i int, row *live.Canvas) {
		t := v.record.tracks[v.order[i]]
		style := live.Plain
		if lost, _ := t.lost(); lost > 0 || t.stats.NotSent > 0 {
			style = live.Bad
		}
		row.Cell(0, 0, name, style, t.title())
		x := name
		for _, col := range columns {
			row.Right(x+1, 0, col.width, style, col.cell(t))
			x += col.width + 1
		}
		if trend > 0 {
			v.trend(row.Part(x+1, 0, trend, 1), t)
		}
		if remarks > 0 {
			row.Cell(x+trend+2, 0, remarks, live.Warn, t.trouble)
		}
	})
	if t := v.record.tracks[v.host]; t.trouble != "" && remarks == 0 {
		c.Text(0, h-2, live.Warn, t.title()+": "+t.trouble)
	}
	v.keys(c, "Enter host", "o order", "l "+v.scale.other(), v.zoomed())
}

// shares parts what is left of the width between the trend and what was last wrong.
func (v *pingView) shares(w, name int, columns []hostColumn) (trend, remarks int) {
	left := w - name - 1
	for _, col := range columns {
		left -= col.width + 1
	}
	if left < 4 {
		return 0, 0
	}
	if w >= 140 {
		remarks = left / 2
		return left - remarks - 1, remarks
	}
	return left, 0
}

// lossText is the share that is lost of what left this host, when anything did.
func (t *pingTrack) lossText() string {
	if t.stats.Transmitted == 0 {
		return "-"
	}
	_, percent := t.lost()
	return percentText(percent)
}

// title is the name of a host alone.
func (t *pingTrack) title() string {
	if t.name == "" {
		return t.addr.String()
	}
	return t.name
}

// sums draws the figures of all hosts together.
func (v *pingView) sums(c *live.Canvas) {
	var answered, lossy int
	var sent, received int64
	for _, t := range v.record.tracks {
		sent, received = sent+t.stats.Transmitted, received+t.stats.Received
		if t.stats.Received > 0 {
			answered++
		}
		if lost, _ := t.lost(); lost > 0 || t.stats.NotSent > 0 {
			lossy++
		}
	}
	x := c.Text(0, 1, live.Plain, fmt.Sprintf("%d answered", answered))
	if lossy > 0 {
		x = c.Text(x, 1, live.Bad, fmt.Sprintf("  %d with losses", lossy))
	}
	c.Text(x, 1, live.Plain, fmt.Sprintf("  sent %d  received %d", sent, received))
}

// trendAxis is the axis of the trend of a host: its own, as one of all hosts would leave a line at the bottom of those that are near. Evenly
// from zero the median is half as high, so that a host that is always the same looks it.
func (v *pingView) trendAxis(t *pingTrack, list []rttColumn) timeAxis {
	lo, hi, longest := v.spanOf(list)
	if v.log {
		return v.axis(lo, longest, 1)
	}
	if !v.fit && t.spread != nil {
		median, _ := t.spread.Quantile(0.5)
		lo, hi = 0, max(hi, median*7/4) // the middle of the fifth of eight steps: an eighth more or less is the same
	}
	return timeAxis{lo: float64(lo), hi: float64(max(hi, lo+time.Microsecond))}
}

// trend draws the newest probes, a column each: how high says how long.
func (v *pingView) trend(c *live.Canvas, t *pingTrack) {
	w, _ := c.Size()
	steps := []rune("▁▂▃▄▅▆▇█")
	if c.ASCII {
		steps = []rune("_,~=oO#@")
	}
	held := v.held
	v.held = 0
	list := v.columns(t, w)
	v.held = held
	axis := v.trendAxis(t, list)
	for x := range list {
		p := &list[x]
		sign, style, grave := p.mark()
		switch {
		case grave > 2:
			c.Put(x, 0, style, sign)
		case p.answered > 0:
			mean := p.sum / time.Duration(p.answered)
			c.Put(x, 0, live.Series1, steps[int(axis.share(mean)*float64(len(steps)-1)+0.5)])
		case grave > 0:
			c.Put(x, 0, style, sign)
		}
	}
}
