package analyze

import (
	"math/rand"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// trips gives the round trips that events end.
func trips(r *RoundTrips, tr *Tracker, events ...event.Event) []RoundTrip {
	var all []RoundTrip
	for i := range events {
		tr.Add(&events[i])
		r.Add(&events[i], func(t RoundTrip) { all = append(all, t) })
	}
	return all
}

// Each segment is measured by itself, the SYNs too; one that left again measures nothing, nor what is covered with it; what SACK
// reports is measured then.
func TestRoundTrips(t *testing.T) {
	syn, synAck := seg(1, event.SYN, 0, 0, 0), seg(2, event.SYN|event.ACK, 0, 0, 1)
	open := []event.Event{tx(0, cl, syn), rx(10, sv, syn), tx(11, sv, synAck), rx(21, cl, synAck), tx(22, cl, seg(3, event.ACK, 1, 0, 1)), rx(32, sv, seg(3, event.ACK, 1, 0, 1))}
	opening := []RoundTrip{{Sender: cl, Segment: 1, N: 1, Sent: 0, Time: 21}, {Sender: sv, Segment: 2, N: 12, Sent: 11, Time: 21}}
	data := func(id int, first uint32) event.Segment { return seg(id, event.ACK, first, 100, 1) }
	ack := func(id int, n uint32, blocks ...event.Block) event.Segment {
		s := seg(id, event.ACK, 1, 0, n)
		for i, b := range blocks {
			s.Opts.Has, s.Opts.NSack, s.Opts.Sack[i] = event.OptSack, uint8(i+1), b
		}
		return s
	}
	three := []event.Event{tx(100, cl, data(4, 1)), tx(101, cl, data(5, 101)), tx(102, cl, data(6, 201))}
	bad := ack(9, 301)
	bad.BadSum = true
	injected := ack(9, 301)
	injected.Origin = event.Injected
	trip := func(id int, sent, took int64) RoundTrip {
		return RoundTrip{Sender: cl, Segment: id, N: int(sent) + 1, Sent: sent, Time: took}
	}
	for name, c := range map[string]struct {
		events []event.Event
		want   []RoundTrip
	}{
		"one acknowledgment for two": {[]event.Event{rx(140, cl, ack(7, 201)), rx(150, cl, ack(8, 301))}, []RoundTrip{trip(4, 100, 40), trip(5, 101, 39), trip(6, 102, 48)}},
		"one left again":             {[]event.Event{tx(130, cl, data(7, 101)), rx(140, cl, ack(8, 101)), rx(150, cl, ack(9, 301))}, []RoundTrip{trip(4, 100, 40)}},
		"reported, then covered": {[]event.Event{rx(140, cl, ack(7, 101, event.Block{Left: 201, Right: 301})), tx(141, cl, data(8, 101)), rx(150, cl, ack(9, 301))},
			[]RoundTrip{trip(4, 100, 40), trip(6, 102, 38)}},
		"reported twice":      {[]event.Event{rx(140, cl, ack(7, 1, event.Block{Left: 101, Right: 201})), rx(141, cl, ack(8, 1, event.Block{Left: 101, Right: 301}))}, []RoundTrip{trip(5, 101, 39), trip(6, 102, 39)}},
		"arrived twice":       {[]event.Event{rx(140, cl, ack(7, 201, event.Block{Left: 1, Right: 101}))}, []RoundTrip{trip(4, 100, 40), trip(5, 101, 39)}},
		"half a segment":      {[]event.Event{rx(140, cl, ack(7, 151))}, []RoundTrip{trip(4, 100, 40)}},
		"a wrong checksum":    {[]event.Event{rx(140, cl, bad)}, nil},
		"somebody else's":     {[]event.Event{rx(140, cl, injected)}, nil},
		"a RST":               {[]event.Event{rx(140, cl, seg(9, event.RST|event.ACK, 1, 0, 301))}, nil},
		"before it departed":  {[]event.Event{rx(50, cl, ack(7, 101))}, nil},
		"longer than it was":  {[]event.Event{tx(130, cl, seg(7, event.ACK, 201, 150, 1)), rx(150, cl, ack(8, 201)), rx(151, cl, ack(9, 351))}, []RoundTrip{trip(4, 100, 50), trip(5, 101, 49)}},
		"nobody's connection": {[]event.Event{{Kind: event.KindRx, Host: cl, Conn: 9, T: 150, Seg: ack(7, 301)}}, nil},
	} {
		var r RoundTrips
		tr := New()
		if d := cmp.Diff(opening, trips(&r, tr, open...)); d != "" {
			t.Fatal(d)
		}
		trips(&r, tr, three...)
		if d := cmp.Diff(c.want, trips(&r, tr, c.events...)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

// What waits is bounded, and what finds no room is counted.
func TestRoundTrips_bounded(t *testing.T) {
	var r RoundTrips
	for i := range int64(maxUnmeasured + 5) {
		e := event.Event{Kind: event.KindTx, Host: cl, Conn: 1}
		e.Derived.Numbers = event.Numbers{RelSeq: i, RelEnd: i + 1, HasRelSeq: true}
		r.Add(&e, nil)
	}
	for i := range 2*maxFlights + 5 {
		e := event.Event{Kind: event.KindTx, Host: cl, Conn: 2 + i}
		e.Derived.Numbers = event.Numbers{RelEnd: 1, HasRelSeq: true}
		r.Add(&e, nil)
	}
	if want := 5 + 6; r.Unmeasured != want || len(r.dirs) != 2*maxFlights {
		t.Errorf("%d unmeasured, want %d; %d directions", r.Unmeasured, want, len(r.dirs))
	}
}

// TestSpans_gaps compares with a set of numbers.
func TestSpans_gaps(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	for range 300 {
		var s spans
		var in [64]bool
		for range r.Intn(8) {
			first := r.Int63n(60)
			last := first + 1 + r.Int63n(64-first-1)
			s.add(first, last)
			for i := first; i < last; i++ {
				in[i] = true
			}
		}
		first := r.Int63n(63)
		last := first + 1 + r.Int63n(64-first-1+1)
		var want, got []int64
		for i := first; i < last; i++ {
			if !in[i] {
				want = append(want, i)
			}
		}
		s.gaps(first, last, func(a, b int64) {
			for ; a < b; a++ {
				got = append(got, a)
			}
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%v, %d to %d: %s", s, first, last, d)
		}
	}
}
