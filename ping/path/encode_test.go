package path

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// offline are sockets of which only the formats are used.
func offline(f probe.Family) *Sockets {
	s := &Sockets{family: f, echo: new(probe.Socket), syns: make([]syn, synPorts),
		source: netip.MustParseAddr("198.51.100.1"), target: simHost4}
	if f == probe.IPv6 {
		s.source, s.target = netip.MustParseAddr("2001:db8::1"), simHost6
	}
	return s
}

// TestBuild: each probe has its length, one checksum for all echo requests, and is
// known again from what quotes it.
func TestBuild(t *testing.T) {
	const cookie = 0x1122334455667788
	for _, f := range []probe.Family{probe.IPv4, probe.IPv6} {
		s := offline(f)
		sums := map[uint16]bool{}
		for i, size := range []int{104, 576, 1280, 1500, 9000} {
			for _, method := range []Method{Echo, UDP, TCP} {
				p := Packet{Method: method, Size: size, Number: uint16(i), Cookie: cookie + uint64(i)}
				b := s.build(nil, &p)
				length, quote := size-s.ipHeader(), b
				if method == UDP {
					length -= wire.UDPHeader
				} else if method == TCP {
					quote = b[:8]
				}
				if len(b) != length {
					t.Errorf("%v %v of %d: %d bytes, want %d", f, method, size, len(b), length)
				}
				if method == Echo {
					sum := wire.Sum(0).Bytes(b)
					if f == probe.IPv6 {
						sum = sum.Uint16(uint16(len(b)))
					}
					sums[sum.Checksum()] = true
				}
				a := Answer{Method: method}
				ok := s.quoted(&a, quote)
				want := Answer{Method: method, Number: p.Number, Cookie: p.Cookie, HasCookie: true}
				if diff := cmp.Diff(want, a, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || !ok {
					t.Errorf("%v %v of %d (-want +got)\n%s", f, method, size, diff)
				}
			}
		}
		if len(sums) != 1 {
			t.Errorf("%v: %d checksums, want 1", f, len(sums))
		}
	}
}

// FuzzAnswers: no bytes from the network bring the readers down, and none is taken
// for an answer to a TCP probe but what names the SYN.
func FuzzAnswers(f *testing.F) {
	for _, family := range []probe.Family{probe.IPv4, probe.IPv6} {
		s := offline(family)
		for _, method := range []Method{Echo, UDP, TCP} {
			f.Add(family == probe.IPv6, uint8(method), s.build(nil, &Packet{Method: method, Size: 104, Cookie: 0x77}))
		}
	}
	reply := wire.AppendICMPv4Echo(nil, wire.ICMPv4EchoReply, 0, 3, make([]byte, 56))
	f.Add(false, uint8(Echo), reply)
	rst := wire.TCPFields{SrcPort: tcpPort, DstPort: firstPort + 5, Ack: 0x78, Flags: wire.RST | wire.ACK}
	segment, err := rst.Append(nil, simHost4, netip.MustParseAddr("198.51.100.1"), nil, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(false, uint8(TCP), segment)
	f.Fuzz(func(t *testing.T, six bool, method uint8, b []byte) {
		family := probe.IPv4
		if six {
			family = probe.IPv6
		}
		s := offline(family)
		s.build(nil, &Packet{Method: TCP, Number: 5, Size: 104, Cookie: 0x77})
		for _, kind := range []probe.Kind{probe.Packet, probe.ICMPError} {
			ok := s.parse(&probe.Message{Kind: kind, Data: b}, Method(method%3))
			if ok && s.answer.Method == TCP && (s.answer.Number != 5 || s.answer.Cookie != 0x77) {
				t.Errorf("answer %+v", s.answer)
			}
		}
	})
}
