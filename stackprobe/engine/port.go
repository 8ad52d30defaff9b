package engine

import (
	"encoding/binary"
	"math"
	"net/netip"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"gnet/internal/wire"
)

// port is an interface of a Node. It does what netstack of this version gets wrong, so that a node's packets are those of
// RFC 791, RFC 1122 and RFC 8200 (TestNodeQuirks shows each):
//
//   - A fragment that netstack fragments again gets offsets from 0, a datagram's last fragment is never longer than a multiple of 8,
//     and every option is copied into every fragment; so netstack is told that all fits, and the port cuts.
//   - Netstack forwards a packet with a TTL of 1, with 0 in it; so it gets such a packet with a TTL of 0, which it answers,
//     and the quotation in the answer is put right.
//   - It answers fragments other than the first with ICMP errors; those are not sent (RFC 1122 section 3.2.2, RFC 4443 section 2.4
//     asks for nothing else of IPv6, where they stay).
//   - "Packet too big" says 0; it gets the MTU.
//   - It calculates the checksum of UDP anew when it forwards, from a fragment as if that were all; a packet that is sent on keeps its
//     data.
//   - Its ICMP errors leave by the interface that the packet came from, with the address of that, wherever the route to its source
//     leads; they follow the route, and bear the address of the interface by which they leave.
//   - A source records neither its address nor the time in the options that ask for it, and a router the address of the interface
//     that the packet came from; both do as RFC 791 section 3.1 says, and Linux.
//   - It draws identifications at random; they follow from the seed.
//   - It forgets what "packet too big" says; the node remembers it for what it sends.
type port struct {
	pointToPoint
	node   *Node
	number int
	mtu    int
	closed bool
}

// Deliver gives the node a packet that has arrived at its interface i. The node may keep the bytes.
func (n *Node) Deliver(i int, packet []byte) {
	p := n.ports[i]
	if p.closed {
		return
	}
	version := tcpip.NetworkProtocolNumber(ipv6.ProtocolNumber)
	n.now, n.whole, n.lowered = packet, false, false
	if ip, err := wire.CheckIPv4(packet); err == nil {
		version = ipv4.ProtocolNumber
		n.whole = !ip.DF()
		if ip.TTL() == 1 && n.cfg.Forward && !n.has(ip) {
			packet = append([]byte(nil), packet...)
			wire.IPv4(packet).SetTTL(0)
			n.lowered = true
		}
	} else if _, err := wire.CheckIPv6(packet); err != nil {
		return
	}
	n.learn(packet)
	b := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	p.disp.DeliverNetworkPacket(version, b)
	b.DecRef()
	n.now, n.whole, n.lowered = nil, false, false
}

// has reports whether a packet is for the node itself.
func (n *Node) has(ip wire.IPv4) bool {
	for _, f := range n.cfg.Interfaces {
		if f.Addr == ip.Dst() {
			return true
		}
	}
	return false
}

// learn takes the MTU of a path from a message about a packet of the node's own.
func (n *Node) learn(packet []byte) {
	if n.cfg.Forward {
		return
	}
	mtu := 0
	if ip, err := wire.CheckIPv6(packet); err == nil {
		u, err := ip.Upper()
		if err != nil || u.Protocol != wire.ProtoICMPv6 {
			return
		}
		if m, err := wire.CheckICMPv6(u.Data); err == nil && m.Type() == wire.ICMPv6TooBig && m.MTU() >= header.IPv6MinimumMTU {
			mtu = int(min(m.MTU(), math.MaxUint16))
		}
	} else if ip, err := wire.CheckIPv4(packet); err == nil && ip.Protocol() == wire.ProtoICMP {
		if m, err := wire.CheckICMPv4(ip.Payload()); err == nil && m.Type() == wire.ICMPv4Unreachable && m.Code() == wire.ICMPv4FragNeeded && m.MTU() >= header.IPv4MinimumMTU {
			mtu = m.MTU()
		}
	}
	if mtu > 0 && (n.pathMTU == 0 || mtu < n.pathMTU) {
		n.pathMTU = mtu
	}
}

// WritePackets implements stack.LinkWriter.
func (p *port) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for _, b := range packets.AsSlice() {
		packet := make([]byte, 0, b.Size())
		for _, part := range b.AsSlices() {
			packet = append(packet, part...)
		}
		p.transmit(packet)
	}
	return packets.Len(), nil
}

// transmit sends packet, in fragments where it has to.
func (p *port) transmit(packet []byte) {
	if p.closed {
		return
	}
	pieces := [][]byte{packet}
	if ip, err := wire.CheckIPv4(packet); err == nil {
		pieces = p.four(ip)
	} else if ip, err := wire.CheckIPv6(packet); err == nil {
		pieces = p.six(ip)
	}
	out := p.out(packet)
	at := p.node.cfg.Clock.Now()
	for _, piece := range pieces {
		p.node.cfg.Send(out, at, piece)
	}
}

// out is the number of the interface by which packet leaves: a router follows its routes.
func (p *port) out(packet []byte) int {
	if p.node.cfg.Forward {
		return p.node.out(destination(packet))
	}
	return p.number
}

