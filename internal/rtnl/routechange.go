package rtnl

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// AddRoute sends route as RTM_NEWROUTE. flags say what happens if there is one
// already: NLM_F_CREATE alone puts it in front of routes with another gateway,
// as the SIOCADDRT ioctl does; with NLM_F_EXCL it fails with unix.EEXIST;
// NLM_F_REPLACE and NLM_F_APPEND as linux/netlink.h has them.
func (c *Conn) AddRoute(route *Route, flags uint16) error {
	return c.changeRoute("add route", unix.RTM_NEWROUTE, flags, route)
}

// DelRoute deletes the first route that agrees with route in all fields that
// are given; none is unix.ESRCH. An RT_SCOPE_NOWHERE Scope and a zero Type or
// Protocol agree with all (net/ipv4/fib_trie.c, fib_table_delete).
func (c *Conn) DelRoute(route *Route) error {
	return c.changeRoute("delete route", unix.RTM_DELROUTE, 0, route)
}

func (c *Conn) changeRoute(op string, typ, flags uint16, route *Route) error {
	r := c.nl.Request(typ, flags)
	route.encode(r, typ == unix.RTM_DELROUTE)
	return c.nl.Do(op, r)
}

// encode writes struct rtmsg and the attributes of the fields that are set.
func (r *Route) encode(req *netlink.Request, deleting bool) {
	r.head(req, deleting)
	prefix(req, unix.RTA_DST, r.Dst)
	prefix(req, unix.RTA_SRC, r.Src)
	r.gateway(req, r.Gateway)
	optional(req, unix.RTA_OIF, uint32(r.Oif))
	optional(req, unix.RTA_PRIORITY, r.Priority)
	optional(req, rtaNHID, r.NexthopID)
	optional(req, unix.RTA_EXPIRES, uint32(r.Expires))
	if r.Table > 0xff {
		req.Uint32(unix.RTA_TABLE, r.Table)
	}
	if r.PrefSrc.IsValid() {
		req.Addr(unix.RTA_PREFSRC, r.PrefSrc)
	}
	if r.Pref != 0 {
		req.Uint8(unix.RTA_PREF, r.Pref)
	}
	r.Metrics.encode(req)
	if len(r.Multipath) > 0 {
		r.encodeMultipath(req)
	}
	r.Encap.encode(req)
	optional(req, unix.RTA_FLOW, r.Realms)
	req.Append([]byte(r.Other)...)
}

// encode writes the two attributes of a tunnel. RTA_ENCAP is sent as a nest, which kernels with strict checking ask for.
func (e *Encap) encode(req *netlink.Request) {
	if e.Type == 0 {
		return
	}
	req.Uint16(unix.RTA_ENCAP_TYPE, e.Type)
	req.Bytes(unix.RTA_ENCAP|unix.NLA_F_NESTED, []byte(e.Data))
}

func (r *Route) head(req *netlink.Request, deleting bool) {
	b := req.Fixed(unix.SizeofRtMsg)
	b[0], b[3] = r.Family, r.Tos
	b[1], b[2] = bits(r.Dst), bits(r.Src)
	switch {
	case r.Table == 0:
		b[4] = unix.RT_TABLE_MAIN
	case r.Table <= 0xff:
		b[4] = uint8(r.Table)
	}
	b[5], b[6], b[7] = r.Protocol, r.Scope, r.Type
	if r.Type == 0 && !deleting {
		b[7] = unix.RTN_UNICAST
	}
	binary.NativeEndian.PutUint32(b[8:], r.Flags)
}

// bits is the prefix length, 0 for an invalid prefix.
func bits(p netip.Prefix) uint8 {
	if !p.IsValid() {
		return 0
	}
	return uint8(p.Bits())
}

// prefix appends the address of p. The kernel takes a length of 0 without an
// address for "any".
func prefix(req *netlink.Request, typ uint16, p netip.Prefix) {
	if bits(p) > 0 {
		req.Addr(typ, p.Addr())
	}
}

func optional(req *netlink.Request, typ uint16, v uint32) {
	if v != 0 {
		req.Uint32(typ, v)
	}
}

func (r *Route) gateway(req *netlink.Request, gw netip.Addr) {
	switch {
	case !gw.IsValid():
	case family(gw) == r.Family:
		req.Addr(unix.RTA_GATEWAY, gw)
	default:
		mark := req.OpenPlain(unix.RTA_VIA)
		req.Append(binary.NativeEndian.AppendUint16(nil, uint16(family(gw)))...)
		req.AppendAddr(gw)
		req.Close(mark)
	}
}

func (m *Metrics) encode(req *netlink.Request) {
	if *m == (Metrics{}) {
		return
	}
	mark := req.Open(unix.RTA_METRICS)
	for typ := uint16(unix.RTAX_LOCK); typ <= unix.RTAX_MAX; typ++ {
		if field := m.Field(typ); field != nil {
			optional(req, typ, *field)
		}
	}
	if m.CongAlg != "" {
		req.String(unix.RTAX_CC_ALGO, m.CongAlg)
	}
	req.Append([]byte(m.Other)...)
	req.Close(mark)
}

func (r *Route) encodeMultipath(req *netlink.Request) {
	mark := req.OpenPlain(unix.RTA_MULTIPATH)
	for i := range r.Multipath {
		hop := &r.Multipath[i]
		at := req.Len()
		b := req.Fixed(unix.SizeofRtNexthop)
		b[2], b[3] = hop.Flags, uint8(max(hop.Weight, 1)-1)
		binary.NativeEndian.PutUint32(b[4:], uint32(hop.Oif))
		r.gateway(req, hop.Gateway)
		hop.Encap.encode(req)
		optional(req, unix.RTA_FLOW, hop.Realms)
		req.Append([]byte(hop.Other)...)
		req.SetUint16(at, uint16(req.Len()-at))
	}
	req.Close(mark)
}
