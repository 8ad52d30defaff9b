package wire

import (
	"bytes"
	"strings"
	"testing"
)

func TestReadDNSName(t *testing.T) {
	long := strings.Repeat("\x3f"+strings.Repeat("a", 63), 3)
	for _, tt := range []struct {
		name, in string
		at       int
		want     string
		next     int
		err      error
	}{
		{"one", "\x03foo\x00", 0, "foo", 5, nil},
		{"two", "\x03foo\x07example\x00rest", 0, "foo.example", 13, nil},
		{"the root", "\x00", 0, "", 1, nil},
		{"pointer", "\x07example\x00\x03foo\xc0\x00tail", 9, "foo.example", 15, nil},
		{"pointer alone", "\x03foo\x00\xc0\x00", 5, "foo", 7, nil},
		{"chain", "\x01a\x00\x01b\xc0\x00\x01c\xc0\x03", 7, "c.b.a", 11, nil},
		{"dot, marks and controls", "\x08a.b\\\x1b \"\xff\x01c\x00", 0, `a\.b\\\027\032\"\255.c`, 12, nil},
		{"longest", long + "\x3d" + strings.Repeat("b", 61) + "\x00", 0, strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61), 255, nil},
		{"one byte too long", long + "\x3e" + strings.Repeat("b", 62) + "\x00", 0, "", 0, ErrDNSNameLength},
		{"nothing", "", 0, "", 0, ErrDNSNameShort},
		{"behind the end", "\x00", 2, "", 0, ErrDNSNameShort},
		{"before the start", "\x00", -1, "", 0, ErrDNSNameShort},
		{"cut in a label", "\x03fo", 0, "", 0, ErrDNSNameShort},
		{"no end", "\x03foo", 0, "", 0, ErrDNSNameShort},
		{"half a pointer", "\x00\xc0", 1, "", 0, ErrDNSNameShort},
		{"pointer to itself", "\xc0\x00", 0, "", 0, ErrDNSPointer},
		{"pointer forward", "\xc0\x02\x00", 0, "", 0, ErrDNSPointer},
		{"loop", "\x01a\xc0\x00", 0, "", 0, ErrDNSPointer},
		{"reserved kind", "\x40", 0, "", 0, ErrDNSLabel},
		{"reserved kind", "\x80", 0, "", 0, ErrDNSLabel},
	} {
		got, next, err := ReadDNSName([]byte("="), []byte(tt.in), tt.at)
		if string(got) != "="+tt.want || next != tt.next || err != tt.err {
			t.Errorf("%s: %q, %d, %v, want %q, %d, %v", tt.name, got, next, err, "="+tt.want, tt.next, tt.err)
		}
	}
}

func TestAppendDNSName(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, tt := range []struct {
		in, want string
		err      error
	}{
		{"foo.example", "\x03foo\x07example\x00", nil}, {"foo.example.", "\x03foo\x07example\x00", nil}, {"Foo", "\x03Foo\x00", nil}, {"", "\x00", nil}, {".", "\x00", nil},
		{label, "\x3f" + label + "\x00", nil}, {label + "a", "", ErrDNSLabel}, {"a..b", "", ErrDNSLabel}, {"a..", "", ErrDNSLabel}, {".a", "", ErrDNSLabel},
		{strings.Repeat(label+".", 3) + label[2:], strings.Repeat("\x3f"+label, 3) + "\x3d" + label[2:] + "\x00", nil},
		{strings.Repeat(label+".", 3) + label[1:], "", ErrDNSNameLength},
	} {
		got, err := AppendDNSName([]byte("="), tt.in)
		if string(got) != "="+tt.want || err != tt.err {
			t.Errorf("%q: %q, %v, want %q, %v", tt.in, got, err, "="+tt.want, tt.err)
		}
	}
}

// Any bytes: no panic and no loop; a name without escapes is written as it was read.
func FuzzDNSName(f *testing.F) {
	for _, s := range []string{"\x03foo\x07example\x00", "\x07example\x00\x03foo\xc0\x00", "\xc0\x00", "\x03fo", "\x40", "\x00\xc0", "", "\x02a.\x01\\\x00", "\x01a\xc0\x00"} {
		f.Add([]byte(s), 0)
		f.Add([]byte(s), 9)
	}
	f.Fuzz(func(t *testing.T, b []byte, at int) {
		name, next, err := ReadDNSName(nil, b, at)
		if err != nil {
			if len(name) != 0 || next != 0 {
				t.Fatal("a name and an error")
			}
			return
		}
		if next <= at || next > len(b) {
			t.Fatalf("next is %d of %d", next, len(b))
		}
		for _, c := range name {
			if c <= ' ' || c > '~' {
				t.Fatalf("%q does not print", name)
			}
		}
		if bytes.IndexByte(name, '\\') >= 0 {
			return
		}
		written, err := AppendDNSName(nil, string(name))
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := ReadDNSName(nil, written, 0)
		if err != nil || !bytes.Equal(again, name) {
			t.Fatalf("%q was read as %q, %v", name, again, err)
		}
	})
}
