package analyze

import "gnet/stackprobe/event"

// maxSpaces bounds the directions that Spaces follows. A run has two for each connection; a damaged one could claim any
// number.
const maxSpaces = 1 << 13

// maxSpaceSpans bounds the pieces of Space.Sacked and Space.Held: as many holes as a picture can show.
const maxSpaceSpans = 64

// SpaceSet is a set of fields of Space.
type SpaceSet uint16

// The fields.
const (
	SpaceUna SpaceSet = 1 << iota
	SpaceNxt
	SpaceEdge
	SpaceCwnd
	SpaceSsthresh
	SpaceInFlight
	SpaceQueued
	SpaceSacked
	SpaceRcvNxt
	SpaceRcvEdge
	SpaceHeld
	SpaceUnread
	SpaceMSS
)

// Space is the sequence space of the octets that one end of a connection sends (RFC 9293 section 3.3.1): what the sender
// knows of it, what the receiver knows, and what keeps the sender from sending more. Numbers are relative: the SYN has 0, the
// first octet of data 1. All of it is as it stands behind the last event that was added; what a stack shows at a transmission
// is moved on by the segment that leaves.
type Space struct {
	Conn   int
	Sender event.Host
	// T and N are the time and the number of the last event of the connection.
	T int64
	N int
	// State is that of the sender, where known.
	State event.State

	// Has tells which of the fields below are known, Computed which of those come from segments and calls, not from the
	// stack's own variables. SampledAt is when a stack that is only sampled showed Cwnd and Ssthresh, 0 for the moment of an event.
	Has, Computed SpaceSet
	SampledAt     int64

	// Una and Nxt are SND.UNA and SND.NXT, Edge is SND.UNA+SND.WND as it was when the window came: the first number that the
	// sender may not send. Wnd is Edge-Una, never below 0.
	Una, Nxt, Edge int64
	// Cwnd and Ssthresh are octets, segments times MSS; Ssthresh is event.InfiniteSsthresh before the first loss. CwndSegments and
	// InFlight count segments as the stack does, and InFlight leaves out what it takes for gone (pipe, RFC 6675 section 2).
	Cwnd, Ssthresh         int64
	CwndSegments, InFlight int64
	// MSS is that of what is sent, in octets.
	MSS int64
	// Flight is FlightSize (RFC 5681 section 2) in sequence numbers: Nxt-Una. Queued counts the octets that the application has
	// handed over and that were not sent yet; EndQueued says that a FIN waits behind them, FIN is behind the one that was sent, 0
	// if none was.
	Flight, Queued int64
	EndQueued      bool
	FIN            int64
	// Sacked are the pieces beyond Una that the receiver has reported, ascending: the sender's scoreboard. Held are those that it
	// really holds beyond RcvNxt. The slices are valid until the next event is added.
	Sacked, Held []event.Range
	// RcvNxt is RCV.NXT, RcvEdge the right edge of the window that the receiver has announced last. Unread counts the octets
	// before RcvNxt that its application has not taken.
	RcvNxt, RcvEdge, Unread int64
	// ReadsUnseen says that nobody sees what the receiving application takes: a program, a script, or an end of a capture that was
	// read.
	ReadsUnseen bool
	// Shrunk is by how much the receiver has taken back of what it had announced (shrinking the window, RFC 9293 section 3.8.6),
	// 0 when it has not; EdgeShrunk is the same as the sender has learnt it.
	Shrunk, EdgeShrunk int64

	// Limit is what binds the sender, since the moment Since. LimitHow tells how that is known.
	Limit    Limit
	LimitHow event.How
	Since    int64
	spent    [limits]int64
}

// Wnd is SND.WND in octets, as far as it is known.
func (s *Space) Wnd() int64 { return max(s.Edge-s.Una, 0) }

// InOrder counts the octets of data that have arrived without a hole, from the first on.
func (s *Space) InOrder() int64 {
	n := s.RcvNxt - 1
	if s.FIN > 0 && s.RcvNxt >= s.FIN {
		n--
	}
	return max(n, 0)
}

