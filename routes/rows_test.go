package routes

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/procfile"
)

// everyRoute are routes of each kind that the two sources could show differently. The tunnel and the objects are what kernel 6.18
// has without further modules.
const everyRoute = `route add default via 10.50.0.2
route add default via 10.50.0.3 metric 4000000000
route prepend 10.1.0.0/16 via 10.50.0.2
route append 10.1.0.0/16 via 10.50.0.3
route add 10.2.0.0/16 encap ip id 5 dst 10.9.9.9 via 10.50.0.2
nexthop add id 10 via 10.50.0.3 dev d0
nexthop add id 11 via 10.50.0.4 dev d0
nexthop add id 20 group 10,3/11
nexthop add id 30 blackhole
route add 10.3.0.0/16 nhid 20
route add 10.33.0.0/16 nhid 10
route add 10.4.0.0/16 nhid 30
route add 10.5.0.0/16 via inet6 fe80::5 dev d0
route add 10.55.0.0/16 nexthop via inet6 fe80::5 dev d0 nexthop via 10.50.0.8 weight 3
route add 10.6.0.0/16 dev d0 table 1001
route add 10.7.0.0/16 dev d0 mtu lock 1400 initcwnd 20 rto_min 300ms
route add 10.7.0.0/16 dev d0 tos 0x10
route add 10.7.7.7/32 via 10.50.0.2
route add throw 10.8.0.0/16
route add prohibit 10.9.0.0/16
route add unreachable 10.9.1.0/24
route add blackhole 10.9.2.1/32
route add 10.11.0.0/16 via 10.99.0.1 dev d0 onlink advmss 1000 window 5000 rtt 30ms
route add local 10.12.0.0/16 dev lo
route add broadcast 10.13.0.0/16 dev d0 table main
-6 nexthop add id 31 blackhole
-6 nexthop add id 41 via fe80::71 dev d0
-6 nexthop add id 42 via fe80::72 dev d0
nexthop add id 43 group 41/42
-6 route add 2001:db8:9::/48 nhid 43
-6 route add 2001:db8:a::/48 nhid 41
-6 route add 2001:db8:b::/48 nhid 31
-6 route add blackhole 2001:db8:c::/48
-6 route add prohibit 2001:db8:c1::/48
-6 route add unreachable 2001:db8:c2::/48 metric 7
-6 route add throw 2001:db8:c3::/48
-6 route add 2001:db8:d::/48 nexthop via fe80::71 dev d0 nexthop via fe80::72 dev d0 weight 5
-6 route add 2001:db8:e::/48 via fe80::79 dev d0 onlink expires 100
-6 route add 2001:db8:f::/48 dev d0 from 2001:db8:50::/64
-6 route add 2001:db8:10::/48 encap ip6 id 5 dst 2001:db8::9 dev d0
-6 route add 2001:db8:11::/48 dev lo
-6 route add local 2001:db8:12::/48 dev lo
-6 route add 2001:db8:13::/48 via 2001:db8:50::2 table 1001
-6 route add default via fe80::71 dev d0 metric 4294967294
`

// TestRows_sameAsFile holds both sources of the classic listing to the same rows, also where the kernel names nexthop objects alone.
func TestRows_sameAsFile(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for line := range strings.Lines(everyRoute) {
			ip(strings.TrimSpace(line))
		}
		for _, compat := range []string{"1", "0"} {
			nstest.Here(t).Sysctl(t, "net/ipv4/nexthop_compat_mode", compat)
			conn := mustDial(t)
			if diff := cmp.Diff(rowsOf(t, IPv4File(procfile.Root{})), rowsOf(t, conn.IPv4Rows()), compareAddrs); diff != "" {
				t.Errorf("IPv4, nexthop_compat_mode %s (-file +netlink)\n%s", compat, diff)
			}
			file := slices.DeleteFunc(rowsOf(t, IPv6File(procfile.Root{})), func(r IPv6Row) bool {
				return r.Metric == 1<<32-1 && r.Flags&FlagReject != 0 // a null entry
			})
			for i := range file {
				file[i].RefCnt = 0
			}
			netlink := rowsOf(t, conn.IPv6Rows())
			if diff := cmp.Diff(file, netlink, compareAddrs); diff != "" {
				t.Errorf("IPv6, nexthop_compat_mode %s (-file +netlink)\n%s", compat, diff)
			}
			if n, ok := IPv6Entries(procfile.Root{}); !ok || int(n) != len(netlink) {
				t.Errorf("rt6_stats says %d %v, there are %d rows", n, ok, len(netlink))
			}
		}
	})
}

