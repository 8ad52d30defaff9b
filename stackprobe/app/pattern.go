package app

import "encoding/binary"

// Pattern is an endless sequence of octets that follows from a seed. Any part of it can be made without the parts
// before, so a receiver can check what it got wherever it stands, and no two positions near each other look alike.
type Pattern struct{ seed uint64 }

// NewPattern returns the pattern of seed.
func NewPattern(seed int64) Pattern { return Pattern{uint64(seed)} }

// Fill writes the octets from position at on into b.
func (p Pattern) Fill(b []byte, at int64) {
	for i := range b {
		b[i] = p.octet(uint64(at) + uint64(i))
	}
}

// Check reports whether b is the octets from position at on.
func (p Pattern) Check(b []byte, at int64) bool {
	for i := range b {
		if b[i] != p.octet(uint64(at)+uint64(i)) {
			return false
		}
	}
	return true
}

// octet mixes the position's block of eight with the seed (the finalizer of SplitMix64) and takes one octet of it.
func (p Pattern) octet(at uint64) byte {
	z := at>>3 + p.seed*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	z ^= z >> 31
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], z)
	return b[at&7]
}
