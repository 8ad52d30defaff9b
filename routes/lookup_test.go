package routes

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// lookupHost makes a namespace with two links to another one, and returns a function that runs ip there.
func lookupHost(t *testing.T) (ip func(line string)) {
	t.Helper()
	here, far := nstest.Here(t), nstest.NewHost(t, "far")
	nstest.Connect(t, 0, nstest.End{Host: here, Name: "d0", Addrs: []string{"10.50.0.1/24", "2001:db8:50::1/64"}},
		nstest.End{Host: far, Name: "d0", Addrs: []string{"10.50.0.2/24", "2001:db8:50::2/64"}})
	nstest.Connect(t, 0, nstest.End{Host: here, Name: "d1", Addrs: []string{"10.51.0.1/24"}},
		nstest.End{Host: far, Name: "d1", Addrs: []string{"10.51.0.2/24"}})
	path := nstest.Peer(t, "ip")
	return func(line string) {
		t.Helper()
		if out, err := exec.Command(path, strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
}

func mustLookup(t *testing.T, dst string) *Lookup {
	t.Helper()
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := c.Lookup(addr(dst))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// explained is what a test compares of a lookup.
type explained struct {
	Winner, Why string
	Refused     error
	Agree       bool
	Reasons     []ReasonKind
}

func explain(l *Lookup) explained {
	e := explained{Refused: l.Refused, Agree: l.Agree}
	if l.Winner != nil {
		e.Winner = TableName(l.Winner.Route.Table) + " " + l.Winner.Route.Dst.String()
		e.Why = l.Winner.Why
	}
	for _, r := range l.Reasons {
		e.Reasons = append(e.Reasons, r.Kind)
	}
	return e
}

func TestLookup_everyWayToWin(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for _, line := range []string{
			"route add default via 10.50.0.2", "route add default via 10.51.0.2 metric 5",
			"route add 10.60.0.0/16 nexthop via 10.50.0.2 nexthop via 10.51.0.2",
			"route add unreachable 10.61.0.0/16", "route add blackhole 10.62.0.0/16", "route add throw 10.63.0.0/16",
			"route add prohibit 10.64.0.0/16", "route add 10.65.0.0/16 via 10.50.0.2 tos 0x10",
			"route add 10.66.0.0/16 via 10.50.0.2", "route prepend 10.66.0.0/16 via 10.51.0.2",
			"route add 127.5.0.0/16 dev d0", "route add local 10.67.0.0/16 dev lo", "route add 10.67.8.0/24 via 10.50.0.2",
			"-6 route add 2001:db8:a::/48 via 2001:db8:50::2", "-6 route add blackhole 2001:db8:c::/48",
			"-6 route add unreachable 2001:db8:d::/48", "-6 route add throw 2001:db8:e::/48",
			"-6 route add 2001:db8:f::/48 from 2001:db8:50::/64 via 2001:db8:50::2",
			"-6 route add 2001:db8:a:b::/64 via 2001:db8:50::2 metric 7",
		} {
			ip(line)
		}
		const only, longest, metric, first = "the only match", "longest prefix", "longest prefix, lowest metric", "longest prefix, lowest metric, first in the table"
		for dst, want := range map[string]explained{
			"1.2.3.4":         {"main 0.0.0.0/0", metric, nil, true, nil},
			"10.60.0.1":       {"main 10.60.0.0/16", longest, nil, true, []ReasonKind{ReasonMultipath}},
			"10.61.0.1":       {"main 10.61.0.0/16", longest, unix.EHOSTUNREACH, true, nil},
			"10.62.0.1":       {"main 10.62.0.0/16", longest, unix.EINVAL, true, nil},
			"10.63.0.1":       {"", "", unix.ENETUNREACH, true, nil},
			"10.64.0.1":       {"main 10.64.0.0/16", longest, unix.EACCES, true, nil},
			"10.65.0.1":       {"main 0.0.0.0/0", metric, nil, true, nil},
			"10.66.0.1":       {"main 10.66.0.0/16", first, nil, true, nil},
			"10.67.0.1":       {"local 10.67.0.0/16", only, nil, true, []ReasonKind{ReasonOneTree}},
			"10.67.8.1":       {"main 10.67.8.0/24", longest, nil, true, nil},
			"127.5.0.1":       {"main 127.5.0.0/16", longest, nil, true, nil},
			"127.0.0.1":       {"local 127.0.0.1/32", longest, nil, true, []ReasonKind{ReasonOneTree}},
			"10.50.0.255":     {"local 10.50.0.255/32", only, nil, true, []ReasonKind{ReasonOneTree}},
			"224.0.0.1":       {"main 0.0.0.0/0", metric, nil, true, []ReasonKind{ReasonType}},
			"255.255.255.255": {"main 0.0.0.0/0", metric, nil, true, []ReasonKind{ReasonType}},
			"0.0.0.0":         {"main 0.0.0.0/0", metric, nil, false, []ReasonKind{ReasonUnspecified}},
			"2001:db8:a::1":   {"main 2001:db8:a::/48", only, nil, true, nil},
			"2001:db8:a:b::1": {"main 2001:db8:a:b::/64", longest, nil, true, nil},
			"2001:db8:c::1":   {"main 2001:db8:c::/48", only, unix.EINVAL, true, nil},
			"2001:db8:d::1":   {"main 2001:db8:d::/48", only, unix.EHOSTUNREACH, true, nil},
			"2001:db8:e::1":   {"", "", unix.ENETUNREACH, true, nil},
			"2001:db8:f::1":   {"", "", unix.ENETUNREACH, true, nil},
			"::1":             {"local ::1/128", only, nil, true, nil},
			"2001:db8:50::1":  {"local 2001:db8:50::1/128", only, nil, true, nil},
			"3000::1":         {"", "", unix.ENETUNREACH, true, nil},
		} {
			if diff := cmp.Diff(want, explain(mustLookup(t, dst)), compareErrnos); diff != "" {
				t.Errorf("%s (-want +got)\n%s", dst, diff)
			}
		}
	})
}

// compareErrnos compares errors that are errnos or nil.
var compareErrnos = cmp.Comparer(func(a, b error) bool { return a == b })

func TestLookup_rules(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for _, line := range []string{
			"route add default via 10.50.0.2", "route add 10.70.0.0/16 via 10.51.0.2 table 100", "route add default via 10.51.0.2 table 101",
			"route add 127.5.0.0/16 dev d0",
			"rule add priority 100 to 10.70.0.0/16 lookup 100", "rule add priority 110 fwmark 7 lookup 101",
			"rule add priority 120 from 10.9.0.0/16 lookup 101", "rule add priority 130 to 10.71.0.0/16 blackhole",
			"rule add priority 140 to 10.72.0.0/16 prohibit", "rule add priority 150 to 10.73.0.0/16 unreachable",
			"rule add priority 160 to 10.74.0.0/16 goto 200", "rule add priority 170 to 10.74.0.0/16 blackhole",
			"rule add priority 180 to 10.77.0.0/16 goto 32000", "rule add priority 190 to 10.77.0.0/16 lookup 101",
			"rule add priority 200 to 10.74.0.0/16 lookup 101", "rule add priority 210 lookup main suppress_prefixlength 0",
			"rule add priority 220 iif lo to 10.75.0.0/16 lookup 101", "rule add priority 230 not to 10.0.0.0/8 uidrange 0-4294967294 lookup 101",
		} {
			ip(line)
		}
		for dst, want := range map[string]explained{
			"10.70.0.1": {"100 10.70.0.0/16", "the only match", nil, true, nil},
			"10.71.0.1": {"", "", unix.EINVAL, true, nil},
			"10.72.0.1": {"", "", unix.EACCES, true, nil},
			"10.73.0.1": {"", "", unix.ENETUNREACH, true, nil},
			"10.74.0.1": {"101 0.0.0.0/0", "the only match", nil, true, nil},
			"10.77.0.1": {"101 0.0.0.0/0", "the only match", nil, true, nil}, // there is no rule 32000
			"10.75.0.1": {"101 0.0.0.0/0", "the only match", nil, true, nil},
			"10.76.0.1": {"main 0.0.0.0/0", "the only match", nil, true, nil},
			"8.8.8.8":   {"101 0.0.0.0/0", "the only match", nil, true, nil},
			"10.50.0.9": {"main 10.50.0.0/24", "longest prefix", nil, true, nil},
			// With a rule changed, local comes first whatever main has.
			"127.5.0.1": {"local 127.0.0.0/8", "the only match", nil, true, nil},
		} {
			if diff := cmp.Diff(want, explain(mustLookup(t, dst)), compareErrnos); diff != "" {
				t.Errorf("%s (-want +got)\n%s", dst, diff)
			}
		}
	})
}

