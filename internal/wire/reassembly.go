package wire

import "slices"

// maxDatagram is the longest data of a datagram in bytes: what 16 bits of length can say (RFC 791 3.1, RFC 8200 3).
const maxDatagram = 0xffff

// Reassembly puts the fragments of one datagram together (RFC 791 3.2, RFC 8200 4.5). Which fragments belong to it
// (source, destination, identification and, for IPv4, protocol) its owner decides, and when to give up.
//
// The zero value is an empty one. It owns its memory: Add copies the data, and Reset keeps the room for the next.
type Reassembly struct {
	pieces  []Fragment // in order of their offsets, never overlapping
	data    []byte
	got     int // bytes that are there
	total   int // bytes of the whole, when ended
	ended   bool
	failure error
}

// Add takes a fragment whose data have f.Length bytes, and says whether the datagram is whole. A fragment that is there
// already, with the same bounds, changes nothing: networks duplicate packets. Any other overlap, a wrong length or a
// second end spoils the datagram (RFC 8200 4.5, after RFC 5722): the error comes back for all further fragments too.
func (r *Reassembly) Add(f Fragment, data []byte) (whole bool, err error) {
	if r.failure != nil {
		return false, r.failure
	}
	at, known := slices.BinarySearchFunc(r.pieces, f, func(a, b Fragment) int { return a.Offset - b.Offset })
	if known && r.pieces[at] == f {
		return r.Whole(), nil
	}
	if r.failure = r.check(f, data, at); r.failure != nil {
		return false, r.failure
	}
	r.pieces = slices.Insert(r.pieces, at, f)
	end := f.Offset + f.Length
	if end > len(r.data) {
		r.data = slices.Grow(r.data, end-len(r.data))[:end]
	}
	copy(r.data[f.Offset:], data)
	r.got += f.Length
	if !f.MF {
		r.ended, r.total = true, end
	}
	return r.Whole(), nil
}

// check says why a new fragment spoils the datagram. at is its place among the pieces; each has data, so one with the
// same offset overlaps.
func (r *Reassembly) check(f Fragment, data []byte, at int) error {
	end := f.Offset + f.Length
	switch {
	case f.Offset < 0 || f.Offset%8 != 0 || f.Offset > maxDatagram:
		return ErrFragmentOffset
	case f.Length != len(data) || f.Length <= 0 || end > maxDatagram || (f.MF && f.Length%8 != 0):
		return ErrFragmentLength
	case at > 0 && r.pieces[at-1].Offset+r.pieces[at-1].Length > f.Offset, at < len(r.pieces) && end > r.pieces[at].Offset:
		return ErrFragmentOverlap
	case r.ended && end > r.total, !f.MF && at < len(r.pieces):
		return ErrFragmentEnd
	}
	return nil
}

// Whole says whether all data are there.
func (r *Reassembly) Whole() bool { return r.failure == nil && r.ended && r.got == r.total }

// Data is the datagram's data when it is Whole, else nil. It is valid until the next Reset.
func (r *Reassembly) Data() []byte {
	if !r.Whole() {
		return nil
	}
	return r.data[:r.total]
}

// Pieces are the fragments that are there, in the order of their offsets. The slice is valid until the next Add.
func (r *Reassembly) Pieces() []Fragment { return r.pieces }

// Reset makes r empty and keeps its memory.
func (r *Reassembly) Reset() {
	*r = Reassembly{pieces: r.pieces[:0], data: r.data[:0]}
}
