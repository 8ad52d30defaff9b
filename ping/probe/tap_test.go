package probe

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// A tap counts the replies to one identifier from one host, and no others.
func TestTap(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		for _, host := range []string{"127.0.0.1", "::1"} {
			a := netip.MustParseAddr(host)
			c := config(a)
			c.ID, c.TransmitStamps = ourID, false
			s := opened(t, true, c)
			var taps []*Tap
			for _, what := range []struct {
				id   uint16
				from netip.Addr
			}{{s.ID(), a}, {s.ID(), netip.Addr{}}, {s.ID() + 1, a}, {s.ID(), a.Next()}} {
				tap, err := OpenTap(s.Family(), what.id, what.from)
				if err != nil {
					t.Fatal(err)
				}
				defer tap.Close()
				taps = append(taps, tap)
			}
			for seq := range uint16(3) {
				if err := s.Send(request(s, seq+1, 0)); err != nil {
					t.Fatal(err)
				}
			}
			collect(t, s, 3) // a packet reaches the taps first
			type seen struct {
				N      int
				Device string
			}
			var got []seen
			for _, tap := range taps {
				n, device, err := tap.Seen()
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, seen{n, device})
			}
			if diff := cmp.Diff([]seen{{3, "lo"}, {3, "lo"}, {0, ""}, {0, ""}}, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", host, diff)
			}
			if n, _, err := taps[0].Seen(); n != 0 || err != nil {
				t.Errorf("%s: counted twice: %d, %v", host, n, err)
			}
		}
	})
}

// The filters of a tap, packet by packet: a test of one field is not made up for
// by another.
func TestTapFilters(t *testing.T) {
	host, other := netip.MustParseAddr("10.0.0.2"), netip.MustParseAddr("10.0.0.3")
	six, other6 := netip.MustParseAddr("fd77::2"), netip.MustParseAddr("fd77:0:0:1::2")
	echo := func(typ uint8, id uint16) []byte { return wire.AppendICMPv4Echo(nil, typ, id, 7, make([]byte, 56)) }
	change := func(b []byte, at int, to byte) []byte { b[at] = to; return b }
	packet6 := func(typ uint8, id uint16) []byte {
		icmp := wire.AppendICMPv6Echo(nil, six, six, typ, id, 7, make([]byte, 56))
		src, b := six.As16(), make([]byte, wire.IPv6Header)
		b[0], b[5], b[6], b[7] = 6<<4, byte(len(icmp)), wire.ProtoICMPv6, 64
		copy(b[8:], src[:])
		copy(b[24:], src[:])
		return append(b, icmp...)
	}
	const reply4, reply6 = wire.ICMPv4EchoReply, wire.ICMPv6EchoReply
	for _, tt := range []struct {
		name   string
		from   netip.Addr
		packet []byte
		pass   bool
	}{
		{"reply", host, ipv4(t, echo(reply4, ourID)), true},
		{"reply, of any host", netip.Addr{}, ipv4(t, echo(reply4, ourID)), true},
		{"reply behind options", host, ipv4(t, echo(reply4, ourID), 7, 7, 4, 0, 0, 0, 0, 0), true},
		{"another host's", other, ipv4(t, echo(reply4, ourID)), false},
		{"another's identifier", host, ipv4(t, echo(reply4, otherID)), false},
		{"our request", host, ipv4(t, echo(wire.ICMPv4EchoRequest, ourID)), false},
		{"another protocol", host, change(ipv4(t, echo(reply4, ourID)), 9, wire.ProtoUDP), false},
		{"cut", host, ipv4(t, echo(reply4, ourID))[:25], false},
		{"reply", six, packet6(reply6, ourID), true},
		{"reply, of any host", netip.Addr{}, packet6(reply6, ourID), true},
		{"another host's", other6, packet6(reply6, ourID), false},
		{"another's identifier", six, packet6(reply6, otherID), false},
		{"our request", six, packet6(wire.ICMPv6EchoRequest, ourID), false},
		{"another protocol", six, change(packet6(reply6, ourID), 6, wire.ProtoUDP), false},
		{"cut", six, packet6(reply6, ourID)[:45], false},
	} {
		program := tapFilter4(ourID, tt.from)
		if tt.packet[0]>>4 == 6 {
			program = tapFilter6(ourID, tt.from)
		}
		n, err := machine(t, program).Run(tt.packet)
		if err != nil || n > 0 != tt.pass {
			t.Errorf("IPv%d, %s: %d bytes, %v; want pass %v", tt.packet[0]>>4, tt.name, n, err, tt.pass)
		}
	}
}
