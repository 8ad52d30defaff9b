package path

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// Answers to SYNs of one flow, and quotations of them, are told by sequence numbers alone.
func TestOneFlow(t *testing.T) {
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.9")
	s := &Sockets{family: probe.IPv4, source: here, target: there, syns: make([]syn, synPorts)}
	s.OneFlow(0xfffffff8_00000007) // the numbers wrap
	var sent []wire.TCP
	for number, size := range []int{40, 1500, 56, 40 + seqStep} { // number 3 has data up to where the next one would begin
		b := s.build(nil, &Packet{Method: TCP, Number: uint16(number), Cookie: uint64(100 + number), Size: size})
		sent = append(sent, wire.TCP(b))
	}
	answer := func(flags wire.TCPFlags, ack uint32) string {
		f := wire.TCPFields{SrcPort: tcpPort, DstPort: sent[0].SrcPort(), Ack: ack, Flags: flags}
		b, err := f.Append(nil, there, here, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var a Answer
		if !s.segment(&a, b) {
			return "none"
		}
		return string(rune('0'+a.Number)) + " " + a.Means.String()
	}
	seq := func(i int) uint32 { return sent[i].Seq() }
	got := []string{
		answer(wire.SYN|wire.ACK, seq(0)+1), answer(wire.SYN|wire.ACK, seq(1)+1), answer(wire.RST|wire.ACK, seq(1)+1461),
		answer(wire.SYN|wire.ACK, seq(2)+1), answer(wire.RST|wire.ACK, seq(2)+17), answer(wire.RST|wire.ACK, seq(0)+1),
		answer(wire.SYN|wire.ACK, seq(3)+1), answer(wire.RST|wire.ACK, seq(3)+1+seqStep), answer(wire.SYN, seq(0)+1), answer(wire.SYN|wire.ACK, seq(0)+2),
	}
	want := []string{"0 syn_ack", "1 syn_ack", "1 reset", "2 syn_ack", "2 reset", "0 reset", "3 syn_ack", "3 reset", "none", "none"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for i, b := range sent {
		if b.SrcPort() != firstPort+7 || b.DstPort() != tcpPort {
			t.Errorf("SYN %d has ports %d and %d", i, b.SrcPort(), b.DstPort())
		}
		var a Answer
		if !s.quotedSegment(&a, b[:8]) || int(a.Number) != i || a.Cookie != uint64(100+i) {
			t.Errorf("quoted SYN %d: %+v", i, a)
		}
		wrong := append([]byte(nil), b[:8]...)
		binary.BigEndian.PutUint32(wrong[4:], b.Seq()+1)
		if s.quotedSegment(&a, wrong) || s.quotedSegment(&a, b[:7]) {
			t.Errorf("quoted SYN %d of another number or cut: %+v", i, a)
		}
	}
}

// UDP probes of one flow have one checksum, whatever they hold and however long they are.
func TestBalanceUDP(t *testing.T) {
	src, dst := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.9")
	s := &Sockets{family: probe.IPv4}
	sums := make(map[uint16]bool)
	for number, size := range []int{40, 41, 100, 1400, 1499, 1500, 65535} {
		data := s.build(nil, &Packet{Method: UDP, Number: uint16(number), Cookie: 0x9e3779b97f4a7c15 * uint64(number+1), Size: size})
		f := wire.UDPFields{SrcPort: 40000, DstPort: 44444}
		b, err := f.Append(nil, src, dst, data)
		if err != nil {
			t.Fatal(err)
		}
		sums[wire.UDP(b).Checksum()] = true
	}
	if len(sums) != 1 {
		t.Errorf("checksums %v", sums)
	}
}
