package event

import "slices"

// maxRanges bounds the ranges of one direction. Each loss leaves at most two behind; beyond, the lowest two become one
// that has the larger count, which concerns numbers that were acknowledged long ago.
const maxRanges = 1 << 14

// ranges counts how often each sequence number of one direction was transmitted. Numbers are relative to the initial
// one. Neighbours with the same count are one range, so a transfer without loss is a single one.
type ranges []span

// span is the numbers from low up to, not including, high, each transmitted n times.
type span struct {
	low, high int64
	n         int
}

// add counts one transmission of low..high and returns the largest count within it, this one included.
func (r *ranges) add(low, high int64) int {
	if last := len(*r) - 1; last < 0 || (*r)[last].high <= low {
		r.put(len(*r), span{low, high, 1})
		r.bound()
		return 1
	}
	i, _ := slices.BinarySearchFunc(*r, low, func(s span, low int64) int {
		if s.high <= low {
			return -1
		}
		return 1
	})
	var repl []span
	most := 1
	end := i
	for ; end < len(*r) && (*r)[end].low < high; end++ {
		s := (*r)[end]
		if low < s.low {
			repl = append(repl, span{low, s.low, 1})
			low = s.low
		}
		if s.low < low {
			repl = append(repl, span{s.low, low, s.n})
		}
		to := min(high, s.high)
		repl = append(repl, span{low, to, s.n + 1})
		most = max(most, s.n+1)
		if to < s.high {
			repl = append(repl, span{to, s.high, s.n})
		}
		low = to
	}
	if low < high {
		repl = append(repl, span{low, high, 1})
	}
	*r = slices.Replace(*r, i, end, repl...)
	r.merge(max(i-1, 0), min(i+len(repl)+1, len(*r)))
	r.bound()
	return most
}

// put inserts s before index i, or lengthens the range before it.
func (r *ranges) put(i int, s span) {
	if i > 0 && (*r)[i-1].high == s.low && (*r)[i-1].n == s.n {
		(*r)[i-1].high = s.high
		return
	}
	*r = slices.Insert(*r, i, s)
}

// merge joins neighbours of equal count among the ranges from..to.
func (r *ranges) merge(from, to int) {
	out := from
	for i := from + 1; i < to; i++ {
		a, b := &(*r)[out], (*r)[i]
		if a.high == b.low && a.n == b.n {
			a.high = b.high
			continue
		}
		out++
		(*r)[out] = b
	}
	if to > from {
		*r = slices.Delete(*r, out+1, to)
	}
}

// bound joins the lowest ranges until there are no more than maxRanges.
func (r *ranges) bound() {
	for len(*r) > maxRanges {
		a, b := (*r)[0], &(*r)[1]
		b.low, b.n = a.low, max(a.n, b.n)
		*r = (*r)[1:]
	}
}
