package wire

import (
	"encoding/binary"
	"net/netip"
)

// Quote is the packet that an ICMP error message quotes, as far as it is there: the IP header is
// whole, of what follows at least 8 bytes should be (RFC 792; RFC 1812 4.3.2.3 and RFC 4443 2.4 ask
// for more), but any part may be missing.
type Quote struct {
	IPv6        bool
	Src, Dst    netip.Addr // of the quoted packet: Src is who sent it, so ourselves
	TTL         uint8      // or hop limit, as it was where the error arose
	TotalLength int        // of the quoted packet in bytes, header included, as its header says
	ID          uint32     // IPv4 identification, or that of an IPv6 Fragment header
	DF          bool       // IPv4 only
	Offset      int        // fragment offset in bytes; unless 0, Transport starts in mid-data
	MF          bool
	Protocol    uint8  // of Transport
	Transport   []byte // from the transport header on, possibly cut; shares the message's memory
}

// ParseQuoteIPv4 reads a quoted IPv4 packet from its first header byte on. The total length is not
// checked: hosts on the way are known to have changed it before they quoted it.
func ParseQuoteIPv4(b []byte) (Quote, error) {
	if len(b) > 0 && b[0]>>4 != 4 {
		return Quote{}, ErrQuoteVersion
	}
	if len(b) < IPv4MinHeader {
		return Quote{}, ErrQuoteShort
	}
	p := IPv4(b)
	switch {
	case p.HeaderLen() < IPv4MinHeader:
		return Quote{}, ErrIPv4HeaderLength
	case p.HeaderLen() > len(b):
		return Quote{}, ErrQuoteShort
	}
	return Quote{
		Src: p.Src(), Dst: p.Dst(), TTL: p.TTL(), TotalLength: p.TotalLength(), ID: uint32(p.ID()),
		DF: p.DF(), Offset: p.Offset(), MF: p.MF(), Protocol: p.Protocol(), Transport: p[p.HeaderLen():],
	}, nil
}

// ParseQuoteIPv6 reads a quoted IPv6 packet from its first header byte on and steps over its extension
// headers. If one of them is cut, Protocol is that extension's number and Transport starts with it.
func ParseQuoteIPv6(b []byte) (Quote, error) {
	if len(b) > 0 && b[0]>>4 != 6 {
		return Quote{}, ErrQuoteVersion
	}
	if len(b) < IPv6Header {
		return Quote{}, ErrQuoteShort
	}
	p := IPv6(b)
	// Bytes behind the payload are the padding before extensions (RFC 4884 4.4); no router changes the length.
	// Its only error is a cut extension, which is no error in a quotation.
	u, _ := p.Upper()
	return Quote{
		IPv6: true, Src: p.Src(), Dst: p.Dst(), TTL: p.HopLimit(),
		TotalLength: IPv6Header + p.PayloadLength(), ID: u.ID, Offset: u.Offset, MF: u.MF,
		Protocol: u.Protocol, Transport: u.Data,
	}, nil
}

// Echo gives identifier and sequence number when the quoted packet is an echo request of ours, and
// whether it is.
func (q *Quote) Echo() (id, seq uint16, ok bool) {
	proto, request := ProtoICMP, ICMPv4EchoRequest
	if q.IPv6 {
		proto, request = ProtoICMPv6, ICMPv6EchoRequest
	}
	t := q.Transport
	if q.Protocol != proto || q.Offset != 0 || len(t) < ICMPHeader || t[0] != request {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(t[4:]), binary.BigEndian.Uint16(t[6:]), true
}

// Ports gives source and destination port when the quoted packet is TCP or UDP and they are there.
func (q *Quote) Ports() (src, dst uint16, ok bool) {
	t := q.Transport
	if (q.Protocol != ProtoTCP && q.Protocol != ProtoUDP) || q.Offset != 0 || len(t) < 4 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:]), true
}

// TCPSeq gives the sequence number when the quoted packet is TCP and it is there: what an endpoint
// checks before it believes the error (RFC 5927 4.1).
func (q *Quote) TCPSeq() (seq uint32, ok bool) {
	if q.Protocol != ProtoTCP || q.Offset != 0 || len(q.Transport) < 8 {
		return 0, false
	}
	return binary.BigEndian.Uint32(q.Transport[4:]), true
}
