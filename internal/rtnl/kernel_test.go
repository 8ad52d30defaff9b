package rtnl_test

import (
	"errors"
	"iter"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// These tests talk to the kernel of the machine, in a namespace of their own.

var byValue = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

func mustDial(t *testing.T) *rtnl.Conn {
	t.Helper()
	c, err := rtnl.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// collect copies the rows of a list. A route's next hops are cloned: the list
// reuses their slice.
func collect[T any](t *testing.T, rows iter.Seq2[*T, error]) []T {
	t.Helper()
	var all []T
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *row)
		if r, ok := any(&all[len(all)-1]).(*rtnl.Route); ok {
			r.Multipath = slices.Clone(r.Multipath)
		}
	}
	return all
}

// ethernet makes a veth pair e0-e1 with addresses on e0 and returns e0's index.
func ethernet(t *testing.T, c *rtnl.Conn) int {
	t.Helper()
	here := nstest.Here(t)
	nstest.Connect(t, 1400,
		nstest.End{Host: here, Name: "e0", Addrs: []string{"10.0.0.1/24", "fd00::1/64"}},
		nstest.End{Host: here, Name: "e1"})
	link, err := c.LinkByName("e0")
	if err != nil {
		t.Fatal(err)
	}
	return link.Index
}

func TestRoutes_roundTripThroughTheKernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
		for _, tc := range []struct {
			name string
			add  rtnl.Route
			// change makes of add what the kernel shows.
			change func(*rtnl.Route)
		}{
			{"default through a gateway", rtnl.Route{Family: unix.AF_INET, Gateway: addr("10.0.0.9"), Protocol: unix.RTPROT_BOOT},
				func(r *rtnl.Route) { r.Oif, r.Dst = e0, prefix("0.0.0.0/0") }},
			{"all of the fields of IPv4", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.200.0.0/13"), Gateway: addr("10.0.0.9"), Oif: e0,
				Priority: 4294967295, Tos: 0x10, Scope: unix.RT_SCOPE_UNIVERSE, Protocol: unix.RTPROT_STATIC, PrefSrc: addr("10.0.0.1"),
				Metrics: rtnl.Metrics{Lock: 1 << unix.RTAX_MTU, MTU: 1200, Window: 30000, RTT: 800, RTTVar: 400, SSThresh: 11, CWnd: 12, AdvMSS: 1160,
					Reordering: 13, HopLimit: 14, InitCWnd: 15, RTOMin: 300, InitRWnd: 16, QuickAck: 1}}, func(*rtnl.Route) {}},
			{"onlink", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.9.0.0/16"), Gateway: addr("192.0.2.1"), Oif: e0, Flags: unix.RTNH_F_ONLINK}, func(*rtnl.Route) {}},
			{"IPv4 through an IPv6 neighbour", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.10.0.0/16"), Gateway: addr("fd00::9"), Oif: e0}, func(*rtnl.Route) {}},
			{"two next hops", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.11.0.0/16"), Multipath: []rtnl.Nexthop{
				{Gateway: addr("10.0.0.9"), Oif: e0, Weight: 1}, {Gateway: addr("fd00::9"), Oif: e0, Weight: 256}}},
				func(r *rtnl.Route) { r.Multipath[0].OifName, r.Multipath[1].OifName = "e0", "e0" }},
			{"table beyond 255", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.12.0.0/16"), Oif: e0, Scope: unix.RT_SCOPE_LINK, Table: 70000}, func(*rtnl.Route) {}},
			{"blackhole", rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.13.0.0/16"), Type: unix.RTN_BLACKHOLE}, func(*rtnl.Route) {}},
			{"all of the fields of IPv6", rtnl.Route{Family: unix.AF_INET6, Dst: prefix("fd77::/48"), Gateway: addr("fd00::9"), Oif: e0,
				Priority: 77, Protocol: unix.RTPROT_STATIC, PrefSrc: addr("fd00::1"), Pref: 1, Metrics: rtnl.Metrics{MTU: 1300, HopLimit: 9}}, func(*rtnl.Route) {}},
			{"IPv6 default without metric", rtnl.Route{Family: unix.AF_INET6, Oif: e0}, func(r *rtnl.Route) { r.Dst, r.Priority, r.Protocol = prefix("::/0"), 1024, unix.RTPROT_BOOT }},
			{"IPv6 unreachable", rtnl.Route{Family: unix.AF_INET6, Dst: prefix("fd78::/48"), Type: unix.RTN_UNREACHABLE},
				func(r *rtnl.Route) { r.Priority, r.Oif, r.OifName, r.Protocol = 1024, 1, "lo", unix.RTPROT_BOOT }},
		} {
			t.Run(tc.name, func(t *testing.T) {
				want := tc.add
				if err := c.AddRoute(&tc.add, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
					t.Fatal(err)
				}
				if want.Table == 0 {
					want.Table = unix.RT_TABLE_MAIN
				}
				if want.Type == 0 {
					want.Type = unix.RTN_UNICAST
				}
				if tc.change(&want); want.Oif == e0 {
					want.OifName = "e0"
				}
				if diff := cmp.Diff([]rtnl.Route{want}, added(t, c, want), byValue); diff != "" {
					t.Error(diff)
				}
				again := tc.add
				if err := c.AddRoute(&again, unix.NLM_F_CREATE|unix.NLM_F_EXCL); !errors.Is(err, unix.EEXIST) {
					t.Errorf("added again: %v, want EEXIST", err)
				}
				if err := c.DelRoute(&tc.add); err != nil {
					t.Fatal(err)
				}
				if left := added(t, c, want); len(left) != 0 {
					t.Errorf("left after delete: %+v", left)
				}
				if err := c.DelRoute(&tc.add); !errors.Is(err, unix.ESRCH) {
					t.Errorf("deleted again: %v, want ESRCH", err)
				}
			})
		}
	})
}

