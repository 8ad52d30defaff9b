package wire

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Real datagrams of Linux, cut by it and by routers: whole again, their ICMP checksums are right.
func TestReassembly_realDatagrams(t *testing.T) {
	for file, want := range map[string]int{"want-3000": 4, "reasm-timeout": 1, "want-1472": 4, "v6-3000": 5} {
		all := map[uint64]*Reassembly{}
		done := 0
		for _, b := range mustReadPcap(t, "testdata/"+file+".pcap") {
			var id uint64
			var f Fragment
			var data []byte
			check := func(m []byte) bool { return Checksum(m) == 0 }
			if p, err := CheckIPv4(b); err == nil && (p.MF() || p.Offset() > 0) {
				id, data = uint64(p.ID())<<8|uint64(p[15]), p.Payload() // the source's last byte tells the directions apart
				f = Fragment{p.Offset(), len(data), p.MF()}
			} else if p, err := CheckIPv6(b); err == nil {
				u, err := p.Upper()
				if err != nil || !u.Fragmented {
					continue
				}
				id, data = uint64(u.ID), u.Data
				f = Fragment{u.Offset, len(data), u.MF}
				check = func(m []byte) bool { return ICMPv6(m).ChecksumOK(p.Src(), p.Dst()) }
			} else {
				continue
			}
			if all[id] == nil {
				all[id] = &Reassembly{}
			}
			whole, err := all[id].Add(f, data)
			if err != nil {
				t.Fatalf("%s: %+v: %v", file, f, err)
			}
			if !whole {
				continue
			}
			if done++; !check(all[id].Data()) {
				t.Errorf("%s: a datagram of %d bytes has a wrong checksum", file, len(all[id].Data()))
			}
		}
		if done != want {
			t.Errorf("%s: %d datagrams became whole, want %d", file, done, want)
		}
	}
}

func TestReassembly_orderAndDuplicates(t *testing.T) {
	var r Reassembly
	for i, c := range []struct {
		f     Fragment
		data  string
		whole bool
	}{
		{Fragment{16, 3, false}, "xyz", false},
		{Fragment{0, 8, true}, "01234567", false},
		{Fragment{0, 8, true}, "01234567", false}, // the network made two of it
		{Fragment{8, 8, true}, "89abcdef", true},
		{Fragment{8, 8, true}, "89abcdef", true},
	} {
		whole, err := r.Add(c.f, []byte(c.data))
		if whole != c.whole || err != nil {
			t.Fatalf("fragment %d: whole %v, %v", i, whole, err)
		}
	}
	if got := string(r.Data()); got != "0123456789abcdefxyz" {
		t.Errorf("data %q", got)
	}
	if diff := cmp.Diff([]Fragment{{0, 8, true}, {8, 8, true}, {16, 3, false}}, r.Pieces()); diff != "" {
		t.Error(diff)
	}
	r.Reset()
	if whole, err := r.Add(Fragment{0, 2, false}, []byte("ab")); !whole || err != nil || string(r.Data()) != "ab" {
		t.Errorf("after a reset: %v, %v, %q", whole, err, r.Data())
	}
}

func TestReassembly_refuses(t *testing.T) {
	first, last := Fragment{0, 16, true}, Fragment{32, 5, false}
	for _, c := range []struct {
		name string
		f    Fragment
		data int
		want error
	}{
		{"overlap from below", Fragment{8, 16, true}, 16, ErrFragmentOverlap},
		{"overlap from above", Fragment{24, 16, true}, 16, ErrFragmentOverlap},
		{"the same offset, shorter", Fragment{0, 8, true}, 8, ErrFragmentOverlap},
		{"the same bounds, but the last", Fragment{0, 16, false}, 16, ErrFragmentOverlap},
		{"behind the end", Fragment{40, 8, true}, 8, ErrFragmentEnd},
		{"a second end", Fragment{16, 8, false}, 8, ErrFragmentEnd},
		{"offset 12", Fragment{12, 8, true}, 8, ErrFragmentOffset},
		{"a negative offset", Fragment{-8, 8, true}, 8, ErrFragmentOffset},
		{"length 9 with more to come", Fragment{16, 9, true}, 9, ErrFragmentLength},
		{"without data", Fragment{16, 0, true}, 0, ErrFragmentLength},
		{"less data than said", Fragment{16, 16, true}, 8, ErrFragmentLength},
		{"above 65535 bytes: the ping of death", Fragment{65528, 16, true}, 16, ErrFragmentLength},
	} {
		var r Reassembly
		if _, err := r.Add(first, make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Add(last, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		if whole, err := r.Add(c.f, make([]byte, c.data)); whole || err != c.want {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		// What would have made it whole comes too late.
		if whole, err := r.Add(Fragment{16, 16, true}, make([]byte, 16)); whole || err != c.want || r.Data() != nil {
			t.Errorf("%s: afterwards %v, %v", c.name, whole, err)
		}
	}
	var r Reassembly
	if _, err := r.Add(Fragment{16, 8, true}, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add(Fragment{0, 8, false}, make([]byte, 8)); err != ErrFragmentEnd {
		t.Errorf("an end before what is there: %v", err)
	}
}

// Any plan, played in any order and with any part twice, gives the data again; any other fragments give an error or a
// datagram whose pieces cover it exactly.
func FuzzReassembly(f *testing.F) {
	f.Add([]byte{}, uint16(3980), uint16(1500))
	f.Add([]byte{3, 0, 1, 2}, uint16(100), uint16(60))
	for _, order := range [][]byte{
		{0, 0, 8, 1, 0, 1, 8, 0, 0, 4, 8, 1}, // behind the end
		{0, 0, 16, 1, 0, 1, 8, 1},            // overlap
		{0, 4, 8, 1, 0, 0, 8, 0},             // an end before what is there
		{0, 0, 9, 1}, {0, 0, 0, 0},           // wrong lengths
		{0, 1, 3, 0, 0, 0, 8, 1, 0, 0, 8, 1, 0}, // whole, one part twice
	} {
		f.Add(order, uint16(0), uint16(0))
	}
	f.Fuzz(func(t *testing.T, order []byte, size, mtu uint16) {
		var r Reassembly
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(i * 7)
		}
		if p, err := PlanIPv4(len(data), IPv4MinHeader, int(mtu)); err == nil && size > 0 && p.Len() < 300 {
			for _, o := range order {
				g := p.At(int(o) % p.Len())
				if _, err := r.Add(g, data[g.Offset:g.Offset+g.Length]); err != nil {
					t.Fatal(err)
				}
			}
			for i := range p.Len() {
				g := p.At(i)
				if _, err := r.Add(g, data[g.Offset:g.Offset+g.Length]); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(r.Data(), data) {
				t.Fatalf("%d bytes over %d: %d came back", size, mtu, len(r.Data()))
			}
		}
		r.Reset()
		for ; len(order) >= 4; order = order[4:] {
			g := Fragment{int(order[1]) * 8, int(order[2]), order[3]&1 == 1}
			if _, err := r.Add(g, make([]byte, order[2])); err != nil {
				break
			}
		}
		at := 0
		for _, g := range r.Pieces() {
			if g.Offset < at || (r.Whole() && g.Offset != at) {
				t.Fatalf("%+v at %d", g, at)
			}
			at = g.Offset + g.Length
		}
		if r.Whole() && len(r.Data()) != at {
			t.Fatalf("%d bytes of %d", len(r.Data()), at)
		}
	})
}
