package link_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// long4 is an IPv4 packet of that protocol with 1000 octets behind its header.
func long4(t testing.TB, proto uint8, df bool, offset int, payload []byte) []byte {
	t.Helper()
	payload = append(payload, make([]byte, 1000-len(payload))...)
	ip := wire.IPv4Fields{ID: 7, DF: df, Offset: offset, TTL: 9, Protocol: proto, Src: client.Addr(), Dst: server.Addr()}
	b, err := ip.Append(nil, len(payload))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, payload...)
}

// TestFragmentationNeeded reads the message that the sender gets as the sender would.
func TestFragmentationNeeded(t *testing.T) {
	p := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, strings.Repeat("x", 1400))
	b := newBench(link.Path{Delay: 10 * time.Millisecond}, link.Path{Delay: 30 * time.Millisecond}, parseRules(t, "mtu 1000")...)
	b.link.Send(event.Client, time.Millisecond, append([]byte(nil), p...), link.Sent{})
	if n := b.link.InFlight(); n != 1 {
		t.Errorf("%d on their way, want the message", n)
	}
	b.run()
	if len(b.arrived[event.Server]) != 0 || len(b.arrived[event.Client]) != 1 {
		t.Fatalf("arrived: %d and %d", len(b.arrived[event.Client]), len(b.arrived[event.Server]))
	}
	ip, err := wire.CheckIPv4(b.arrived[event.Client][0])
	if err != nil || !ip.ChecksumOK() || ip.Truncated() || len(ip) != ip.TotalLength() {
		t.Fatalf("%x: %v", ip, err)
	}
	type header struct {
		Src, Dst netip.Addr
		Proto    uint8
		TTL, TOS uint8
		Len      int
	}
	if d := cmp.Diff(header{link.Router(false), client.Addr(), wire.ProtoICMP, 64, 0xc0, 576}, header{ip.Src(), ip.Dst(), ip.Protocol(), ip.TTL(), ip.TOS(), len(ip)},
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
	m, err := wire.CheckICMPv4(ip.Payload())
	if err != nil || !m.ChecksumOK() || m.Type() != 3 || m.Code() != 4 || m.MTU() != 1000 {
		t.Fatalf("%x: %v", m, err)
	}
	if !bytes.Equal(m.Quoted(), p[:576-28]) {
		t.Errorf("quotes %x", m.Quoted())
	}
	if d := cmp.Diff([]string{"1ms lost client #1 by 1 mtu", "21ms icmp client #1 3/4 mtu 1000"}, b.story()); d != "" {
		t.Error(d)
	}
}

// TestPacketTooBig: the same for IPv6, whose messages quote more.
func TestPacketTooBig(t *testing.T) {
	p := packet6(t, server6, client6, wire.ProtoTCP, nil, wire.TCPFields{Seq: 1, Flags: wire.ACK}, strings.Repeat("x", 1400))
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "server> mtu 1280 icmp")...)
	b.link.Send(event.Server, 0, append([]byte(nil), p...), link.Sent{})
	b.run()
	if len(b.arrived[event.Server]) != 1 {
		t.Fatalf("arrived: %d", len(b.arrived[event.Server]))
	}
	ip, err := wire.CheckIPv6(b.arrived[event.Server][0])
	if err != nil || len(ip) != 1280 || ip.Truncated() || ip.Src() != link.Router(true) || ip.Dst() != server6.Addr() || ip.NextHeader() != wire.ProtoICMPv6 || ip.HopLimit() != 64 {
		t.Fatalf("%x: %v", ip, err)
	}
	m, err := wire.CheckICMPv6(ip.Payload())
	if err != nil || !m.ChecksumOK(ip.Src(), ip.Dst()) || m.Type() != wire.ICMPv6TooBig || m.Code() != 0 || m.MTU() != 1280 || !bytes.Equal(m.Quoted(), p[:1280-48]) {
		t.Fatalf("%x: %v", m, err)
	}
	if d := cmp.Diff([]string{"0s lost server #1 by 1 mtu", "0s icmp server #1 2/0 mtu 1280"}, b.story()); d != "" {
		t.Error(d)
	}
}

// TestNoMessage: what is too long is lost without a message where RFC 1122 section 3.2.2 and RFC 4443 section 2.4 forbid
// one.
func TestNoMessage(t *testing.T) {
	part6, err := wire.AppendFragmentHeader(nil, wire.ProtoTCP, 800, true, 9)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1000)
	segment := wire.TCPFields{Seq: 1, Flags: wire.ACK}
	for name, tt := range map[string]struct {
		packet   []byte
		rule     string
		messages int
	}{
		"a datagram":       {long4(t, wire.ProtoUDP, true, 0, nil), "mtu 500", 2},
		"silent":           {long4(t, wire.ProtoUDP, true, 0, nil), "mtu 500 silent", 0},
		"a later fragment": {long4(t, wire.ProtoUDP, true, 800, nil), "mtu 500", 0},
		"an echo":          {long4(t, wire.ProtoICMP, true, 0, []byte{8, 0}), "mtu 500", 2},
		"an error":         {long4(t, wire.ProtoICMP, true, 0, []byte{3, 4}), "mtu 500", 0},
		"IPv6":             {packet6(t, client6, server6, wire.ProtoTCP, nil, segment, long), "mtu 500", 2},
		"IPv6 fragment":    {packet6(t, client6, server6, wire.ProtoFragment, part6, segment, long), "mtu 500", 0},
		"IPv6 error":       {packet6(t, client6, server6, wire.ProtoICMPv6, []byte{2, 0, 0, 0, 0, 0, 0, 0}, segment, long), "mtu 500", 0},
		"IPv6 echo":        {packet6(t, client6, server6, wire.ProtoICMPv6, []byte{128, 0, 0, 0, 0, 0, 0, 0}, segment, long), "mtu 500", 2},
		"IPv6, cut header": {packet6(t, client6, server6, wire.ProtoDestOptions, []byte{6, 255, 0, 0, 0, 0, 0, 0}, segment, long), "mtu 500", 0},
		"what is no IP":    {make([]byte, 1000), "mtu 500", 0},
	} {
		b := newBench(link.Path{}, link.Path{}, parseRules(t, tt.rule)...)
		for range 2 {
			b.link.Send(event.Client, 0, append([]byte(nil), tt.packet...), link.Sent{})
		}
		b.run()
		n := b.link.Count(event.Client)
		if len(b.arrived[event.Client]) != tt.messages || len(b.arrived[event.Server]) != 0 || n.Lost+n.OtherLost != 2 {
			t.Errorf("%s: %d messages, %d arrived, %+v", name, len(b.arrived[event.Client]), len(b.arrived[event.Server]), n)
		}
	}
}
