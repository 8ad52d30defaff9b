package inject_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/vclock"
)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// told words a packet: flags, numbers, window, MSS and length of the data.
func told(t *testing.T, packet []byte) string {
	t.Helper()
	var src, dst netip.Addr
	var payload []byte
	if ip, err := wire.CheckIPv4(packet); err == nil {
		src, dst, payload = ip.Src(), ip.Dst(), ip.Payload()
	} else if ip, err := wire.CheckIPv6(packet); err == nil {
		src, dst, payload = ip.Src(), ip.Dst(), ip.Payload()
	}
	tcp, err := wire.CheckTCP(payload)
	if err != nil || !tcp.ChecksumOK(src, dst) {
		t.Fatalf("no segment: %x, %v", packet, err)
	}
	o, err := wire.ParseTCPOptions(tcp.Options())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v>%v %v %d/%d win %d mss %d len %d", netip.AddrPortFrom(src, tcp.SrcPort()), netip.AddrPortFrom(dst, tcp.DstPort()),
		tcp.Flags(), tcp.Seq(), tcp.Ack(), tcp.Window(), o.MSS, len(tcp.Payload()))
}

// bench is a scripted peer alone with a clock.
type bench struct {
	t    *testing.T
	loop *vclock.Loop
	peer *inject.Peer
	log  []string
}

var (
	client = addrPort("192.0.2.1:40000")
	server = addrPort("192.0.2.2:7")
)

func newBench(t *testing.T, end event.Host, lines ...string) *bench {
	b := &bench{t: t, loop: vclock.NewVirtual()}
	c := inject.PeerConfig{Clock: b.loop, End: end, Local: server,
		Send: func(packet []byte, line string, state event.State, vars event.Vars) {
			b.say("%s [%v]", told(t, packet), state)
		},
		Note: func(text string) { b.say("note: %s", text) }}
	if end == event.Client {
		c.Local, c.Remote = client, server
	}
	for _, l := range lines {
		s, err := inject.ParseStep(l)
		if err != nil {
			t.Fatal(err)
		}
		c.Steps = append(c.Steps, s)
	}
	b.peer = inject.NewPeer(c)
	b.peer.Start()
	return b
}

func (b *bench) say(format string, args ...any) {
	b.log = append(b.log, fmt.Sprintf("%v ", b.loop.Now())+fmt.Sprintf(format, args...))
}

// send has a segment arrive at the moment at.
func (b *bench) send(at time.Duration, flags wire.TCPFlags, seq, ack uint32, data int) {
	src, dst := client, server
	f := wire.TCPFields{SrcPort: src.Port(), DstPort: dst.Port(), Seq: seq, Ack: ack, Flags: flags, Window: 1000}
	tcp, err := f.Append(nil, src.Addr(), dst.Addr(), nil, make([]byte, data))
	if err != nil {
		b.t.Fatal(err)
	}
	ip := wire.IPv4Fields{DF: true, TTL: 9, Protocol: wire.ProtoTCP, Src: src.Addr(), Dst: dst.Addr()}
	packet, err := ip.Append(nil, len(tcp))
	if err != nil {
		b.t.Fatal(err)
	}
	b.loop.At(at, func() { b.peer.Deliver(append(packet, tcp...)) })
}

// run runs the clock to its end, with a sample after each step.
func (b *bench) run() []string {
	for {
		b.peer.Sample(func(tuple event.Tuple, s event.State, v event.Vars) {
			b.say("%v is %v, sent %d+%d, got %d+%d", tuple.Remote, s, v.ISS, v.Nxt-v.ISS, v.IRS, v.RcvNxt-v.IRS)
		})
		if b.loop.Step(b.t.Context(), time.Hour) != vclock.Ran {
			return b.log
		}
	}
}

