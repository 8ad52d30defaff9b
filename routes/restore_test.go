package routes

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// restored restores a file and returns the outcome and the failures as text.
func restored(t *testing.T, c *Conn, text string) (Outcome, []string) {
	t.Helper()
	var failures []string
	o, err := c.Restore(t.Context(), strings.NewReader(text), Labels{}, func(f Failure) {
		if f.Route != nil {
			failures = append(failures, fmt.Sprintf("%v: %v: %v", f.Place, f.Route.Dst, f.Err))
		} else {
			failures = append(failures, f.Err.Error())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(failures)
	return o, failures
}

// line is a route of a file, in the keys of iproute2.
func line(text string) string { return `{` + text + `}` + "\n" }

func mustConn(t *testing.T) *Conn {
	t.Helper()
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// TestRestore: what a file asks for is there afterwards, in the order that a dump has, and a second time changes nothing.
func TestRestore(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		c := mustConn(t)
		for _, step := range []struct {
			name  string
			file  string
			want  Outcome
			fails []string
			table []string
		}{
			{"the way to a gateway stands behind the route that needs it",
				line(`"dst":"10.9.0.0/16","gateway":"10.77.0.1"`) + line(`"dst":"10.8.0.0/16","gateway":"10.77.0.1","dev":"d1"`) + line(`"dst":"10.77.0.0/24","dev":"d1","scope":"link"`),
				Outcome{Added: 3}, nil, []string{"10.8.0.0/16 via 10.77.0.1 dev d1", "10.9.0.0/16 via 10.77.0.1 dev d1", "10.77.0.0/24 dev d1 scope link"}},
			{"again", line(`"dst":"10.9.0.0/16","gateway":"10.77.0.1"`) + line(`"dst":"10.8.0.0/16","gateway":"10.77.0.1","dev":"d1"`) + line(`"dst":"10.77.0.0/24","dev":"d1","scope":"link"`),
				Outcome{Present: 3}, nil, nil},
			{"another gateway", line(`"dst":"10.9.0.0/16","gateway":"10.77.0.2","dev":"d1"`),
				Outcome{Replaced: 1}, nil, []string{"10.8.0.0/16 via 10.77.0.1 dev d1", "10.9.0.0/16 via 10.77.0.2 dev d1", "10.77.0.0/24 dev d1 scope link"}},
			{"several for one place, one of them there", line(`"dst":"10.9.0.0/16","gateway":"10.50.0.7","dev":"d0"`) + line(`"dst":"10.9.0.0/16","gateway":"10.77.0.2","dev":"d1"`) + line(`"dst":"10.9.0.0/16","gateway":"10.50.0.8","dev":"d0"`),
				Outcome{Added: 2, Present: 1}, nil, []string{"10.8.0.0/16 via 10.77.0.1 dev d1", "10.9.0.0/16 via 10.50.0.7 dev d0", "10.9.0.0/16 via 10.77.0.2 dev d1", "10.9.0.0/16 via 10.50.0.8 dev d0", "10.77.0.0/24 dev d1 scope link"}},
			{"a strange one is replaced, one of the file's is not", line(`"dst":"10.9.0.0/16","gateway":"10.50.0.9","dev":"d0"`) + line(`"dst":"10.9.0.0/16","gateway":"10.77.0.2","dev":"d1"`),
				Outcome{Replaced: 1, Present: 1}, nil, []string{"10.8.0.0/16 via 10.77.0.1 dev d1", "10.9.0.0/16 via 10.50.0.9 dev d0", "10.9.0.0/16 via 10.77.0.2 dev d1", "10.9.0.0/16 via 10.50.0.8 dev d0", "10.77.0.0/24 dev d1 scope link"}},
			{"bad lines and refused ones", line(`"dst":"10.99.0.0/16","gateway":"192.0.2.1","dev":"d0"`) + "garbage\n" + line(`"dst":"10.98.0.0/16","dev":"nosuch"`) + line(`"dst":"10.8.0.0/16","gateway":"10.77.0.1","dev":"d1"`),
				Outcome{Present: 1, Failed: 1, Bad: 2}, []string{"line 1: 10.99.0.0/16: adding a route: network is unreachable (Nexthop has invalid gateway)", "line 2: it is no JSON",
					`line 3: there is no interface "nosuch"`}, nil},
		} {
			o, failures := restored(t, c, step.file)
			if diff := cmp.Diff(step.want, o); diff != "" {
				t.Errorf("%s: outcome (-want +got)\n%s", step.name, diff)
			}
			if diff := cmp.Diff(step.fails, failures); diff != "" {
				t.Errorf("%s: failures (-want +got)\n%s", step.name, diff)
			}
			if got := bootRoutes(t, "-4"); step.table != nil && cmp.Diff(step.table, got) != "" {
				t.Errorf("%s: table (-want +got)\n%s", step.name, cmp.Diff(step.table, got))
			}
		}
		ip("-6 route add 2001:db8:9::/48 via 2001:db8:50::3")
		six := line(`"dst":"2001:db8:9::/48","metric":1024,"nexthops":[{"gateway":"2001:db8:50::4","dev":"d0","weight":1},{"gateway":"2001:db8:50::5","dev":"d0","weight":1}]`) +
			line(`"dst":"fe80::/64","dev":"lo","metric":256`)
		want := []string{"2001:db8:9::/48 metric 1024 pref medium", "nexthop via 2001:db8:50::4 dev d0 weight 1", "nexthop via 2001:db8:50::5 dev d0 weight 1", "fe80::/64 dev lo metric 256 pref medium"}
		for _, outcome := range []Outcome{{Replaced: 1, Added: 1}, {Present: 2}} {
			if o, failures := restored(t, c, six); o != outcome || failures != nil {
				t.Errorf("v6: %+v, want %+v: %v", o, outcome, failures)
			}
			if diff := cmp.Diff(want, bootRoutes(t, "-6")); diff != "" {
				t.Errorf("v6 (-want +got)\n%s", diff)
			}
		}
	})
}

// manyLines are routes for n networks below 20.0.0.0, with one bad line among them.
func manyLines(n, bad int) string {
	var b strings.Builder
	for i := range n {
		if i == bad {
			b.WriteString("this is no route\n")
		}
		fmt.Fprintf(&b, `{"destination":"%d.%d.%d.0/24","gateway":"10.50.0.2","iface":"d0","metric":%d}`+"\n", 20+i>>16, i>>8&255, i&255, i%3)
	}
	return b.String()
}

// TestRestore_many: more than fits into a datagram, and more places that are taken than are looked at at once.
func TestRestore_many(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		lookupHost(t)
		c := mustConn(t)
		const n = maxOpen + 3000
		text := manyLines(n, 1234)
		for _, want := range []Outcome{{Added: n, Bad: 1}, {Present: n, Bad: 1}} {
			o, failures := restored(t, c, text)
			if diff := cmp.Diff(want, o); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"line 1235: it is no JSON"}, failures); diff != "" {
				t.Error(diff)
			}
		}
		f := Filter{Table: unix.RT_TABLE_MAIN, Root: prefix("20.0.0.0/8")}
		o, err := c.Flush(t.Context(), &f, func(r *rtnl.Route, err error) { t.Error(r.Dst, err) })
		if diff := cmp.Diff(Outcome{Deleted: n}, o); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if left := bootRoutes(t, "-4"); len(left) != 0 {
			t.Errorf("%d routes are left", len(left))
		}
	})
}

