package live

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gdamore/encoding"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/transform"
)

// counter is a view with a list, a prompt and hostile text.
type counter struct {
	list   List
	prompt Prompt
	ticks  int
	last   string
}

func (v *counter) Draw(c *Canvas) {
	w, h := c.Size()
	c.Text(0, 0, Heading, fmt.Sprintf("ticks %d", v.ticks))
	c.Right(0, 0, w, Faint, "\x1b[31mred\u202e")
	v.list.Draw(c.Part(0, 1, w, h-2), 100, func(i int, row *Canvas) {
		end := row.Text(0, 0, Plain, fmt.Sprintf("row %d", i))
		row.Cell(end+1, 0, 6, Series1, "漢字漢字")
	})
	if v.prompt.IsOpen() {
		v.prompt.Draw(c, h-1)
		return
	}
	c.Text(0, h-1, Bad, v.last)
}

func (v *counter) Key(l *Loop, k Key) {
	switch {
	case v.prompt.IsOpen() && k.Code == Enter:
		v.last = v.prompt.Text()
		v.prompt.Close()
	case v.prompt.IsOpen():
		v.prompt.Key(k)
	case k.Rune == '/':
		v.prompt.Open("find: ", "")
	case k.Rune == 'y':
		l.Copy("line")
	case k.Rune == 'x':
		l.Quit(errors.New("x"))
	default:
		v.list.Key(k, 100)
	}
}

func (v *counter) Typing() bool { return v.prompt.IsOpen() }

func (v *counter) Help() []Binding {
	return []Binding{{Keys: "/", Does: "find"}, {Keys: "+", Does: "a sign", Sign: true}, {Keys: "x", Does: "fail"}}
}

