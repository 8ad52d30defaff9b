package link

import (
	"encoding/binary"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// readPacket reads p as a packet of a path, and counts it.
func (l *Link) readPacket(p *passage, c *Count) {
	ip, icmp, ok := ReadPacket(p.packet)
	if !ok {
		c.Other++
		return
	}
	p.ip, p.icmp = &ip, icmp
	ip.Link, ip.Node = l.number, l.node(p.from)
	ip.Wire = string(p.packet[:min(ip.Size, len(p.packet), l.snap)])
	l.ledger.departs(p.ip, p.packet)
	c.Segments++
}

// node returns the number of the node at that side of the link.
func (l *Link) node(side event.Host) int {
	if side == event.Client {
		return l.number - 1
	}
	return l.number
}

// arrivePacket has p reach the other side. What a rule has changed in it is read anew.
func (l *Link) arrivePacket(p *passage) {
	ip := *p.ip
	if p.damaged {
		if read, icmp, ok := ReadPacket(p.packet); ok {
			read.ID, read.Link, read.Datagram, read.Parent, read.About = ip.ID, ip.Link, ip.Datagram, ip.Parent, ip.About
			ip, p.icmp = read, icmp
		}
		ip.Wire = string(p.packet[:min(ip.Size, len(p.packet), l.snap)])
	}
	ip.Node = l.node(p.from.Peer())
	l.ledger.arrives(&ip)
	p.ip = &ip
}

// aboutPacket returns the event of that kind about p. A router is no host.
func (l *Link) aboutPacket(p *passage, kind event.Kind, at time.Duration) event.Event {
	ip := *p.ip // an event's packet does not change
	e := event.Event{T: int64(at), Kind: kind, Packet: &ip, ICMP: p.icmp}
	switch ip.Node {
	case 0:
		e.Host = event.Client
	case l.ledger.Last:
		e.Host = event.Server
	}
	return e
}

// noun is what an event calls p.
func (p *passage) noun() string {
	if p.ip != nil {
		return "packet"
	}
	return "segment"
}

// matchesPacket reports whether p is in the rule's class on a path.
func (r *Rule) matchesPacket(p *passage) bool {
	switch r.Match {
	case MatchAny:
		return true
	case MatchFrag:
		return p.ip.Fragment()
	case MatchICMP:
		return p.ip.Protocol == wire.ProtoICMP || p.ip.Protocol == wire.ProtoICMPv6
	}
	return false
}

// corruptData turns one bit of the datagram's data, drawn by r.
func (p *passage) corruptData(r uint64, f *event.Fault) effect {
	if p.ip.Data == 0 {
		return none
	}
	bit := p.ip.Header*8 + int(r%uint64(p.ip.Data*8))
	p.packet[bit/8] ^= 0x80 >> (bit % 8)
	p.damaged = true
	f.Bit = bit
	return changed
}

// overlap has a fragment other than the first say that it begins 8 octets, the least that the header can say, before its
// place.
func (p *passage) overlap() effect {
	if p.ip.Offset == 0 {
		return none
	}
	if ip, err := wire.CheckIPv4(p.packet); err == nil {
		f := ip.Fields()
		f.Offset -= 8
		head, err := f.Append(nil, p.ip.Data)
		if err != nil {
			return none
		}
		copy(p.packet, head)
	} else {
		at := p.ip.Header - 8 // the Fragment header is the last
		binary.BigEndian.PutUint16(p.packet[at+2:], binary.BigEndian.Uint16(p.packet[at+2:])-8)
	}
	p.damaged = true
	return changed
}
