// Package analyze says what follows from the events of a run: the numbers that count from the initial ones, which arrival
// belongs to which departure, why a segment was sent, what an acknowledgment covered for the first time, which one is a
// duplicate and what made its sender send it, and the sums.
//
// It reads events in their order and holds only what is still open (segments in flight, the edges of each direction's
// sequence space), so a run of any length needs no more memory than a short one. Nothing here is observed: the rest of an
// event carries the facts, its Derived what can be concluded from them and from the events before. A stored run that is
// read again gives the same. The package knows event only.
package analyze

import (
	"slices"

	"gnet/stackprobe/event"
)

// maxFlights bounds the segments that are remembered as in flight. A run never has so many; a damaged one could claim
// them. The oldest is forgotten first, and its arrival is one whose departure was not seen.
const maxFlights = 4096

// Tracker follows one run. The zero value is not ready; use New.
type Tracker struct {
	flows   event.Flows
	flights map[int]flight // by Segment.ID
	order   []int          // their numbers in order of departure, gone ones included
	lastID  int            // the highest number that has left
	dirs    map[dirKey]*direction
	oneTap  bool       // see event.TapWorld
	outside event.Host // see event.Run.Outside
}

// flight is a segment that has left and neither arrived nor was lost.
type flight struct {
	t       int64
	n       int
	numbers event.Numbers
	why     event.Reason
	whyHow  event.How
	cause   event.Cause
	copy    bool // made by the link
}

// dirKey names the octets that one end of one connection sends.
type dirKey struct {
	conn int
	host event.Host
}

// direction is the sequence space of one sender, in relative numbers.
type direction struct {
	sent     int64  // behind the highest number that has left
	tooLong  int64  // behind the highest number that had left when a router said that segments were too long
	acked    int64  // highest acknowledgment that has arrived back
	lastAck  int64  // the acknowledgment that the receiver of these octets sent last
	arrived  spans  // what has arrived
	lost     spans  // what the link took, above lastAck
	sacked   spans  // what arriving SACK blocks have reported
	window   uint32 // that of the last acknowledgment, in octets
	dupAcks  int
	hasAcked bool
	hasLast  bool
	stale    bool // the last arrival brought nothing new
}

// New gives a tracker for one run.
func New() *Tracker {
	return &Tracker{flights: map[int]flight{}, dirs: map[dirKey]*direction{}}
}

// Add takes the next event and writes what follows for it to e.Derived, whatever stood there. It keeps no reference to e.
func (t *Tracker) Add(e *event.Event) {
	e.Derived = event.Derived{}
	switch e.Kind {
	case event.KindRun:
		if t.oneTap = e.Run != nil && e.Run.World == event.TapWorld; e.Run != nil {
			t.outside = e.Run.Outside()
		}
	case event.KindTx:
		e.Derived.Numbers = t.flows.Departs(e.Conn, e.Host, &e.Seg)
		if e.Seg.Origin == event.Injected { // it says nothing of what the end has sent
			t.remember(e.Seg.ID, flight{t: e.T, n: e.N, numbers: e.Derived.Numbers})
			return
		}
		t.depart(e)
	case event.KindRx:
		e.Derived.Numbers = t.flows.Arrives(e.Conn, e.Host.Peer(), &e.Seg)
		t.arrive(e)
	case event.KindLost:
		e.Derived.Numbers = t.flows.Arrives(e.Conn, e.Host, &e.Seg)
		if f := t.land(e); f != nil {
			t.direction(e.Conn, e.Host).lose(&f.numbers)
		}
	case event.KindFault, event.KindICMP:
		e.Derived.Numbers = t.flows.Arrives(e.Conn, e.Host, &e.Seg)
		t.about(e)
		if e.Kind == event.KindICMP {
			t.direction(e.Conn, e.Host).toldTooLong(e)
		}
	}
	if t.oneTap { // what had arrived, and what was lost, nobody knows
		e.Derived.Spurious, e.Derived.Stale, e.Derived.Gap, e.Derived.DupCause = false, false, 0, 0
	}
	if t.outside != event.None {
		t.beyond(e)
	}
}

