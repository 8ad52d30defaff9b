package link

import (
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// hears tells that an ICMP message which p brings to its end is about a segment of that end. The link's own router tells of its
// messages in report; this one came from an end, or through it from a network.
func (l *Link) hears(p *passage, to event.Host) {
	if l.sink == nil || l.ledger != nil {
		return
	}
	ip, m, ok := ReadPacket(p.packet)
	if !ok {
		return
	}
	q, ok := quote(&ip, p.packet)
	seq, tcp := q.TCPSeq()
	src, dst, ports := q.Ports()
	if !ok || !tcp || !ports {
		return
	}
	s := event.Segment{Src: netip.AddrPortFrom(q.Src, src), Dst: netip.AddrPortFrom(q.Dst, dst), Seq: seq, Size: q.TotalLength, Hop: q.TTL}
	if !q.IPv6 {
		s.IPID = uint16(q.ID)
	}
	conn := l.flows.Last(to, event.Tuple{Local: s.Src, Remote: s.Dst})
	if conn == 0 {
		return // of none that was seen
	}
	m.Size, m.Wire = ip.Size, string(p.packet[:min(ip.Size, l.snap)])
	l.tell(&event.Event{T: int64(l.clock.Now()), Kind: event.KindICMP, Host: to, Conn: conn, Seg: s, ICMP: m,
		Derived: event.Derived{Numbers: l.flows.Arrives(conn, to, &s)}})
}

// quote returns what the ICMP error in a packet quotes, false for all other packets.
func quote(p *event.Packet, packet []byte) (wire.Quote, bool) {
	if p.Offset > 0 || p.Header > len(packet) {
		return wire.Quote{}, false
	}
	switch data := packet[p.Header:]; p.Protocol {
	case wire.ProtoICMP:
		if m, err := wire.CheckICMPv4(data); err == nil {
			q, err := m.Quote()
			return q, err == nil
		}
	case wire.ProtoICMPv6:
		if m, err := wire.CheckICMPv6(data); err == nil {
			q, err := m.Quote()
			return q, err == nil
		}
	}
	return wire.Quote{}, false
}
