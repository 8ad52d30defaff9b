package analyze

import (
	"cmp"
	"slices"

	"gnet/stackprobe/event"
)

// receiving is what is known of the receiver of a Space beyond what it shows.
type receiving struct {
	told  int64 // what it has acknowledged last
	taken int64 // octets that its application has read
	fin   int64 // behind the FIN that has arrived, 0 if none has
	// farthest is the rightmost edge that it has announced, step how far a scaled edge can fall back by rounding alone, and full says
	// that the window field had no room for more.
	farthest, step int64
	full           bool
}

// announces takes the acknowledgment and the window of a segment that the receiver has sent.
func (q *sequence) announces(e *event.Event) {
	s, d, r := &e.Seg, &e.Derived, &q.reckoned
	if s.Flags.Has(event.RST) {
		return
	}
	if s.Flags.Has(event.SYN) && s.Opts.Has&event.OptWScale != 0 {
		q.receiver.step = 1<<min(s.Opts.WScale, 14) - 1
	}
	if !d.HasRelAck || !s.Flags.Has(event.ACK) {
		return
	}
	q.receiver.told = max(q.receiver.told, d.RelAck)
	if d.RelAck > r.rcvNxt || r.has&SpaceRcvNxt == 0 {
		q.advance(d.RelAck)
	}
	if d.HasWindow {
		r.rcvEdge, r.has = d.RelAck+int64(d.Window), r.has|SpaceRcvEdge
		q.Has, q.Computed = q.Has|SpaceRcvEdge, q.Computed|SpaceRcvEdge
		q.receiver.farthest, q.receiver.full = max(q.receiver.farthest, r.rcvEdge), s.Win == 1<<16-1
	}
}

// arrives takes a segment that has arrived at the receiver. What lies beyond the window that was announced is not taken; a FIN may
// stand behind its edge.
func (q *sequence) arrives(e *event.Event) {
	s, d, r := &e.Seg, &e.Derived, &q.reckoned
	if !d.HasRelSeq || d.RelEnd <= d.RelSeq || s.Flags.Has(event.RST) || s.Flags.Has(event.SYN) && s.Origin == event.Injected {
		return
	}
	data := d.RelEnd
	if s.Flags.Has(event.FIN) {
		data--
	}
	switch {
	case r.has&SpaceRcvEdge != 0 && data > r.rcvEdge || d.RelEnd <= r.rcvNxt:
		return
	case s.Flags.Has(event.FIN):
		q.receiver.fin = d.RelEnd
	}
	if r.has&SpaceRcvNxt == 0 && !s.Flags.Has(event.SYN) {
		return
	}
	if d.RelSeq > r.rcvNxt {
		if data > d.RelSeq { // the FIN is no octet that is held
			r.held.add(d.RelSeq, data)
		}
		return
	}
	q.advance(d.RelEnd)
}

// advance moves RCV.NXT on to at least nxt, and over what had arrived behind it.
func (q *sequence) advance(nxt int64) {
	r := &q.reckoned
	r.rcvNxt, r.has = nxt, r.has|SpaceRcvNxt|SpaceHeld
	for len(r.held) > 0 && r.held[0].first <= r.rcvNxt {
		r.rcvNxt = max(r.rcvNxt, r.held[0].last)
		r.held = r.held[1:]
	}
	if r.rcvNxt == q.receiver.fin-1 {
		r.rcvNxt = q.receiver.fin
	}
	q.waits()
}

// waits counts what the application has not read.
func (q *sequence) waits() {
	r := &q.reckoned
	if q.ReadsUnseen {
		r.has &^= SpaceUnread
		if !q.read(SpaceUnread) {
			q.Has &^= SpaceUnread
		}
		return
	}
	data := r.rcvNxt - 1
	if q.receiver.fin > 0 && r.rcvNxt >= q.receiver.fin {
		data--
	}
	r.unread, r.has = max(data-q.receiver.taken, 0), r.has|SpaceUnread
}

// taken takes what the receiver's application reads.
func (q *sequence) taken(e *event.Event) {
	if e.App.Call != event.Receive {
		return
	}
	n := int64(max(e.App.Bytes, 0))
	q.receiver.taken += n
	if q.read(SpaceUnread) {
		q.Unread = max(q.Unread-n, 0)
	}
	q.waits()
}

// readReceiver takes what the receiver's stack tells.
func (q *sequence) readReceiver(v *event.Vars) {
	if v.Has&event.HasIRS == 0 {
		return
	}
	r := &q.reckoned
	now := func(b event.VarSet) bool { return v.Has&b == b && (v.At == 0 || v.Computed&b == b) }
	nxt, told := near(v.RcvNxt, v.IRS, r.rcvNxt), v.Computed&event.HasRcvNxt == 0
	if now(event.HasRcvNxt) && (r.has&SpaceRcvNxt == 0 || nearby(nxt, r.rcvNxt)) {
		q.take(SpaceRcvNxt, &q.RcvNxt, nxt, told)
		if !told || r.has&SpaceRcvNxt == 0 {
			q.advance(nxt)
		}
		if told && now(event.HasRcvWnd) && v.Computed&event.HasRcvWnd == 0 {
			q.readEdge(nxt + int64(v.RcvWnd))
		}
	}
	if now(event.HasRcvBuf) {
		q.take(SpaceUnread, &q.Unread, int64(v.RcvBuf), true)
	}
	if now(event.HasHeld) {
		if v.NHeld >= event.MaxBlocks {
			q.Computed |= SpaceHeld
		} else {
			q.Held = pieces(q.Held, v.Held[:v.NHeld], v.IRS, q.RcvNxt)
			q.Has, q.Computed = q.Has|SpaceHeld, q.Computed&^SpaceHeld
		}
	}
}

// readEdge takes the right edge that the stack believes to have announced. What its segment says is what the peer knows: less by the
// rounding of a scaled window, or where the field was full. (A kernel's window counts from where it was announced, which its segments alone
// tell.)
func (q *sequence) readEdge(edge int64) {
	r := &q.reckoned
	over := edge - r.rcvEdge
	switch {
	case r.has&SpaceRcvEdge != 0 && over >= 0 && over <= q.receiver.step:
		q.take(SpaceRcvEdge, &q.RcvEdge, r.rcvEdge, true)
	case r.has&SpaceRcvEdge != 0 && over >= 0 && q.receiver.full:
		q.take(SpaceRcvEdge, &q.RcvEdge, r.rcvEdge, false)
	default:
		q.take(SpaceRcvEdge, &q.RcvEdge, edge, true)
		q.receiver.farthest = max(q.receiver.farthest, edge)
	}
}

// spaceReach is how far a number that a stack tells may be from the one that the segments give; what is farther belongs to another
// connection between the same sockets, which its end has not left yet. It is twice the largest window that the stacks of the laboratory open.
const spaceReach = 8 << 20

// nearby says whether two numbers may be of the same connection.
func nearby(a, b int64) bool { return a-b <= spaceReach && b-a <= spaceReach }

// pieces writes blocks, in ascending order and relative to first, next to the number at, into dst from its start. Blocks that are
// none and what lies before at are left out.
func pieces(dst []event.Range, blocks []event.Block, first uint32, at int64) []event.Range {
	dst = dst[:0]
	for _, b := range blocks {
		p := event.Range{First: max(near(b.Left, first, at), at), Last: near(b.Right, first, at)}
		if p.First < p.Last {
			dst = append(dst, p)
		}
	}
	slices.SortFunc(dst, func(a, b event.Range) int { return cmp.Compare(a.First, b.First) })
	return dst
}
