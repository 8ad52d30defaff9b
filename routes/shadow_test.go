package routes

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/undo"
)

// No route over a nexthop object goes instead of the one behind it that was selected, which stays too, and is told; where the kernel tells
// them apart, or both are selected, what was selected goes.
func TestFlush_nexthopObject(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("nexthop add id 5 via 2001:db8:50::2 dev d0")
		const object = "2001:db8:9::/48 nhid 5 via 2001:db8:50::2 dev d0 metric 5 pref medium"
		const plain = "2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 5 pref medium"
		shadowed := []string{"2001:db8:9::/48: deleting a route: " + ErrShadowed.Error()}
		via3 := Filter{Family: unix.AF_INET6, Table: unix.RT_TABLE_MAIN, Via: addr("2001:db8:50::3")}
		for _, tc := range []struct {
			name    string
			behind  string
			filter  Filter
			forgets bool // the object's route came after the flush was remembered
			out     Outcome
			failed  []string
			left    []string
		}{
			{"by gateway", "via 2001:db8:50::3 metric 5", via3, false, Outcome{Failed: 1}, shadowed, []string{object, plain}},
			{"by type, both families", "blackhole metric 5", Filter{Type: unix.RTN_BLACKHOLE}, false, Outcome{Failed: 1}, shadowed,
				[]string{object, "blackhole 2001:db8:9::/48 dev lo metric 5 pref medium"}},
			{"by protocol", "via 2001:db8:50::3 metric 5 proto static", Filter{Family: unix.AF_INET6, Protocol: unix.RTPROT_STATIC, HasProtocol: true}, false,
				Outcome{Deleted: 1}, nil, []string{object}},
			{"of another metric", "via 2001:db8:50::3 metric 6", via3, false, Outcome{Deleted: 1}, nil, []string{object}},
			{"both", "via 2001:db8:50::3 metric 5", Filter{Family: unix.AF_INET6, Exact: prefix("2001:db8:9::/48")}, false, Outcome{Deleted: 2}, nil, nil},
			{"both, one not remembered", "via 2001:db8:50::3 metric 5", Filter{Family: unix.AF_INET6, Exact: prefix("2001:db8:9::/48")}, true,
				Outcome{Failed: 1}, shadowed, []string{object, plain}},
		} {
			typ, rest := "", tc.behind
			if tc.filter.Type != 0 {
				typ, rest = "blackhole ", tc.behind[len("blackhole "):]
			}
			c := mustConn(t)
			var m *Memory
			if tc.forgets {
				ip("-6 route add 2001:db8:9::/48 " + rest)
				var err error
				if m, err = c.RememberFlush(&tc.filter); err != nil {
					t.Fatal(err)
				}
				ip("-6 route del 2001:db8:9::/48 " + rest)
			}
			ip("-6 route add 2001:db8:9::/48 nhid 5 metric 5")
			ip("-6 route append " + typ + "2001:db8:9::/48 " + rest)
			var failed []string
			out, err := c.FlushRemembered(t.Context(), &tc.filter, m, func(r *rtnl.Route, err error) {
				failed = append(failed, r.Dst.String()+": "+err.Error())
			})
			if diff := cmp.Diff(tc.out, out); diff != "" || err != nil {
				t.Errorf("%s: %v, outcome (-want +got)\n%s", tc.name, err, diff)
			}
			if diff := cmp.Diff(tc.failed, failed); diff != "" {
				t.Errorf("%s: refused (-want +got)\n%s", tc.name, diff)
			}
			if diff := cmp.Diff(tc.left, bootRoutes(t, "-6")); diff != "" {
				t.Errorf("%s: table (-want +got)\n%s", tc.name, diff)
			}
			for range tc.left {
				ip("-6 route del 2001:db8:9::/48 metric 5")
			}
		}
	})
}

// Undoing takes nothing away but what the change made, not for a moment; where the kernel cannot tell that from a route over a nexthop object
// in front of it, both stay, and it is told.
func TestUndo_behindNexthopObject(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ip := lookupHost(t)
		ip("nexthop add id 5 via 2001:db8:50::2 dev d0")
		six := prefix("2001:db8:9::/48")
		const object = "2001:db8:9::/48 nhid 5 via 2001:db8:50::2 dev d0 metric 5 pref medium"
		const device = "2001:db8:9::/48 dev d1 metric 5 pref medium"
		for _, tc := range []struct {
			name   string
			change Change
			result undo.Result
			want   error
			left   []string
		}{
			{"by gateway", Change{Dst: six, Gateway: addr("2001:db8:50::3"), Metric: 5, HasMetric: true},
				undo.Result{Lines: []string{"removed 2001:db8:9::/48 via 2001:db8:50::3 dev d0 metric 5"}}, nil, []string{object}},
			{"by device", Change{Dst: six, Device: "d1", HasDevice: true, Metric: 5, HasMetric: true}, undo.Result{}, ErrShadowed, []string{object, device}},
		} {
			ip("-6 route add 2001:db8:9::/48 nhid 5 metric 5")
			c := mustConn(t)
			p, finish := planned(t, c, func(c *Conn) error { return c.Add(tc.change) })
			finish()
			gone := deletions(t, func() {
				result, err := Undoer{}.Undo(t.Context(), p)
				if diff := cmp.Diff(tc.result, result); diff != "" || !errors.Is(err, tc.want) {
					t.Errorf("%s: %v (-want +got)\n%s", tc.name, err, diff)
				}
			})
			if diff := cmp.Diff(tc.left, bootRoutes(t, "-6")); diff != "" {
				t.Errorf("%s: table (-want +got)\n%s", tc.name, diff)
			}
			if len(gone) > 0 {
				t.Errorf("%s: deleted meanwhile: %v", tc.name, gone)
			}
			for range tc.left {
				ip("-6 route del 2001:db8:9::/48 metric 5")
			}
		}
	})
}

// deletions are the numbers of the nexthop objects whose routes are deleted while fn runs.
func deletions(t *testing.T, fn func()) (gone []uint32) {
	t.Helper()
	watching, err := rtnl.Dial()
	if err != nil {
		t.Fatal(err)
	}
	defer watching.Close()
	if err := watching.JoinRoutes(); err != nil {
		t.Fatal(err)
	}
	fn()
	c := mustConn(t)
	if err := c.Add(Change{Dst: prefix("2001:db8:ffff::/48"), Gateway: addr("2001:db8:50::2")}); err != nil { // the last event
		t.Fatal(err)
	}
	defer c.Delete(Change{Dst: prefix("2001:db8:ffff::/48")})
	for e, err := range watching.RouteEvents(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Route == nil:
		case e.Deleted && e.Route.NexthopID != 0:
			gone = append(gone, e.Route.NexthopID)
		case e.Route.Dst == prefix("2001:db8:ffff::/48"):
			return gone
		}
	}
	return gone
}
