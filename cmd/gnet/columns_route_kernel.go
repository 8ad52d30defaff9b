package main

import (
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/routes"
)

// kernelRouteColumns describes what rtnetlink alone knows of a route. The keys are absent when the rows come from the files.
func kernelRouteColumns() []render.Column[routeRow] {
	columns := []render.Column[routeRow]{
		kernelColumn("table", render.Uint, "", "number of the table: 255 local, 254 main, 253 default", func(r *rtnl.Route, v *render.Value) {
			v.Uint(uint64(r.Table))
		}),
		kernelColumn("type", render.String, "", "unicast, local, broadcast, blackhole, unreachable and so on, or the number", func(r *rtnl.Route, v *render.Value) {
			v.Str(routes.TypeName(r.Type))
		}),
		kernelColumn("protocol", render.String, "", "who made the route: kernel, boot, static, ra and so on, or the number", func(r *rtnl.Route, v *render.Value) {
			v.Str(routes.ProtocolName(r.Protocol))
		}),
		kernelColumn("scope", render.String, "", "global, site, link, host, nowhere, or the number", func(r *rtnl.Route, v *render.Value) {
			v.Str(routes.ScopeName(r.Scope))
		}),
		kernelColumn("tos", render.Uint, "", "type of service that the route is for, IPv4; absent for all", func(r *rtnl.Route, v *render.Value) {
			setPositive(v, uint64(r.Tos))
		}),
		kernelColumn("preferred_source", render.Addr, "", "source address for packets that have none yet", func(r *rtnl.Route, v *render.Value) {
			v.Addr(r.PrefSrc)
		}),
		kernelColumn("nexthop_id", render.Uint, "", "nexthop object that the route names", func(r *rtnl.Route, v *render.Value) {
			setPositive(v, uint64(r.NexthopID))
		}),
		kernelColumn("nexthops", render.List, "", "the next hops, when there are several", func(r *rtnl.Route, v *render.Value) {
			setRouteNexthops(v, r.Multipath)
		}),
		kernelColumn("hop_flags", render.String, "", "onlink, dead, linkdown and so on, separated by blanks", func(r *rtnl.Route, v *render.Value) {
			setWords(v, appendHopFlags(nil, r.Flags))
		}),
		kernelColumn("encap", render.String, "", "tunnel that packets are put into: its kind and what it holds, as in the classic listing", func(r *rtnl.Route, v *render.Value) {
			setWords(v, encapOnly(&r.Encap))
		}),
		kernelColumn("encap_type", render.Uint, "", "LWTUNNEL_ENCAP_ number of the tunnel", func(r *rtnl.Route, v *render.Value) {
			setPositive(v, uint64(r.Encap.Type))
		}),
		kernelColumn("encap_hex", render.String, "", "attributes of the tunnel as the kernel has them, in hexadecimal", func(r *rtnl.Route, v *render.Value) {
			setHex(v, r.Encap.Data)
		}),
		kernelColumn("source_realm", render.Uint, "", "realm of the source", func(r *rtnl.Route, v *render.Value) {
			setPositive(v, uint64(r.Realms>>16))
		}),
		kernelColumn("realm", render.Uint, "", "realm of the destination", func(r *rtnl.Route, v *render.Value) {
			setPositive(v, uint64(r.Realms&0xffff))
		}),
		kernelColumn("expires_ns", render.Duration, "ns", "time until the route is removed, in steps of 10 ms, IPv6", func(r *rtnl.Route, v *render.Value) {
			if r.Expires > 0 {
				v.Duration(time.Duration(r.Expires) * clockTick)
			}
		}),
		kernelColumn("preference", render.String, "", "router preference of RFC 4191: low, medium or high, IPv6", func(r *rtnl.Route, v *render.Value) {
			if r.Family == unix.AF_INET6 {
				v.Str([...]string{"medium", "high", "reserved", "low"}[r.Pref&3])
			}
		}),
		kernelColumn("error", render.Int, "", "errno that the kernel has noted for the route, negative", func(r *rtnl.Route, v *render.Value) {
			if r.Error != 0 {
				v.Int(int64(r.Error))
			}
		}),
	}
	columns = append(columns, routeMetricColumns()...)
	return append(columns, kernelColumn("metrics_other", render.String, "", "metrics that this version does not know, as the kernel has them, in hexadecimal",
		func(r *rtnl.Route, v *render.Value) { setHex(v, r.Metrics.Other) }),
		kernelColumn("other", render.String, "", "attributes of the route that this version does not know, likewise",
			func(r *rtnl.Route, v *render.Value) { setHex(v, r.Other) }))
}

// kernelColumn is a column that is known when the row comes from rtnetlink.
func kernelColumn(name string, kind render.Kind, unit, doc string, get func(*rtnl.Route, *render.Value)) render.Column[routeRow] {
	field := render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}
	if kind == render.List {
		field.Sub = routeNexthopFields()
	}
	return render.Column[routeRow]{Field: field, Get: func(r *routeRow, v *render.Value) {
		if r.route != nil {
			get(r.route, v)
		}
	}}
}

