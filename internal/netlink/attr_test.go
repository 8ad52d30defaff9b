package netlink_test

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// walked is what a walk over attributes shows.
type walked struct {
	Types []uint16
	Data  []string
	Err   error
}

func walk(b []byte) (w walked) {
	attrs := netlink.ReadAttrs(b)
	for attrs.Next() {
		w.Types = append(w.Types, attrs.Type())
		w.Data = append(w.Data, string(attrs.Data()))
	}
	w.Err = attrs.Err()
	return w
}

func TestReadAttrs(t *testing.T) {
	good := nltest.AppendAttr(nltest.AppendAttr(nil, 0x0a0b, []byte("abcde")), 2|unix.NLA_F_NESTED, nil)
	withLength := func(n uint16) []byte {
		b := nltest.AppendAttr(nil, 7, []byte("abcd"))
		binary.NativeEndian.PutUint16(b, n)
		return b
	}
	for _, tc := range []struct {
		name string
		in   []byte
		want walked
	}{
		{"empty", nil, walked{}},
		{"two, one with padding, one empty", good, walked{[]uint16{0x0a0b, 2}, []string{"abcde", ""}, nil}},
		{"last one without its padding", good[:9], walked{[]uint16{0x0a0b}, []string{"abcde"}, nil}},
		{"less than a header left", append(good[:12:12], 1, 2, 3), walked{[]uint16{0x0a0b}, []string{"abcde"}, nil}},
		{"length 0", withLength(0), walked{Err: netlink.ErrBadAttribute}},
		{"length below the header", withLength(3), walked{Err: netlink.ErrBadAttribute}},
		{"length beyond the end", withLength(9), walked{Err: netlink.ErrBadAttribute}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			same := cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) && errors.Is(b, a) })
			if diff := cmp.Diff(tc.want, walk(tc.in), same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAttrs_values: each getter takes exactly its own size.
func TestAttrs_values(t *testing.T) {
	be := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	for _, tc := range []struct {
		name string
		data []byte
		get  func(*netlink.Attrs) any
		want any // nil: the payload has the wrong size
	}{
		{"uint8", be[:1], func(a *netlink.Attrs) any { return a.Uint8() }, uint8(1)},
		{"uint8 of 2", be[:2], func(a *netlink.Attrs) any { return a.Uint8() }, nil},
		{"uint16", be[:2], func(a *netlink.Attrs) any { return a.Uint16() }, binary.NativeEndian.Uint16(be)},
		{"uint16 of 0", nil, func(a *netlink.Attrs) any { return a.Uint16() }, nil},
		{"uint16 network order", be[:2], func(a *netlink.Attrs) any { return a.Uint16BE() }, uint16(0x0102)},
		{"uint32", be[:4], func(a *netlink.Attrs) any { return a.Uint32() }, binary.NativeEndian.Uint32(be)},
		{"uint32 of 3", be[:3], func(a *netlink.Attrs) any { return a.Uint32() }, nil},
		{"uint64", be, func(a *netlink.Attrs) any { return a.Uint64() }, binary.NativeEndian.Uint64(be)},
		{"uint64 of 4", be[:4], func(a *netlink.Attrs) any { return a.Uint64() }, nil},
		{"string with NUL", []byte("lo\x00x"), func(a *netlink.Attrs) any { return a.String() }, "lo"},
		{"string without NUL", []byte("a\xff\x1b"), func(a *netlink.Attrs) any { return a.String() }, "a\xff\x1b"},
		{"IPv4", be[:4], func(a *netlink.Attrs) any { return a.Addr() }, netip.MustParseAddr("1.2.3.4")},
		{"address of 5", be[:5], func(a *netlink.Attrs) any { return a.Addr() }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			attrs := netlink.ReadAttrs(nltest.AppendAttr(nil, 1, tc.data))
			attrs.Next()
			got := tc.get(&attrs)
			if bad := errors.Is(attrs.Err(), netlink.ErrBadAttribute); bad != (tc.want == nil) {
				t.Fatalf("Err is %v", attrs.Err())
			}
			if tc.want != nil && got != tc.want {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
}
