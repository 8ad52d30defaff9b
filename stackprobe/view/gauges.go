package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// gaugeLen is the width of each of the two columns of variables that a wide ladder has for each end.
const gaugeLen = 11

// gauge is what the two columns say: segments in flight and the congestion window, and the windows to send and to receive.
type gauge struct {
	sending, windows string
	polled           bool // at another moment than that of the event
}

// gauges are the variables of the ends as they were seen last, and as they were shown last.
type gauges struct {
	latest map[endOf]gauge
	shown  [3]gauge
	of     [3]int // the connection of shown
}

// see takes the variables of e, and reports whether there are any.
func (g *gauges) see(p *page, e *event.Event) bool {
	v := &e.Vars
	if v.Has&(event.HasCwnd|event.HasFlight|event.HasWnd|event.HasRcvWnd) == 0 {
		return false
	}
	if g.latest == nil || len(g.latest) >= maxEnds {
		g.latest = make(map[endOf]gauge)
	}
	now := gauge{
		sending: p.gauge(v, event.HasFlight, segmentCount(v.Flight)) + "/" + p.gauge(v, event.HasCwnd, segmentCount(v.Cwnd)),
		windows: p.gauge(v, event.HasWnd, rounded(uint64(v.Wnd), 1)) + "/" + p.gauge(v, event.HasRcvWnd, rounded(uint64(v.RcvWnd), 1)),
	}
	now.polled = v.At != 0 && v.At != e.T
	g.latest[endOfEvent(e)] = now
	return true
}

// segmentCount writes a number of segments in at most four columns.
func segmentCount(n uint32) string {
	if n < 10000 {
		return strconv.FormatUint(uint64(n), 10)
	}
	return rounded(uint64(n), 0)
}

// gauge is the text of one variable: "-" where it is not known, "~" before what was not read.
func (p *page) gauge(v *event.Vars, bit event.VarSet, text string) string {
	if v.Has&bit == 0 {
		return "-"
	}
	how := v.How
	if v.Computed&bit != 0 {
		how = event.Computed
	}
	return guess(p, how) + text
}

// put writes what has changed since the last row of the end into row, at its columns.
func (g *gauges) put(p *page, row []cell, at endOf, column int) {
	now, known := g.latest[at]
	h := at.host % 3
	if !known {
		return
	}
	if now.sending != g.shown[h].sending || at.conn != g.of[h] {
		sign := ""
		if now.polled {
			p.used |= signPolled
			sign = "'"
		}
		putRight(row, column, now.sending+sign)
	}
	if now.windows != g.shown[h].windows || at.conn != g.of[h] {
		putRight(row, column+gaugeLen+1, now.windows)
	}
	g.shown[h], g.of[h] = now, at.conn
}

// putRight writes a gauge over what its column says.
func putRight(row []cell, column int, text string) {
	for i := range gaugeLen {
		row[column+i].r = ' '
	}
	put(row, column+gaugeLen-columns(text), text, faint)
}
