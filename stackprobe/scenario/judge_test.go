package scenario

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

const ms = int64(time.Millisecond)

// run is a short run: what the judge sees of it, one event each 10 ms from 10 ms on.
func run() []event.Event {
	seg := func(flags event.Flags, n int) event.Segment { return event.Segment{Flags: flags, Len: n} }
	numbers := func(from, to int64, window uint32) event.Derived {
		return event.Derived{Numbers: event.Numbers{RelSeq: from, RelEnd: to, HasRelSeq: true, Window: window, HasWindow: true}}
	}
	again := numbers(1, 101, 900)
	again.Repeat, again.Why, again.Spurious = true, event.Timeout, true
	dup := numbers(1, 1, 500)
	dup.DupAck, dup.DupCause = 1, event.CauseDuplicate
	old := numbers(1, 101, 900)
	old.Stale = true
	list := []event.Event{
		{Kind: event.KindState, Host: event.Client, State: event.SynSent},
		{Kind: event.KindTx, Host: event.Client, Conn: 1, Seg: seg(event.SYN, 0), Derived: numbers(0, 1, 100)},
		{Kind: event.KindState, Host: event.Client, Conn: 1, State: event.StateEstablished},
		{Kind: event.KindApp, Host: event.Client, Conn: 1, App: event.App{Call: event.Write, Bytes: 100}},
		{Kind: event.KindTx, Host: event.Client, Conn: 1, Seg: seg(event.ACK, 100), Derived: numbers(1, 101, 800),
			Vars: event.Vars{Has: event.HasCwnd | event.HasRTO | event.HasNxt | event.HasISS | event.HasCongestion, Cwnd: 10, RTO: 200 * ms, ISS: 7, Nxt: 108, Congestion: event.CongestionOpen}},
		{Kind: event.KindTimer, Host: event.Client, Conn: 1, Timer: event.Timer{Kind: event.RTO, Op: event.Armed}},
		{Kind: event.KindApp, Host: event.Server, Conn: 1, App: event.App{Call: event.Receive, Bytes: 100}},
		{Kind: event.KindTimer, Host: event.Client, Conn: 1, Timer: event.Timer{Kind: event.RTO, Op: event.Fired}},
		{Kind: event.KindTx, Host: event.Client, Conn: 1, Seg: seg(event.ACK, 100), Derived: again, Vars: event.Vars{Has: event.HasCwnd, Cwnd: 1}},
		{Kind: event.KindRx, Host: event.Server, Conn: 1, Seg: seg(event.ACK, 100), Derived: old},
		{Kind: event.KindRx, Host: event.Client, Conn: 1, Seg: seg(event.ACK, 0), Derived: dup},
		{Kind: event.KindLost, Host: event.Server, Conn: 1, Seg: seg(event.ACK, 0), Derived: numbers(1, 1, 0)},
		{Kind: event.KindFault, Host: event.Server, Conn: 1, Seg: seg(event.ACK, 0)},
		{Kind: event.KindICMP, Host: event.Client, Conn: 1},
		{Kind: event.KindRx, Host: event.Server, Conn: 2, Seg: event.Segment{Flags: event.FIN | event.ACK, BadSum: true}},
		{Kind: event.KindVars, Host: event.Client, Conn: 1, Vars: event.Vars{Has: event.HasCwnd, Cwnd: 2}},
		{Kind: event.KindApp, Host: event.Client, Conn: 1, App: event.App{Call: event.Failed, Err: "connection timed out"}},
		{Kind: event.KindState, Host: event.Client, Conn: 1, State: event.ClosedReset},
		{Kind: event.KindEnd, End: &event.End{Reason: "client: connection timed out"}},
	}
	for i := range list {
		list[i].N, list[i].T = i+1, int64(i+1)*10*ms
	}
	return list
}

