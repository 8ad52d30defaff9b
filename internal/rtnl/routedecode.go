package rtnl

import (
	"encoding/binary"
	"math"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// What x/sys lacks of linux/rtnetlink.h.
const (
	rtaDPort         = 29 // RTA_DPORT
	rtaNHID          = 30 // RTA_NH_ID
	sizeofCacheinfo  = 32 // struct rta_cacheinfo
	minimumCacheinfo = 16 // up to rta_error
	ticksPerSecond   = 100
)

// DecodeRoute reads the body of an RTM_NEWROUTE or RTM_DELROUTE message, as a file of such messages holds it, into r, whose
// Multipath is reused. names gives the names of interfaces and may be nil. A body that cannot be one is
// netlink.ErrShortMessage or netlink.ErrBadAttribute.
func DecodeRoute(body []byte, names map[int]string, r *Route) error {
	_, err := decodeRoute(netlink.Message{Type: unix.RTM_NEWROUTE, Body: body}, names, r)
	return err
}

// decodeRoute reads struct rtmsg and its attributes (net/ipv4/fib_semantics.c,
// fib_dump_info; net/ipv6/route.c, rt6_fill_node). names may be nil.
func decodeRoute(m netlink.Message, names map[int]string, r *Route) (bool, error) {
	if m.Type != unix.RTM_NEWROUTE && m.Type != unix.RTM_DELROUTE {
		return false, nil
	}
	if len(m.Body) < unix.SizeofRtMsg {
		return false, netlink.ErrShortMessage
	}
	*r = Route{
		Family:    m.Body[0],
		Tos:       m.Body[3],
		Table:     uint32(m.Body[4]),
		Protocol:  m.Body[5],
		Scope:     m.Body[6],
		Type:      m.Body[7],
		Flags:     binary.NativeEndian.Uint32(m.Body[8:]),
		Multipath: r.Multipath[:0],
	}
	dst, src := unspecified(r.Family), netip.Addr{}
	if m.Body[2] != 0 {
		src = unspecified(r.Family)
	}
	attrs := netlink.ReadAttrs(m.Body[unix.SizeofRtMsg:])
	for attrs.Next() {
		switch attrs.Type() {
		case unix.RTA_DST:
			dst = attrs.Addr()
		case unix.RTA_SRC:
			src = attrs.Addr()
		default:
			r.attribute(&attrs, names)
		}
	}
	r.Dst = netip.PrefixFrom(dst, int(m.Body[1]))
	if src.IsValid() {
		r.Src = netip.PrefixFrom(src, int(m.Body[2]))
	}
	if attrs.Err() == nil && (!r.consistent() || src.IsValid() && !r.Src.IsValid()) {
		return false, netlink.ErrBadAttribute
	}
	return true, attrs.Err()
}

// consistent reports whether the destination fits its family. Other families
// (multicast routing has its own) have no destination that can be read.
func (r *Route) consistent() bool {
	want := unspecified(r.Family)
	return !want.IsValid() || r.Dst.IsValid() && r.Dst.Addr().BitLen() == want.BitLen()
}

func unspecified(family uint8) netip.Addr {
	switch family {
	case unix.AF_INET:
		return netip.IPv4Unspecified()
	case unix.AF_INET6:
		return netip.IPv6Unspecified()
	}
	return netip.Addr{}
}

func (r *Route) attribute(a *netlink.Attrs, names map[int]string) {
	switch a.Type() {
	case unix.RTA_GATEWAY:
		r.Gateway = a.Addr()
	case unix.RTA_VIA:
		r.Gateway = via(a)
	case unix.RTA_OIF:
		r.Oif = int(a.Uint32())
		r.OifName = names[r.Oif]
	case unix.RTA_IIF:
		r.Iif = int(a.Uint32())
	case unix.RTA_PRIORITY:
		r.Priority = a.Uint32()
	case unix.RTA_TABLE:
		r.Table = a.Uint32()
	case unix.RTA_PREFSRC:
		r.PrefSrc = a.Addr()
	case unix.RTA_METRICS:
		r.Metrics.decode(a)
	case unix.RTA_MULTIPATH:
		r.multipath(a, names)
	case rtaNHID:
		r.NexthopID = a.Uint32()
	case unix.RTA_PREF:
		r.Pref = a.Uint8()
	case unix.RTA_CACHEINFO:
		r.cacheinfo(a)
	case unix.RTA_ENCAP_TYPE:
		r.Encap.Type = a.Uint16()
	case unix.RTA_ENCAP:
		r.Encap.Data = string(a.Data())
	case unix.RTA_FLOW:
		r.Realms = a.Uint32()
	case unix.RTA_EXPIRES:
		r.Expires = int32(min(uint64(a.Uint32())*ticksPerSecond, math.MaxInt32)) // in a message of our own
	case unix.RTA_UID, unix.RTA_MARK, unix.RTA_PAD:
		// Only in the answer to RTM_GETROUTE of one address, where they repeat the question.
	default:
		r.Other = keep(r.Other, a)
	}
}

// keep appends an attribute that nothing here reads to the others of its kind.
func keep(others string, a *netlink.Attrs) string {
	var raw netlink.Request
	raw.Bytes(a.RawType(), a.Data())
	return others + string(raw.Raw())
}

// cacheinfo reads struct rta_cacheinfo, which has grown over time.
func (r *Route) cacheinfo(a *netlink.Attrs) {
	b := a.Data()
	if len(b) < minimumCacheinfo {
		a.Fail()
		return
	}
	r.Refs = binary.NativeEndian.Uint32(b)
	r.LastUse = binary.NativeEndian.Uint32(b[4:])
	r.Expires = int32(binary.NativeEndian.Uint32(b[8:]))
	r.Error = int32(binary.NativeEndian.Uint32(b[12:]))
}

// via reads struct rtvia: an address family and an address of that family.
func via(a *netlink.Attrs) netip.Addr {
	b := a.Data()
	if len(b) < 2 {
		a.Fail()
		return netip.Addr{}
	}
	addr, ok := netip.AddrFromSlice(b[2:])
	if !ok {
		a.Fail()
	}
	return addr
}

func (m *Metrics) decode(a *netlink.Attrs) {
	nested := a.Nested()
	for nested.Next() {
		if nested.Type() == unix.RTAX_CC_ALGO {
			m.CongAlg = nested.String()
		} else if field := m.Field(nested.Type()); field != nil {
			*field = nested.Uint32()
		} else {
			m.Other = keep(m.Other, &nested)
		}
	}
	if nested.Err() != nil {
		a.Fail()
	}
}

// multipath reads the array of struct rtnexthop, each with a length of its own
// and attributes behind it.
func (r *Route) multipath(a *netlink.Attrs, names map[int]string) {
	rest := a.Data()
	for len(rest) >= unix.SizeofRtNexthop {
		size := int(binary.NativeEndian.Uint16(rest))
		if size < unix.SizeofRtNexthop || size > len(rest) {
			a.Fail()
			return
		}
		hop := Nexthop{
			Flags:  rest[2],
			Weight: int(rest[3]) + 1,
			Oif:    int(int32(binary.NativeEndian.Uint32(rest[4:]))),
		}
		hop.OifName = names[hop.Oif]
		attrs := netlink.ReadAttrs(rest[unix.SizeofRtNexthop:size])
		for attrs.Next() {
			switch attrs.Type() {
			case unix.RTA_GATEWAY:
				hop.Gateway = attrs.Addr()
			case unix.RTA_VIA:
				hop.Gateway = via(&attrs)
			case unix.RTA_ENCAP_TYPE:
				hop.Encap.Type = attrs.Uint16()
			case unix.RTA_ENCAP:
				hop.Encap.Data = string(attrs.Data())
			case unix.RTA_FLOW:
				hop.Realms = attrs.Uint32()
			case unix.RTA_PAD:
			default:
				hop.Other = keep(hop.Other, &attrs)
			}
		}
		if attrs.Err() != nil {
			a.Fail()
			return
		}
		r.Multipath = append(r.Multipath, hop)
		rest = rest[min((size+3)&^3, len(rest)):]
	}
}