// added lists the routes with want's destination in want's table. The flag bits that the
// kernel adds for the state of the link are taken out.
func added(t *testing.T, c *rtnl.Conn, want rtnl.Route) (found []rtnl.Route) {
	t.Helper()
	const state = unix.RTNH_F_LINKDOWN | unix.RTNH_F_DEAD
	for _, r := range collect(t, c.Routes(rtnl.RouteFilter{Family: want.Family, Table: want.Table})) {
		if r.Dst != want.Dst {
			continue
		}
		r.Flags &^= state
		for i := range r.Multipath {
			r.Multipath[i].Flags &^= state
		}
		if len(r.Multipath) == 0 {
			r.Multipath = nil
		}
		found = append(found, r)
	}
	return found
}

func TestRoutes_filters(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		for _, r := range []rtnl.Route{
			{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.5.0.0/16"), Oif: e0, Scope: unix.RT_SCOPE_LINK, Protocol: unix.RTPROT_BOOT},
			{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.6.0.0/16"), Oif: e0, Scope: unix.RT_SCOPE_LINK, Table: 300},
			{Family: unix.AF_INET6, Dst: netip.MustParsePrefix("fd06::/64"), Oif: e0, Table: 300},
		} {
			if err := c.AddRoute(&r, unix.NLM_F_CREATE); err != nil {
				t.Fatal(err)
			}
		}
		for _, tc := range []struct {
			name   string
			filter rtnl.RouteFilter
			want   []string
		}{
			{"main table", rtnl.RouteFilter{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN}, []string{"10.0.0.0/24", "10.5.0.0/16"}},
			{"table of both families", rtnl.RouteFilter{Table: 300}, []string{"10.6.0.0/16", "fd06::/64"}},
			{"protocol", rtnl.RouteFilter{Family: unix.AF_INET, Protocol: unix.RTPROT_BOOT}, []string{"10.5.0.0/16"}},
			{"type", rtnl.RouteFilter{Family: unix.AF_INET6, Type: unix.RTN_MULTICAST}, []string{"ff00::/8"}},
			{"no such table", rtnl.RouteFilter{Family: unix.AF_INET, Table: 4000000000}, nil},
			{"no such table of either family", rtnl.RouteFilter{Table: 4000000000}, nil},
			{"interface", rtnl.RouteFilter{Family: unix.AF_INET, Oif: 1}, []string{"127.0.0.0/8", "127.0.0.1/32", "127.255.255.255/32"}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				var got []string
				for _, r := range collect(t, c.Routes(tc.filter)) {
					got = append(got, r.Dst.String())
				}
				if tc.name == "type" {
					got = slices.Compact(got) // one for each interface
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

func TestRouteGet(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		route := rtnl.Route{Family: unix.AF_INET, Dst: netip.MustParsePrefix("10.7.0.0/16"), Gateway: netip.MustParseAddr("10.0.0.9")}
		if err := c.AddRoute(&route, unix.NLM_F_CREATE); err != nil {
			t.Fatal(err)
		}
		dst := netip.MustParseAddr("10.7.1.2")
		got, err := c.RouteGet(rtnl.RouteQuery{Dst: dst, Flags: unix.RTM_F_FIB_MATCH | unix.RTM_F_LOOKUP_TABLE})
		if err != nil {
			t.Fatal(err)
		}
		want := &rtnl.Route{Family: unix.AF_INET, Dst: route.Dst, Gateway: route.Gateway, Oif: e0, OifName: "e0", Table: unix.RT_TABLE_MAIN, Type: unix.RTN_UNICAST}
		got.Flags &^= unix.RTNH_F_LINKDOWN | unix.RTNH_F_DEAD
		if diff := cmp.Diff(want, got, byValue); diff != "" {
			t.Errorf("matching entry: %s", diff)
		}
		got, err = c.RouteGet(rtnl.RouteQuery{Dst: dst})
		if err != nil {
			t.Fatal(err)
		}
		if got.Dst != netip.PrefixFrom(dst, 32) || got.PrefSrc != netip.MustParseAddr("10.0.0.1") || got.Gateway != route.Gateway {
			t.Errorf("decision: %+v", got)
		}
		for _, unreachable := range []string{"198.51.100.1", "2001:db8::1"} {
			_, err := c.RouteGet(rtnl.RouteQuery{Dst: netip.MustParseAddr(unreachable)})
			if !errors.Is(err, unix.ENETUNREACH) || !netlink.IsRefused(err) {
				t.Errorf("%s: %v, want ENETUNREACH", unreachable, err)
			}
		}
	})
}

func TestAddRoute_kernelsOwnSentence(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		ethernet(t, c)
		err := c.AddRoute(&rtnl.Route{Family: unix.AF_INET, Gateway: netip.MustParseAddr("198.51.100.1")}, unix.NLM_F_CREATE)
		want := error(&netlink.OpError{Op: "add route", Err: unix.ENETUNREACH, Kernel: "Nexthop has invalid gateway", Refused: true})
		if diff := cmp.Diff(want, err); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLinks_makeChangeDelete(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		hostile := "a\x1b[\xff"
		if err := c.AddLink(rtnl.NewLink{Name: hostile, Kind: "veth", PeerName: "p0", MTU: 1280}); err != nil {
			t.Fatal(err)
		}
		link, err := c.LinkByName(hostile)
		if err != nil {
			t.Fatal(err)
		}
		mac := []byte{2, 0, 0, 0xaa, 0xbb, 0xcc}
		change := new(rtnl.LinkChange).MTU(1300).Hardware(mac).TxQueueLen(77).NoLinkLocal()
		if err := c.SetLink(link.Index, change); err != nil {
			t.Fatal(err)
		}
		if err := c.SetLink(link.Index, new(rtnl.LinkChange).Name("n0")); err != nil {
			t.Fatal(err)
		}
		if err := c.SetLink(link.Index, new(rtnl.LinkChange).Up()); err != nil {
			t.Fatal(err)
		}
		got, err := c.LinkByIndex(link.Index)
		if err != nil {
			t.Fatal(err)
		}
		want := &rtnl.Link{Index: link.Index, Name: "n0", ARPType: unix.ARPHRD_ETHER, MTU: 1300, Peer: link.Peer, TxQueueLen: 77, Kind: "veth", Hardware: mac,
			Flags: unix.IFF_UP | unix.IFF_BROADCAST | unix.IFF_MULTICAST, OperState: 3}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if addrs := collect(t, c.Addrs(unix.AF_INET6)); len(addrs) != 1 {
			t.Errorf("addresses but ::1: %+v", addrs)
		}
		if err := c.SetLink(link.Index, new(rtnl.LinkChange).Down()); err != nil {
			t.Fatal(err)
		}
		if err := c.DelLink(link.Index); err != nil {
			t.Fatal(err)
		}
		if _, err := c.LinkByName("p0"); !errors.Is(err, unix.ENODEV) {
			t.Errorf("the other end after delete: %v, want ENODEV", err)
		}
	})
}

func TestSetLink_moveToAnotherNamespace(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		other := nstest.NewHost(t, "other")
		if err := c.AddLink(rtnl.NewLink{Name: "m0", Kind: "veth", PeerName: "m1"}); err != nil {
			t.Fatal(err)
		}
		link, err := c.LinkByName("m1")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetLink(link.Index, new(rtnl.LinkChange).Netns(other.NS.Fd())); err != nil {
			t.Fatal(err)
		}
		other.Netlink(t, func(there *rtnl.Conn) error {
			_, err := there.LinkByName("m1")
			return err
		})
	})
}

func TestAddrs_addListDelete(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		p2p := netip.MustParseAddr("10.77.0.1")
		if err := c.AddPeerAddr(e0, p2p, netip.MustParseAddr("10.77.0.2"), 0); err != nil {
			t.Fatal(err)
		}
		all := collect(t, c.Addrs(unix.AF_INET))
		want := []rtnl.Addr{
			{Index: 1, Prefix: netip.MustParsePrefix("127.0.0.1/8"), Flags: unix.IFA_F_PERMANENT, Scope: unix.RT_SCOPE_HOST, Label: "lo"},
			{Index: e0, Prefix: netip.MustParsePrefix("10.0.0.1/24"), Flags: unix.IFA_F_PERMANENT, Label: "e0"},
			{Index: e0, Prefix: netip.MustParsePrefix("10.77.0.1/32"), Peer: netip.MustParseAddr("10.77.0.2"), Flags: unix.IFA_F_PERMANENT, Label: "e0"},
		}
		if diff := cmp.Diff(want, all, byValue); diff != "" {
			t.Error(diff)
		}
		if err := c.DelAddr(e0, netip.MustParsePrefix("10.0.0.1/24")); err != nil {
			t.Fatal(err)
		}
		if left := collect(t, c.Addrs(unix.AF_INET)); len(left) != 2 {
			t.Errorf("left after delete: %+v", left)
		}
	})
}

