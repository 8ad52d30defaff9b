package event

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
			low := int64(rng.Intn(60))
			high := low + 1 + int64(rng.Intn(int(64-low)))
			want := 0
			for i := low; i < high; i++ {
				count[i]++
				want = max(want, count[i])
			}
			if got := r.add(low, high); got != want {
				t.Fatalf("add %d..%d: %d, want %d", low, high, got, want)
			}
			if want := rangesOf(count[:]); !slices.Equal(want, r) {
				t.Fatal(cmp.Diff(want, r, cmp.AllowUnexported(span{})))
			}
		}
	}
}

// rangesOf makes ranges from counters the slow way.
func rangesOf(count []int) ranges {
	var r ranges
	for i, n := range count {
		if n == 0 {
			continue
		}
		if l := len(r) - 1; l >= 0 && r[l].high == int64(i) && r[l].n == n {
			r[l].high++
			continue
		}
		r = append(r, span{int64(i), int64(i) + 1, n})
	}
	return r
}

// TestRangesAreBounded: a direction in which every second number is repeated keeps no more than maxRanges.
func TestRangesAreBounded(t *testing.T) {
	var r ranges
	for i := range int64(3 * maxRanges) {
		r.add(2*i, 2*i+1)
	}
	if len(r) != maxRanges || r[0].low != 0 || r[0].n != 1 || r[len(r)-1].high != 6*maxRanges-1 {
		t.Errorf("%d ranges, first %+v, last %+v", len(r), r[0], r[len(r)-1])
	}
}
