package rtnl

import (
	"context"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// LinkEvent is one change that the kernel announced, of an interface or of an
// address. What it points to is valid until the next step.
type LinkEvent struct {
	// Link is the interface as it is now, or was when it went; nil for an address.
	Link *Link
	// Addr is the address; nil for an interface.
	Addr *Addr
	// Deleted: the interface or the address is gone.
	Deleted bool
}

// JoinLinks subscribes to the changes of the interfaces and of their addresses.
func (c *Conn) JoinLinks() error {
	return c.nl.Join(unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR)
}

// LinkEvents walks the changes after JoinLinks until ctx ends; its error is then
// last. unix.ENOBUFS as last error means that events were lost: the state has to
// be read, and the walk may be begun again. The kernel also announces what has
// not changed.
func (c *Conn) LinkEvents(ctx context.Context) iter.Seq2[*LinkEvent, error] {
	const op = "watch links"
	return func(yield func(*LinkEvent, error) bool) {
		var link Link
		var addr Addr
		var event LinkEvent
		err := c.nl.Listen(ctx, op, func(m netlink.Message) error {
			ok, err := decodeLinkEvent(m, &event, &link, &addr)
			switch {
			case err != nil:
				return &netlink.OpError{Op: op, Err: err}
			case ok && !yield(&event, nil):
				return errStop
			}
			return nil
		})
		if err != errStop {
			yield(nil, err)
		}
	}
}

// decodeLinkEvent reads an announcement: it has the form of the answer to a dump
// (net/core/rtnetlink.c, rtmsg_ifinfo; net/ipv4/devinet.c, rtmsg_ifa). A bridge
// announces its ports a second time, with AF_BRIDGE: those are passed over.
func decodeLinkEvent(m netlink.Message, event *LinkEvent, link *Link, addr *Addr) (ok bool, err error) {
	*event = LinkEvent{Deleted: m.Type == unix.RTM_DELLINK || m.Type == unix.RTM_DELADDR}
	switch m.Type {
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		if len(m.Body) > 0 && m.Body[0] == unix.AF_BRIDGE {
			return false, nil
		}
		event.Link = link
		m.Type = unix.RTM_NEWLINK
		return decodeLink(m, link)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		event.Addr = addr
		m.Type = unix.RTM_NEWADDR
		return decodeAddr(m, unix.AF_UNSPEC, addr)
	}
	return false, nil
}
