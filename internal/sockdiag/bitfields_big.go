//go:build mips || mips64 || ppc64 || s390x

package sockdiag

// nibbles splits a byte of two 4-bit fields, as compilers lay them out on
// big-endian machines.
func nibbles(b uint8) (first, second uint8) { return b >> 4, b & 15 }

// appLimited splits a byte with fields of 1 and 2 bits.
func appLimited(b uint8) (limited bool, fastopenFail uint8) { return b>>7 != 0, b >> 5 & 3 }