func TestNeighbours_addAndList(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		want := []rtnl.Neigh{{Index: e0, Addr: netip.MustParseAddr("10.0.0.9"), Hardware: []byte{2, 0, 0, 0, 0xcc, 9}, State: unix.NUD_PERMANENT}}
		if err := c.AddNeigh(&rtnl.Neigh{Index: e0, Addr: want[0].Addr, Hardware: want[0].Hardware}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, collect(t, c.Neighbours(unix.AF_INET)), byValue); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRules_defaultPolicy(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		rule := func(family uint8, priority, table uint32) rtnl.Rule {
			return rtnl.Rule{Family: family, Priority: priority, Table: table, Action: unix.FR_ACT_TO_TBL, Protocol: unix.RTPROT_KERNEL, SuppressPrefixLen: -1, SuppressIfGroup: -1}
		}
		want := []rtnl.Rule{
			rule(unix.AF_INET, 0, unix.RT_TABLE_LOCAL), rule(unix.AF_INET, 32766, unix.RT_TABLE_MAIN), rule(unix.AF_INET, 32767, unix.RT_TABLE_DEFAULT),
			rule(unix.AF_INET6, 0, unix.RT_TABLE_LOCAL), rule(unix.AF_INET6, 32766, unix.RT_TABLE_MAIN),
		}
		if diff := cmp.Diff(want, collect(t, mustDial(t).Rules(unix.AF_UNSPEC)), byValue); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRules_everySelector lets iproute2 make a rule of each kind.
func TestRules_everySelector(t *testing.T) {
	ip := nstest.Peer(t, "ip")
	nstest.InNetns(t, func(t *testing.T) {
		for _, args := range [][]string{
			{"rule", "add", "pref", "100", "from", "10.1.0.0/16", "to", "10.2.0.0/15", "iif", "lo", "oif", "e7", "fwmark", "0x1a/0xff", "lookup", "70000", "suppress_prefixlength", "3"},
			{"rule", "add", "pref", "200", "not", "ipproto", "tcp", "sport", "300-400", "dport", "53", "uidrange", "10-20", "lookup", "main"},
			{"rule", "add", "pref", "300", "goto", "32766"},
			{"rule", "add", "pref", "400", "l3mdev", "protocol", "77"},
		} {
			if got := nstest.Here(t).Run(t, ip, args...); got.Status != 0 {
				t.Fatalf("ip %v: %s", args, got.Stderr)
			}
		}
		got := collect(t, mustDial(t).Rules(unix.AF_INET))
		const invert = 2 // FIB_RULE_INVERT
		base := rtnl.Rule{Family: unix.AF_INET, Action: unix.FR_ACT_TO_TBL, SuppressPrefixLen: -1, SuppressIfGroup: -1}
		first, second, third, fourth := base, base, base, base
		first.Priority, first.Src, first.Dst = 100, netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("10.2.0.0/15")
		first.IifName, first.OifName, first.FwMark, first.FwMask, first.Table, first.SuppressPrefixLen = "lo", "e7", 0x1a, 0xff, 70000, 3
		second.Priority, second.Flags, second.IPProto, second.Table = 200, invert, unix.IPPROTO_TCP, unix.RT_TABLE_MAIN
		second.SrcPort, second.DstPort, second.UIDs = rtnl.PortRange{First: 300, Last: 400}, rtnl.PortRange{First: 53, Last: 53}, rtnl.UIDRange{First: 10, Last: 20, Set: true}
		third.Priority, third.Action, third.Goto = 300, unix.FR_ACT_GOTO, 32766
		fourth.Priority, fourth.L3mdev, fourth.Protocol = 400, true, 77
		first.Flags = got[1].Flags // whether interfaces are there is not the subject
		if diff := cmp.Diff([]rtnl.Rule{first, second, third, fourth}, got[1:5], byValue); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNames(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		e0 := ethernet(t, c)
		e1, err := c.LinkByName("e1")
		if err != nil {
			t.Fatal(err)
		}
		names, err := c.Names()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[int]string{1: "lo", e0: "e0", e1.Index: "e1"}, names); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRoutes_leavingTheLoopEarly: the connection can be used again at once.
func TestRoutes_leavingTheLoopEarly(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		ethernet(t, c)
		all := len(collect(t, c.Routes(rtnl.RouteFilter{Family: unix.AF_INET})))
		for range c.Routes(rtnl.RouteFilter{Family: unix.AF_INET}) {
			break
		}
		if again := len(collect(t, c.Routes(rtnl.RouteFilter{Family: unix.AF_INET}))); again != all || all < 5 {
			t.Errorf("%d routes, then %d", all, again)
		}
	})
}
