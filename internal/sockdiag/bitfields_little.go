//go:build 386 || amd64 || arm || arm64 || loong64 || mips64le || mipsle || ppc64le || riscv64

package sockdiag

// nibbles splits a byte of two 4-bit fields, as compilers lay them out on
// little-endian machines.
func nibbles(b uint8) (first, second uint8) { return b & 15, b >> 4 }

// appLimited splits a byte with fields of 1 and 2 bits.
func appLimited(b uint8) (limited bool, fastopenFail uint8) { return b&1 != 0, b >> 1 & 3 }
