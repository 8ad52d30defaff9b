package wire

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lengths and offsets of the seven and five pieces were measured behind links of 1500, 1450 and 1400
// bytes on Linux 6.18, for 3000 data bytes there and back.
func TestCut(t *testing.T) {
	type piece struct {
		Length, Units int // of the packet; of the offset
		MF            bool
	}
	for _, c := range []struct {
		name         string
		data, header int
		mtus         []int
		want         []piece
		err          error
	}{
		{"narrower and narrower", 3008, 20, []int{1500, 1450, 1400}, []piece{{1396, 0, true}, {68, 172, true}, {76, 178, true},
			{1396, 185, true}, {68, 357, true}, {76, 363, true}, {68, 370, false}}, nil},
		{"once", 3008, 20, []int{1500, 1400, 1450}, []piece{{1396, 0, true}, {124, 172, true}, {1396, 185, true}, {124, 357, true},
			{68, 370, false}}, nil},
		{"3972 data bytes", 3980, 20, []int{1500, 1450, 1400}, []piece{{1396, 0, true}, {68, 172, true}, {76, 178, true},
			{1396, 185, true}, {68, 357, true}, {76, 363, true}, {1040, 370, false}}, nil},
		{"wider links change nothing", 3008, 20, []int{1500, 9000}, []piece{{1500, 0, true}, {1500, 185, true}, {68, 370, false}}, nil},
		{"a whole datagram", 1480, 20, []int{1500, 1400}, []piece{{1396, 0, true}, {124, 172, false}}, nil},
		{"options in each", 1480, 60, []int{1600, 1500}, []piece{{1500, 0, true}, {100, 180, false}}, nil},
		{"no room", 1480, 60, []int{1600, 67}, nil, ErrFragmentMTU},
	} {
		pieces := []Fragment{{Length: c.data}}
		var err error
		for _, mtu := range c.mtus {
			if pieces, err = Cut(pieces, c.header, mtu); err != nil {
				break
			}
		}
		var got []piece
		for _, f := range pieces {
			got = append(got, piece{c.header + f.Length, f.Units(), f.MF})
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != c.err {
			t.Errorf("%s: %v, want %v; want - got +\n%s", c.name, err, c.err, diff)
		}
	}
}

// Any data over any links: what arrives, in any order and with some of it twice, is put together to what was
// sent, and no packet is longer than the narrowest link.
func FuzzCut(f *testing.F) {
	f.Add(uint16(3008), uint8(20), uint16(1500), uint16(1450), uint16(1400), uint64(1))
	f.Add(uint16(65515), uint8(20), uint16(1500), uint16(68), uint16(576), uint64(2))
	f.Add(uint16(17), uint8(60), uint16(68), uint16(67), uint16(1), uint64(3))
	f.Add(uint16(0), uint8(19), uint16(68), uint16(68), uint16(68), uint64(4))
	f.Fuzz(func(t *testing.T, size uint16, header uint8, mtu1, mtu2, mtu3 uint16, seed uint64) {
		sent := make([]byte, size)
		random := rand.New(rand.NewPCG(seed, 0))
		for i := range sent {
			sent[i] = byte(random.Uint32())
		}
		p, err := PlanIPv4(len(sent), int(header), int(mtu1))
		if err != nil {
			return
		}
		pieces := slices.Collect(p.All())
		narrow := int(mtu1)
		for _, mtu := range []uint16{mtu2, mtu3} {
			if pieces, err = Cut(pieces, int(header), int(mtu)); err != nil {
				return
			}
			narrow = min(narrow, int(mtu))
		}
		pieces = append(pieces, pieces[random.IntN(len(pieces))])
		random.Shuffle(len(pieces), func(i, j int) { pieces[i], pieces[j] = pieces[j], pieces[i] })
		got := make([]byte, len(sent))
		covered, ends := 0, 0
		seen := map[int]bool{}
		var r Reassembly
		for _, g := range pieces {
			if int(header)+g.Length > max(narrow, int(header)) || g.Offset%8 != 0 || (g.MF && g.Length%8 != 0) {
				t.Fatalf("%+v over %d bytes with a header of %d", g, narrow, header)
			}
			copy(got[g.Offset:], sent[g.Offset:g.Offset+g.Length])
			if !seen[g.Offset] {
				covered, seen[g.Offset] = covered+g.Length, true
				if !g.MF {
					ends++
				}
			}
			if size > 0 {
				if _, err := r.Add(g, sent[g.Offset:g.Offset+g.Length]); err != nil {
					t.Fatalf("%+v: %v", g, err)
				}
			}
		}
		if covered != len(sent) || ends != 1 || !bytes.Equal(got, sent) {
			t.Fatalf("%d of %d bytes, %d ends", covered, len(sent), ends)
		}
		if size > 0 && !bytes.Equal(r.Data(), sent) {
			t.Fatal("put together to something else")
		}
	})
}