// beyond takes back what nobody knows where one end is outside: what had arrived there, when its segments left it, and which of them are
// still on their way to this host.
func (t *Tracker) beyond(e *event.Event) {
	r, sender := &e.Derived, e.Host
	if e.Kind == event.KindRx {
		sender = e.Host.Peer()
	}
	r.Spurious = false
	if e.Kind == event.KindRx && e.Host == t.outside {
		r.Stale, r.Gap = false, 0
	}
	if r.Gap == event.CauseReordering {
		r.Gap = 0
	}
	if sender == t.outside || r.DupCause == event.CauseReordering {
		r.DupCause = 0
	}
}

// direction gives the sequence space of the octets that host sends on conn.
func (t *Tracker) direction(conn int, host event.Host) *direction {
	k := dirKey{conn, host}
	d := t.dirs[k]
	if d == nil {
		d = &direction{}
		if len(t.dirs) < 2*maxFlights { // connections are few; a damaged run must not grow us
			t.dirs[k] = d
		}
	}
	return d
}

// depart notes a transmission.
func (t *Tracker) depart(e *event.Event) {
	r, s := &e.Derived, &e.Seg
	d, theirs := t.direction(e.Conn, e.Host), t.direction(e.Conn, e.Host.Peer())
	r.Why, r.WhyHow = reason(e, d)
	r.Repeat = r.Attempt > 1
	// What a probe repeats is meant to be old.
	r.Spurious = r.Repeat && r.Why != event.WindowProbe && r.Why != event.Keepalive && d.arrived.covers(r.RelSeq, r.RelEnd)
	if r.HasRelSeq && !s.Flags.Has(event.RST) {
		d.sent = max(d.sent, r.RelEnd)
	}
	if r.HasRelAck && !s.Flags.Has(event.RST) {
		r.DupCause = theirs.answer(s, r.RelAck)
	}
	t.remember(s.ID, flight{e.T, e.N, r.Numbers, r.Why, r.WhyHow, r.DupCause, false})
}

// about joins what the link did to a segment, or a message about it, with its departure. A copy that the link makes is a
// flight of its own.
func (t *Tracker) about(e *event.Event) {
	f, ok := t.flights[e.Seg.ID]
	if !ok {
		return
	}
	join(&e.Derived, &f)
	if e.Kind == event.KindFault && e.Fault.Action == event.Dup && e.Fault.Copy != 0 {
		f.copy = true
		t.remember(e.Fault.Copy, f)
	}
}

// remember adds a flight, and forgets the oldest when there are too many.
func (t *Tracker) remember(id int, f flight) {
	t.lastID = max(t.lastID, id)
	t.flights[id] = f
	t.order = append(t.order, id)
	for len(t.order) > 0 {
		if _, open := t.flights[t.order[0]]; open && len(t.flights) <= maxFlights {
			break
		}
		delete(t.flights, t.order[0])
		t.order = t.order[1:]
	}
	if len(t.order) > 2*maxFlights { // one that never lands keeps those behind it
		delete(t.flights, t.order[0])
		t.order = t.order[1:]
	}
}

// land ends the flight of e's segment, joins e with its departure, and returns the flight, nil if it was not seen.
func (t *Tracker) land(e *event.Event) *flight {
	f, ok := t.flights[e.Seg.ID]
	if !ok {
		e.Derived.Copy = e.Seg.ID <= t.lastID
		return nil
	}
	delete(t.flights, e.Seg.ID)
	join(&e.Derived, &f)
	return &f
}

// join writes what is known from a segment's departure.
func join(r *event.Derived, f *flight) {
	r.SentN, r.SentT, r.Copy = f.n, f.t, f.copy
	r.Attempt, r.Why, r.WhyHow = f.numbers.Attempt, f.why, f.whyHow
}

