package routes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink/nltest"
	"gnet/internal/rtnl"
)

// savedLine is what most lines of a large table look like.
const savedLine = `{"kind":"row","family":"inet","type":"unicast","destination":"20.1.2.0/24","table":254,"metric":0,"protocol":"boot","scope":"global","gateway":"10.50.0.2","iface":"d0"}` + "\n"

// testNames knows two interfaces, a table and a protocol.
func testNames() SaveNames {
	return SaveNames{
		Interface: func(name string) (int, bool) { n := map[string]int{"d0": 7, "d\x1b": 9}[name]; return n, n > 0 },
		Labels: Labels{
			Table:    func(name string) (uint32, bool) { return 70000, name == "uplink" },
			Protocol: func(name string) (uint8, bool) { return 77, name == "mine" },
		},
	}
}

// readSaved reads a file: its routes, and its errors as text.
func readSaved(text string) (found []rtnl.Route, bad []string) {
	for row, err := range ReadSaved(strings.NewReader(text), testNames()) {
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		found = append(found, clone(&row.Route))
	}
	return found, bad
}

var byValue = cmp.Options{
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b []rtnl.Nexthop) bool {
		return len(a) == len(b) && (len(a) == 0 || fmt.Sprint(a) == fmt.Sprint(b))
	}),
}