// Usable is the usable window: what the receiver's window lets the sender send now (RFC 9293 section 3.8.6.2.1), in octets.
func (s *Space) Usable() int64 { return max(s.Edge-s.Nxt, 0) }

// CwndEdge is the first number that the congestion window does not let the sender send: Una+Cwnd, or Nxt where that many segments, which
// may be short ones, are in flight.
func (s *Space) CwndEdge() int64 {
	edge := s.Una + s.Cwnd
	if s.Has&SpaceInFlight != 0 && s.InFlight >= s.CwndSegments {
		edge = min(edge, s.Nxt)
	}
	return edge
}

// Spent is how long l was the limit until the moment until, in nanoseconds.
func (s *Space) Spent(l Limit, until int64) int64 {
	if l >= limits {
		return 0
	}
	t := s.spent[l]
	if l == s.Limit && s.N != 0 {
		t += max(until-s.Since, 0)
	}
	return t
}

// Spaces follows the sequence spaces of all connections of a run. The zero value is ready.
type Spaces struct {
	of map[dirKey]*sequence
	// By Host, what the run says of the ends: whether Nagle's algorithm may run, and whether nobody sees what the application does.
	nagle, blind [3]bool
	// Ignored counts the events of connections that had no room: there are 8192 directions at most.
	Ignored int
}

// sequence is a Space and what it is computed from.
type sequence struct {
	Space
	reckoned reckoning
	sender   sending
	receiver receiving
}

// reckoning is a Space as the segments and the calls alone give it.
type reckoning struct {
	has                    SpaceSet
	una, nxt, edge         int64
	queued, unread         int64
	rcvNxt, rcvEdge, mss   int64
	sacked, held           spans
	sackedOut, heldOut     []event.Range // for Space
	senderMSS, receiverMSS int64         // of the options in the two SYNs
}

// Space returns that of the octets which sender sends on the connection conn, nil if nothing was seen of it. It is the one that
// Add changes: what is to be kept must be copied, the slices too.
func (s *Spaces) Space(conn int, sender event.Host) *Space {
	if q := s.of[dirKey{conn, sender}]; q != nil {
		return &q.Space
	}
	return nil
}

// Add takes the next event, with what Tracker.Add has derived for it. It keeps no reference to e.
func (s *Spaces) Add(e *event.Event) {
	if e.Kind == event.KindRun && e.Run != nil {
		s.begins(e.Run)
	}
	if e.Conn < 1 || e.Host != event.Client && e.Host != event.Server {
		return
	}
	own, theirs := s.sequence(e.Conn, e.Host), s.sequence(e.Conn, e.Host.Peer())
	if own == nil || theirs == nil {
		s.Ignored++
		return
	}
	if e.State != event.StateUnknown {
		own.State = e.State
	}
	switch e.Kind {
	case event.KindTx:
		if e.Seg.Origin != event.Injected {
			s.departs(e, own, theirs)
		}
	case event.KindRx:
		if e.Seg.BadSum {
			theirs.lose(&e.Derived)
			break
		}
		own.acknowledged(e, theirs.receiver.told)
		theirs.arrives(e)
	case event.KindLost:
		own.lose(&e.Derived)
	case event.KindVars:
		s.reads(e, own, theirs)
	case event.KindState:
		if e.State == event.Closed && e.From == event.LastAck { // the last that a stack tells: its FIN was acknowledged (RFC 9293 section 3.6)
			own.Una = own.Nxt
			if own.reckoned.una >= own.Nxt && own.reckoned.has&SpaceEdge != 0 { // it came with a window
				own.Edge = own.reckoned.edge
			}
		}
	case event.KindApp:
		own.call(e)
		theirs.taken(e)
	}
	for _, q := range [...]*sequence{own, theirs} {
		q.merge()
		q.decide(e, s.nagle[q.Sender])
	}
}

// begins takes what the run says of its ends.
func (s *Spaces) begins(r *event.Run) {
	for h, st := range [...]*event.Stack{event.Client: &r.Client, event.Server: &r.Server} {
		if st != nil {
			s.nagle[h], s.blind[h] = nagle(st), r.Programs[h] != "" || r.Captured()
		}
	}
}

