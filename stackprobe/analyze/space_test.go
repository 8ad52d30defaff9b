package analyze

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// spaceOf follows events and returns what is known of what the client sends on the connection 1.
func spaceOf(events ...event.Event) Space {
	tr := New()
	var s Spaces
	for i := range events {
		events[i].Conn, events[i].N = 1, i+1
		tr.Add(&events[i])
		s.Add(&events[i])
	}
	return *s.Space(1, cl)
}

// state, call and vars are events of the client.
func state(t int64, st event.State) event.Event {
	return event.Event{T: t, Kind: event.KindState, Host: cl, State: st}
}

func call(t int64, h event.Host, c event.Call, n int) event.Event {
	return event.Event{T: t, Kind: event.KindApp, Host: h, App: event.App{Call: c, Bytes: n}}
}

func vars(t int64, v event.Vars) event.Event {
	return event.Event{T: t, Kind: event.KindVars, Host: cl, Vars: v}
}

// stands is a connection that stands: the client has written 1000 octets, the server's window is 300.
func stands() []event.Event {
	syn, synAck, ack := seg(1, event.SYN, 0, 0, 0), seg(2, event.SYN|event.ACK, 0, 0, 1), seg(3, event.ACK, 1, 0, 1)
	syn.Opts, synAck.Opts = event.Options{Has: event.OptMSS, MSS: 100}, event.Options{Has: event.OptMSS, MSS: 100}
	synAck.Win = 300
	return []event.Event{state(0, event.SynSent), tx(0, cl, syn), rx(5, sv, syn), tx(5, sv, synAck), rx(10, cl, synAck), state(10, event.StateEstablished), tx(10, cl, ack),
		call(10, cl, event.Write, 1000), rx(15, sv, ack)}
}