func TestReadSaved(t *testing.T) {
	four := func(change func(*rtnl.Route)) []rtnl.Route {
		r := rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Table: 254, Type: 1, Protocol: 3}
		change(&r)
		return []rtnl.Route{r}
	}
	six := func(change func(*rtnl.Route)) []rtnl.Route {
		r := rtnl.Route{Family: unix.AF_INET6, Dst: prefix("2001:db8::/32"), Table: 254, Type: 1, Protocol: 3, Priority: 1024}
		change(&r)
		return []rtnl.Route{r}
	}
	for name, tc := range map[string]struct {
		text string
		want []rtnl.Route
	}{
		"a line of ours": {savedLine, four(func(r *rtnl.Route) {
			r.Dst, r.Gateway, r.Oif = prefix("20.1.2.0/24"), addr("10.50.0.2"), 7
		})},
		"everything of IPv4": {`{"family":"inet","type":"unicast","destination":"10.0.0.0/8","tos":16,"table":70000,"metric":4294967295,"protocol":"static","scope":"200",` +
			`"gateway":"fe80::1","iface":"d\u001b","onlink":true,"preferred_source":"10.50.0.1","realms":196613,"encap_type":2,"encap":"0c00","other":"0800c80001020304",` +
			`"metrics":[{"name":"mtu","value":1400,"locked":true},{"name":"cc_algo","text":"reno"},{"name":"hoplimit","locked":true},{"other":"ff"}]}`,
			four(func(r *rtnl.Route) {
				r.Tos, r.Table, r.Priority, r.Protocol, r.Scope = 16, 70000, 1<<32-1, 4, 200
				r.Gateway, r.Oif, r.Flags, r.PrefSrc, r.Realms = addr("fe80::1"), 9, unix.RTNH_F_ONLINK, addr("10.50.0.1"), 196613
				r.Encap, r.Other = rtnl.Encap{Type: 2, Data: "\x0c\x00"}, "\x08\x00\xc8\x00\x01\x02\x03\x04"
				r.Metrics = rtnl.Metrics{Lock: 1<<unix.RTAX_MTU | 1<<unix.RTAX_HOPLIMIT, MTU: 1400, CongAlg: "reno", Other: "\xff"}
			})},
		"next hops": {`{"destination":"10.0.0.0/8","nexthops":[{"gateway":"10.0.0.2","iface":"d0","weight":3},{"via":{"family":"inet6","host":"fe80::2"},"dev":"d0","weight":1,"flags":["onlink","linkdown"],"realms":7,"encap_type":1,"encap":"00","other":""}]}`,
			four(func(r *rtnl.Route) {
				r.Multipath = []rtnl.Nexthop{{Gateway: addr("10.0.0.2"), Oif: 7, Weight: 3},
					{Gateway: addr("fe80::2"), Oif: 7, Weight: 1, Flags: unix.RTNH_F_ONLINK, Realms: 7, Encap: rtnl.Encap{Type: 1, Data: "\x00"}}}
			})},
		"everything of IPv6": {`{"destination":"2001:db8::/32","source":"fd00::/8","metric":5,"expires_ns":1500000001,"preference":"low"}`,
			six(func(r *rtnl.Route) { r.Src, r.Priority, r.Expires, r.Pref = prefix("fd00::/8"), 5, 2, 3 })},
		"a nexthop object alone decides": {`{"destination":"10.0.0.0/8","nexthop_id":9,"gateway":"10.0.0.2","iface":"d0"}`, four(func(r *rtnl.Route) { r.NexthopID = 9 })},
		"iproute2": {`[{"type":"blackhole","dst":"10.0.0.0/8","table":"uplink","protocol":"mine","scope":"host","metric":0,"tos":"0x10","flags":["linkdown"],"flow":{"from":"3","to":"5"},"metrics":[{"mtu":1400,"rtt":300,"ecn":null,"congestion":"reno"}]}]`, four(func(r *rtnl.Route) {
			r.Type, r.Table, r.Protocol, r.Scope, r.Tos, r.Realms = 6, 70000, 77, 254, 16, 196613
			r.Metrics = rtnl.Metrics{MTU: 1400, RTT: 2400, Features: 1, CongAlg: "reno"}
		})},
		"iproute2, IPv6":               {`[ {"dst":"2001:db8::/32","dev":"d0","metric":1024,"flags":[],"expires":499,"pref":"high"} ]`, six(func(r *rtnl.Route) { r.Oif, r.Expires, r.Pref = 7, 499, 1 })},
		"default of IPv6 by its words": {`[{"dst":"default","dev":"d0","metric":1024,"flags":[],"pref":"medium"}]`, six(func(r *rtnl.Route) { r.Dst, r.Oif = prefix("::/0"), 7 })},
		"default of IPv4":              {`[{"dst":"default","dev":"d0","flags":[]}]`, four(func(r *rtnl.Route) { r.Dst, r.Oif = prefix("0.0.0.0/0"), 7 })},
		"a host":                       {`[{"dst":"10.1.2.3"}]`, four(func(r *rtnl.Route) { r.Dst = prefix("10.1.2.3/32") })},
		"a document": {`{"schema":"gnet/route-save/1","rows":[` + "\n" + `{"destination":"10.0.0.0/8"}` + "\n" + `],"notes":[{"level":"warning","text":"x"}]}`,
			four(func(*rtnl.Route) {})},
		"notes and blank lines": {"\n \n" + `{"kind":"note","level":"warning","text":"x"}` + "\n\r\n" + `{"kind":"row","destination":"10.0.0.0/8"}`, four(func(*rtnl.Route) {})},
		"nothing":               {"", nil},
		"an empty list":         {"[ ]\n[]", nil},
		"two lists":             {`[{"dst":"10.0.0.0/8"}]` + "\n" + `[]`, four(func(*rtnl.Route) {})},
	} {
		t.Run(name, func(t *testing.T) {
			got, bad := readSaved(tc.text)
			if diff := cmp.Diff(tc.want, got, byValue); diff != "" || bad != nil {
				t.Error(diff, bad)
			}
		})
	}
}

