package main

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// routeListLab makes a namespace with routes of many kinds, and returns how gnet route is run in it.
func routeListLab(t *testing.T) (host *nstest.Host, run func(words ...string) nstest.Result) {
	t.Helper()
	host, far := nstest.Here(t), nstest.NewHost(t, "far")
	nstest.Connect(t, 0, nstest.End{Host: host, Name: "d0", Addrs: []string{"10.50.0.1/24", "2001:db8:50::1/64"}},
		nstest.End{Host: far, Name: "d0", Addrs: []string{"10.50.0.2/24", "2001:db8:50::2/64"}})
	ip := nstest.Peer(t, "ip")
	for _, line := range []string{
		"route add default via 10.50.0.2", "route add blackhole 10.1.0.0/16 proto static",
		"route add 10.2.0.0/16 encap ip id 5 dst 10.9.9.9 via 10.50.0.2",
		"nexthop add id 10 via 10.50.0.3 dev d0", "nexthop add id 11 via 10.50.0.4 dev d0", "nexthop add id 20 group 10,3/11",
		"route add 10.3.0.0/16 nhid 20", "route add 10.5.0.0/16 via inet6 fe80::75 dev d0",
		"route add 10.6.0.0/16 dev d0 table 1001 src 10.50.0.1",
		"route add 10.7.0.0/16 dev d0 realms 3/4 mtu lock 1400 initcwnd 20 features ecn rto_min 300ms congctl cubic",
		"route add 10.7.0.0/16 dev d0 tos 0x10 metric 4000000000",
		"route add 10.8.0.0/16 via 10.99.0.1 dev d0 onlink",
		"-6 route add 2001:db8:d::/48 nexthop via fe80::71 dev d0 nexthop via fe80::72 dev d0 weight 5",
		"-6 route add 2001:db8:f::/48 dev d0 from 2001:db8:50::/64 pref high", "-6 route add prohibit 2001:db8:c::/48 metric 7",
	} {
		if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
			t.Fatalf("ip %s: %s", line, r.Stderr)
		}
	}
	program := gnetCalled(t, "route")
	return host, func(words ...string) nstest.Result {
		t.Helper()
		return host.Run(t, program, words...)
	}
}

func TestRouteList_details(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		_, run := routeListLab(t)
		for line, want := range map[string]string{
			"--details": `0.0.0.0/0          main    unicast     boot     global 0      via 10.50.0.2 dev d0
10.1.0.0/16        main    blackhole   static   global 0      -
10.2.0.0/16        main    unicast     boot     global 0      encap ip id 5 dst 10.9.9.9 src 0.0.0.0 tos 0 ttl 0 via 10.50.0.2 dev d0
10.3.0.0/16        main    unicast     boot     global 0      nhid 20 nexthop nhid 10 via 10.50.0.3 dev d0 weight 3 nexthop nhid 11 via 10.50.0.4 dev d0 weight 1
10.5.0.0/16        main    unicast     boot     global 0      via fe80::75 dev d0
10.7.0.0/16        main    unicast     boot     link   4000000000 tos 0x10 dev d0
10.7.0.0/16        main    unicast     boot     link   0      dev d0 realms 3/4 mtu lock 1400 initcwnd 20 rto_min lock 300ms features ecn congctl cubic
10.8.0.0/16        main    unicast     boot     global 0      via 10.99.0.1 dev d0 onlink
10.50.0.0/24       main    unicast     kernel   link   0      dev d0 src 10.50.0.1
`,
			"--table 1001":                       "10.6.0.0/16        1001    unicast     boot     link   0      dev d0 src 10.50.0.1\n",
			"--table 1002":                       "",
			"--all-tables --type blackhole":      "10.1.0.0/16        main    blackhole   static   global 0      -\n",
			"--proto static":                     "10.1.0.0/16        main    blackhole   static   global 0      -\n",
			"--match 2001:db8:c::1 --proto boot": "2001:db8:c::/48    main    prohibit    boot     global 7      dev lo\n",
			"-6 --proto boot --table main": `2001:db8:c::/48    main    prohibit    boot     global 7      dev lo
2001:db8:d::/48    main    unicast     boot     global 1024   nexthop via fe80::71 dev d0 weight 1 nexthop via fe80::72 dev d0 weight 5
2001:db8:f::/48    main    unicast     boot     global 1024   from 2001:db8:50::/64 dev d0 pref high
`,
			"-4 --exact 10.50.0.1 --table local": "10.50.0.1/32       local   local       kernel   host   0      dev d0 src 10.50.0.1\n",
		} {
			got := run(strings.Fields(line)...)
			if diff := cmp.Diff(nstest.Result{Stdout: detailHeads + want}, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", line, diff)
			}
		}
		want := nstest.Result{Status: 2, Stderr: "route: nosuch: no such device\n"}
		if diff := cmp.Diff(want, run("--dev", "nosuch")); diff != "" {
			t.Errorf("a device that is not there (-want +got)\n%s", diff)
		}
	})
}

