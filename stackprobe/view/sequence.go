package view

import (
	"net/netip"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// maxPlotted bounds the connections of which Sequence keeps anything.
const maxPlotted = 64

// maxMoment is later than any run ends: 36 years.
const maxMoment = 1 << 60

// Sequence is what the pictures over time are drawn from: for each direction of each connection the marks of its sequence
// space at the sender's tap, and what the sender's variables were. It is filled by Event and drawn by AppendSVG.
//
// It holds the first 64 connections and counts the segments of further ones; drawn are at most 4, those with data first. Of each
// direction it holds at most 4,096 marks of each kind, 256 from the fifth connection on; beyond, neighbours become runs that span
// from their lowest to their highest number. How many were folded or not drawn is said in the picture.
type Sequence struct {
	run   *event.Run
	conns []*plotted
	// beyond are the connections without room here; others counts the segments that left on them.
	beyond, others int
	lastBeyond     int
	trips          analyze.RoundTrips
	spaces         analyze.Spaces
	room           int // for marks of each kind and direction
	left           *Left
}

// plotted is one connection.
type plotted struct {
	conn int
	dirs [3]strand // by the Host that sends; the one of None stays empty
}

// strand is one direction of a connection: what one end sends, and what it learns of it.
type strand struct {
	marks  [markKinds]plotMarks
	values [series]plotMarks
	ends   event.Tuple // as the sender sees it
	octets int64       // of data, first transmissions alone
	sent   int         // segments that left
	top    int64       // behind the highest number that has left
	// at the receiver
	arrived int64 // behind the highest number that has arrived
	// at the sender
	acked    int64
	edge     int64
	hasAcked bool
	hasEdge  bool
	updated  int64 // the number of the segment that moved the edge last, SND.WL1
	// estimated are the figures that were computed from segments, not read from the stack; piped, that the pipe differs from FlightSize.
	estimated [series]bool
	piped     bool
	seen      int64 // the time of the last event of the connection that has a place in the picture
	got       int64 // octets that the application there has read
}

// NewSequence gives an empty one for one run.
func NewSequence() *Sequence { return newSequence(maxMarks) }

// newSequence gives one with that much room for the marks of each kind and direction of the connections that are drawn.
func newSequence(room int) *Sequence { return &Sequence{room: room} }

// Event takes the next event, in which package analyze has derived what follows. It keeps no reference to e.
func (s *Sequence) Event(e *event.Event) {
	if e.Kind == event.KindRun {
		s.run = e.Run
		s.spaces.Add(e)
	}
	c := s.of(e)
	if c == nil {
		return
	}
	s.spaces.Add(e)
	out, in := &c.dirs[e.Host], &c.dirs[e.Host.Peer()]
	out.seen = min(max(out.seen, e.T), maxMoment)
	in.seen = out.seen
	switch e.Kind {
	case event.KindTx:
		out.left(e)
	case event.KindRx:
		in.reached(e)
		out.heard(e)
	case event.KindLost:
		out.took(e)
		in.tookAnswer(e)
	case event.KindICMP:
		out.told(e)
	case event.KindApp:
		in.call(e)
	}
	s.trips.Add(e, func(r analyze.RoundTrip) { out.measure(&r) })
	if e.Vars.Has != 0 {
		out.sample(e)
	}
	if sp := s.spaces.Space(e.Conn, e.Host); sp != nil {
		out.follow(e, sp)
	}
	if sp := s.spaces.Space(e.Conn, e.Host.Peer()); sp != nil && sp.ReadsUnseen && e.Kind == event.KindRx {
		in.deliverable(e, sp)
	}
}

// of gives the connection of e, nil if it has none here.
func (s *Sequence) of(e *event.Event) *plotted {
	if e.Conn == 0 || e.Host != event.Client && e.Host != event.Server {
		return nil
	}
	for i := len(s.conns) - 1; i >= 0; i-- {
		if s.conns[i].conn == e.Conn {
			return s.conns[i]
		}
	}
	if len(s.conns) == maxPlotted {
		if e.Conn > s.lastBeyond { // they are numbered as they come
			s.lastBeyond = e.Conn
			s.beyond++
		}
		if e.Kind == event.KindTx {
			s.others++
		}
		return nil
	}
	room := s.room
	if len(s.conns) >= maxPictured {
		room = fewMarks
	}
	c := newPlotted(e.Conn, room)
	s.conns = append(s.conns, c)
	return c
}

// newPlotted gives an empty connection with room for so many marks of each kind.
func newPlotted(conn, room int) *plotted {
	c := &plotted{conn: conn}
	for _, h := range [...]event.Host{event.Client, event.Server} {
		d := &c.dirs[h]
		for i := range d.marks {
			d.marks[i].room = room
		}
		for i := range d.values {
			d.values[i].room = room
		}
	}
	return c
}

// mark is a mark for the segment of e that spans its numbers.
func (d *strand) mark(e *event.Event) plotMark {
	r := &e.Derived
	k := plotMark{t: d.seen, last: d.seen, lo: r.RelSeq, hi: r.RelEnd, n: e.N, seg: e.Seg.ID, from: -1, flags: e.Seg.Flags, why: r.Why, how: r.WhyHow,
		order: r.Attempt, spurious: r.Spurious}
	if r.SentN != 0 {
		k.from = r.SentT
	}
	k.end = k.hi
	return k
}

// left notes that the sender transmitted a segment.
func (d *strand) left(e *event.Event) {
	s, r := &e.Seg, &e.Derived
	if !d.ends.Local.IsValid() && s.Origin != event.Injected {
		d.ends = event.Tuple{Local: s.Src, Remote: s.Dst}
	}
	k := d.mark(e)
	if !r.HasRelSeq {
		return // no number of this connection is known yet, as of a segment that answers none
	}
	if s.Origin == event.Injected {
		d.marks[markCrafted].add(k)
		return
	}
	d.sent++
	if !s.Flags.Has(event.RST) {
		d.top = max(d.top, r.RelEnd)
	}
	switch {
	case s.Flags.Has(event.RST):
		d.marks[markRstOut].add(k)
		return
	case s.Flags.Has(event.SYN):
		d.marks[markSyn].add(k)
	case s.Flags.Has(event.FIN):
		d.marks[markFin].add(k)
	case r.Why == event.WindowProbe || r.Why == event.Keepalive:
		d.marks[markProbe].add(k)
		return
	case s.Len == 0:
		d.marks[markEmpty].add(k)
		return
	}
	if r.Repeat && s.Flags&event.SYN == 0 {
		d.marks[markAgain].add(k)
	} else if s.Len > 0 {
		d.octets += int64(s.Len)
		d.marks[markData].add(k)
	}
}

// took notes that the link took a segment of the sender.
func (d *strand) took(e *event.Event) {
	if !e.Derived.HasRelSeq {
		return
	}
	k := d.mark(e)
	k.rule = e.Rule
	d.marks[markLost].add(k)
}

// tookAnswer notes that the link took a pure acknowledgment of these octets. It is drawn where it left its end.
func (d *strand) tookAnswer(e *event.Event) {
	if r := &e.Derived; r.HasRelAck && e.Seg.Space() == 0 && !e.Seg.Flags.Has(event.RST) {
		k := d.mark(e)
		k.lo, k.hi, k.end, k.rule = r.RelAck, r.RelAck, r.RelAck, e.Rule
		d.marks[markAckLost].add(k)
	}
}

// told notes an ICMP message about a segment of the sender.
func (d *strand) told(e *event.Event) {
	if e.Derived.HasRelSeq {
		k := d.mark(e)
		k.order = e.ICMP.MTU
		d.marks[markICMP].add(k)
	}
}

// reached notes that a segment of the sender arrived at the other end.
func (d *strand) reached(e *event.Event) {
	s, r := &e.Seg, &e.Derived
	if !r.HasRelSeq {
		return
	}
	k := d.mark(e)
	switch {
	case s.BadSum:
		d.marks[markBroken].add(k)
	case s.Flags.Has(event.RST) || s.Space() == 0:
	case r.Copy:
		d.marks[markCopy].add(k)
	case r.RelSeq < d.arrived && !r.Stale && r.Attempt <= 1 && s.Origin != event.Injected:
		d.marks[markLate].add(k)
	case s.Len > 0:
		d.marks[markArrival].add(k)
	}
	d.arrived = max(d.arrived, r.RelEnd)
}

// heard notes what a segment that arrives at the sender says of these octets.
func (d *strand) heard(e *event.Event) {
	s, r := &e.Seg, &e.Derived
	if s.BadSum {
		return
	}
	k := d.mark(e)
	if s.Flags.Has(event.RST) {
		k.lo, k.hi = d.acked, d.acked
		if r.HasRelAck {
			k.lo, k.hi = r.RelAck, r.RelAck
		}
		k.end = k.hi
		d.marks[markRstIn].add(k)
		return
	}
	if !r.HasRelAck {
		return
	}
	k.lo, k.hi, k.end, k.cause, k.order = r.RelAck, r.RelAck, r.RelAck, r.DupCause, r.DupAck
	if s.Origin == event.Injected {
		d.marks[markCrafted].add(k)
	}
	d.blocks(e, k)
	d.acknowledged(e, k)
}

// acknowledged draws the two stairs, as the segments alone give them: that is how tcptrace draws them, and a stack tells its
// variables only a moment later.
func (d *strand) acknowledged(e *event.Event, k plotMark) {
	rose := !d.hasAcked || k.hi > d.acked
	switch {
	case k.hi > d.top:
		return // of what was never sent
	case rose:
		d.acked, d.hasAcked = k.hi, true
		d.marks[markAck].step(k)
	case e.Seg.Origin != event.Injected:
		d.marks[markSame].add(k)
	}
	if r := &e.Derived; k.hi < d.acked || r.HasRelSeq && r.RelSeq < d.updated {
		return // its window is older than the one that stands (SND.WL1 and SND.WL2, RFC 9293 3.10.7.4)
	} else if r.HasRelSeq {
		d.updated = r.RelSeq
	}
	w := k
	w.lo = k.hi + int64(octetsOf(e))
	w.hi, w.end = w.lo, w.lo
	switch {
	case octetsOf(e) == 0 && e.Seg.Flags&event.SYN == 0:
		d.marks[markZero].add(w)
	case !rose && d.hasEdge && w.hi == d.edge && k.order == 0 && e.Seg.Space() == 0:
		d.marks[markSameEdge].add(w)
	}
	d.edge, d.hasEdge = w.hi, true
	d.marks[markEdge].step(w)
}

// octetsOf is the window that the segment of e announces, scaled where that is known.
func octetsOf(e *event.Event) uint32 {
	if e.Derived.HasWindow {
		return e.Derived.Window
	}
	return uint32(e.Seg.Win)
}

// blocks draws the SACK blocks; one at or below the acknowledgment reports what came twice (RFC 2883 4).
func (d *strand) blocks(e *event.Event, k plotMark) {
	o := &e.Seg.Opts
	if o.Has&event.OptSack == 0 {
		return
	}
	for i, b := range e.Derived.RelSack[:min(int(o.NSack), event.MaxBlocks)] {
		k.lo, k.hi, k.end, k.order = b.First, b.Last, b.Last, i+1
		k.spurious = b.First < e.Derived.RelAck
		d.marks[markSack].add(k)
	}
}

// carries says whether any octet of data left, addresses whether its two sockets are known.
func (d *strand) carries() bool { return d.octets > 0 }

func (d *strand) addresses() (local, remote netip.AddrPort, ok bool) {
	return d.ends.Local, d.ends.Remote, d.ends.Local.IsValid()
}

// folded counts the marks that are part of runs.
func (d *strand) folded() (n int) {
	for i := range d.marks {
		n += d.marks[i].folded
	}
	for i := range d.values {
		n += d.values[i].folded
	}
	return n
}