// TestReadSaved_bad: a bad line is named with what is wrong in it, and the good one behind it is read.
func TestReadSaved_bad(t *testing.T) {
	for line, want := range map[string]string{
		`{"destination":"10.0.0.0/8"`:                                      "line 2: it is no JSON",
		`nonsense`:                                                         "line 2: it is no JSON",
		`{"metric":1}`:                                                     `line 2: there is no "destination"`,
		`{"destination":"10.0.0.0/33"}`:                                    `line 2: "destination": "10.0.0.0/33" is no prefix`,
		`{"destination":"10.0.0.1/8"}`:                                     `line 2: 10.0.0.1/8 has bits outside of its length`,
		`{"destination":7}`:                                                `line 2: "destination": not a string`,
		`{"destination":"10.0.0.0/8","dst":"10.0.0.0/8"}`:                  `line 2: "dst" stands there twice`,
		`{"destination":"10.0.0.0/8","iface":"nosuch"}`:                    `line 2: there is no interface "nosuch"`,
		`{"destination":"10.0.0.0/8","metric":4294967296}`:                 `line 2: "metric": not a number from 0 to 4294967295`,
		`{"destination":"10.0.0.0/8","metric":-1}`:                         `line 2: "metric": not a number from 0 to 4294967295`,
		`{"destination":"10.0.0.0/8","metric":1.5}`:                        `line 2: "metric": not a number from 0 to 4294967295`,
		`{"destination":"10.0.0.0/8","frob":1}`:                            `line 2: "frob" is no key that can be restored`,
		`{"destination":"10.0.0.0/8","gateway":"10.0.0.256"}`:              `line 2: "gateway": "10.0.0.256" is no address`,
		`{"destination":"10.0.0.0/8","gateway":"fe80::1%d0"}`:              `line 2: "gateway": "fe80::1%d0" is no address`,
		`{"destination":"2001:db8::/32","gateway":"10.0.0.1"}`:             `line 2: IPv6 routes have neither an IPv4 gateway nor a scope`,
		`{"destination":"10.0.0.0/8","preferred_source":"::1"}`:            `line 2: ::1 is of the other family`,
		`{"destination":"10.0.0.0/8","encap":"mpls"}`:                      "line 2: " + errTunnelWords.Error(),
		`{"destination":"10.0.0.0/8","encap_type":2}`:                      "line 2: " + errTunnelWords.Error(),
		`{"destination":"10.0.0.0/8","encap_hex":"00"}`:                    "line 2: " + errTunnelWords.Error(),
		`{"dst":"10.0.0.0/8","nexthops":[{"encap":"ip","id":4}]}`:          `line 2: "nexthops": ` + errTunnelWords.Error(),
		`{"destination":"10.0.0.0/8","encap":1}`:                           `line 2: "encap": not a string`,
		`{"destination":"10.0.0.0/8","rtt":1}`:                             `line 2: "rtt" is no key that can be restored`,
		`{"destination":"10.0.0.0/8","locked":"mtu speed"}`:                `line 2: "locked": "speed" is no metric of a route`,
		`{"destination":"10.0.0.0/8","irtt_ns":536870912000000}`:           `line 2: "irtt_ns": not a number from 0 to 536870911875000`,
		`{"destination":"10.0.0.0/8","flags":"U","flag_bits":1}`:           "line 2: a row of /proc/net does not say all that its route was made with; `route save` does, and so does `route --details --json`",
		`{"destination":"10.0.0.0/8","table":"nosuch"}`:                    `line 2: "table": there is no table "nosuch"`,
		`{"destination":"10.0.0.0/8","protocol":"nosuch"}`:                 `line 2: "protocol": there is no protocol "nosuch"`,
		`{"destination":"10.0.0.0/8","type":"nosuch"}`:                     `line 2: "type": "nosuch" is no type`,
		`{"destination":"10.0.0.0/8","scope":"nosuch"}`:                    `line 2: "scope": there is no scope "nosuch"`,
		`{"destination":"10.0.0.0/8","metrics":[{"name":"x"}]}`:            `line 2: "metrics": "x" is no metric of a route`,
		`{"destination":"10.0.0.0/8","metrics":[{"speed":1}]}`:             `line 2: "metrics": "speed" is no metric that can be restored`,
		`{"destination":"10.0.0.0/8","nexthops":[{"metric":1}]}`:           `line 2: "nexthops": "metric": no key of a next hop`,
		`{"destination":"10.0.0.0/8","nexthops":[{"table":1}]}`:            `line 2: "nexthops": "table": no key of a next hop`,
		`{"destination":"10.0.0.0/8","preference":"best"}`:                 `line 2: "preference": "best" is none of low, medium, high`,
		`{"destination":"10.0.0.0/8","text":"` + long(maxItem+1) + `"}`:    "line 2: longer than 1048576 bytes",
		`{"kind":"nexthop","id":"` + string([]byte{'a', 0x1b, 'b'}) + `"}`: "line 2: it is no JSON",
	} {
		found, bad := readSaved(savedLine + line + "\n" + savedLine)
		if diff := cmp.Diff([]string{want}, bad); diff != "" || len(found) != 2 {
			t.Errorf("%.80s: %d routes beside it (-want +got)\n%s", line, len(found), diff)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// binarySave is a file of `ip route save`.
func binarySave(bodies ...[]byte) string {
	b := binary.NativeEndian.AppendUint32(nil, saveMagic)
	for _, body := range bodies {
		b = nltest.Append(b, unix.RTM_NEWROUTE, unix.NLM_F_MULTI, 1, body)
	}
	return string(b)
}

func TestReadSaved_binary(t *testing.T) {
	route := rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Table: 254, Type: 1, Protocol: 3, Gateway: addr("10.50.0.2"), Oif: 7, Metrics: rtnl.Metrics{MTU: 1400, Lock: 4}}
	body := rtnl.AppendRoute(nil, &route)
	file := binarySave(body, body)
	for name, tc := range map[string]struct {
		text   string
		routes int
		bad    []string
	}{
		"two":                       {file, 2, nil},
		"ends inside of a header":   {file[:len(file)-len(body)-7], 1, []string{"route 2: the file ends inside of a message"}},
		"ends inside of a body":     {file[:len(file)-3], 1, []string{"route 2: the file ends inside of a message"}},
		"a length that lies":        {file + "\x03\x00\x00\x00" + long(20), 2, []string{"route 3: a message of 3 bytes cannot be; what follows has no known beginning"}},
		"a length that lies upward": {file + "\xff\xff\xff\x7f" + long(20), 2, []string{"route 3: a message of 2147483647 bytes cannot be; what follows has no known beginning"}},
		"a short body":              {binarySave(body, body[:11], body), 2, []string{"route 2: netlink message is too short"}},
		"a bad attribute":           {binarySave(body, append(body[:len(body):len(body)], 5, 0, 1, 0), body), 2, []string{"route 2: netlink attribute has an impossible length"}},
		"another message":           {string(nltest.Append([]byte(file), unix.RTM_NEWADDR, 0, 1, body)), 2, []string{"route 3: a message of type 20 is no route"}},
		"the other byte order":      {"\x45\x31\x12\x24", 0, []string{"it was saved on a machine of the other byte order"}},
		"a picture":                 {"\x89PNG\r\n", 0, []string{ErrSaveFormat.Error()}},
		"prose":                     {"default via 10.0.0.1 dev d0", 0, []string{ErrSaveFormat.Error()}},
		"a list that is cut":        {`[{"dst":"10.0.0.0/8"},{"dst":"10.`, 1, []string{"route 2: the file ends inside of the list"}},
		"more behind a list":        {`[{"dst":"10.0.0.0/8"}],`, 1, []string{"route 2: there is more behind the end of the list"}},
		"a list of other things":    {`[1,{"dst":"10.0.0.0/8"},,"x"]`, 1, []string{"route 1: it is no JSON", "route 3: it is no JSON", "route 4: it is no JSON"}},
	} {
		found, bad := readSaved(tc.text)
		if diff := cmp.Diff(tc.bad, bad); diff != "" || len(found) != tc.routes {
			t.Errorf("%s: %d routes, want %d (-want +got)\n%s", name, len(found), tc.routes, diff)
		}
	}
	found, _ := readSaved(file)
	if diff := cmp.Diff([]rtnl.Route{route, route}, found, byValue); diff != "" {
		t.Error(diff)
	}
}

// TestReadSaved_capture reads what iproute2 wrote: every kind of route, of which it words one tunnel so that nobody can read it back.
func TestReadSaved_capture(t *testing.T) {
	file := mustCapture(t, "ip-route", "6.18-x86_64-every-kind.txtar")
	names := SaveNames{Interface: func(string) (int, bool) { return 7, true }}
	read, bad := 0, []string(nil)
	for _, err := range ReadSaved(strings.NewReader(string(file)), names) {
		if err != nil {
			bad = append(bad, err.Error())
			continue
		}
		read++
	}
	want := []string{"route 7: " + errTunnelWords.Error()}
	if diff := cmp.Diff(want, bad); diff != "" || read != 35 {
		t.Errorf("%d routes (-want +got)\n%s", read, diff)
	}
}

// FuzzReadSaved: no file makes the reader panic or walk on after its end, and what it accepts is a route that can be sent and comes back the
// same.
func FuzzReadSaved(f *testing.F) {
	route := rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Table: 70000, Type: 1, Multipath: []rtnl.Nexthop{{Gateway: addr("fe80::1"), Oif: 7, Weight: 2}}}
	f.Add([]byte(binarySave(rtnl.AppendRoute(nil, &route))))
	f.Add([]byte(savedLine))
	f.Add([]byte(`{"destination":"2001:db8::/32","source":"fd00::/8","expires_ns":15,"preference":"low","other":"0800c80001020304","metrics":[{"name":"mtu","value":1},{"other":"0800630001000000"}]}`))
	f.Add([]byte(`{"destination":"10.0.0.0/8","nexthops":[{"gateway":"10.0.0.2","iface":"d0","weight":3,"onlink":true,"realms":1,"encap_type":1,"encap":"00"}],"nexthop_id":0,"tos":255,"realms":1}`))
	f.Add([]byte(`[{"type":"blackhole","dst":"default","table":"uplink","protocol":"mine","scope":"host","tos":"0x10","flags":["onlink"],"flow":{"from":"3","to":"5"},"metrics":[{"mtu":1400,"rtt":300,"ecn":null,"congestion":"reno"}]},{"via":{"host":"::1"}}]`))
	f.Add([]byte(`{"destination":"10.0.0.0/8","flags":"UG","flag_bits":3,"table":254,"irtt_ns":1625000,"rto_min_ns":5000000,"mtu":1400,"congestion":"reno","locked":"mtu congctl","encap":"ip id 5","encap_type":2,` +
		`"encap_hex":"0c00","source_realm":3,"realm":4,"hop_flags":"onlink dead","nexthops":[{"nexthop_id":4,"hop_flags":"onlink","realm":1}]}`))
	f.Add([]byte(`{"schema":"gnet/route-save/1","rows":[{"destination":"10.0.0.0/8"}],"notes":[]}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		var last error
		for row, err := range ReadSaved(strings.NewReader(string(file)), testNames()) {
			if last != nil {
				t.Fatalf("went on after %v", last)
			}
			if bad := (*ParseError)(nil); err != nil {
				if !errors.As(err, &bad) {
					last = err
				}
				continue
			}
			back := heldRoute{Place: row.Place, message: string(rtnl.AppendRoute(nil, &row.Route))}
			got := back.route()
			if row.Route.Other != "" || row.Route.Metrics.Other != "" || anyOther(row.Route.Multipath) {
				continue // opaque bytes of a file may be any
			}
			if !agrees(&row.Route, &got.Route) {
				t.Fatalf("%+v came back as %+v", row.Route, got.Route)
			}
		}
	})
}

func anyOther(hops []rtnl.Nexthop) bool {
	return slices.ContainsFunc(hops, func(h rtnl.Nexthop) bool { return h.Other != "" })
}

// BenchmarkReadSaved: a restore reads a million lines at this price each.
func BenchmarkReadSaved(b *testing.B) {
	const lines = 10_000
	text := strings.Repeat(savedLine, lines)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range ReadSaved(strings.NewReader(text), testNames()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != lines {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*lines), "ns/line")
}
