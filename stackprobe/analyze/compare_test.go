package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// conductOf is what the client does in events that follow the handshake, as a kernel or as an engine.
func conductOf(kernel bool, events ...event.Event) *Conduct {
	c := &Conduct{Host: cl}
	run := &event.Run{Client: event.Stack{Kernel: kernel}}
	if kernel {
		run.ClockErrorMax = 4e6
	}
	c.Add(&event.Event{N: 1, Kind: event.KindRun, Run: run})
	tr := New()
	syn, synAck := seg(-2, event.SYN, 0, 0, 0), seg(-1, event.SYN|event.ACK, 0, 0, 1)
	for i, e := range append([]event.Event{tx(0, cl, syn), rx(0, sv, syn), tx(0, sv, synAck), rx(0, cl, synAck)}, events...) {
		e.Conn, e.N = 1, i+2
		tr.Add(&e)
		c.Add(&e)
	}
	c.Add(&event.Event{N: 100, T: 1e9, Kind: event.KindEnd, End: &event.End{OK: true}})
	return c
}

// TestCompare_same: an end that does the same at other times does not differ.
func TestCompare_same(t *testing.T) {
	play := func(late int64) *Conduct {
		d := seg(1, event.ACK, 1, 100, 1)
		return conductOf(false, tx(10+late, cl, d), rx(20, sv, d), with(tx(300e6+2*late, cl, d), event.Expired), rx(400e6, cl, seg(3, event.ACK, 1, 50, 101)),
			tx(400e6, cl, seg(4, event.ACK, 101, 0, 51)))
	}
	if diff := cmp.Diff([]Difference(nil), Compare(play(0), play(2e6))); diff != "" {
		t.Error(diff)
	}
}

// TestCompare_decisions: each kind of difference is found, with the event of each side, and the reason where it is known.
func TestCompare_decisions(t *testing.T) {
	// rto is a segment with the timeout that its sender has.
	rto := func(e event.Event, ns int64) event.Event {
		e.Vars.Has, e.Vars.RTO = event.HasRTO, ns
		return e
	}
	kernel := conductOf(true,
		rto(tx(10, cl, seg(1, event.ACK, 1, 1448, 1)), 241e6), tx(11, cl, seg(2, event.ACK|event.PSH, 1449, 1448, 1)), tx(12, cl, seg(3, event.ACK|event.PSH, 2897, 10, 1)),
		with(tx(250e6, cl, seg(4, event.ACK|event.PSH, 2897, 10, 1)), event.ProbedTail),
		rx(300e6, cl, seg(5, event.ACK, 1, 100, 2907)), rx(301e6, cl, seg(6, event.ACK, 101, 100, 2907)), tx(302e6, cl, seg(7, event.ACK, 2907, 0, 201)),
		rx(303e6, cl, seg(8, event.ACK, 201, 1, 2907)), tx(304e6, cl, seg(9, event.ACK|event.FIN, 2907, 0, 202)),
		event.Event{Kind: event.KindState, Host: cl, State: event.FinWait1})
	engine := conductOf(false,
		rto(tx(10, cl, seg(1, event.ACK, 1, 1420, 1)), 200e6), tx(11, cl, seg(2, event.ACK, 1421, 1420, 1)), tx(12, cl, seg(3, event.ACK|event.PSH, 2841, 66, 1)),
		with(tx(200e6, cl, seg(4, event.ACK|event.PSH, 2841, 66, 1)), event.Expired),
		with(tx(600e6, cl, seg(5, event.ACK|event.PSH, 2841, 66, 1)), event.Expired),
		rx(700e6, cl, seg(6, event.ACK, 1, 100, 2907)), tx(700e6, cl, seg(7, event.ACK, 2907, 0, 101)), rx(701e6, cl, seg(8, event.ACK, 101, 100, 2907)),
		tx(702e6, cl, seg(9, event.ACK, 2907, 0, 201)), rx(703e6, cl, seg(10, event.ACK, 201, 1, 2907)), tx(704e6, cl, seg(11, event.RST, 2907, 0, 0)),
		event.Event{Kind: event.KindState, Host: cl, State: event.ClosedReset})
	floor := "A kernel adds 200 ms to the round-trip time at least; of the engine, 200 ms is the least that the whole may be."
	want := []Difference{
		{Topic: SegmentSize, Conn: 1, A: Side{6, 10, "octets 1:1449, 1448 of them"}, B: Side{6, 10, "octets 1:1421, 1420 of them"},
			Why: "The engine keeps room for 40 octets of options in every segment, a kernel for those that it sends."},
		{Topic: Push, Conn: 1, A: Side{7, 11, "segment 2 of data with PSH"}, B: Side{7, 11, "segment 2 of data without PSH"},
			Why: "The engine sets PSH on the last segment of what was written."},
		{Topic: FirstTimeout, Conn: 1, A: Side{6, 10, "timeout 241 ms"}, B: Side{6, 10, "timeout 200 ms"}, Why: floor},
		{Topic: Acknowledging, Conn: 1, A: Side{10, 300e6, "leaves 1 of 3 arrivals of data to a later acknowledgment"},
			B:   Side{11, 700e6, "acknowledges every arrival of data"},
			Why: "The engine does not delay acknowledgments; a kernel does (RFC 1122 section 4.2.3.2), but not at the start of a connection."},
		{Topic: Repeating, Conn: 1, A: Side{9, 250e6, "data 1: repeated, tlp, after 250 ms"}, B: Side{9, 200e6, "data 1: repeated, rto, after 200 ms"}, More: 1,
			Why: "One uses tail loss probes (RFC 8985), as a kernel does and the engine with rack on; the other waits for its timer."},
		{Topic: Finishing, Conn: 1, A: Side{14, 304e6, "its FIN alone"}, B: Side{Text: "none"}},
		{Topic: Resetting, Conn: 1, A: Side{Text: "none"}, B: Side{16, 704e6, "a RST"}},
	}
	if diff := cmp.Diff(want, Compare(kernel, engine)); diff != "" {
		t.Errorf("want - got +\n%s", diff)
	}
}

// TestCompare_clock: two times are apart only if that is more than twice the error of the worse clock.
func TestCompare_clock(t *testing.T) {
	play := func(kernel bool, wait int64) *Conduct {
		d := seg(1, event.ACK, 1, 100, 1)
		return conductOf(kernel, tx(0, cl, d), with(tx(wait, cl, d), event.Expired))
	}
	if list := Compare(play(true, 208e6), play(false, 200e6)); len(list) != 0 {
		t.Errorf("8 ms apart at an error of 4 ms: %+v", list)
	}
	if list := Compare(play(true, 209e6), play(false, 200e6)); len(list) != 1 || list[0].Topic != Repeating {
		t.Errorf("9 ms apart at an error of 4 ms: %+v", list)
	}
	if list := Compare(play(false, 206e6), play(false, 200e6)); len(list) != 1 || list[0].Why != "" {
		t.Errorf("6 ms apart in virtual time: %+v", list)
	}
}
