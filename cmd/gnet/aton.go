package main

import (
	"net/netip"
	"strconv"
	"strings"
)

// parseAton reads an IPv4 address as inet_aton(3) does: one to four numbers, each decimal, octal or hexadecimal by its prefix,
// the last one filling the bytes that are left. Blanks may follow.
func parseAton(s string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimRight(s, " \t\n\v\f\r"), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var word uint64
	for i, part := range parts {
		n, ok := parseC(part)
		if !ok {
			return netip.Addr{}, false
		}
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (4 - i)
		}
		if n >= 1<<bits {
			return netip.Addr{}, false
		}
		word = word<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(word >> 24), byte(word >> 16), byte(word >> 8), byte(word)}), true
}

// parseC reads an unsigned number in C's notation: 0x is hexadecimal, a leading 0 octal. It takes no sign, no blank, no underscore.
func parseC(s string) (uint64, bool) {
	base := 10
	switch {
	case len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'):
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, s = 8, s[1:]
	}
	if s == "" || s[0] == '+' || s[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, base, 33)
	return n, err == nil
}

// prefixLength4 reads the length after a slash, in C's notation, with the blanks and the plus sign that strtoul(3) skips.
// Nothing at all is 0. (The old tool shifts by what it gets: /33 makes a /1, /-1 a /31.)
func prefixLength4(s string) (int, bool) {
	s = strings.TrimPrefix(strings.TrimLeft(s, " \t"), "+")
	if s == "" {
		return 0, true
	}
	n, ok := parseC(s)
	return int(n), ok && n <= 32
}

func lengthMask(n int) uint32 { return uint32(uint64(1<<32-1) << (32 - n)) }

func maskLength(mask uint32) int {
	n := 0
	for ; mask != 0; mask <<= 1 {
		n++
	}
	return n
}

func word4(a [4]byte) uint32 {
	return uint32(a[0])<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])
}

func hex8(n uint32) string {
	s := strconv.FormatUint(uint64(n), 16)
	return strings.Repeat("0", 8-len(s)) + s
}
