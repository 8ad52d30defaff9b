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

// seg is a segment of a connection whose initial numbers are 0.
func seg(id int, flags event.Flags, seq uint32, n int, ack uint32) event.Segment {
	s := event.Segment{ID: id, Flags: flags, Seq: seq, Len: n, Win: 100}
	if flags.Has(event.ACK) {
		s.Ack = ack
	}
	return s
}

func tx(t int64, h event.Host, s event.Segment) event.Event {
	return event.Event{T: t, N: int(t) + 1, Kind: event.KindTx, Host: h, Seg: s}
}

func rx(t int64, h event.Host, s event.Segment) event.Event {
	return event.Event{T: t, N: int(t) + 1, Kind: event.KindRx, Host: h, Seg: s}
}

// with gives an event evidence.
func with(e event.Event, ev event.Evidence) event.Event { e.Evidence = ev; return e }

// opened is a tracker that has seen both SYNs leave and arrive. Their IDs are below those of all others.
func opened() *Tracker {
	tr := New()
	syn, synAck := seg(-2, event.SYN, 0, 0, 0), seg(-1, event.SYN|event.ACK, 0, 0, 1)
	follow(tr, tx(0, cl, syn), rx(0, sv, syn), tx(0, sv, synAck), rx(0, cl, synAck))
	return tr
}

// follow gives what follows from each event.
func follow(tr *Tracker, events ...event.Event) []event.Derived {
	var all []event.Derived
	for i := range events {
		events[i].Derived.Why = event.Keepalive // what a stored run says is not believed
		tr.Add(&events[i])
		all = append(all, events[i].Derived)
	}
	return all
}

// summed gives the sums of events.
func summed(tr *Tracker, events ...event.Event) Summary {
	var s Summary
	for i := range events {
		tr.Add(&events[i])
		s.Add(&events[i])
	}
	return s
}

// The join, the retransmission, the numbers and the cause of duplicate acknowledgments, and what the last one covers.
func TestTracker_lossAndRepair(t *testing.T) {
	d1, d2, d3 := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 101, 100, 1), seg(3, event.ACK, 201, 100, 1)
	a1, a2 := seg(4, event.ACK, 1, 0, 101), seg(5, event.ACK, 1, 0, 101)
	again, a3 := seg(6, event.ACK, 101, 100, 1), seg(7, event.ACK, 1, 0, 301)
	lost := event.Event{T: 3, N: 4, Kind: event.KindLost, Host: cl, Seg: d2, Rule: "drop data 2"}
	events := []event.Event{tx(0, cl, d1), tx(1, cl, d2), tx(2, cl, d3), lost, rx(10, sv, d1),
		tx(11, sv, a1), rx(12, sv, d3), tx(13, sv, a2), rx(21, cl, a1), rx(23, cl, a2),
		with(tx(25, cl, again), event.Recovering), rx(35, sv, again), tx(36, sv, a3), rx(46, cl, a3)}
	got := follow(opened(), events...)
	num := func(seq, end, ack int64, why event.Reason) event.Derived {
		d := event.Derived{Numbers: event.Numbers{RelSeq: seq, RelEnd: end, RelAck: ack, HasRelSeq: true, HasRelAck: true, Window: 100, HasWindow: true},
			Why: why, WhyHow: event.Computed}
		if why == event.New {
			d.Attempt = 1
		}
		return d
	}
	sent := func(r event.Derived, at int64) event.Derived { r.SentT, r.SentN = at, int(at)+1; return r }
	repair := num(101, 201, 1, event.Fast)
	repair.Attempt, repair.WhyHow = 2, event.Inferred
	want := []event.Derived{
		num(1, 101, 1, event.New), num(101, 201, 1, event.New), num(201, 301, 1, event.New), sent(num(101, 201, 1, event.New), 1),
		sent(num(1, 101, 1, event.New), 0), num(1, 1, 101, event.Ack), sent(num(201, 301, 1, event.New), 2), num(1, 1, 101, event.Ack),
		sent(num(1, 1, 101, event.Ack), 11), sent(num(1, 1, 101, event.Ack), 13), repair, sent(repair, 25), num(1, 1, 301, event.Ack),
		sent(num(1, 1, 301, event.Ack), 36),
	}
	want[4].NewlyAcked = 1 // the SYN-ACK
	want[6].Gap = event.CauseLoss
	want[7].DupCause = event.CauseLoss
	want[8].NewlyAcked = 100
	want[9].DupAck, want[9].DupCause = 1, event.CauseLoss
	want[10].Repeat = true
	want[13].NewlyAcked = 200
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
	sum := Summary{T: 46,
		Client: Totals{Segments: 4, Repeats: 1, Lost: 1, Payload: 400},
		Server: Totals{Segments: 3}}
	sum.Client.Why[event.Fast] = 1
	if diff := cmp.Diff(sum, summed(opened(), events...)); diff != "" {
		t.Errorf("summary: want - got +\n%s", diff)
	}
}

