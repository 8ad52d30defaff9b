package analyze

import (
	"slices"

	"gnet/stackprobe/event"
)

// maxUnmeasured bounds the segments of one direction that wait for their acknowledgment. The largest window of the stacks of
// the laboratory has room for fewer full ones; more are not measured, and counted.
const maxUnmeasured = 1 << 14

// RoundTrip is the time from the departure of a segment to the arrival of the first acknowledgment that covers it, or
// reports it by SACK, both at the tap of its sender. What the receiver waits before it acknowledges is in it.
type RoundTrip struct {
	Conn   int
	Sender event.Host
	// Segment is Segment.ID of the transmission, N the number of the event of its departure, Sent the time of that.
	Segment, N int
	Sent       int64
	// Time is how long it took, in nanoseconds.
	Time int64
}

// RoundTrips measures the round trips of a run by Karn's rule: a segment that left more than once measures nothing, because
// nobody knows which transmission is acknowledged, and nor does anything else that is covered together with it (RFC 6298
// section 3; Karn and Partridge, 1987). The zero value is ready. Memory is bounded by what is outstanding, and by
// maxUnmeasured for each direction of at most 2*maxFlights.
type RoundTrips struct {
	dirs map[dirKey]*outstanding
	// Unmeasured counts the segments for which there was no room.
	Unmeasured int
}

// outstanding are the segments of one direction that wait for their acknowledgment, in the order of their numbers.
type outstanding struct {
	list   []departure
	sacked spans // what SACK blocks have reported above the acknowledgment
}

// departure is one of them: the numbers first to last.
type departure struct {
	first, last int64
	id, n       int
	t           int64
	repeated    bool // some of it left again
	sacked      bool // it was measured when a SACK block reported it
}

// Add takes the next event, with what Tracker.Add has derived for it, and yields the round trips that end with it.
func (r *RoundTrips) Add(e *event.Event, yield func(RoundTrip)) {
	if e.Seg.Origin == event.Injected || e.Seg.Flags.Has(event.RST) {
		return
	}
	switch e.Kind {
	case event.KindTx:
		if d := &e.Derived; d.HasRelSeq && d.RelEnd > d.RelSeq {
			r.departs(e)
		}
	case event.KindRx:
		if o := r.dirs[dirKey{e.Conn, e.Host}]; o != nil && e.Derived.HasRelAck && !e.Seg.BadSum {
			o.acknowledge(e, yield)
		}
	}
}

// departs notes a transmission.
func (r *RoundTrips) departs(e *event.Event) {
	d, k := &e.Derived, dirKey{e.Conn, e.Host}
	o := r.dirs[k]
	switch {
	case o != nil:
	case len(r.dirs) >= 2*maxFlights:
		r.Unmeasured++
		return
	case r.dirs == nil:
		r.dirs = make(map[dirKey]*outstanding)
		fallthrough
	default:
		o = &outstanding{}
		r.dirs[k] = o
	}
	for i := o.from(d.RelSeq); i < len(o.list) && o.list[i].first < d.RelEnd; i++ {
		o.list[i].repeated = true
	}
	from := d.RelSeq
	if n := len(o.list); n > 0 {
		from = max(from, o.list[n-1].last)
	}
	switch {
	case from >= d.RelEnd: // nothing of it is new
	case len(o.list) == maxUnmeasured:
		r.Unmeasured++
	default:
		o.list = append(o.list, departure{first: from, last: d.RelEnd, id: e.Seg.ID, n: e.N, t: e.T, repeated: d.Repeat})
	}
}

// from returns the place of the first segment that ends behind the number at.
func (o *outstanding) from(at int64) int {
	if n := len(o.list); n == 0 || o.list[n-1].last <= at {
		return n // as a rule
	}
	i, _ := slices.BinarySearchFunc(o.list, at, func(d departure, at int64) int {
		if d.last <= at {
			return -1
		}
		return 1
	})
	return i
}

// acknowledge takes an acknowledgment that has arrived at the sender.
func (o *outstanding) acknowledge(e *event.Event, yield func(RoundTrip)) {
	ack := e.Derived.RelAck
	covered := o.from(ack)
	ambiguous := slices.ContainsFunc(o.list[:covered], func(d departure) bool { return d.repeated })
	for i := 0; i < covered && !ambiguous; i++ {
		o.list[i].measure(e, yield)
	}
	o.list = o.list[covered:] // append moves what is left to the front now and then
	o.sacked.dropBelow(ack)
	if e.Seg.Opts.Has&event.OptSack == 0 {
		return
	}
	for _, b := range e.Derived.RelSack[:min(int(e.Seg.Opts.NSack), event.MaxBlocks)] {
		if b.First <= ack || b.First >= b.Last { // what arrived twice (RFC 2883 section 4)
			continue
		}
		o.sacked.gaps(b.First, b.Last, func(first, last int64) { o.report(e, first, last, yield) })
		o.sacked.add(b.First, b.Last)
	}
}

// report takes numbers that a SACK block names for the first time.
func (o *outstanding) report(e *event.Event, first, last int64, yield func(RoundTrip)) {
	for i := o.from(first); i < len(o.list) && o.list[i].last <= last; i++ {
		o.list[i].measure(e, yield)
		o.list[i].sacked = true
	}
}

// measure yields the round trip that ends with e.
func (d *departure) measure(e *event.Event, yield func(RoundTrip)) {
	if d.repeated || d.sacked || e.T < d.t { // a damaged run may go back in time
		return
	}
	yield(RoundTrip{e.Conn, e.Host, d.id, d.n, d.t, e.T - d.t})
}