// The sequence space from the segments and the calls alone: data leave, one segment is lost, the ones behind it are held and reported.
func TestSpaces_fromSegments(t *testing.T) {
	d := []event.Segment{seg(4, event.ACK, 1, 100, 1), seg(5, event.ACK, 101, 100, 1), seg(6, event.ACK, 201, 100, 1)}
	a1, a2 := seg(7, event.ACK, 1, 0, 101), seg(8, event.ACK, 1, 0, 101)
	a1.Win, a2.Win = 250, 250
	a2.Opts = event.Options{Has: event.OptSack, NSack: 1, Sack: [4]event.Block{{Left: 201, Right: 301}}}
	lost := event.Event{T: 20, Kind: event.KindLost, Host: cl, Seg: d[1]}
	got := spaceOf(append(stands(), tx(20, cl, d[0]), tx(20, cl, d[1]), tx(20, cl, d[2]), lost, rx(25, sv, d[0]), tx(25, sv, a1), rx(25, sv, d[2]),
		tx(25, sv, a2), call(26, sv, event.Receive, 40), rx(30, cl, a1), rx(30, cl, a2))...)
	all := SpaceUna | SpaceNxt | SpaceEdge | SpaceQueued | SpaceSacked | SpaceRcvNxt | SpaceRcvEdge | SpaceHeld | SpaceUnread | SpaceMSS
	want := Space{Conn: 1, Sender: cl, T: 30, N: 20, State: event.StateEstablished, Has: all, Computed: all, Una: 101, Nxt: 301, Edge: 351, MSS: 100,
		Flight: 200, Queued: 700, Sacked: []event.Range{{First: 201, Last: 301}}, Held: []event.Range{{First: 201, Last: 301}},
		RcvNxt: 101, RcvEdge: 351, Unread: 60, Limit: InReceiverWindow, LimitHow: event.Computed, Since: 20}
	want.spent[InHandshake], want.spent[NoLimit] = 10, 10
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Space{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What binds the sender, by what it can know.
func TestSpaces_limit(t *testing.T) {
	const known = event.HasISS | event.HasUna | event.HasNxt | event.HasWnd | event.HasCwnd | event.HasFlight | event.HasSndMSS | event.HasSndBuf
	stack := event.Vars{Has: known, How: event.Read, Una: 1, Nxt: 201, Wnd: 300, Cwnd: 10, Flight: 2, SndMSS: 100, SndBuf: 1000}
	with := func(change func(*event.Vars)) []event.Event {
		v := stack
		change(&v)
		return []event.Event{vars(30, v)}
	}
	d := seg(4, event.ACK, 1, 100, 1)
	fin := seg(5, event.ACK|event.FIN, 101, 0, 1)
	on := event.Event{Kind: event.KindRun, Run: &event.Run{Client: event.Stack{Options: "nagle on bytes 5"}}}
	for _, c := range []struct {
		name  string
		first []event.Event
		after []event.Event
		limit Limit
		how   event.How
	}{
		{"nothing binds", nil, with(func(*event.Vars) {}), NoLimit, event.Computed},
		{"the window has less than a segment", nil, with(func(v *event.Vars) { v.Wnd = 250 }), InReceiverWindow, event.Read},
		{"the window is closed", nil, with(func(v *event.Vars) { v.Una, v.Wnd = 201, 0 }), InZeroWindow, event.Read},
		{"cwnd is full", nil, with(func(v *event.Vars) { v.Cwnd = 2 }), InCongestionWindow, event.Read},
		{"both are full", nil, with(func(v *event.Vars) { v.Cwnd, v.Wnd = 2, 200 }), InReceiverWindow, event.Read},
		{"cwnd counts without what is gone", nil, with(func(v *event.Vars) {
			v.Has |= event.HasSacked | event.HasLost | event.HasRetrans
			v.Cwnd, v.Flight, v.Sacked, v.Lost, v.Retrans = 2, 4, 1, 2, 1
		}), InCongestionWindow, event.Read},
		{"all is sent", nil, with(func(v *event.Vars) { v.SndBuf = 200 }), InApplication, event.Read},
		{"a short rest with Nagle", []event.Event{on}, with(func(v *event.Vars) { v.SndBuf = 250 }), InNagle, event.Inferred},
		{"a short rest without", nil, with(func(v *event.Vars) { v.SndBuf = 250 }), NoLimit, event.Computed},
		{"recovery", nil, with(func(v *event.Vars) { v.Has |= event.HasCongestion; v.Congestion = event.CongestionRecovery }), InRecovery, event.Read},
		{"loss state without a loss", nil, with(func(v *event.Vars) { v.Has |= event.HasCongestion; v.Congestion, v.Cwnd = event.CongestionLoss, 2 }),
			InCongestionWindow, event.Read},
		{"before the handshake ends", nil, []event.Event{state(30, event.SynSent)}, InHandshake, event.Read},
		{"over", nil, []event.Event{state(30, event.ClosedReset)}, NoLimit, event.Read},
		{"the FIN is sent", nil, []event.Event{tx(30, cl, d), tx(31, cl, fin)}, InFIN, event.Computed},
		{"the FIN is lost", nil, []event.Event{tx(30, cl, d), tx(31, cl, fin), {T: 32, Kind: event.KindLost, Host: cl, Seg: fin}}, InDetection, event.Computed},
		{"the last octets are lost", nil, append([]event.Event{tx(30, cl, d), {T: 30, Kind: event.KindLost, Host: cl, Seg: d}},
			with(func(v *event.Vars) { v.Nxt, v.SndBuf = 101, 100 })...), InDetection, event.Computed},
		{"they are repeated", nil, []event.Event{tx(30, cl, d), tx(40, cl, d)}, InRecovery, event.Computed},
		{"nobody sees the writes of a capture", []event.Event{{Kind: event.KindRun, Run: &event.Run{World: event.CaptureWorld}}}, []event.Event{tx(30, cl, d)}, NoLimit, event.Computed},
		{"nobody sees the writes", []event.Event{{Kind: event.KindRun, Run: &event.Run{Programs: [3]string{1: "nc"}}}}, nil, NoLimit, event.Computed},
	} {
		got := spaceOf(append(append(c.first, stands()...), c.after...)...)
		if got.Limit != c.limit || got.LimitHow != c.how {
			t.Errorf("%s: %v (%v), want %v (%v)", c.name, got.Limit, got.LimitHow, c.limit, c.how)
		}
	}
}

// What the applications of a capture have written and read is not known; what arrived in order is, without the FIN.
func TestSpaces_capture(t *testing.T) {
	d, fin := seg(4, event.ACK, 1, 100, 1), seg(5, event.FIN|event.ACK, 101, 0, 1)
	for _, c := range []struct {
		world string
		want  SpaceSet
	}{{event.CaptureWorld, 0}, {event.TapWorld, 0}, {"memory", SpaceQueued | SpaceUnread}} {
		first := event.Event{Kind: event.KindRun, Run: &event.Run{World: c.world}}
		got := spaceOf(append(append([]event.Event{first}, stands()...), tx(20, cl, d), tx(20, cl, fin), rx(25, sv, d), rx(25, sv, fin))...)
		if known := got.Has & (SpaceQueued | SpaceUnread); known != c.want || got.ReadsUnseen != (c.want == 0) || got.RcvNxt != 102 || got.InOrder() != 100 {
			t.Errorf("%s: knows %b of %b, unseen %v, RCV.NXT %d, %d octets in order", c.world, known, c.want, got.ReadsUnseen, got.RcvNxt, got.InOrder())
		}
	}
}

// The acknowledgment that ends a connection in LAST-ACK has a window too.
func TestSpaces_lastACK(t *testing.T) {
	fin, last := seg(4, event.FIN|event.ACK, 1, 0, 1), seg(5, event.ACK, 1, 0, 2)
	last.Win = 300
	told := event.Vars{Has: event.HasISS | event.HasUna | event.HasNxt | event.HasWnd, How: event.Read, Una: 1, Nxt: 1, Wnd: 300}
	sent := tx(20, cl, fin)
	sent.Vars = told
	over := event.Event{T: 30, Kind: event.KindState, Host: cl, From: event.LastAck, State: event.Closed}
	got := spaceOf(append(stands(), sent, rx(30, cl, last), over)...)
	if got.Una != 2 || got.Edge != 302 {
		t.Errorf("SND.UNA %d, right edge %d, want 2 and 302", got.Una, got.Edge)
	}
}

// A window whose right edge moves left is seen where it is announced and where it is learnt; the rounding of a scaled one is not.
func TestSpaces_shrunk(t *testing.T) {
	d, a := seg(4, event.ACK, 1, 100, 1), seg(5, event.ACK, 1, 0, 101)
	a.Win = 150
	got := spaceOf(append(stands(), tx(20, cl, d), rx(25, sv, d), tx(25, sv, a))...)
	if got.Shrunk != 50 || got.EdgeShrunk != 0 {
		t.Errorf("announced: %d and %d, want 50 and 0", got.Shrunk, got.EdgeShrunk)
	}
	got = spaceOf(append(stands(), tx(20, cl, d), rx(25, sv, d), tx(25, sv, a), rx(30, cl, a))...)
	if got.Shrunk != 50 || got.EdgeShrunk != 50 {
		t.Errorf("learnt: %d and %d, want 50 and 50", got.Shrunk, got.EdgeShrunk)
	}
}

// Numbers of a damaged run do no harm: the time of each limit stays within the run, nothing overflows into a negative size.
func FuzzSpaces(f *testing.F) {
	f.Add(uint32(1), uint32(1), uint32(300), uint32(10), uint32(100), uint32(1000), int64(5), 1)
	f.Add(uint32(math.MaxUint32), uint32(0), uint32(math.MaxUint32), uint32(math.MaxUint32), uint32(math.MaxUint32), uint32(math.MaxUint32), int64(math.MaxInt64), math.MinInt)
	f.Fuzz(func(t *testing.T, una, nxt, wnd, cwnd, mss, buf uint32, at int64, n int) {
		v := event.Vars{Has: math.MaxUint32, Una: una, Nxt: nxt, Wnd: wnd, Cwnd: cwnd, SndMSS: mss, SndBuf: buf, RcvNxt: nxt, RcvWnd: wnd, Flight: cwnd,
			Lost: mss, RcvBuf: buf, NScoreboard: uint8(n), NHeld: uint8(n), Scoreboard: [4]event.Block{{Left: una, Right: nxt}}, Held: [4]event.Block{{Left: nxt, Right: una}}}
		if v.NScoreboard > event.MaxBlocks { // the decoder yields no more
			v.NScoreboard, v.NHeld = 0, 0
		}
		d := seg(9, event.Flags(cwnd), una, int(mss>>8), nxt)
		d.Opts = event.Options{Has: event.OptSack | event.OptWScale, NSack: 4, WScale: uint8(mss), Sack: [4]event.Block{{Left: una, Right: nxt}, {Left: wnd, Right: buf}}}
		at = max(at, 0)
		got := spaceOf(append(stands(), vars(at, v), tx(at, cl, d), rx(at, sv, d), tx(at, sv, d), rx(at, cl, d), call(at, cl, event.Write, n),
			call(at, sv, event.Receive, n), vars(at, v))...)
		for _, x := range []int64{got.Cwnd, got.Flight, got.Queued, got.Unread, got.InFlight, got.Wnd(), got.Usable(), got.Shrunk, got.EdgeShrunk, got.MSS} {
			if x < 0 {
				t.Errorf("a size below 0: %+v", got)
			}
		}
		for _, l := range Limits() {
			if x := got.Spent(l, at); x < 0 || x > max(at, 20) {
				t.Errorf("%v lasted %d of %d", l, x, at)
			}
		}
	})
}

// Connections without number need no memory without bound, and what is left out is counted.
func TestSpaces_bounded(t *testing.T) {
	var s Spaces
	for i := range maxSpaces {
		s.Add(&event.Event{Conn: i + 1, Host: cl, Kind: event.KindState, State: event.StateEstablished})
	}
	if len(s.of) != maxSpaces || s.Ignored != maxSpaces/2 {
		t.Errorf("%d directions, %d events ignored; want %d and %d", len(s.of), s.Ignored, maxSpaces, maxSpaces/2)
	}
}
