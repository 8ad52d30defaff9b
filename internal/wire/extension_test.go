package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func stack(entries ...uint32) ExtensionObject {
	o := ExtensionObject{Class: ClassMPLS, Type: 1}
	for _, e := range entries {
		o.Data = binary.BigEndian.AppendUint32(o.Data, e)
	}
	return o
}

// eth0 is what RFC 5837 lets a router say of an incoming interface, all of it.
func eth0() ExtensionObject {
	data := []byte{0, 0, 0, 7, 0, 1, 0, 0, 10, 0, 0, 1, 8, 'e', 't', 'h', '0', 0, 0, 0, 0, 0, 0x23, 0x28}
	return ExtensionObject{Class: ClassInterface, Type: 0x0f, Data: data}
}

func TestExtensions_objects(t *testing.T) {
	want := []ExtensionObject{stack(16005<<12 | 5<<9 | 1<<8 | 1), eth0(), {Class: 200, Type: 3, Data: []byte("odd")}, {Class: 201, Type: 1, Data: []byte{}}}
	b := AppendExtensions([]byte("before"), want...)[6:]
	e, err := CheckExtensions(b)
	if err != nil || e.Unchecked() {
		t.Fatalf("%v, unchecked %t", err, e.Unchecked())
	}
	if diff := cmp.Diff(want, slices.Collect(e.Objects())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	b[2], b[3] = 0, 0
	if e, err := CheckExtensions(b); err != nil || !e.Unchecked() {
		t.Errorf("without a checksum: %v", err)
	}
}

func TestCheckExtensions_wrong(t *testing.T) {
	good := func() []byte { return AppendExtensions(nil, stack(1<<8), stack(2<<8)) }
	mended := func(change func(b []byte) []byte) []byte {
		b := change(good())
		if len(b) >= 4 {
			b[2], b[3] = 0, 0
			binary.BigEndian.PutUint16(b[2:], Checksum(b))
		}
		return b
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrExtensionShort},
		{"half a header", good()[:3], ErrExtensionShort},
		{"half an object's header", mended(func(b []byte) []byte { return b[:15] }), ErrExtensionShort},
		{"version 1", mended(func(b []byte) []byte { b[0] = 0x10; return b }), ErrExtensionVersion},
		{"checksum", func() []byte { b := good(); b[3]++; return b }(), ErrExtensionChecksum},
		{"an object of no length", mended(func(b []byte) []byte { b[5] = 0; return b }), ErrExtensionLength},
		{"an object of three bytes", mended(func(b []byte) []byte { b[5] = 3; return b }), ErrExtensionLength},
		{"an object past the end", mended(func(b []byte) []byte { b[13]++; return b }), ErrExtensionLength},
	} {
		if e, err := CheckExtensions(c.b); err != c.want || e != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestMPLSStack(t *testing.T) {
	type entry struct {
		Label, TC int
		Bottom    bool
		TTL       int
	}
	o := stack(1048575<<12|7<<9|255, 3<<12, 16<<12|1<<9|1<<8|1)
	entries, err := o.MPLSStack()
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	for e := range entries {
		got = append(got, entry{e.Label(), e.TC(), e.Bottom(), e.TTL()})
	}
	want := []entry{{1048575, 7, false, 255}, {3, 0, false, 0}, {16, 1, true, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for name, o := range map[string]ExtensionObject{"empty": stack(), "odd": {Class: 1, Type: 1, Data: make([]byte, 6)},
		"a bottom in mid-stack": stack(1<<8, 1<<8), "another type": {Class: 1, Type: 2, Data: make([]byte, 4)}, "another class": {Class: 2, Type: 1, Data: make([]byte, 4)}} {
		if _, err := o.MPLSStack(); err != ErrExtensionData {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestInterface(t *testing.T) {
	all := eth0()
	six := append([]byte{0, 2, 0, 0}, addr("fd77::1").AsSlice()...)
	name := func(length byte, text string) []byte { return append([]byte{length}, text...) }
	for _, c := range []struct {
		name string
		o    ExtensionObject
		want InterfaceInfo
		err  error
	}{
		{"all", all, InterfaceInfo{IncomingInterface, 7, addr("10.0.0.1"), []byte("eth0"), 9000}, nil},
		{"a role alone", ExtensionObject{2, 0x40, nil}, InterfaceInfo{Role: SubIPInterface}, nil},
		{"IPv6", ExtensionObject{2, 0x84, six}, InterfaceInfo{Role: OutgoingInterface, Addr: addr("fd77::1")}, nil},
		{"an MTU", ExtensionObject{2, 0xc1, []byte{0, 0, 5, 0xdc}}, InterfaceInfo{Role: NextHopInterface, MTU: 1500}, nil},
		{"the longest name", ExtensionObject{2, 2, name(64, strings.Repeat("n", 63))}, InterfaceInfo{Name: []byte(strings.Repeat("n", 63))}, nil},
		{"a name too long", ExtensionObject{2, 2, name(68, strings.Repeat("n", 67))}, InterfaceInfo{}, ErrExtensionData},
		{"a name past the end", ExtensionObject{2, 2, name(8, "eth")}, InterfaceInfo{}, ErrExtensionData},
		{"a name of no length", ExtensionObject{2, 2, name(0, "eth")}, InterfaceInfo{}, ErrExtensionData},
		{"a name that is no multiple", ExtensionObject{2, 2, name(3, "et")}, InterfaceInfo{}, ErrExtensionData},
		{"no name", ExtensionObject{2, 2, nil}, InterfaceInfo{}, ErrExtensionData},
		{"half an index", ExtensionObject{2, 8, make([]byte, 3)}, InterfaceInfo{}, ErrExtensionData},
		{"half an MTU", ExtensionObject{2, 1, make([]byte, 3)}, InterfaceInfo{}, ErrExtensionData},
		{"an address of no family", ExtensionObject{2, 4, make([]byte, 20)}, InterfaceInfo{}, ErrExtensionData},
		{"half an address", ExtensionObject{2, 4, six[:19]}, InterfaceInfo{}, ErrExtensionData},
		{"half a family", ExtensionObject{2, 4, six[:3]}, InterfaceInfo{}, ErrExtensionData},
		{"more than its parts", ExtensionObject{2, 1, make([]byte, 8)}, InterfaceInfo{}, ErrExtensionData},
		{"another class", ExtensionObject{1, 0, nil}, InterfaceInfo{}, ErrExtensionData},
	} {
		got, err := c.o.Interface()
		if diff := cmp.Diff(c.want, got, whole...); diff != "" || err != c.err {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, diff)
		}
	}
}

// FuzzExtensions: what can be read is written the same, but for the checksum that may be missing and the reserved bits.
func FuzzExtensions(f *testing.F) {
	for _, objects := range [][]ExtensionObject{nil, {stack(1 << 8)}, {stack(1<<12, 2<<12|1<<8)}, {eth0(), stack(3)}, {{Class: 9}},
		{{Class: ClassInterface, Type: 0x0f, Data: eth0().Data[:9]}}, {{Class: ClassInterface, Type: 6, Data: eth0().Data[4:]}}} {
		b := AppendExtensions(nil, objects...)
		f.Add(b)
		f.Add(append(b, 0, 3, 1, 1))
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := CheckExtensions(b)
		if err != nil {
			if _, ok := err.(Error); !ok || e != nil {
				t.Fatalf("%v, %x", err, e)
			}
			return
		}
		objects := slices.Collect(e.Objects())
		again := AppendExtensions(nil, objects...)
		if !bytes.Equal(again[4:], b[4:]) {
			t.Fatalf("read %x, wrote %x", b, again)
		}
		read, err := CheckExtensions(again)
		if diff := cmp.Diff(objects, slices.Collect(read.Objects()), cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("%v (-want +got)\n%s", err, diff)
		}
		for _, o := range objects {
			if entries, err := o.MPLSStack(); err == nil {
				if n := len(slices.Collect(entries)); n*4 != len(o.Data) {
					t.Fatalf("%d entries of %d bytes", n, len(o.Data))
				}
			}
			if in, err := o.Interface(); err == nil && (len(in.Name) >= maxInterfaceName || !bytes.Contains(o.Data, in.Name)) {
				t.Fatalf("a name that is not there: %q", in.Name)
			}
		}
	})
}
