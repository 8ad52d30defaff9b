package link

import (
	"net/netip"
	"slices"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// Ledger numbers the packets and datagrams of a path. The links of one path share it, each with the goroutine of the clock.
type Ledger struct {
	// Last is the number of the last node, the server.
	Last           int
	ids, datagrams int
	seen           map[flow][]seen
	told           map[flow]int // the datagram that a source sends in fragments
}

// flow is what the fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5; the protocol serves
// to keep IPv6 datagrams without a Fragment header apart).
type flow struct {
	src, dst netip.Addr
	ident    uint32
	protocol uint8
}

// seen is a packet that has reached a node.
type seen struct {
	node, id, datagram, about, offset, end int
	sent                                   int // octets of it that have left the node
}

// remembered bounds the packets of one flow that are kept: a datagram of 64 KiB has 8192 fragments at most.
const remembered = 1 << 14

// ReadPacket returns what the header of an IP packet says, and what an ICMP message in it; false if b is none or cut.
func ReadPacket(b []byte) (p event.Packet, icmp event.ICMP, ok bool) {
	if ip, err := wire.CheckIPv4(b); err == nil {
		p = event.Packet{Src: ip.Src(), Dst: ip.Dst(), Header: ip.HeaderLen(), Size: ip.TotalLength(), TOS: ip.TOS(), Ident: uint32(ip.ID()), HasIdent: true,
			DF: ip.DF(), MF: ip.MF(), Offset: ip.Offset(), TTL: ip.TTL(), Protocol: ip.Protocol(), Checksum: ip.Checksum(), BadSum: !ip.ChecksumOK(),
			Options: string(ip.Options())}
		p.Data = p.Size - p.Header
		return p, icmpOf(&p, ip.Payload()), !ip.Truncated()
	}
	ip, err := wire.CheckIPv6(b)
	if err != nil || ip.Truncated() {
		return event.Packet{}, event.ICMP{}, false
	}
	u, err := ip.Upper()
	p = event.Packet{Src: ip.Src(), Dst: ip.Dst(), Size: wire.IPv6Header + ip.PayloadLength(), TOS: ip.TrafficClass(), Flow: ip.FlowLabel(), Ident: u.ID,
		HasIdent: u.Fragmented, MF: u.MF, Offset: u.Offset, TTL: ip.HopLimit(), Protocol: u.Protocol, Data: len(u.Data)}
	p.Header = p.Size - p.Data
	return p, icmpOf(&p, u.Data), err == nil
}

// icmpOf reads type, code and the MTU of the next hop, if data are those of an ICMP message's beginning.
func icmpOf(p *event.Packet, data []byte) event.ICMP {
	if p.Offset > 0 {
		return event.ICMP{}
	}
	switch p.Protocol {
	case wire.ProtoICMP:
		if m, err := wire.CheckICMPv4(data); err == nil {
			out := event.ICMP{Type: m.Type(), Code: m.Code()}
			if m.Type() == wire.ICMPv4Unreachable && m.Code() == wire.ICMPv4FragNeeded {
				out.MTU = m.MTU()
			}
			return out
		}
	case wire.ProtoICMPv6:
		if m, err := wire.CheckICMPv6(data); err == nil {
			out := event.ICMP{Type: m.Type(), Code: m.Code()}
			if m.Type() == wire.ICMPv6TooBig {
				out.MTU = int(min(m.MTU(), 1<<31-1))
			}
			return out
		}
	}
	return event.ICMP{}
}

// quoted returns flow and offset of the packet that an ICMP error quotes, false for all other packets.
func quoted(p *event.Packet, packet []byte) (f flow, offset int, ok bool) {
	q, ok := quote(p, packet)
	return flow{q.Src, q.Dst, q.ID, q.Protocol}, q.Offset, ok
}

func flowOf(p *event.Packet) flow { return flow{p.Src, p.Dst, p.Ident, p.Protocol} }

// departs gives p, which leaves node, its numbers.
func (l *Ledger) departs(p *event.Packet, packet []byte) {
	l.ids++
	p.ID = l.ids
	f := flowOf(p)
	if from, ok := l.before(p.Node, f, p.Offset, p.Offset+p.Data); ok {
		p.Parent, p.Datagram, p.About = from.id, from.datagram, from.about
		from.sent += p.Data
		return
	}
	p.Datagram = l.begins(f, p)
	if f, offset, ok := quoted(p, packet); ok {
		if from, ok := l.before(p.Node, f, offset, offset+1); ok {
			p.About = from.id
		}
	}
}

// begins returns the number of the datagram that p is, or is a fragment of, at its source. The first fragment leaves first.
func (l *Ledger) begins(f flow, p *event.Packet) int {
	if l.told == nil {
		l.told = make(map[flow]int)
	}
	if n := l.told[f]; n != 0 && p.Offset > 0 {
		return n
	}
	l.datagrams++
	l.told[f] = l.datagrams
	return l.datagrams
}

// copied gives p, a second transmission that a rule made, a number of its own.
func (l *Ledger) copied(p *event.Packet) {
	l.ids++
	p.ID = l.ids
}

// arrives notes that p has reached node.
func (l *Ledger) arrives(p *event.Packet) {
	if l.seen == nil {
		l.seen = make(map[flow][]seen)
	}
	f := flowOf(p)
	list := l.seen[f]
	if len(list) >= remembered {
		list = slices.Delete(list, 0, remembered/2)
	}
	l.seen[f] = append(list, seen{p.Node, p.ID, p.Datagram, p.About, p.Offset, p.Offset + p.Data, 0})
}

// before returns the packet of the flow that has reached node and holds the octets: the first that has not left it, else the last.
func (l *Ledger) before(node int, f flow, offset, end int) (found *seen, ok bool) {
	list := l.seen[f]
	for i := range list {
		s := &list[i]
		if s.node != node || s.offset > offset || end > s.end {
			continue
		}
		if found = s; s.sent < s.end-s.offset {
			break
		}
	}
	return found, found != nil
}