// TestJudge judges the run above: the verdict, what was found, and the event that shows it.
func TestJudge(t *testing.T) {
	for _, c := range [...]struct {
		text, found string
		verdict     event.Verdict
		n           int
	}{
		{"segments client = 3", "3", event.Pass, 9},
		{"segments client data = 1", "2", event.Fail, 9},
		{"segments client = 2 at 50ms", "2", event.Pass, 5},
		{"segments client = 1 50ms..90ms", "1", event.Pass, 5},
		{"segments client = 2 50ms..", "2", event.Pass, 9},
		{"segments client = 3 conn 2", "0", event.Fail, 0},
		{"segments client seq 100-200 = 2", "2", event.Pass, 9},
		{"segments client len>=101 = none", "0", event.Pass, 0},
		{"retransmissions client = 1 reason rto", "1", event.Pass, 9},
		{"retransmissions client = 1 reason fast", "0", event.Fail, 0},
		{"spurious client = 1", "1", event.Pass, 9},
		{"arrivals server > 1", "2", event.Pass, 15},
		{"arrivals server = segments client data", "2, segments client data 2", event.Pass, 15},
		{"arrivals server data = segments client data", "1, segments client data 2", event.Fail, 10},
		{"lost server = 1", "1", event.Pass, 12},
		{"faults server >= 2", "2", event.Pass, 13},
		{"icmp client = 1", "1", event.Pass, 14},
		{"duplicate-acks client = 1 cause duplicate", "1", event.Pass, 11},
		{"duplicate-acks client = 1 cause loss", "0", event.Fail, 0},
		{"duplicates server = 1", "1", event.Pass, 10},
		{"corrupted server fin = 1", "1", event.Pass, 15},
		{"timers client = 1", "1", event.Pass, 8},
		{"timers client rto = 1 at 70ms", "1: rto", event.Pass, 6},
		{"timers client = none at 80ms", "0", event.Pass, 8},
		{"timers server = none at 70ms", "0", event.Pass, 0},
		{"delivered server = sent client", "100, sent client 100", event.Pass, 7},
		{"delivered server = none at 60ms", "0", event.Pass, 0},
		{"client.state = RESET", "RESET", event.Pass, 18},
		{"client.state = SYN-SENT at 29ms", "SYN-SENT", event.Pass, 1},
		{"client.state = SYN-SENT at 30ms", "ESTABLISHED", event.Fail, 3},
		{"client.state = SYN-SENT at 1ms", "not known", event.Fail, 0},
		{"client.state = ESTABLISHED 30ms..180ms", "ESTABLISHED", event.Pass, 3},
		{"client.state = ESTABLISHED 20ms..100ms", "SYN-SENT", event.Fail, 1},
		{"client.state = ESTABLISHED 40ms..", "RESET", event.Fail, 18},
		{"client.state != RESET ever", "SYN-SENT", event.Pass, 1},
		{"server.state = CLOSED", "not known", event.Fail, 0},
		{"client.states = SYN-SENT ESTABLISHED RESET", "SYN-SENT ESTABLISHED RESET", event.Pass, 18},
		{"client.states = SYN-SENT ESTABLISHED", "SYN-SENT ESTABLISHED RESET", event.Fail, 18},
		{"client.states != SYN-SENT RESET", "SYN-SENT ESTABLISHED RESET", event.Pass, 3},
		{"client.window = 900", "900", event.Pass, 9},
		{"client.cwnd = 2", "2", event.Pass, 16},
		{"client.cwnd < 2 ever", "1", event.Pass, 9},
		{"client.cwnd < 2 100ms..150ms", "1", event.Pass, 9},
		{"client.cwnd < 2 100ms..170ms", "2", event.Fail, 16},
		{"client.cwnd = 2 120ms..150ms ever", "1", event.Fail, 9},
		{"client.cwnd = 7 ever", "2", event.Fail, 16},
		{"client.cwnd > 0 ever", "10", event.Pass, 5},
		{"client.rto = 200ms", "200ms", event.Pass, 5},
		{"client.snd-nxt = 101", "101", event.Pass, 5},
		{"client.congestion = open", "open", event.Pass, 5},
		{"client.ssthresh > 1", "not known", event.Fail, 0},
		{"gap client data 1 to 2 = 30ms +- 10ms", "40ms", event.Pass, 9},
		{"gap client data 1 to 2 < 40ms", "40ms", event.Fail, 9},
		{"gap client data 1 to 3 < 1s", "only 2 such segments", event.Fail, 0},
		{"error client = \"connection timed out\"", "\"connection timed out\"", event.Pass, 17},
		{"error client = none", "\"connection timed out\"", event.Fail, 17},
		{"error server = none", "none", event.Pass, 0},
		{"result = ok", "failed: client: connection timed out", event.Fail, 19},
		{"result = failed", "failed: client: connection timed out", event.Pass, 19},
		{"icmp client = 7 in kernel", "only in kernel", event.NotJudged, 0},
		{"icmp client = 1 in memory", "1", event.Pass, 14},
	} {
		s, err := Parse("t.scn", frame("expect "+c.text))
		if err != nil {
			t.Error(err)
			continue
		}
		j := NewJudge(s, Memory)
		for _, e := range run() {
			j.Add(&e)
		}
		want := []event.Expectation{{Text: c.text, Line: 3, Verdict: c.verdict, Found: c.found, N: c.n}}
		if d := cmp.Diff(want, j.Verdicts()); d != "" {
			t.Error(d)
		}
	}
}

// TestStrip takes away what disturbs, and nothing else; what is left is another scenario.
func TestStrip(t *testing.T) {
	s, err := Parse("t.scn", frame("fault drop\ninject at 1s rst\npeer client on syn send synack\nseed 3"))
	if err != nil {
		t.Fatal(err)
	}
	bare := s.Strip()
	if !s.Disturbed() || bare.Disturbed() || len(s.Faults) != 1 || bare.Seed != 3 {
		t.Errorf("%+v of %+v", bare, s)
	}
}

// TestWorlds: kernel stands for both ends.
func TestWorlds(t *testing.T) {
	for _, c := range [...]struct {
		worlds                 string
		memory, client, server bool
		first                  World
	}{
		{"memory", true, false, false, Memory},
		{"memory kernel", true, true, true, Memory},
		{"kernel", false, true, true, KernelClient},
		{"kernel-server memory", true, false, true, KernelServer},
	} {
		s, err := Parse("t.scn", "title t\nworld "+c.worlds)
		if err != nil {
			t.Fatal(err)
		}
		if s.Allows(Memory) != c.memory || s.Allows(KernelClient) != c.client || s.Allows(KernelServer) != c.server || s.Default() != c.first {
			t.Errorf("%s: %t %t %t, %v", c.worlds, s.Allows(Memory), s.Allows(KernelClient), s.Allows(KernelServer), s.Default())
		}
	}
}
