package rtnl

import (
	"encoding/binary"
	"errors"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// RouteFilter selects routes; a zero field selects all.
type RouteFilter struct {
	// Family is unix.AF_INET or unix.AF_INET6; unix.AF_UNSPEC lists both.
	Family   uint8
	Table    uint32
	Oif      int
	Protocol uint8
	Type     uint8
}

// Routes lists the routing tables of the namespace, without cached entries.
// The kernel filters where it can; what it lets through is checked again, since
// kernels before 4.20 ignore the filter. A table that does not exist is empty.
func (c *Conn) Routes(f RouteFilter) iter.Seq2[*Route, error] {
	return func(yield func(*Route, error) bool) {
		names, err := c.Names()
		if err != nil {
			yield(nil, err)
			return
		}
		head := func(r *netlink.Request) { f.head(r, c.nl.Strict()) }
		routes := list(c, "list routes", unix.RTM_GETROUTE, head, func(m netlink.Message, r *Route) (bool, error) {
			ok, err := decodeRoute(m, names, r)
			return ok && f.wants(r), err
		})
		for r, err := range routes {
			if err != nil && f.Table != 0 && netlink.IsRefused(err) && errors.Is(err, unix.ENOENT) {
				return
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// head writes the fixed part and, for a kernel that honours them, the filters
// (net/ipv4/fib_frontend.c, ip_valid_fib_dump_req).
func (f *RouteFilter) head(r *netlink.Request, strict bool) {
	b := r.Fixed(unix.SizeofRtMsg)
	b[0] = f.Family
	if !strict {
		return
	}
	b[5], b[7] = f.Protocol, f.Type
	if f.Table != 0 {
		r.Uint32(unix.RTA_TABLE, f.Table)
	}
	if f.Oif != 0 {
		r.Uint32(unix.RTA_OIF, uint32(f.Oif))
	}
}

func (f *RouteFilter) wants(r *Route) bool {
	if r.Family != unix.AF_INET && r.Family != unix.AF_INET6 || r.Flags&unix.RTM_F_CLONED != 0 {
		return false
	}
	return (f.Family == 0 || f.Family == r.Family) &&
		(f.Table == 0 || f.Table == r.Table) &&
		(f.Protocol == 0 || f.Protocol == r.Protocol) &&
		(f.Type == 0 || f.Type == r.Type) &&
		(f.Oif == 0 || r.uses(f.Oif))
}

// uses reports whether a next hop is on an interface. Of a route that names a nexthop object the kernel may leave its next hops out
// (net.ipv4.nexthop_compat_mode); it has checked them, and the caller does when it knows them.
func (r *Route) uses(oif int) bool {
	if r.NexthopID != 0 {
		return true
	}
	for i := range r.Multipath {
		if r.Multipath[i].Oif == oif {
			return true
		}
	}
	return r.Oif == oif
}

// RouteQuery asks which way a packet would go.
type RouteQuery struct {
	Dst netip.Addr
	// Src, Oif, Iif, Mark and Tos are the packet's other keys; zero: not given.
	Src      netip.Addr
	Oif, Iif int
	Mark     uint32
	Tos      uint8
	// UID is sent if HasUID is set, for rules with a uid range.
	UID    uint32
	HasUID bool
	// IPProto is the IP protocol, 0: the kernel takes UDP. SPort and DPort are its ports, 0: not given.
	IPProto      uint8
	SPort, DPort uint16
	// Flags are unix.RTM_F_LOOKUP_TABLE (the answer names the table that
	// matched) and unix.RTM_F_FIB_MATCH (the answer is the table's entry
	// instead of the route made from it; kernel 5.2 and later).
	Flags uint32
}

// RouteGet asks the kernel for its decision (RTM_GETROUTE). No route is an
// error that is unix.ENETUNREACH, EACCES for prohibit, EINVAL for blackhole,
// EHOSTUNREACH for unreachable.
func (c *Conn) RouteGet(q RouteQuery) (*Route, error) {
	op := "get route to " + q.Dst.String()
	r := c.nl.Request(unix.RTM_GETROUTE, 0)
	q.encode(r)
	route := new(Route)
	err := c.nl.Get(op, r, func(m netlink.Message) error {
		if _, err := decodeRoute(m, nil, route); err != nil {
			return &netlink.OpError{Op: op, Err: err}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return route, c.nameHops(route)
}

// nameHops asks for the names of the interfaces of one route, which costs the same however many others there are.
func (c *Conn) nameHops(route *Route) error {
	names := make(map[int]string)
	name := func(index int) (string, error) {
		if known, ok := names[index]; ok || index == 0 {
			return known, nil
		}
		link, err := c.LinkByIndex(index)
		if errors.Is(err, unix.ENODEV) { // gone meanwhile
			return "", nil
		}
		if err != nil {
			return "", err
		}
		names[index] = link.Name
		return link.Name, nil
	}
	var err error
	if route.OifName, err = name(route.Oif); err != nil {
		return err
	}
	for i := range route.Multipath {
		if route.Multipath[i].OifName, err = name(route.Multipath[i].Oif); err != nil {
			return err
		}
	}
	return nil
}

func (q *RouteQuery) encode(r *netlink.Request) {
	b := r.Fixed(unix.SizeofRtMsg)
	b[0], b[1], b[3] = family(q.Dst), uint8(q.Dst.BitLen()), q.Tos
	binary.NativeEndian.PutUint32(b[8:], q.Flags)
	if q.Src.IsValid() {
		b[2] = uint8(q.Src.BitLen())
	}
	r.Addr(unix.RTA_DST, q.Dst)
	if q.Src.IsValid() {
		r.Addr(unix.RTA_SRC, q.Src)
	}
	if q.Oif != 0 {
		r.Uint32(unix.RTA_OIF, uint32(q.Oif))
	}
	if q.Iif != 0 {
		r.Uint32(unix.RTA_IIF, uint32(q.Iif))
	}
	if q.Mark != 0 {
		r.Uint32(unix.RTA_MARK, q.Mark)
	}
	if q.HasUID {
		r.Uint32(unix.RTA_UID, q.UID)
	}
	if q.IPProto != 0 {
		r.Uint8(unix.RTA_IP_PROTO, q.IPProto)
	}
	if q.SPort != 0 {
		r.Uint16BE(unix.RTA_SPORT, q.SPort)
	}
	if q.DPort != 0 {
		r.Uint16BE(rtaDPort, q.DPort)
	}
}
