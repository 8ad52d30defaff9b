package engine

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// delay is the one-way delay of a cable.
const delay = 10 * time.Millisecond

// cable is two stacks and nothing between them but time, for tests that want to see every packet.
type cable struct {
	loop  *vclock.Loop
	ends  [3]*Stack // by event.Host
	addrs [3]netip.Addr
	sent  []sentPacket
	// lose says which packets do not arrive; n counts those of one end from 1.
	lose func(from event.Host, n int, s *sentPacket) bool
	n    [3]int
	// each is called when both ends have come to rest after an event.
	each func()
}

// sentPacket is a packet at the tap of its sender.
type sentPacket struct {
	at    time.Duration
	from  event.Host
	bytes []byte
	tcp   wire.TCP // nil for anything else
	sent  link.Sent
}

// flags writes the flags as an event does.
func (s *sentPacket) flags() string {
	if s.tcp == nil {
		return "no TCP"
	}
	return event.Flags(s.tcp.Flags()).String()
}

// has reports whether all of e was observed at the transmission.
func (s *sentPacket) has(e event.Evidence) bool { return s.sent.Evidence&e == e }

func newCable(t testing.TB, ipv6 bool, client, server app.Socket) *cable {
	t.Helper()
	c := &cable{loop: vclock.NewVirtual()}
	texts := [3]string{event.Client: "192.0.2.1", event.Server: "192.0.2.2"}
	if ipv6 {
		texts = [3]string{event.Client: "2001:db8::1", event.Server: "2001:db8::2"}
	}
	sockets := [3]app.Socket{event.Client: client, event.Server: server}
	for h := event.Client; h <= event.Server; h++ {
		c.addrs[h] = netip.MustParseAddr(texts[h])
		s, err := New(Config{Clock: c.loop, Addr: c.addrs[h], MTU: 1500, Seed: int64(h), Socket: sockets[h],
			Send: func(at time.Duration, b []byte, sent link.Sent) { c.send(h, at, b, sent) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		c.ends[h] = s
	}
	return c
}

func (c *cable) send(from event.Host, at time.Duration, b []byte, sent link.Sent) {
	s := sentPacket{at: at, from: from, bytes: slices.Clone(b), tcp: tcpOf(b), sent: sent}
	c.n[from]++
	c.sent = append(c.sent, s)
	if c.lose != nil && c.lose(from, c.n[from], &s) {
		return
	}
	c.loop.At(at+delay, func() { c.ends[from.Peer()].Deliver(b) })
}

// tcpOf returns the segment in an IP packet, nil if there is none.
func tcpOf(b []byte) wire.TCP {
	var payload []byte
	if ip, err := wire.CheckIPv4(b); err == nil && ip.Protocol() == wire.ProtoTCP {
		payload = ip.Payload()
	} else if ip, err := wire.CheckIPv6(b); err == nil && ip.NextHeader() == wire.ProtoTCP {
		payload = ip.Payload()
	}
	t, err := wire.CheckTCP(payload)
	if err != nil {
		return nil
	}
	return t
}

// settle lets both ends come to rest.
func (c *cable) settle() {
	c.ends[event.Client].Settle()
	c.ends[event.Server].Settle()
}

// run goes on for d, or until nothing more can happen.
func (c *cable) run(d time.Duration) {
	until := c.loop.Now() + d
	c.settle()
	for c.loop.Step(context.Background(), until) == vclock.Ran {
		c.settle()
		if c.each != nil {
			c.each()
		}
	}
}

// listen opens the server's port.
func (c *cable) listen(t testing.TB) (accept func() app.Conn) {
	t.Helper()
	next, err := c.ends[event.Server].Listen(7)
	if err != nil {
		t.Fatal(err)
	}
	return func() app.Conn {
		conn, err := next()
		if err != nil || conn == nil {
			t.Fatalf("accept: %v, %v", conn, err)
		}
		return conn
	}
}

func (c *cable) dial(t testing.TB, port uint16) app.Conn {
	t.Helper()
	conn, err := c.ends[event.Client].Connect(port, netip.AddrPortFrom(c.addrs[event.Server], 7))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// connect opens one connection and forgets the handshake's packets.
func (c *cable) connect(t testing.TB) (client, server app.Conn) {
	t.Helper()
	accept := c.listen(t)
	client = c.dial(t, 40000)
	c.run(200 * time.Millisecond)
	server = accept()
	c.run(time.Millisecond)
	c.sent, c.n = nil, [3]int{}
	return client, server
}

func write(t testing.TB, c app.Conn, n int) {
	t.Helper()
	if got, err := c.Write(make([]byte, n)); got != n || err != nil {
		t.Fatalf("write %d: %d, %v", n, got, err)
	}
}

// drain reads all that has arrived.
func drain(t testing.TB, c app.Conn) (n int) {
	t.Helper()
	buf := make([]byte, 1<<16)
	for {
		k, err := c.Read(buf)
		if n += k; k == 0 {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// data are the segments with payload that an end has sent.
func (c *cable) data(from event.Host) (found []*sentPacket) {
	for i := range c.sent {
		if s := &c.sent[i]; s.from == from && s.tcp != nil && len(s.tcp.Payload()) > 0 {
			found = append(found, s)
		}
	}
	return found
}

// sample looks at an end once, the first connection that is no listener.
func (c *cable) sample(h event.Host) (state event.State, vars event.Vars) {
	c.settle()
	c.ends[h].Sample(func(t event.Tuple, s event.State, v event.Vars) {
		if t.Remote.IsValid() {
			state, vars = s, v
		}
	})
	return state, vars
}

// timerLog collects what happens to the timers of an end, in the cable's each.
func (c *cable) timerLog(h event.Host) *[]string {
	log := &[]string{}
	look := func() {
		c.ends[h].Timers(func(_ event.Tuple, e event.Timer) {
			*log = append(*log, fmt.Sprintf("%v %s %v for %v", c.loop.Now().Round(time.Microsecond), e.Kind, e.Op, time.Duration(e.At).Round(time.Microsecond)))
		})
	}
	look()
	before := c.each
	c.each = func() {
		if before != nil {
			before()
		}
		look()
	}
	return log
}
