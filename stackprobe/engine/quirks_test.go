package engine

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// The tests of this file hold what doc.go says of netstack's ways. When one fails after netstack was changed, the ways
// have changed, and doc.go and gnet-trace(8) with them.

// TestQuirkPayload: room is kept for all 40 octets of options, so 1420 octets leave where 1448 would fit.
func TestQuirkPayload(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	write(t, client, 4000)
	var sizes []int
	var flags []string
	for _, s := range c.data(event.Client) {
		sizes, flags = append(sizes, len(s.tcp.Payload())), append(flags, s.flags())
	}
	if d := cmp.Diff([]int{1420, 1420, 1160}, sizes); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"ACK", "ACK", "PSH,ACK"}, flags); d != "" {
		t.Errorf("PSH: %s", d)
	}
}

// TestQuirkWindowProbe: a probe is one octet that has been acknowledged, and each collapses the congestion window.
func TestQuirkWindowProbe(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{RcvBuf: 2000})
	client, _ := c.connect(t)
	write(t, client, 3000)
	c.run(100 * time.Millisecond)
	_, before := c.sample(event.Client)
	start := c.loop.Now()
	c.run(3500 * time.Millisecond)
	var gaps []time.Duration
	for _, s := range c.data(event.Client) {
		if !s.has(event.Probing) {
			continue
		}
		gaps = append(gaps, (s.at - start).Round(100*time.Millisecond))
		start = s.at
		if n := len(s.tcp.Payload()); n != 1 || s.tcp.Seq() != s.sent.Vars.Una-1 {
			t.Errorf("a probe of %d octets at %d, SND.UNA %d", n, s.tcp.Seq(), s.sent.Vars.Una)
		}
	}
	if d := cmp.Diff([]time.Duration{1e8, 4e8, 8e8, 16e8}, gaps); d != "" {
		t.Error(d)
	}
	if _, v := c.sample(event.Client); before.Cwnd < 10 || v.Cwnd != 1 {
		t.Errorf("the congestion window was %d and is %d", before.Cwnd, v.Cwnd)
	}
}

// TestQuirkSynBurst: a challenge in SYN-SENT is answered with a RST, and the SYN comes again after 2 µs, 4 µs, 8 µs ...
func TestQuirkSynBurst(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.dial(t, 40000)
	c.loop.At(100*time.Millisecond, func() {
		c.deliver(t, event.Client, segmentTo(c, event.Client, wire.TCPFields{Seq: 1, Ack: 1, Flags: wire.TCPFlags(event.ACK)}))
	})
	c.lose = func(event.Host, int, *sentPacket) bool { return true }
	c.run(120 * time.Millisecond)
	var sent []string
	for _, s := range c.sent {
		if s.from == event.Client {
			sent = append(sent, s.flags())
		}
	}
	if d := cmp.Diff(append([]string{"SYN", "RST"}, slices.Repeat([]string{"SYN"}, 13)...), sent); d != "" {
		t.Error(d)
	}
}

// segmentTo makes a segment of the connection that arrives at h, as if its peer had sent it.
func segmentTo(c *cable, h event.Host, f wire.TCPFields) []byte {
	from, to := c.addrs[h.Peer()], c.addrs[h]
	f.SrcPort, f.DstPort = 7, 40000
	if h == event.Server {
		f.SrcPort, f.DstPort = 40000, 7
	}
	return packet(from, to, f)
}

// packet makes an IPv4 packet of a TCP segment.
func packet(from, to netip.Addr, f wire.TCPFields) []byte {
	tcp, err := f.Append(nil, from, to, nil, nil)
	if err != nil {
		panic(err)
	}
	ip := wire.IPv4Fields{Src: from, Dst: to, Protocol: wire.ProtoTCP, TTL: 64}
	b, err := ip.Append(nil, len(tcp))
	if err != nil {
		panic(err)
	}
	return append(b, tcp...)
}

func (c *cable) deliver(t *testing.T, h event.Host, b []byte) {
	t.Helper()
	c.ends[h].Deliver(b)
}

// TestQuirkWindow: the SYNs announce 20 segments, the first segment behind them half of the buffer.
func TestQuirkWindow(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.listen(t)
	client := c.dial(t, 40000)
	c.run(50 * time.Millisecond)
	write(t, client, 1)
	c.run(time.Second)
	var windows []int
	for _, s := range c.sent {
		if s.from == event.Server {
			continue
		}
		scale := 0
		if s.tcp.Flags()&wire.TCPFlags(event.SYN) == 0 {
			scale = 7
		}
		windows = append(windows, int(s.tcp.Window())<<scale)
	}
	if d := cmp.Diff([]int{29184, 29184, 524288}, windows); d != "" {
		t.Error(d)
	}
}