// TestSaveRestore_oracle: what iproute2 lists before is what it lists after all was deleted and restored, from each of the three formats.
func TestSaveRestore_oracle(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for _, l := range []string{
			"route add 10.1.0.0/16 via 10.50.0.2 mtu lock 1400 advmss 1300 initcwnd 10 congctl reno quickack 1 rtt 300ms hoplimit 9 features ecn",
			"route add 10.2.0.0/16 tos 0x10 realms 3/5 src 10.50.0.1 via 10.50.0.2",
			"route add 10.3.0.0/16 nexthop via 10.50.0.2 weight 3 nexthop via 10.50.0.9 dev d1 onlink",
			"nexthop add id 7 via 10.50.0.7 dev d0", "route add 10.4.0.0/16 nhid 7",
			"route add 10.5.0.0/16 via inet6 2001:db8:50::9 dev d0",
			"route add blackhole 10.7.0.0/16", "route add unreachable 10.8.0.0/16 metric 7 proto 77 table 300", "route add throw 10.8.0.0/24 table 300", "route add prohibit 10.8.1.0/24",
			"route add 10.9.0.0/16 via 10.50.0.2 metric 5", "route append 10.9.0.0/16 via 10.50.0.3 metric 5", "route append 10.9.0.0/16 dev d1 metric 5",
			"-6 route add 2001:db8:a::/48 nexthop via 2001:db8:50::2 nexthop via 2001:db8:50::3 weight 4",
			"-6 route add 2001:db8:b::/48 from 2001:db8:50::/64 dev d0", "-6 route add unreachable 2001:db8:d::/48", "-6 route add 2001:db8:e::/48 via 2001:db8:50::2 pref high mtu 1300",
		} {
			ip(l)
		}
		listing := func() string {
			return runIP(t, "-4", "-d", "route", "show", "table", "all") + runIP(t, "-6", "-d", "route", "show", "table", "all")
		}
		files := map[string]string{"route save": runIP(t, "route", "save", "table", "all") + strings.TrimPrefix(runIP(t, "-6", "route", "save", "table", "all"), magic()),
			"ip -j route": runIP(t, "-j", "-4", "route", "show", "table", "all") + runIP(t, "-j", "-6", "route", "show", "table", "all")}
		before := listing()
		for name, file := range files {
			c := mustConn(t)
			for _, table := range []uint32{unix.RT_TABLE_MAIN, 300} {
				if _, err := c.Flush(t.Context(), &Filter{Table: table}, func(r *rtnl.Route, err error) { t.Error(r.Dst, err) }); err != nil {
					t.Fatal(err)
				}
			}
			if left := runIP(t, "route", "show"); left != "" {
				t.Fatalf("flush left %s", left)
			}
			_, failures := restored(t, c, file)
			want := before
			if name == "ip -j route" {
				want = strings.ReplaceAll(want, "mtu lock 1400", "mtu 1400") // iproute2's JSON does not say what is locked
			}
			if diff := cmp.Diff(want, listing()); diff != "" || failures != nil {
				t.Errorf("%s: %v (-before +after)\n%s", name, failures, diff)
			}
			if o, _ := restored(t, c, file); o.Added+o.Replaced+o.Failed > 0 {
				t.Errorf("%s: the second time: %+v", name, o)
			}
		}
	})
}

