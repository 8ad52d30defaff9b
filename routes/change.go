package routes

import (
	"cmp"
	"errors"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Change is a route to be added or deleted, in the terms of struct rtentry (linux/route.h) and struct
// in6_rtmsg (linux/ipv6_route.h). Zero fields are not given.
type Change struct {
	// Dst is the destination. For IPv4 no bit may be set outside the mask; for IPv6 the kernel drops such bits.
	Dst netip.Prefix
	// Gateway is the next hop, of the family of Dst. An IPv4 gateway of 0.0.0.0 is refused by Add and ignored by Delete.
	Gateway netip.Addr
	// Device is the interface, for IPv4 also an alias such as eth0:1, which then gives the route its source address.
	Device    string
	HasDevice bool
	// Metric is the priority, when HasMetric. Without it Add takes 0 for IPv4 and 1 for IPv6, where 0 means 1024; Delete
	// takes the matching route of the lowest metric.
	Metric    uint32
	HasMetric bool
	// MSS is the segment size plus 40, in bytes; Window is in bytes; IRTT in milliseconds. IPv4 only.
	MSS, Window, IRTT uint32
	// Reject makes the route answer "unreachable"; gateway and device then have no meaning. IPv4 only.
	Reject bool
	// Type is unix.RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT or RTN_THROW, which have neither gateway nor device; 0: unicast, or
	// what Reject says. The ioctls know no other types.
	Type uint8
	// Table is the table's number; 0: main, the only one of the ioctls.
	Table uint32
	// Tos is the type of service that the route is for, 0: all. IPv4 only; the ioctls have none.
	Tos uint8
}

// What struct rtentry adds to the segment size: the IPv4 and TCP headers (net/ipv4/fib_frontend.c, rtentry_to_fib_config).
const mssHeaders = 40

// defaultMetric6 is the metric that the classic tool gives an IPv6 route; iproute2 leaves it to the kernel, which takes 1024.
const defaultMetric6 = 1

// Add adds a route as SIOCADDRT does: protocol boot, and NLM_F_CREATE alone, so that a route for the same destination and metric
// through another gateway is put in front of the present one. The same route again is EEXIST.
func (c *Conn) Add(ch Change) error {
	route, err := c.route4or6(OpAdd, &ch)
	if err != nil {
		return err
	}
	return c.send(Step{Do: DoPrepend, Route: route})
}

// Replace puts a route in the place of one of the same destination and metric, and adds it when there is none. It is what the kernel
// does for NLM_F_REPLACE: of several IPv4 routes there the first goes and the others stay; of IPv6 all next hops of the route
// with gateways go. was are the routes that were there before, in the kernel's order; nobody keeps others from changing them in between.
func (c *Conn) Replace(ch Change) (was []rtnl.Route, err error) {
	route, err := c.route4or6(OpReplace, &ch)
	if err != nil {
		return nil, err
	}
	step := Step{Do: DoReplace, Route: route, conn: c}
	if was, err = step.Before(); err != nil {
		return nil, err
	}
	return was, c.send(step)
}

// Delete deletes the first route that matches, as SIOCDELRT does: same destination and length, of IPv4 the type unicast or the one that
// Reject and Type name, and the gateway, device, metric and TOS that are given. ESRCH when there is none.
func (c *Conn) Delete(ch Change) error {
	route, err := c.route4or6(OpDelete, &ch)
	if err != nil {
		return err
	}
	if !ch.Dst.Addr().Is4() {
		if route, err = c.firstMatch6(route); err != nil {
			return err
		}
	}
	return c.send(Step{Do: DoDelete, Route: route})
}

func (c *Conn) route4or6(op Op, ch *Change) (*rtnl.Route, error) {
	if ch.Dst.Addr().Is4() {
		return c.route4(op, ch)
	}
	return c.route6(op, ch)
}

// route4 makes of a change what rtentry_to_fib_config (net/ipv4/fib_frontend.c) makes of a struct rtentry, its refusals included
// and in its order: the destination, the device, the gateway.
func (c *Conn) route4(op Op, ch *Change) (*rtnl.Route, error) {
	if ch.Dst != ch.Dst.Masked() {
		return nil, c.refuse(op, unix.EINVAL)
	}
	r := &rtnl.Route{Family: unix.AF_INET, Dst: ch.Dst, Priority: ch.Metric, Scope: unix.RT_SCOPE_NOWHERE, Type: unix.RTN_UNICAST,
		Table: ch.Table, Tos: ch.Tos}
	if op != OpDelete {
		r.Protocol = unix.RTPROT_BOOT
	}
	if ch.Reject {
		r.Type = unix.RTN_UNREACHABLE
	}
	if ch.Type != 0 {
		r.Type = ch.Type
	}
	if r.Type != unix.RTN_UNICAST {
		if op != OpDelete { // a deletion takes a route of any scope: that of others' is another
			r.Scope = unix.RT_SCOPE_HOST
		}
		return r, nil
	}
	if ch.HasDevice {
		if err := c.device4(op, ch.Device, r); err != nil {
			return nil, err
		}
	}
	if ch.Gateway.IsValid() && !ch.Gateway.IsUnspecified() {
		r.Gateway = ch.Gateway
		unicast, err := c.isUnicast(ch.Gateway)
		if err != nil {
			return nil, err
		}
		if unicast {
			r.Scope = unix.RT_SCOPE_UNIVERSE
		}
	}
	if op == OpDelete {
		return r, nil
	}
	if ch.Gateway.IsValid() && ch.Gateway.IsUnspecified() {
		return nil, c.refuse(op, unix.EINVAL)
	}
	if r.Scope == unix.RT_SCOPE_NOWHERE {
		r.Scope = unix.RT_SCOPE_LINK
	}
	if ch.MSS != 0 {
		r.Metrics.AdvMSS = ch.MSS - mssHeaders
	}
	// The kernel keeps round trip times in eighths of a millisecond.
	r.Metrics.Window, r.Metrics.RTT = ch.Window, ch.IRTT<<3
	return r, nil
}

// device4 finds the interface, or the one that an alias stands on and the alias's address.
func (c *Conn) device4(op Op, name string, r *rtnl.Route) error {
	base, _, alias := strings.Cut(name, ":")
	index, err := c.index(base)
	if err != nil {
		return c.refuse(op, err)
	}
	r.Oif = index
	if !alias {
		return nil
	}
	for a, err := range c.rt.Addrs(unix.AF_INET) {
		if err != nil {
			return opError(OpInterface, err)
		}
		if a.Index == index && a.Label == name {
			r.PrefSrc = a.Prefix.Addr()
			return nil
		}
	}
	return c.refuse(op, unix.ENODEV)
}

// index returns the index of an interface or ENODEV. A name that no interface can have is not asked for.
func (c *Conn) index(name string) (int, error) {
	if name == "" || len(name) >= unix.IFNAMSIZ {
		return 0, unix.ENODEV
	}
	link, err := c.rt.LinkByName(name)
	if err != nil {
		return 0, err
	}
	return link.Index, nil
}

// refuse returns what the ioctl would: it asks for CAP_NET_ADMIN before it looks at anything else, so a caller without it learns
// EPERM and not err. The kernel is asked by a deletion that it must refuse, since no route has type 255.
func (c *Conn) refuse(op Op, err error) error {
	probe := opError(op, c.rt.DelRoute(&rtnl.Route{Family: unix.AF_INET, Type: 0xff, Scope: unix.RT_SCOPE_NOWHERE}))
	if e, ok := probe.(*OpError); ok && e.Err == unix.EPERM {
		return e
	}
	return opError(op, err)
}

// isUnicast reports whether an address is neither this host's own nor a broadcast or multicast address: a gateway must be, or the
// route through it has scope link (net/ipv4/fib_frontend.c, __inet_dev_addr_type).
func (c *Conn) isUnicast(a netip.Addr) (bool, error) {
	if a.As4()[0] == 0 || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) || a.IsMulticast() {
		return false, nil
	}
	longest, typ := -1, uint8(unix.RTN_UNICAST)
	for r, err := range c.rt.Routes(rtnl.RouteFilter{Family: unix.AF_INET, Table: unix.RT_TABLE_LOCAL}) {
		if err != nil {
			return false, opError(OpList, err)
		}
		if r.Dst.Contains(a) && r.Dst.Bits() > longest {
			longest, typ = r.Dst.Bits(), r.Type
		}
	}
	return typ == unix.RTN_UNICAST, nil
}

