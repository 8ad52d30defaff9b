package analyze

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/stackprobe/event"
)

// on puts events on a connection.
func on(conn int, events ...event.Event) []event.Event {
	for i := range events {
		events[i].Conn = conn
	}
	return events
}

// figuresOf gives the figures of events.
func figuresOf(events ...event.Event) *Figures {
	var f Figures
	tr := New()
	for i := range events {
		tr.Add(&events[i])
		f.Add(&events[i])
	}
	return &f
}

// turned is a change of state.
func turned(t int64, h event.Host, s event.State) event.Event {
	return event.Event{T: t, Kind: event.KindState, Host: h, State: s}
}

// withSack gives a segment SACK blocks.
func withSack(s event.Segment, blocks ...event.Block) event.Segment {
	s.Opts.Has |= event.OptSack
	s.Opts.NSack = uint8(copy(s.Opts.Sack[:], blocks))
	return s
}

// closedWindow gives a segment the window 0.
func closedWindow(s event.Segment) event.Segment { s.Win = 0; return s }

// aRun is a connection with one of everything that is counted.
func aRun() []event.Event {
	syn, synAck, ack := seg(1, event.SYN, 0, 0, 0), seg(2, event.SYN|event.ACK, 0, 0, 1), seg(3, event.ACK, 1, 0, 1)
	d1, d2, d3 := seg(4, event.ACK, 1, 100, 1), seg(5, event.ACK, 101, 100, 1), seg(6, event.ACK, 201, 100, 1)
	a1, dup := seg(7, event.ACK, 1, 0, 101), withSack(seg(8, event.ACK, 1, 0, 101), event.Block{Left: 201, Right: 301})
	again := seg(9, event.ACK, 101, 100, 1)
	all := closedWindow(seg(10, event.ACK, 1, 0, 301))
	probe, answer := seg(11, event.ACK, 300, 0, 1), closedWindow(withSack(seg(12, event.ACK, 1, 0, 301), event.Block{Left: 1, Right: 101}))
	update := seg(13, event.ACK, 1, 0, 301)
	bad := seg(14, event.ACK, 301, 50, 1)
	badAtEnd := bad
	badAtEnd.BadSum = true
	end := seg(15, event.RST|event.ACK, 1, 0, 301)
	foreign := seg(16, event.RST, 9, 0, 0)
	foreign.Origin = event.Injected
	vars := event.Event{T: 300, Kind: event.KindVars, Host: cl, Vars: event.Vars{Has: event.HasSRTT | event.HasRTO | event.HasUna, SRTT: 7, RTO: 8, Una: 9}}
	app := func(t int64, h event.Host, c event.Call, n int) event.Event {
		return event.Event{T: t, Kind: event.KindApp, Host: h, App: event.App{Call: c, Bytes: n}}
	}
	return on(1,
		tx(0, cl, syn), rx(10, sv, syn), tx(11, sv, synAck), rx(21, cl, synAck), turned(22, cl, event.StateEstablished), tx(23, cl, ack),
		rx(33, sv, ack), turned(34, sv, event.StateEstablished), app(40, cl, event.Write, 300),
		tx(50, cl, d1), tx(51, cl, d2), tx(52, cl, d3), event.Event{T: 53, Kind: event.KindLost, Host: cl, Seg: d2},
		event.Event{T: 54, Kind: event.KindFault, Host: cl, Seg: d3, Fault: event.Fault{Action: event.Dup}},
		rx(60, sv, d1), tx(61, sv, a1), rx(62, sv, d3), tx(63, sv, dup), rx(71, cl, a1), rx(73, cl, dup),
		event.Event{T: 80, Kind: event.KindTimer, Host: cl, Timer: event.Timer{Kind: event.RTO, Op: event.Fired}},
		event.Event{T: 80, Kind: event.KindTimer, Host: cl, Timer: event.Timer{Kind: event.RTO, Op: event.Armed}},
		with(tx(81, cl, again), event.Expired), rx(91, sv, again), app(91, sv, event.Receive, 250), tx(92, sv, all), rx(102, cl, all),
		with(tx(110, cl, probe), event.SentWindowProbe), rx(120, sv, probe), tx(121, sv, answer), rx(131, cl, answer),
		tx(200, sv, update), rx(210, cl, update),
		tx(220, cl, bad), event.Event{T: 221, Kind: event.KindFault, Host: cl, Seg: bad, Fault: event.Fault{Action: event.Corrupt}}, rx(230, sv, badAtEnd),
		tx(240, cl, foreign), rx(250, sv, foreign),
		tx(260, sv, end), turned(261, sv, event.ClosedReset), rx(270, cl, end), vars, turned(301, cl, event.ClosedReset))
}

