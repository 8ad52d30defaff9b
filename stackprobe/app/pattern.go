package app

import (
	"encoding/binary"

	"gnet/stackprobe/event"
)

// Pattern is an endless sequence of octets that follows from a seed. Any part of it can be made without the parts
// before, so a receiver can check what it got wherever it stands, and no two positions near each other look alike.
type Pattern struct {
	seed   uint64
	period uint64 // after so many octets it begins again, 0 for never
}

// NewPattern returns the pattern of seed.
func NewPattern(seed int64) Pattern { return Pattern{seed: uint64(seed)} }

// Repeating returns the pattern whose first n octets are p's and that begins again after them; p itself if n is 0.
func (p Pattern) Repeating(n int) Pattern { return Pattern{p.seed, uint64(n)} }

// stream returns the pattern of what h sends on the connection of that client port. Each stream has its own, so octets
// that reach the wrong connection, or come back, are not taken for right.
func stream(seed int64, client uint16, h event.Host) Pattern {
	return NewPattern(seed<<18 ^ int64(client)<<2 ^ int64(h))
}

// Sent returns the first n octets that end h sends of its own accord on the connection of that client port in a run with
// that seed.
func Sent(seed int64, client uint16, h event.Host, n int) []byte {
	b := make([]byte, n)
	stream(seed, client, h).Fill(b, 0)
	return b
}

// Fill writes the octets from position at on into b.
func (p Pattern) Fill(b []byte, at int64) {
	for pos := uint64(at); len(b) > 0; {
		block, from, end := p.piece(pos)
		n := copy(b, block[from:end])
		b, pos = b[n:], pos+uint64(n)
	}
}

// Check reports whether b is the octets from position at on.
func (p Pattern) Check(b []byte, at int64) bool {
	for pos := uint64(at); len(b) > 0; {
		block, from, end := p.piece(pos)
		n := min(len(b), end-from)
		if string(b[:n]) != string(block[from:][:n]) {
			return false
		}
		b, pos = b[n:], pos+uint64(n)
	}
	return true
}

// piece returns octets of which those from place from up to end are p's from position pos on.
func (p Pattern) piece(pos uint64) (block [8]byte, from, end int) {
	end = 8
	if p.period > 0 {
		pos %= p.period
		end = int(min(8, p.period-pos&^7))
	}
	return p.block(pos >> 3), int(pos & 7), end
}

// block returns eight octets: the block's number mixed with the seed (the finalizer of SplitMix64).
func (p Pattern) block(number uint64) (b [8]byte) {
	z := number + p.seed*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	binary.LittleEndian.PutUint64(b[:], z^z>>31)
	return b
}
