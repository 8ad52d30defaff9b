package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

const (
	cl = event.Client
	sv = event.Server
)

// seg is a segment with relative numbers.
func seg(id int, flags event.Flags, seq uint32, n int, ack uint32) event.Segment {
	s := event.Segment{ID: id, Flags: flags, RelSeq: seq, HasRelSeq: true, Len: n, Win: 100}
	if flags.Has(event.ACK) {
		s.RelAck, s.HasRelAck = ack, true
	}
	return s
}

func tx(t int64, h event.Host, s event.Segment) event.Event {
	return event.Event{T: t, N: int(t) + 1, Kind: event.KindTx, Host: h, Seg: s}
}

func rx(t int64, h event.Host, s event.Segment) event.Event {
	return event.Event{T: t, N: int(t) + 1, Kind: event.KindRx, Host: h, Seg: s}
}

// follow gives what follows from each event.
func follow(tr *Tracker, events ...event.Event) []Relation {
	var all []Relation
	for i := range events {
		all = append(all, tr.Add(&events[i]))
	}
	return all
}

// The join, the retransmission, the numbers of duplicate acknowledgments and what the last one covers.
func TestTracker_lossAndRepair(t *testing.T) {
	tr := New()
	d1, d2, d3 := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 101, 100, 1), seg(3, event.ACK, 201, 100, 1)
	a1, a2 := seg(4, event.ACK, 1, 0, 101), seg(5, event.ACK, 1, 0, 101)
	again := seg(6, event.ACK, 101, 100, 1)
	again.Attempt, again.Why = 2, event.Fast
	a3 := seg(7, event.ACK, 1, 0, 301)
	lost := event.Event{T: 3, N: 4, Kind: event.KindLost, Host: cl, Seg: d2, Rule: "drop data 2"}
	got := follow(tr,
		tx(0, cl, d1), tx(1, cl, d2), tx(2, cl, d3), lost, rx(10, sv, d1), rx(12, sv, d3),
		tx(13, sv, a1), tx(14, sv, a2), rx(23, cl, a1), rx(24, cl, a2),
		tx(25, cl, again), rx(35, sv, again), tx(36, sv, a3), rx(46, cl, a3))
	num := func(seq, end, ack int64) Relation {
		return Relation{Seq: seq, End: end, Ack: ack, HasSeq: true, HasAck: true}
	}
	sent := func(r Relation, at int64) Relation { r.Known, r.SentT, r.SentN = true, at, int(at)+1; return r }
	want := []Relation{
		num(1, 101, 1), num(101, 201, 1), num(201, 301, 1),
		sent(num(101, 201, 1), 1), sent(num(1, 101, 1), 0), sent(num(201, 301, 1), 2),
		num(1, 1, 101), num(1, 1, 101), sent(num(1, 1, 101), 13), sent(num(1, 1, 101), 14),
		num(101, 201, 1), sent(num(101, 201, 1), 25), num(1, 1, 301), sent(num(1, 1, 301), 36),
	}
	want[4].NewlyAcked = 1 // the client's SYN-ACK was not seen: numbers count from 0
	want[8].NewlyAcked = 101
	want[9].DupAck = 1
	want[10].Repeat = true
	want[13].NewlyAcked = 200
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	sum := Summary{T: 46,
		Client: Totals{Segments: 4, Repeats: 1, Lost: 1, Payload: 400},
		Server: Totals{Segments: 3}}
	sum.Client.Why[event.Fast] = 1
	if diff := cmp.Diff(sum, tr.Summary()); diff != "" {
		t.Errorf("summary: want - got +\n%s", diff)
	}
}