// Whole values: everything that one connection does is in the figures of the end that did or met it.
func TestFigures(t *testing.T) {
	f := figuresOf(aRun()...)
	client := EndFigures{State: event.ClosedReset, Opened: 22, Segments: 8, Data: 5, Octets: 450, Again: 100, Repeats: 1, Timeouts: 1,
		Lost: 1, Damaged: 1, Copies: 1, Arrived: 7, Shut: 1, ShutTime: 108, RTT: Span{N: 3, Min: 21, Max: 21, Sum: 63},
		Vars: event.Vars{Has: event.HasSRTT | event.HasRTO, SRTT: 7, RTO: 8}, Written: 300, Active: true, Original: 4, DSACKsIn: 1, SynsIn: 1, AckOut: 1, AckIn: 301}
	client.Why = [...]int{event.New: 5, event.Ack: 1, event.Timeout: 1, event.WindowProbe: 1, event.PathMTU: 0}
	client.RepeatWhy[event.Timeout] = 1
	client.DupAcks[event.CauseLoss] = 1
	server := EndFigures{State: event.ClosedReset, Opened: 24, Segments: 7, DSACKs: 1, Closings: 1, Openings: 1, Arrived: 8, BadSums: 1, Fresh: 300,
		RTT: Span{N: 1, Min: 22, Max: 22, Sum: 22}, Received: 250, SynAcks: 1, SynsIn: 1, DataIn: 3, AckOut: 301, AckIn: 1}
	server.Why = [...]int{event.New: 1, event.Ack: 5, event.Reset: 1, event.PathMTU: 0}
	want := ConnectionFigures{Conn: 1, Ends: [3]EndFigures{cl: client, sv: server}}
	conns, rest := f.Connections()
	if len(conns) != 1 || rest != nil {
		t.Fatalf("%d connections, rest %v", len(conns), rest)
	}
	if d := cmp.Diff(want, *conns[0], cmpopts.IgnoreUnexported(EndFigures{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(want.Ends, f.All().Ends, cmpopts.IgnoreUnexported(EndFigures{})); d != "" {
		t.Errorf("all: %s", d)
	}
	if octets, ns := conns[0].Goodput(cl); octets != 300 || ns != 41 {
		t.Errorf("goodput %d in %d", octets, ns)
	}
	if octets, ns := conns[0].Goodput(sv); octets != 0 || ns != 0 {
		t.Errorf("goodput of the server %d in %d", octets, ns)
	}
}

// The figures of two connections add up, those of a third have no room of their own, and nothing is lost.
func TestFigures_several(t *testing.T) {
	var events []event.Event
	for i := range MaxConnections + 2 {
		events = append(events, on(1<<20+i, aRun()...)...)
	}
	f := figuresOf(events...)
	conns, rest := f.Connections()
	if len(conns) != MaxConnections || rest == nil || rest.Conn != 0 {
		t.Fatalf("%d connections, rest %v", len(conns), rest)
	}
	one, all := conns[0].Ends[cl], f.All().Ends[cl]
	const n = MaxConnections + 2
	got := []int64{int64(all.Segments), all.Octets, int64(all.Repeats), int64(all.Why[event.Timeout]), all.ShutTime, all.Written, int64(all.RTT.N), all.RTT.Min, int64(all.DupAcks[event.CauseLoss])}
	want := []int64{n * int64(one.Segments), n * one.Octets, n * int64(one.Repeats), n, n * one.ShutTime, n * one.Written, n * int64(one.RTT.N), one.RTT.Min, n}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if all.State != event.StateUnknown || all.Opened != 0 {
		t.Errorf("one state for all: %v, %d", all.State, all.Opened)
	}
}

// What a stack has counted is beside what the events show; one event that is lost is a difference.
func TestFigures_counts(t *testing.T) {
	run := event.Event{Kind: event.KindRun, Run: &event.Run{Client: event.Stack{Kernel: true}}}
	counters := event.Event{Kind: event.KindCounters, Host: cl, Counters: []event.Counter{{Name: "TcpExtTCPDSACKRecv", Value: 1}, {Name: "TcpExtTCPOrigDataSent", Value: 4},
		{Name: "TcpExtTCPTimeouts", Value: 1}, {Name: "TcpExtTCPWinProbe", Value: 1}, {Name: "TcpInSegs", Value: 7}, {Name: "TcpOutSegs", Value: 7}, {Name: "TcpRetransSegs", Value: 1}}}
	info := event.Event{Kind: event.KindCounters, Host: cl, Conn: 1, Counters: []event.Counter{{Name: "tcpi_bytes_retrans", Value: 100}, {Name: "tcpi_bytes_sent", Value: 450},
		{Name: "tcpi_segs_in", Value: 6}, {Name: "tcpi_total_retrans", Value: 1}}}
	all := append(append([]event.Event{run}, aRun()...), counters, info)
	f := figuresOf(all...)
	const gone = "told before its end, when the connection had a socket"
	want := []Count{{"TcpInSegs", "segments that arrived", 7, 7, ""}, {"TcpOutSegs", "segments sent, without repetitions but those of a SYN,ACK", 7, 7, ""},
		{"TcpRetransSegs", "repetitions", 1, 1, ""}, {"TcpExtTCPOrigDataSent", "first transmissions of data or FIN", 4, 4, ""},
		{"TcpExtTCPTimeouts", "expiries of the retransmission timer", 1, 1, ""}, {"TcpExtTCPWinProbe", "probes of a closed window", 1, 1, ""},
		{"TcpExtTCPDSACKRecv+TcpExtTCPDSACKOfoRecv", "DSACKs that arrived", 1, 1, ""}}
	if d := cmp.Diff(want, f.Counts(cl)); d != "" {
		t.Error(d)
	}
	wantInfo := []Count{{"tcpi_segs_in", "segments that it got", 6, 7, gone}, {"tcpi_total_retrans", "repetitions", 1, 1, ""},
		{"tcpi_bytes_sent", "octets of data sent, again and again", 450, 450, ""}, {"tcpi_bytes_retrans", "octets of data repeated", 100, 100, ""}}
	conns, _ := f.Connections()
	if d := cmp.Diff(wantInfo, conns[0].Infos(cl)); d != "" {
		t.Error(d)
	}
	if f.Counts(sv) != nil || conns[0].Infos(sv) != nil {
		t.Error("a stack that told nothing is compared")
	}
	counters.Counters = []event.Counter{{Name: "TcpExtTCPSpuriousRtxHostQueues", Value: 1}, {Name: "TcpExtTCPTimeouts", Value: 2}}
	for _, c := range figuresOf(append(append([]event.Event{run}, aRun()...), counters)...).Counts(cl) {
		if c.Name == "TcpExtTCPTimeouts" && (c.Stack != 2 || c.Events != 1 || c.Differs()) {
			t.Errorf("a timeout whose repetition is not sent: %+v", c)
		}
	}
	for i := range all {
		if k := all[i].Kind; all[i].Host != cl || k != event.KindTx && k != event.KindRx || all[i].Seg.Origin == event.Injected {
			continue
		}
		rest := append(append([]event.Event{}, all[:i]...), all[i+1:]...)
		differs := 0
		for _, c := range figuresOf(rest...).Counts(cl) {
			if c.Differs() {
				differs++
			}
		}
		if differs == 0 {
			t.Errorf("%v of segment %d can be lost unseen", all[i].Kind, all[i].Seg.ID)
		}
	}
}
