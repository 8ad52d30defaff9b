package path

import (
	"encoding/binary"

	"gnet/internal/wire"
)

// syn is a TCP probe that is under way.
type syn struct {
	packet    Packet
	sent      bool
	seq, data uint32 // its sequence number, and how many data it has
}

// name makes an answer one to the probe.
func (y *syn) name(a *Answer) {
	a.Number, a.Cookie, a.HasCookie = y.packet.Number, y.packet.Cookie, true
}

// segment reads the answer to a SYN: it acknowledges the SYN, and perhaps its data.
func (s *Sockets) segment(a *Answer, b []byte) bool {
	tcp, err := wire.CheckTCP(b)
	if err != nil || tcp.SrcPort() != tcpPort || tcp.Flags()&wire.ACK == 0 {
		return false
	}
	y := s.acknowledged(tcp.DstPort(), tcp.Ack(), tcp.Flags()&wire.RST != 0)
	if y == nil {
		return false
	}
	if a.Means = BySYN; tcp.Flags()&wire.RST != 0 {
		a.Means = ByReset
	}
	y.name(a)
	return true
}

// acknowledged returns the SYN that a segment acknowledges, nil for none. In one flow an
// acknowledgement may stand for one SYN with its data or a later one without: a reset
// counts the data (RFC 9293, section 3.10.7.1), and all else does not as a rule.
func (s *Sockets) acknowledged(port uint16, ack uint32, reset bool) *syn {
	var with, without *syn
	for i := range s.syns {
		y := &s.syns[i]
		if !y.sent || port != s.port(i) {
			continue
		}
		if ack == y.seq+1+y.data {
			with = y
		}
		if ack == y.seq+1 {
			without = y
		}
	}
	if reset && with != nil || without == nil {
		return with
	}
	return without
}

// port is the source port of the SYN in a slot.
func (s *Sockets) port(slot int) uint16 {
	if s.oneFlow {
		return s.flowPort
	}
	return uint16(firstPort + slot)
}

// quotedSegment reads the first eight bytes of a SYN.
func (s *Sockets) quotedSegment(a *Answer, b []byte) bool {
	if len(b) < 8 {
		return false
	}
	port, seq := binary.BigEndian.Uint16(b), binary.BigEndian.Uint32(b[4:])
	for i := range s.syns {
		if y := &s.syns[i]; y.sent && port == s.port(i) && seq == y.seq {
			y.name(a)
			return true
		}
	}
	return false
}
