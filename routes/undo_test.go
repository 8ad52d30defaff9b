package routes

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// tableText is what iproute2 shows of all tables but local, in its order.
func tableText(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, family := range []string{"-4", "-6"} {
		out, err := exec.Command(nstest.Peer(t, "ip"), "-d", family, "route", "show", "table", "all").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(line, "table local") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines
}

// planned makes one change through an observer that reads what was there, and returns the plan as a process that died before it
// could tell what the change left would have left it, and the rest of it.
func planned(t *testing.T, c *Conn, change func(c *Conn) error) (p *undo.Plan, finish func()) {
	t.Helper()
	p = &undo.Plan{ID: "ab2c", Domain: UndoDomain}
	var m *Memory
	c.Observe(func(s *Step) (err error) {
		if m, err = c.Remember(slices.Values([]*Step{s})); err != nil {
			return err
		}
		if p.Before, err = m.Before(); err != nil {
			return err
		}
		p.Change, err = m.Change()
		return err
	})
	if err := change(c); err != nil {
		t.Fatal(err)
	}
	c.Observe(nil)
	return p, func() {
		var err error
		if p.Left, err = m.Left(c); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUndo_exact: whatever was changed, all tables are afterwards what they were, to the order, with and without knowing what the
// change left; and a second time does nothing.
func TestUndo_exact(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("nexthop add id 5 via 2001:db8:50::2 dev d0")
		def, net8, six := prefix("0.0.0.0/0"), prefix("10.0.0.0/8"), prefix("2001:db8:9::/48")
		gw2, gw3, gw62, gw63 := addr("10.50.0.2"), addr("10.50.0.3"), addr("2001:db8:50::2"), addr("2001:db8:50::3")
		replace := func(ch Change) func(*Conn) error {
			return func(c *Conn) error { _, err := c.Replace(ch); return err }
		}
		add := func(ch Change) func(*Conn) error { return func(c *Conn) error { return c.Add(ch) } }
		del := func(ch Change) func(*Conn) error { return func(c *Conn) error { return c.Delete(ch) } }
		for _, tc := range []struct {
			name   string
			before []string
			change func(*Conn) error
		}{
			{"added", nil, add(Change{Dst: def, Gateway: gw2})},
			{"added in front", []string{"default via 10.50.0.2"}, add(Change{Dst: def, Gateway: gw3})},
			{"added beside another metric", []string{"10.0.0.0/8 via 10.50.0.2 metric 7"}, add(Change{Dst: net8, Gateway: gw3})},
			{"added to another table", nil, add(Change{Dst: net8, Gateway: gw3, Table: 300})},
			{"added blackhole", nil, add(Change{Dst: net8, Type: unix.RTN_BLACKHOLE})},
			{"deleted", []string{"default via 10.50.0.2 src 10.50.0.1 mtu lock 1400 initcwnd 7 proto 77 realms 3/4"}, del(Change{Dst: def})},
			{"deleted first of two", []string{"10.0.0.0/8 via 10.50.0.2", "10.0.0.0/8 via 10.50.0.3"}, del(Change{Dst: net8})},
			{"deleted last of two", []string{"10.0.0.0/8 via 10.50.0.2", "10.0.0.0/8 via 10.50.0.3"}, del(Change{Dst: net8, Gateway: gw3})},
			{"deleted second of three", []string{"10.0.0.0/8 via 10.50.0.2", "10.0.0.0/8 via 10.50.0.3", "10.0.0.0/8 via 10.50.0.4"}, del(Change{Dst: net8, Gateway: gw3})},
			{"deleted multipath", []string{"default nexthop via 10.50.0.2 weight 3 nexthop via 10.51.0.2 dev d1 weight 1"}, del(Change{Dst: def})},
			{"replaced", []string{"default via 10.50.0.2 mtu 1300"}, replace(Change{Dst: def, Gateway: gw3})},
			{"replaced first of two", []string{"default via 10.50.0.2", "default via 10.50.0.4"}, replace(Change{Dst: def, Gateway: gw3})},
			{"replaced the connected", nil, replace(Change{Dst: prefix("10.51.0.0/24"), Device: "d0", HasDevice: true})},
			{"six added", nil, add(Change{Dst: six, Gateway: gw62})},
			{"six joined", []string{"2001:db8:9::/48 via 2001:db8:50::2 metric 1"}, add(Change{Dst: six, Gateway: gw63})},
			{"six deleted", []string{"2001:db8:9::/48 via 2001:db8:50::2 metric 30 pref high mtu 1400"}, del(Change{Dst: six})},
			{"six replaced", []string{"2001:db8:9::/48 via 2001:db8:50::2 metric 5"}, replace(Change{Dst: six, Gateway: gw63, Metric: 5, HasMetric: true})},
			{"six hop deleted", []string{"2001:db8:9::/48 nexthop via 2001:db8:50::2 nexthop via 2001:db8:50::3"}, del(Change{Dst: six, Gateway: gw62})},
			{"six replaced beside a device", []string{"2001:db8:9::/48 dev d1 metric 5", "2001:db8:9::/48 via 2001:db8:50::2 metric 5"}, replace(Change{Dst: six, Gateway: gw63, Metric: 5, HasMetric: true})},
			{"six behind an object", []string{"2001:db8:9::/48 nhid 5 metric 5"}, add(Change{Dst: six, Gateway: gw63, Metric: 5, HasMetric: true})},
			{"six joined behind an object", []string{"2001:db8:9::/48 nhid 5 metric 5", "2001:db8:9::/48 via 2001:db8:50::2 metric 5"}, add(Change{Dst: six, Gateway: gw63, Metric: 5, HasMetric: true})},
			{"six replaced behind an object", []string{"2001:db8:9::/48 nhid 5 metric 5", "2001:db8:9::/48 via 2001:db8:50::2 metric 5"}, replace(Change{Dst: six, Gateway: gw63, Metric: 5, HasMetric: true})},
			{"six object in front of another deleted", []string{"2001:db8:9::/48 nhid 5 metric 5", "2001:db8:9::/48 via 2001:db8:50::3 metric 5"}, del(Change{Dst: six, Metric: 5, HasMetric: true})},
			{"six of two devices", []string{"2001:db8:9::/48 dev d0 metric 5", "2001:db8:9::/48 dev d1 metric 5"}, del(Change{Dst: six, Device: "d0", HasDevice: true})},
		} {
			for _, knows := range []bool{true, false} {
				for _, line := range tc.before {
					ip("route append " + line)
				}
				want := tableText(t)
				c := mustConn(t)
				p, finish := planned(t, c, tc.change)
				if knows {
					finish()
				}
				if diff := cmp.Diff(want, tableText(t)); diff == "" {
					t.Errorf("%s: nothing was changed", tc.name)
				}
				for n := range 2 {
					result, err := Undoer{}.Undo(t.Context(), p)
					if err != nil || result.Conflict || (n == 0) == (len(result.Lines) == 0) {
						t.Errorf("%s, knows %v, time %d: %+v, %v", tc.name, knows, n, result, err)
					}
					if diff := cmp.Diff(want, tableText(t)); diff != "" {
						t.Errorf("%s, knows %v, time %d (-want +got):\n%s", tc.name, knows, n, diff)
					}
				}
				for _, line := range tc.before {
					ip("route del " + line)
				}
			}
		}
	})
}

// TestUndo_conflict: what others changed meanwhile stays, an old route is put back where nobody stands.
func TestUndo_conflict(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		change := func(c *Conn) error {
			_, err := c.Replace(Change{Dst: prefix("10.0.0.0/8"), Gateway: addr("10.50.0.3")})
			return err
		}
		for _, tc := range []struct {
			name   string
			others string
			want   []string
			lines  []string
		}{
			{"replaced by others", "route replace 10.0.0.0/8 via 10.50.0.9",
				[]string{"10.0.0.0/8 via 10.50.0.9 dev d0"},
				[]string{"not put back, since others have its place: 10.0.0.0/8 via 10.50.0.2 dev d0"}},
			{"added beside by others", "route append 10.0.0.0/8 via 10.50.0.9",
				[]string{"10.0.0.0/8 via 10.50.0.9 dev d0"},
				[]string{"not put back, since others have its place: 10.0.0.0/8 via 10.50.0.2 dev d0", "removed 10.0.0.0/8 via 10.50.0.3 dev d0"}},
			{"another metric by others", "route add 10.0.0.0/8 via 10.50.0.9 metric 5",
				[]string{"10.0.0.0/8 via 10.50.0.2 dev d0", "10.0.0.0/8 via 10.50.0.9 dev d0 metric 5"},
				[]string{"put back 10.0.0.0/8 via 10.50.0.2 dev d0", "removed 10.0.0.0/8 via 10.50.0.3 dev d0"}},
			{"deleted by others", "route del 10.0.0.0/8", []string{"10.0.0.0/8 via 10.50.0.2 dev d0"},
				[]string{"put back 10.0.0.0/8 via 10.50.0.2 dev d0"}},
		} {
			ip("route add 10.0.0.0/8 via 10.50.0.2")
			p, finish := planned(t, mustConn(t), change)
			finish()
			ip(tc.others)
			result, err := Undoer{}.Undo(t.Context(), p)
			want := undo.Result{Conflict: true, Lines: append(tc.lines, "others have changed what gnet had left: nothing of theirs was touched")}
			if diff := cmp.Diff(want, result); diff != "" || err != nil {
				t.Errorf("%s: %v (-want +got):\n%s", tc.name, err, diff)
			}
			if diff := cmp.Diff(tc.want, bootRoutes(t, "-4")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
			ip("route flush 10.0.0.0/8")
		}
	})
}

