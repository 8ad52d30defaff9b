package main

import (
	"net/netip"
	"testing"
)

// TestPrefixes: the table of the section has as many prefixes as it says, rising, none twice and none in a network that is taken, and mostly
// of 24 bits.
func TestPrefixes(t *testing.T) {
	const n = 1_000_000
	all := prefixes(n)
	lengths := make(map[int]int)
	last := netip.Prefix{}
	for _, p := range all {
		first := p.Addr().As4()[0]
		if last.IsValid() && last.Compare(p) >= 0 || p != p.Masked() || first == 0 || first == 10 || first == 127 || first > 223 {
			t.Fatalf("%v stands behind %v", p, last)
		}
		lengths[p.Bits()]++
		last = p
	}
	if of24 := lengths[24] * 100 / n; len(all) != n || of24 < 50 || of24 > 75 || len(lengths) != 11 {
		t.Errorf("%d prefixes, by lengths: %v", len(all), lengths)
	}
}
