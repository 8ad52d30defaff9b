package rtnl

import (
	"context"
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// RouteBatch changes many routes with few system calls; netlink.Batch has the rules.
type RouteBatch struct {
	c *Conn
	b *netlink.Batch
}

// NewRouteBatch starts a batch. report is called for each route in the order of Add and Del, numbered from 0, with nil or the
// kernel's refusal; netlink.ErrUnknown says that the answer was lost.
func (c *Conn) NewRouteBatch(op string, report func(n uint64, err error)) *RouteBatch {
	return &RouteBatch{c, c.nl.NewBatch(op, report)}
}

// Add queues route with the flags of AddRoute. An error is that of Flush.
func (b *RouteBatch) Add(route *Route, flags uint16) error {
	r := b.c.nl.Request(unix.RTM_NEWROUTE, flags)
	route.encode(r, false)
	return b.b.Add(r)
}

// Del queues the deletion of route, as DelRoute has it.
func (b *RouteBatch) Del(route *Route) error {
	r := b.c.nl.Request(unix.RTM_DELROUTE, 0)
	route.encode(r, true)
	return b.b.Add(r)
}

// Pending is the number of routes that wait for Flush.
func (b *RouteBatch) Pending() int { return b.b.Pending() }

// Flush sends what is queued and reports it; an error is netlink.Batch's.
func (b *RouteBatch) Flush() error { return b.b.Flush() }

// AppendRoute appends the body of the message that would add route, which DecodeRoute reads. Two routes are the same to the kernel
// when these bytes are.
func AppendRoute(b []byte, route *Route) []byte {
	var r netlink.Request
	route.encode(&r, false)
	return append(b, r.Raw()...)
}

// RouteEvent is a change of the tables as the kernel announces it, or a message about an interface, an IPv4 address or a nexthop object, whose
// end takes IPv4 routes along that the kernel does not announce (net/ipv4/fib_semantics.c, fib_sync_down_dev and fib_sync_down_addr;
// net/ipv4/nexthop.c, __remove_nexthop_fib).
type RouteEvent struct {
	// Route is what was added or deleted; valid until the next event. It is nil when the message is about something else.
	Route *Route
	// Deleted is true for RTM_DELROUTE.
	Deleted bool
	// Flags are NLM_F_REPLACE and NLM_F_APPEND as the change was asked for.
	Flags uint16
	// TakesRoutes is set when an interface is down or gone, an address gone, or a nexthop object.
	TakesRoutes bool
	// Nexthop is set when a nexthop object was made, changed or deleted. The kernel says that it deletes one before it deletes its routes, those
	// of IPv4 and, without net.ipv4.nexthop_compat_mode, of IPv6 without a word (net/ipv4/nexthop.c, remove_nexthop), under the lock that
	// Nexthops takes.
	Nexthop bool
	// LinkIndex is the interface that the message is about, 0 if it is about none; LinkName is the name that it has now, "" when it has gone.
	LinkIndex int
	LinkName  string
}

// JoinRoutes subscribes to the changes of the routes of both families and to what takes IPv4 routes along.
func (c *Conn) JoinRoutes() error {
	_ = c.nl.Join(unix.RTNLGRP_NEXTHOP) // a kernel without the group has no objects
	return c.nl.Join(unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR)
}

// link takes in a message about an interface, an address or a nexthop object; false when it says nothing about routes or names.
func (e *RouteEvent) link(m netlink.Message, link *Link) (bool, error) {
	switch m.Type {
	case unix.RTM_DELADDR:
		e.TakesRoutes = true
	case unix.RTM_NEWNEXTHOP, unix.RTM_DELNEXTHOP:
		e.Nexthop, e.TakesRoutes = true, m.Type == unix.RTM_DELNEXTHOP
	case unix.RTM_DELLINK:
		if len(m.Body) < unix.SizeofIfInfomsg {
			return false, netlink.ErrShortMessage
		}
		e.TakesRoutes, e.LinkIndex = true, int(int32(binary.NativeEndian.Uint32(m.Body[4:])))
	case unix.RTM_NEWLINK:
		if _, err := decodeLink(m, link); err != nil {
			return false, err
		}
		e.TakesRoutes, e.LinkIndex, e.LinkName = !link.Up(), link.Index, link.Name
	default:
		return false, nil
	}
	return true, nil
}

// RouteEvents walks the changes after JoinRoutes until ctx ends; its error is then last. unix.ENOBUFS as last error means that events were
// lost: the tables have to be read, and the walk may be begun again. OifName is not set.
func (c *Conn) RouteEvents(ctx context.Context) iter.Seq2[*RouteEvent, error] {
	const op = "watch routes"
	return func(yield func(*RouteEvent, error) bool) {
		route, event, link := new(Route), new(RouteEvent), new(Link)
		err := c.nl.Listen(ctx, op, func(m netlink.Message) error {
			*event = RouteEvent{Deleted: m.Type == unix.RTM_DELROUTE, Flags: m.Flags}
			switch m.Type {
			case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
				if _, err := decodeRoute(m, nil, route); err != nil {
					return &netlink.OpError{Op: op, Err: err}
				}
				if route.Family != unix.AF_INET && route.Family != unix.AF_INET6 || route.Flags&unix.RTM_F_CLONED != 0 {
					return nil
				}
				event.Route = route
			default:
				if said, err := event.link(m, link); err != nil {
					return &netlink.OpError{Op: op, Err: err}
				} else if !said {
					return nil
				}
			}
			if !yield(event, nil) {
				return errStop
			}
			return nil
		})
		if err != errStop {
			yield(nil, err)
		}
	}
}
