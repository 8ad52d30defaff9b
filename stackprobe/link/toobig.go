package link

import (
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// Router returns the address of the router in the middle of the link, from which it tells a sender that a packet was too
// long: 192.0.2.254 (TEST-NET-1, RFC 5737) or 2001:db8::ffff (RFC 3849).
func Router(ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 14: 0xff, 15: 0xff})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, 254})
}

// The lengths up to which an error message quotes, headers included: RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4.
const (
	maxICMPv4 = 576
	maxICMPv6 = 1280
	routerTTL = 64
	// internetControl is the precedence of ICMP errors (RFC 1812 section 4.3.2.5).
	internetControl = 0xc0
)

// tooBig returns the packet with which a router of that next-hop MTU tells the sender of packet that it was too long:
// "fragmentation needed" (RFC 792, RFC 1191 section 4) or "packet too big" (RFC 4443 section 3.2). It returns nil where
// none may be sent: for an ICMP error, for a fragment other than the first, for an IPv4 packet that may be fragmented.
func tooBig(packet []byte, mtu int) ([]byte, event.ICMP) {
	if ip, err := wire.CheckIPv4(packet); err == nil {
		return fragNeeded(ip, mtu)
	}
	if ip, err := wire.CheckIPv6(packet); err == nil {
		return packetTooBig(ip, mtu)
	}
	return nil, event.ICMP{}
}

func fragNeeded(ip wire.IPv4, mtu int) ([]byte, event.ICMP) {
	if m, err := wire.CheckICMPv4(ip.Payload()); ip.Protocol() == wire.ProtoICMP && (err != nil || m.IsError()) || !ip.DF() || ip.Offset() > 0 {
		return nil, event.ICMP{}
	}
	quote := ip[:min(len(ip), ip.TotalLength(), maxICMPv4-wire.IPv4MinHeader-wire.ICMPHeader)]
	f := wire.IPv4Fields{TOS: internetControl, DF: true, TTL: routerTTL, Protocol: wire.ProtoICMP, Src: Router(false), Dst: ip.Src()}
	b, err := f.Append(nil, wire.ICMPHeader+len(quote))
	if err != nil {
		return nil, event.ICMP{}
	}
	b = wire.AppendICMPv4(b, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, uint32(mtu), quote)
	return b, event.ICMP{Type: wire.ICMPv4Unreachable, Code: wire.ICMPv4FragNeeded, MTU: mtu}
}

func packetTooBig(ip wire.IPv6, mtu int) ([]byte, event.ICMP) {
	u, err := ip.Upper()
	if err != nil || u.Offset > 0 {
		return nil, event.ICMP{}
	}
	if m, err := wire.CheckICMPv6(u.Data); u.Protocol == wire.ProtoICMPv6 && (err != nil || m.IsError()) {
		return nil, event.ICMP{}
	}
	quote := ip[:min(len(ip), wire.IPv6Header+ip.PayloadLength(), maxICMPv6-wire.IPv6Header-wire.ICMPHeader)]
	f := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: routerTTL, Src: Router(true), Dst: ip.Src()}
	b, err := f.Append(nil, wire.ICMPHeader+len(quote))
	if err != nil {
		return nil, event.ICMP{}
	}
	b = wire.AppendICMPv6(b, f.Src, f.Dst, wire.ICMPv6TooBig, 0, uint32(mtu), quote)
	return b, event.ICMP{Type: wire.ICMPv6TooBig, MTU: mtu}
}

// report tells the sender of p that the link's MTU is mtu. The message arrives as if the packet had come to the middle of
// the link, and had met the rules there.
func (l *Link) report(p *passage, mtu int) {
	message, icmp := tooBig(p.packet, mtu)
	if message == nil {
		return
	}
	l.inFlight++
	arrival := p.left + p.wait + l.path[p.from].Delay/2 + l.path[p.from.Peer()].Delay/2
	l.clock.At(arrival, func() {
		l.mu.Lock()
		l.inFlight--
		if p.tcp && l.sink != nil {
			icmp.Size, icmp.Wire = len(message), string(message[:min(len(message), l.snap)])
			l.tell(&event.Event{T: int64(l.clock.Now()), Kind: event.KindICMP, Host: p.from, Conn: p.conn, Seg: p.seg, ICMP: icmp,
				Derived: event.Derived{Numbers: p.numbers}})
		}
		l.mu.Unlock()
		l.ends[p.from].Deliver(message)
	})
}
