package nstest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEmulator: what programs write is what is seen, whatever the pieces it comes in.
func TestEmulator(t *testing.T) {
	for _, c := range []struct{ name, wrote, text, strange string }{
		{"text", "one\r\ntwo", "one\ntwo\n\n", ""},
		{"wrap", "12345678ab", "12345678\nab\n\n", ""},
		{"the last column waits", "12345678\rx", "x2345678\n\n\n", ""},
		{"no wrap", "\x1b[?7l12345678ab", "1234567b\n\n\n", ""},
		{"scroll", "1\r\n2\r\n3\r\n4", "2\n3\n4\n", ""},
		{"place", "\x1b[2;3Hx\x1b[Hy\x1b[99;99Hz", "y\n  x\n       z\n", ""},
		{"wide", "漢字\x1b[1;2Hx", " x字\n\n\n", ""},
		{"wide at the end", "1234567漢", "1234567\n漢\n\n", ""},
		{"over a wide one", "漢字\x1b[1;3Hx", "漢x\n\n\n", ""},
		{"combining", "e\u0301x\u0327", "e\u0301x\u0327\n\n\n", ""},
		{"joined", "👨\u200d👩", "👨\u200d👩\n\n\n", ""},
		{"combining with nothing", "\u0301x", "x\n\n\n", `"\u0301"`},
		{"erase", "12\r\n34\x1b[1;2H\x1b[J", "1\n\n\n", ""},
		{"erase all", "12\r\n34\x1b[2Jx", "\n  x\n\n", ""},
		{"insert", "abc\x1b[1;2H\x1b[@", "abbc\n\n\n", ""},
		{"alternate", "main\x1b[?1049halt\x1b[?1049l", "main\n\n\n", ""},
		{"as xterm once did", "ma\x1b7\x1b[?47h\x1b[3;3Halt\x1b[2J\x1b[?47l\x1b8in", "main\n\n\n", ""},
		{"backspace", "漢\b\bxy", "xy\n\n\n", ""},
		{"C0", "a\x07b\tc", "abc\n\n\n", `"\a" "\t"`},
		{"C1", "a\u009bb\x9bc", "abc\n\n\n", `"\u009b" "\x9b"`},
		{"bidi", "a\u202eb", "ab\n\n\n", `"\u202e"`},
		{"not UTF-8", "a\xffb", "ab\n\n\n", `"\xff"`},
		{"unknown", "\x1b[5n\x1bZ\x1b]0;t\a\x1b[1;3;200mx", "x\n\n\n", `"\x1b[5n" "\x1bZ" "\x1b]0;t\a" "\x1b[1;3;200m"`},
		{"cut", "x\x1b[3", "x\n\n\n", `"\x1b[3", which is not whole`},
	} {
		for _, n := range []int{1, 2, 100} {
			e := NewEmulator(8, 3)
			for rest := []byte(c.wrote); len(rest) > 0; rest = rest[min(n, len(rest)):] {
				e.Write(rest[:min(n, len(rest))])
			}
			if diff := cmp.Diff([]string{c.text, c.strange}, []string{e.Text(), strings.Join(e.Strange(), " ")}); diff != "" {
				t.Errorf("%s in pieces of %d (-want +got)\n%s", c.name, n, diff)
			}
		}
	}
}

// TestEmulator_state: renditions, the cursor, the clipboard and another size.
func TestEmulator_state(t *testing.T) {
	e := NewEmulator(8, 3)
	e.Write([]byte("\x1b[1;38;5;166ma\x1b(B\x1b[mb\x1b[2;9;31;44mc\x1b[39;49md\x1b[0;90;100;4;7me\x1b]52;c;bGluZQ==\x1b\\\x1b[?25l\x1b[2;4H"))
	var got []string
	for x := range 6 {
		got = append(got, e.Rendition(x, 0).String())
	}
	if diff := cmp.Diff([]string{"1;38;5;166", "-", "2;9;31;44", "2;9", "4;7;90;100", "-"}, got); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
	x, y, shown := e.Cursor()
	if x != 3 || y != 1 || shown || e.Clipboard() != "line" || len(e.Strange()) > 0 {
		t.Errorf("cursor %d,%d %v; clipboard %q; strange %v", x, y, shown, e.Clipboard(), e.Strange())
	}
	e.Resize(3, 2)
	if x, y, _ := e.Cursor(); x != 2 || y != 1 || e.Text() != "abc\n\n" {
		t.Errorf("after a resize: %d,%d %q", x, y, e.Text())
	}
	e.Write([]byte("\x1b[?1049h\x1b[HX"))
	e.Resize(5, 2)
	if e.Text() != "X\n\n" || !e.Alternate() {
		t.Errorf("on the alternate screen: %q", e.Text())
	}
	e.Write([]byte("\x1b[?1049l"))
	if e.Text() != "abc\n\n" || e.Alternate() {
		t.Errorf("on the main screen: %q", e.Text())
	}
}
