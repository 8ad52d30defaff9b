package main

import (
	"net/netip"
)

// share is how many of a thousand prefixes are of a length.
type share struct{ bits, of int }

// shares are about those of the routes without a default route in the core of the Internet, of which three in five have 24 bits.
func shares() []share {
	return []share{{24, 610}, {23, 110}, {22, 120}, {21, 50}, {20, 45}, {19, 27}, {18, 15}, {17, 10}, {16, 11}, {15, 1}, {14, 1}}
}

// prefixes returns n IPv4 prefixes of real lengths in rising order, some of them inside of others: the same for the same n, none twice, none
// of the networks that the section itself stands in. A million of them reach from 1.0.0.0 to 224.0.0.0.
func prefixes(n int) []netip.Prefix {
	const slot = 1 << 8 // the addresses of a prefix of 24 bits
	found := make([]netip.Prefix, 0, n)
	add := func(at uint64, bits int) {
		if len(found) < n {
			found = append(found, netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(at >> 24), byte(at >> 16), byte(at >> 8), byte(at)}), bits))
		}
	}
	next := numbers(1)
	for at := uint64(1) << 24; len(found) < n; {
		bits := lengthOf(int(next() % 1000))
		size := uint64(1) << (32 - bits)
		at = (at + size - 1) &^ (size - 1)
		if first := at >> 24; first == 10 || first == 127 {
			at = (first + 1) << 24
			continue
		}
		add(at, bits)
		if bits < 22 && next()%100 < 60 {
			for i := range uint64(next() % 6) {
				add(at+i*slot, 24)
			}
		}
		at += size + uint64(next()%2)*slot
	}
	return found
}

func lengthOf(thousandth int) int {
	for _, s := range shares() {
		if thousandth -= s.of; thousandth < 0 {
			return s.bits
		}
	}
	return 24
}

// numbers returns a source of numbers that are the same for the same seed: the linear congruential generator of Numerical Recipes.
func numbers(seed uint32) func() uint32 {
	return func() uint32 {
		seed = seed*1664525 + 1013904223
		return seed >> 16
	}
}
