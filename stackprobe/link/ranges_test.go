package link

import (
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRangesAgainstCounters compares with one counter per sequence number, over random transmissions.
func TestRangesAgainstCounters(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 50 {
		var r ranges
		var count [64]int
		for range 40 {
			low := uint32(rng.Intn(60))
			high := low + 1 + uint32(rng.Intn(int(64-low)))
			want := 0
			for i := low; i < high; i++ {
				count[i]++
				want = max(want, count[i])
			}
			if got := r.add(low, high); got != want {
				t.Fatalf("add %d..%d: %d, want %d", low, high, got, want)
			}
			if want := spans(count[:]); !slices.Equal(want, r) {
				t.Fatal(cmp.Diff(want, r, cmp.AllowUnexported(span{})))
			}
		}
	}
}

// spans makes ranges from counters the slow way.
func spans(count []int) ranges {
	var r ranges
	for i, n := range count {
		if n == 0 {
			continue
		}
		if l := len(r) - 1; l >= 0 && r[l].high == uint32(i) && r[l].n == n {
			r[l].high++
			continue
		}
		r = append(r, span{uint32(i), uint32(i) + 1, n})
	}
	return r
}