func magic() string { return string(binary.NativeEndian.AppendUint32(nil, saveMagic)) }

func runIP(t *testing.T, args ...string) string {
	t.Helper()
	r := nstest.Here(t).Run(t, nstest.Peer(t, "ip"), args...)
	if r.Status != 0 {
		t.Fatalf("ip %v: %s", args, r.Stderr)
	}
	return r.Stdout
}

// scripted is a Conn to a scripted kernel that lists one interface and the routes of list, and answers changes by change.
func scripted(list func() []rtnl.Route, change func(n int, r netlink.Message) []nltest.Datagram) *Conn {
	return scriptedLinks(map[int]string{7: "d0"}, list, change)
}

// scriptedLinks is scripted with the interfaces that are in links when they are asked for.
func scriptedLinks(links map[int]string, list func() []rtnl.Route, change func(n int, r netlink.Message) []nltest.Datagram) *Conn {
	n := 0
	nl, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		switch r.Type {
		case unix.RTM_GETLINK:
			var b []byte
			for index, name := range links {
				link := nltest.AppendAttr(binary.NativeEndian.AppendUint32(make([]byte, 4, 16), uint32(index)), unix.IFLA_IFNAME, append([]byte(name), 0))
				b = nltest.Append(b, unix.RTM_NEWLINK, unix.NLM_F_MULTI, r.Seq, slices.Insert(link, 8, make([]byte, 8)...))
			}
			return []nltest.Datagram{{Bytes: nltest.AppendDone(b, r, 0)}}
		case unix.RTM_GETROUTE:
			var b []byte
			var out []nltest.Datagram
			for i, route := range list() {
				if i%100 == 99 {
					out, b = append(out, nltest.Datagram{Bytes: b}), nil
				}
				b = nltest.Append(b, unix.RTM_NEWROUTE, unix.NLM_F_MULTI, r.Seq, rtnl.AppendRoute(nil, &route))
			}
			return append(out, nltest.Datagram{Bytes: nltest.AppendDone(b, r, 0)})
		}
		n++
		return change(n-1, r)
	})
	return &Conn{rt: rtnl.NewConn(nl)}
}

// onLast acknowledges the message that asks for it.
func onLast(r netlink.Message) []nltest.Datagram {
	if r.Flags&unix.NLM_F_ACK == 0 {
		return nil
	}
	return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, 0, "")}}
}