func mustDial(t *testing.T) *Conn {
	t.Helper()
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rowsOf collects a walk in which nothing may go wrong.
func rowsOf[T any](t *testing.T, rows func(func(*T, error) bool)) []T {
	t.Helper()
	var all []T
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *row)
	}
	if len(all) == 0 {
		t.Fatal("no row")
	}
	return all
}

// TestList_filters: each filter selects what ip(8) does with the same question.
func TestList_filters(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for line := range strings.Lines(everyRoute) {
			ip(strings.TrimSpace(line))
		}
		conn := mustDial(t)
		for question, filter := range map[string]Filter{
			"-4 route show":                        {Family: unix.AF_INET, Table: 254},
			"-4 route show table all":              {Family: unix.AF_INET},
			"-6 route show table all":              {Family: unix.AF_INET6},
			"-4 route show table 1001":             {Family: unix.AF_INET, Table: 1001},
			"-6 route show table 1001":             {Family: unix.AF_INET6, Table: 1001},
			"-4 route show root 10.7.0.0/16":       {Family: unix.AF_INET, Table: 254, Root: prefix("10.7.0.0/16")},
			"-4 route show match 10.7.7.7":         {Family: unix.AF_INET, Table: 254, Covering: prefix("10.7.7.7/32")},
			"-4 route show exact 10.1.0.0/16":      {Family: unix.AF_INET, Table: 254, Exact: prefix("10.1.0.0/16")},
			"-6 route show match 2001:db8:c::1":    {Family: unix.AF_INET6, Table: 254, Covering: prefix("2001:db8:c::1/128")},
			"-4 route show dev lo table all":       {Family: unix.AF_INET, Dev: "lo"},
			"-6 route show dev lo table all":       {Family: unix.AF_INET6, Dev: "lo"},
			"-4 route show via 10.50.0.2":          {Family: unix.AF_INET, Table: 254, Via: addr("10.50.0.2")},
			"-4 route show proto kernel table all": {Family: unix.AF_INET, Protocol: 2, HasProtocol: true},
			"-4 route show type prohibit":          {Family: unix.AF_INET, Table: 254, Type: 8},
			"-6 route show type local table all":   {Family: unix.AF_INET6, Type: 2},
			"-4 route show scope link table all":   {Family: unix.AF_INET, Scope: 253, HasScope: true},
		} {
			want, got := ipRoutes(t, question), []string(nil)
			for r, err := range conn.List(filter) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.Dst.String())
			}
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("ip %s (-ip +gnet)\n%s", question, diff)
			}
		}
	})
}

// ipRoutes returns the destinations that ip(8) lists, with their lengths.
func ipRoutes(t *testing.T, question string) []string {
	t.Helper()
	out, err := exec.Command(nstest.Peer(t, "ip"), append([]string{"-o", "-d"}, strings.Fields(question)...)...).Output()
	if err != nil {
		t.Fatalf("ip %s: %v", question, err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if words[1] == "id" { // nh_info: what a nexthop object is
			continue
		}
		dst := words[1] // behind the type
		switch {
		case dst == "default" && strings.HasPrefix(question, "-4"):
			dst = "0.0.0.0/0"
		case dst == "default":
			dst = "::/0"
		case !strings.Contains(dst, "/") && strings.Contains(dst, ":"):
			dst += "/128"
		case !strings.Contains(dst, "/"):
			dst += "/32"
		}
		list = append(list, dst)
	}
	return list
}

func TestList_refusesDevices(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		conn := mustDial(t)
		for want, filter := range map[string]Filter{
			"nosuch: no such device":                            {Dev: "nosuch"},
			"a-name-that-no-interface-can-have: no such device": {Dev: "a-name-that-no-interface-can-have"},
			"lo: the interface is no VRF":                       {VRF: "lo"},
		} {
			var got error
			for r, err := range conn.List(filter) {
				if r != nil {
					t.Errorf("%+v: a row", filter)
				}
				got = err
			}
			if got == nil || got.Error() != want {
				t.Errorf("%+v: %v, want %s", filter, got, want)
			}
		}
	})
}

func TestParseIPv6Entries(t *testing.T) {
	for text, want := range map[string]struct {
		n  uint64
		ok bool
	}{
		"0018 000d 0004 0010 0000 0000 0000\n":   {16, true},
		"0001 0001 0000 186a0 0000 0000 0000\n":  {100000, true},
		"0001 0001 0000 0001 0000 0000\n":        {0, false},
		"0001 0001 0000 x 0000 0000 0000\n":      {0, false},
		"0001 0001 0000 0001 0000 0000 0000 1\n": {0, false},
		"":                                       {0, false},
	} {
		if n, ok := parseIPv6Entries([]byte(text)); n != want.n || ok != want.ok {
			t.Errorf("%q: %d %v", text, n, ok)
		}
	}
}
