package link

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// packet4 is a fragment of IPv4 with n octets of data.
func packet4(t testing.TB, offset, n int, mf bool) []byte {
	t.Helper()
	f := wire.IPv4Fields{ID: 9, MF: mf, Offset: offset, TTL: 64, TOS: 184, Protocol: wire.ProtoUDP, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2")}
	b, err := f.Append(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, make([]byte, n)...)
}

func TestReadPacket(t *testing.T) {
	four := event.Packet{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), Header: 20, Data: 16, Size: 36, TOS: 184, Ident: 9, HasIdent: true, MF: true, Offset: 8,
		TTL: 64, Protocol: wire.ProtoUDP}
	got, icmp, ok := ReadPacket(packet4(t, 8, 16, true))
	four.Checksum = got.Checksum
	if d := cmp.Diff(four, got, cmpopts.EquateComparable(netip.Addr{})); d != "" || !ok || icmp != (event.ICMP{}) || got.BadSum {
		t.Errorf("%t %v %s", ok, icmp, d)
	}
	f := wire.IPv6Fields{TrafficClass: 184, FlowLabel: 5, NextHeader: wire.ProtoFragment, HopLimit: 3, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8::2")}
	b, err := f.Append(nil, 24)
	if err == nil {
		b, err = wire.AppendFragmentHeader(b, wire.ProtoUDP, 1448, false, 77)
	}
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, make([]byte, 16)...)
	six := event.Packet{Src: f.Src, Dst: f.Dst, Header: 48, Data: 16, Size: 64, TOS: 184, Flow: 5, Ident: 77, HasIdent: true, Offset: 1448, TTL: 3, Protocol: wire.ProtoUDP}
	got, _, ok = ReadPacket(b)
	if d := cmp.Diff(six, got, cmpopts.EquateComparable(netip.Addr{})); d != "" || !ok {
		t.Errorf("%t %s", ok, d)
	}
	for name, b := range map[string][]byte{"nothing": nil, "cut": packet4(t, 0, 16, false)[:30], "cut IPv6": b[:50], "no IP": {0xff, 1, 2}} {
		if p, _, ok := ReadPacket(b); ok {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

// A copy that arrived twice leaves twice, each with its own parent; what two fragments become is told apart by their offsets.
func TestLedger_parents(t *testing.T) {
	l := &Ledger{Last: 2}
	depart := func(node, offset, data int) *event.Packet {
		p := &event.Packet{Node: node, Offset: offset, Data: data, MF: true, Ident: 1}
		l.departs(p, nil)
		return p
	}
	first, second := depart(0, 0, 16), depart(0, 16, 8)
	copied := *first
	l.copied(&copied)
	for _, p := range []*event.Packet{first, &copied, second} {
		at := *p
		at.Node = 1
		l.arrives(&at)
	}
	var got [][3]int
	for _, p := range []*event.Packet{depart(1, 0, 8), depart(1, 8, 8), depart(1, 16, 8), depart(1, 0, 16)} {
		got = append(got, [3]int{p.ID, p.Parent, p.Datagram})
	}
	if d := cmp.Diff([][3]int{{4, 1, 1}, {5, 1, 1}, {6, 2, 1}, {7, 3, 1}}, got); d != "" {
		t.Error(d)
	}
}

// FuzzReadPacket: nothing panics, and lengths are within the packet.
func FuzzReadPacket(f *testing.F) {
	f.Add(packet4(f, 8, 16, true))
	f.Add([]byte{0x60, 0, 0, 0, 0, 8, 44, 64})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, _, ok := ReadPacket(b)
		if ok && (p.Size > len(b) || p.Header+p.Data != p.Size || p.Data < 0 || p.Offset%8 != 0) {
			t.Fatalf("%+v of %d octets", p, len(b))
		}
		if ok {
			quoted(&p, b)
		}
	})
}
