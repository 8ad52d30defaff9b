package engine

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestMessagesBelowTheLeastMTU: a router's message with less than 1280 changes nothing with IPv6 (RFC 8201 section 4), and is
// counted; one with 1280 does, also behind an extension header.
func TestMessagesBelowTheLeastMTU(t *testing.T) {
	for _, tt := range []struct {
		name    string
		mtu     uint32
		extend  bool
		longest int // of the repeated segments
		counted uint64
	}{
		{"1280", 1280, false, 1180, 0},
		{"1279", 1279, false, 1400, 1},
		{"nothing", 0, false, 1400, 1},
		{"1279 behind an extension header", 1279, true, 1400, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCable(t, true, app.Socket{}, app.Socket{})
			client, server := c.connect(t)
			c.lose = func(from event.Host, n int, s *sentPacket) bool { return from == event.Client && n <= 2 }
			write(t, client, 2800)
			c.settle()
			lost := c.data(event.Client)
			if len(lost) != 2 || len(lost[0].tcp.Payload()) != 1400 {
				t.Fatalf("%d segments, want 2 of 1400 octets", len(lost))
			}
			c.sent = nil
			c.ends[event.Client].Deliver(packetTooBig(t, c.addrs[event.Client], tt.mtu, lost[0].bytes, tt.extend))
			c.run(2 * time.Second)
			longest := 0
			for _, s := range c.data(event.Client) {
				longest = max(longest, len(s.tcp.Payload()))
			}
			if got := drain(t, server); longest != tt.longest || got != 2800 {
				t.Errorf("repeated in segments of up to %d octets, want %d; %d of 2800 arrived", longest, tt.longest, got)
			}
			var counted []event.Counter
			for _, k := range c.ends[event.Client].Counters() {
				if k.Name == "IP.PacketTooBigBelow1280Discarded" {
					counted = append(counted, k)
				}
			}
			var want []event.Counter
			if tt.counted > 0 {
				want = []event.Counter{{Name: "IP.PacketTooBigBelow1280Discarded", Value: tt.counted}}
			}
			if d := cmp.Diff(want, counted); d != "" {
				t.Error(d)
			}
		})
	}
}

// packetTooBig is a router's message to dst about packet; extend puts an empty destination options header before it.
func packetTooBig(t *testing.T, dst netip.Addr, mtu uint32, packet []byte, extend bool) []byte {
	t.Helper()
	src := netip.MustParseAddr("2001:db8::ffff")
	message := wire.AppendICMPv6(nil, src, dst, wire.ICMPv6TooBig, 0, mtu, packet[:min(len(packet), 1000)])
	next := wire.ProtoICMPv6
	if extend {
		message = slices.Concat([]byte{wire.ProtoICMPv6, 0, 1, 4, 0, 0, 0, 0}, message)
		next = 60 // RFC 8200 section 4.6
	}
	f := wire.IPv6Fields{NextHeader: next, HopLimit: 64, Src: src, Dst: dst}
	b, err := f.Append(nil, len(message))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, message...)
}
