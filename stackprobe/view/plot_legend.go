package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// legend is what occurs in a picture and needs a word.
type legend struct {
	marks     [markKinds]bool
	values    [series]bool
	push      bool // PSH
	third     bool
	double    bool // DSACK
	estimated [series]bool
	guess     bool // a reason that was concluded
}

// mark notes that a mark is drawn.
func (l *legend) mark(k markKind, m *plotMark) {
	l.marks[k] = true
	l.push = l.push || k == markData && m.flags.Has(event.PSH)
	l.third = l.third || k == markSame && m.order == 3
	l.double = l.double || k == markSack && m.spurious
	l.guess = l.guess || k == markAgain && strings.HasPrefix(reasonWord(m), "~")
}

// meaning says what a mark stands for, in a few words.
func (k markKind) meaning() string {
	return [...]string{
		"octets arrived at the other end", "acknowledgment + window: the right edge", "acknowledged", "acknowledges nothing new", "the same window again",
		"segment, first to last octet", "segment without octets", "R sent again, with the cause", "P probe", "crafted on the way", "SYN", "FIN",
		"RST sent", "RST arrived", "S1 S2 .. SACK blocks", "Z zero window", "O arrived out of order", "HD a copy made by the link arrived", "damaged on the way",
		"ICMP message about a segment", "taken by the link", "acknowledgment taken by the link"}[k]
}

// tooltip says all of a mark.
func tooltip(p *panel, k markKind, m *plotMark) string {
	var b strings.Builder
	if m.count > 1 {
		b.WriteString(count(int64(m.count), "mark") + " from segment " + strconv.Itoa(m.seg) + " on, " + clockTime(m.t) + " to " + clockTime(m.last) + ": " + k.meaning() + ", " +
			numberRange(m.lo, m.hi))
		return b.String()
	}
	b.WriteString("segment " + strconv.Itoa(m.seg) + ", " + clockTime(m.t) + ": ")
	switch k {
	case markAck, markSame, markEdge, markSameEdge, markZero, markAckLost, markRstIn:
		b.WriteString(k.meaning())
		b.WriteString(" " + strconv.FormatInt(m.hi, 10))
		if k == markSame && m.order > 0 {
			b.WriteString(", duplicate " + strconv.Itoa(m.order))
			if m.cause != 0 {
				b.WriteString(" because of " + m.cause.String())
			}
		}
	default:
		b.WriteString(flagNames(m.flags) + " " + numberRange(m.lo, m.hi) + ", " + k.meaning())
		if k == markAgain {
			b.WriteString(": " + words(m.why.String(), "("+m.how.String()+"),") + " transmission " + strconv.Itoa(m.order))
			if m.spurious {
				b.WriteString(", all of it had arrived")
			}
		}
	}
	if m.from >= 0 && m.from != m.t {
		b.WriteString(", left at " + clockTime(m.from))
	}
	if m.rule != "" {
		b.WriteString(": " + m.rule)
	}
	return b.String()
}

// numberRange writes sequence numbers as tcpdump does.
func numberRange(lo, hi int64) string {
	if lo == hi {
		return strconv.FormatInt(lo, 10)
	}
	return strconv.FormatInt(lo, 10) + ":" + strconv.FormatInt(hi, 10)
}

// clockTime writes a moment to the microsecond.
func clockTime(t int64) string { return seconds(t, 24, 6) + " s" }

// key draws the legend of the marks that occur.
func (d *drawing) key(l *legend) {
	p := &panel{x: 0, y: 0, w: d.width, h: 1e6}
	x := 16.0
	d.body = append(d.body, "<g class=\"legend\">\n"...)
	item := func(text string, shape func(x, y float64)) {
		w := 34 + float64(len(text))*5.9
		if x+w > d.width-8 && x > 16 {
			x = 16
			d.y += 20
		}
		shape(x+8, d.y+14)
		d.textAt(x+20, d.y+18, "key", text)
		x += w
	}
	for _, k := range legendOrder {
		if l.marks[k] {
			item(k.meaning(), func(x, y float64) { d.sample(p, k, x, y) })
		}
	}
	for _, v := range [...]value{valueCwnd, valueSsthresh, valueFlight, valuePipe, valueMeasured, valueSRTT, valueRTO} {
		if l.values[v] {
			text := v.meaning()
			if l.estimated[v] {
				text += ", ~ computed from segments"
			}
			item(text, func(x, y float64) { d.curve(v, x, y) })
		}
	}
	d.body = append(d.body, "</g>\n"...)
	d.y += 26
	var more []string
	if l.push {
		more = append(more, "diamond: PSH")
	}
	if l.third {
		more = append(more, "3: third duplicate acknowledgment")
	}
	if l.double {
		more = append(more, "D: SACK block that reports what came twice")
	}
	if l.guess {
		more = append(more, "~: concluded from the sender's counters, not read")
	}
	if len(more) > 0 {
		d.y += 12
		d.textAt(16, d.y, "sub", strings.Join(more, "; "))
	}
}

// legendOrder is the order of the legend: what a reader meets first stands first.
var legendOrder = [...]markKind{markData, markAgain, markLost, markBroken, markEmpty, markSyn, markFin, markRstOut, markRstIn, markProbe, markCrafted, markICMP, markArrival, markLate,
	markCopy, markAck, markSame, markAckLost, markSack, markEdge, markSameEdge, markZero}

// sample draws a mark for the legend.
func (d *drawing) sample(p *panel, k markKind, x, y float64) {
	d.open("g", k.class())
	d.body = append(d.body, '>')
	d.path()
	switch k {
	case markData, markAgain, markProbe, markCrafted, markSyn, markFin:
		d.bar(k, &plotMark{}, x, y-7, y+7)
	case markArrival, markLate, markCopy, markSack:
		d.body = append(d.body, 'M')
		d.point(x, y-6)
		d.body = append(d.body, "v12"...)
	case markAck, markEdge:
		d.body = append(d.body, 'M')
		d.point(x-8, y+5)
		d.body = append(d.body, "h8v-10h8"...)
	case markSame, markSameEdge:
		d.body = append(d.body, 'M')
		d.point(x-3, y)
		d.body = append(d.body, "h3v3"...)
	case markAckLost:
		d.ring(x, y)
	default:
		d.cross(x, y, 4)
	}
	d.endPath()
	d.body = append(d.body, "</g>\n"...)
}

// curve draws a piece of a curve for the legend.
func (d *drawing) curve(v value, x, y float64) {
	if v == valueMeasured {
		d.open("circle", "measured")
		d.number("cx", x)
		d.number("cy", y)
		d.body = append(d.body, ` r="2.5"/>`...)
		return
	}
	d.open("path", v.class())
	d.body = append(d.body, ` d="M`...)
	d.point(x-9, y)
	d.body = append(d.body, "h18\"/>\n"...)
}

// meaning says what a curve shows.
func (v value) meaning() string {
	return [...]string{"cwnd (congestion window)", "ssthresh (slow start threshold)", "sent, not acknowledged (FlightSize)", "in flight (pipe: without what is taken for gone)", "round trip of a segment, computed at the tap",
		"SRTT (smoothed, the sender's)", "RTO (retransmission timeout, the sender's)", "goodput", "goodput"}[v]
}
