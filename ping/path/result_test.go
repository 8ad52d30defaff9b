package path

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/ping/probe"
)

// TestMeasure_forks: routers that share a hop are told, and a hop of one router is none.
func TestMeasure_forks(t *testing.T) {
	for _, fork := range []bool{false, true} {
		n := newSim(probe.IPv4, 1, mtus(1500, 1500, 1400, 1500))
		n.routers[1].blind = true
		second, other := n.routerAddr(1), netip.MustParseAddr("203.0.113.2")
		n.forge = func(n *simPath, p *Packet) {
			n.routers[1].from = second
			if fork && p.Size > 600 {
				n.routers[1].from = other
			}
		}
		r, _ := n.measure(t, nil)
		var want []Fork
		if fork {
			want = []Fork{{Hop: 2, From: []netip.Addr{second, other}}}
		}
		for _, f := range r.Forks {
			slices.SortFunc(f.From, netip.Addr.Compare)
		}
		if diff := cmp.Diff(want, r.Forks, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" || r.Forward.MTU != 1400 {
			t.Errorf("fork %t: MTU %d (-want +got)\n%s", fork, r.Forward.MTU, diff)
		}
	}
}