// destination is the address that a packet is for.
func destination(packet []byte) netip.Addr {
	if ip, err := wire.CheckIPv4(packet); err == nil {
		return ip.Dst()
	}
	if ip, err := wire.CheckIPv6(packet); err == nil {
		return ip.Dst()
	}
	return netip.Addr{}
}

// four prepares an IPv4 packet.
func (p *port) four(ip wire.IPv4) [][]byte {
	n := p.node
	switch {
	case n.now == nil:
		ip = n.original(ip)
	case n.forwards(ip):
		now := wire.IPv4(n.now)
		copy(ip.Payload(), now.Payload())
		n.recorded(ip, p.out(ip))
	case !p.answer(ip):
		return nil
	}
	if ip.DF() {
		return [][]byte{ip}
	}
	pieces, err := wire.CutIPv4(ip, n.room(p.number))
	if err != nil {
		return nil // an MTU without room for 8 octets behind the options: netstack has no word for it
	}
	return pieces
}

// forwards reports whether ip is the packet that the node is given, on its way out.
func (n *Node) forwards(ip wire.IPv4) bool {
	now, err := wire.CheckIPv4(n.now)
	return err == nil && now.Src() == ip.Src() && now.Dst() == ip.Dst() && now.ID() == ip.ID() && now.Protocol() == ip.Protocol() && now.TotalLength() == ip.TotalLength()
}

// original gives what the node sends of its own accord its options and its identification.
func (n *Node) original(ip wire.IPv4) wire.IPv4 {
	if ip.Protocol() != wire.ProtoUDP {
		n.identify(ip)
		return ip
	}
	f := ip.Fields()
	f.Options = n.cfg.Options
	data := ip.Payload()
	b, err := f.Append(make([]byte, 0, wire.IPv4MinHeader+len(f.Options)+len(data)), len(data))
	if err != nil {
		return ip // it would be longer than a packet can be; Send has refused that
	}
	out := wire.IPv4(append(b, data...))
	n.record(out, ip.Src())
	n.identify(out)
	return out
}

// identify gives ip an identification that follows from the seed. One with DF has none (RFC 6864 section 4.1).
func (n *Node) identify(ip wire.IPv4) {
	if !ip.DF() {
		ip.SetID(n.nextIdent16())
	}
}

func (n *Node) nextIdent16() uint16 {
	id := uint16(n.ident)
	n.ident++
	return id
}

// answer puts an ICMP message right that the node sends about the packet it is given, and reports whether it may be sent.
func (p *port) answer(ip wire.IPv4) bool {
	n := p.node
	n.identify(ip)
	m, err := wire.CheckICMPv4(ip.Payload())
	if ip.Protocol() != wire.ProtoICMP || err != nil || !m.IsError() {
		return true
	}
	if now, err := wire.CheckIPv4(n.now); err == nil && now.Offset() > 0 {
		return false
	}
	if quote := m.Body(); n.lowered && len(quote) >= wire.IPv4MinHeader && len(n.now) >= wire.IPv4MinHeader {
		quote[8] = n.now[8]
		copy(quote[10:12], n.now[10:12])
		binary.BigEndian.PutUint16(m[2:], 0)
		binary.BigEndian.PutUint16(m[2:], wire.Checksum(m))
	}
	if n.cfg.Forward {
		n.signed(ip, p.out(ip))
	}
	return true
}

// six prepares an IPv6 packet. Nobody but its source cuts it.
func (p *port) six(ip wire.IPv6) [][]byte {
	n := p.node
	if now, err := wire.CheckIPv6(n.now); err == nil {
		if now.Src() == ip.Src() && now.Dst() == ip.Dst() && len(now.Payload()) == len(ip.Payload()) {
			copy(ip.Payload(), now.Payload())
		} else {
			p.tooBig(ip)
			if n.cfg.Forward {
				n.signed(ip, p.out(ip))
			}
		}
		return [][]byte{ip}
	}
	pieces, err := wire.CutIPv6(ip, n.room(p.number), n.ident)
	if err != nil {
		return [][]byte{ip}
	}
	n.ident++
	return pieces
}

// tooBig writes the MTU of the way to the quoted destination into a "packet too big".
func (p *port) tooBig(ip wire.IPv6) {
	u, err := ip.Upper()
	if err != nil || u.Protocol != wire.ProtoICMPv6 {
		return
	}
	m, err := wire.CheckICMPv6(u.Data)
	if err != nil || m.Type() != wire.ICMPv6TooBig || m.MTU() != 0 {
		return
	}
	q, err := m.Quote()
	if err != nil {
		return
	}
	binary.BigEndian.PutUint32(m[4:], uint32(p.node.ports[p.node.out(q.Dst)].mtu))
	binary.BigEndian.PutUint16(m[2:], 0)
	binary.BigEndian.PutUint16(m[2:], wire.Pseudo(ip.Src(), ip.Dst(), wire.ProtoICMPv6, len(m)).Bytes(m).Checksum())
}

// MTU implements stack.LinkEndpoint.
func (p *port) MTU() uint32 {
	if p.node.whole {
		return math.MaxUint16
	}
	return uint32(p.mtu)
}