// What makes a receiver repeat an acknowledgment: a loss, a segment that another has overtaken, a repetition, or nothing
// that the events show.
func TestTracker_causeOfDuplicateAcks(t *testing.T) {
	d1, d2 := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 101, 100, 1)
	broken := d1
	broken.BadSum = true
	first, again := seg(3, event.ACK, 1, 0, 1), seg(4, event.ACK, 1, 0, 1)
	lost := event.Event{T: 2, N: 3, Kind: event.KindLost, Host: cl, Seg: d1}
	for name, c := range map[string]struct {
		before []event.Event
		want   event.Cause
	}{
		"loss":       {[]event.Event{lost, rx(3, sv, d2)}, event.CauseLoss},
		"corruption": {[]event.Event{rx(3, sv, broken), rx(4, sv, d2)}, event.CauseLoss},
		"reordering": {[]event.Event{rx(3, sv, d2)}, event.CauseReordering},
		"nothing":    {nil, 0},
	} {
		events := append([]event.Event{tx(0, sv, first), tx(0, cl, d1), tx(1, cl, d2)}, c.before...)
		got := follow(opened(), append(events, tx(5, sv, again), rx(6, cl, first), rx(7, cl, again))...)
		if got := got[len(got)-1].DupCause; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	repeated := seg(6, event.ACK, 1, 0, 101)
	got := follow(opened(), tx(0, cl, d1), rx(1, sv, d1), tx(1, sv, seg(3, event.ACK, 1, 0, 101)), tx(2, cl, seg(4, event.ACK, 1, 100, 1)),
		rx(3, sv, seg(4, event.ACK, 1, 100, 1)), tx(4, sv, repeated))
	if got[3].Spurious != true || got[5].DupCause != event.CauseDuplicate {
		t.Errorf("a repetition of what had arrived: spurious %v, cause %v", got[3].Spurious, got[5].DupCause)
	}
}

// A copy that the link makes is announced by the fault, and either of the two that arrives is joined with the departure.
func TestTracker_copyByTheLink(t *testing.T) {
	d := seg(1, event.ACK, 1, 100, 1)
	fault := event.Event{T: 1, N: 2, Kind: event.KindFault, Host: cl, Seg: d, Fault: event.Fault{Action: event.Dup, Copy: 2}}
	second := d
	second.ID = 2
	events := []event.Event{tx(0, cl, d), fault, rx(10, sv, d), rx(11, sv, second)}
	got := follow(opened(), events...)
	if got[1].SentN != 1 || got[2].SentN != 1 || got[2].Copy || got[3].SentN != 1 || !got[3].Copy || !got[3].Stale {
		t.Errorf("%+v", got)
	}
	if s := summed(opened(), events...); s.Client.Copies != 1 || s.InFlight != 0 || s.Client.Segments != 1 {
		t.Errorf("%+v", s)
	}
	if s := summed(opened(), events[:3]...); s.InFlight != 1 {
		t.Errorf("%d in flight, want the copy", s.InFlight)
	}
}

// What the evidence says for a reason, on segments that are new, repeated, empty, and one below SND.NXT.
func TestTracker_reasons(t *testing.T) {
	fresh, old, bare, below := seg(2, event.ACK, 101, 10, 1), seg(2, event.ACK, 1, 100, 1), seg(2, event.ACK, 101, 0, 1), seg(2, event.ACK, 100, 0, 1)
	octet := seg(2, event.ACK, 100, 1, 1)
	for _, c := range []struct {
		name string
		s    event.Segment
		ev   event.Evidence
		why  event.Reason
		how  event.How
	}{
		{"reset", seg(2, event.RST, 101, 0, 0), event.Expired, event.Reset, event.Computed},
		{"new", fresh, event.Expired, event.New, event.Computed},
		{"ack", bare, event.Expired, event.Ack, event.Computed},
		{"challenge", bare, event.Challenged, event.ChallengeAck, event.Inferred},
		{"delayed", bare, event.DelayedAck, event.LateAck, event.Inferred},
		{"keepalive by its counter", below, event.SentKeepalive, event.Keepalive, event.Inferred},
		{"keepalive by its form", below, 0, event.Keepalive, event.Inferred},
		{"probe of a kernel", below, event.SentWindowProbe, event.WindowProbe, event.Inferred},
		{"probe of the engine", octet, event.Probing | event.Expired, event.WindowProbe, event.Inferred},
		{"probe with a new octet", seg(2, event.ACK, 101, 1, 1), event.SentWindowProbe, event.WindowProbe, event.Inferred},
		{"timeout", old, event.Expired | event.Recovering, event.Timeout, event.Inferred},
		{"after a timeout", old, event.Resending | event.TailLoss, event.Timeout, event.Inferred},
		{"slow start", old, event.SlowStartRetrans, event.Timeout, event.Inferred},
		{"fast", old, event.Recovering | event.TailLoss, event.Fast, event.Inferred},
		{"tail probe", old, event.ProbedTail | event.Recovering, event.TailProbe, event.Inferred},
		{"tail probe by what it uses", old, event.TailLoss, event.TailProbe, event.Inferred},
		{"unknown", old, event.InTimer, event.Retransmit, event.Computed},
	} {
		d, a := seg(1, event.ACK, 1, 100, 1), seg(9, event.ACK, 1, 0, 101)
		got := follow(opened(), tx(0, cl, d), rx(1, sv, d), tx(1, sv, a), rx(2, cl, a), with(tx(3, cl, c.s), c.ev))
		if r := got[len(got)-1]; r.Why != c.why || r.WhyHow != c.how {
			t.Errorf("%s: %v (%v), want %v (%v)", c.name, r.Why, r.WhyHow, c.why, c.how)
		}
	}
}

