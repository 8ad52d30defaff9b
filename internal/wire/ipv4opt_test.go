package wire

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The options of two real replies, of record route and of timestamps with addresses, as a router of four
// hosts filled them in.
var (
	recordedOption = []byte{7, 23, 16, 10, 77, 1, 1, 10, 77, 2, 1, 10, 77, 3, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	stampedOption  = []byte{68, 20, 21, 0x51, 10, 77, 1, 1, 1, 144, 219, 216, 10, 77, 1, 2, 128, 0, 0, 9}
	onlyOption     = []byte{68, 12, 9, 0x10, 1, 144, 219, 216, 0, 0, 0, 0}
)

func TestNextIPv4Option(t *testing.T) {
	for _, tt := range []struct {
		name         string
		in           []byte
		option, rest []byte
		err          error
	}{
		{"end", []byte{0, 9}, []byte{0}, []byte{9}, nil},
		{"nop", []byte{1, 7, 3}, []byte{1}, []byte{7, 3}, nil},
		{"whole", []byte{7, 3, 4, 0}, []byte{7, 3, 4}, []byte{0}, nil},
		{"shortest", []byte{148, 2}, []byte{148, 2}, []byte{}, nil},
		{"no length", []byte{7}, nil, nil, ErrIPv4OptionShort},
		{"past the end", []byte{7, 4, 4}, nil, nil, ErrIPv4OptionShort},
		{"length 1", []byte{7, 1, 4}, nil, nil, ErrIPv4OptionLength},
		{"length 0", []byte{7, 0}, nil, nil, ErrIPv4OptionLength},
	} {
		option, rest, err := NextIPv4Option(tt.in)
		if err != tt.err || !bytes.Equal(option, tt.option) || !bytes.Equal(rest, tt.rest) {
			t.Errorf("%s: %v, %v, %v", tt.name, option, rest, err)
		}
	}
}

func TestRouteOption(t *testing.T) {
	r, err := CheckRouteOption(recordedOption[:23])
	if err != nil {
		t.Fatal(err)
	}
	var got []netip.Addr
	for i := range r.Slots() {
		got = append(got, r.Addr(i))
	}
	want := []netip.Addr{addr("10.77.1.1"), addr("10.77.2.1"), addr("10.77.3.2"), addr("0.0.0.0"), addr("0.0.0.0")}
	if diff := cmp.Diff(want, got, whole...); diff != "" || r.Used() != 3 {
		t.Errorf("%d used (-want +got)\n%s", r.Used(), diff)
	}
	for pointer, used := range map[byte]int{0: 0, 3: 0, 4: 0, 7: 0, 8: 1, 23: 4, 24: 5, 255: 5} {
		b := bytes.Clone(recordedOption[:23])
		b[2] = pointer
		if got := RouteOption(b).Used(); got != used {
			t.Errorf("pointer %d: %d used, want %d", pointer, got, used)
		}
	}
	if _, err := CheckRouteOption([]byte{7, 2}); err != ErrIPv4OptionLength {
		t.Errorf("without pointer: %v", err)
	}
}

func TestTimestampOption(t *testing.T) {
	type entry struct {
		Addr     string
		MS       uint32
		Standard bool
	}
	for _, tt := range []struct {
		name     string
		in       []byte
		overflow int
		want     []entry
	}{
		{"addresses", stampedOption, 5, []entry{{"10.77.1.1", 26270680, true}, {"10.77.1.2", 9, false}}},
		{"times alone", onlyOption, 1, []entry{{"", 26270680, true}}},
		{"pointer before the first", []byte{68, 8, 0, 0, 1, 2, 3, 4}, 0, nil},
		{"pointer past the end", []byte{68, 8, 255, 0, 0, 0, 0, 4}, 0, []entry{{"", 4, true}}},
		{"half a slot", []byte{68, 16, 255, 1, 1, 2, 3, 4, 0, 0, 0, 7, 9, 9, 9, 9}, 0, []entry{{"1.2.3.4", 7, true}}},
	} {
		o, err := CheckTimestampOption(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got []entry
		for i := range o.Used() {
			e := entry{}
			if o.HasAddrs() {
				e.Addr = o.Addr(i).String()
			}
			e.MS, e.Standard = o.Time(i)
			got = append(got, e)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || o.Overflow() != tt.overflow {
			t.Errorf("%s: overflow %d (-want +got)\n%s", tt.name, o.Overflow(), diff)
		}
	}
	if _, err := CheckTimestampOption([]byte{68, 3, 5}); err != ErrIPv4OptionLength {
		t.Errorf("without flags: %v", err)
	}
}

// What is written is what the kernel takes (ip_options_compile, net/ipv4/ip_options.c): whole words, at
// most 40 bytes.
func TestAppendOptions(t *testing.T) {
	only, _ := AppendTimestamps(nil, TimestampsOnly, nil)
	both, _ := AppendTimestamps(nil, TimestampsAddrs, nil)
	given, _ := AppendTimestamps([]byte{1}, TimestampsPrescribed, []netip.Addr{addr("10.0.0.1"), addr("10.0.0.2")})
	want := [][]byte{
		append([]byte{1, 7, 39, 4}, make([]byte, 36)...),
		append([]byte{68, 40, 5, 0}, make([]byte, 36)...),
		append([]byte{68, 36, 5, 1}, make([]byte, 32)...),
		{1, 68, 20, 5, 3, 10, 0, 0, 1, 0, 0, 0, 0, 10, 0, 0, 2, 0, 0, 0, 0},
	}
	if diff := cmp.Diff(want, [][]byte{AppendRecordRoute(nil, 99), only, both, given}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, err := AppendTimestamps([]byte{1}, TimestampsPrescribed, []netip.Addr{addr("::1")}); err != ErrAddressFamily || len(got) != 1 {
		t.Errorf("an IPv6 address: %v, %v", got, err)
	}
}

// Any bytes: no panic, and the options are the bytes that they were split from.
func FuzzIPv4Options(f *testing.F) {
	seeds(f, func(p []byte) {
		if v, err := CheckIPv4(p); err == nil {
			f.Add(v.Options())
		}
	})
	f.Add(append([]byte{1}, recordedOption...))
	f.Add(stampedOption)
	f.Add(onlyOption)
	f.Add(AppendRecordRoute(nil, 9))
	for _, b := range [][]byte{{131, 7, 8, 10, 0, 0, 1, 0}, {137, 3, 4}, {7, 2}, {68, 3, 5}, {68, 40, 255, 0xf3}, {7}, {7, 0}, {7, 9}} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var joined []byte
		for rest := b; len(rest) > 0; {
			option, after, err := NextIPv4Option(rest)
			if err != nil {
				break
			}
			joined, rest = append(joined, option...), after
			if r, err := CheckRouteOption(option); err == nil {
				for i := range r.Slots() {
					r.Addr(i)
				}
				if r.Used() > r.Slots() {
					t.Fatal("more used than there are")
				}
			}
			if s, err := CheckTimestampOption(option); err == nil {
				for i := range s.Used() {
					s.Time(i)
					if s.HasAddrs() {
						s.Addr(i)
					}
				}
			}
		}
		if !bytes.HasPrefix(b, joined) {
			t.Fatalf("%x was split into %x", b, joined)
		}
	})
}
