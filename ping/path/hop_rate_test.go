package path

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"gnet/ping/probe"
)

// busiest returns the most probes that ended at one host within a second, and where.
func (n *simPath) busiest() (most int, who netip.Addr, at time.Duration) {
	slices.SortFunc(n.ends, func(a, b simEnd) int { return int(a.at - b.at) })
	for i, first := range n.ends {
		count := 0
		for _, e := range n.ends[i:] {
			if e.who == first.who && e.at < first.at+time.Second {
				count++
			}
		}
		if count > most {
			most, who, at = count, first.who, first.at
		}
	}
	return most, who, at
}

// TestTrace_rate: no router, and no host, gets more than five probes in any second of a
// run, first asked and asked again, whatever the weather.
func TestTrace_rate(t *testing.T) {
	wide := func(n int) []simLink { return mtus(slices.Repeat([]int{1500}, n)...) }
	for _, tt := range []struct {
		name string
		set  func(n *simPath)
		link []simLink
		c    HopConfig
	}{
		{"a long path", nil, wide(20), HopConfig{}},
		{"one hop", nil, wide(1), HopConfig{}},
		{"two hops", nil, wide(2), HopConfig{Size: 1500}},
		{"steps", nil, mtus(1500, 1450, 1400, 1350, 1300, 1280), HopConfig{}},
		{"mute routers", func(n *simPath) { n.routers[2].mute, n.routers[3].mute, n.routers[5].mute = true, true, true }, wide(9), HopConfig{}},
		{"a silent host", func(n *simPath) { n.deaf = [3]bool{true, true, true} }, wide(4), HopConfig{MaxHops: 30}},
		{"loss", func(n *simPath) { n.loss = 0.2 }, wide(8), HopConfig{}},
		{"late answers", func(n *simPath) { n.jitter = 900 * ms }, wide(8), HopConfig{}},
		{"black hole, searched", func(n *simPath) { n.routers[1].blind = true }, mtus(1500, 1450, 1400, 1500), HopConfig{}},
		{"black hole, measured", func(n *simPath) { n.routers[3].blind = true }, mtus(1500, 1500, 1500, 1500, 1400, 1500), HopConfig{
			Measure: func(context.Context) (int, error) { return 1400, nil }}},
		{"an MTU that cannot be", func(n *simPath) { n.routers[1].says = 20 }, mtus(1500, 1500, 1400, 1500, 1500), HopConfig{}},
		{"few errors a second", func(n *simPath) {
			for i := range n.routers {
				n.routers[i].rate = true
			}
		}, wide(8), HopConfig{}},
		{"a loop", func(n *simPath) {
			for i := 2; i < len(n.routers); i++ {
				n.routers[i].from = netip.AddrFrom4([4]byte{203, 0, 113, byte(i % 2)})
			}
		}, wide(24), HopConfig{MaxHops: 20}},
	} {
		for seed := range uint64(5) {
			t.Run(fmt.Sprintf("%s, %d", tt.name, seed), func(t *testing.T) {
				n := newSim(probe.IPv4, seed, tt.link)
				if tt.set != nil {
					tt.set(n)
				}
				_, trace := traced(t, n, tt.c)
				for _, err := range trace.Repeat(context.Background(), 3) {
					if err != nil {
						t.Fatal(err)
					}
				}
				if most, who, at := n.busiest(); most > 5 {
					t.Errorf("%v got %d probes in the second from %v", who, most, at)
				}
			})
		}
	}
}

// TestTrace_spentRate: routers that send one error a second, and have sent it to somebody else
// just before, are no silent hops, wherever they are and however soon the host answers.
func TestTrace_spentRate(t *testing.T) {
	for spent := 1; spent < 8; spent++ { // a bit for each router
		for after := 50 * ms; after <= time.Second; after += 50 * ms {
			n := newSim(probe.IPv4, 1, mtus(1500, 1450, 1400, 1500))
			for i := range n.routers {
				if spent>>i&1 == 1 {
					n.routers[i].spent = after
				}
			}
			got, trace := traced(t, n, HopConfig{})
			if strings.Contains(got, "silen") || !strings.HasSuffix(got, "4:answered") || trace.MTU() != 1400 {
				t.Errorf("routers %03b, the next error after %v: %s", spent, after, got)
			}
		}
	}
}