// TestRestore_scripted: a kernel whose answers are lost, that refuses everything, or that talks nonsense.
func TestRestore_scripted(t *testing.T) {
	file := line(`"dst":"10.0.0.0/16","dev":"d0"`) + line(`"dst":"10.1.0.0/16","dev":"d0"`) + line(`"dst":"10.2.0.0/16","dev":"d0"`)
	nothing := func() []rtnl.Route { return nil }
	first := func() []rtnl.Route {
		return []rtnl.Route{{Family: unix.AF_INET, Dst: prefix("10.0.0.0/16"), Oif: 7, Table: 254, Type: 1, Protocol: 3}}
	}
	for name, tc := range map[string]struct {
		list   func() []rtnl.Route
		change func(n int, r netlink.Message) []nltest.Datagram
		want   Outcome
		err    error
	}{
		"an answer is lost, and the route is there": {first, func(n int, r netlink.Message) []nltest.Datagram {
			if n == 1 {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EINVAL, "no")}, {Err: unix.ENOBUFS}}
			}
			return onLast(r)
		}, Outcome{Present: 1, Added: 1, Failed: 1}, nil},
		"an answer is lost, and the route is not there": {nothing, func(n int, r netlink.Message) []nltest.Datagram {
			if n == 1 {
				return []nltest.Datagram{{Err: unix.ENOBUFS}}
			}
			return onLast(r)
		}, Outcome{Added: 3}, nil},
		"no right": {nothing, func(_ int, r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EPERM, "")}}
		}, Outcome{Untried: 3}, unix.EPERM},
		"nonsense": {nothing, func(n int, r netlink.Message) []nltest.Datagram {
			if n == 2 {
				return []nltest.Datagram{{Bytes: []byte{1, 2, 3}}}
			}
			return onLast(r)
		}, Outcome{Unknown: 3}, netlink.ErrShortMessage},
		"a length that lies": {nothing, func(n int, r netlink.Message) []nltest.Datagram {
			if n == 2 {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, 0, "")[:20]}}
			}
			return onLast(r)
		}, Outcome{Unknown: 3}, netlink.ErrBadLength},
	} {
		t.Run(name, func(t *testing.T) {
			c := scripted(tc.list, tc.change)
			o, err := c.Restore(t.Context(), strings.NewReader(file), Labels{}, func(Failure) {})
			if diff := cmp.Diff(tc.want, o); diff != "" || !errors.Is(err, tc.err) {
				t.Error(diff, err)
			}
		})
	}
}

// TestRestore_interrupted: what was on its way is counted, the rest was not tried, and both are all there is, also in a file of several sweeps.
func TestRestore_interrupted(t *testing.T) {
	for n, stop := range map[int]int{5000: 1500, 20_000: 1500, 20_001: 9000} {
		text := manyLines(n, 10)
		ctx, cancel := context.WithCancel(t.Context())
		sent := 0
		c := scripted(func() []rtnl.Route { return nil }, func(n int, r netlink.Message) []nltest.Datagram {
			if sent++; n == stop {
				cancel()
			}
			return onLast(r)
		})
		o, err := c.Restore(ctx, strings.NewReader(text), Labels{}, func(Failure) {})
		if err != nil {
			t.Fatal(err)
		}
		if o.Added != uint64(sent) || o.Added+o.Untried != uint64(n) || o.Untried == 0 || !o.Interrupted || o.Bad != 1 {
			t.Errorf("%d of %d were sent: %+v", sent, n, o)
		}
		if sweeps := sweepsOf(int64(len(text))); (sweeps > 1) != (n > 5000) {
			t.Errorf("%d lines take %d sweeps", n, sweeps)
		}
	}
}

// TestFlush_interrupted: the routes that the first round leaves for the second are not tried either when there is none.
func TestFlush_interrupted(t *testing.T) {
	const n = 4000
	var has []rtnl.Route
	for i := range n {
		has = append(has, rtnl.Route{Family: unix.AF_INET, Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{20, byte(i >> 8), byte(i), 0}), 24), Oif: 7, Table: 254, Type: 1, Protocol: 3})
	}
	list := func() []rtnl.Route { return has }
	ctx, cancel := context.WithCancel(t.Context())
	sent := 0
	c := scripted(nil, func(n int, r netlink.Message) []nltest.Datagram {
		if sent++; n == 1500 {
			cancel()
		}
		return onLast(r)
	})
	o, err := c.flush(ctx, scripted(list, nil).rt, &Filter{}, nil, func(*rtnl.Route, error) {})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Outcome{Deleted: uint64(sent), Untried: uint64(n - sent), Interrupted: true}); o != want {
		t.Errorf("%+v, want %+v", o, want)
	}
}

