package analyze

import "slices"

// maxSpans bounds the holes that are remembered in what has arrived. A receiver's window has room for few; beyond, the
// lowest two pieces are taken as one.
const maxSpans = 1024

// span is a piece of sequence space: from first up to, not including, last.
type span struct{ first, last int64 }

// spans are pieces of sequence space in ascending order that neither overlap nor touch.
type spans []span

// add takes a piece in and says whether any of it is new.
func (s *spans) add(first, last int64) bool {
	old := *s
	at := len(old)
	for at > 0 && old[at-1].last >= first { // from the end: what arrives is as a rule the newest
		at--
	}
	// old[at:] are the pieces that end at or behind first.
	to := at
	for to < len(old) && old[to].first <= last {
		to++
	}
	if to == at+1 && old[at].first <= first && last <= old[at].last {
		return false
	}
	merged := span{first, last}
	if to > at {
		merged = span{min(first, old[at].first), max(last, old[to-1].last)}
	}
	s.replace(at, to, merged)
	return true
}

// replace puts one piece in the place of those from at to to.
func (s *spans) replace(at, to int, piece span) {
	old := *s
	if to == at {
		old = append(old, span{})
		copy(old[at+1:], old[at:])
	} else {
		old = append(old[:at+1], old[to:]...)
	}
	old[at] = piece
	if len(old) > maxSpans {
		old[1].first = old[0].first
		old = old[1:]
	}
	*s = old
}

// covers says whether the whole piece is in s.
func (s spans) covers(first, last int64) bool {
	for _, p := range s {
		if p.first <= first && last <= p.last {
			return true
		}
	}
	return false
}

// meets says whether anything of the piece is in s.
func (s spans) meets(first, last int64) bool {
	for _, p := range s {
		if p.first < last && first < p.last {
			return true
		}
	}
	return false
}

// reaches says whether anything in s lies behind at, which itself is not in it.
func (s spans) reaches(at int64) bool {
	return len(s) > 0 && s[len(s)-1].first > at
}

// dropBelow takes away what lies below at.
func (s *spans) dropBelow(at int64) {
	old := *s
	for len(old) > 0 && old[0].last <= at {
		old = old[1:]
	}
	if len(old) > 0 {
		old[0].first = max(old[0].first, at)
	}
	*s = old
}

// gaps yields the pieces from first to last that are not in s, in ascending order.
func (s spans) gaps(first, last int64, yield func(first, last int64)) {
	at, _ := slices.BinarySearchFunc(s, first, func(p span, first int64) int {
		if p.last <= first {
			return -1
		}
		return 1
	})
	for ; at < len(s) && s[at].first < last; at++ {
		if first < s[at].first {
			yield(first, s[at].first)
		}
		first = s[at].last
	}
	if first < last {
		yield(first, last)
	}
}