// route6 makes of a change what rtmsg_to_fib6_config (net/ipv6/route.c) makes of a struct in6_rtmsg. RTF_HOST is not sent: the
// classic tool sets it for /128, and the kernel has come to read that bit as "onlink".
func (c *Conn) route6(op Op, ch *Change) (*rtnl.Route, error) {
	r := &rtnl.Route{Family: unix.AF_INET6, Dst: ch.Dst.Masked(), Priority: ch.Metric, Gateway: ch.Gateway, Table: ch.Table, Type: ch.Type}
	if ch.HasDevice {
		index, err := c.index(ch.Device)
		if err != nil {
			return nil, opError(OpInterface, err)
		}
		r.Oif = index
	}
	if op == OpDelete {
		return r, nil
	}
	r.Protocol = unix.RTPROT_BOOT
	if r.Type == 0 {
		r.Type = unix.RTN_UNICAST
	}
	if !ch.HasMetric {
		r.Priority = defaultMetric6
	}
	return r, nil
}

// firstMatch6 finds the route, and of a multipath route the one next hop, that SIOCDELRT would delete (net/ipv6/route.c,
// ip6_route_del). Over netlink the kernel deletes all next hops of a route unless one is named, and a route over a nexthop object
// whatever gateway and interface are named: what would delete another route than the one that is meant is not sent. When nothing
// matches otherwise the request goes to the kernel as it is, which then says what is wrong.
func (c *Conn) firstMatch6(want *rtnl.Route) (*rtnl.Route, error) {
	found := want
	objects := map[uint32]bool{} // the metrics of the routes over nexthop objects that came first, and were not meant
	shadowed := false
	var known nexthopObjects
	if want.Gateway.IsValid() || want.Oif != 0 {
		var err error
		if known, err = c.objects(); err != nil {
			return nil, err
		}
	}
	for r, err := range c.rt.Routes(rtnl.RouteFilter{Family: unix.AF_INET6, Table: cmp.Or(want.Table, unix.RT_TABLE_MAIN)}) {
		if err != nil {
			return nil, opError(OpList, err)
		}
		if r.Dst != want.Dst || r.Src.IsValid() || want.Priority != 0 && r.Priority != want.Priority {
			continue
		}
		known.resolve(r)
		hop, ok := matchingHop(r, want)
		if !ok || want.Type != 0 && r.Type != want.Type {
			if r.NexthopID != 0 {
				objects[r.Priority] = true
			}
			continue
		}
		if found != want && r.Priority >= found.Priority {
			continue
		}
		found = &rtnl.Route{Family: unix.AF_INET6, Dst: r.Dst, Priority: r.Priority, Gateway: hop.Gateway, Oif: hop.Oif,
			Table: want.Table, Type: want.Type}
		if shadowed = r.NexthopID == 0 && objects[r.Priority]; r.NexthopID != 0 { // the kernel takes the object or its next hop
			found.NexthopID, found.Gateway, found.Oif = r.NexthopID, netip.Addr{}, 0
		}
	}
	switch {
	case shadowed:
		return nil, c.refuse(OpDelete, ErrShadowed)
	case found == want && len(objects) > 0:
		return nil, c.refuse(OpDelete, unix.ESRCH)
	}
	return found, nil
}

// ErrShadowed: the kernel would delete a route over a nexthop object instead of the one that is meant, which stands behind it at the same metric.
var ErrShadowed = errors.New("a route over a nexthop object stands in front of it and would be deleted instead")

func matchingHop(r, want *rtnl.Route) (rtnl.Nexthop, bool) {
	only := [1]rtnl.Nexthop{{Gateway: r.Gateway, Oif: r.Oif}}
	hops := r.Multipath
	if len(hops) == 0 {
		hops = only[:]
	}
	for _, hop := range hops {
		if (!want.Gateway.IsValid() || hop.Gateway == want.Gateway) && (want.Oif == 0 || hop.Oif == want.Oif) {
			return hop, true
		}
	}
	return rtnl.Nexthop{}, false
}
