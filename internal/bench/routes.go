package main

import (
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// routes measures route with many routes through one gateway: the listings of both families, one lookup, and changes of all.
func (l *lab) routes() {
	here, router := nstest.Here(l), nstest.NewHost(l, "router")
	nstest.Connect(l, 1500,
		nstest.End{Host: here, Name: "eth0", Addrs: []string{"10.0.0.1/24", "2001:db8::1/64"}},
		nstest.End{Host: router, Name: "eth0", Addrs: []string{"10.0.0.2/24", "2001:db8::2/64"}})
	here.Netlink(l, l.addRoutes)
	here.Netlink(l, l.addRoutes6)
	l.heading(contestHeading)
	// The limit beside the original is one of CPU time; of wall time gnet takes a smaller share still.
	l.compare("`route -n`, "+thousands(l.routeCount)+" routes", l.slowRounds, 1, "route -n", original("route -n", 0.6), ip("-4 route", 0.6))
	// The file of the original has a null entry of each of two tables, ip has no titles.
	old := original("route -6 -n", 0.03)
	old.heads = 2
	l.compare("`route -6 -n`, "+thousands(l.route6Count)+" routes", l.slowRounds, 1, "route -6 -n", old, ip("-6 route show table all", 0.6))
	l.routeGet()
	l.routeChanges()
}

// ip is iproute2's program, which prints no titles where route prints two lines.
func ip(words string, atMost float64) peer {
	return peer{argv: append([]string{"ip"}, strings.Fields(words)...), heads: -2, atMost: atMost}
}

// routeGet measures one lookup in the full table beside the smallest Go program that imports net.
func (l *lab) routeGet() {
	medians, err := contest(l.starts, []string{l.gnet, "route", "get", "--brief", prefixes(1)[0].Addr().Next().String()}, []string{l.buildHello(l.dir)})
	l.must(err)
	gnet, yardstick := medians[0], medians[1]
	l.print("| `route get --brief`, %s routes | hello | %s | %s | %s | %s | %s | %s |\n", thousands(l.routeCount), short(gnet.wall), short(yardstick.wall),
		ratio(gnet.wall, yardstick.wall), target(float64(gnet.wall)/float64(yardstick.wall), 5), short(gnet.cpu), short(yardstick.cpu))
}

func (l *lab) addRoutes(c *rtnl.Conn) error {
	route := rtnl.Route{Family: unix.AF_INET, Gateway: netip.MustParseAddr("10.0.0.2"), Protocol: unix.RTPROT_BOOT}
	for _, route.Dst = range prefixes(l.routeCount) {
		if err := c.AddRoute(&route, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) addRoutes6(c *rtnl.Conn) error {
	route := rtnl.Route{Family: unix.AF_INET6, Gateway: netip.MustParseAddr("2001:db8::2"), Protocol: unix.RTPROT_BOOT}
	for i := range uint32(l.route6Count) {
		addr := netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, byte(i >> 8), byte(i), 1})
		route.Dst = netip.PrefixFrom(addr, 56)
		if err := c.AddRoute(&route, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
			return err
		}
	}
	return nil
}
