package engine

import (
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"gnet/internal/wire"
	"gnet/stackprobe/link"
)

// nic is netstack's network interface: every packet in and out passes here.
type nic struct {
	pointToPoint
	stack  *Stack
	mtu    uint32
	send   func(at time.Duration, packet []byte, sent link.Sent)
	closed atomic.Bool
	table  *table
	// understated counts the messages that belowLeastMTU kept from netstack.
	understated atomic.Uint64
}

// WritePackets implements stack.LinkWriter. It runs on the goroutine that transmits, which holds the connection's lock.
func (n *nic) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	if n.closed.Load() {
		return packets.Len(), nil
	}
	for _, p := range packets.AsSlice() {
		at := n.stack.clock.Clock.Now()
		packet := make([]byte, 0, p.Size())
		for _, part := range p.AsSlices() {
			packet = append(packet, part...)
		}
		n.send(at, packet, n.table.sends(packet))
	}
	return packets.Len(), nil
}

// deliver gives netstack a packet from the link. What is neither IPv4 nor IPv6 is no packet.
func (n *nic) deliver(packet []byte) {
	if n.closed.Load() {
		return
	}
	proto := ipv4.ProtocolNumber
	switch header.IPVersion(packet) {
	case header.IPv4Version:
	case header.IPv6Version:
		proto = ipv6.ProtocolNumber
		if belowLeastMTU(packet) {
			n.understated.Add(1)
			return
		}
	default:
		return
	}
	n.table.arrives(packet)
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	n.disp.DeliverNetworkPacket(proto, p)
	p.DecRef()
}

// belowLeastMTU reports whether packet is a "packet too big" with less than what every link of IPv6 takes. RFC 8201 section 4
// wants it discarded; netstack would send single octets from then on.
func belowLeastMTU(packet []byte) bool {
	ip, err := wire.CheckIPv6(packet)
	if err != nil {
		return false
	}
	u, err := ip.Upper()
	if err != nil || u.Protocol != wire.ProtoICMPv6 {
		return false
	}
	m, err := wire.CheckICMPv6(u.Data)
	return err == nil && m.Type() == wire.ICMPv6TooBig && m.MTU() < header.IPv6MinimumMTU
}

func (n *nic) close() { n.closed.Store(true) }

// MTU implements stack.LinkEndpoint.
func (n *nic) MTU() uint32 { return n.mtu }
