package main

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// TestRouteText: two routes that restore tells apart have two texts; what passes is in none.
func TestRouteText(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	down := uint32(unix.RTNH_F_LINKDOWN | unix.RTNH_F_DEAD)
	for _, tc := range []struct {
		route rtnl.Route
		want  string
	}{
		{rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Table: 254, Type: 1, Protocol: 3, OifName: "d\x1b", Oif: 7, Flags: down | unix.RTNH_F_ONLINK,
			Gateway: addr("10.0.0.1"), Other: "\x01\x02", Metrics: rtnl.Metrics{RTT: 13, RTTVar: 2, Other: "\xff"}},
			`10.0.0.0/8 via 10.0.0.1 dev d\x1b onlink rtt 1.625ms rttvar 0.5ms metrics 0xff other 0x0102 proto boot`},
		{rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Table: 1001, Type: 1, Protocol: 4, Scope: 253, Tos: 16, Priority: 4000000000,
			Multipath: []rtnl.Nexthop{{OifName: "d0", Oif: 7, Flags: unix.RTNH_F_LINKDOWN, Weight: 2}, {Oif: 9, Weight: 1, Flags: unix.RTNH_F_ONLINK, Other: "\x03"}}},
			"10.0.0.0/8 tos 0x10 nexthop dev d0 weight 2 nexthop dev if9 weight 1 onlink other 0x03 metric 4000000000 table 1001 scope link proto static"},
		{rtnl.Route{Family: unix.AF_INET6, Dst: prefix("2001:db8::/32"), Src: prefix("fd00::/8"), Table: 254, Type: 8, Protocol: 2, Error: -13, Expires: 500, Pref: 3},
			"prohibit 2001:db8::/32 from fd00::/8 pref low proto kernel"},
	} {
		if got := routeText(&tc.route); got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
		if tc.route.Multipath != nil && tc.route.Multipath[0].Flags != unix.RTNH_F_LINKDOWN {
			t.Error("the route itself was changed")
		}
	}
}
