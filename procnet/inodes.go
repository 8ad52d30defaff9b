package procnet

import "math/bits"

// inodeIndex numbers a set of inodes from 0 on. It is a hash table in two flat arrays (linear probing, at most half full): a map of the
// same content takes four times the room, and with descriptors by the 100,000 its look-ups are what is left beside system calls.
type inodeIndex struct {
	keys    []uint64 // 0: empty, no socket that can be looked for has inode 0
	numbers []uint32
	shift   int
	n       int
}

// newInodeIndex numbers inodes in the order in which they come; zeros and repeated ones get no number.
func newInodeIndex(inodes []uint64) inodeIndex {
	size := bits.Len(uint(2*len(inodes) + 1))
	x := inodeIndex{keys: make([]uint64, 1<<size), numbers: make([]uint32, 1<<size), shift: 64 - size}
	for _, inode := range inodes {
		if at, known := x.slot(inode); !known && inode != 0 {
			x.keys[at], x.numbers[at] = inode, uint32(x.n)
			x.n++
		}
	}
	return x
}

// slot returns where the inode stands, or the empty place where it would.
func (x *inodeIndex) slot(inode uint64) (at int, known bool) {
	at = int(inode * 0x9e3779b97f4a7c15 >> x.shift) // Fibonacci hashing spreads inodes that follow each other
	for x.keys[at] != 0 {
		if x.keys[at] == inode {
			return at, true
		}
		at = (at + 1) & (len(x.keys) - 1)
	}
	return at, false
}

// find returns the number of an inode.
func (x *inodeIndex) find(inode uint64) (number uint32, known bool) {
	if x.n == 0 {
		return 0, false
	}
	at, known := x.slot(inode)
	return x.numbers[at], known
}
