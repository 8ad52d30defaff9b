package main

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// routes measures route with many IPv4 routes through one gateway.
func (l *lab) routes() {
	here, router := nstest.Here(l), nstest.NewHost(l, "router")
	nstest.Connect(l, 1500,
		nstest.End{Host: here, Name: "eth0", Addrs: []string{"10.0.0.1/24"}},
		nstest.End{Host: router, Name: "eth0", Addrs: []string{"10.0.0.2/24"}})
	here.Netlink(l, l.addRoutes)
	l.heading(contestHeading)
	l.compare("`route -n`, "+thousands(l.routeCount)+" routes", l.rounds, 1, "route -n", original("route -n", 0))
}

func (l *lab) addRoutes(c *rtnl.Conn) error {
	route := rtnl.Route{Family: unix.AF_INET, Gateway: netip.MustParseAddr("10.0.0.2"), Protocol: unix.RTPROT_BOOT}
	for i := range uint32(l.routeCount) {
		addr := netip.AddrFrom4([4]byte{20 + byte(i>>16), byte(i >> 8), byte(i), 0})
		route.Dst = netip.PrefixFrom(addr, 24)
		if err := c.AddRoute(&route, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
			return err
		}
	}
	return nil
}
