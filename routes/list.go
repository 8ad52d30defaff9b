package routes

import (
	"errors"
	"iter"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// ErrInterrupted: a table changed while it was read, so routes may be missing or doubled. All rows have been delivered.
var ErrInterrupted = netlink.ErrInterrupted

// List walks the routes that a filter selects, those of IPv4 first, table by table in the kernel's order. The kernel filters where
// it can; Filter.Match is asked for each row all the same. Next hops that the kernel names by an object only are looked up. The row
// is valid until the next step. An error is the last value: an *OpError, of which errors.Is reaches ErrInterrupted.
func (c *Conn) List(f Filter) iter.Seq2[*rtnl.Route, error] {
	return func(yield func(*rtnl.Route, error) bool) {
		if err := c.Resolve(&f); err != nil {
			yield(nil, err)
			return
		}
		objects, err := c.objects()
		if err != nil {
			yield(nil, err)
			return
		}
		families := []uint8{unix.AF_INET, unix.AF_INET6}
		if f.Family != 0 {
			families = []uint8{f.Family}
		}
		for _, family := range families {
			if !c.listFamily(family, &f, objects, yield) {
				return
			}
		}
	}
}

func (c *Conn) listFamily(family uint8, f *Filter, objects nexthopObjects, yield func(*rtnl.Route, error) bool) bool {
	ask := rtnl.RouteFilter{Family: family, Table: f.Table, Type: f.Type, Protocol: f.Protocol}
	if f.Dev != "" {
		link, err := c.link(f.Dev)
		if err != nil {
			yield(nil, err)
			return false
		}
		ask.Oif = link.Index
	}
	for r, err := range c.rt.Routes(ask) {
		if err != nil {
			if unknownFamily(err) && f.Family == 0 {
				return true
			}
			yield(nil, opError(OpList, err))
			return false
		}
		objects.resolve(r)
		if f.Match(r) && !yield(r, nil) {
			return false
		}
	}
	return true
}

// unknownFamily reports whether a kernel was built without a family.
func unknownFamily(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT)
}

// nexthopObjects are the nexthop objects of a namespace by their id, and the names of the interfaces.
type nexthopObjects struct {
	byID  map[uint32]rtnl.NexthopObject
	names map[int]string
}

// objects reads the nexthop objects. A kernel without them has none.
func (c *Conn) objects() (nexthopObjects, error) {
	o := nexthopObjects{byID: make(map[uint32]rtnl.NexthopObject)}
	for n, err := range c.rt.Nexthops() {
		switch {
		case unknownFamily(err), errors.Is(err, netlink.ErrInterrupted):
		case err != nil:
			return o, opError(OpList, err)
		default:
			object := *n
			object.Group = slices.Clone(n.Group)
			o.byID[n.ID] = object
		}
	}
	if len(o.byID) == 0 {
		return o, nil
	}
	names, err := c.rt.Names()
	o.names = names
	return o, opError(OpList, err)
}

// hopObjects are the objects where f asks for next hops, which the kernel may leave to the objects; else none.
func (c *Conn) hopObjects(f *Filter) (nexthopObjects, error) {
	if f.Dev == "" && !f.Via.IsValid() {
		return nexthopObjects{}, nil
	}
	return c.objects()
}

// loopback is the index of the loopback interface in every network namespace (net/core/dev.c, dev_index_reserve).
const loopback = 1

// resolve fills in the next hops of a route that names an object, where the kernel has left them out, and which object each one is.
func (o *nexthopObjects) resolve(r *rtnl.Route) {
	if r.NexthopID == 0 {
		return
	}
	object, ok := o.byID[r.NexthopID]
	switch {
	case !ok:
	case object.Blackhole:
		r.Oif, r.OifName = loopback, o.names[loopback]
	case len(object.Group) == 0:
		if r.Oif == 0 {
			r.Oif, r.OifName, r.Gateway, r.Encap = object.Oif, o.names[object.Oif], object.Gateway, object.Encap
			r.Flags |= object.Flags & unix.RTNH_F_ONLINK
		}
	case len(r.Multipath) == 0:
		for _, member := range object.Group {
			r.Multipath = append(r.Multipath, o.hop(member))
		}
	case len(r.Multipath) == len(object.Group):
		for i, member := range object.Group {
			r.Multipath[i].ID = member.ID
		}
	}
}

func (o *nexthopObjects) hop(member rtnl.NexthopMember) rtnl.Nexthop {
	object := o.byID[member.ID]
	return rtnl.Nexthop{Gateway: object.Gateway, Oif: object.Oif, OifName: o.names[object.Oif], Flags: uint8(object.Flags),
		Weight: member.Weight, Encap: object.Encap, ID: member.ID}
}