// routeObject is what a test compares of a route: JSON of gnet and of ip(8), whose keys are brought together.
type routeObject struct {
	Destination, Gateway, Iface, Type, Protocol, Scope, Source, Encap string
	Table, Metric, NexthopID, MTU, InitCWnd                           int
	Hops                                                              string
}

// TestRouteList_jsonLikeIP holds the machine output to that of `ip -j route`, table by table.
func TestRouteList_jsonLikeIP(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		for _, family := range []string{"-4", "-6"} {
			var document struct {
				Schema string
				Rows   []struct {
					Destination, Gateway, Iface, Type, Protocol, Scope, Source, Encap string
					Table, Metric, MTU, InitCWnd                                      int
					NexthopID                                                         int `json:"nexthop_id"`
					Nexthops                                                          []struct {
						Gateway, Iface string
						Weight         int
					}
				}
			}
			out := run(family, "--all-tables", "--json")
			if err := json.Unmarshal([]byte(out.Stdout), &document); err != nil || out.Status != 0 || document.Schema != routeSchema {
				t.Fatalf("%v: %+v", err, out)
			}
			var got []routeObject
			for _, r := range document.Rows {
				o := routeObject{Destination: r.Destination, Gateway: r.Gateway, Iface: r.Iface, Type: r.Type, Protocol: r.Protocol, Scope: r.Scope,
					Source: r.Source, Encap: strings.SplitN(r.Encap, " ", 2)[0], Table: r.Table, Metric: r.Metric, NexthopID: r.NexthopID, MTU: r.MTU, InitCWnd: r.InitCWnd}
				for _, h := range r.Nexthops {
					o.Hops += fmt.Sprintf("%s %s %d;", h.Gateway, h.Iface, h.Weight)
				}
				got = append(got, o)
			}
			if diff := cmp.Diff(ipRouteObjects(t, host, family), got); diff != "" || len(got) < 8 {
				t.Errorf("%s (-ip +gnet)\n%s", family, diff)
			}
		}
	})
}

// ipRouteObjects returns what `ip -j route show table all` says.
func ipRouteObjects(t *testing.T, host *nstest.Host, family string) []routeObject {
	t.Helper()
	var rows []struct {
		Type, Dst, From, Gateway, Dev, Table, Protocol, Scope, Encap string
		Via                                                          struct{ Host string }
		Metric, Nhid                                                 int
		Metrics                                                      []struct{ MTU, InitCWnd int }
		Nexthops                                                     []struct {
			Gateway, Dev string
			Weight       int
		}
	}
	r := host.Run(t, nstest.Peer(t, "ip"), family, "-j", "-d", "route", "show", "table", "all")
	// ip 6.1 writes a group's members into the list of routes.
	text := regexp.MustCompile(`,?"nh_info":\{[^{}]*\}`).ReplaceAllString(r.Stdout, "")
	// It gives the tunnel's destination the key of the route's.
	text = regexp.MustCompile(`("encap":"ip","id":5),"src":"[^"]*","dst":"[^"]*"`).ReplaceAllString(text, "$1")
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatalf("ip -j route: %v\n%s", err, text)
	}
	var all []routeObject
	for _, r := range rows {
		o := routeObject{Destination: ipPrefix(family, r.Dst), Gateway: r.Gateway + r.Via.Host, Iface: r.Dev, Type: r.Type, Protocol: r.Protocol, Scope: r.Scope,
			Source: r.From, Encap: r.Encap, Metric: r.Metric, NexthopID: r.Nhid, Table: map[string]int{"main": 254, "local": 255, "1001": 1001}[r.Table]}
		for _, m := range r.Metrics {
			o.MTU, o.InitCWnd = o.MTU+m.MTU, o.InitCWnd+m.InitCWnd
		}
		for _, h := range r.Nexthops {
			o.Hops += fmt.Sprintf("%s %s %d;", h.Gateway, h.Dev, h.Weight)
		}
		all = append(all, o)
	}
	return all
}

// ipPrefix writes a destination of ip(8) with its length.
func ipPrefix(family, dst string) string {
	switch {
	case dst == "default" && family == "-4":
		return "0.0.0.0/0"
	case dst == "default":
		return "::/0"
	case strings.Contains(dst, "/"):
		return dst
	}
	a := netip.MustParseAddr(dst)
	return netip.PrefixFrom(a, a.BitLen()).String()
}

