package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/path"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/scenario"
	"gnet/stackprobe/view"
)

// netstatStage is netstat --watch over fixed sockets: two readings, the table, its orders, groups, the filter, details, a kill and a pause.
func netstatStage(bool) *liveStage {
	x := newWatchScript(fixedSockets())
	x.read()
	s := &liveStage{view: x.view}
	info := func(i int) *uint64 { return &x.source.sockets[i].Diag.Info.BytesReceived }
	read := func(name string, d time.Duration) {
		s.happens(name, func() { x.clock += d; x.read() })
	}
	s.happens("first reading", func() {}).everySize()
	s.happens("second reading, 2 s later", func() {
		*info(2) += 123456
		x.source.sockets[3].Diag.Info.BytesAcked += 10
		x.source.sockets = append(x.source.sockets[:len(x.source.sockets)-1], connectionSocket(99, "192.0.2.1:5000", "192.0.2.99:9", 0, 0, 0))
		x.clock += 2 * time.Second
		x.read()
	}).everySize()
	s.press("Down", "j", "Up", "k", "PgDn", "PgUp", "End", "Up", "Home", "G", "g", ">", ">", "r", "Right").everySize().press("Left", "Right", "Right", "<", "y", "?").everySize().press("Down", "Esc")
	s.press("b").everySize().press("Down", "Enter", "Left", "b", "b", "b", "Enter", "Esc", "b")
	s.press("/").types("dport = 40001 or sport").everySize()
	s.types(" = 5001").press("Enter")
	read("the sockets of the filter", 0)
	s.press("Down", "Enter")
	read("the reading with all of it", 0)
	s.happens("details, next reading", func() {
		x.source.sockets[4].Diag.Info.RTT, x.source.sockets[4].Diag.Info.SndCwnd = 9*time.Millisecond, 40
		*info(4) += 2048
		x.clock += time.Second
		x.read()
	}).everySize()
	s.press("Down", "y", "Esc", "K").everySize().press("n", "K", "y").last().until = func() bool { return strings.Contains(x.view.message, "killed") }
	s.press("Space").everySize()
	s.press("Space", "F1", "q", "q")
	return s
}

// pingOneStage is ping --live to one host, whose name is hostile: 120 probes with all that can become of one, and 20 more.
func pingOneStage(bool) *liveStage {
	script := newLiveScript(liveHosts(1)...)
	v := newPingView(script.record, "56 data bytes, every 1 s")
	s := &liveStage{view: v}
	s.happens("before the first probe", func() {}).everySize()
	s.press("h", "h", "h")
	s.happens("24 probes", func() { script.play(0, 1, 24) }).press("z", "l", "l", "z")
	s.happens("120 probes", func() { script.play(0, 25, 120) }).everySize()
	s.press("l").everySize().press("z", "l", "z", "-", "-", "+", "Left", "Right", "Left", "Space", "Space", "h").everySize().press("Tab").everySize().press("Tab", "Space")
	s.happens("held, 20 probes later", func() { script.play(0, 121, 140) })
	s.press("Space", "?").everySize().press("Down", "x", "q")
	return s
}

// pingManyStage is ping --live to 30 hosts, of which one is silent and one loses a third.
func pingManyStage(bool) *liveStage {
	script := newLiveScript(liveHosts(30)...)
	s := &liveStage{view: newPingView(script.record, "56 data bytes, every 1 s")}
	s.happens("before the first probe", func() {})
	s.happens("5 probes", func() { script.playMany(1, 5) }).press("Down", "Down", "Enter", "z", "z", "Esc", "o", "o", "o", "Home", "j", "k", "G", "g")
	s.happens("50 probes", func() { script.playMany(6, 50) }).everySize()
	s.press("Down", "Up", "PgDn", "PgUp", "End", "Home", "o", "Down", "o", "l", "z", "l", "z", "-", "+", "Enter").everySize()
	s.press("Down", "l", "h", "Tab", "h", "Left", "Right", "-", "Space", "Space", "Esc", "?", "x", "q")
	return s
}