// TestUndo_goesOn: a process that died while it undid a replacement left both routes there. That is no conflict.
func TestUndo_goesOn(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("route add 10.0.0.0/8 via 10.50.0.2")
		want := tableText(t)
		p, finish := planned(t, mustConn(t), func(c *Conn) error {
			_, err := c.Replace(Change{Dst: prefix("10.0.0.0/8"), Gateway: addr("10.50.0.3")})
			return err
		})
		finish()
		ip("route prepend 10.0.0.0/8 via 10.50.0.2")
		result, err := Undoer{}.Undo(t.Context(), p)
		if diff := cmp.Diff(undo.Result{Lines: []string{"removed 10.0.0.0/8 via 10.50.0.3 dev d0"}}, result); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if diff := cmp.Diff(want, tableText(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestUndo_batch: of many changes each place is undone by itself, several routes of one place in their order; one that is undone in
// part is no conflict.
func TestUndo_batch(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for _, gw := range []string{"2", "3", "4"} {
			ip("route append 10.0.0.0/8 via 10.50.0." + gw)
		}
		ip("route add 10.9.0.0/16 via 10.50.0.2")
		want := tableText(t)
		c := mustConn(t)
		net8, net9 := prefix("10.0.0.0/8"), prefix("10.9.0.0/16")
		changes := []func() error{
			func() error { return c.Delete(Change{Dst: net8, Gateway: addr("10.50.0.2")}) },
			func() error { return c.Delete(Change{Dst: net8, Gateway: addr("10.50.0.3")}) },
			func() error { return c.Add(Change{Dst: net9, Gateway: addr("10.50.0.7")}) },
			func() error { return c.Add(Change{Dst: net9, Gateway: addr("10.50.0.8")}) },
		}
		var steps []*Step
		skip := errors.New("not yet")
		c.Observe(func(s *Step) error {
			route := clone(s.Route)
			steps = append(steps, &Step{Do: s.Do, Route: &route})
			return skip
		})
		for _, change := range changes {
			if err := change(); err != skip {
				t.Fatal(err)
			}
		}
		c.Observe(nil)
		m, err := c.Remember(slices.Values(steps))
		if err != nil {
			t.Fatal(err)
		}
		p := &undo.Plan{ID: "ab2c", Domain: UndoDomain}
		for _, change := range changes {
			if err := change(); err != nil {
				t.Fatal(err)
			}
		}
		for raw, read := range map[*json.RawMessage]func() (json.RawMessage, error){&p.Before: m.Before, &p.Change: m.Change,
			&p.Left: func() (json.RawMessage, error) { return m.Left(c) }} {
			if *raw, err = read(); err != nil {
				t.Fatal(err)
			}
		}
		ip("route del 10.9.0.0/16 via 10.50.0.8") // as if the undoing had come so far
		result, err := Undoer{}.Undo(t.Context(), p)
		lines := []string{"put back 10.0.0.0/8 via 10.50.0.3 dev d0", "put back 10.0.0.0/8 via 10.50.0.2 dev d0", "removed 10.9.0.0/16 via 10.50.0.7 dev d0"}
		if diff := cmp.Diff(undo.Result{Lines: lines}, result); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if diff := cmp.Diff(want, tableText(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestMain lets the test binary be the keeper of TestUndo_byKeeper.
func TestMain(m *testing.M) {
	if status, ok := undo.Keep(os.Args, undo.Domains{UndoDomain: Undoer{}}); ok {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// TestUndo_byKeeper: another process undoes what was not confirmed, in the namespace of the change and not in its own.
func TestUndo_byKeeper(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("route add default via 10.50.0.2")
		want := tableText(t)
		p, finish := planned(t, mustConn(t), func(c *Conn) error {
			_, err := c.Replace(Change{Dst: prefix("0.0.0.0/0"), Gateway: addr("10.50.0.3")})
			return err
		})
		finish()
		d, err := undo.Make(filepath.Join(t.TempDir(), "gnet"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		spec := undo.Spec{Domain: UndoDomain, What: "route replace", Before: p.Before, Change: p.Change, After: time.Second,
			Netns: nstest.Here(t).NS, Program: "gnet"}
		var c *undo.Change
		nstest.NewHost(t, "elsewhere").Do(t, func() (err error) { // where the keeper is born
			c, err = d.Begin(t.Context(), spec)
			return err
		})
		if err := c.Made(p.Left); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
			entries, err := d.Pending()
			if err != nil || len(entries) != 1 || entries[0].Err != nil || time.Now().After(end) {
				t.Fatalf("%+v, %v", entries, err)
			}
			if e := entries[0]; e.State == undo.Undone {
				if diff := cmp.Diff(&undo.Result{Lines: []string{"put back 0.0.0.0/0 via 10.50.0.2 dev d0", "removed 0.0.0.0/0 via 10.50.0.3 dev d0"}}, e.Result); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				break
			}
		}
		if diff := cmp.Diff(want, tableText(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// The bytes of a route that are no text survive the plan.
func TestKeepRoutes(t *testing.T) {
	unknown := "\x05\x00\xe7\x03\xff\x00\x00\x00" // struct nlattr of type 999 with the byte 0xff
	want := []rtnl.Route{{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Gateway: addr("10.0.0.1"), Oif: 3, Table: 254, Type: unix.RTN_UNICAST,
		Priority: 1<<32 - 1, Encap: rtnl.Encap{Type: 2, Data: unknown}, Other: unknown, Metrics: rtnl.Metrics{MTU: 9, CongAlg: "reno", Other: unknown},
		Multipath: []rtnl.Nexthop{{Oif: 2, Weight: 7, Encap: rtnl.Encap{Type: 1, Data: unknown}, Other: unknown}, {Oif: 4, Weight: 1}}},
		{Family: unix.AF_INET6, Dst: prefix("2001:db8::/48"), Src: prefix("2001:db8:1::/64"), Oif: 2, Table: 70000, Type: unix.RTN_BLACKHOLE, Expires: 90}}
	b, err := keepRoutes(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := unkeepRoutes(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := unkeepRoutes([]byte(`["AAAA"]`)); err == nil {
		t.Error("a message that is too short was taken for a route")
	}
}

// FuzzUndoing: whatever a plan says about routes, it is judged without a panic.
func FuzzUndoing(f *testing.F) {
	seed, err := keepRoutes([]rtnl.Route{{Family: unix.AF_INET6, Dst: prefix("2001:db8::/48"), Table: 254, Priority: 1024, Expires: 900,
		Multipath: []rtnl.Nexthop{{Gateway: addr("fe80::1"), Oif: 2, Weight: 1}, {Gateway: addr("fe80::2"), Oif: 2, Weight: 2}}}})
	if err != nil {
		f.Fatal(err)
	}
	asked, err := json.Marshal([]keptStep{
		{DoPrepend, keep(&rtnl.Route{Family: unix.AF_INET, Gateway: addr("10.0.0.1"), Oif: 2})},
		{DoDelete, keep(&rtnl.Route{Family: unix.AF_INET6, Dst: prefix("2001:db8::/48"), Gateway: addr("fe80::1")})},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(seed), asked, []byte(`[]`))
	f.Add([]byte(`null`), []byte(`null`), []byte(``))
	f.Fuzz(func(t *testing.T, before, change, left []byte) {
		p := &undo.Plan{Before: before, Change: change, Left: left}
		if len(left) == 0 {
			p.Left = nil
		}
		u, err := newUndoing(p)
		if err != nil {
			return
		}
		u.conflicts(u.left)
		u.conflicts(u.was)
		for i := range u.was {
			u.routeText(&u.was[i])
		}
	})
}

// A lifetime goes on while the route is away, and a route whose lifetime is over stays away.
func TestAged(t *testing.T) {
	in := []rtnl.Route{{Priority: 1}, {Priority: 2, Expires: 90}, {Priority: 3, Expires: 60}, {Priority: 4, Expires: 59}}
	want := []rtnl.Route{{Priority: 1}, {Priority: 2, Expires: 30}}
	if diff := cmp.Diff(want, aged(in, 60*time.Second+time.Millisecond), cmp.Comparer(func(a, b rtnl.Route) bool {
		return a.Priority == b.Priority && a.Expires == b.Expires
	})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestUndo_order: the way to a gateway is put back before what needs it, though the kernel lists it behind; and what cannot be put back does
// not keep the others away.
func TestUndo_order(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		for _, line := range []string{"default via 10.50.0.2", "10.9.0.0/16 via 172.16.0.1 dev d0 onlink", "172.16.0.0/24 via 10.50.0.7", "9.0.0.0/8 via 172.16.0.9 dev d0 onlink",
			"8.0.0.0/8 via 10.51.0.2"} {
			ip("route add " + line)
		}
		want := bootRoutes(t, "-4")
		c := mustConn(t)
		flush := Filter{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN}
		m, err := c.RememberFlush(&flush)
		if err != nil {
			t.Fatal(err)
		}
		p := &undo.Plan{ID: "ab2c", Domain: UndoDomain}
		if p.Before, err = m.Before(); err != nil {
			t.Fatal(err)
		}
		if p.Change, err = m.Change(); err != nil {
			t.Fatal(err)
		}
		ip("route add 7.0.0.0/8 via 10.50.0.2") // nobody remembers it
		outcome, err := c.FlushRemembered(t.Context(), &flush, m, func(r *rtnl.Route, err error) { t.Error(r.Dst, err) })
		if diff := cmp.Diff(Outcome{Deleted: uint64(m.Len())}, outcome); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s", err, diff)
		}
		if diff := cmp.Diff([]string{"7.0.0.0/8 via 10.50.0.2 dev d0"}, bootRoutes(t, "-4")); diff != "" {
			t.Errorf("flushed (-want +got):\n%s", diff)
		}
		ip("link del d1")
		result, err := Undoer{}.Undo(t.Context(), p)
		if err == nil || result.Conflict {
			t.Errorf("%+v, %v; want an error about what was on d1", result, err)
		}
		want = slices.DeleteFunc(want, func(line string) bool { return strings.Contains(line, "d1") })
		if diff := cmp.Diff(append(want, "7.0.0.0/8 via 10.50.0.2 dev d0"), bootRoutes(t, "-4"), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("put back (-want +got):\n%s", diff)
		}
	})
}

// TestMemory_tooLarge: a change that no plan can hold is refused before anything is written, and says how many one can.
func TestMemory_tooLarge(t *testing.T) {
	route := rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.9.0.0/16"), Gateway: addr("10.50.0.2")}
	m := newMemory()
	if err := m.ask(DoDelete, &route); err != nil {
		t.Fatal(err)
	}
	m.size = undo.MaxPlan - m.size // room for one more, to the byte
	if err := m.ask(DoDelete, &route); err != nil {
		t.Fatalf("the last that has room: %v", err)
	}
	want := undo.Error{Op: "write the plan", Err: unix.EFBIG, Why: "a plan has 67108864 bytes at most, which is enough for some 2 changes"}
	got, ok := errors.AsType[*undo.Error](m.ask(DoDelete, &route))
	if !ok || *got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if m.Len() != 2 {
		t.Errorf("%d changes are remembered", m.Len())
	}
}

// TestAgrees: a route agrees with itself, and with none that differs in anything that it was made with.
func TestAgrees(t *testing.T) {
	made := rtnl.Route{Family: unix.AF_INET6, Dst: prefix("2001:db8:9::/48"), Gateway: addr("2001:db8:50::2"), Oif: 3, Table: 254, Priority: 5}
	for name, change := range map[string]func(*rtnl.Route){
		"destination": func(r *rtnl.Route) { r.Dst = prefix("2001:db8:9::/49") }, "source": func(r *rtnl.Route) { r.Src = prefix("2001:db8::/32") },
		"table": func(r *rtnl.Route) { r.Table = 5 }, "metric": func(r *rtnl.Route) { r.Priority = 6 }, "tos": func(r *rtnl.Route) { r.Tos = 16 },
		"gateway": func(r *rtnl.Route) { r.Gateway = addr("2001:db8:50::3") }, "interface": func(r *rtnl.Route) { r.Oif = 4 },
		"type": func(r *rtnl.Route) { r.Type = unix.RTN_THROW }, "scope": func(r *rtnl.Route) { r.Scope = unix.RT_SCOPE_LINK },
		"protocol": func(r *rtnl.Route) { r.Protocol = unix.RTPROT_RA }, "flags": func(r *rtnl.Route) { r.Flags = unix.RTNH_F_ONLINK },
		"preferred source": func(r *rtnl.Route) { r.PrefSrc = addr("2001:db8::1") }, "metrics": func(r *rtnl.Route) { r.Metrics.MTU = 1400 },
		"object": func(r *rtnl.Route) { r.NexthopID = 7 }, "preference": func(r *rtnl.Route) { r.Pref = 1 },
		"tunnel": func(r *rtnl.Route) { r.Encap.Type = 5 }, "realms": func(r *rtnl.Route) { r.Realms = 9 },
		"next hops": func(r *rtnl.Route) { r.Multipath = []rtnl.Nexthop{{Oif: 3, Weight: 1}, {Oif: 4, Weight: 1}} },
	} {
		other := made
		change(&other)
		if !agrees(&made, &made) || !agrees(&other, &other) || agrees(&made, &other) {
			t.Errorf("%s: agrees with itself %v, with the other %v", name, agrees(&made, &made), agrees(&made, &other))
		}
	}
}