func simulate(t *testing.T, v *counter, w, h int) *Simulation {
	t.Helper()
	s, err := Simulate(v, Options{Tick: func(time.Time) bool { v.ticks++; return true }}, w, h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func wantScreen(t *testing.T, s *Simulation, want ...string) {
	t.Helper()
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", s.Text()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestSimulation_keys: the list scrolls, the prompt takes letters that are keys elsewhere, text stays in its cells and is safe.
func TestSimulation_keys(t *testing.T) {
	s := simulate(t, &counter{}, 40, 5)
	wantScreen(t, s, `ticks 0          \x1b[31mred\xe2\x80\xae`, "row 0 漢字…", "row 1 漢字…", "row 2 漢字…", "")
	s.Press("Down", "j", "Down", "PgDn")
	s.Tick(time.Time{})
	wantScreen(t, s, `ticks 1          \x1b[31mred\xe2\x80\xae`, "row 3 漢字…", "row 4 漢字…", "row 5 漢字…", "")
	s.Press("G", "k", "/")
	s.Type("q?é漢 two")
	s.Press("Ctrl-W", "Left", "Backspace", "z")
	wantScreen(t, s, `ticks 1          \x1b[31mred\xe2\x80\xae`, "row 97 漢字…", "row 98 漢字…", "row 99 漢字…", "find: q?éz")
	s.Press("Enter")
	s.Resize(14, 3)
	wantScreen(t, s, `\x1b[31mred\x…`, "row 98 漢字…", "q?éz")
	if diff := cmp.Diff("ffffffffffffff\nxxxxxxxxxxxxxx\nbbbbb\n", s.Styles()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.Press("y", "x")
	if over, err := s.Over(); !over || err == nil || err.Error() != "x" || s.Clipboard() != "line" {
		t.Errorf("over %v, %v, clipboard %q", over, err, s.Clipboard())
	}
}

// TestSimulation_help: ? shows all keys, also where they do not fit, and any other key leaves.
func TestSimulation_help(t *testing.T) {
	s := simulate(t, &counter{}, 30, 6)
	s.Press("?")
	wantScreen(t, s, "Keys", "/         find", "x         fail", "? F1      this page", "q Ctrl-C  quit", "Up Down more  other keys back")
	s.Press("End")
	wantScreen(t, s, "Keys", "Ctrl-Z    suspend", "", "Signs", "+         a sign", "Up Down more  other keys back")
	s.Press("Up")
	wantScreen(t, s, "Keys", "Ctrl-L    draw the screen anew", "Ctrl-Z    suspend", "", "Signs", "Up Down more  other keys back")
	s.Resize(20, 14)
	wantScreen(t, s, "Keys", "/         find", "x         fail", "? F1      this page", "q Ctrl-C  quit", "Ctrl-L    draw the", "          screen", "          anew",
		"Ctrl-Z    suspend", "", "Signs", "+         a sign", "", "any other key: back")
	s.Press("x")
	if over, _ := s.Over(); over {
		t.Error("x is a key of the view while the page is shown")
	}
	s.Press("q")
	if over, err := s.Over(); !over || err != nil {
		t.Errorf("over %v, %v", over, err)
	}
}

// TestSimulation_tiny: no size makes a view draw outside, or fail.
func TestSimulation_tiny(t *testing.T) {
	v := &counter{}
	s := simulate(t, v, 1, 1)
	for w := 1; w < 20; w++ {
		for h := 1; h < 6; h++ {
			s.Resize(w, h)
			s.Press("?", "?", "/", "a", "Enter", "G")
		}
	}
}

// TestTheme: in every kind of terminal each style differs from plain text, and those with a colour differ without it by their attributes
// or stand for a meaning that the text has too.
func TestTheme(t *testing.T) {
	for _, colors := range []int{0, 8, 16, 256, 1 << 24} {
		th := newTheme(colors)
		for s := Faint; s < styles; s++ {
			if th.style[s] == th.style[Plain] && (colors > 0 || looks()[s].attr != 0) {
				t.Errorf("style %d looks plain with %d colours", s, colors)
			}
		}
	}
}

// TestParseKey: every key's name reads back.
func TestParseKey(t *testing.T) {
	for _, c := range codes() {
		k := Key{Code: c.code}
		if got, ok := ParseKey(k.String()); !ok || got != k {
			t.Errorf("%s: %v %v", k, got, ok)
		}
	}
	for _, r := range "a ?é" {
		if got, ok := ParseKey(Key{Rune: r}.String()); !ok || got.Rune != r {
			t.Errorf("%q: %v %v", r, got, ok)
		}
	}
	for _, name := range []string{"", "ab", "Ctrl-", "\xff"} {
		if k, ok := ParseKey(name); ok {
			t.Errorf("%q is %v", name, k)
		}
	}
}

// TestASCIIEncoding: what tcell needs of a locale without UTF-8: characters that there are not become SUB, bytes that are none U+FFFD,
// whatever the sizes of the pieces.
func TestASCIIEncoding(t *testing.T) {
	for _, c := range []struct{ from, encoded, decoded string }{
		{"", "", ""},
		{"plain", "plain", "plain"},
		{"é漢\x1b", "\x1a\x1a\x1b", "\ufffd\ufffd\ufffd\ufffd\ufffd\x1b"},
		{"\xff\xe6\xbc", "\x1a\x1a\x1a", "\ufffd\ufffd\ufffd"},
	} {
		for n := 3; n < 6; n++ {
			for _, way := range []struct {
				name string
				t    transform.Transformer
				want string
			}{{"encode", encoding.ASCII.NewEncoder().Transformer, c.encoded}, {"decode", encoding.ASCII.NewDecoder().Transformer, c.decoded}} {
				var got strings.Builder
				w := transform.NewWriter(&got, way.t)
				for rest := c.from; rest != ""; rest = rest[min(n, len(rest)):] {
					if _, err := w.Write([]byte(rest[:min(n, len(rest))])); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if got.String() != way.want {
					t.Errorf("%s %q in pieces of %d: %q, want %q", way.name, c.from, n, got.String(), way.want)
				}
			}
		}
	}
}

// TestPrompt_bounded: of a paste without an end a prompt keeps as much as it can show in time, and letters in the middle keep their order.
func TestPrompt_bounded(t *testing.T) {
	v := &counter{}
	s := simulate(t, v, 40, 6)
	s.Press("/")
	s.Type(strings.Repeat("漢", maxPrompt+100))
	s.Press("Home", "Delete", "Delete")
	s.Type("abc")
	if got, want := v.prompt.Text(), "ab"+strings.Repeat("漢", maxPrompt-2); got != want {
		t.Errorf("%d letters: %.20q", len([]rune(got)), got)
	}
}

// shrinking is a view of a list whose length a test changes.
type shrinking struct {
	counter
	n int
}

func (v *shrinking) Draw(c *Canvas) {
	v.list.Draw(c, v.n, func(i int, row *Canvas) { row.Text(0, 0, Plain, fmt.Sprintf("row %d", i)) })
}

// TestList_shrinks: a list that has become shorter fills the screen from its end.
func TestList_shrinks(t *testing.T) {
	v := &shrinking{n: 100}
	s, err := Simulate(v, Options{}, 20, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Press("End")
	wantScreen(t, s, "row 97", "row 98", "row 99")
	v.list.Selected, v.n = 97, 99
	s.Posted()
	wantScreen(t, s, "row 96", "row 97", "row 98")
}