// TestQuirkReset: a connection that a RST ends stands in netstack's state ERROR; it is shown as CLOSED (reset).
func TestQuirkReset(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, server := c.connect(t)
	client.Abort()
	c.run(time.Second)
	if s := server.(conn).ep.State(); tcp.EndpointState(s) != tcp.StateError {
		t.Errorf("netstack's state %d", s)
	}
	if state, _ := c.sample(event.Server); state != event.ClosedReset {
		t.Error(state)
	}
}

// TestQuirkStateAfterAnswer: the answer to a segment leaves in the state before it.
func TestQuirkStateAfterAnswer(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, server := c.connect(t)
	client.CloseWrite()
	server.CloseWrite()
	c.run(time.Second)
	states := make(map[event.State]bool)
	for _, s := range c.sent {
		states[s.sent.State] = true
	}
	for _, s := range []event.State{event.Closing, event.TimeWait} {
		if states[s] {
			t.Errorf("a segment left in %v", s)
		}
	}
	if state, _ := c.sample(event.Client); state != event.TimeWait {
		t.Error(state)
	}
}

// TestQuirkFinQueued: FIN-WAIT-1 begins with the call, while the FIN waits behind data.
func TestQuirkFinQueued(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{RcvBuf: 2000})
	client, server := c.connect(t)
	write(t, client, 3000)
	c.run(100 * time.Millisecond)
	client.CloseWrite()
	c.run(time.Second)
	state, _ := c.sample(event.Client)
	fin := func() bool {
		return slices.ContainsFunc(c.sent, func(s sentPacket) bool { return event.Flags(s.tcp.Flags()).Has(event.FIN) })
	}
	if state != event.FinWait1 || fin() {
		t.Errorf("%v, FIN sent %t", state, fin())
	}
	drain(t, server)
	c.each = func() { server.Read(make([]byte, 5000)) }
	c.run(time.Minute)
	if !fin() {
		t.Error("no FIN")
	}
}

// TestQuirkNoDSACK: what arrives twice is acknowledged without a word that it came twice.
func TestQuirkNoDSACK(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	write(t, client, 1420)
	again := c.sent[0].bytes
	c.run(100 * time.Millisecond)
	n := len(c.sent)
	c.deliver(t, event.Server, again)
	c.run(100 * time.Millisecond)
	if len(c.sent) != n+1 {
		t.Fatalf("%d answers", len(c.sent)-n)
	}
	if o, err := wire.ParseTCPOptions(c.sent[n].tcp.Options()); err != nil || len(o.SACK()) != 0 {
		t.Errorf("%+v, %v", o, err)
	}
}

// TestQuirkFirstSegment: the loss of the very first segment of data is repaired by the timer alone, however many
// duplicates come: its acknowledgement must be beyond the initial number (RFC 6582 section 3.2 to the letter).
func TestQuirkFirstSegment(t *testing.T) {
	for lost, want := range map[int]time.Duration{1: 200 * time.Millisecond, 2: 20 * time.Millisecond} {
		c := newCable(t, false, app.Socket{}, app.Socket{})
		client, server := c.connect(t)
		c.each = func() { drain(t, server) }
		c.lose = numbered(event.Client, lost)
		start := c.loop.Now()
		write(t, client, 10*1420)
		c.run(time.Second)
		again := c.data(event.Client)[10]
		if got := (again.at - start).Round(10 * time.Millisecond); got != want {
			t.Errorf("segment %d comes again after %v, want %v", lost, got, want)
		}
	}
}

// TestQuirkScaleAlwaysOffered: without scaling the option is there, with a shift of 0 (RFC 7323 section 2.2).
func TestQuirkScaleAlwaysOffered(t *testing.T) {
	c := newCable(t, false, app.Socket{WindowScaling: app.Off}, app.Socket{})
	c.dial(t, 40000)
	c.settle()
	if o := synOptions(t, c, event.Client); !o.HasScale || o.WindowScale != 0 {
		t.Errorf("%+v", o)
	}
}

