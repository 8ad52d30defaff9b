package routes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
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
	l, err := c.Lookup(Query{Dst: addr(dst)})
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
				l, err := conn.Lookup(Query{Dst: dst})
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

// TestLookup_packetsAgreeWithKernel is the same property for packets of which more is known: bound to an interface, with a source, a mark,
// a TOS, ports, another user's.
func TestLookup_packetsAgreeWithKernel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for i, rule := range []string{"fwmark 1 lookup 100", "tos 0x10 lookup 100", "uidrange 5-9 lookup 100", "ipproto tcp lookup 100",
			"from 10.50.0.1 lookup 101", "oif d1 lookup 101", "dport 80-90 lookup 101", "from 2001:db8:50::1 lookup 101"} {
			family := "-4"
			if strings.Contains(rule, "2001") {
				family = "-6"
			}
			ip(fmt.Sprintf("%s rule add priority %d %s", family, 100+i, rule))
		}
		for _, line := range []string{"-4 route add 10.128.0.0/12 via 10.50.0.9 table 100", "-4 route add 10.129.0.0/16 via 10.51.0.9 table 101",
			"-4 route add throw 10.130.0.0/16 table 101", "-4 route add unreachable 10.131.0.0/16 table 100", "-6 route add 2001:db8:8000::/40 via 2001:db8:50::9 table 101"} {
			ip(line)
		}
		random := rand.New(rand.NewPCG(3, 4))
		conn := mustDial(t)
		for range 300 {
			addRandomRoute(t, conn.rt, random)
		}
		decided := make(map[uint32]int)
		for range 400 {
			for _, q := range []Query{{Dst: randomAddr4(random)}, {Dst: randomAddr6(random)}} {
				randomPacket(&q, random)
				l, err := conn.Lookup(q)
				if err != nil {
					t.Fatal(err)
				}
				if !l.Agree && !slices.ContainsFunc(l.Reasons, func(r Reason) bool { return r.Kind == ReasonOnLink || r.Kind == ReasonReachable }) {
					t.Errorf("%+v: %+v, kernel %+v %v", q, explain(l), l.Kernel.Route, l.Kernel.Err)
				}
				if l.Winner != nil {
					decided[l.Winner.Route.Table]++
				}
			}
		}
		if decided[100] < 20 || decided[101] < 20 || decided[254] < 20 {
			t.Errorf("tables decided %v times; the packets are not random enough to prove anything", decided)
		}
	})
}

func randomPacket(q *Query, random *rand.Rand) {
	if random.IntN(3) == 0 {
		q.Oif = []string{"d0", "d1"}[random.IntN(2)]
	}
	if random.IntN(3) == 0 {
		q.Src = addr("10.50.0.1")
		if q.Dst.Is6() {
			q.Src = addr("2001:db8:50::1")
		}
	}
	q.Mark = uint32(random.IntN(4) / 3)
	if random.IntN(4) == 0 && q.Dst.Is4() {
		q.Tos = 0x10
	}
	if random.IntN(4) == 0 {
		q.UID, q.HasUID = uint32(random.IntN(12)), true
	}
	if random.IntN(4) == 0 {
		q.IPProto, q.DPort = unix.IPPROTO_TCP, uint16(70+random.IntN(30))
	}
}

