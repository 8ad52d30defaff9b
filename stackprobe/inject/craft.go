package inject

import (
	"bytes"
	"net/netip"

	"gnet/internal/wire"
)

// craft builds the IP packet of s with the given numbers. The data are the letter x, so that they are known again.
func craft(s *Segment, src, dst netip.AddrPort, seq, ack uint32) ([]byte, error) {
	f := wire.TCPFields{SrcPort: src.Port(), DstPort: dst.Port(), Seq: seq, Flags: s.flags(), Window: DefaultWindow}
	if f.Flags&wire.ACK != 0 {
		f.Ack = ack
	}
	if s.HasWin {
		f.Window = s.Win
	}
	options := wire.TCPOptions{MSS: s.MSS, HasMSS: s.MSS != 0}
	option, err := options.Append(nil)
	if err != nil {
		return nil, err
	}
	segment, err := f.Append(nil, src.Addr(), dst.Addr(), option, bytes.Repeat([]byte{'x'}, s.Len))
	if err != nil {
		return nil, err
	}
	return packet(src.Addr(), dst.Addr(), segment)
}

// ttl is what most stacks begin with (RFC 1700, "IP time to live parameter").
const ttl = 64

// packet puts an IP header before a TCP segment.
func packet(src, dst netip.Addr, segment []byte) ([]byte, error) {
	var b []byte
	var err error
	if src.Is4() {
		ip := wire.IPv4Fields{DF: true, TTL: ttl, Protocol: wire.ProtoTCP, Src: src, Dst: dst}
		b, err = ip.Append(nil, len(segment))
	} else {
		ip := wire.IPv6Fields{NextHeader: wire.ProtoTCP, HopLimit: ttl, Src: src, Dst: dst}
		b, err = ip.Append(nil, len(segment))
	}
	return append(b, segment...), err
}

// space is the length of s in sequence numbers (SEG.LEN, RFC 9293 section 3.4).
func (s *Segment) space() uint32 {
	n := uint32(s.Len)
	if s.flags()&wire.SYN != 0 {
		n++
	}
	if s.flags()&wire.FIN != 0 {
		n++
	}
	return n
}

// progress is how far one end of a connection has come with its numbers.
type progress struct {
	begun    bool
	iss, nxt uint32
}

// sends takes the numbers of a segment with those flags that the end transmits. A SYN with another number begins anew.
func (p *progress) sends(syn, rst bool, seq, space uint32) {
	switch {
	case rst:
	case syn && (!p.begun || p.iss != seq):
		*p = progress{true, seq, seq + space}
	case p.begun && wire.SeqLess(p.nxt, seq+space):
		p.nxt = seq + space
	}
}

// of returns the number n of the end p, and whether it can be known. A natural one is natural.
func (n *Number) of(p *progress, natural uint32) (uint32, bool) {
	switch n.Base {
	case Raw:
		return uint32(n.N), true
	case Initial:
		return p.iss + uint32(n.N), p.begun
	case Next:
		return p.nxt + uint32(n.N), p.begun
	}
	return natural, p.begun
}

// acknowledges reports whether s has an acknowledgment number.
func (s *Segment) acknowledges() bool { return s.flags()&wire.ACK != 0 }
