package attach

import (
	"encoding/binary"
	"net/netip"
	"time"

	"gnet/internal/wire"
)

// The types of neighbour discovery (RFC 4861 section 4) and of multicast listener discovery (RFC 2710, RFC 3810).
const (
	typeIPv6 = 0x86dd // of Ethernet

	mldQuery           = 130
	mldReport          = 131
	routerSolicitation = 133
	routerAdvert       = 134
	neighbourSolicit   = 135
	neighbourAdvert    = 136
	mldReportV2        = 143

	// ndpHops is the hop limit of every message: one that a router has forwarded is heeded by nobody.
	ndpHops = 255
)

// The options of neighbour discovery (RFC 4861 section 4.6), and the flags of an advertisement (section 4.4).
const (
	optionSource = 1
	optionTarget = 2
	optionPrefix = 3
	optionMTU    = 5

	advertSolicited = 1 << 30
	advertOverride  = 1 << 29
)

// solicitedNode is the group in which the holder of addr is asked for (RFC 4291 section 2.7.1).
func solicitedNode(addr netip.Addr) netip.Addr {
	a := addr.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: a[13], 14: a[14], 15: a[15]})
}

// group is the MAC address of a group of IPv6 (RFC 2464 section 7).
func group(addr netip.Addr) MAC {
	a := addr.As16()
	return MAC{0x33, 0x33, a[12], a[13], a[14], a[15]}
}

// The groups of all nodes, all routers (RFC 4291 section 2.7.1) and all that listen to reports of version 2 (RFC 3810 section 5.2.14).
func allNodes() netip.Addr     { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 1}) }
func allRouters() netip.Addr   { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 2}) }
func allListeners() netip.Addr { return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x16}) }

// interfaceAddr is the address in a prefix of 64 bits that follows from a MAC address (RFC 4291 appendix A). The engine's is drawn anew
// for each run, so it says nothing of anybody.
func interfaceAddr(prefix netip.Prefix, m MAC) netip.Addr {
	a := prefix.Addr().As16()
	copy(a[8:], []byte{m[0] ^ 2, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]})
	return netip.AddrFrom16(a)
}

// linkLocal is the address that every interface of IPv6 has.
func linkLocal(m MAC) netip.Addr {
	return interfaceAddr(netip.PrefixFrom(netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80}), 64), m)
}

// icmp6 makes a frame with a message of ICMPv6, behind the header of hop-by-hop options if there is one.
func icmp6(from, to MAC, src, dst netip.Addr, hops uint8, ext []byte, typ uint8, rest uint32, body []byte) []byte {
	m := wire.AppendICMPv6(nil, src, dst, typ, 0, rest, body)
	f := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: hops, Src: src, Dst: dst}
	if len(ext) > 0 {
		f.NextHeader = wire.ProtoHopByHop
	}
	p, err := f.Append(nil, len(ext)+len(m))
	if err != nil {
		panic(err) // all of it is our own
	}
	return frame(to, from, typeIPv6, append(append(p, ext...), m...))
}

// linkOption is an option with a MAC address.
func linkOption(typ byte, m MAC) []byte { return append([]byte{typ, 1}, m[:]...) }

// solicit asks for the holder of target; an invalid or unspecified src is that of a probe (RFC 4862 section 5.4.2), which has no option.
func solicit(mac MAC, src, target netip.Addr) []byte {
	body := target.AsSlice()
	if !src.IsValid() {
		src = netip.IPv6Unspecified()
	}
	if !src.IsUnspecified() {
		body = append(body, linkOption(optionSource, mac)...)
	}
	to := solicitedNode(target)
	return icmp6(mac, group(to), src, to, ndpHops, nil, neighbourSolicit, 0, body)
}

// advertise says who holds target: to whoever asked, or to all nodes if that has no address yet (RFC 4861 section 7.2.4).
func advertise(mac MAC, target netip.Addr, toMAC MAC, to netip.Addr) []byte {
	flags := uint32(advertSolicited | advertOverride)
	if to.IsUnspecified() {
		to, flags = allNodes(), advertOverride
		toMAC = group(to)
	}
	return icmp6(mac, toMAC, target, to, ndpHops, nil, neighbourAdvert, flags, append(target.AsSlice(), linkOption(optionTarget, mac)...))
}

// solicitRouters asks all routers who they are (RFC 4861 section 6.3.7).
func solicitRouters(mac MAC, src netip.Addr) []byte {
	to := allRouters()
	return icmp6(mac, group(to), src, to, ndpHops, nil, routerSolicitation, 0, linkOption(optionSource, mac))
}

// routerAlert is the header of hop-by-hop options of every message about groups (RFC 3810 section 5).
func routerAlert() []byte { return []byte{wire.ProtoICMPv6, 0, 5, 2, 0, 0, 1, 0} }

// The kinds of records in a report (RFC 3810 section 5.2.12).
const (
	isExclude = 2 // an answer: the group from all sources
	toExclude = 4 // news
)

// report says which groups the engine is in. A bridge that snoops passes solicitations only to ports that have asked for their group.
func report(mac MAC, src netip.Addr, kind byte, groups ...netip.Addr) []byte {
	var body []byte
	for _, g := range groups {
		body = append(append(body, kind, 0, 0, 0), g.AsSlice()...)
	}
	to := allListeners()
	return icmp6(mac, group(to), src, to, 1, routerAlert(), mldReportV2, uint32(len(groups)), body)
}

