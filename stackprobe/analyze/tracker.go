// Package analyze says what follows from the events of a run: which arrival belongs to which departure, what an
// acknowledgment covered for the first time, which one is a duplicate, and the sums.
//
// It reads events in their order and holds only what is still open (segments in flight, the edges of each direction's
// sequence space), so a run of any length needs no more memory than a short one. Nothing here is observed: an event
// carries the facts, a Relation what can be concluded from them and those before. The package knows event only.
package analyze

import "gnet/stackprobe/event"

// maxFlights bounds the segments that are remembered as in flight. A run never has so many; a damaged one could claim
// them. The oldest is forgotten first, and its arrival has Known false.
const maxFlights = 4096

// Tracker follows one run. The zero value is not ready; use New.
type Tracker struct {
	flights map[int]flight // by Segment.ID
	order   []int          // their numbers in order of departure, gone ones included
	lastID  int            // the highest number that has left
	dirs    map[dirKey]*direction
	sum     Summary
}

// flight is a segment that has left and neither arrived nor was lost.
type flight struct {
	t    int64
	n    int
	host event.Host
}

// dirKey names the octets that one end of one connection sends.
type dirKey struct {
	conn int
	host event.Host
}

// direction is the sequence space of one sender, in numbers that do not wrap.
type direction struct {
	sent     int64  // behind the highest number that has left
	acked    int64  // highest acknowledgment that has arrived back
	arrived  spans  // what has arrived
	sacked   spans  // what arriving SACK blocks have reported
	window   uint32 // that of the last acknowledgment, in octets
	dupAcks  int
	hasSent  bool
	hasAcked bool
}

// Relation is what follows for one event of kind tx, rx or lost. The zero value is right for all other kinds.
type Relation struct {
	// Seq, End and Ack are relative sequence numbers without wrap: where the segment starts, the number behind its
	// last, what it acknowledges. A keepalive's can be below 0. HasSeq and HasAck are false where the event has no
	// relative number.
	Seq, End, Ack  int64
	HasSeq, HasAck bool
	// Known says that the departure of an arriving or lost segment was seen; SentT and SentN are its time in
	// nanoseconds and its number.
	Known bool
	SentT int64
	SentN int
	// Repeat says that a departing segment takes sequence numbers that have left before.
	Repeat bool
	// Copy says that an arriving segment's transmission had arrived, or was lost, before.
	Copy bool
	// Stale says that all octets of an arriving segment had been covered by others that arrived before.
	Stale bool
	// NewlyAcked counts the sequence numbers that an arriving acknowledgment covers for the first time.
	NewlyAcked int64
	// DupAck numbers the duplicate acknowledgments since the last that was none, 0 for any other segment.
	DupAck int
}

// New gives a tracker for one run.
func New() *Tracker {
	return &Tracker{flights: map[int]flight{}, dirs: map[dirKey]*direction{}}
}

// Add takes the next event and says what follows for it. It keeps no reference to e but its End.
func (t *Tracker) Add(e *event.Event) Relation {
	var r Relation
	switch e.Kind {
	case event.KindTx:
		r = t.numbers(e, e.Host)
		t.depart(e, &r)
	case event.KindRx:
		r = t.numbers(e, e.Host.Peer())
		t.arrive(e, &r)
	case event.KindLost:
		r = t.numbers(e, e.Host)
		t.land(e.Seg.ID, &r)
	}
	t.sum.add(e, &r)
	return r
}

// Summary gives the sums of all events so far.
func (t *Tracker) Summary() Summary {
	s := t.sum
	s.InFlight = len(t.flights)
	return s
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

// numbers extends the relative numbers of a segment that sender sent.
func (t *Tracker) numbers(e *event.Event, sender event.Host) Relation {
	var r Relation
	s := &e.Seg
	if s.HasRelSeq {
		r.Seq = extend(t.direction(e.Conn, sender).sent, s.RelSeq)
		r.End, r.HasSeq = r.Seq+int64(s.Space()), true
	}
	if s.HasRelAck && s.Flags.Has(event.ACK) {
		r.Ack, r.HasAck = extend(t.direction(e.Conn, sender.Peer()).sent, s.RelAck), true
	}
	return r
}

// extend gives the number next to near whose low 32 bits are v: a connection may send more than 4 GiB.
func extend(near int64, v uint32) int64 { return near + int64(int32(v-uint32(near))) }

// depart notes a transmission.
func (t *Tracker) depart(e *event.Event, r *Relation) {
	s := &e.Seg
	t.remember(s.ID, flight{e.T, e.N, e.Host})
	d := t.direction(e.Conn, e.Host)
	r.Repeat = s.Attempt > 1 || (s.Attempt == 0 && r.HasSeq && r.End > r.Seq && d.hasSent && r.Seq < d.sent)
	if r.HasSeq && (!d.hasSent || r.End > d.sent) {
		d.sent, d.hasSent = r.End, true
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

// land ends a flight and joins the event with the departure.
func (t *Tracker) land(id int, r *Relation) {
	f, ok := t.flights[id]
	if ok {
		r.Known, r.SentT, r.SentN = true, f.t, f.n
		delete(t.flights, id)
		return
	}
	r.Copy = id <= t.lastID
}

// arrive notes an arrival at e.Host.
func (t *Tracker) arrive(e *event.Event, r *Relation) {
	s := &e.Seg
	t.land(s.ID, r)
	if s.BadSum {
		return // the receiver does not look into it (RFC 9293 3.1)
	}
	theirs := t.direction(e.Conn, e.Host.Peer())
	if r.HasSeq && r.End > r.Seq {
		r.Stale = !theirs.arrived.add(r.Seq, r.End)
	}
	if r.HasAck && !s.Flags.Has(event.RST) {
		t.direction(e.Conn, e.Host).acknowledge(s, r)
	}
}

// acknowledge notes an acknowledgment that has arrived at the sender of these octets. A duplicate is, by RFC 5681 2:
// data outstanding, no data in it, neither SYN nor FIN, the highest number so far again, the same window; by RFC 6675 2
// also one of another window whose SACK blocks report octets for the first time.
func (d *direction) acknowledge(s *event.Segment, r *Relation) {
	news, window := d.selective(s, r.Ack), octets(s)
	switch {
	case !d.hasAcked || r.Ack > d.acked:
		if d.hasAcked {
			r.NewlyAcked = r.Ack - d.acked
		} else {
			r.NewlyAcked = max(r.Ack, 0) // numbers count from the SYN, which has 0
		}
		d.acked, d.hasAcked, d.dupAcks = r.Ack, true, 0
	case r.Ack == d.acked && d.sent > d.acked && s.Space() == 0 && (window == d.window || news):
		d.dupAcks++
		r.DupAck = d.dupAcks
	}
	d.window = window
}

// octets is the window that s announces: the field as the SYNs scale it, which they do in all segments but themselves; the
// field alone where the SYNs were not seen.
func octets(s *event.Segment) uint32 {
	if s.HasWindow {
		return s.Window
	}
	return uint32(s.Win)
}

// selective takes the SACK blocks in and says whether they report any octet above ack for the first time. Blocks at or
// below it report what arrived twice (RFC 2883 4).
func (d *direction) selective(s *event.Segment, ack int64) bool {
	news := false
	if s.Opts.Has&event.OptSack == 0 {
		return false
	}
	for _, b := range s.Opts.RelSack[:min(int(s.Opts.NSack), event.MaxBlocks)] {
		first, last := extend(d.sent, b.Left), extend(d.sent, b.Right)
		if first > ack && first < last && last <= d.sent && d.sacked.add(first, last) {
			news = true
		}
	}
	return news
}
