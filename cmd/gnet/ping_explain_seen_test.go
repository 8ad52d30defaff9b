package main

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/internal/wire"
	"gnet/ping/probe"
)

var (
	wireUs   = netip.MustParseAddr("10.0.0.1")
	wireThem = netip.MustParseAddr("10.0.0.2")
)

// wireEcho is a piece of an echo message as the wire has it.
func wireEcho(t testing.TB, src, dst netip.Addr, typ uint8, id, seq uint16, ip uint16, f wire.Fragment) []byte {
	t.Helper()
	message := wire.AppendICMPv4Echo(nil, typ, id, seq, make([]byte, 3000))
	fields := wire.IPv4Fields{ID: ip, MF: f.MF, Offset: f.Offset, TTL: 64, Protocol: wire.ProtoICMP, Src: src, Dst: dst}
	b, err := fields.Append(nil, f.Length)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, message[f.Offset:f.Offset+f.Length]...)
}

func wireTimeout(t testing.TB, quoted []byte) []byte {
	t.Helper()
	message := append([]byte{wire.ICMPv4TimeExceeded, 1, 0, 0, 0, 0, 0, 0}, quoted[:100]...)
	fields := wire.IPv4Fields{TTL: 64, Protocol: wire.ProtoICMP, Src: wireThem, Dst: wireUs}
	b, err := fields.Append(nil, len(message))
	if err != nil {
		t.Fatal(err)
	}
	return append(b, message...)
}

// What belongs to our probes is told from what does not, in any order.
func TestWireWatch(t *testing.T) {
	plan, err := wire.PlanIPv4(3008, 20, 1500)
	if err != nil {
		t.Fatal(err)
	}
	pieces := slices.Collect(plan.All())
	request := func(id, seq, ip uint16, i int) []byte {
		return wireEcho(t, wireUs, wireThem, wire.ICMPv4EchoRequest, id, seq, ip, pieces[i])
	}
	reply := func(id, seq, ip uint16, i int) []byte {
		return wireEcho(t, wireThem, wireUs, wire.ICMPv4EchoReply, id, seq, ip, pieces[i])
	}
	type seen struct {
		Reply   bool
		Seq     uint16
		Offsets []int
		Whole   bool
	}
	type result struct {
		Seen             []seen
		Complaints       []uint16
		Strays, Settled  int
		Timeouts         int
		Answered, Leaked bool
	}
	for _, tt := range []struct {
		name    string
		packets [][]byte
		want    result
	}{
		{"a request and its reply, whose fragments are reordered and doubled", [][]byte{request(7, 1, 5, 0), request(7, 1, 5, 1), request(7, 1, 5, 2),
			reply(7, 1, 9, 2), reply(7, 1, 9, 1), reply(7, 1, 9, 0), reply(7, 1, 9, 1)},
			result{Seen: []seen{{false, 1, []int{0, 1480, 2960}, true}, {true, 1, []int{0, 2960, 1480, 1480}, true}}, Settled: 1, Answered: true}},
		{"two requests that drew the same identification", [][]byte{request(7, 1, 5, 0), request(7, 1, 5, 1), request(7, 1, 5, 2),
			request(7, 2, 5, 0), request(7, 2, 5, 1), request(7, 2, 5, 2)},
			result{Seen: []seen{{false, 1, []int{0, 1480, 2960}, true}, {false, 2, []int{0, 1480, 2960}, true}}}},
		{"another ping to the same host", [][]byte{request(8, 1, 5, 0), request(8, 1, 5, 1), reply(8, 1, 9, 1), reply(8, 1, 9, 0), reply(8, 1, 9, 2)}, result{}},
		{"the first fragment of a reply is lost", [][]byte{reply(7, 1, 9, 1), reply(7, 1, 9, 2)}, result{Strays: 2}},
		{"the last is lost", [][]byte{reply(7, 1, 9, 0), reply(7, 1, 9, 1)}, result{Seen: []seen{{true, 1, []int{0, 1480}, false}}}},
		{"the host waited in vain", [][]byte{request(7, 3, 5, 0), wireTimeout(t, request(7, 3, 5, 0))},
			result{Seen: []seen{{false, 3, []int{0}, false}}, Complaints: []uint16{3}, Settled: 1, Timeouts: 1, Answered: true}},
		{"it waited for another ping", [][]byte{wireTimeout(t, request(8, 3, 5, 0))}, result{}},
		{"an error about a fragment behind the first", [][]byte{request(7, 3, 5, 0), request(7, 3, 5, 1), wireTimeout(t, request(7, 3, 5, 1))},
			result{Seen: []seen{{false, 3, []int{0, 1480}, false}}, Complaints: []uint16{3}, Settled: 1, Timeouts: 1, Answered: true}},
		{"no packet of ICMP", [][]byte{{}, {0x45}, make([]byte, 40), request(7, 1, 5, 0)[:24]}, result{}},
	} {
		w := newWireWatch(nil, probe.IPv4, 7, wireUs, wireThem)
		for _, b := range tt.packets {
			if p, ok := parseSeen(probe.IPv4, b[:min(len(b), 256)]); ok {
				w.see(&p)
			}
		}
		got := result{Strays: w.strayCount(), Settled: w.settled(), Timeouts: w.timeouts(), Answered: w.answered()}
		datagrams, complaints := w.take(true)
		for _, d := range datagrams {
			s := seen{Reply: d.Reply, Seq: d.Seq, Whole: d.whole()}
			for _, p := range d.packets {
				s.Offsets = append(s.Offsets, p.Piece.Offset)
			}
			got.Seen = append(got.Seen, s)
		}
		for _, c := range complaints {
			got.Complaints = append(got.Complaints, c.Seq)
		}
		again, _ := w.take(true)
		got.Leaked = len(again) > 0
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// silentExplanation shows nothing.
type silentExplanation struct{ explainOutput }

func (silentExplanation) datagram(*seenDatagram) {}
func (silentExplanation) complaint(*seenPacket)  {}

// TestExplanation_ends: a run that is told by the wire alone ends by whoever took the message in: of those that wait for one and look,
// one finds it.
func TestExplanation_ends(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		for name, look := range map[string]func(x *explanation){"looks": func(x *explanation) { x.look() }, "shows": func(x *explanation) { x.show(false) }} {
			for _, deaf := range []bool{true, false} {
				packets, err := probe.OpenPackets(probe.IPv4, 1, wireUs, wireThem)
				if err != nil {
					t.Fatal(err)
				}
				ended := false
				x := &explanation{o: &pingOptions{Count: 1}, series: &pingSeries{}, out: silentExplanation{}, deaf: deaf,
					watch: newWireWatch(packets, probe.IPv4, 7, wireUs, wireThem), cancel: func() { ended = true }}
				look(x)
				if ended {
					t.Errorf("%s: ended before the message", name)
				}
				p, _ := parseSeen(probe.IPv4, wireTimeout(t, wireEcho(t, wireUs, wireThem, wire.ICMPv4EchoRequest, 7, 3, 5, wire.Fragment{Length: 1480, MF: true})))
				x.watch.see(&p)
				if look(x); ended != deaf {
					t.Errorf("%s, deaf %v: ended %v", name, deaf, ended)
				}
				packets.Close()
			}
		}
	})
}