// reportV1 is the answer to a router that speaks version 1 (RFC 3810 section 8.2.1), for one group.
func reportV1(mac MAC, src, g netip.Addr) []byte {
	return icmp6(mac, group(g), src, g, 1, routerAlert(), mldReport, 0, g.AsSlice())
}

// neighbour is a solicitation or an advertisement.
type neighbour struct {
	advert, override bool
	src, target      netip.Addr
	mac              MAC // zero without the option
}

// readNDP returns the message of ICMPv6 in a packet if it is one of neighbour discovery that is to be heeded (RFC 4861 sections 6.1 and 7.1).
func readNDP(packet []byte) (ip wire.IPv6, m wire.ICMPv6, ok bool) {
	ip, err := wire.CheckIPv6(packet)
	if err != nil || ip.Truncated() || ip.NextHeader() != wire.ProtoICMPv6 || ip.HopLimit() != ndpHops {
		return nil, nil, false
	}
	m, err = wire.CheckICMPv6(ip.Payload())
	return ip, m, err == nil && m.Code() == 0 && m.ChecksumOK(ip.Src(), ip.Dst())
}

// readNeighbour reads a solicitation or an advertisement.
func readNeighbour(ip wire.IPv6, m wire.ICMPv6) (n neighbour, ok bool) {
	n = neighbour{advert: m.Type() == neighbourAdvert, override: binary.BigEndian.Uint32(m[4:])&advertOverride != 0, src: ip.Src()}
	if m.Type() != neighbourSolicit && !n.advert || len(m.Body()) < 16 {
		return n, false
	}
	n.target = netip.AddrFrom16([16]byte(m.Body()))
	want := byte(optionSource)
	if n.advert {
		want = optionTarget
	}
	ok = eachOption(m.Body()[16:], func(typ byte, value []byte) {
		if typ == want && len(value) >= 6 {
			n.mac = MAC(value)
		}
	})
	return n, ok && !n.target.IsMulticast()
}

// eachOption yields the options of a message, and reports whether all their lengths are right: if not, the message is not heeded.
func eachOption(b []byte, yield func(typ byte, value []byte)) bool {
	for len(b) > 0 {
		if len(b) < 2 || b[1] == 0 || int(b[1])*8 > len(b) {
			return false
		}
		n := int(b[1]) * 8
		yield(b[0], b[2:n])
		b = b[n:]
	}
	return true
}

// router is what a router advertisement says, as far as a host needs it.
type router struct {
	addr     netip.Addr
	lifetime time.Duration // as default router; 0: it is none
	mtu      int           // 0 if it says none
	// prefix is the first from which hosts form their addresses themselves; onLink says that its addresses are neighbours.
	prefix netip.Prefix
	onLink bool
}

// The flags of a prefix (RFC 4861 section 4.6.2).
const (
	prefixOnLink     = 0x80
	prefixAutonomous = 0x40
)

// readRouter reads an advertisement of a router's.
func readRouter(ip wire.IPv6, m wire.ICMPv6) (r router, ok bool) {
	if m.Type() != routerAdvert || len(m.Body()) < 8 || !ip.Src().IsLinkLocalUnicast() {
		return r, false
	}
	r = router{addr: ip.Src(), lifetime: time.Duration(binary.BigEndian.Uint16(m[6:])) * time.Second}
	ok = eachOption(m.Body()[8:], func(typ byte, v []byte) {
		switch {
		case typ == optionMTU && len(v) >= 6:
			r.mtu = int(binary.BigEndian.Uint32(v[2:]))
		case typ == optionPrefix && len(v) >= 30 && !r.prefix.IsValid():
			p := netip.PrefixFrom(netip.AddrFrom16([16]byte(v[14:])), int(v[0])).Masked()
			valid := binary.BigEndian.Uint32(v[2:])
			// RFC 4862 section 5.5.3; an identifier of 64 bits takes a prefix of as many.
			if v[1]&prefixAutonomous != 0 && valid > 0 && p.Bits() == 64 && !p.Addr().IsLinkLocalUnicast() {
				r.prefix, r.onLink = p, v[1]&prefixOnLink != 0
			}
		}
	})
	return r, ok
}

// readQuery reads a question of multicast listener discovery: the group, unspecified for all, the most time to answer in, and whether it is
// of version 1.
func readQuery(packet []byte) (g netip.Addr, within time.Duration, v1, ok bool) {
	ip, err := wire.CheckIPv6(packet)
	if err != nil || ip.Truncated() || ip.HopLimit() != 1 || !ip.Src().IsLinkLocalUnicast() {
		return g, 0, false, false
	}
	u, err := ip.Upper()
	if err != nil || u.Protocol != wire.ProtoICMPv6 || u.Fragmented {
		return g, 0, false, false
	}
	m, err := wire.CheckICMPv6(u.Data)
	if err != nil || m.Type() != mldQuery || len(m.Body()) < 16 || !m.ChecksumOK(ip.Src(), ip.Dst()) {
		return g, 0, false, false
	}
	code := binary.BigEndian.Uint16(m[4:])
	ms := uint32(code)
	if v1 = len(m) < 28; !v1 && code >= 0x8000 { // a number with an exponent (RFC 3810 section 5.1.3)
		ms = uint32(code&0xfff|0x1000) << (code>>12&7 + 3)
	}
	return netip.AddrFrom16([16]byte(m.Body())), time.Duration(ms) * time.Millisecond, v1, true
}
