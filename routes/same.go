package routes

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// routeKey is what makes two routes compete for one place: the kernel refuses a second route of the same key with NLM_F_EXCL, and
// NLM_F_REPLACE replaces one of the same key (net/ipv4/fib_trie.c, fib_table_insert; net/ipv6/ip6_fib.c, fib6_add_rt2node).
type routeKey struct {
	dst, src netip.Prefix
	table    uint32
	metric   uint32
	tos      uint8
}

func keyOf(r *rtnl.Route) routeKey {
	return routeKey{dst: r.Dst, src: r.Src, table: r.Table, metric: r.Priority, tos: r.Tos}
}

// settable are the flag bits that a route is made with; the others are the state of a link or of the hardware, and the kernel
// refuses some of them (net/ipv4/fib_semantics.c, fib_create_info).
const settable = unix.RTNH_F_ONLINK

// defaultPriority6 is the metric that an IPv6 route gets when none is asked for (linux/ipv6_route.h, IP6_RT_PRIO_USER).
const defaultPriority6 = 1024

// ticks is what the kernel divides a second into towards user space (USER_HZ).
const ticks = 100

// sendable turns a route as the kernel lists it into one that can be sent: what describes its present state goes, a lifetime
// becomes seconds, rounded up, and the next hop of a nexthop object is left to the object, since the kernel takes one or the other
// (net/ipv4/fib_frontend.c, rtm_to_fib_config).
func sendable(r *rtnl.Route) {
	r.Flags &= settable
	r.Iif, r.OifName, r.Error, r.LastUse, r.Refs = 0, "", 0, 0, 0
	r.Expires = (max(r.Expires, 0) + ticks - 1) / ticks
	for i := range r.Multipath {
		hop := &r.Multipath[i]
		hop.Flags &= settable
		hop.OifName = ""
	}
	if r.NexthopID != 0 {
		r.Gateway, r.Oif, r.Encap, r.Realms = netip.Addr{}, 0, rtnl.Encap{}, 0
		r.Multipath = r.Multipath[:0]
		r.Flags &^= unix.RTNH_F_ONLINK
	}
}

// clone returns a copy of r that shares nothing with it.
func clone(r *rtnl.Route) rtnl.Route {
	c := *r
	c.Multipath = slices.Clone(r.Multipath)
	return c
}

// agrees reports whether the route that the kernel has is the one that was asked for; both are sendable. What asked leaves open, such
// as an interface that follows from the gateway, agrees with everything; lifetimes pass and are not compared.
func agrees(asked, has *rtnl.Route) bool {
	if asked.Oif != 0 && asked.Oif != has.Oif || len(asked.Multipath) != len(has.Multipath) {
		return false
	}
	for i := range asked.Multipath {
		a, h := asked.Multipath[i], has.Multipath[i]
		a.OifName, h.OifName = "", ""
		if a.Oif == 0 {
			h.Oif = 0
		}
		if a.Weight = max(a.Weight, 1); a != h {
			return false
		}
	}
	return keyOf(asked) == keyOf(has) && asked.Family == has.Family && asked.Gateway == has.Gateway && asked.Type == has.Type &&
		asked.Scope == has.Scope && asked.Protocol == has.Protocol && asked.Flags == has.Flags && asked.PrefSrc == has.PrefSrc &&
		asked.Metrics == has.Metrics && asked.NexthopID == has.NexthopID && asked.Pref == has.Pref && asked.Encap == has.Encap &&
		asked.Realms == has.Realms && asked.Other == has.Other
}