// What is repeated after a router's message that it was too long is repeated because of that, until a timer expires or the
// octets are new; a message that does not explain anything (as long as the segment, or without an MTU) changes nothing.
func TestTracker_pathMTU(t *testing.T) {
	d1, d2 := seg(1, event.ACK, 1, 1000, 1), seg(2, event.ACK, 1001, 1000, 1)
	d1.Size, d2.Size = 1052, 1052
	told := func(mtu int) event.Event {
		return event.Event{T: 1, N: 2, Kind: event.KindICMP, Host: cl, Seg: d1, ICMP: event.ICMP{Type: 3, Code: 4, MTU: mtu}}
	}
	again := func(id int, seq uint32, ev event.Evidence) event.Event {
		return with(tx(2, cl, seg(id, event.ACK, seq, 500, 1)), ev)
	}
	for name, c := range map[string]struct {
		told event.Event
		then []event.Event
		want []event.Reason
	}{
		"a kernel": {told(600), []event.Event{again(3, 1, event.Resending|event.SlowStartRetrans), again(4, 1501, event.Resending), again(5, 2001, 0)},
			[]event.Reason{event.PathMTU, event.PathMTU, event.New}},
		"without evidence":    {told(600), []event.Event{again(3, 1, 0)}, []event.Reason{event.PathMTU}},
		"then a timeout":      {told(600), []event.Event{again(3, 1, event.Expired), again(4, 501, event.Resending)}, []event.Reason{event.Timeout, event.Timeout}},
		"lost again":          {told(600), []event.Event{again(3, 1, event.Resending), again(4, 1, event.Recovering)}, []event.Reason{event.PathMTU, event.Fast}},
		"no shorter":          {told(1052), []event.Event{again(3, 1, event.Resending)}, []event.Reason{event.Timeout}},
		"a message without":   {told(0), []event.Event{again(3, 1, event.Resending)}, []event.Reason{event.Timeout}},
		"before the first":    {told(0), []event.Event{again(3, ^uint32(9), 0), again(4, ^uint32(9), event.Resending)}, []event.Reason{event.Retransmit, event.Timeout}},
		"a tail probe of it":  {told(600), []event.Event{again(3, 1, event.ProbedTail)}, []event.Reason{event.TailProbe}},
		"the server's octets": {told(600), []event.Event{tx(2, sv, seg(3, event.ACK, 1, 500, 1)), with(tx(3, sv, seg(4, event.ACK, 1, 500, 1)), event.Resending)}, []event.Reason{event.New, event.Timeout}},
	} {
		got := follow(opened(), append([]event.Event{tx(0, cl, d1), tx(0, cl, d2), c.told}, c.then...)...)
		var why []event.Reason
		for _, d := range got[3:] {
			why = append(why, d.Why)
		}
		if d := cmp.Diff(c.want, why); d != "" {
			t.Errorf("%s: %s", name, d)
		}
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
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, Sack: [4]event.Block{{Left: 51, Right: 101}}}
		}, 100, 1},
		{"another window with SACK of what was never sent", func(s *event.Segment) {
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, Sack: [4]event.Block{{Left: 51, Right: 102}}}
		}, 100, 0},
		{"another window with SACK of what is acknowledged", func(s *event.Segment) {
			s.Win, s.Opts = 101, event.Options{Has: event.OptSack, NSack: 1, Sack: [4]event.Block{{Left: 0, Right: 1}}}
		}, 100, 0},
		{"an older number", func(s *event.Segment) { s.Ack = 0 }, 100, 0},
		{"a higher number", func(s *event.Segment) { s.Ack = 51 }, 100, 0},
		{"a reset", func(s *event.Segment) { s.Flags |= event.RST }, 100, 0},
		{"a wrong checksum", func(s *event.Segment) { s.BadSum = true }, 100, 0},
	} {
		tr := opened()
		second := seg(4, event.ACK, 1, 0, 1)
		c.change(&second)
		got := follow(tr, tx(2, cl, seg(2, event.ACK, 1, c.sent, 1)), tx(3, sv, second), rx(4, cl, second))
		if last := got[len(got)-1]; last.DupAck != c.want {
			t.Errorf("%s: duplicate number %d, want %d", c.name, last.DupAck, c.want)
		}
	}
}