// TestPeer_server: the script of a server that believes too early, through two connections between the same sockets.
func TestPeer_server(t *testing.T) {
	b := newBench(t, event.Server, "server on syn send synack mss 1460 state ESTABLISHED", "server on syn 1 after 1ms send data len 10 win 5",
		"server on data send ack", "server on rst state CLOSED", "server at 1s send fin state LAST-ACK", "client at 0s send syn", "server on ack 2 send rst seq nxt-1 ack raw 77")
	b.send(10*time.Millisecond, wire.SYN, 5000, 0, 0)
	b.send(20*time.Millisecond, wire.ACK, 5001, 2000000001, 100)
	b.send(21*time.Millisecond, wire.ACK, 5201, 2000000001, 100) // a hole before it
	b.send(22*time.Millisecond, wire.ACK, 5001, 2000000001, 100) // all of it is old
	b.send(23*time.Millisecond, wire.ACK, 5101, 2000000001, 0)
	b.send(24*time.Millisecond, wire.ACK, 5101, 2000000001, 0)
	b.send(30*time.Millisecond, wire.RST, 5101, 0, 0)
	b.send(40*time.Millisecond, wire.SYN, 9000, 0, 0)
	b.send(41*time.Millisecond, wire.SYN, 9000, 0, 0)
	want := []string{
		"10ms 192.0.2.2:7>192.0.2.1:40000 SYN,ACK 2000000000/5001 win 65535 mss 1460 len 0 [ESTABLISHED]",
		"10ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+1, got 5000+1",
		"11ms 192.0.2.2:7>192.0.2.1:40000 PSH,ACK 2000000001/5001 win 5 mss 0 len 10 [ESTABLISHED]",
		"11ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+1",
		"20ms 192.0.2.2:7>192.0.2.1:40000 ACK 2000000011/5101 win 65535 mss 0 len 0 [ESTABLISHED]",
		"20ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+101",
		"21ms 192.0.2.2:7>192.0.2.1:40000 ACK 2000000011/5101 win 65535 mss 0 len 0 [ESTABLISHED]",
		"21ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+101",
		"22ms 192.0.2.2:7>192.0.2.1:40000 ACK 2000000011/5101 win 65535 mss 0 len 0 [ESTABLISHED]",
		"22ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+101",
		"23ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+101",
		"24ms 192.0.2.2:7>192.0.2.1:40000 RST,ACK 2000000010/77 win 65535 mss 0 len 0 [ESTABLISHED]",
		"24ms 192.0.2.1:40000 is ESTABLISHED, sent 2000000000+11, got 5000+101",
		"30ms 192.0.2.1:40000 is CLOSED, sent 2000000000+11, got 5000+101",
		"40ms 192.0.2.2:7>192.0.2.1:40000 SYN,ACK 2100000000/9001 win 65535 mss 1460 len 0 [ESTABLISHED]",
		"40ms 192.0.2.1:40000 is ESTABLISHED, sent 2100000000+1, got 9000+1",
		"41ms 192.0.2.2:7>192.0.2.1:40000 SYN,ACK 2100000000/9001 win 65535 mss 1460 len 0 [ESTABLISHED]",
		"41ms 192.0.2.1:40000 is ESTABLISHED, sent 2100000000+1, got 9000+1",
		"1s 192.0.2.2:7>192.0.2.1:40000 FIN,ACK 2100000001/9001 win 65535 mss 0 len 0 [LAST-ACK]",
		"1s 192.0.2.1:40000 is LAST-ACK, sent 2100000000+2, got 9000+1",
	}
	if d := cmp.Diff(want, b.run()); d != "" {
		t.Error(d)
	}
	if got := b.peer.Pending(); got != 0 {
		t.Errorf("%d steps wait", got)
	}
}

// TestPeer_client: a client begins by itself, and says what it cannot follow.
func TestPeer_client(t *testing.T) {
	b := newBench(t, event.Client, "client at 1ms send ack", "client at 2ms send syn seq raw 4294967295 state SYN-SENT", "client at 3ms send syn", "client at 4ms send rst seq 5")
	want := []string{
		"0s 192.0.2.2:7 is CLOSED, sent 0+0, got 0+0",
		"1ms note: peer client at 1ms send ack: nothing is known of the numbers of this connection",
		"1ms 192.0.2.2:7 is CLOSED, sent 0+0, got 0+0",
		"2ms 192.0.2.1:40000>192.0.2.2:7 SYN 4294967295/0 win 65535 mss 0 len 0 [SYN-SENT]",
		"2ms 192.0.2.2:7 is SYN-SENT, sent 4294967295+1, got 0+0",
		"3ms 192.0.2.1:40000>192.0.2.2:7 SYN 4294967295/0 win 65535 mss 0 len 0 [SYN-SENT]",
		"3ms 192.0.2.2:7 is SYN-SENT, sent 4294967295+1, got 0+0",
		"4ms 192.0.2.1:40000>192.0.2.2:7 RST 4/0 win 65535 mss 0 len 0 [SYN-SENT]",
		"4ms 192.0.2.2:7 is SYN-SENT, sent 4294967295+1, got 0+0",
	}
	if d := cmp.Diff(want, b.run()); d != "" {
		t.Error(d)
	}
}

// TestPeer_ignores: what is damaged or meant for somebody else is nothing to a script, and a peer that was closed is silent.
func TestPeer_ignores(t *testing.T) {
	b := newBench(t, event.Server, "server on any send rst seq raw 1")
	b.send(time.Millisecond, wire.SYN, 1, 0, 0)
	b.loop.At(0, func() {
		b.peer.Deliver(nil)
		b.peer.Deliver([]byte{0x45})
		b.peer.Deliver(make([]byte, 60))
	})
	f := wire.TCPFields{SrcPort: client.Port(), DstPort: server.Port(), Flags: wire.SYN}
	for _, c := range [...]struct {
		to   netip.AddrPort
		flip byte
	}{{server, 1}, {addrPort("192.0.2.2:8"), 0}, {addrPort("192.0.2.3:7"), 0}} {
		f.DstPort = c.to.Port()
		tcp, err := f.Append(nil, client.Addr(), c.to.Addr(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		tcp[15] ^= c.flip // the window: the checksum is wrong then
		ip := wire.IPv4Fields{TTL: 9, Protocol: wire.ProtoTCP, Src: client.Addr(), Dst: c.to.Addr()}
		packet, err := ip.Append(nil, len(tcp))
		if err != nil {
			t.Fatal(err)
		}
		b.loop.At(0, func() { b.peer.Deliver(append(packet, tcp...)) })
	}
	b.loop.At(2*time.Millisecond, b.peer.Close)
	b.send(3*time.Millisecond, wire.SYN, 2, 0, 0)
	want := []string{
		"1ms 192.0.2.2:7>192.0.2.1:40000 RST 1/0 win 65535 mss 0 len 0 [LISTEN]",
		"1ms 192.0.2.1:40000 is LISTEN, sent 0+0, got 1+1",
	}
	if d := cmp.Diff(want, b.run()); d != "" {
		t.Error(d)
	}
}
