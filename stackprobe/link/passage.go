package link

import (
	"hash/fnv"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// passage is one packet on its way: what a tap sees of it, and what the rules have done to it so far.
type passage struct {
	from   event.Host
	packet []byte
	// number is its place among all packets of the link, copies included.
	number uint64
	// left is the moment at which it left its sender, wait what rules have added to its way.
	left, wait time.Duration
	// behind is how many later packets it lets pass.
	behind int
	// copied tells the second transmission that a rule made, damaged that a rule turned a bit.
	copied, damaged bool
	// size is the length of the IP packet in octets.
	size int

	// tcp tells a readable TCP segment, and with it what follows; its header starts at the octet transport of packet, and
	// it ends before size.
	tcp       bool
	transport int
	conn      int
	seg       event.Segment
	numbers   event.Numbers

	// cut is the packet of which this is a fragment, nil for one that no router has cut.
	cut *fragments

	// ip is what the header of a packet on a link of a path says, nil on a link of TCP; icmp is of the message in it.
	ip   *event.Packet
	icmp event.ICMP
}

// shown reports whether the packet is an event: a TCP segment, or any packet on a link of a path.
func (p *passage) shown() bool { return p.tcp || p.ip != nil }

// id returns the number of the transmission.
func (p *passage) id() int {
	if p.ip != nil {
		return p.ip.ID
	}
	return p.seg.ID
}

// view returns segment and numbers, nil for a packet that is no TCP segment.
func (p *passage) view() (*event.Segment, *event.Numbers) {
	if !p.tcp {
		return nil, nil
	}
	return &p.seg, &p.numbers
}

// delay adds to the packet's way.
func (p *passage) delay(d time.Duration, f *event.Fault) effect {
	if d <= 0 {
		return none
	}
	p.wait += d
	f.Wait = int64(d)
	return changed
}

// corrupt turns one bit of the TCP segment, drawn by r. The IP header stays, so that the damage reaches the receiver.
func (p *passage) corrupt(r uint64, f *event.Fault) effect {
	if p.ip != nil {
		return p.corruptData(r, f)
	}
	if !p.tcp {
		return none
	}
	bit := p.transport*8 + int(r%uint64((p.size-p.transport)*8))
	p.packet[bit/8] ^= 0x80 >> (bit % 8)
	p.damaged = true
	f.Bit = bit
	return changed
}

// twin returns a copy of p, with bytes of its own.
func (p *passage) twin() *passage {
	q := *p
	q.packet = append([]byte(nil), p.packet...)
	q.copied = true
	if p.ip != nil {
		ip := *p.ip
		q.ip = &ip
	}
	return &q
}

// arrived brings the segment up to date with what the receiver's tap sees. The fields of the header stay those that it
// left with, by which the segment is known; what stands in them now is in Wire.
func (p *passage) arrived(snap int) {
	if !p.damaged || p.ip != nil {
		return
	}
	p.seg.Wire = string(p.packet[:min(p.size, snap)])
	segment := wire.TCP(p.packet[p.transport:p.size])
	p.seg.BadSum = !segment.ChecksumOK(p.seg.Src.Addr(), p.seg.Dst.Addr())
	if p.seg.Len > 0 {
		p.seg.Hash = hash(segment[len(segment)-p.seg.Len:])
	}
}

// hash is FNV-1a 64.
func hash(data []byte) uint64 {
	h := fnv.New64a()
	h.Write(data)
	return h.Sum64()
}
