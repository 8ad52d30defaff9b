package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The numbers of the first, third and fifth were measured on Linux 6.18 (the captures, and `ping -M dont -s 3972`).
func TestFragmentPlan(t *testing.T) {
	type units struct {
		Units, Length int
		MF            bool
	}
	for _, c := range []struct {
		name              string
		plan              func(data, header, mtu int) (FragmentPlan, error)
		data, header, mtu int
		want              []units
		err               error
	}{
		{"3980 over 1500", PlanIPv4, 3980, 20, 1500, []units{{0, 1480, true}, {185, 1480, true}, {370, 1020, false}}, nil},
		{"it fits exactly", PlanIPv4, 1480, 20, 1500, []units{{0, 1480, false}}, nil},
		{"1480 over 1400: 1380 is no multiple of 8", PlanIPv4, 1480, 20, 1400, []units{{0, 1376, true}, {172, 104, false}}, nil},
		{"what is left fits, though it is longer than the others", PlanIPv4, 2806, 20, 1400, []units{{0, 1376, true}, {172, 1376, true}, {344, 54, false}}, nil},
		{"1380 are left", PlanIPv4, 2756, 20, 1400, []units{{0, 1376, true}, {172, 1380, false}}, nil},
		{"IPv6, 1356 are left", PlanIPv6, 2708, 40, 1404, []units{{0, 1352, true}, {169, 1352, true}, {338, 4, false}}, nil},
		{"one byte too many", PlanIPv4, 1481, 20, 1500, []units{{0, 1480, true}, {185, 1, false}}, nil},
		{"IPv6, 3008 over 1500", PlanIPv6, 3008, 40, 1500, []units{{0, 1448, true}, {181, 1448, true}, {362, 112, false}}, nil},
		{"IPv6, it fits without a Fragment header", PlanIPv6, 1460, 40, 1500, []units{{0, 1460, false}}, nil},
		{"no data", PlanIPv4, 0, 20, 68, []units{{0, 0, false}}, nil},
		{"the smallest fragments", PlanIPv4, 17, 60, 68, []units{{0, 8, true}, {1, 8, true}, {2, 1, false}}, nil},
		{"no room for 8 bytes", PlanIPv4, 17, 60, 67, nil, ErrFragmentMTU},
		{"IPv6, no room", PlanIPv6, 17, 40, 55, nil, ErrFragmentMTU},
		{"an MTU below the header", PlanIPv4, 1, 20, -5, nil, ErrFragmentMTU},
		{"more than a datagram holds", PlanIPv4, 65516, 20, 1500, nil, ErrFragmentData},
		{"IPv6, more than a packet holds", PlanIPv6, 65536, 40, 1500, nil, ErrFragmentData},
		{"negative", PlanIPv4, -1, 20, 1500, nil, ErrFragmentData},
		{"a header of 19", PlanIPv4, 1, 19, 1500, nil, ErrFragmentData},
		{"IPv6, a header of 39", PlanIPv6, 1, 39, 1500, nil, ErrFragmentData},
	} {
		p, err := c.plan(c.data, c.header, c.mtu)
		var got []units
		for i := range p.Len() {
			if err == nil {
				got = append(got, units{p.At(i).Units(), p.At(i).Length, p.At(i).MF})
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != c.err {
			t.Errorf("%s: %v, want %v; want - got +\n%s", c.name, err, c.err, diff)
		}
	}
}

// Any numbers: the fragments cover the data without gap or overlap, fit the MTU, and only the last
// has no MF and may have a length that is no multiple of 8.
func FuzzFragmentPlan(f *testing.F) {
	f.Add(3980, 20, 1500, true)
	f.Add(3008, 40, 1500, false)
	f.Add(17, 60, 67, true)
	f.Add(0, 20, 68, true)
	f.Add(-1, 20, 68, true)
	f.Add(-1, 40, 68, false)
	f.Fuzz(func(t *testing.T, data, header, mtu int, v4 bool) {
		make, extra := PlanIPv6, 8
		if v4 {
			make, extra = PlanIPv4, 0
		}
		p, err := make(data, header, mtu)
		if err != nil {
			return
		}
		if p.Len() == 1 {
			extra = 0
		}
		at := 0
		for i := range p.Len() {
			g := p.At(i)
			last := i == p.Len()-1
			if g.Offset != at || g.MF == last || (!last && g.Length%8 != 0) || (g.Length <= 0 && data > 0) || header+extra+g.Length > max(mtu, header) {
				t.Fatalf("fragment %d of %+v: %+v at %d", i, p, g, at)
			}
			at += g.Length
		}
		if at != data {
			t.Fatalf("%+v covers %d of %d bytes", p, at, data)
		}
	})
}
