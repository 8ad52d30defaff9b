package view

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

var update = flag.Bool("update", false, "write the goldens of testdata anew; then read the difference")

var goldenRuns = map[string]func() []event.Event{
	"plain": plainRun, "lost": lostRun, "cross": crossRun, "timeout": timeoutRun, "odd": oddRun, "long": longRun, "kinds": kindsRun, "waits": waitsRun, "lesson": lessonRun,
}

var goldenOptions = map[string]Options{
	"60": {Width: 60}, "80": {Width: 80}, "80-ascii": {Width: 80, ASCII: true}, "100": {Width: 100}, "132": {Width: 132},
	"60-ascii": {Width: 60, ASCII: true}, "80-color": {Width: 80, Color: true},
}

// draw gives the picture of a run.
func draw(t testing.TB, events []event.Event, o Options) string {
	t.Helper()
	var b bytes.Buffer
	l := NewLadder(&b, o)
	for i := range events {
		if err := l.Event(&events[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLadder_golden(t *testing.T) {
	wanted := map[string]bool{}
	for run, events := range goldenRuns {
		for name, o := range goldenOptions {
			file := fmt.Sprintf("testdata/%s.%s.txt", run, name)
			wanted[file] = true
			got := draw(t, events(), o)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s: want - got +\n%s", file, diff)
			}
		}
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f] {
			t.Errorf("%s belongs to no test", f)
		}
	}
}

// checkRows says what is wrong with the rows of a picture, "" if nothing is.
func checkRows(out string, o Options) string {
	width := max(o.Width, minWidth)
	for i, line := range strings.Split(out, "\n") {
		if o.Color {
			for _, s := range append(sgr[1:], "\x1b[0m") {
				line = strings.ReplaceAll(line, s, "")
			}
		}
		if n := utf8.RuneCountInString(line); n > width {
			return fmt.Sprintf("row %d has %d columns: %q", i, n, line)
		}
		if strings.TrimRight(line, " ") != line {
			return fmt.Sprintf("row %d has blanks at its end: %q", i, line)
		}
		for _, r := range line {
			if r < ' ' || (r >= 0x7f && r < 0xa0) || (o.ASCII && r > 0x7e) || r == utf8.RuneError || r == 0x202e {
				return fmt.Sprintf("row %d has %U: %q", i, r, line)
			}
		}
	}
	return ""
}

func TestLadder_everyWidth(t *testing.T) {
	for name, run := range goldenRuns {
		for width := 1; width < 200; width++ {
			o := Options{Width: width, ASCII: width%3 == 1, Color: width%3 == 2, Unfold: width%2 == 0, Absolute: width%5 < 2}
			if wrong := checkRows(draw(t, run(), o), o); wrong != "" {
				t.Errorf("%s at %d: %s", name, width, wrong)
			}
		}
	}
}

// Each segment must be there twice, each call and each state once, at any width: nothing may be lost to the layout.
func TestLadder_saysAll(t *testing.T) {
	for _, width := range []int{80, 91, 100, 132} {
		out := draw(t, lostRun(), Options{Width: width, ASCII: true})
		for word, n := range map[string]int{
			"1:1421": 2, "1421:2841": 3, "2841:4261": 3, "R ~fast": 1, "dup 1": 1, "dup 2": 1, "dup 3": 1,
			"lost: client> drop data 2": 1, "listen": 1, "connected": 1, "read 7100": 1, "FIN-WAIT-2": 1,
		} {
			if got := strings.Count(out, word); got != n {
				t.Errorf("width %d: %q is there %d times, want %d\n%s", width, word, got, n, out)
			}
		}
	}
}

// An account of the run that differs from its events is said, at every width.
func TestLadder_saysDifference(t *testing.T) {
	for _, width := range []int{40, 80, 132} {
		events := plainRun()
		if out := draw(t, events, Options{Width: width}); strings.Contains(out, "warning") {
			t.Errorf("width %d: a warning without a reason\n%s", width, out)
		}
		events[len(events)-1].End.Server.Lost = 3
		out := strings.Join(strings.Fields(draw(t, events, Options{Width: width})), " ")
		if !strings.HasSuffix(out, "warning the run counts other server lost segments than its events show") {
			t.Errorf("width %d: %s", width, out)
		}
	}
}

type failing struct{ after int }

func (f *failing) Write(b []byte) (int, error) {
	if f.after--; f.after < 0 {
		return 0, errFull
	}
	return len(b), nil
}

var errFull = errors.New("no space left")

// The writer's error comes back at once, and nothing is written after it.
func TestLadder_writerFails(t *testing.T) {
	for _, width := range []int{60, 80} {
		w := &failing{after: 12}
		l := NewLadder(w, Options{Width: width})
		var err error
		n := 0
		for _, e := range plainRun() {
			if err = l.Event(&e); err != nil {
				break
			}
			n++
		}
		if !errors.Is(err, errFull) || n == 0 {
			t.Errorf("width %d: %v after %d events", width, err, n)
		}
		if err := l.Close(); !errors.Is(err, errFull) || w.after != -1 {
			t.Errorf("width %d: close: %v, %d writes after the failure", width, err, -1-w.after)
		}
	}
}

func TestUTF8(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, false},
		{map[string]string{"LANG": "en_US.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.utf8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_CTYPE": "C"}, false},
		{map[string]string{"LANG": "C", "LC_ALL": "C.UTF-8"}, true},
		{map[string]string{"LC_ALL": "C", "LC_CTYPE": "C.UTF-8"}, false},
	} {
		if got := UTF8(func(n string) string { return c.env[n] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}
