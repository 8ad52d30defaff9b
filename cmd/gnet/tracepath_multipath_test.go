package main

import (
	"os/exec"
	"strings"
	"testing"

	"gnet/internal/nstest"
)

// Two routers share the way to a server, by the ports of each packet (fib_multipath_hash_policy 1): each method sees one
// of them, at every round, while what has no flow of its own sees both.
func TestTracepath_multipath(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		client, first, server := nstest.Here(t), nstest.NewHost(t, "first"), nstest.NewHost(t, "server")
		link := func(a *nstest.Host, an, aa string, b *nstest.Host, bn, ba string) {
			nstest.Connect(t, 1500, nstest.End{Host: a, Name: an, Addrs: []string{aa}}, nstest.End{Host: b, Name: bn, Addrs: []string{ba}})
		}
		link(client, "c0", "10.1.0.1/24", first, "f0", "10.1.0.2/24")
		ip := nstest.Peer(t, "ip")
		for i, n := range []string{"2", "3"} {
			middle := nstest.NewHost(t, "middle"+n)
			link(first, "f"+n, "10."+n+".0.1/24", middle, "left", "10."+n+".0.2/24")
			link(middle, "right", "10.1"+n+".0.1/24", server, "s"+n, "10.1"+n+".0.2/24")
			middle.Forward(t)
			middle.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
			middle.AddRoute(t, "default", "10."+n+".0.1")
			middle.AddRoute(t, "10.9.0.0/24", "10.1"+n+".0.2")
			if i == 0 {
				server.AddRoute(t, "10.1.0.0/24", "10.12.0.1")
			}
		}
		for _, line := range [][]string{{"addr", "add", "10.9.0.1/32", "dev", "lo"}} {
			if r := server.Output(t, exec.Command(ip, line...)); r.Status != 0 {
				t.Fatal(r.Stderr)
			}
		}
		first.Forward(t)
		first.Sysctl(t, "net/ipv4/fib_multipath_hash_policy", "1")
		first.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
		server.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
		client.AddRoute(t, "default", "10.1.0.2")
		if r := first.Output(t, exec.Command(ip, "route", "add", "10.9.0.0/24", "nexthop", "via", "10.2.0.2", "nexthop", "via", "10.3.0.2")); r.Status != 0 {
			t.Fatal(r.Stderr)
		}
		gnet := publicDir(t) + "/tracepath"
		copyExecutable(t, gnet)
		middles := func(args ...string) (seen int) {
			cmd := exec.Command(gnet, append(args, "-n", "-l", "500", "10.9.0.1")...)
			cmd.Args[0] = "tracepath"
			r := client.Output(t, cmd)
			for _, router := range []string{"10.2.0.2", "10.3.0.2"} {
				if strings.Contains(r.Stdout, router) {
					seen++
				}
			}
			if seen == 0 || !strings.Contains(r.Stdout, "reached") || r.Stderr != "" {
				t.Errorf("%v: %s%s", args, r.Stdout, r.Stderr)
			}
			return seen
		}
		for _, method := range []string{"--udp", "--icmp", "--tcp"} {
			for range 3 {
				if n := middles(method, "--rounds", "2"); n != 1 {
					t.Errorf("%s: %d routers at the second hop", method, n)
				}
			}
		}
		// Sixteen ports by chance all go one way once in 32,768 runs.
		if n := middles("--rounds", "16"); n != 2 && middles("--rounds", "16") != 2 {
			t.Error("without a flow: 1 router at the second hop, twice")
		}
	})
}
