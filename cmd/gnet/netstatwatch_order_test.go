package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWatchOrder: whatever part is looked at, in whatever order, has the rows that a list sorted whole has there; equal ones stand as they
// stood.
func TestWatchOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := r.IntN(3000)
		keys := make([]int, n)
		for i := range keys {
			switch seed % 4 {
			case 0:
				keys[i] = r.IntN(5)
			case 1:
				keys[i] = r.IntN(1 << 30)
			case 2:
				keys[i] = i
			case 3:
				keys[i] = -min(i, n-i)
			}
		}
		var o watchOrder
		rows := make([]int32, n)
		for i := range rows {
			rows[i] = int32(i)
		}
		want := slices.Clone(rows)
		slices.SortStableFunc(want, func(a, b int32) int { return keys[a] - keys[b] })
		o.begin(rows, func(a, b int32) bool { return keys[a] < keys[b] || keys[a] == keys[b] && a < b })
		for range 20 {
			if n == 0 {
				break
			}
			from := r.IntN(n)
			to := min(from+r.IntN(200), n)
			var got []int32
			for i := from; i < to; i++ {
				got = append(got, o.at(i))
			}
			if !slices.Equal(want[from:to], got) {
				t.Fatalf("seed %d, %d to %d:\n%s", seed, from, to, cmp.Diff(want[from:to], got))
			}
			if place := o.rank(want[from]); place != from {
				t.Fatalf("seed %d: rank %d, want %d", seed, place, from)
			}
		}
		o.sort(0, n)
		if !slices.Equal(want, o.rows) || n > 0 && len(o.parts) != 1 {
			t.Fatalf("seed %d: sorted whole: %v, %d parts", seed, slices.Equal(want, o.rows), len(o.parts))
		}
	}
}