// routeMetricColumns describes the values that a route gives to TCP and to path MTU discovery.
func routeMetricColumns() []render.Column[routeRow] {
	number := func(name, unit, doc string, of func(*rtnl.Metrics) uint32) render.Column[routeRow] {
		return kernelColumn(name, render.Uint, unit, doc, func(r *rtnl.Route, v *render.Value) { setPositive(v, uint64(of(&r.Metrics))) })
	}
	span := func(name, doc string, unit time.Duration, of func(*rtnl.Metrics) uint32) render.Column[routeRow] {
		return kernelColumn(name, render.Duration, "ns", doc, func(r *rtnl.Route, v *render.Value) {
			if n := of(&r.Metrics); n != 0 {
				v.Duration(time.Duration(n) * unit)
			}
		})
	}
	return []render.Column[routeRow]{
		number("mtu", "bytes", "largest packet", func(m *rtnl.Metrics) uint32 { return m.MTU }),
		number("advmss", "bytes", "segment size that TCP advertises", func(m *rtnl.Metrics) uint32 { return m.AdvMSS }),
		span("rttvar_ns", "initial variation of the round trip time", time.Millisecond/4, func(m *rtnl.Metrics) uint32 { return m.RTTVar }),
		span("rto_min_ns", "least retransmission timeout", time.Millisecond, func(m *rtnl.Metrics) uint32 { return m.RTOMin }),
		number("ssthresh", "segments", "initial slow start threshold", func(m *rtnl.Metrics) uint32 { return m.SSThresh }),
		number("cwnd", "segments", "largest congestion window", func(m *rtnl.Metrics) uint32 { return m.CWnd }),
		number("initcwnd", "segments", "initial congestion window", func(m *rtnl.Metrics) uint32 { return m.InitCWnd }),
		number("initrwnd", "segments", "initial receive window", func(m *rtnl.Metrics) uint32 { return m.InitRWnd }),
		number("reordering", "segments", "initial reordering", func(m *rtnl.Metrics) uint32 { return m.Reordering }),
		number("hoplimit", "", "hop limit", func(m *rtnl.Metrics) uint32 { return m.HopLimit }),
		number("quickack", "", "1: every segment is acknowledged at once", func(m *rtnl.Metrics) uint32 { return m.QuickAck }),
		number("fastopen_no_cookie", "", "1: TCP Fast Open without a cookie", func(m *rtnl.Metrics) uint32 { return m.FastOpenNoC }),
		number("features", "", "RTAX_FEATURE_ bits: 1 explicit congestion notification", func(m *rtnl.Metrics) uint32 { return m.Features }),
		kernelColumn("congestion", render.String, "", "congestion control", func(r *rtnl.Route, v *render.Value) { setName(v, r.Metrics.CongAlg) }),
		kernelColumn("locked", render.String, "", "which of these values nothing may change, by the words of ip-route(8), separated by blanks", func(r *rtnl.Route, v *render.Value) {
			setWords(v, lockedMetrics(&r.Metrics))
		}),
	}
}

// lockedMetrics returns the names of the metrics whose lock is set, each behind a blank.
func lockedMetrics(m *rtnl.Metrics) []byte {
	if m.Lock == 0 {
		return nil
	}
	var b []byte
	for _, metric := range metricsOf(m) {
		if m.Lock>>metric.typ&1 != 0 {
			b = append(append(b, ' '), metric.name...)
		}
	}
	if m.Lock>>unix.RTAX_FEATURES&1 != 0 {
		b = append(b, " features"...)
	}
	if m.Lock>>unix.RTAX_CC_ALGO&1 != 0 {
		b = append(b, " congctl"...)
	}
	return b
}

// encapOnly returns the words of a tunnel without the keyword.
func encapOnly(e *rtnl.Encap) []byte {
	_, words, _ := strings.Cut(string(appendEncap(nil, e)), " encap ")
	return []byte(words)
}

// setWords sets text without its first blank, unless it is empty.
func setWords(v *render.Value, words []byte) { setName(v, strings.TrimPrefix(string(words), " ")) }

// setPositive sets a number for which 0 means that there is none.
func setPositive(v *render.Value, n uint64) {
	if n != 0 {
		v.Uint(n)
	}
}

func routeNexthopFields() []render.Field {
	return append(nexthopFields(),
		render.Field{Name: "nexthop_id", Kind: render.Uint, Doc: "nexthop object that is this member of a group"},
		render.Field{Name: "hop_flags", Kind: render.String, Doc: "onlink, dead, linkdown and so on, separated by blanks"},
		render.Field{Name: "encap", Kind: render.String, Doc: "tunnel that packets are put into"},
		render.Field{Name: "encap_type", Kind: render.Uint, Doc: "as of the route"},
		render.Field{Name: "encap_hex", Kind: render.String, Doc: "as of the route"},
		render.Field{Name: "source_realm", Kind: render.Uint, Doc: "realm of the source"},
		render.Field{Name: "realm", Kind: render.Uint, Doc: "realm of the destination"},
		render.Field{Name: "other", Kind: render.String, Doc: "as of the route"})
}

func setRouteNexthops(v *render.Value, hops []rtnl.Nexthop) {
	for i := range hops {
		h := &hops[i]
		o := v.Object(len(routeNexthopFields()))
		o[0].Addr(h.Gateway)
		setName(&o[1], ifaceText(h.OifName, h.Oif))
		o[2].Uint(uint64(h.Weight))
		setPositive(&o[3], uint64(h.ID))
		setWords(&o[4], appendHopFlags(nil, uint32(h.Flags)))
		setWords(&o[5], encapOnly(&h.Encap))
		setPositive(&o[6], uint64(h.Encap.Type))
		setHex(&o[7], h.Encap.Data)
		setPositive(&o[8], uint64(h.Realms>>16))
		setPositive(&o[9], uint64(h.Realms&0xffff))
		setHex(&o[10], h.Other)
	}
}
