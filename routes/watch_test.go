package routes

import (
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// events is a script of what is heard; a nil event is a loss, after which the walk begins again.
type events struct {
	script []*rtnl.RouteEvent
	before func(n int) // called before event n
	n      int
}

func (e *events) RouteEvents(context.Context) iter.Seq2[*rtnl.RouteEvent, error] {
	return func(yield func(*rtnl.RouteEvent, error) bool) {
		for e.n < len(e.script) {
			event := e.script[e.n]
			e.before(e.n)
			e.n++
			if event == nil {
				yield(nil, &netlink.OpError{Op: "watch", Err: unix.ENOBUFS})
				return
			}
			if !yield(event, nil) {
				return
			}
		}
		yield(nil, context.Canceled)
	}
}

// TestWatch_lostEvents: after a loss the tables are compared with what was known, and only what differs is told; an event that comes later than
// the reading which showed it is told once.
func TestWatch_lostEvents(t *testing.T) {
	route := func(dst, gateway string) rtnl.Route {
		return rtnl.Route{Family: unix.AF_INET, Dst: prefix(dst), Gateway: addr(gateway), Oif: 7, Table: 254, Type: 1, Protocol: 4}
	}
	table := []rtnl.Route{route("10.0.0.0/8", "10.50.0.2"), route("10.1.0.0/16", "10.50.0.2"), route("10.2.0.0/16", "10.50.0.2")}
	c := scripted(func() []rtnl.Route { return table }, func(int, netlink.Message) []nltest.Datagram { return nil })
	added, late, gone := route("10.3.0.0/16", "10.50.0.3"), route("10.4.0.0/16", "10.50.0.4"), route("10.1.0.0/16", "10.50.0.2")
	source := &events{
		script: []*rtnl.RouteEvent{{Route: &added}, nil, {Route: &late}, {Route: &gone, Deleted: true}, {TakesRoutes: true}},
		before: func(n int) {
			switch n {
			case 1:
				table = []rtnl.Route{table[0], route("10.2.0.0/16", "10.50.0.9"), added, late}
			case 4: // an interface took all along
				table = nil
			}
		},
	}
	var told []string
	w := watch{c: c, filter: &Filter{}, known: make(map[routeKey][]string), yield: func(ch *RouteChange, err error) bool {
		if ch.Kind == EventsLost {
			told = append(told, "lost")
			return true
		}
		told = append(told, fmt.Sprint(ch.Kind, " ", ch.Route.Dst, " ", ch.Route.Gateway, " ", ch.Route.OifName, " ", ch.Found))
		return true
	}}
	if err := w.run(t.Context(), source); err != context.Canceled {
		t.Fatal(err)
	}
	want := []string{"1 10.3.0.0/16 10.50.0.3 d0 false", "lost", "2 10.2.0.0/16 10.50.0.9 d0 true", "1 10.4.0.0/16 10.50.0.4 d0 true", "3 10.1.0.0/16 10.50.0.2 d0 true"}
	if len(told) != len(want)+4 {
		t.Fatalf("told %d changes: %q", len(told), told)
	}
	if diff := cmp.Diff(want, told[:len(want)]); diff != "" {
		t.Error(diff)
	}
	gonePrefixes := map[string]bool{}
	for _, line := range told[len(want):] {
		gonePrefixes[line] = true
	}
	for _, line := range []string{"3 10.0.0.0/8 10.50.0.2 d0 true", "3 10.2.0.0/16 10.50.0.9 d0 true", "3 10.3.0.0/16 10.50.0.3 d0 true", "3 10.4.0.0/16 10.50.0.4 d0 true"} {
		if !gonePrefixes[line] {
			t.Errorf("not told: %s", line)
		}
	}
}

// TestWatch_names: a route has the name that its interface has when it is told, and keeps it until the interface's own end is told.
func TestWatch_names(t *testing.T) {
	route := func(dst string) *rtnl.Route {
		return &rtnl.Route{Family: unix.AF_INET, Dst: prefix(dst), Oif: 7, Table: 254, Type: 1, Protocol: 4}
	}
	links := map[int]string{7: "d0", 9: "d9"} // one that was never announced is asked for
	there := []rtnl.Route{*route("10.0.0.0/8")}
	c := scriptedLinks(links, func() []rtnl.Route { return there }, func(int, netlink.Message) []nltest.Datagram { return nil })
	other := route("10.2.0.0/16")
	other.Multipath, other.Oif = []rtnl.Nexthop{{Oif: 7, Weight: 1}, {Oif: 9, Weight: 1}}, 0
	source := &events{
		script: []*rtnl.RouteEvent{
			{Route: route("10.1.0.0/16")}, {LinkIndex: 7, LinkName: "e0"}, {Route: other},
			{LinkIndex: 7, LinkName: "e0", TakesRoutes: true}, {LinkIndex: 7, TakesRoutes: true}, {Route: route("10.3.0.0/16")},
		},
		before: func(n int) {
			if n == 3 {
				delete(links, 7)
				there = nil
			}
		},
	}
	var told []string
	w := watch{c: c, filter: &Filter{}, known: make(map[routeKey][]string), yield: func(ch *RouteChange, err error) bool {
		names := ch.Route.OifName
		for _, hop := range ch.Route.Multipath {
			names += hop.OifName + " "
		}
		told = append(told, fmt.Sprint(ch.Kind, " ", ch.Route.Dst, " ", names, " ", ch.Found))
		return true
	}}
	if err := w.run(t.Context(), source); err != context.Canceled {
		t.Fatal(err)
	}
	if len(told) == 6 {
		slices.Sort(told[2:5]) // what went with an interface has no order
	}
	want := []string{"1 10.1.0.0/16 d0 false", "1 10.2.0.0/16 e0 d9  false", "3 10.0.0.0/8 e0 true", "3 10.1.0.0/16 e0 true", "3 10.2.0.0/16 e0 d9  true",
		"1 10.3.0.0/16  false"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
}

// TestWatch_overrun: a watcher that did not read until the kernel's buffer was full hears of every change behind its second reading of
// the tables.
func TestWatch_overrun(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		watching, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer watching.Close()
		other, err := rtnl.Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		add := func(first byte, n int) {
			t.Helper()
			refused := error(nil)
			batch := other.NewRouteBatch("add", func(_ uint64, err error) { refused = err })
			for i := range n {
				r := rtnl.Route{Family: unix.AF_INET, Dst: netip.PrefixFrom(netip.AddrFrom4([4]byte{first + byte(i>>16), byte(i >> 8), byte(i)}), 32), Type: unix.RTN_BLACKHOLE, Protocol: 4}
				if err := batch.Add(&r, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
					t.Fatal(err)
				}
			}
			if err := batch.Flush(); err != nil || refused != nil {
				t.Fatal(err, refused)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		listens, quiet := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(quiet)
			for n := 0; ; n++ {
				select {
				case <-listens:
					return
				case <-time.After(time.Millisecond):
					r := rtnl.Route{Family: unix.AF_INET, Dst: prefix("9.0.0.0/8"), Type: unix.RTN_BLACKHOLE, Priority: uint32(n)}
					if err := other.AddRoute(&r, unix.NLM_F_CREATE); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}()
		var told []string
		for ch, err := range watching.Watch(ctx, &Filter{Family: unix.AF_INET}) {
			switch {
			case err != nil:
				t.Fatal(err)
			case told == nil: // it listens, and does not read while the buffer fills
				close(listens)
				<-quiet
				add(20, 200_000)
				told = []string{"begun"}
			case ch.Kind == EventsLost:
				told = append(told, "lost")
			case ch.Found && told[len(told)-1] == "lost": // the tables have been read again
				add(200, 3)
				told = append(told, "found")
			case ch.Route.Dst.Addr().As4()[0] == 200:
				told = append(told, fmt.Sprint(ch.Route.Dst, ch.Found))
			}
			if len(told) == 6 {
				break
			}
		}
		want := []string{"begun", "lost", "found", "200.0.0.0/32 false", "200.0.1.0/32 false", "200.0.2.0/32 false"}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Error(diff)
		}
	})
}

// TestWatch_leavesSelection: a route that is replaced by one that is not selected has gone from what is watched.
func TestWatch_leavesSelection(t *testing.T) {
	route := rtnl.Route{Family: unix.AF_INET, Dst: prefix("10.0.0.0/8"), Gateway: addr("10.50.0.2"), Oif: 7, Table: 254, Type: 1, Protocol: 4}
	other := route
	other.Gateway = addr("10.50.0.9")
	table := []rtnl.Route{route}
	c := scripted(func() []rtnl.Route { return table }, func(_ int, r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: nltest.AppendDone(nil, r, 0)}} // there are no nexthop objects
	})
	source := &events{script: []*rtnl.RouteEvent{{Route: &other, Flags: unix.NLM_F_REPLACE}}, before: func(int) { table[0] = other }}
	var told []string
	w := watch{c: c, filter: &Filter{Via: route.Gateway}, known: make(map[routeKey][]string), yield: func(ch *RouteChange, err error) bool {
		told = append(told, fmt.Sprint(ch.Kind, " ", ch.Route.Dst, " ", ch.Route.Gateway, " ", ch.Found))
		return true
	}}
	if err := w.run(t.Context(), source); err != context.Canceled {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{fmt.Sprint(RouteDeleted, " 10.0.0.0/8 10.50.0.2 true")}, told); diff != "" {
		t.Error(diff)
	}
}
