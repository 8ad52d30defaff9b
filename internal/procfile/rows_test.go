package procfile

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// walk returns every row as text and every error as its message, in order.
func walk(r io.Reader) []string {
	var got []string
	for row, err := range Rows(r, "f") {
		if err != nil {
			got = append(got, "error: "+err.Error())
			continue
		}
		got = append(got, string(row.Text()))
	}
	return got
}

func TestRows(t *testing.T) {
	long := strings.Repeat("x", MaxRow)
	head := strings.Repeat("x", textLimit)
	tooLong := `error: f: line 2 "` + head + `": row is too long`
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"empty":                     {"", nil},
		"one":                       {"a\n", []string{"a"}},
		"no newline at the end":     {"a\nb", []string{"a", "b"}},
		"empty rows":                {"\n\na\n\n", []string{"", "", "a", ""}},
		"NUL and control bytes":     {"a\x00b\r\n\x1b[31m\n", []string{"a\x00b\r", "\x1b[31m"}},
		"the longest":               {"a\n" + long + "\nb\n", []string{"a", long, "b"}},
		"the longest, no newline":   {"a\n" + long, []string{"a", long}},
		"one byte too long":         {"a\nx" + long + "\nb\n", []string{"a", tooLong, "b"}},
		"one byte too long, at end": {"a\nx" + long, []string{"a", tooLong}},
		"much too long":             {"a\n" + strings.Repeat(long, 5) + "\nb", []string{"a", tooLong, "b"}},
		"exactly two buffers":       {"a\n" + strings.Repeat("x", 2*(MaxRow+1)) + "\nb\n", []string{"a", tooLong, "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"at once":          strings.NewReader(test.in),
				"byte by byte":     iotest.OneByteReader(strings.NewReader(test.in)),
				"half reads":       iotest.HalfReader(strings.NewReader(test.in)),
				"data with io.EOF": iotest.DataErrReader(strings.NewReader(test.in)),
			} {
				if diff := cmp.Diff(test.want, walk(r)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", how, diff)
				}
			}
		})
	}
}

func TestRows_readErrorEndsTheWalk(t *testing.T) {
	broken := errors.New("input/output error")
	long := strings.Repeat("x", 2*MaxRow)
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"at once":         {"", []string{"error: input/output error"}},
		"after rows":      {"a\nb\n", []string{"a", "b", "error: input/output error"}},
		"inside a row":    {"a\n12", []string{"a", "error: input/output error"}},
		"in an over-long": {"a\n" + long, []string{"a", "error: input/output error"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := io.MultiReader(strings.NewReader(test.in), iotest.ErrReader(broken))
			if diff := cmp.Diff(test.want, walk(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

func TestRows_silentReaderIsGivenUp(t *testing.T) {
	want := []string{"error: " + io.ErrNoProgress.Error()}
	if diff := cmp.Diff(want, walk(silent{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRows_stopsWhenAsked(t *testing.T) {
	in := "a\n" + strings.Repeat("x", 2*MaxRow) + "\nb\n"
	for stop := 1; stop <= 3; stop++ {
		n := 0
		for range Rows(strings.NewReader(in), "f") {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("the walk went %d steps, want %d", n, stop)
		}
	}
}

func TestRows_countsLines(t *testing.T) {
	in := "a\n" + strings.Repeat("x", 2*MaxRow) + "\nb"
	var got []int
	for row, err := range Rows(strings.NewReader(in), "f") {
		if err == nil {
			got = append(got, row.Line)
		}
	}
	if diff := cmp.Diff([]int{1, 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func FuzzRows(f *testing.F) {
	f.Add([]byte("a\nb"), 1)
	f.Add([]byte("\x00\n\n"), 3)
	f.Add(bytes.Repeat([]byte("x"), MaxRow+2), 4096)
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		var want []string
		for i, line := range bytes.Split(in, []byte("\n")) {
			if len(line) > MaxRow {
				want = append(want, (&ParseError{File: "f", Line: i + 1, Text: clip(line), Err: ErrTooLong}).Error())
			} else {
				want = append(want, string(line))
			}
		}
		if last := len(want) - 1; want[last] == "" {
			want = want[:last] // what follows the last newline is no row
		}
		var got []string
		for row, err := range Rows(&chunked{in, max(chunk, 1)}, "f") {
			if err != nil {
				got = append(got, err.Error())
			} else {
				got = append(got, string(row.Text()))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// chunked returns at most size bytes per read.
type chunked struct {
	in   []byte
	size int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.in[:min(c.size, len(c.in))])
	c.in = c.in[n:]
	return n, nil
}
