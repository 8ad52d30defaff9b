package path

import (
	"encoding/binary"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

const (
	// udpData is the part of a UDP probe's data that names it: cookie and number. Two
	// bytes behind it keep its checksum the same.
	udpData = 10
	// cookieOffset is where an echo request has its cookie, behind 8 bytes for which
	// other pings have the time; balanceOffset is where the two bytes are that keep
	// its checksum the same.
	cookieOffset  = wire.ICMPHeader + 8
	balanceOffset = cookieOffset + 8
	// firstPort is the first of the source ports of TCP probes, beyond those that the
	// kernel gives to connections (ip_local_port_range, ip(7)).
	firstPort = 61000
	synPorts  = 4096
	// seqStep is how far apart the sequence numbers of SYNs with one port are. A host
	// that has half opened the connection for one of them answers the next with a
	// reset, as it is within the window (RFC 9293, section 3.10.7.4), and is ready for
	// a third.
	seqStep = 16
)

// ipHeader is the length of an IP header.
func (s *Sockets) ipHeader() int {
	if s.family == probe.IPv6 {
		return wire.IPv6Header
	}
	return wire.IPv4MinHeader
}

// build appends a probe, from the header behind that of IP on.
func (s *Sockets) build(dst []byte, p *Packet) []byte {
	length := p.Size - s.ipHeader()
	switch p.Method {
	case UDP:
		return buildUDP(dst, p, max(length-wire.UDPHeader, udpData))
	case TCP:
		return s.buildSYN(dst, p, length)
	}
	b := append(dst, make([]byte, max(length, balanceOffset+2))...)
	b[0] = wire.ICMPv4EchoRequest
	if s.family == probe.IPv6 {
		b[0] = wire.ICMPv6EchoRequest
	}
	binary.BigEndian.PutUint16(b[4:], s.echo.ID())
	binary.BigEndian.PutUint16(b[6:], p.Number)
	binary.BigEndian.PutUint64(b[cookieOffset:], p.Cookie)
	s.balance(b[len(dst):])
	if p.Pieces && s.family == probe.IPv6 { // the kernel sees fragments, and no message
		message := b[len(dst):]
		check := wire.Pseudo(s.source.WithZone(""), s.target.WithZone(""), wire.ProtoICMPv6, len(message)).Bytes(message).Checksum()
		binary.BigEndian.PutUint16(message[2:], check)
	}
	return b
}

// buildUDP appends the data of a datagram. Where dst has no room it comes from memory that is
// all zero and that nobody touches: of the first probe, which is longer than any link takes,
// the kernel reads nothing but the length.
func buildUDP(dst []byte, p *Packet, length int) []byte {
	end := len(dst) + length
	if end > cap(dst) {
		dst = append(make([]byte, 0, end), dst...)
	} else {
		clear(dst[len(dst):end])
	}
	data := dst[len(dst):end]
	binary.BigEndian.PutUint64(data, p.Cookie)
	binary.BigEndian.PutUint16(data[8:], p.Number)
	balanceUDP(data)
	return dst[:end]
}

// balance gives all echo requests of a run one checksum: routers that spread flows
// over several links may look at it, and the probes are to go one way. ICMPv6
// counts the length too.
func (s *Sockets) balance(b []byte) {
	check := ^s.echo.ID()
	sum := wire.Sum(0).Bytes(b).Uint16(check)
	if s.family == probe.IPv6 {
		sum = sum.Uint16(uint16(len(b)))
	}
	binary.BigEndian.PutUint16(b[balanceOffset:], sum.Checksum())
	if s.family == probe.IPv4 { // else the kernel does it
		binary.BigEndian.PutUint16(b[2:], check)
	}
}

// balanceUDP gives the datagrams of a run one checksum, as balance does. The length
// counts twice, in the header and in the pseudo-header (RFC 768). A datagram that is
// too short for it keeps its own. Behind the first bytes there are zeros.
func balanceUDP(data []byte) {
	if len(data) < udpData+2 {
		return
	}
	length := uint16(wire.UDPHeader + len(data))
	binary.BigEndian.PutUint16(data[udpData:], wire.Sum(0).Bytes(data[:udpData]).Uint16(length).Uint16(length).Checksum())
}

// quotedLittle reports whether an error quotes too little of a datagram's data to tell
// which one it was. Where extensions follow, zeros fill what is missing (RFC 4884,
// section 5.1).
func quotedLittle(data []byte) bool {
	return len(data) < udpData || binary.BigEndian.Uint64(data) == 0
}

// buildSYN appends a SYN with data. Each has a port of its own, as a connection that is
// half open would answer the next one otherwise, or with OneFlow a sequence number.
func (s *Sockets) buildSYN(dst []byte, p *Packet, length int) []byte {
	data := make([]byte, max(length-wire.TCPMinHeader, 0))
	slot := int(p.Number) % synPorts
	port, seq := uint16(firstPort+slot), uint32(p.Cookie)
	if s.oneFlow {
		port, seq = s.flowPort, s.flowSeq+seqStep*uint32(p.Number)
	}
	s.syns[slot] = syn{packet: *p, sent: true, seq: seq, data: uint32(len(data))}
	f := wire.TCPFields{SrcPort: port, DstPort: tcpPort, Seq: seq, Flags: wire.SYN, Window: 1024}
	b, err := f.Append(dst, s.source.WithZone(""), s.target.WithZone(""), nil, data)
	if err != nil {
		return dst // the two addresses are of one family, and there are no options
	}
	return b
}

// echoed reads an echo message: a reply, or a request that an error quotes, of
// which there may be little.
func (s *Sockets) echoed(a *Answer, b []byte, request bool) bool {
	want := wire.ICMPv4EchoReply
	switch six := s.family == probe.IPv6; {
	case six && request:
		want = wire.ICMPv6EchoRequest
	case six:
		want = wire.ICMPv6EchoReply
	case request:
		want = wire.ICMPv4EchoRequest
	}
	if len(b) < wire.ICMPHeader || b[0] != want || binary.BigEndian.Uint16(b[4:]) != s.echo.ID() {
		return false
	}
	a.Number = binary.BigEndian.Uint16(b[6:])
	if len(b) >= balanceOffset {
		a.Cookie, a.HasCookie = binary.BigEndian.Uint64(b[cookieOffset:]), true
	}
	if request && a.Cookie == 0 {
		a.HasCookie = false // zeros may fill what is not quoted (RFC 4884, section 5.1)
	}
	return !a.HasCookie || a.Cookie != 0 // as that which asked for the MTU of the loopback device
}
