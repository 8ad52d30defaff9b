package view

import (
	"slices"
	"strconv"

	"gnet/stackprobe/event"
)

// maxPictured bounds the connections that one picture shows.
const maxPictured = 4

// panelKind says what a panel shows.
type panelKind uint8

// The kinds, in the order in which they stand below each other.
const (
	panelSequence panelKind = iota
	panelWindow             // cwnd, ssthresh, octets in flight
	panelTrip               // round trips and timeout
	panelGoodput
)

// layout gives the panels for the connection conn, for all if it is 0, with the ranges of their axes. All have the same
// time: that of the first and the last mark of any.
func (s *Sequence) layout(conn int) []panel {
	var list []panel
	for _, c := range s.chosen(conn) {
		list = append(list, c.layout()...)
	}
	var moments []int64
	for i := range list {
		if list[i].kind == panelSequence {
			moments = list[i].strand.moments(moments)
		}
	}
	axis := newTimeline(moments)
	for i := range list {
		list[i].time = axis
	}
	return list
}

// chosen are the connections to draw, in order: conn alone, or for 0 the first that carry data, then the first of the others.
func (s *Sequence) chosen(conn int) []*plotted {
	var list []*plotted
	for _, data := range [...]bool{true, false} {
		for _, c := range s.conns {
			if len(list) < maxPictured && c.any() && c.carries() == data && (conn == 0 || c.conn == conn) {
				list = append(list, c)
			}
		}
	}
	slices.SortFunc(list, func(a, b *plotted) int { return a.conn - b.conn })
	return list
}

// carries says whether any octet of data left.
func (c *plotted) carries() bool {
	return c.dirs[event.Client].carries() || c.dirs[event.Server].carries()
}

// any says whether a segment of the connection left that has a place in a picture.
func (c *plotted) any() bool {
	return c.dirs[event.Client].sent+c.dirs[event.Server].sent > 0
}

// layout gives the panels of one connection: those of each direction that carries data; of a connection without data the sequence
// space of the end that opened it.
func (c *plotted) layout() []panel {
	var list []panel
	for _, h := range [...]event.Host{event.Client, event.Server} {
		d := &c.dirs[h]
		if !d.carries() {
			continue
		}
		for k := panelSequence; k <= panelGoodput; k++ {
			p := panel{kind: k, conn: c.conn, host: h, strand: d}
			if p.scale() {
				list = append(list, p)
			}
		}
	}
	for _, h := range [...]event.Host{event.Client, event.Server} {
		p := panel{kind: panelSequence, conn: c.conn, host: h, strand: &c.dirs[h]}
		if list == nil && p.strand.sent > 0 && p.scale() {
			list = append(list, p)
		}
	}
	return list
}

// moments appends the times of all marks.
func (d *strand) moments(list []int64) []int64 {
	for i := range d.marks {
		for k := range d.marks[i].list {
			list = append(list, d.marks[i].list[k].t, d.marks[i].list[k].last)
		}
	}
	got, _ := d.delivered()
	for i := range got {
		list = append(list, got[i].t)
	}
	return list
}

// values are the values of each kind of panel.
func (k panelKind) values() []value {
	switch k {
	case panelWindow:
		return []value{valueCwnd, valueSsthresh, valueFlight, valuePipe}
	case panelTrip:
		return []value{valueMeasured, valueSRTT, valueRTO}
	case panelGoodput:
		return []value{valueRead, valueInOrder}
	}
	return nil
}

// scale finds the range of the panel's figure. It says whether there is anything to draw.
func (p *panel) scale() bool {
	switch p.kind {
	case panelSequence:
		return p.scaleSequence()
	case panelGoodput:
		return p.scaleGoodput()
	}
	lo, hi, any := 0.0, 0.0, false
	for _, v := range p.kind.values() {
		for i := range p.strand.values[v].list {
			m := &p.strand.values[v].list[i]
			if !any {
				lo, hi, any = float64(m.lo), float64(m.hi), true
			}
			lo, hi = min(lo, float64(m.lo)), max(hi, float64(m.hi))
		}
	}
	if p.kind == panelTrip && lo > 0 && hi > 12*lo { // a doubled timeout would press the round trips flat
		p.log, p.lo, p.hi = true, lo/1.5, hi*1.5
		return any
	}
	p.lo, p.hi = 0, max(hi*1.08, 1)
	return any
}

// scaleSequence takes in all octets, and the right edge of the window if that is near.
func (p *panel) scaleSequence() bool {
	d := p.strand
	lo, hi, any := int64(0), int64(1), false
	for k := range markKinds {
		if k == markEdge || k == markZero || k == markSameEdge || k == markCrafted || k == markRstIn {
			continue
		}
		for i := range d.marks[k].list {
			m := &d.marks[k].list[i]
			lo, hi, any = min(lo, m.lo), max(hi, m.hi), true
		}
	}
	reach, above := hi, false
	for i := range d.marks[markEdge].list {
		m := &d.marks[markEdge].list[i]
		if m.hi > hi+hi*4/5 {
			above = true
			continue
		}
		reach = max(reach, m.hi)
	}
	span := float64(reach - lo)
	p.lo, p.hi = float64(lo)-span*0.04, float64(reach)+span*0.08
	p.above = above
	return any
}

// name says what the panel shows.
func (p *panel) name() string {
	way := p.host.String() + " to " + p.host.Peer().String()
	switch p.kind {
	case panelWindow:
		return "congestion window and octets in flight, " + p.host.String()
	case panelTrip:
		return "round trip and retransmission timeout, " + p.host.String()
	case panelGoodput:
		return "goodput, " + way
	}
	return "connection " + strconv.Itoa(p.conn) + ": sequence numbers, " + way
}

// detail says more of a sequence panel, "" of the others.
func (p *panel) detail() string {
	if p.kind != panelSequence {
		return ""
	}
	text := count(p.strand.octets, "octet") + " in " + count(int64(p.strand.sent), "segment") + ", at the " + p.host.String() + "'s tap"
	if local, remote, ok := p.strand.addresses(); ok {
		text += ", " + local.String() + " to " + remote.String()
	}
	return text
}

// count writes a number of things.
func count(n int64, thing string) string {
	text := strconv.FormatInt(n, 10) + " " + thing
	if n != 1 {
		text += "s"
	}
	return text
}

// plotNotes says what the panels do not show, or not as it was.
func plotNotes(s *Sequence, list []panel) []string {
	var notes []string
	seen, folded := map[int]bool{}, 0
	for i := range list {
		seen[list[i].conn] = true
		if list[i].kind == panelSequence {
			folded += list[i].strand.folded()
		}
	}
	left, segments := s.beyond, s.others
	for _, c := range s.conns {
		if !seen[c.conn] {
			left++
			segments += c.dirs[event.Client].sent + c.dirs[event.Server].sent
		}
	}
	if left > 0 {
		notes = append(notes, count(int64(left), "connection")+" with "+count(int64(segments), "segment")+" not drawn; --conn chooses")
	}
	if text := s.left.text(); text != "" {
		notes = append(notes, text+" left out")
	}
	if folded > 0 {
		notes = append(notes, count(int64(folded), "mark")+" folded into runs, which span from their lowest to their highest number")
	}
	if len(list) == 0 {
		notes = append(notes, "no segment with numbers of a known connection: nothing to draw")
	}
	return notes
}
