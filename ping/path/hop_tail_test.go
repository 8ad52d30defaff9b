package path

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/ping/probe"
)

// silentHops are the words of hops that nobody answers at.
func silentHops(first, last int) (words string) {
	for ttl := first; ttl <= last; ttl++ {
		words += fmt.Sprintf(" %d:silent", ttl)
	}
	return words
}

// TestTrace_tail: where nobody answers any more, little is asked, and what answers behind it is found all the same.
// The time is virtual.
func TestTrace_tail(t *testing.T) {
	const start = "1:own=1500 1:time_exceeded 1:time_exceeded 2:time_exceeded"
	for _, tt := range []struct {
		name string
		set  func(n *simPath)
		want string
		// most is how long it may take: where all probes come to one host, their number over hostProbes a second,
		// and the wait for a router that asks for its neighbour.
		most time.Duration
	}{
		{"a silent host", func(n *simPath) { n.deaf = [3]bool{true, true, true} },
			start + " 3:time_exceeded 4:time_exceeded 5:time_exceeded 6:time_exceeded 7:time_exceeded 8:time_exceeded 9:time_exceeded" + silentHops(10, 30), 13 * time.Second},
		{"a filter behind the second router", func(n *simPath) {
			n.deaf = [3]bool{true, true, true}
			for i := 2; i < len(n.routers); i++ {
				n.routers[i].mute = true
			}
		}, start + silentHops(3, 30), 15 * time.Second},
		{"mute routers in the middle", func(n *simPath) {
			for i := 2; i < 8; i++ {
				n.routers[i].mute = true
			}
		}, start + silentHops(3, 8) + " 9:time_exceeded 10:answered", 8 * time.Second},
		{"a black hole behind mute routers", func(n *simPath) {
			for i := 2; i < 7; i++ {
				n.routers[i].mute = true
			}
			n.routers[7].blind, n.links[8].forward = true, 1400
		}, start + silentHops(3, 7) + " 8:time_exceeded 9:silence=1400 9:time_exceeded 10:answered", 16 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newSim(probe.IPv4, 1, mtus(slices.Repeat([]int{1500}, 10)...))
			tt.set(n)
			got, _ := traced(t, n, HopConfig{MaxHops: 30})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if n.now > tt.most {
				t.Errorf("it took %v, of which %v would do", n.now, tt.most)
			}
			if most, who, at := n.busiest(); most > hostProbes {
				t.Errorf("%v got %d probes in the second from %v", who, most, at)
			}
		})
	}
}

// TestTrace_tailLoss: a hop behind silent ones is asked as often as any other as soon as anybody behind those answers.
func TestTrace_tailLoss(t *testing.T) {
	wrong := 0
	for seed := range uint64(200) {
		n := newSim(probe.IPv4, seed, mtus(slices.Repeat([]int{1500}, 10)...))
		n.loss = 0.05
		for i := 2; i < 7; i++ {
			n.routers[i].mute = true
		}
		if got, _ := traced(t, n, HopConfig{MaxHops: 30}); !strings.HasSuffix(got, silentHops(3, 7)+" 8:time_exceeded 9:time_exceeded 10:answered") {
			wrong++
			t.Log(seed, got)
		}
	}
	if wrong > 2 {
		t.Errorf("%d of 200 runs are wrong", wrong)
	}
}
