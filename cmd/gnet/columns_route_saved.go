package main

import (
	"encoding/hex"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// routeSaveSchema names the document of saved routes; gnet-json(5). routes.ReadSaved reads it.
const routeSaveSchema = "gnet/route-save/1"

// savedColumns describes a route with all that is needed to make it again.
func savedColumns() []render.Column[rtnl.Route] {
	columns := []render.Column[rtnl.Route]{
		{Field: render.Field{Name: "family", Kind: render.String, Doc: "inet or inet6"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Str(familyWord(r.Family)) }},
		{Field: render.Field{Name: "type", Kind: render.String, Doc: "unicast, local, blackhole, unreachable, prohibit and so on"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Str(routes.TypeName(r.Type)) }},
		{Field: render.Field{Name: "destination", Kind: render.String, Doc: "destination and prefix length"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Str(r.Dst.String()) }},
		{Field: render.Field{Name: "source", Kind: render.String, Doc: "source prefix that the route is for, IPv6"},
			Get: func(r *rtnl.Route, v *render.Value) { setPrefix(v, r.Src) }},
		{Field: render.Field{Name: "tos", Kind: render.Uint, Doc: "type of service that the route is for, IPv4; absent for all"},
			Get: func(r *rtnl.Route, v *render.Value) { setNonZero(v, uint64(r.Tos)) }},
		{Field: render.Field{Name: "table", Kind: render.Uint, Doc: "number of the table: 255 local, 254 main, 253 default"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Uint(uint64(r.Table)) }},
		{Field: render.Field{Name: "metric", Kind: render.Uint, Doc: "the lowest wins among routes of one prefix"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Uint(uint64(r.Priority)) }},
		{Field: render.Field{Name: "protocol", Kind: render.String, Doc: "what made the route: kernel, boot, static, ra and so on, or a number"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Str(routes.ProtocolName(r.Protocol)) }},
		{Field: render.Field{Name: "scope", Kind: render.String, Doc: "global, site, link, host, or a number; IPv4"},
			Get: func(r *rtnl.Route, v *render.Value) {
				if r.Family == unix.AF_INET {
					v.Str(routes.ScopeName(r.Scope))
				}
			}},
		{Field: render.Field{Name: "gateway", Kind: render.Addr, Doc: "next hop, of IPv4 routes also an IPv6 one; absent on the link"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Addr(r.Gateway) }},
		{Field: render.Field{Name: "iface", Kind: render.String, Doc: "interface; absent when the route has none"},
			Get: func(r *rtnl.Route, v *render.Value) { setName(v, r.OifName) }},
		{Field: render.Field{Name: "onlink", Kind: render.Bool, Doc: "true: the gateway need not be on a connected network"},
			Get: func(r *rtnl.Route, v *render.Value) { setOnlink(v, r.Flags) }},
	}
	return append(columns, savedExtras()...)
}

// savedExtras describes what few routes have.
func savedExtras() []render.Column[rtnl.Route] {
	return []render.Column[rtnl.Route]{
		{Field: render.Field{Name: "preferred_source", Kind: render.Addr, Doc: "source address of packets that have none yet"},
			Get: func(r *rtnl.Route, v *render.Value) { v.Addr(r.PrefSrc) }},
		{Field: render.Field{Name: "nexthop_id", Kind: render.Uint, Doc: "nexthop object that the route uses"},
			Get: func(r *rtnl.Route, v *render.Value) { setNonZero(v, uint64(r.NexthopID)) }},
		{Field: render.Field{Name: "nexthops", Kind: render.List, Doc: "the next hops, when there are several", Sub: savedHopFields()},
			Get: func(r *rtnl.Route, v *render.Value) { setSavedHops(v, r.Multipath) }},
		{Field: render.Field{Name: "metrics", Kind: render.List, Doc: "what TCP and path MTU discovery take from the route", Sub: savedMetricFields()},
			Get: func(r *rtnl.Route, v *render.Value) { setSavedMetrics(v, &r.Metrics) }},
		{Field: render.Field{Name: "expires_ns", Kind: render.Duration, Unit: "ns", Doc: "the rest of the lifetime, IPv6; absent when it does not end"},
			Get: func(r *rtnl.Route, v *render.Value) {
				if r.Expires > 0 {
					v.Duration(time.Duration(r.Expires) * (time.Second / 100))
				}
			}},
		{Field: render.Field{Name: "preference", Kind: render.String, Doc: "router preference low or high (RFC 4191), IPv6; absent for medium"},
			Get: func(r *rtnl.Route, v *render.Value) {
				if r.Pref != 0 {
					v.Str(routes.PreferenceName(r.Pref))
				}
			}},
		{Field: render.Field{Name: "realms", Kind: render.Uint, Doc: "realm of the source in the upper 16 bits, of the destination in the lower; IPv4"},
			Get: func(r *rtnl.Route, v *render.Value) { setNonZero(v, uint64(r.Realms)) }},
		{Field: render.Field{Name: "encap_type", Kind: render.Uint, Doc: "LWTUNNEL_ENCAP_ number of the tunnel"},
			Get: func(r *rtnl.Route, v *render.Value) { setNonZero(v, uint64(r.Encap.Type)) }},
		{Field: render.Field{Name: "encap", Kind: render.String, Doc: "attributes of the tunnel as the kernel has them, in hexadecimal"},
			Get: func(r *rtnl.Route, v *render.Value) { setHex(v, r.Encap.Data) }},
		{Field: render.Field{Name: "other", Kind: render.String, Doc: "attributes that this version does not know, likewise"},
			Get: func(r *rtnl.Route, v *render.Value) { setHex(v, r.Other) }},
	}
}

func savedHopFields() []render.Field {
	return append(nexthopFields(),
		render.Field{Name: "onlink", Kind: render.Bool, Doc: "as of the route"},
		render.Field{Name: "realms", Kind: render.Uint, Doc: "as of the route"},
		render.Field{Name: "encap_type", Kind: render.Uint, Doc: "as of the route"},
		render.Field{Name: "encap", Kind: render.String, Doc: "as of the route"},
		render.Field{Name: "other", Kind: render.String, Doc: "as of the route"})
}

func setSavedHops(v *render.Value, hops []rtnl.Nexthop) {
	for i := range hops {
		hop := &hops[i]
		o := v.Object(8)
		o[0].Addr(hop.Gateway)
		setName(&o[1], hop.OifName)
		o[2].Uint(uint64(hop.Weight))
		setOnlink(&o[3], uint32(hop.Flags))
		setNonZero(&o[4], uint64(hop.Realms))
		setNonZero(&o[5], uint64(hop.Encap.Type))
		setHex(&o[6], hop.Encap.Data)
		setHex(&o[7], hop.Other)
	}
}

func savedMetricFields() []render.Field {
	return []render.Field{
		{Name: "name", Kind: render.String, Doc: "RTAX_ name in lower case: mtu, window, rtt and so on"},
		{Name: "value", Kind: render.Uint, Doc: "in the kernel's units: rtt in 1/8 ms, rttvar in 1/4 ms, rto_min in ms"},
		{Name: "text", Kind: render.String, Doc: "in place of the value, of cc_algo"},
		{Name: "locked", Kind: render.Bool, Doc: "true: path MTU discovery and TCP may not change it"},
		{Name: "other", Kind: render.String, Doc: "metrics that this version does not know, as the kernel has them, in hexadecimal"},
	}
}

func setSavedMetrics(v *render.Value, m *rtnl.Metrics) {
	for one := range routes.Metrics(m) {
		o := v.Object(5)
		o[0].Str(one.Name)
		if one.Text != "" {
			o[2].Str(one.Text)
		} else {
			setNonZero(&o[1], uint64(one.Value))
		}
		if one.Locked {
			o[3].Bool(true)
		}
	}
	if m.Other != "" {
		v.Object(5)[4].Str(hex.EncodeToString([]byte(m.Other)))
	}
}

func familyWord(family uint8) string {
	if family == unix.AF_INET6 {
		return "inet6"
	}
	return "inet"
}

func setPrefix(v *render.Value, p netip.Prefix) {
	if p.IsValid() {
		v.Str(p.String())
	}
}

func setNonZero(v *render.Value, n uint64) {
	if n != 0 {
		v.Uint(n)
	}
}

func setOnlink(v *render.Value, flags uint32) {
	if flags&unix.RTNH_F_ONLINK != 0 {
		v.Bool(true)
	}
}

func setHex(v *render.Value, s string) {
	if s != "" {
		v.Str(hex.EncodeToString([]byte(s)))
	}
}
