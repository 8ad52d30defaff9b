package path

import (
	"encoding/binary"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

const (
	// udpData is the part of a UDP probe's data that names it: cookie and number.
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
)

// syn is a TCP probe that is under way from one port.
type syn struct {
	packet Packet
	sent   bool
	data   uint32
}

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
		data := make([]byte, max(length-wire.UDPHeader, udpData))
		binary.BigEndian.PutUint64(data, p.Cookie)
		binary.BigEndian.PutUint16(data[8:], p.Number)
		return append(dst, data...)
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

// buildSYN appends a SYN with data, each from a port of its own: a connection that
// is half open would answer the next one otherwise.
func (s *Sockets) buildSYN(dst []byte, p *Packet, length int) []byte {
	data := make([]byte, max(length-wire.TCPMinHeader, 0))
	slot := int(p.Number) % synPorts
	s.syns[slot] = syn{packet: *p, sent: true, data: uint32(len(data))}
	f := wire.TCPFields{SrcPort: uint16(firstPort + slot), DstPort: tcpPort, Seq: uint32(p.Cookie), Flags: wire.SYN, Window: 1024}
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
	return !a.HasCookie || a.Cookie != 0 // as that which asked for the MTU of the loopback device
}

// segment reads the answer to a SYN: it acknowledges the SYN, and perhaps its data.
func (s *Sockets) segment(a *Answer, b []byte) bool {
	tcp, err := wire.CheckTCP(b)
	if err != nil || tcp.SrcPort() != tcpPort || tcp.Flags()&wire.ACK == 0 {
		return false
	}
	slot, ok := s.slot(tcp.DstPort())
	if !ok || tcp.Ack() != slot.seq()+1 && tcp.Ack() != slot.seq()+1+slot.data {
		return false
	}
	a.Number, a.Cookie, a.HasCookie = slot.packet.Number, slot.packet.Cookie, true
	return true
}

// quotedSegment reads the first eight bytes of a SYN.
func (s *Sockets) quotedSegment(a *Answer, b []byte) bool {
	if len(b) < 8 {
		return false
	}
	slot, ok := s.slot(binary.BigEndian.Uint16(b))
	if !ok || binary.BigEndian.Uint32(b[4:]) != slot.seq() {
		return false
	}
	a.Number, a.Cookie, a.HasCookie = slot.packet.Number, slot.packet.Cookie, true
	return true
}

func (s *Sockets) slot(port uint16) (*syn, bool) {
	i := int(port) - firstPort
	if i < 0 || i >= len(s.syns) || !s.syns[i].sent {
		return nil, false
	}
	return &s.syns[i], true
}

// seq is the sequence number of the SYN.
func (s *syn) seq() uint32 { return uint32(s.packet.Cookie) }
