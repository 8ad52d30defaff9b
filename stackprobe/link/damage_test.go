package link_test

import (
	"bytes"
	"hash/fnv"
	"math/bits"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

var (
	client6 = netip.MustParseAddrPort("[2001:db8::1]:40000")
	server6 = netip.MustParseAddrPort("[2001:db8::2]:7")
)

// packet6 builds an IPv6 packet with extension headers, which end with the next header TCP.
func packet6(t testing.TB, from, to netip.AddrPort, first uint8, extensions []byte, f wire.TCPFields, data string) []byte {
	t.Helper()
	f.SrcPort, f.DstPort = from.Port(), to.Port()
	seg, err := f.Append(nil, from.Addr(), to.Addr(), nil, []byte(data))
	if err != nil {
		t.Fatal(err)
	}
	ip := wire.IPv6Fields{NextHeader: first, HopLimit: 61, Src: from.Addr(), Dst: to.Addr()}
	b, err := ip.Append(nil, len(extensions)+len(seg))
	if err != nil {
		t.Fatal(err)
	}
	return append(append(b, extensions...), seg...)
}

// TestIPv6Segments: the segment behind extension headers is read, also in a fragment that is the whole packet (RFC 6946).
func TestIPv6Segments(t *testing.T) {
	atomic, err := wire.AppendFragmentHeader([]byte{wire.ProtoFragment, 0, 1, 4, 0, 0, 0, 0}, wire.ProtoTCP, 0, false, 9)
	if err != nil {
		t.Fatal(err)
	}
	part, err := wire.AppendFragmentHeader(nil, wire.ProtoTCP, 0, true, 9)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		next uint8
		ext  []byte
		read bool
	}{
		"plain":            {wire.ProtoTCP, nil, true},
		"options":          {wire.ProtoDestOptions, []byte{wire.ProtoTCP, 0, 1, 4, 0, 0, 0, 0}, true},
		"atomic fragment":  {wire.ProtoHopByHop, atomic, true},
		"a first fragment": {wire.ProtoFragment, part, false},
		"an endless one":   {wire.ProtoDestOptions, []byte{wire.ProtoTCP, 200, 1, 4, 0, 0, 0, 0}, false},
	} {
		b := newBench(link.Path{Renumber: true}, link.Path{})
		p := packet6(t, client6, server6, tt.next, tt.ext, wire.TCPFields{Seq: 5, Ack: 6, Flags: wire.SYN | wire.ACK, Window: 77}, "abc")
		b.link.Send(event.Client, 0, append([]byte(nil), p...), link.Sent{})
		b.run()
		if d := cmp.Diff([][]byte{p}, b.arrived[event.Server]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if !tt.read {
			if n := b.link.Count(event.Client); len(b.events) > 0 || n.Other != 1 {
				t.Errorf("%s: %d events, %+v", name, len(b.events), n)
			}
			continue
		}
		want := event.Segment{ID: 1, Src: client6, Dst: server6, Hop: 61, Flags: event.SYN | event.ACK, Seq: 5, Ack: 6, Win: 77, Len: 3,
			Hash: 0xe71fa2190541574b, Size: len(p), Wire: string(p[:min(len(p), snap)])}
		for i, kind := range []event.Kind{event.KindTx, event.KindRx} {
			if e := b.events[i]; e.Kind != kind || e.Conn != 1 || !cmp.Equal(want, e.Seg, byAddr) {
				t.Errorf("%s: %v %s", name, e.Kind, cmp.Diff(want, e.Seg, byAddr))
			}
		}
	}
}

// TestCorrupt turns a bit of many segments: it is one bit, where the event says, within the segment, and the receiver's
// tap shows it while the sender's does not.
func TestCorrupt(t *testing.T) {
	for name, p := range map[string][]byte{
		"IPv4": packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{HasTimestamps: true}, strings.Repeat("gnet", 5)),
		"IPv6": packet6(t, client6, server6, wire.ProtoDestOptions, []byte{wire.ProtoTCP, 0, 1, 4, 0, 0, 0, 0}, wire.TCPFields{Seq: 1, Flags: wire.ACK}, strings.Repeat("gnet", 5)),
	} {
		header := len(p) - 40 // of IP: what is behind it is 40 octets long in both
		if name == "IPv4" {
			header = 20
		}
		b := newBench(link.Path{}, link.Path{}, parseRules(t, "corrupt")...)
		const n = 10_000
		for range n {
			b.link.Send(event.Client, 0, append([]byte(nil), p...), link.Sent{})
		}
		b.run()
		turned := map[int]bool{}
		bit := map[int]int{}
		for _, e := range b.events {
			switch s := &e.Seg; e.Kind {
			case event.KindTx:
				if s.BadSum || s.Wire != string(p[:min(len(p), snap)]) {
					t.Fatalf("%s: what the sender's tap shows has changed: %+v", name, s)
				}
			case event.KindFault:
				bit[s.ID] = e.Fault.Bit
				turned[e.Fault.Bit] = true
			case event.KindRx:
				got, at := b.arrived[event.Server][s.ID-1], bit[s.ID]
				if want := append([]byte(nil), p...); at/8 < header || !s.BadSum || s.Wire != string(got[:min(len(got), snap)]) ||
					!bytes.Equal(got, flip(want, at)) || s.Seq != 1 || s.Hash != sum(got[len(got)-20:]) {
					t.Fatalf("%s: bit %d: %d differ: %+v", name, at, different(p, got), s)
				}
			}
		}
		// So many draws leave out none of so few bits.
		if want := (len(p) - header) * 8; len(turned) != want {
			t.Errorf("%s: %d different bits were turned, of %d", name, len(turned), want)
		}
	}
}

// TestCorruptSparesWhatIsNoSegment: nobody could say what was turned.
func TestCorruptSparesWhatIsNoSegment(t *testing.T) {
	p := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, "")
	p[9] = wire.ProtoUDP
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "corrupt", "dup", "drop any 2")...)
	b.link.Send(event.Client, 0, append([]byte(nil), p...), link.Sent{})
	b.run()
	if d := cmp.Diff([][]byte{p}, b.arrived[event.Server]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(link.Count{Other: 1, OtherCopied: 1, OtherLost: 1, Arrived: 1}, b.link.Count(event.Client)); d != "" {
		t.Error(d)
	}
}

// TestCopiesAreTheirOwn: the ends may change the bytes that they get.
func TestCopiesAreTheirOwn(t *testing.T) {
	p := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, "data")
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "dup", "corrupt any 1")...)
	b.link.Send(event.Client, 0, append([]byte(nil), p...), link.Sent{})
	b.run()
	if got := b.arrived[event.Server]; len(got) != 2 || different(p, got[0]) != 1 || different(p, got[1]) != 0 {
		t.Errorf("arrived: %x", got)
	}
}

func flip(p []byte, bit int) []byte {
	p[bit/8] ^= 0x80 >> (bit % 8)
	return p
}

func sum(data []byte) uint64 {
	h := fnv.New64a()
	h.Write(data)
	return h.Sum64()
}

// different counts the bits in which two packets differ.
func different(a, b []byte) int {
	n := 0
	for i := range a {
		n += bits.OnesCount8(a[i] ^ b[i])
	}
	return n
}