// tracepathStage is tracepath --live over a way with all that hops can be.
func tracepathStage(bool) *liveStage {
	a := netip.MustParseAddr
	hops := []path.Hop{
		{TTL: 1, From: []netip.Addr{a("192.0.2.1")}, Sent: 20, Answered: 20, Min: 400 * time.Microsecond, Mean: 500 * time.Microsecond, Max: 2 * time.Millisecond},
		{TTL: 2, Sent: 20},
		{TTL: 3, From: []netip.Addr{a("198.51.100.7"), a("2001:db8:1234:5678:9abc:def0:1234:5678")}, Sent: 20, Answered: 13, Min: 11 * time.Millisecond, Mean: 12 * time.Millisecond, Max: 210 * time.Millisecond},
		{TTL: 4, Err: unix.EPERM},
	}
	for ttl := 5; ttl < 15; ttl++ {
		rtt := time.Duration(ttl) * 7 * time.Millisecond
		hops = append(hops, path.Hop{TTL: ttl, From: []netip.Addr{netip.AddrFrom4([4]byte{203, 0, 113, byte(ttl)})}, Sent: 20, Answered: 20, Min: rtt, Mean: rtt * 11 / 10, Max: rtt * 2})
	}
	hops = append(hops, path.Hop{TTL: 15, From: []netip.Addr{a("203.0.113.14")}, Sent: 4, Answered: 4, Beyond: true})
	for i := range hops {
		for n, addr := range hops[i].From {
			hops[i].Hosts = append(hops[i].Hosts, path.HopHost{Addr: addr, Answered: 5 + 3*n, Mean: hops[i].Mean * time.Duration(n+1), Last: n})
		}
	}
	hops[2].Others = 2
	o := defaultTracepath()
	v := newHopView(&o, "\x1b[31mevil\u202e (203.0.113.14)")
	s := &liveStage{view: v}
	s.happens("before the first hop", func() {})
	s.happens("two hops", func() { v.learn(hops[:2], 1500, 0, map[int]string{1: "1500"}) })
	s.happens("20 rounds", func() {
		v.now = 83 * time.Second
		v.learn(hops, 1400, 20, map[int]string{3: "~1400"})
	}).press("Down", "Down")
	s.happens("names", func() {
		for range len(v.names.asked) {
			asked := <-v.names.asked
			v.names.known[asked] = map[netip.Addr]string{a("198.51.100.7"): "\x1b]0;evil\a\u202e.example", a("192.0.2.1"): "gateway.example"}[asked]
		}
	}).everySize()
	s.press("Home")
	s.happens("names and addresses, rounds that end", func() { o.Both, o.Rounds = true, 20 })
	s.happens("finished", func() { v.stay() })
	return s.press("Down", "Down", "Up", "j", "k", "PgDn", "PgUp", "End", "Home", "G", "g", "?", "x", "q")
}

// stepLesson is a scenario of one connection in which there is something for each key.
const stepLesson = `title   A hole in the middle and one at the end
world   memory
client  role source bytes 12000 close fin after 5s
server  role sink rcvbuf 8192 scaling off read-start 2s
fault   client> drop data 3
fault   client> drop data 7
expect  lost client data = 2
expect  timers client rto = 1
expect  client.cwnd < 2 ever
expect  delivered server = sent client
`

// lessonOf runs a scenario of the memory world.
func lessonOf(text string) []event.Event {
	sc, err := scenario.Parse("hole.scn", text)
	if err != nil {
		panic(err)
	}
	c, err := stackprobe.Prepare(sc)
	if err != nil {
		panic(err)
	}
	return eventsOf(c)
}

// eventsOf runs an exchange in virtual time.
func eventsOf(c stackprobe.Config) (events []event.Event) {
	c.Version = "test"
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			panic(err)
		}
		events = append(events, *e)
	}
	return events
}

// stepScript is trace --step over events.
func stepScript(ascii bool, events []event.Event) (*stepView, *liveStage) {
	v := newStepView(view.Options{ASCII: ascii})
	s := &liveStage{view: v}
	s.happens("before the first event", func() {})
	s.happens("the run", func() {
		v.take(events)
		v.ends(nil)
	}).everySize()
	return v, s
}

// traceStepStage is trace tcp --step: every pane and every jump.
func traceStepStage(ascii bool) *liveStage {
	v, s := stepScript(ascii, lessonOf(stepLesson))
	s.press("j", "Down", "Right", "Space", "k", "Up", "Left", "PgDn", "PgUp", "End", "Home", "G", "g")
	s.press("l").everySize().press("l", "L", "r").everySize().press("r", "R", "s", "s", "S", "t").everySize().press("g", "t", "G", "T", "g", "x", "x", "X", "g", "o", "o", "O", "z", "z", "Z", "e", "r", "e", "e", "5", "7", "G", "3", "k")
	s.press("Tab").everySize().press("Tab").everySize().press("Tab").everySize().press("]", "[", "Tab").everySize().press("Tab").everySize().press("Tab", "Shift-Tab")
	s.press("/").types("cwnd").everySize().press("Enter", "n", "N", "/", "Esc", ":").types("30").press("Enter", "c").types("1").press("Enter", "c").types("7").press("Enter")
	s.press("y", "?").everySize().press("PgDn", "x")
	s.happens("ends too soon", func() { v.ends(errors.New("context canceled")) })
	return s.press("G", "q")
}

// traceStepConnectionsStage is trace tcp --step over three connections at once, with losses.
func traceStepConnectionsStage(ascii bool) *liveStage {
	rule, err := link.ParseRule("loss 9%")
	if err != nil {
		panic(err)
	}
	_, s := stepScript(ascii, eventsOf(stackprobe.Config{World: stackprobe.Memory, Seed: stackprobe.DefaultSeed, Delay: stackprobe.DefaultDelay, MTU: stackprobe.DefaultMTU,
		Conns: 3, Bytes: 6000, Faults: []link.Rule{rule}}))
	s.press("l", "r", "Tab", "Tab", "c").types("2").press("Enter").everySize().press("j", "l", "c").types("0").press("Enter", "q")
	return s
}