// TestObserve: the observer sees each change before it is made, knows what was there, and can keep it from being made.
func TestObserve(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("route add 10.9.0.0/16 via 10.50.0.2")
		c := mustConn(t)
		no := errors.New("no")
		var seen []string
		c.Observe(func(s *Step) error {
			before, err := s.Before()
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, fmt.Sprintf("%d %v %d", s.Do, s.Route.Dst, len(before)))
			return no
		})
		ch := Change{Dst: prefix("10.9.0.0/16"), Gateway: addr("10.50.0.3")}
		_, replaced := c.Replace(ch)
		_, restoring := c.Restore(t.Context(), strings.NewReader(line(`"dst":"10.8.0.0/16","dev":"d0"`)), Labels{}, func(Failure) {})
		_, flushing := c.Flush(t.Context(), &Filter{Protocol: unix.RTPROT_BOOT, HasProtocol: true}, func(*rtnl.Route, error) {})
		for i, err := range []error{c.Add(ch), replaced, c.Delete(Change{Dst: ch.Dst}), restoring, flushing} {
			if err != no {
				t.Errorf("change %d: %v", i, err)
			}
		}
		want := []string{fmt.Sprint(int(DoReplace), " 10.9.0.0/16 1"), fmt.Sprint(int(DoAdd), " 10.8.0.0/16 0"), fmt.Sprint(int(DoDelete), " 10.9.0.0/16 1"),
			fmt.Sprint(int(DoPrepend), " 10.9.0.0/16 1"), fmt.Sprint(int(DoDelete), " 10.9.0.0/16 1")}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"10.9.0.0/16 via 10.50.0.2 dev d0"}, bootRoutes(t, "-4")); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRestore_present: whether a route is there is asked for it alone; the tables are read only for what is not, or what cannot be asked.
func TestRestore_present(t *testing.T) {
	const four, six = `"dst":"10.0.0.0/16","dev":"d0"`, `"dst":"2001:db8::/48","dev":"d0","metric":7`
	for name, tc := range map[string]struct {
		file  string
		asked unix.Errno
		want  Outcome
		looks int
	}{
		"there":                   {line(four), unix.EEXIST, Outcome{Present: 1}, 0},
		"another":                 {line(four), unix.ENOENT, Outcome{Present: 1}, 1},
		"several for one place":   {line(four+`,"protocol":"static"`) + line(four), 0, Outcome{Present: 2}, 1},
		"IPv6 would be made":      {line(six), 0, Outcome{Present: 1}, 1},
		"an answer without sense": {line(four), unix.EIO, Outcome{Present: 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			looks := 0
			has := []rtnl.Route{{Family: unix.AF_INET, Dst: prefix("10.0.0.0/16"), Oif: 7, Table: 254, Type: 1, Protocol: 3},
				{Family: unix.AF_INET, Dst: prefix("10.0.0.0/16"), Oif: 7, Table: 254, Type: 1, Protocol: 4},
				{Family: unix.AF_INET6, Dst: prefix("2001:db8::/48"), Oif: 7, Table: 254, Type: 1, Protocol: 3, Priority: 7}}
			c := scripted(func() []rtnl.Route { looks++; return has }, func(_ int, r netlink.Message) []nltest.Datagram {
				errno := unix.EEXIST
				if r.Flags&(unix.NLM_F_CREATE|unix.NLM_F_EXCL|unix.NLM_F_REPLACE|unix.NLM_F_APPEND) == 0 {
					if errno = tc.asked; errno == 0 {
						t.Error("it was asked for")
					}
				}
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, errno, "")}}
			})
			o, err := c.Restore(t.Context(), strings.NewReader(tc.file), Labels{}, func(f Failure) { t.Error(f) })
			if diff := cmp.Diff(tc.want, o); diff != "" || err != nil || looks != tc.looks {
				t.Error(diff, err, looks, "looks")
			}
		})
	}
}