// RFC 5681 2 lists what an acknowledgment must be to count as a duplicate, RFC 6675 2 adds SACK.
func TestTracker_whatIsNoDuplicateAck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*event.Segment)
		sent   int // octets that are outstanding
		want   int
	}{
		{"all as before", func(*event.Segment) {}, 100, 1},
		{"nothing outstanding", func(*event.Segment) {}, 0, 0},
		{"with data", func(s *event.Segment) { s.Len = 1 }, 100, 0},
		{"with FIN", func(s *event.Segment) { s.Flags |= event.FIN }, 100, 0},
		{"another window", func(s *event.Segment) { s.Win = 101 }, 100, 0},
		{"another window with new SACK", func(s *event.Segment) {
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, RelSack: [4]event.Block{{Left: 51, Right: 101}}}
		}, 100, 1},
		{"another window with SACK of what was never sent", func(s *event.Segment) {
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, RelSack: [4]event.Block{{Left: 51, Right: 102}}}
		}, 100, 0},
		{"another window with SACK of what is acknowledged", func(s *event.Segment) {
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, RelSack: [4]event.Block{{Left: 0, Right: 1}}}
		}, 100, 0},
		{"an older number", func(s *event.Segment) { s.RelAck = 0 }, 100, 0},
		{"a higher number", func(s *event.Segment) { s.RelAck = 51 }, 100, 0},
		{"a reset", func(s *event.Segment) { s.Flags |= event.RST }, 100, 0},
		{"a wrong checksum", func(s *event.Segment) { s.BadSum = true }, 100, 0},
	} {
		tr := New()
		second := seg(4, event.ACK, 1, 0, 1)
		c.change(&second)
		got := follow(tr, tx(0, sv, seg(1, event.SYN|event.ACK, 0, 0, 1)), rx(1, cl, seg(1, event.SYN|event.ACK, 0, 0, 1)),
			tx(2, cl, seg(2, event.ACK, 1, c.sent, 1)), tx(3, sv, second), rx(4, cl, second))
		if last := got[len(got)-1]; last.DupAck != c.want {
			t.Errorf("%s: duplicate number %d, want %d", c.name, last.DupAck, c.want)
		}
	}
}

// The window field of a SYN is not scaled and that of all other segments is (RFC 7323 2.2): equal fields are different
// windows, so what follows a SYN-ACK with its field is no duplicate.
func TestTracker_dupAckComparesWindowsNotFields(t *testing.T) {
	tr := New()
	window := func(s event.Segment, w uint32) event.Segment { s.Window, s.HasWindow = w, true; return s }
	synAck := window(seg(1, event.SYN|event.ACK, 0, 0, 1), 100)
	scaled := func(id int) event.Segment { return window(seg(id, event.ACK, 1, 0, 1), 100<<7) }
	got := follow(tr, tx(0, sv, synAck), rx(1, cl, synAck), tx(2, cl, seg(2, event.ACK, 1, 100, 1)),
		tx(3, sv, scaled(3)), rx(4, cl, scaled(3)), tx(5, sv, scaled(4)), rx(6, cl, scaled(4)))
	if got[4].DupAck != 0 || got[6].DupAck != 1 {
		t.Errorf("duplicates %d and %d, want 0 and 1", got[4].DupAck, got[6].DupAck)
	}
}

func TestTracker_copiesAndStaleOctets(t *testing.T) {
	tr := New()
	d1, d2 := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 1, 100, 1)
	follow(tr, tx(0, cl, d1), rx(10, sv, d1))
	if r := follow(tr, rx(11, sv, d1))[0]; !r.Copy || r.Known || !r.Stale {
		t.Errorf("the link's copy: %+v", r)
	}
	if r := follow(tr, tx(12, cl, d2))[0]; !r.Repeat {
		t.Errorf("without an attempt number the octets tell: %+v", r)
	}
	if r := follow(tr, rx(22, sv, d2))[0]; r.Copy || !r.Known || !r.Stale {
		t.Errorf("a repetition of what had arrived: %+v", r)
	}
	if r := follow(tr, rx(23, sv, seg(77, event.ACK, 101, 1, 1)))[0]; r.Copy || r.Known || r.Stale {
		t.Errorf("an arrival whose departure was not seen: %+v", r)
	}
	if s := tr.Summary(); s.Client.Copies != 1 || s.Client.Repeats != 1 || s.Client.Why[event.Retransmit] != 1 {
		t.Errorf("sums: %+v", s.Client)
	}
}

// More than 4 GiB: the 32-bit numbers wrap, ours do not. A keepalive stands one below.
func TestTracker_numbersDoNotWrap(t *testing.T) {
	tr := New()
	step := int64(1 << 30)
	at := int64(0)
	for range 6 {
		s := seg(1, event.ACK, uint32(at), int(step), 1)
		r := tr.Add(&event.Event{Kind: event.KindTx, Host: cl, Seg: s})
		if r.Seq != at || r.End != at+step {
			t.Fatalf("%d:%d, want %d:%d", r.Seq, r.End, at, at+step)
		}
		at += step
	}
	keep := seg(2, event.ACK, uint32(at-1), 0, 1)
	if r := tr.Add(&event.Event{Kind: event.KindTx, Host: cl, Seg: keep}); r.Seq != at-1 || r.Repeat {
		t.Errorf("keepalive at %d, repeat %v, want %d", r.Seq, r.Repeat, at-1)
	}
	if r := New().Add(&event.Event{Kind: event.KindTx, Host: cl, Seg: seg(1, event.ACK, 0xffffffff, 0, 1)}); r.Seq != -1 {
		t.Errorf("one below the first number: %d", r.Seq)
	}
}