// TestLookup_changing: rules and tables that change whenever they are read are read a bounded number of times, and that is said; one
// that settles is read until it has.
func TestLookup_changing(t *testing.T) {
	for _, tc := range []struct {
		interrupted int // how many dumps of rules and routes the peer marks
		want        []string
	}{
		{interrupted: 2},
		{interrupted: 1000, want: []string{
			"the rules changed each of the 3 times that they were read", "table local changed each of the 3 times that it was read",
			"table main changed each of the 3 times that it was read", "table default changed each of the 3 times that it was read",
		}},
	} {
		peer := &changingPeer{left: tc.interrupted}
		conn := &Conn{rt: rtnl.NewConn(netlink.NewConn(peer))}
		l, err := conn.Lookup(Query{Dst: addr("198.51.100.1")})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range l.Reasons {
			if r.Kind == ReasonChanging {
				got = append(got, r.Text)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || len(l.Rules) != 3 || !errors.Is(l.Refused, unix.ENETUNREACH) || !l.Agree {
			t.Errorf("%d interrupted: %d rules, refused %v, agree %v (-want +got)\n%s", tc.interrupted, len(l.Rules), l.Refused, l.Agree, diff)
		}
	}
}

// changingPeer answers like a kernel with three rules, empty tables and no interface, and marks its first dumps of rules and routes as
// interrupted.
type changingPeer struct {
	left    int
	routes  []byte // body of a route; nil: none
	replies [][]byte
}

func (p *changingPeer) Send(request []byte) error {
	typ, flags, seq := binary.NativeEndian.Uint16(request[4:]), binary.NativeEndian.Uint16(request[6:]), binary.NativeEndian.Uint32(request[8:])
	message := func(typ, flags uint16, body ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
		b = binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(b, typ), flags)
		b = append(binary.NativeEndian.AppendUint32(b, seq), 0, 0, 0, 0)
		return append(b, body...)
	}
	if flags&unix.NLM_F_DUMP != unix.NLM_F_DUMP {
		code := -int32(unix.ENETUNREACH)
		unreachable := binary.NativeEndian.AppendUint32(nil, uint32(code))
		p.replies = append(p.replies, message(unix.NLMSG_ERROR, unix.NLM_F_CAPPED, append(unreachable, request[:16]...)...))
		return nil
	}
	marked := uint16(unix.NLM_F_MULTI)
	if p.left > 0 && (typ == unix.RTM_GETRULE || typ == unix.RTM_GETROUTE) {
		p.left--
		marked |= unix.NLM_F_DUMP_INTR
	}
	var reply []byte
	if typ == unix.RTM_GETRULE {
		for _, table := range []byte{255, 254, 253} {
			reply = append(reply, message(unix.RTM_NEWRULE, marked, unix.AF_INET, 0, 0, 0, table, 0, 0, unix.FR_ACT_TO_TBL, 0, 0, 0, 0)...)
		}
	}
	if typ == unix.RTM_GETROUTE && p.routes != nil {
		reply = append(reply, message(unix.RTM_NEWROUTE, marked, p.routes...)...)
		reply = append(reply, make([]byte, -len(reply)&3)...)
	}
	p.replies = append(p.replies, append(reply, message(unix.NLMSG_DONE, marked, 0, 0, 0, 0)...))
	return nil
}

func (p *changingPeer) Recv(b []byte) (int, uint32, error) {
	reply := p.replies[0]
	p.replies = p.replies[1:]
	return copy(b, reply), 0, nil
}

func (p *changingPeer) Close() error { return nil }

// TestFlow_vrf: a rule for VRFs takes a packet of an interface that is or belongs to one. (This kernel has no VRF to make.)
func TestFlow_vrf(t *testing.T) {
	rule := &rtnl.Rule{L3mdev: true}
	for _, tc := range []struct {
		table uint32
		want  string
	}{{0, "l3mdev"}, {1001, ""}} {
		f := flow{Query: Query{Dst: addr("10.0.0.1")}, vrfTable: tc.table}
		if got := f.mismatch(rule); got != tc.want {
			t.Errorf("table %d: %q, want %q", tc.table, got, tc.want)
		}
	}
}

// TestList_lyingPeer: messages that are cut, unaligned or lie about their lengths end a listing with an error, never with a wrong row.
func TestList_lyingPeer(t *testing.T) {
	whole := []byte{unix.AF_INET, 24, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0, 8, 0, unix.RTA_DST, 0, 10, 1, 2, 0}
	for name, tc := range map[string]struct {
		body []byte
		want error
		rows int
	}{
		"whole":                    {whole, nil, 1},
		"half a header":            {whole[:7], netlink.ErrShortMessage, 0},
		"attribute beyond the end": {append(slices.Clone(whole[:12]), 80, 0, unix.RTA_DST, 0, 10, 1, 2, 0), netlink.ErrBadAttribute, 0},
		"attribute of no size":     {append(slices.Clone(whole[:12]), 0, 0, unix.RTA_DST, 0, 10, 1, 2, 0), netlink.ErrBadAttribute, 0},
		"address of five bytes":    {append(slices.Clone(whole[:12]), 9, 0, unix.RTA_DST, 0, 10, 1, 2, 0, 0, 0, 0, 0), netlink.ErrBadAttribute, 0},
		"IPv6 address":             {append(append(slices.Clone(whole[:12]), 20, 0, unix.RTA_DST, 0), make([]byte, 16)...), netlink.ErrBadAttribute, 0},
		"length beyond the family": {append([]byte{unix.AF_INET, 77}, whole[2:]...), netlink.ErrBadAttribute, 0},
		"next hop of three bytes":  {append(slices.Clone(whole), 12, 0, unix.RTA_MULTIPATH, 0, 3, 0, 0, 0, 0, 0, 0, 0), netlink.ErrBadAttribute, 0},
	} {
		conn := &Conn{rt: rtnl.NewConn(netlink.NewConn(&changingPeer{routes: tc.body}))}
		rows, last := 0, error(nil)
		for r, err := range conn.List(Filter{Family: unix.AF_INET}) {
			if r != nil {
				rows++
			}
			last = err
		}
		if rows != tc.rows || !errors.Is(last, tc.want) {
			t.Errorf("%s: %d rows, %v; want %d, %v", name, rows, last, tc.rows, tc.want)
		}
	}
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
