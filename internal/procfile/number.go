package procfile

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// parseHex reads hexadecimal digits of either case, without a prefix or sign, up to limit.
func parseHex(col []byte, limit uint64) (uint64, error) {
	if len(col) == 0 {
		return 0, ErrNotHex
	}
	var n uint64
	for _, c := range col {
		d, ok := hexDigit(c)
		if !ok {
			return 0, ErrNotHex
		}
		if n > limit>>4 {
			return 0, ErrRange
		}
		n = n<<4 | uint64(d)
	}
	return n, nil
}

// parseDec reads decimal digits, without a sign, up to limit.
func parseDec(col []byte, limit uint64) (uint64, error) {
	if len(col) == 0 {
		return 0, ErrNotDecimal
	}
	var n uint64
	for _, c := range col {
		d := uint64(c - '0')
		if c < '0' || c > '9' {
			return 0, ErrNotDecimal
		}
		if n > (limit-d)/10 {
			return 0, ErrRange
		}
		n = n*10 + d
	}
	return n, nil
}

// hexDigit folds the two cases of a letter together; what falls below 'a' by it is no letter, so nothing else passes.
func hexDigit(c byte) (byte, bool) {
	if d := c - '0'; d <= 9 {
		return d, true
	}
	d := (c | 0x20) - 'a'
	return d + 10, d <= 5
}

// AddrWord4 reads %08X of a __be32 that the kernel prints as one word in host order: 127.0.0.1 is 0100007F on a
// little-endian machine and 7F000001 on a big-endian one (net/ipv4/tcp_ipv4.c, get_tcp4_sock). A captured tree must
// come from a machine of the same byte order.
func AddrWord4(col []byte) (netip.Addr, error) {
	if len(col) != 8 {
		return netip.Addr{}, ErrNotAddress
	}
	word, err := parseHex(col, 1<<32-1)
	if err != nil {
		return netip.Addr{}, ErrNotAddress
	}
	var a [4]byte
	binary.NativeEndian.PutUint32(a[:], uint32(word))
	return netip.AddrFrom4(a), nil
}

// AddrWords6 reads four %08X of the words of an IPv6 address in host order (net/ipv6/tcp_ipv6.c, get_tcp6_sock).
func AddrWords6(col []byte) (netip.Addr, error) {
	if len(col) != 32 {
		return netip.Addr{}, ErrNotAddress
	}
	var a [16]byte
	for i := 0; i < 16; i += 4 {
		word, err := parseHex(col[2*i:2*i+8], 1<<32-1)
		if err != nil {
			return netip.Addr{}, ErrNotAddress
		}
		binary.NativeEndian.PutUint32(a[i:], uint32(word))
	}
	return netip.AddrFrom16(a), nil
}

// AddrNet6 reads %pi6: the bytes of an IPv6 address in network order, as in if_inet6 and ipv6_route.
func AddrNet6(col []byte) (netip.Addr, error) {
	if len(col) != 32 {
		return netip.Addr{}, ErrNotAddress
	}
	var a [16]byte
	for i := range a {
		hi, okHi := hexDigit(col[2*i])
		lo, okLo := hexDigit(col[2*i+1])
		if !okHi || !okLo {
			return netip.Addr{}, ErrNotAddress
		}
		a[i] = hi<<4 | lo
	}
	return netip.AddrFrom16(a), nil
}

// cutColon cuts at the first colon; right is nil when there is none, which no number reader accepts.
func cutColon(col []byte) (left, right []byte) {
	left, right, _ = bytes.Cut(col, []byte{':'})
	return left, right
}
