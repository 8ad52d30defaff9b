package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

// TestRouteReplace_told: with -v a replacement says whole what it replaced and what it left in the place.
func TestRouteReplace_told(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		for _, line := range []string{"route add 10.62.0.0/16 via 10.50.0.7 mtu 1400", "route append 10.62.0.0/16 via 10.50.0.8"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
		for _, step := range []struct{ line, want string }{
			{"replace -net 10.99.0.0/16 gw 10.50.0.9", ""},
			{"replace -v -net 10.98.0.0/16 gw 10.50.0.9", "route: added: there was none of the same destination and metric\n"},
			{"-v replace -net 10.62.0.0/16 gw 10.50.0.9", "route: replaced 10.62.0.0/16 via 10.50.0.7 dev d0 mtu 1400 proto boot\nroute: left 10.62.0.0/16 via 10.50.0.8 dev d0 proto boot\n"},
			{"-v replace -net 10.1.0.0/16 gw 10.50.0.9", "route: replaced blackhole 10.1.0.0/16 proto static\n"},
			{"-6 -v replace 2001:db8:d::/48 gw 2001:db8:50::9 metric 1024",
				"route: replaced 2001:db8:d::/48 nexthop via fe80::71 dev d0 weight 1 nexthop via fe80::72 dev d0 weight 5 metric 1024 proto boot\n"},
		} {
			if diff := cmp.Diff(nstest.Result{Stderr: step.want}, run(strings.Fields(step.line)...)); diff != "" {
				t.Errorf("%s: %s", step.line, diff)
			}
		}
	})
}