// A damaged run claims endless flights, connections and holes: memory stays bounded.
func TestTracker_bounded(t *testing.T) {
	tr := New()
	for i := range 20 * maxFlights {
		s := seg(i+1, event.ACK, uint32(i*10), 1, 1)
		conn := i % (4 * maxFlights)
		tr.Add(&event.Event{Kind: event.KindTx, Host: cl, Conn: conn, Seg: s})
		s.ID = -i
		tr.Add(&event.Event{Kind: event.KindRx, Host: sv, Conn: 1, Seg: s})
	}
	if len(tr.flights) > maxFlights || len(tr.order) > 2*maxFlights || len(tr.dirs) > 2*maxFlights {
		t.Errorf("%d flights, %d in order, %d directions", len(tr.flights), len(tr.order), len(tr.dirs))
	}
	for k, d := range tr.dirs {
		if len(d.arrived) > maxSpans {
			t.Errorf("%v: %d pieces", k, len(d.arrived))
		}
	}
}

func TestSpans(t *testing.T) {
	var s spans
	for _, c := range []struct {
		first, last int64
		isNew       bool
		want        spans
	}{
		{10, 20, true, spans{{10, 20}}},
		{30, 40, true, spans{{10, 20}, {30, 40}}},
		{12, 18, false, spans{{10, 20}, {30, 40}}},
		{10, 20, false, spans{{10, 20}, {30, 40}}},
		{0, 5, true, spans{{0, 5}, {10, 20}, {30, 40}}},
		{20, 22, true, spans{{0, 5}, {10, 22}, {30, 40}}}, // touches
		{28, 30, true, spans{{0, 5}, {10, 22}, {28, 40}}}, // touches from below
		{4, 29, true, spans{{0, 40}}},                     // joins all
		{50, 60, true, spans{{0, 40}, {50, 60}}},
		{39, 61, true, spans{{0, 61}}},
		{-5, 1, true, spans{{-5, 61}}},
	} {
		if got := s.add(c.first, c.last); got != c.isNew {
			t.Errorf("%d to %d: new %v", c.first, c.last, got)
		}
		if diff := cmp.Diff(c.want, s, cmp.AllowUnexported(span{})); diff != "" {
			t.Fatalf("after %d to %d: want - got +\n%s", c.first, c.last, diff)
		}
	}
}

// An observer that missed an event must not go unseen.
func TestSummary_difference(t *testing.T) {
	build := func(change func(*event.End)) Summary {
		tr := New()
		d := seg(1, event.ACK, 1, 100, 1)
		end := &event.End{OK: true, Client: event.Totals{Segments: 1, Lost: 1, Written: 100}, Server: event.Totals{Received: 40}}
		if change != nil {
			change(end)
		}
		app := func(h event.Host, c event.Call, n int) event.Event {
			return event.Event{Kind: event.KindApp, Host: h, App: event.App{Call: c, Bytes: n}}
		}
		follow(tr, app(cl, event.Write, 100), tx(1, cl, d), event.Event{Kind: event.KindLost, Host: cl, Seg: d}, app(sv, event.Receive, 40),
			event.Event{T: 9, Kind: event.KindEnd, End: end})
		return tr.Summary()
	}
	for want, change := range map[string]func(*event.End){
		"":                       nil,
		"client segments":        func(e *event.End) { e.Client.Segments = 2 },
		"client retransmissions": func(e *event.End) { e.Client.Retransmitted = 1 },
		"client lost segments":   func(e *event.End) { e.Client.Lost = 0 },
		"client bytes written":   func(e *event.End) { e.Client.Written = 1 },
		"server bytes received":  func(e *event.End) { e.Server.Received = 41 },
		"server segments":        func(e *event.End) { e.Server.Segments = 1 },
	} {
		s := build(change)
		if got := s.Difference(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if s := (Summary{}); s.Difference() != "" {
		t.Errorf("a run that gave no account: %q", s.Difference())
	}
}