// TestLookup_splitTables: a rule that came and went leaves the tables apart, which nothing but the kernel's answer shows.
func TestLookup_splitTables(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("route add 127.5.0.0/16 dev d0")
		ip("rule add priority 100 fwmark 7 lookup 100")
		ip("rule del priority 100")
		want := explained{"main 127.5.0.0/16", "the only match", nil, false, []ReasonKind{ReasonSplit}}
		if diff := cmp.Diff(want, explain(mustLookup(t, "127.5.0.1")), compareErrnos); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestLookup_candidates(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("route add 10.50.0.128/25 via 10.50.0.2")
		ip("route add 10.50.0.128/25 via 10.50.0.3 metric 9")
		type row struct {
			Dst, Masked string
			Equal, Won  bool
			Why         string
		}
		var got []row
		l := mustLookup(t, "10.50.0.200")
		main := l.Rules[1].Table
		for _, c := range main.Candidates {
			got = append(got, row{c.Route.Dst.String(), c.Masked.String(), c.Equal, c.Won, c.Why})
		}
		want := []row{
			{"10.50.0.0/24", "10.50.0.0", true, false, "shorter prefix"},
			{"10.50.0.128/25", "10.50.0.128", true, true, "longest prefix, lowest metric"},
			{"10.50.0.128/25", "10.50.0.128", true, false, "higher metric"},
			{"10.51.0.0/24", "10.50.0.0", false, false, "not equal"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("candidates (-want +got)\n%s", diff)
		}
		if main.Entries != 4 || main.Hidden != 0 || main.Verdict != "decides" || l.Rules[0].Table.Verdict != "no match" {
			t.Errorf("table: %+v", main)
		}
		for i := range 60 {
			ip(fmt.Sprintf("route add 11.0.%d.0/24 via 10.50.0.2", i))
		}
		if main := mustLookup(t, "10.50.0.200").Rules[1].Table; main.Entries != 64 || main.Hidden != 61-shownUnequal || len(main.Candidates) != 3+shownUnequal {
			t.Errorf("%d entries, %d hidden, %d candidates", main.Entries, main.Hidden, len(main.Candidates))
		}
	})
}

