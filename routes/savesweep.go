package routes

import (
	"bytes"
	"net/netip"
)

// A restore reads a long file of lines several times and takes every eighth place of it at a time: the kernel keeps IPv4 routes in a trie whose
// nodes double as they fill, and added from one end to the other they are copied again and again, with a wait for all processors in between
// (net/ipv4/fib_trie.c, inflate and tnode_free). Spread over all of the table the nodes double once. Reading is cheap beside that, and another
// processor's work (see ahead).
const (
	sweepsOfLong = 8
	// sweepBytes is the size of a file that is worth it.
	sweepBytes = 1 << 20
	// maxNear bounds the lines without a gateway that the first sweep takes, so that a file of nothing else is spread too.
	maxNear = 4096
)

// sweepsOf is how many sweeps a file of the given size takes.
func sweepsOf(size int64) int {
	if size < sweepBytes {
		return 1
	}
	return sweepsOfLong
}

// sweepPlan is what the first sweep has found out for the others, so that they need not look at lines that they do not take: two bits for each.
type sweepPlan struct {
	begins numbers // the items that begin a place
	near   numbers // of these, the ones for the first sweep
}

// sweep chooses lines of a file: those of every place in turn, in one of several walks, which together take each line once.
type sweep struct {
	number, of int
	plan       *sweepPlan

	at     int          // where the line before has its destination
	last   netip.Prefix // that destination, as far as the line shows one
	places int
	near   int
	now    int // the walk that takes the place of the line before
}

// takes reports whether this walk takes the line, which is the given item of the file.
func (s *sweep) takes(item int, line []byte) bool {
	if s.of <= 1 {
		return true
	}
	if s.number == 0 {
		s.look(item, line)
	}
	switch {
	case !s.plan.begins.has(item):
	case s.plan.near.has(item):
		s.now = 0
	default:
		order := [sweepsOfLong]int{0, 4, 2, 6, 1, 5, 3, 7} // each lands in the middle of what the ones before have filled
		s.places++
		s.now = order[s.places%sweepsOfLong] % s.of
	}
	return s.now == s.number
}

// look makes the plan. Routes for one place stand together and have to stay so: a line belongs to the one before it unless both show their
// destinations, and different ones. Routes to interfaces, which the gateways of others need, are for the first sweep.
func (s *sweep) look(item int, line []byte) {
	dst := shownDestination(line, &s.at)
	if dst.IsValid() && s.last.IsValid() && dst != s.last {
		s.plan.begins.add(item)
		if s.near < maxNear && bytes.Contains(line, []byte(`"iface":"`)) && !bytes.Contains(line, []byte(`"gateway"`)) {
			s.near++
			s.plan.near.add(item)
		}
	}
	s.last = dst
}
