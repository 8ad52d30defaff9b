package path

import (
	"cmp"
	"math/rand/v2"
	"strings"
	"testing"

	"gnet/ping/probe"
)

// anyPath is a path by chance, and what is true of it: both MTUs, and the number of
// the first link that has that of the way there.
func anyPath(seed uint64) (n *simPath, forward, reverse, narrow int) {
	r := rand.New(rand.NewPCG(seed, 11))
	family, floor := probe.IPv4, 68
	if r.IntN(2) == 0 {
		family, floor = probe.IPv6, 1280
	}
	top := []int{1500, 1500, 1500, 9000, 1492, 2000}[r.IntN(6)]
	size := func() int {
		switch r.IntN(6) {
		case 0, 1, 2:
			return top
		case 3:
			return max(floor, known()[r.IntN(len(known()))])
		case 4:
			return 1280 + r.IntN(300)
		}
		return max(floor, 500+r.IntN(9000))
	}
	links := []simLink{{forward: top}}
	for range 1 + r.IntN(6) {
		l := simLink{forward: size()}
		if r.IntN(4) == 0 {
			l.back = size()
		}
		if r.IntN(12) == 0 {
			l.takes = max(floor, l.forward-r.IntN(200))
		}
		links = append(links, l)
	}
	n = newSim(family, seed, links)
	n.pieces = r.IntN(2) == 0
	n.loss = []float64{0, 0, 0.02, 0.05, 0.15}[r.IntN(5)]
	if r.IntN(3) == 0 {
		n.jitter = 8 * ms
	}
	n.twins = r.IntN(5) == 0
	if r.IntN(6) == 0 {
		forged(552, 1290, 0, 9000)(n)
	}
	for i := range n.routers {
		if r.IntN(10) == 0 {
			n.routers[i].says = []int{-1, 9000, 1300, 600}[r.IntN(4)]
		}
		if i == len(n.routers)/2 && r.IntN(4) == 0 {
			n.routers[i].from = simPrivate
		}
		n.routers[i].blind, n.routers[i].mute, n.routers[i].rate = r.IntN(3) == 0, r.IntN(8) == 0, r.IntN(3) == 0
	}
	forward, reverse = top, top
	for i, l := range links {
		if carried := min(l.forward, cmp.Or(l.takes, l.forward)); carried < forward {
			forward, narrow = carried, i
		}
		reverse = min(reverse, cmp.Or(l.back, l.forward))
	}
	return n, forward, reverse, narrow
}

// TestMeasure_anyPath: whatever the path, what is said to be exact is, and the link is
// one of those that are named: also where packets are lost, late or doubled, and
// messages forged. Few measurements find nothing.
func TestMeasure_anyPath(t *testing.T) {
	const runs = 3000
	seeds := []uint64{3591, 8603, 12785, 15011, 18298, 22050, 22802, 32775, 33552, 36796, 38583, 38665} // once wrong
	for seed := range uint64(runs - len(seeds)) {
		seeds = append(seeds, seed)
	}
	bounds, links := 0, 0
	for _, seed := range seeds {
		n, forward, reverse, narrow := anyPath(seed)
		r, lines := n.measure(t, nil)
		wrong := !r.Reached || r.Forward.MTU > forward || r.Forward.Exact() && r.Forward.MTU != forward ||
			r.Reverse.Exact() && r.Reverse.MTU != reverse || r.Reverse.MTU > reverse ||
			r.LimitKnown && (r.Limit.Hop > narrow || r.Limit.NextHop <= narrow) || r.Changes > 0
		if wrong {
			t.Errorf("seed %d: %s in %d rounds; true are %d, %d and hop %d; %+v %+v\n%s", seed, short(r), r.Rounds, forward, reverse, narrow, n.links, n.routers, strings.Join(lines, "\n"))
		}
		if r.LimitKnown {
			links++
		}
		if !r.Forward.Exact() {
			bounds++
		}
	}
	t.Logf("%d of %d without an exact figure, the link known in %d", bounds, runs, links)
	if bounds > runs/100 || links < runs*8/10 {
		t.Errorf("%d of %d runs without an exact figure, the link known in %d", bounds, runs, links)
	}
}

// TestMeasure_replyPieces: where the way back is much narrower, losses take more of
// the long replies than of the short ones, for they come in pieces.
func TestMeasure_replyPieces(t *testing.T) {
	exact := 0
	seeds := []uint64{228, 418, 490, 781, 811, 814} // wrong without
	for seed := range uint64(60) {
		seeds = append(seeds, seed)
	}
	for _, seed := range seeds {
		n := newSim(probe.IPv4, seed, []simLink{{forward: 9000}, {forward: 8223, back: 1376}, {forward: 9000}})
		n.loss, n.routers[0].blind = 0.15, true
		r, lines := n.measure(t, nil)
		if r.Forward.Exact() {
			exact++
		}
		if r.Forward.MTU > 8223 || r.Forward.Exact() && r.Forward.MTU != 8223 {
			t.Errorf("seed %d: %s\n%s", seed, short(r), strings.Join(lines, "\n"))
		}
	}
	if exact < 10 {
		t.Errorf("%d exact", exact)
	}
	t.Logf("%d exact", exact)
}

// TestMeasure_sharedAddress: where routers answer from one address, two or all of them,
// and packets are lost, the link that is named is the narrow one.
func TestMeasure_sharedAddress(t *testing.T) {
	known := 0
	const runs = 1000
	for seed := range uint64(runs) {
		n := newSim([]probe.Family{probe.IPv4, probe.IPv6}[seed%2], seed, mtus(1500, 1500, 1500, 1450, 1400, 1500))
		for i := range n.routers {
			if seed%4 < 2 || i%2 > 0 { // all, or hops 2 and 4
				n.routers[i].from = simPrivate
			}
		}
		n.loss = 0.15
		r, lines := n.measure(t, nil)
		if r.LimitKnown {
			known++
		}
		if r.LimitKnown && (r.Limit.Hop > 4 || r.Limit.NextHop <= 4) {
			t.Errorf("seed %d: %s\n%s", seed, short(r), strings.Join(lines, "\n"))
		}
	}
	if known < runs*9/10 {
		t.Errorf("the link is known in %d of %d", known, runs)
	}
	t.Logf("the link is known in %d of %d", known, runs)
}
