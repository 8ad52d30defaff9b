package event

import (
	"math"
	"net/netip"
)

// datagram takes what a packet, a buffer and a path have.
func (p *parts) datagram(key []byte) bool {
	switch string(key) {
	case "packet":
		x := &Packet{}
		p.members(func(key []byte) { p.packetMember(key, x) })
		p.e.Packet = x
	case "reassembly":
		x := &Reassembly{}
		p.members(func(key []byte) { p.reassemblyMember(key, x) })
		p.e.Reassembly = x
	default:
		return p.pathMember(key)
	}
	return true
}

func (p *parts) packetMember(key []byte, x *Packet) {
	switch string(key) {
	case "id":
		x.ID = p.count()
	case "link":
		x.Link = p.place()
	case "node":
		x.Node = p.place()
	case "datagram":
		x.Datagram = p.count()
	case "parent":
		x.Parent = p.count()
	case "about":
		x.About = p.count()
	case "src":
		x.Src = p.ip()
	case "dst":
		x.Dst = p.ip()
	case "header":
		x.Header = p.octets()
	case "data":
		x.Data = p.octets()
	case "size":
		x.Size = p.octets()
	default:
		p.headerMember(key, x)
	}
}

// headerMember takes a field of the IP header.
func (p *parts) headerMember(key []byte, x *Packet) {
	switch string(key) {
	case "tos":
		x.TOS = uint8(p.uint(math.MaxUint8))
	case "flow_label":
		x.Flow = uint32(p.uint(1<<20 - 1))
	case "ident":
		x.Ident, x.HasIdent = uint32(p.uint(math.MaxUint32)), true
	case "df":
		x.DF = p.bool()
	case "mf":
		x.MF = p.bool()
	case "offset":
		x.Offset = p.octets()
	case "ttl":
		x.TTL = uint8(p.uint(math.MaxUint8))
	case "protocol":
		x.Protocol = uint8(p.uint(math.MaxUint8))
	case "checksum":
		x.Checksum = uint16(p.uint(math.MaxUint16))
	case "checksum_ok":
		x.BadSum = !p.bool()
	case "options":
		x.Options = p.wire()
	case "wire":
		x.Wire = p.wire()
	default:
		p.skip()
	}
}

func (p *parts) reassemblyMember(key []byte, x *Reassembly) {
	switch string(key) {
	case "step":
		x.Step = Step(p.word(stepNames[:]))
	case "node":
		x.Node = p.place()
	case "datagram":
		x.Datagram = p.count()
	case "packet":
		x.Packet = p.count()
	case "held":
		p.elements(func() { x.Held = append(x.Held, p.piece()) })
	case "octets":
		x.Octets = p.octets()
	case "total":
		x.Total = p.octets()
	case "since_ns":
		x.Since = p.time()
	case "until_ns":
		x.Until = p.time()
	default:
		p.skip()
	}
}

// piece takes a piece of a datagram's data.
func (p *parts) piece() (r Range) {
	p.members(func(key []byte) {
		switch string(key) {
		case "left":
			r.First = int64(p.octets())
		case "right":
			r.Last = int64(p.octets())
		default:
			p.skip()
		}
	})
	return r
}

func (p *parts) pathMember(key []byte) bool {
	x := p.run.Path
	if x == nil {
		x = &Path{}
	}
	switch string(key) {
	case "path_size":
		x.Size = p.octets()
	case "path_count":
		x.Count = p.count()
	case "path_ttl":
		x.TTL = uint8(p.uint(math.MaxUint8))
	case "path_tos":
		x.TOS = uint8(p.uint(math.MaxUint8))
	case "path_df":
		x.DF = p.bool()
	case "path_loop":
		x.Loop = p.bool()
	case "path_options":
		x.Options = p.texts("option")
	case "path_nodes":
		p.elements(func() { x.Nodes = append(x.Nodes, p.node()) })
	case "path_links":
		p.elements(func() { x.Links = append(x.Links, p.hop()) })
	default:
		return false
	}
	p.run.Path = x
	return true
}

func (p *parts) node() (n Node) {
	p.members(func(key []byte) {
		switch string(key) {
		case "name":
			n.Name = string(p.text())
		case "stack":
			n.Stack = string(p.text())
		case "kernel":
			n.Kernel = p.bool()
		default:
			p.skip()
		}
	})
	return n
}

func (p *parts) hop() (h Hop) {
	p.members(func(key []byte) {
		switch string(key) {
		case "mtu":
			h.MTU = p.octets()
		case "near":
			h.Near = string(p.text())
		case "far":
			h.Far = string(p.text())
		default:
			p.skip()
		}
	})
	return h
}

// octets takes a length or a place within a packet, place that of a node or link.
func (p *parts) octets() int { return int(p.int(0, 1<<20)) }
func (p *parts) place() int  { return int(p.int(0, math.MaxInt32)) }

// ip takes an address, which may be absent.
func (p *parts) ip() netip.Addr {
	p.next()
	at := p.i
	a, err := netip.ParseAddr(string(p.text()))
	if err != nil {
		p.fail(at, "an address")
	}
	return a
}
