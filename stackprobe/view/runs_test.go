package view

import (
	"net/netip"
	"sort"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// runs_test.go makes the events of small runs by hand, so that each case of the picture stands alone.

const ms = 1_000_000

// maker gathers events; sorted gives them in their order.
type maker struct {
	events []event.Event
	ids    int
	clock  event.Clock
	// evidence is that of the next transmission.
	evidence event.Evidence
}

// at is one event at a time in milliseconds.
func (m *maker) at(t float64, e event.Event) {
	e.T, e.Clock = int64(t*ms), m.clock
	if e.Host != event.None && e.Conn == 0 {
		e.Conn = 1
	}
	m.events = append(m.events, e)
}

// sorted numbers the events in order of time, and lets analyze conclude what follows; those of one time stay as they were
// made.
func (m *maker) sorted() []event.Event {
	sort.SliceStable(m.events, func(i, j int) bool { return m.events[i].T < m.events[j].T })
	track := analyze.New()
	for i := range m.events {
		m.events[i].N = i + 1
		track.Add(&m.events[i])
	}
	m.account()
	return m.events
}

func (m *maker) state(t float64, h event.Host, from, to event.State) {
	m.at(t, event.Event{Kind: event.KindState, Host: h, From: from, State: to, StateHow: event.Read})
}

func (m *maker) app(t float64, h event.Host, c event.Call, n int) {
	m.at(t, event.Event{Kind: event.KindApp, Host: h, App: event.App{Call: c, Bytes: n}})
}

// seg is the segment of an event with the numbers that all need.
func seg(flags event.Flags, seq, n, ack uint32) event.Segment {
	s := event.Segment{Flags: flags, Seq: 1000 + seq, Len: int(n), Win: 512}
	s.Src, s.Dst = netip.MustParseAddrPort("10.7.0.1:40000"), netip.MustParseAddrPort("10.7.0.2:7000")
	if flags.Has(event.ACK) {
		s.Ack = 1000 + ack
	}
	if flags.Has(event.SYN) {
		s.Win = 64240
		s.Opts = event.Options{Has: event.OptMSS | event.OptWScale | event.OptSackPermitted | event.OptTimestamps, MSS: 1460, WScale: 7}
	}
	return s
}

// send lets a segment leave at t and arrive 20 ms later.
func (m *maker) send(t float64, h event.Host, st event.State, s event.Segment) {
	m.sendTo(t, t+20, h, st, s)
}

func (m *maker) sendTo(t, arrives float64, h event.Host, st event.State, s event.Segment) {
	m.ids++
	s.ID = m.ids
	m.at(t, event.Event{Kind: event.KindTx, Host: h, Seg: s, State: st, StateHow: event.Read, Evidence: m.evidence})
	m.evidence = 0
	m.at(arrives, event.Event{Kind: event.KindRx, Host: h.Peer(), Seg: s})
}

// lose lets a segment leave at t and be taken by the link.
func (m *maker) lose(t float64, h event.Host, st event.State, s event.Segment, rule string) {
	m.ids++
	s.ID = m.ids
	m.at(t, event.Event{Kind: event.KindTx, Host: h, Seg: s, State: st, StateHow: event.Read, Evidence: m.evidence})
	m.evidence = 0
	m.at(t, event.Event{Kind: event.KindLost, Host: h, Seg: s, Rule: rule})
}

func (m *maker) run(faults ...string) {
	m.at(0, event.Event{Kind: event.KindRun, Run: &event.Run{World: "memory", Why: "no /dev/net/tun: memory", Clock: event.Virtual, Version: "1", Seed: 1, Bytes: 4000,
		DelayClient: 20 * ms, DelayServer: 20 * ms, MTU: 1500,
		Client: event.Stack{Name: "gvisor 20260905", CC: "reno", Recovery: "RFC 6675", Addr: "10.7.0.1"},
		Server: event.Stack{Name: "gvisor 20260905", CC: "reno", Recovery: "RFC 6675", Addr: "10.7.0.2"},
		Faults: faults, Pinned: []string{"MPTCP off", "1 ns tick"}}})
}

const (
	cl = event.Client
	sv = event.Server
)

// open is the handshake, from 0 to 60 ms.
func (m *maker) open() {
	m.app(0, sv, event.Listen, 0)
	m.state(0, sv, event.StateUnknown, event.Listening)
	m.app(0, cl, event.Connect, 0)
	m.send(0, cl, event.SynSent, seg(event.SYN, 0, 0, 0))
	m.send(20, sv, event.SynReceived, seg(event.SYN|event.ACK, 0, 0, 1))
	m.state(40, cl, event.SynSent, event.StateEstablished)
	m.app(40, cl, event.Established, 0)
	m.send(40, cl, event.StateEstablished, seg(event.ACK, 1, 0, 1))
	m.state(60, sv, event.SynReceived, event.StateEstablished)
	m.app(60, sv, event.Accept, 0)
}

// shut is the orderly close of both ends, from t on: seq numbers of the client's and the server's FIN.
func (m *maker) shut(t float64, cseq, sseq uint32) {
	m.app(t, cl, event.Close, 0)
	m.send(t, cl, event.FinWait1, seg(event.FIN|event.ACK, cseq, 0, sseq))
	m.state(t+20, sv, event.StateEstablished, event.CloseWait)
	m.app(t+20, sv, event.EOF, 0)
	m.send(t+20, sv, event.CloseWait, seg(event.ACK, sseq, 0, cseq+1))
	m.state(t+40, cl, event.FinWait1, event.FinWait2)
	m.app(t+20.5, sv, event.Close, 0)
	m.send(t+20.5, sv, event.LastAck, seg(event.FIN|event.ACK, sseq, 0, cseq+1))
	m.state(t+40.5, cl, event.FinWait2, event.TimeWait)
	m.send(t+40.5, cl, event.TimeWait, seg(event.ACK, cseq+1, 0, sseq+1))
	m.state(t+60.5, sv, event.LastAck, event.Closed)
}

// end ends the run.
func (m *maker) end(t float64) {
	m.at(t, event.Event{Kind: event.KindEnd, End: &event.End{OK: true}})
}

// account gives the end, if there is one, the run's own account: that of its events.
func (m *maker) account() {
	e := m.events[len(m.events)-1].End
	if e == nil {
		return
	}
	for _, v := range m.events {
		own := &e.Client
		if v.Host == sv {
			own = &e.Server
		}
		switch {
		case v.Kind == event.KindTx:
			own.Segments++
			if v.Derived.Repeat {
				own.Retransmitted++
			}
		case v.Kind == event.KindLost:
			own.Lost++
		case v.Kind == event.KindApp && v.App.Call == event.Write:
			own.Written += int64(v.App.Bytes)
		case v.Kind == event.KindApp && v.App.Call == event.Receive:
			own.Received += int64(v.App.Bytes)
		}
	}
}

// plainRun is a whole connection with one segment of data and its answer.
func plainRun() []event.Event {
	m := &maker{clock: event.Virtual}
	m.run()
	m.open()
	m.app(40, cl, event.Write, 1000)
	m.send(40, cl, event.StateEstablished, seg(event.PSH|event.ACK, 1, 1000, 1))
	m.app(60, sv, event.Receive, 1000)
	m.send(60, sv, event.StateEstablished, seg(event.ACK, 1, 0, 1001))
	m.app(60, sv, event.Write, 500)
	m.send(60, sv, event.StateEstablished, seg(event.PSH|event.ACK, 1, 500, 1001))
	m.app(80, cl, event.Receive, 500)
	m.send(80, cl, event.StateEstablished, seg(event.ACK, 1001, 0, 501))
	m.shut(80, 1001, 501)
	m.end(141)
	return m.sorted()
}

// lostRun loses the second of four segments and repairs it by three duplicate acknowledgments.
func lostRun() []event.Event {
	m := &maker{clock: event.Virtual}
	rule := "client> drop data 2"
	m.run(rule)
	m.open()
	m.app(40, cl, event.Write, 7100)
	data := func(i uint32) event.Segment { return seg(event.ACK, 1+1420*i, 1420, 1) }
	m.send(40, cl, event.StateEstablished, data(0))
	m.lose(40, cl, event.StateEstablished, data(1), rule)
	for i := uint32(2); i < 5; i++ {
		m.send(40, cl, event.StateEstablished, data(i))
	}
	m.send(60, sv, event.StateEstablished, seg(event.ACK, 1, 0, 1421))
	for i := uint32(2); i < 5; i++ {
		a := seg(event.ACK, 1, 0, 1421)
		a.Opts = event.Options{Has: event.OptSack | event.OptTimestamps, NSack: 1,
			Sack: [4]event.Block{{Left: 3841, Right: 1001 + 1420*(i+1)}}}
		m.send(60, sv, event.StateEstablished, a)
	}
	m.evidence = event.Recovering
	m.send(80, cl, event.StateEstablished, data(1))
	m.app(100, sv, event.Receive, 7100)
	m.send(100, sv, event.StateEstablished, seg(event.ACK, 1, 0, 7101))
	m.shut(120, 7101, 1)
	m.end(181)
	return m.sorted()
}

// crossRun has both ends send at the same time: simultaneous open, then data that cross.
func crossRun() []event.Event {
	m := &maker{clock: event.Virtual}
	m.run()
	for _, h := range []event.Host{cl, sv} {
		m.app(0, h, event.Connect, 0)
		m.send(0, h, event.SynSent, seg(event.SYN, 0, 0, 0))
	}
	for _, h := range []event.Host{cl, sv} {
		m.state(20, h, event.SynSent, event.SynReceived)
		m.send(20, h, event.SynReceived, seg(event.SYN|event.ACK, 0, 0, 1))
	}
	for _, h := range []event.Host{cl, sv} {
		m.state(40, h, event.SynReceived, event.StateEstablished)
		for i := range uint32(3) {
			m.send(40+float64(i), h, event.StateEstablished, seg(event.ACK, 1+1000*i, 1000, 1))
		}
	}
	return m.sorted()
}

// timeoutRun loses a SYN and its first repetition, on a real clock, then resets the connection; it has notes and breaks off.
func timeoutRun() []event.Event {
	m := &maker{clock: event.Mono}
	rule := "client> drop syn 1-2 \x1b[31m\u202e and a very long remark that has to be wrapped over several rows of the lane to be read"
	m.at(0, event.Event{Kind: event.KindRun, Run: &event.Run{World: "tun", Clock: event.Mono, Seed: -7, DelayClient: 20 * ms, DelayServer: 500_000, MTU: 1400,
		Client: event.Stack{Name: "linux 6.18.44", CC: "cubic"}, Server: event.Stack{Name: "gvisor\x07 日本"}, Faults: []string{rule}}})
	m.at(0.1, event.Event{Kind: event.KindNote, Level: event.Warning, Text: "times carry the scheduler's delays of up to 0.31 ms; this sentence is long enough to need a second row"})
	m.lose(0.2, cl, event.SynSent, seg(event.SYN, 0, 0, 0), rule)
	s := seg(event.SYN, 0, 0, 0)
	m.evidence = event.Expired
	m.at(1000.2, event.Event{Kind: event.KindTimer, Host: cl, Timer: event.Timer{Kind: event.RTO, How: event.Inferred}})
	m.lose(1000.2, cl, event.SynSent, s, rule)
	m.evidence = event.Expired
	m.send(3000.2, cl, event.SynSent, s)
	a := seg(event.SYN|event.ACK, 0, 0, 1)
	m.at(3020.2, event.Event{Kind: event.KindState, Host: sv, From: event.Listening, State: event.SynReceived, StateHow: event.Inferred})
	m.sendTo(3020.3, 3020.8, sv, event.StateUnknown, a)
	m.send(3021, cl, event.StateEstablished, seg(event.RST|event.ACK, 1, 0, 1))
	m.state(3041, sv, event.SynReceived, event.ClosedReset)
	m.app(3021, cl, event.Failed, 0)
	m.events[len(m.events)-1].App.Err = "connection reset by peer"
	m.at(3042, event.Event{Kind: event.KindNote, Text: "done"})
	return m.sorted()
}

// oddRun has what a real run has not often: numbers that wrap, raw numbers, copies, a bad checksum, a window probe,
// an arrival that never left and a departure that never arrived.
func oddRun() []event.Event {
	m := &maker{clock: event.Virtual}
	m.run()
	m.open()
	big := seg(event.PSH|event.ACK, 0xffffff00, 1420, 0x7fffffff)
	m.send(100, cl, event.StateEstablished, seg(event.ACK, 0x7fffff00, 1420, 1))
	m.send(110, cl, event.StateEstablished, big)
	again := seg(event.PSH|event.ACK, 0x48c, 1000, 1)
	m.send(120, cl, event.StateEstablished, again)
	m.at(150, event.Event{Kind: event.KindRx, Host: sv, Seg: func() event.Segment { s := again; s.ID = m.ids; return s }()})
	raw := seg(event.PSH|event.ACK, 0, 10, 0)
	m.send(160, sv, event.StateUnknown, raw)
	for i := range m.events[len(m.events)-2:] {
		m.events[len(m.events)-1-i].Conn = 2 // whose SYNs were not seen
	}
	broken := seg(event.PSH|event.ACK, 1, 100, 1)
	broken.BadSum = true
	m.send(190, sv, event.StateEstablished, broken)
	probe := seg(event.ACK, 0x873, 1, 1)
	m.evidence = event.Probing
	m.send(220, cl, event.StateEstablished, probe)
	zero := seg(event.ACK, 101, 0, 0x874)
	zero.Win = 0
	m.send(240, sv, event.StateEstablished, zero)
	m.at(270, event.Event{Kind: event.KindRx, Host: cl, Seg: func() event.Segment { s := zero; s.ID = 999; return s }()})
	m.ids++
	gone := seg(0, 0x874, 7, 0)
	gone.ID = m.ids
	m.at(280, event.Event{Kind: event.KindTx, Host: cl, Seg: gone})
	return m.sorted()
}

// kindsRun has the events that are neither segments nor states nor calls, with text from outside in them.
func kindsRun() []event.Event {
	m := &maker{clock: event.Mono}
	m.run("client> corrupt data 1", "delay 5ms data 2")
	m.open()
	s := seg(event.PSH|event.ACK, 1, 100, 1)
	fault := func(t float64, f event.Fault) {
		s.ID = m.ids
		m.at(t, event.Event{Kind: event.KindFault, Host: cl, Seg: s, Fault: f})
	}
	timer := func(t float64, h event.Host, k event.TimerKind, op event.TimerOp, at float64, how event.How) {
		m.at(t, event.Event{Kind: event.KindTimer, Host: h, Timer: event.Timer{Kind: k, Op: op, At: int64(at * ms), How: how}})
	}
	m.send(100, cl, event.StateEstablished, s)
	fault(100, event.Fault{Action: event.Corrupt, Rule: "client> corrupt data 1", Number: 1, Bit: 333})
	timer(100, cl, event.RTO, event.Armed, 300, event.Read)
	m.send(130, cl, event.StateEstablished, seg(event.PSH|event.ACK, 101, 100, 1))
	fault(130, event.Fault{Action: event.Delay, Rule: "delay 5ms data 2 \x1b[2J", Number: 2, Wait: 5 * ms})
	m.send(160, cl, event.StateEstablished, seg(event.PSH|event.ACK, 201, 100, 1))
	fault(160, event.Fault{Action: event.Dup, Copy: 99})
	copied := seg(event.PSH|event.ACK, 201, 100, 1)
	copied.ID = 99
	m.at(181, event.Event{Kind: event.KindRx, Host: sv, Seg: copied})
	m.at(200, event.Event{Kind: event.KindICMP, Host: cl, Seg: s, ICMP: event.ICMP{Type: 3, Code: 4, MTU: 1400}})
	six := s
	six.Dst = netip.MustParseAddrPort("[2001:db8::2]:7")
	m.at(201, event.Event{Kind: event.KindICMP, Host: cl, Seg: six, ICMP: event.ICMP{Type: 2, MTU: 1280}})
	m.at(202, event.Event{Kind: event.KindICMP, Host: cl, Seg: s, ICMP: event.ICMP{Type: 11}})
	m.at(210, event.Event{Kind: event.KindCheck, Host: cl, Check: event.Check{Name: "bytes_acked\a", Computed: 300, Read: 301}})
	for _, t := range []float64{220, 221} { // said once
		timer(t, sv, event.TimerKeepalive, event.Armed, 7200_000, event.Read)
	}
	timer(222, sv, event.TimerKeepalive, event.Stopped, 0, event.Read)
	timer(223, sv, event.TimerKeepalive, event.Armed, 7200_000, event.Inferred)
	timer(230, cl, event.TimerPersist, event.Armed, 430, event.Inferred)
	timer(430, cl, event.TimerPersist, event.Fired, 0, event.Inferred)
	timer(440, cl, event.TimerDelayedAck, event.Stopped, 0, event.Read)
	m.at(450, event.Event{Kind: event.KindCounters, Host: cl, Counters: []event.Counter{{Name: "TCPTimeouts", Value: 1}}})
	return m.sorted()
}

// waitsRun has rules that slow every segment: their words stand once, the time in the row of each segment where it has room.
func waitsRun() []event.Event {
	m := &maker{clock: event.Virtual}
	m.run("rate 1M queue 1", "server> delay 70ms")
	m.open()
	slow := func(t float64, h event.Host, s event.Segment, waits ...float64) {
		total := 20.0
		for _, w := range waits {
			total += w
		}
		m.sendTo(t, t+total, h, event.StateEstablished, s)
		s.ID = m.ids
		for i, w := range waits {
			f := event.Fault{Action: event.Rate, Rule: "rate 1M queue 1", Number: 1, Wait: int64(w * ms)}
			if i == 1 {
				f.Action, f.Rule, f.Number = event.Delay, "server> delay 70ms", 2
			}
			m.at(t, event.Event{Kind: event.KindFault, Host: h, Seg: s, Fault: f})
		}
	}
	slow(50, cl, seg(event.ACK, 1, 1420, 1), 12.191995)
	slow(51, cl, seg(event.ACK, 1421, 1420, 1), 23.967992)
	slow(52, cl, seg(event.PSH|event.ACK, 2841, 10000, 1), 0.0125)
	over := seg(event.ACK, 12841, 1420, 1)
	m.ids++
	over.ID = m.ids
	m.at(53, event.Event{Kind: event.KindTx, Host: cl, Seg: over, State: event.StateEstablished, StateHow: event.Read})
	m.at(53, event.Event{Kind: event.KindLost, Host: cl, Seg: over, Rule: "rate 1M queue 1", Fault: event.Fault{Action: event.Rate, Rule: "rate 1M queue 1", Number: 1}})
	slow(100, sv, seg(event.ACK, 1, 100, 1421), 1200, 70)
	slow(101, sv, seg(event.ACK, 101, 100, 1421), 0.416, 70)
	return m.sorted()
}

// longRun sends a window of thirty segments, each acknowledged.
func longRun() []event.Event {
	m := &maker{clock: event.Virtual}
	m.run()
	m.open()
	m.app(40, cl, event.Write, 30*1420)
	for i := range uint32(30) {
		m.send(40+float64(i)/10, cl, event.StateEstablished, seg(event.ACK, 1+1420*i, 1420, 1))
		m.app(60+float64(i)/10, sv, event.Receive, 1420)
		m.send(60+float64(i)/10, sv, event.StateEstablished, seg(event.ACK, 1, 0, 1+1420*(i+1)))
	}
	m.shut(100, 42601, 1)
	m.end(161)
	return m.sorted()
}
