package routes

import (
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// inFront remembers the routes of IPv6 over nexthop objects that stay, of one place, in a walk in the kernel's order. A deletion that names no
// object takes such a route for the one that is meant when metric and protocol agree, and looks at neither its next hop nor its type
// (net/ipv6/route.c, ip6_route_del).
type inFront struct {
	key       routeKey
	protocols []uint8
}

// stays takes in a route that is not to be deleted.
func (f *inFront) stays(r *rtnl.Route) {
	if r.Family != unix.AF_INET6 || r.NexthopID == 0 {
		return
	}
	if key := keyOf(r); key != f.key {
		f.key, f.protocols = key, f.protocols[:0]
	}
	f.protocols = append(f.protocols, r.Protocol)
}

// hides reports whether the deletion of r would take away one of them instead. A deletion without a protocol is one of any.
func (f *inFront) hides(r *rtnl.Route) bool {
	if len(f.protocols) == 0 || r.Family != unix.AF_INET6 || r.NexthopID != 0 || keyOf(r) != f.key {
		return false
	}
	return r.Protocol == unix.RTPROT_UNSPEC || slices.Contains(f.protocols, r.Protocol)
}
