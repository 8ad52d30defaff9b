package nstest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// End is one end of a link between two hosts.
type End struct {
	Host *Host
	// Name of the interface.
	Name string
	// Addrs are its addresses with prefix lengths ("10.0.0.1/24"). IPv6 ones
	// are usable at once: duplicate address detection is off.
	Addrs []string
}

// Connect links two hosts by a veth pair with the given MTU (0: 1500), and brings
// both ends up with their addresses. An end with an IPv6 address gets a
// link-local one too, fe80::1 at a and fe80::2 at b: without one the kernel
// cannot ask for the neighbours of packets that it forwards (net/ipv6/ndisc.c,
// ndisc_send_ns).
func Connect(t TB, mtu uint32, a, b End) {
	t.Helper()
	link := rtnl.NewLink{
		Name: a.Name, Index: a.freeIndex(t, 0), Kind: "veth", MTU: mtu,
		PeerName: b.Name, PeerIndex: b.freeIndex(t, 1), PeerNetns: b.Host.NS.Fd(),
	}
	a.Host.Netlink(t, func(c *rtnl.Conn) error { return c.AddLink(link) })
	a.Host.Netlink(t, func(c *rtnl.Conn) error { return a.configure(c, "fe80::1/64") })
	b.Host.Netlink(t, func(c *rtnl.Conn) error { return b.configure(c, "fe80::2/64") })
	a.Host.Netlink(t, a.settle)
	b.Host.Netlink(t, b.settle)
}

// freeIndex is an unused interface index, even or odd, from 2 on: what the kernel
// would choose for the first link of a fresh namespace. The two ends of a pair
// must not have the same: the kernel would then take the link for a real one
// and note its carrier up to a second later (net/core/link_watch.c,
// linkwatch_urgent_event).
func (e End) freeIndex(t TB, odd int) int {
	t.Helper()
	index := 2 + odd
	e.Host.Netlink(t, func(c *rtnl.Conn) error {
		names, err := c.Names()
		for ; names[index] != ""; index += 2 {
		}
		return err
	})
	return index
}

func (e End) configure(c *rtnl.Conn, linkLocal string) error {
	link, err := c.LinkByName(e.Name)
	if err != nil {
		return err
	}
	quiet := new(rtnl.LinkChange).NoLinkLocal()
	if err := c.SetLink(link.Index, quiet); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		return err
	}
	if err := c.SetLink(link.Index, new(rtnl.LinkChange).Up()); err != nil {
		return err
	}
	addrs := e.Addrs
	if e.inet6() > 0 {
		addrs = append(slices.Clone(addrs), linkLocal)
	}
	for _, text := range addrs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return err
		}
		if err := c.AddAddr(link.Index, prefix, nodad(prefix)); err != nil {
			return err
		}
	}
	return nil
}

// inet6 is the number of IPv6 addresses among Addrs.
func (e End) inet6() (n int) {
	for _, text := range e.Addrs {
		if strings.Contains(text, ":") {
			n++
		}
	}
	return n
}

// settleTime bounds the wait for work that the kernel does in milliseconds.
const settleTime = 10 * time.Second

// settle waits for what the kernel does behind our back once a link is up: it
// notes the carrier (net/core/link_watch.c), and makes the routes of IPv6
// addresses (net/ipv6/addrconf.c, addrconf_dad_work). Until then a connection to
// such an address fails.
func (e End) settle(c *rtnl.Conn) error {
	for deadline := time.Now().Add(settleTime); ; time.Sleep(time.Millisecond) {
		ready, err := e.ready(c)
		if ready || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: no carrier or no IPv6 routes after %v", e.Name, settleTime)
		}
	}
}

func (e End) ready(c *rtnl.Conn) (bool, error) {
	const operUp = 6 // IF_OPER_UP, RFC 2863
	link, err := c.LinkByName(e.Name)
	if err != nil || link.OperState != operUp {
		return false, err
	}
	if e.inet6() == 0 {
		return true, nil
	}
	local, multicast := 0, 0
	for r, err := range c.Routes(rtnl.RouteFilter{Family: unix.AF_INET6, Table: unix.RT_TABLE_LOCAL, Oif: link.Index}) {
		switch {
		case err != nil && !errors.Is(err, netlink.ErrInterrupted):
			return false, err
		case err != nil:
		case r.Type == unix.RTN_LOCAL:
			local++
		case r.Type == unix.RTN_MULTICAST:
			multicast++
		}
	}
	return local > e.inet6() && multicast > 0, nil // the link-local address is one more
}

func nodad(p netip.Prefix) uint32 {
	if p.Addr().Is4() {
		return 0
	}
	return unix.IFA_F_NODAD
}

// AddRoute adds a route through a gateway; dst is a prefix or "default".
func (h *Host) AddRoute(t TB, dst, gateway string) {
	t.Helper()
	route, err := parseRoute(dst, gateway)
	if err != nil {
		t.Fatalf("host %s: %v", h.Name, err)
	}
	h.Netlink(t, func(c *rtnl.Conn) error {
		return c.AddRoute(route, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	})
}

func parseRoute(dst, gateway string) (*rtnl.Route, error) {
	gw, err := netip.ParseAddr(gateway)
	if err != nil {
		return nil, err
	}
	route := &rtnl.Route{Family: unix.AF_INET6, Gateway: gw, Protocol: unix.RTPROT_STATIC}
	if gw.Is4() {
		route.Family = unix.AF_INET
	}
	if dst == "default" {
		return route, nil
	}
	route.Dst, err = netip.ParsePrefix(dst)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	return route, nil
}

// Forward makes the host a router for IPv4 and IPv6.
func (h *Host) Forward(t TB) {
	t.Helper()
	h.Sysctl(t, "net/ipv4/ip_forward", "1")
	h.Sysctl(t, "net/ipv6/conf/all/forwarding", "1")
}
