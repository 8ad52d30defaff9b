package view

import (
	"strconv"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// stripAt is the column in which the strips begin, behind the name of the end.
const stripAt = 7

// scale is how sequence numbers lie in a strip: the first is base, each column has step of them.
type scale struct{ base, step int64 }

// stripGlyphs are the characters of the parts of a strip.
type stripGlyphs struct {
	old, sent, sacked, may, closed, beyond, unread, hole, more, tick rune
}

var (
	unicodeStrip = stripGlyphs{'─', '█', '▓', '░', '╌', '·', '▒', ' ', '►', '╷'}
	asciiStrip   = stripGlyphs{'=', '#', '%', '.', '-', ' ', 'u', ' ', '>', '|'}
)

func (p *page) strip() *stripGlyphs {
	if p.opts.ASCII {
		return &asciiStrip
	}
	return &unicodeStrip
}

// edges are the signs of the two right edges, and of both in one column.
const (
	edgeSign = 'w'
	cwndSign = 'c'
	bothSign = 'b'
)

// fit moves the scale where s does not fit into n columns, and says whether it did. The window that counts, the smaller of the two, takes
// about a third of the strip, so that its sliding is seen.
func (c *scale) fit(s *analyze.Space, n int64) bool {
	size := s.Flight
	if s.Has&analyze.SpaceEdge != 0 {
		size = max(size, s.Wnd())
	}
	if s.Has&analyze.SpaceCwnd != 0 {
		size = max(s.Flight, min(size, s.Cwnd))
	}
	size = min(max(size, s.MSS, 10), 1<<40)
	end := max(s.Nxt, s.RcvNxt)
	for _, h := range s.Held {
		end = max(end, h.Last)
	}
	span := c.step * n
	if c.step > 0 && end <= c.base+span && s.Flight <= span*3/4 && min(s.Una, s.RcvNxt) >= c.base {
		return false
	}
	if step := round(3 * (size/n + 1)); c.step == 0 || size > span/2 || step < c.step/2 {
		c.step = step
	}
	c.base = 1
	if low := min(s.Una, s.RcvNxt); low+2*c.step*n/3 > c.step*n {
		c.base = 1 + max((low-1)/c.step-n/8, 0)*c.step
	}
	return true
}

// round gives the next number at or above v that is easy to count in.
func round(v int64) int64 {
	for ten := int64(1); ten < 1<<59; ten *= 10 {
		for _, d := range [...]int64{10, 15, 20, 25, 30, 40, 50, 60, 80} {
			if d*ten >= v*10 {
				return d * ten / 10
			}
		}
	}
	return v
}

// ruler writes a row with the numbers at which its columns begin.
func (p *page) ruler(t *track) {
	row := p.row()
	label := strconv.FormatInt(t.scale.step, 10) + "/col"
	if columns(label) < stripAt {
		put(row, 0, label, faint)
	}
	wide := max(10, columns(t.number(p, t.scale.base+int64(len(row))*t.scale.step))+3)
	for i := 0; stripAt+i < len(row); i += wide {
		text := string(p.strip().tick) + t.number(p, t.scale.base+int64(i)*t.scale.step)
		if stripAt+i+columns(text) <= len(row) {
			put(row, stripAt+i, text, faint)
		}
	}
	p.emit(row)
}

// block draws a moment of t: what happened, the two strips, the numbers of the end at which it happened, and what limits the sender.
func (v *Window) block(m *moment, s *analyze.Space, t *track, told string) {
	p := &v.page
	head := seconds(m.start, 10, 6) + " "
	who := p.tag(m.conn) + m.host.String()
	p.emit(p.row())
	style := plain
	if m.lost.n > 0 && s.Sender == m.host || m.again.n > 0 && s.Sender == m.host {
		style = again
	}
	p.text(head, who+" "+told, style)
	old := t.scale
	if t.scale.fit(s, int64(p.opts.Width-stripAt)) {
		if old.step != t.scale.step && columns(strconv.FormatInt(t.scale.step, 10)) > 2 {
			p.text("       ", "each column has "+strconv.FormatInt(t.scale.step, 10)+" octets", faint)
		}
		p.ruler(t)
	}
	p.sendStrip(s, &t.scale)
	p.receiveStrip(s, &t.scale)
	if s.Sender != m.host {
		p.items("       ", p.receiverNumbers(s, t), plain)
		return
	}
	p.items("       ", p.senderNumbers(s, t), plain)
	p.text("       ", "limit: "+p.limitWords(s), strong)
}

// sendStrip draws the sender's sequence space (RFC 9293 figure 3).
func (p *page) sendStrip(s *analyze.Space, c *scale) {
	g, row := p.strip(), p.row()
	put(row, 0, s.Sender.String(), strong)
	hasEdge, hasCwnd := s.Has&analyze.SpaceEdge != 0, s.Has&analyze.SpaceCwnd != 0
	may := s.Edge
	if hasCwnd {
		may = min(may, s.CwndEdge())
	}
	for i := stripAt; i < len(row); i++ {
		low := c.base + int64(i-stripAt)*c.step
		high := low + c.step
		in := func(first, last int64) bool { return first < high && last > low && first < last }
		switch {
		case in(s.Una, s.Nxt):
			row[i] = cell{g.sent, plain}
			if low > s.Una && within(s.Sacked, (low+min(high, s.Nxt))/2) {
				row[i] = cell{g.sacked, again}
			}
		case low < s.Una:
			row[i] = cell{g.old, faint}
		case hasEdge && in(s.Nxt, may):
			row[i] = cell{g.may, plain}
		case hasEdge && in(s.Nxt, s.Edge):
			row[i] = cell{g.closed, faint}
		default:
			row[i] = cell{g.beyond, faint}
		}
	}
	c.sign(row, g, edgeSign, s.Edge, hasEdge)
	c.sign(row, g, cwndSign, s.CwndEdge(), hasCwnd)
	p.emit(row)
}

// receiveStrip draws the receiver's (RFC 9293 figure 4).
func (p *page) receiveStrip(s *analyze.Space, c *scale) {
	g, row := p.strip(), p.row()
	put(row, 0, s.Sender.Peer().String(), strong)
	top := s.RcvNxt
	for _, h := range s.Held {
		top = max(top, h.Last)
	}
	for i := stripAt; i < len(row); i++ {
		low := c.base + int64(i-stripAt)*c.step
		high := low + c.step
		in := func(first, last int64) bool { return first < high && last > low && first < last }
		switch {
		case in(s.RcvNxt, top):
			// The first is always a hole and the last is always held, whatever there is room for between them.
			row[i] = cell{g.hole, bad}
			if low > s.RcvNxt && (high >= top || within(s.Held, (low+high)/2)) {
				row[i] = cell{g.sacked, again}
			}
		case in(s.RcvNxt-s.Unread, s.RcvNxt):
			row[i] = cell{g.unread, plain}
		case low < s.RcvNxt:
			row[i] = cell{g.old, faint}
		case s.Has&analyze.SpaceRcvEdge != 0 && in(top, s.RcvEdge):
			row[i] = cell{g.may, plain}
		default:
			row[i] = cell{g.beyond, faint}
		}
	}
	c.sign(row, g, edgeSign, s.RcvEdge, s.Has&analyze.SpaceRcvEdge != 0)
	p.emit(row)
}

// sign puts the sign of an edge into the column in which it lies; one that lies behind the strip has an arrow.
func (c *scale) sign(row []cell, g *stripGlyphs, sign rune, at int64, known bool) {
	if !known || at < c.base || c.step == 0 {
		return
	}
	i := (at - c.base) / c.step
	if i >= int64(len(row)-stripAt) {
		row[len(row)-1] = cell{g.more, faint}
		return
	}
	if was := row[stripAt+i].r; was == edgeSign && sign == cwndSign {
		sign = bothSign
	}
	row[stripAt+i] = cell{sign, strong}
}

// within says whether n lies in one of the pieces.
func within(pieces []event.Range, n int64) bool {
	for _, r := range pieces {
		if r.First <= n && n < r.Last {
			return true
		}
	}
	return false
}
