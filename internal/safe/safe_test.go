package safe

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestString(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "sshd: /usr/sbin/sshd", "sshd: /usr/sbin/sshd"},
		{"empty", "", ""},
		{"utf-8 is kept", "Grüße 日本", "Grüße 日本"},
		{"escape", "\x1b[31mred", `\x1b[31mred`},
		{"newline and tab", "a\nb\tc", `a\x0ab\x09c`},
		{"delete", "a\x7f", `a\x7f`},
		{"not utf-8", "a\xffb\xc3", `a\xffb\xc3`},
		{"c1 csi as utf-8", "\u009b31m", `\xc2\x9b31m`},
		{"bidi override", "a\u202eb", `a\xe2\x80\xaeb`},
		{"line separator", "a\u2028b", `a\xe2\x80\xa8b`},
		{"surrogate bytes", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"backslash stays", `a\b`, `a\b`},
		{"continuation byte after ascii", "0\x80", `0\x80`},
		{"unsafe after a long character", "日\x01", "日" + `\x01`},
	} {
		if diff := cmp.Diff(c.want, String(c.in)); diff != "" {
			t.Errorf("%s: String(%q) (-want +got)\n%s", c.name, c.in, diff)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"abcdef", 3, "abc"},
		{"abc", 3, "abc"},
		{`ab\x1bcd`, 5, "ab"},
		{`ab\x1bcd`, 6, `ab\x1b`},
		{"aé", 2, "a"},
		{"é", 0, ""},
	} {
		if got := Cut(c.in, c.width); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J", "\xff", "\u202e", "日本", "\u009b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := String(s)
		if !utf8.ValidString(got) {
			t.Fatalf("String(%q) = %q is not UTF-8", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Fatalf("String(%q) = %q has a control character at %d", s, got, i)
		}
		if Clean(s) != (got == s) {
			t.Fatalf("Clean(%q) = %v but String changed it: %v", s, Clean(s), got != s)
		}
		for w := range 8 {
			if c := Cut(got, w); len(c) > w || !strings.HasPrefix(got, c) {
				t.Fatalf("Cut(%q, %d) = %q", got, w, c)
			}
		}
	})
}
