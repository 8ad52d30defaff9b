package event

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// leaves yields every field of v that holds a value itself, with its name.
func leaves(v reflect.Value, name string, yield func(string, reflect.Value)) {
	switch {
	case v.Type() == reflect.TypeFor[netip.AddrPort]():
		yield(name, v)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), name+"."+v.Type().Field(i).Name, yield)
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprintf("%s[%d]", name, i), yield)
		}
	default:
		yield(name, v)
	}
}

// fill gives a field a value of all its bits, but for one.
func fill(r *rand.Rand, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[netip.AddrPort]():
		v.Set(reflect.ValueOf(netip.AddrPortFrom(netip.AddrFrom16([16]byte{1: byte(r.Uint32())}), uint16(r.Uint32()))))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprint("text ", r.Uint64()))
	case v.CanInt():
		v.SetInt(int64(r.Uint64()) | 1)
	case v.CanUint():
		v.SetUint(r.Uint64() | 1)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
	default:
		panic("no value for " + v.Type().String())
	}
}

// TestPacked: an event comes back whole, whichever fields it has: each alone, all, and any of them.
func TestPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var want []Event
	var names []string
	leaves(reflect.ValueOf(&Event{}).Elem(), "", func(name string, _ reflect.Value) { names = append(names, name) })
	for i := range len(names) + 2000 {
		var e Event
		n := 0
		leaves(reflect.ValueOf(&e).Elem(), "", func(_ string, v reflect.Value) {
			if n == i || i == len(names) || i > len(names) && r.IntN(4) == 0 {
				fill(r, v)
			}
			n++
		})
		want = append(want, e)
	}
	var p Packed
	for i := range want {
		e := want[i]
		p.Add(&e)
		if !reflect.DeepEqual(e, want[i]) {
			t.Fatalf("event %d was changed", i)
		}
	}
	if p.Len() != len(want) {
		t.Fatalf("%d events, want %d", p.Len(), len(want))
	}
	got := want[1] // whatever stood there
	for _, i := range r.Perm(len(want)) {
		name := "several"
		if i < len(names) {
			name = names[i]
		}
		p.Read(i, &got)
		if diff := cmp.Diff(want[i], got, cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Fatalf("event %d, %s (-want +got):\n%s", i, name, diff)
		}
		w := &want[i]
		if diff := cmp.Diff(Head{w.Kind, w.Host, w.N, w.Conn, w.Derived.Repeat, w.Timer.Op, w.Seg.Flags}, p.Head(i)); diff != "" {
			t.Fatalf("head of event %d, %s (-want +got):\n%s", i, name, diff)
		}
	}
}

// TestPacked_wires: an arrival shares the octets of its departure, also where many packets are under way between the two.
func TestPacked_wires(t *testing.T) {
	var p Packed
	octets := func(n int) string { return fmt.Sprintf("packet %06d", n) }
	const n, lag = 3 * maxRecentWires, 100
	for i := range n {
		p.Add(&Event{Kind: KindTx, Seg: Segment{Wire: octets(i)}})
		if i >= lag {
			p.Add(&Event{Kind: KindRx, Seg: Segment{Wire: octets(i - lag)}})
		}
	}
	if len(p.wires) != n {
		t.Errorf("the octets of %d packets are kept, of %d", len(p.wires), n)
	}
	var e Event
	if p.Read(p.Len()-1, &e); e.Seg.Wire != octets(n-1-lag) {
		t.Errorf("the last has %q", e.Seg.Wire)
	}
}
