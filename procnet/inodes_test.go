package procnet

import (
	"math/rand/v2"
	"testing"
)

// The index has what a map has.
func TestInodeIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, count := range []int{0, 1, 2, 3, 1000} {
		var inodes []uint64
		want := make(map[uint64]uint32)
		for range count {
			inode := r.Uint64N(uint64(2*count)) << (r.Uint64N(2) * 40) // repeated, zero, in a row and far apart
			inodes = append(inodes, inode)
			if _, again := want[inode]; inode != 0 && !again {
				want[inode] = uint32(len(want))
			}
		}
		x := newInodeIndex(inodes)
		if x.n != len(want) {
			t.Errorf("%d inodes: %d numbers, want %d", count, x.n, len(want))
		}
		for inode := range uint64(3*count + 3) {
			for _, inode := range []uint64{inode, inode << 40, ^inode} {
				number, known := x.find(inode)
				wanted, ok := want[inode]
				if known != ok || known && number != wanted {
					t.Errorf("%d of %d: number %d, %v; want %d, %v", inode, count, number, known, wanted, ok)
				}
			}
		}
	}
	var zero inodeIndex
	if _, known := zero.find(7); known {
		t.Error("an empty index knows an inode")
	}
}