// TestLookup_agreesWithKernel is the property: for random tables the explained winner is the kernel's.
func TestLookup_agreesWithKernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lookupHost(t)
		random := rand.New(rand.NewPCG(1, 2))
		conn, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for range 300 {
			addRandomRoute(t, conn.rt, random)
		}
		won := make(map[int]bool)
		for range 400 {
			for _, dst := range []netip.Addr{randomAddr4(random), randomAddr6(random)} {
				l, err := conn.Lookup(dst)
				if err != nil {
					t.Fatal(err)
				}
				if !l.Agree {
					t.Errorf("%v: %+v, kernel %+v", dst, explain(l), l.Kernel)
				}
				if l.Winner != nil {
					won[l.Winner.Route.Dst.Bits()] = true
				}
			}
		}
		if len(won) < 20 {
			t.Errorf("routes of %d lengths won; the tables are not random enough to prove anything", len(won))
		}
	})
}

// addRandomRoute adds a route of a random family, prefix, metric and type. Routes that exist already are left.
func addRandomRoute(t *testing.T, c *rtnl.Conn, random *rand.Rand) {
	t.Helper()
	d0, err := c.LinkByName("d0")
	if err != nil {
		t.Fatal(err)
	}
	r := rtnl.Route{Family: unix.AF_INET, Protocol: unix.RTPROT_BOOT, Priority: uint32(random.IntN(3)), Type: unix.RTN_UNICAST}
	gateways := []string{"10.50.0.2", "10.50.0.3", "10.50.0.4"}
	r.Dst = netip.PrefixFrom(randomAddr4(random), random.IntN(33)).Masked()
	if random.IntN(2) == 0 {
		r.Family, gateways = unix.AF_INET6, []string{"2001:db8:50::2", "2001:db8:50::3", "2001:db8:50::4"}
		r.Dst = netip.PrefixFrom(randomAddr6(random), 32+random.IntN(97)).Masked()
	}
	switch random.IntN(8) {
	case 0:
		r.Type = []uint8{unix.RTN_BLACKHOLE, unix.RTN_PROHIBIT, unix.RTN_UNREACHABLE, unix.RTN_THROW}[random.IntN(4)]
	case 1:
		r.Oif, r.Scope = d0.Index, unix.RT_SCOPE_LINK
	case 2:
		r.Multipath = []rtnl.Nexthop{{Gateway: addr(gateways[0]), Oif: d0.Index}, {Gateway: addr(gateways[1]), Oif: d0.Index, Weight: 3}}
	case 3:
		if r.Family == unix.AF_INET {
			r.Tos = 0x10
		}
		fallthrough
	default:
		r.Gateway = addr(gateways[random.IntN(3)])
	}
	if err := c.AddRoute(&r, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil && !isExist(err) {
		t.Fatalf("%+v: %v", r, err)
	}
}

func isExist(err error) bool { return strings.Contains(err.Error(), unix.EEXIST.Error()) }

// randomAddr4 returns an address near to others, so that prefixes of every length are hit.
func randomAddr4(random *rand.Rand) netip.Addr {
	n := random.Uint32N(1 << (4 + random.UintN(20)))
	return netip.AddrFrom4([4]byte{10, 128 | byte(n>>16), byte(n >> 8), byte(n)})
}

func randomAddr6(random *rand.Rand) netip.Addr {
	a := addr("2001:db8:8000::").As16()
	for i := range 10 {
		if random.IntN(3) == 0 {
			a[6+i] = byte(random.UintN(4)) << (2 * random.UintN(4))
		}
	}
	return netip.AddrFrom16(a)
}