// TestQuirkKeepalive: netstack starts the timer of a connection that asked before it was opened only behind data;
// Established starts it.
func TestQuirkKeepalive(t *testing.T) {
	c := newCable(t, false, app.Socket{Keepalive: time.Second}, app.Socket{})
	client, _ := c.connect(t)
	if armed := c.ends[event.Client].nic.table.conns[client.(conn).known.id].slots[slotKeepalive]; armed.kind != 0 {
		t.Errorf("armed by itself: %+v", armed)
	}
	client.Established()
	c.sample(event.Client)
	if armed := client.(conn).known.slots[slotKeepalive]; armed.kind != event.TimerKeepalive {
		t.Errorf("not armed: %+v", armed)
	}
}

// TestQuirkDuplicateWindow: an acknowledgement with another window than the one before is no duplicate, and starts the
// count anew.
func TestQuirkDuplicateWindow(t *testing.T) {
	for _, moving := range []bool{false, true} {
		c := newCable(t, false, app.Socket{SACK: app.Off}, app.Socket{})
		client, _ := c.connect(t)
		c.lose = func(from event.Host, _ int, _ *sentPacket) bool { return from == event.Client }
		_, v := c.sample(event.Client)
		write(t, client, 10*1448)
		for i := range 5 {
			window := uint16(1000)
			if moving {
				window += uint16(i)
			}
			c.deliver(t, event.Client, segmentTo(c, event.Client, wire.TCPFields{Seq: v.RcvNxt, Ack: v.Una + 1448, Flags: wire.TCPFlags(event.ACK), Window: window}))
			c.settle()
		}
		repeated := 0
		for _, s := range c.data(event.Client) {
			if s.has(event.FastRetransmitted) {
				repeated++
			}
		}
		if want := map[bool]int{false: 1, true: 0}[moving]; repeated != want {
			t.Errorf("moving window %t: %d fast retransmissions, want %d", moving, repeated, want)
		}
	}
}

// TestQuirkTwoSegments: two segments reported above a hole make it lost, where RFC 6675 section 4 wants more than two.
func TestQuirkTwoSegments(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	c.lose = numbered(event.Client, 2)
	write(t, client, 10*1420)
	c.sample(event.Client)
	var states []event.Congestion
	c.each = func() {
		if _, v := c.sample(event.Client); v.Has != 0 {
			states = append(states, v.Congestion)
		}
	}
	c.run(100 * time.Millisecond)
	want := []event.Congestion{event.CongestionOpen, event.CongestionDisorder, event.CongestionRecovery} // new, 1st, 2nd duplicate
	if d := cmp.Diff(want, states[:min(3, len(states))]); d != "" {
		t.Error(d)
	}
}

// TestQuirkUnscaledAck: the answer to a SYN that arrives again has its window as if nothing were scaled, though it is no
// SYN.
func TestQuirkUnscaledAck(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.listen(t)
	c.dial(t, 40000)
	c.settle()
	again := slices.Clone(c.sent[0].bytes)
	c.loop.At(15*time.Millisecond, func() { c.ends[event.Server].Deliver(again) })
	c.run(16 * time.Millisecond)
	var sent []string
	for _, s := range c.sent {
		if s.from == event.Server {
			sent = append(sent, fmt.Sprintf("%s win %d", s.flags(), s.tcp.Window()))
		}
	}
	if d := cmp.Diff([]string{"SYN,ACK win 29184", "ACK win 29184"}, sent); d != "" {
		t.Error(d)
	}
}

// TestQuirkSynTimestamp: a SYN that comes again bears the timestamp of the first, so the first round trip that is measured has the
// timeout in it, and with it the retransmission timeout of the data that follow.
func TestQuirkSynTimestamp(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.listen(t)
	c.lose = func(from event.Host, n int, _ *sentPacket) bool { return from == event.Client && n == 1 }
	c.dial(t, 40000)
	c.run(1100 * time.Millisecond)
	var stamps []uint32
	for _, s := range c.sent {
		if s.from == event.Client && s.flags() == "SYN" {
			o, err := wire.ParseTCPOptions(s.tcp.Options())
			if err != nil {
				t.Fatal(err)
			}
			stamps = append(stamps, o.TSVal)
		}
	}
	if len(stamps) != 2 || stamps[0] != stamps[1] {
		t.Errorf("timestamps of the SYNs: %v", stamps)
	}
	_, v := c.sample(event.Client)
	if srtt, rto := time.Duration(v.SRTT).Round(time.Millisecond), time.Duration(v.RTO).Round(time.Millisecond); srtt != 1020*time.Millisecond || rto != 3060*time.Millisecond {
		t.Errorf("a round trip of %v and a timeout of %v, where the path takes %v", srtt, rto, 2*delay)
	}
}