// arrive notes an arrival at e.Host.
func (t *Tracker) arrive(e *event.Event) {
	r, s := &e.Derived, &e.Seg
	f := t.land(e)
	if s.Origin == event.Injected {
		return
	}
	theirs := t.direction(e.Conn, e.Host.Peer())
	if s.BadSum { // the receiver does not look into it (RFC 9293 3.1)
		if f != nil {
			theirs.lose(&f.numbers)
		}
		return
	}
	if r.HasRelSeq {
		r.Gap = theirs.gap(r.RelSeq)
	}
	if r.HasRelSeq && r.RelEnd > r.RelSeq {
		r.Stale = !theirs.arrived.add(r.RelSeq, r.RelEnd)
		theirs.stale = r.Stale
	}
	if r.HasRelAck && !s.Flags.Has(event.RST) {
		t.direction(e.Conn, e.Host).acknowledge(s, r)
		if r.DupAck > 0 && f != nil {
			r.DupCause = f.cause
		}
	}
}

// lose notes octets that will not arrive by this transmission.
func (d *direction) lose(n *event.Numbers) {
	if n.HasRelSeq && n.RelEnd > n.RelSeq && n.RelEnd > d.lastAck {
		d.lost.add(n.RelSeq, n.RelEnd)
	}
}

// gap says why octets that end before number to have not arrived, 0 if they have.
func (d *direction) gap(to int64) event.Cause {
	from := int64(0)
	for _, p := range slices.Backward(d.arrived) { // what arrives is as a rule the newest
		if p.first < to {
			from = p.last
			break
		}
	}
	switch {
	case from >= to || to > d.sent:
		return 0
	case d.lost.meets(from, to):
		return event.CauseLoss
	}
	return event.CauseReordering
}

// answer notes that the receiver of these octets sends an acknowledgment, and says what made it repeat the one before: the
// last arrival was old, or stands behind a hole whose first octet was lost or is on its way.
func (d *direction) answer(s *event.Segment, ack int64) event.Cause {
	again := d.hasLast && ack == d.lastAck && s.Space() == 0
	if !d.hasLast || ack > d.lastAck {
		d.lastAck, d.hasLast = ack, true
		d.lost.dropBelow(ack)
	}
	switch {
	case !again:
		return 0
	case d.stale:
		return event.CauseDuplicate
	case !d.arrived.reaches(ack):
		return 0 // nothing has arrived behind it
	case d.lost.covers(ack, ack+1):
		return event.CauseLoss
	case ack < d.sent:
		return event.CauseReordering
	}
	return 0
}

// acknowledge notes an acknowledgment that has arrived at the sender of these octets. A duplicate is, by RFC 5681 2:
// data outstanding, no data in it, neither SYN nor FIN, the highest number so far again, the same window; by RFC 6675 2
// also one of another window whose SACK blocks report octets for the first time.
func (d *direction) acknowledge(s *event.Segment, r *event.Derived) {
	news, window := d.selective(s, r), octets(s, r)
	switch {
	case !d.hasAcked || r.RelAck > d.acked:
		if d.hasAcked {
			r.NewlyAcked = r.RelAck - d.acked
		} else {
			r.NewlyAcked = max(r.RelAck, 0) // numbers count from the SYN, which has 0
		}
		d.acked, d.hasAcked, d.dupAcks = r.RelAck, true, 0
	case r.RelAck == d.acked && d.sent > d.acked && s.Space() == 0 && (window == d.window || news):
		d.dupAcks++
		r.DupAck = d.dupAcks
	}
	d.window = window
}

// octets is the window that s announces: the field as the SYNs scale it, which they do in all segments but themselves; the
// field alone where the SYNs were not seen.
func octets(s *event.Segment, r *event.Derived) uint32 {
	if r.HasWindow {
		return r.Window
	}
	return uint32(s.Win)
}

// selective takes the SACK blocks in and says whether they report any octet above the acknowledgment for the first time.
// Blocks at or below it report what arrived twice (RFC 2883 4).
func (d *direction) selective(s *event.Segment, r *event.Derived) bool {
	if s.Opts.Has&event.OptSack == 0 {
		return false
	}
	news := false
	for _, b := range r.RelSack[:min(int(s.Opts.NSack), event.MaxBlocks)] {
		if b.First > r.RelAck && b.First < b.Last && b.Last <= d.sent && d.sacked.add(b.First, b.Last) {
			news = true
		}
	}
	return news
}