// TestRouteList_v6Large: above ipv6FileLimit routes the rows come over rtnetlink. They are the original's but for the counts, which
// nothing carries, and the null entries; --proc has the original's bytes.
func TestRouteList_v6Large(t *testing.T) {
	difference(t, "v6-large")
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		addMany6(t, host, ipv6FileLimit)
		netstat := gnetCalled(t, "netstat")
		old := host.Run(t, nstest.Peer(t, "route"), "-6n")
		if diff := cmp.Diff(withoutRefs(old.Stdout), withoutRefs(run("-6n", "--proc").Stdout)); diff != "" {
			t.Errorf("--proc (-original +gnet)\n%s", diff)
		}
		nulls := regexp.MustCompile(`(?m)^::/0 +:: +!n   -1 .*\n`)
		counts := regexp.MustCompile(`(?m)^(.{57} .{4} \S+ *) \d+ +0 (\S+)$`)
		want := nstest.Result{Stdout: counts.ReplaceAllString(nulls.ReplaceAllString(old.Stdout, ""), "$1 -      - $2")}
		for called, run := range map[string]func() nstest.Result{
			"route":   func() nstest.Result { return run("-6n") },
			"netstat": func() nstest.Result { return host.Run(t, netstat, "-6rn") },
		} {
			want.Stderr = fmt.Sprintf("%s: %d IPv6 routes: read over rtnetlink, which lacks Ref, Use, the flags D and A and the null entries; --proc reads the file\n",
				called, strings.Count(want.Stdout, "\n")-2)
			if diff := cmp.Diff(want, run()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", called, diff)
			}
		}
	})
}

// addMany6 adds n IPv6 routes.
func addMany6(t *testing.T, host *nstest.Host, n int) {
	t.Helper()
	host.Netlink(t, func(c *rtnl.Conn) error {
		for i := range n {
			a := netip.MustParseAddr("2001:db8:1000::").As16()
			a[6], a[7] = byte(i>>8), byte(i)
			r := rtnl.Route{Family: unix.AF_INET6, Dst: netip.PrefixFrom(netip.AddrFrom16(a), 64), Protocol: unix.RTPROT_BOOT, Gateway: netip.MustParseAddr("2001:db8:50::2")}
			if err := c.AddRoute(&r, unix.NLM_F_CREATE); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestRouteList_withoutNetlink: where rtnetlink is refused the files answer, in the classic form with the same bytes. What only rtnetlink
// knows is refused with the reason.
func TestRouteList_withoutNetlink(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		addMany6(t, host, ipv6FileLimit)
		program := gnetCalled(t, "route")
		netless := func(words ...string) nstest.Result {
			cmd := exec.Command(program, words...)
			cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d:%d", netlessEnv, unix.EPERM, unix.NETLINK_ROUTE))
			return host.Output(t, cmd)
		}
		for _, line := range []string{"-n", "-en", "-een", "-4n"} {
			if diff := cmp.Diff(run(line), netless(line)); diff != "" {
				t.Errorf("%s (-with +without)\n%s", line, diff)
			}
		}
		want := run("-6n", "--proc")
		if got := netless("-6n"); withoutRefs(want.Stdout) != withoutRefs(got.Stdout) || got.Stderr != "" || got.Status != 0 {
			t.Errorf("-6n: %s", cmp.Diff(want, got))
		}
		const refused = "opening rtnetlink: operation not permitted"
		got := netless("--format", "jsonl")
		if !strings.Contains(got.Stdout, `{"kind":"row","family":"inet","destination":"10.2.0.0/16","gateway":"10.50.0.2","iface":"d0","flags":"UG","flag_bits":3,"metric":0}`) ||
			!strings.HasSuffix(got.Stdout, `{"kind":"note","level":"warning","text":"`+refused+`: the rows are those of /proc/net, which knows less"}`+"\n") || got.Status != 0 {
			t.Errorf("jsonl: %+v", got)
		}
		for _, line := range []string{"--details", "--table main --json", "get 10.0.0.1"} {
			got := netless(strings.Fields(line)...)
			if got.Status != 2 || !strings.HasSuffix(got.Stderr, ": "+refused+"\n") {
				t.Errorf("%s: %+v", line, got)
			}
		}
	})
}

// TestLabels: what iproute2 reads of its own tables.
func TestLabels(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "rt_tables")
	if err := os.WriteFile(file, []byte("# comment\n255\tlocal\n0x64 hex # tail\n010 ten\nx no\n77\n4294967296 large\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := make(map[uint32]string)
	walkLabels(file, func(n uint32, name string) bool { got[n] = name; return true })
	if diff := cmp.Diff(map[uint32]string{255: "local", 100: "hex", 10: "ten"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