// departs takes a transmission. What the stack tells with it is from before.
func (s *Spaces) departs(e *event.Event, own, theirs *sequence) {
	if e.Seg.Origin == event.Scripted {
		own.sender.blind, theirs.ReadsUnseen = true, true
	}
	theirs.announces(e)
	s.reads(e, own, theirs)
	own.transmits(e)
}

// reads takes the variables that the stack of an end tells: own is what it sends, theirs what it receives.
func (s *Spaces) reads(e *event.Event, own, theirs *sequence) {
	if e.Vars.Has == 0 {
		return
	}
	own.readSender(&e.Vars)
	theirs.readReceiver(&e.Vars)
}

// sequence returns that of the octets which host sends, nil where there is no room for another.
func (s *Spaces) sequence(conn int, host event.Host) *sequence {
	k := dirKey{conn, host}
	q := s.of[k]
	if q == nil && len(s.of) < maxSpaces {
		if s.of == nil {
			s.of = make(map[dirKey]*sequence)
		}
		q = &sequence{Space: Space{Conn: conn, Sender: host}}
		q.sender.blind, q.ReadsUnseen = s.blind[host], s.blind[host.Peer()]
		s.of[k] = q
	}
	return q
}

// merge takes over what the segments give for every field that the stack does not tell.
func (q *sequence) merge() {
	r := &q.reckoned
	for _, f := range [...]struct {
		bit  SpaceSet
		to   *int64
		from int64
	}{{SpaceUna, &q.Una, r.una}, {SpaceNxt, &q.Nxt, r.nxt}, {SpaceEdge, &q.Edge, r.edge}, {SpaceQueued, &q.Queued, r.queued},
		{SpaceRcvNxt, &q.RcvNxt, r.rcvNxt}, {SpaceRcvEdge, &q.RcvEdge, r.rcvEdge}, {SpaceUnread, &q.Unread, r.unread}, {SpaceMSS, &q.MSS, r.mss}} {
		if r.has&f.bit != 0 && !q.read(f.bit) {
			*f.to = f.from
			q.Has, q.Computed = q.Has|f.bit, q.Computed|f.bit
		}
	}
	if r.has&SpaceSacked != 0 && !q.read(SpaceSacked) {
		r.sackedOut = r.sacked.ranges(r.sackedOut[:0])
		q.Sacked, q.Has, q.Computed = r.sackedOut, q.Has|SpaceSacked, q.Computed|SpaceSacked
	}
	if r.has&SpaceHeld != 0 && !q.read(SpaceHeld) {
		r.heldOut = r.held.ranges(r.heldOut[:0])
		q.Held, q.Has, q.Computed = r.heldOut, q.Has|SpaceHeld, q.Computed|SpaceHeld
	}
	q.Flight = max(q.Nxt-q.Una, 0)
	q.EdgeShrunk = max(q.sender.farthest-q.Edge-q.sender.step, 0)
	q.Shrunk = max(q.receiver.farthest-q.RcvEdge-q.receiver.step, 0)
}

// read says whether the field is told by the stack itself.
func (q *sequence) read(bit SpaceSet) bool { return q.Has&^q.Computed&bit != 0 }

// ranges appends the first maxSpaceSpans pieces to dst.
func (s spans) ranges(dst []event.Range) []event.Range {
	for _, p := range s[:min(len(s), maxSpaceSpans)] {
		dst = append(dst, event.Range{First: p.first, Last: p.last})
	}
	return dst
}

// remove takes a piece away.
func (s *spans) remove(first, last int64) {
	if len(*s) == 0 {
		return
	}
	var out spans
	for _, p := range *s {
		if p.last <= first || p.first >= last {
			out = append(out, p)
			continue
		}
		if p.first < first {
			out = append(out, span{p.first, first})
		}
		if p.last > last {
			out = append(out, span{last, p.last})
		}
	}
	*s = out
}
