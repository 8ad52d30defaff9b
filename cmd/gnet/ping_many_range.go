package main

import (
	"encoding/binary"
	"iter"
	"math/big"
	"net/netip"
	"strings"
)

// maxTargets bounds the targets of one run: each one costs some hundred bytes,
// and a mistyped prefix must not fill the memory.
const maxTargets = 1 << 20

// addrRange is what an argument of --range means: the addresses from first to
// last.
type addrRange struct {
	Text        string
	First, Last netip.Addr
	Count       int
}

// parseRange reads a prefix in CIDR notation, or two addresses with a dash
// between them. Of an IPv4 prefix shorter than /31 the first and the last address
// are left out: they name the network and all of its hosts (RFC 1122 3.2.1.3; RFC
// 3021 for /31).
func parseRange(text string) (addrRange, error) {
	r := addrRange{Text: text}
	prefix, err := netip.ParsePrefix(text)
	if from, to, dashed := strings.Cut(text, "-"); dashed {
		first, ferr := netip.ParseAddr(from)
		last, lerr := netip.ParseAddr(to)
		if ferr != nil || lerr != nil {
			return addrRange{}, badRange(text)
		}
		r.First, r.Last = first, last
	} else if err != nil {
		return addrRange{}, badRange(text)
	} else {
		r.First, r.Last = endsOf(prefix.Masked())
	}
	if r.First.Zone()+r.Last.Zone() != "" || r.First.Is4() != r.Last.Is4() || r.First.Is4In6() {
		return addrRange{}, badRange(text)
	}
	if r.Last.Less(r.First) {
		return addrRange{}, fail(statusCannot, "--range %s: ends before it begins", text)
	}
	size := sizeOf(r.First, r.Last)
	if !size.IsInt64() || size.Int64() > maxTargets {
		return addrRange{}, fail(statusCannot, "--range %s: %v addresses, and at most %d targets", text, size, maxTargets)
	}
	r.Count = int(size.Int64())
	return r, nil
}

func badRange(text string) error {
	return fail(statusCannot, "--range %s: neither a prefix such as 192.0.2.0/24 nor two addresses such as 192.0.2.1-192.0.2.9", text)
}

// endsOf returns the first and the last host address of a prefix.
func endsOf(prefix netip.Prefix) (first, last netip.Addr) {
	first = prefix.Addr()
	bytes := first.AsSlice()
	for bit := prefix.Bits(); bit < first.BitLen(); bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ = netip.AddrFromSlice(bytes)
	if first.Is4() && prefix.Bits() < 31 {
		return first.Next(), last.Prev()
	}
	return first, last
}

// sizeOf returns how many addresses there are from first to last: up to 2^128.
func sizeOf(first, last netip.Addr) *big.Int {
	if first.Is4() {
		a, b := first.As4(), last.As4()
		return big.NewInt(int64(binary.BigEndian.Uint32(b[:])) - int64(binary.BigEndian.Uint32(a[:])) + 1)
	}
	a, b := new(big.Int).SetBytes(first.AsSlice()), new(big.Int).SetBytes(last.AsSlice())
	return b.Sub(b, a).Add(b, big.NewInt(1))
}

// all yields the addresses.
func (r addrRange) all() iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for a, i := r.First, 0; i < r.Count; a, i = a.Next(), i+1 {
			if !yield(a) {
				return
			}
		}
	}
}