// Any bytes: no panic, and no lengths that cannot be.
func FuzzParseSeen(f *testing.F) {
	first, rest := wire.Fragment{Length: 1480, MF: true}, wire.Fragment{Offset: 2960, Length: 48}
	packet := wireEcho(f, wireUs, wireThem, wire.ICMPv4EchoRequest, 7, 1, 5, first)
	f.Add(packet, false)
	f.Add(wireEcho(f, wireUs, wireThem, wire.ICMPv4EchoRequest, 7, 1, 5, rest), false)
	f.Add(wireTimeout(f, packet), false)
	six := wire.IPv6Fields{NextHeader: wire.ProtoFragment, HopLimit: 64, Src: netip.IPv6Loopback(), Dst: netip.IPv6Loopback()}
	b, _ := six.Append(nil, 32)
	b, _ = wire.AppendFragmentHeader(b, wire.ProtoICMPv6, 0, true, 9)
	echo := append(slices.Clone(b), wire.AppendICMPv6Echo(nil, six.Src, six.Dst, wire.ICMPv6EchoRequest, 7, 1, make([]byte, 16))...)
	f.Add(echo, true)
	f.Add(append(slices.Clone(b), append([]byte{wire.ICMPv6TimeExceeded, 1, 0, 0, 0, 0, 0, 0}, echo...)...), true)
	f.Fuzz(func(t *testing.T, b []byte, six bool) {
		family := probe.IPv4
		if six {
			family = probe.IPv6
		}
		p, ok := parseSeen(family, b)
		if !ok {
			return
		}
		if p.Header < 20 || p.Piece.Length < 0 || p.Header+p.Piece.Length != p.Length || p.Piece.Offset%8 != 0 || p.six != six || p.isTimeout() && !p.isError {
			t.Fatalf("%+v", p)
		}
		w := newWireWatch(nil, family, p.EchoID, p.Src, p.Dst)
		w.see(&p)
		w.take(true)
	})
}