// The window field of a SYN is not scaled and that of all other segments is (RFC 7323 2.2): equal fields are different
// windows, so what follows a SYN-ACK with its field is no duplicate.
func TestTracker_dupAckComparesWindowsNotFields(t *testing.T) {
	scale := event.Options{Has: event.OptWScale, WScale: 7}
	syn, synAck := seg(1, event.SYN, 0, 0, 0), seg(2, event.SYN|event.ACK, 0, 0, 1)
	syn.Opts, synAck.Opts = scale, scale
	a1, a2 := seg(4, event.ACK, 1, 0, 1), seg(5, event.ACK, 1, 0, 1)
	got := follow(New(), tx(0, cl, syn), tx(0, sv, synAck), rx(1, cl, synAck), tx(2, cl, seg(3, event.ACK, 1, 100, 1)),
		tx(3, sv, a1), rx(4, cl, a1), tx(5, sv, a2), rx(6, cl, a2))
	if got[5].DupAck != 0 || got[7].DupAck != 1 || got[5].Window != 100<<7 {
		t.Errorf("duplicates %d and %d, want 0 and 1; window %d", got[5].DupAck, got[7].DupAck, got[5].Window)
	}
}

func TestTracker_copiesAndStaleOctets(t *testing.T) {
	tr := opened()
	d1, d2 := seg(1, event.ACK, 1, 100, 1), seg(2, event.ACK, 1, 100, 1)
	follow(tr, tx(0, cl, d1), rx(10, sv, d1))
	if r := follow(tr, rx(11, sv, d1))[0]; !r.Copy || r.SentN != 0 || !r.Stale {
		t.Errorf("it arrives again: %+v", r)
	}
	if r := follow(tr, tx(12, cl, d2))[0]; !r.Repeat || !r.Spurious {
		t.Errorf("a repetition of what had arrived: %+v", r)
	}
	if r := follow(tr, rx(22, sv, d2))[0]; r.Copy || r.SentN != 13 || !r.Stale {
		t.Errorf("its arrival: %+v", r)
	}
	if r := follow(tr, rx(23, sv, seg(77, event.ACK, 101, 1, 1)))[0]; r.Copy || r.SentN != 0 || r.Stale {
		t.Errorf("an arrival whose departure was not seen: %+v", r)
	}
}

// More than 4 GiB: the 32-bit numbers wrap, ours do not. A keepalive stands one below.
func TestTracker_numbersDoNotWrap(t *testing.T) {
	tr := opened()
	step := int64(1 << 30)
	at := int64(1)
	for range 6 {
		r := follow(tr, tx(1, cl, seg(1, event.ACK, uint32(at), int(step), 1)))[0]
		if r.RelSeq != at || r.RelEnd != at+step || r.Attempt != 1 {
			t.Fatalf("%d:%d, attempt %d, want %d:%d", r.RelSeq, r.RelEnd, r.Attempt, at, at+step)
		}
		at += step
	}
	if r := follow(tr, tx(2, cl, seg(2, event.ACK, uint32(at-1), 0, 1)))[0]; r.RelSeq != at-1 || r.Repeat {
		t.Errorf("keepalive at %d, repeat %v, want %d", r.RelSeq, r.Repeat, at-1)
	}
	if r := follow(opened(), tx(3, cl, seg(1, event.ACK, 0xffffffff, 0, 1)))[0]; r.RelSeq != -1 {
		t.Errorf("one below the first number: %d", r.RelSeq)
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
		d := seg(1, event.ACK, 1, 100, 1)
		end := &event.End{OK: true, Client: event.Totals{Segments: 1, Lost: 1, Written: 100}, Server: event.Totals{Received: 40}}
		if change != nil {
			change(end)
		}
		app := func(h event.Host, c event.Call, n int) event.Event {
			return event.Event{Kind: event.KindApp, Host: h, App: event.App{Call: c, Bytes: n}}
		}
		return summed(opened(), app(cl, event.Write, 100), tx(1, cl, d), event.Event{Kind: event.KindLost, Host: cl, Seg: d}, app(sv, event.Receive, 40),
			event.Event{T: 9, Kind: event.KindEnd, End: end})
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
