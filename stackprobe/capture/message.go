package capture

import (
	"net/netip"
	"strconv"
	"strings"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// message reads the ICMP error of an IP packet that may be cut behind what it quotes, and of the segment that it quotes what any
// router must quote: the sockets, the sequence number and the length. It reports false for anything else.
func message(packet []byte, m *event.ICMP, s *event.Segment) bool {
	var q wire.Quote
	if ip, err := wire.CheckIPv4(packet); err == nil {
		icmp, err := wire.CheckICMPv4(ip.Payload())
		if ip.Protocol() != wire.ProtoICMP || ip.Offset() != 0 || err != nil {
			return false
		}
		if q, err = icmp.Quote(); err != nil {
			return false
		}
		*m = event.ICMP{Type: icmp.Type(), Code: icmp.Code(), Size: ip.TotalLength()}
		if m.Type == wire.ICMPv4Unreachable && m.Code == wire.ICMPv4FragNeeded {
			m.MTU = icmp.MTU()
		}
	} else if ip, err := wire.CheckIPv6(packet); err == nil {
		u, err := ip.Upper()
		if err != nil || u.Protocol != wire.ProtoICMPv6 || u.Offset != 0 {
			return false
		}
		icmp, err := wire.CheckICMPv6(u.Data)
		if err != nil {
			return false
		}
		if q, err = icmp.Quote(); err != nil {
			return false
		}
		*m = event.ICMP{Type: icmp.Type(), Code: icmp.Code(), Size: wire.IPv6Header + ip.PayloadLength()}
		if m.Type == wire.ICMPv6TooBig {
			m.MTU = int(min(icmp.MTU(), 1<<31-1))
		}
	} else {
		return false
	}
	m.Wire = string(packet[:min(len(packet), m.Size)])
	return quoted(&q, s)
}

// quoted fills s from a quotation, false if it is of no TCP segment or has not its sequence number.
func quoted(q *wire.Quote, s *event.Segment) bool {
	seq, tcp := q.TCPSeq()
	src, dst, ports := q.Ports()
	if !tcp || !ports {
		return false
	}
	*s = event.Segment{Src: netip.AddrPortFrom(q.Src, src), Dst: netip.AddrPortFrom(q.Dst, dst), Seq: seq, Size: q.TotalLength, Hop: q.TTL}
	if !q.IPv6 {
		s.IPID = uint16(q.ID)
	}
	return true
}

// aboutPacket begins the number of the packet in the comment of a message that Run has written.
const aboutPacket = "about packet "

// message takes the ICMP message of p, and reports whether it is about a connection that was seen.
func (v *Replay) message(p *Packet, ip []byte) (bool, error) {
	var m event.ICMP
	var s event.Segment
	if !v.begun || !message(ip, &m, &s) {
		return false, nil
	}
	host, _ := ownTap(p)
	if !v.both || host == event.None {
		client, known := v.clients[pairOf(&s)]
		if !known {
			return false, nil
		}
		if host = event.Server; s.Src == client {
			host = event.Client
		}
	}
	conn := v.flows.Last(host, event.Tuple{Local: s.Src, Remote: s.Dst})
	if conn == 0 {
		return false, nil
	}
	for _, c := range p.Comments {
		if _, n, ok := strings.Cut(c, aboutPacket); ok && v.both {
			n, _, _ = strings.Cut(n, ",")
			id, _ := strconv.ParseUint(n, 10, 31) // of another's comment nothing is taken
			s.ID = int(id)
		}
	}
	v.e = event.Event{Seg: s, ICMP: m, T: v.e.T}
	return true, v.put(v.moment(p), event.KindICMP, host, conn)
}
