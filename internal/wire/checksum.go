package wire

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// Sum is a running one's complement sum of 16-bit big-endian words (RFC 1071 1), not yet folded nor
// complemented. The zero value is the sum of nothing. Parts may be added in any order (RFC 1071 2.A);
// each part of a message but the last must have an even length.
type Sum uint64

// Checksum is the Internet checksum of b (RFC 1071), as IPv4 headers and ICMPv4 messages carry it.
// Over bytes that contain their own correct checksum it is 0.
func Checksum(b []byte) uint16 { return Sum(0).Bytes(b).Checksum() }

// Pseudo is the sum of the pseudo header that TCP, UDP and ICMPv6 checksums include: RFC 9293 3.1 for
// IPv4 addresses, RFC 8200 8.1 for IPv6. length is that of the upper-layer header and data in bytes.
func Pseudo(src, dst netip.Addr, proto uint8, length int) Sum {
	s := Sum(proto) + Sum(uint32(length)>>16) + Sum(uint32(length)&0xffff)
	if src.Is4() && dst.Is4() {
		a, b := src.As4(), dst.As4()
		return s.word64(uint64(binary.BigEndian.Uint32(a[:]))).word64(uint64(binary.BigEndian.Uint32(b[:])))
	}
	a, b := src.As16(), dst.As16()
	return s.Bytes(a[:]).Bytes(b[:])
}

// Bytes adds b. Eight bytes are added at a time: a one's complement sum of words of any multiple of
// 16 bits folds to the same value (RFC 1071 2.C).
func (s Sum) Bytes(b []byte) Sum {
	acc, carry := uint64(s), uint64(0)
	for len(b) >= 32 {
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b), 0)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[8:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[16:]), carry)
		acc, carry = bits.Add64(acc, binary.BigEndian.Uint64(b[24:]), carry)
		// A sum that carried is at most 2^64-2, and so is the next that takes that carry in: it fits here.
		acc += carry
		b = b[32:]
	}
	s = Sum(acc)
	for ; len(b) >= 8; b = b[8:] {
		s = s.word64(binary.BigEndian.Uint64(b))
	}
	if len(b) == 0 {
		return s
	}
	// The odd bytes at the end stand on the left of a word filled with zeros (RFC 1071 1).
	var tail uint64
	for i, c := range b {
		tail |= uint64(c) << (56 - 8*i)
	}
	return s.word64(tail)
}

// Uint16 adds one word.
func (s Sum) Uint16(v uint16) Sum { return s.word64(uint64(v)) }

// Checksum folds the sum to 16 bits and complements it.
func (s Sum) Checksum() uint16 {
	v := uint64(s)
	v = v>>32 + v&0xffffffff
	v = v>>16 + v&0xffff
	v = v>>16 + v&0xffff
	v = v>>16 + v&0xffff
	return ^uint16(v)
}

// word64 adds eight bytes with the end-around carry.
func (s Sum) word64(v uint64) Sum {
	sum, carry := bits.Add64(uint64(s), v, 0)
	return Sum(sum + carry)
}

// UpdateChecksum is the checksum of a message in which one 16-bit word changed from old to new:
// equation 3 of RFC 1624 3, which, unlike that of RFC 1141, never gives the negative zero wrongly.
func UpdateChecksum(check, old, new uint16) uint16 {
	return Sum(0).Uint16(^check).Uint16(^old).Uint16(new).Checksum()
}
