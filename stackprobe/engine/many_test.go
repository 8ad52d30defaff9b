package engine

import (
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestQuietLink: over either version of IP nothing but TCP segments of the connection crosses the link, and an idle
// link stays silent.
func TestQuietLink(t *testing.T) {
	for _, ipv6 := range []bool{false, true} {
		c := newCable(t, ipv6, app.Socket{}, app.Socket{})
		c.run(time.Hour)
		if len(c.sent) != 0 {
			t.Errorf("IPv6 %t: %d packets before the connection", ipv6, len(c.sent))
		}
		client, server := c.connect(t)
		write(t, client, 10_000)
		c.run(time.Second)
		if n := drain(t, server); n != 10_000 {
			t.Errorf("IPv6 %t: %d octets", ipv6, n)
		}
		client.Close()
		c.run(50 * time.Millisecond)
		server.Close()
		c.run(24 * time.Hour)
		for _, s := range c.sent {
			if s.tcp == nil || !s.tcp.ChecksumOK(c.addrs[s.from], c.addrs[s.from.Peer()]) {
				t.Errorf("IPv6 %t: %x", ipv6, s.bytes)
			}
		}
		if state, _ := c.sample(event.Client); state != event.Closed {
			t.Errorf("IPv6 %t: %v", ipv6, state)
		}
	}
}

// TestManyConnections: each of a hundred connections is told apart, only those to which something happens are looked at,
// and those that are over are forgotten.
func TestManyConnections(t *testing.T) {
	const n = 100
	c := newCable(t, false, app.Socket{}, app.Socket{Backlog: n})
	accept := c.listen(t)
	var clients []app.Conn
	for i := range uint16(n) {
		clients = append(clients, c.dial(t, 40000+i))
	}
	states := make(map[event.Tuple]event.State)
	look := func() (seen int) {
		c.ends[event.Client].Sample(func(tuple event.Tuple, s event.State, _ event.Vars) { states[tuple] = s; seen++ })
		return seen
	}
	if got := look(); got != n {
		t.Errorf("%d of %d connections seen", got, n)
	}
	c.run(time.Second)
	look()
	for _, client := range clients {
		if s := states[client.Tuple()]; s != event.StateEstablished || client.Tuple().Remote.Addr() != c.addrs[event.Server] {
			t.Errorf("%+v: %v", client.Tuple(), s)
		}
	}
	if got := look(); got != 0 {
		t.Errorf("%d seen though nothing has happened", got)
	}
	servers := make(map[uint16]app.Conn)
	for range n {
		s := accept()
		servers[s.Tuple().Remote.Port()] = s
	}
	write(t, clients[17], 100)
	c.run(10 * time.Millisecond)
	if got := look(); got != 1 {
		t.Errorf("%d seen after one has written", got)
	}
	c.run(time.Second)
	for port, s := range servers {
		if got, want := drain(t, s), map[bool]int{true: 100}[port == 40017]; got != want {
			t.Errorf("port %d: %d octets, want %d", port, got, want)
		}
	}
	for _, client := range clients {
		client.Abort()
	}
	c.run(time.Second)
	look()
	for _, client := range clients {
		if s := states[client.Tuple()]; s != event.ClosedReset {
			t.Errorf("%+v: %v", client.Tuple(), s)
		}
	}
	c.sample(event.Server)
	if a, b := len(c.ends[event.Client].nic.table.conns), len(c.ends[event.Server].nic.table.conns); a != 0 || b != 1 {
		t.Errorf("%d and %d connections are kept, want 0 and the listener", a, b)
	}
}

// TestNewIncarnation: a connection that takes the name of one in TIME-WAIT is a new one.
func TestNewIncarnation(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, server := c.connect(t)
	server.Close()
	c.run(50 * time.Millisecond)
	client.Close()
	c.run(50 * time.Millisecond)
	if state, _ := c.sample(event.Server); state != event.TimeWait {
		t.Fatal(state)
	}
	c.sample(event.Client)
	c.run(2 * time.Second)
	again := c.dial(t, 40000)
	c.run(time.Second)
	if ok, err := again.Established(); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	var states []event.State
	c.ends[event.Server].Sample(func(tuple event.Tuple, s event.State, _ event.Vars) {
		if tuple.Remote == again.Tuple().Local {
			states = append(states, s)
		}
	})
	if d := cmp.Diff([]event.State{event.StateEstablished}, states); d != "" {
		t.Error(d)
	}
}

// script runs two connections at once through losses and returns a hash of everything: packets, what was known at each,
// what samples and timers told.
func script(t *testing.T, socket app.Socket) string {
	h := fnv.New64a()
	c := newCable(t, false, socket, socket)
	accept := c.listen(t)
	one, two := c.dial(t, 40000), c.dial(t, 40001)
	c.run(200 * time.Millisecond)
	servers := []app.Conn{accept(), accept()}
	c.lose = func(from event.Host, n int, _ *sentPacket) bool {
		return n%11 == 3 || from == event.Server && n%13 == 5
	}
	tell := func(tuple event.Tuple, s event.State, v event.Vars) {
		fmt.Fprintf(h, "%v %v %v %+v\n", c.loop.Now(), tuple, s, v)
	}
	timers := func(tuple event.Tuple, e event.Timer) { fmt.Fprintf(h, "%v %v %+v\n", c.loop.Now(), tuple, e) }
	c.each = func() {
		for _, s := range servers {
			drain(t, s)
		}
		c.settle()
		for end := event.Client; end <= event.Server; end++ {
			c.ends[end].Sample(tell)
			c.ends[end].Timers(timers)
		}
	}
	write(t, one, 60_000)
	write(t, two, 60_000)
	c.run(time.Hour)
	for _, s := range c.sent {
		fmt.Fprintf(h, "%v %v %x %+v\n", s.at, s.from, ipWithoutID(s.bytes), s.sent)
	}
	c.ends[event.Client].Close()
	c.ends[event.Server].Close()
	return fmt.Sprintf("%d packets, %x", len(c.sent), h.Sum64())
}

// ipWithoutID is an IPv4 packet without the identification, which netstack draws, and the sum over it.
func ipWithoutID(b []byte) []byte {
	b = slices.Clone(b)
	copy(b[4:6], []byte{0, 0})
	copy(b[10:12], []byte{0, 0})
	return b
}

// TestDeterminism: the same at any number of processors, however often; with RACK, which orders by time, too.
func TestDeterminism(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, socket := range recoveries {
		want := ""
		for i := range 50 {
			runtime.GOMAXPROCS([...]int{1, 2, 8}[i%3])
			got := script(t, socket)
			if want == "" {
				want = got
			}
			if got != want {
				t.Fatalf("%+v, run %d: %s, want %s", socket, i, got, want)
			}
		}
	}
}

// TestNothingIsLeft: after many runs that ended or were broken off no goroutine of a stack is left.
func TestNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 50 {
		c := newCable(t, i%2 == 0, app.Socket{}, app.Socket{})
		client, _ := c.connect(t)
		write(t, client, 100_000)
		c.run(time.Duration(i) * time.Millisecond)
		c.ends[event.Client].Close()
		c.ends[event.Server].Close()
	}
	for range 200 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(5 * time.Millisecond) // one that has ended is counted for a moment
	}
	t.Error(cmp.Diff(before, runtime.NumGoroutine()))
}
