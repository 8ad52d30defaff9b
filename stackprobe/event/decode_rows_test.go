package event_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
)

// rowNote is an event with a text of n bytes.
func rowNote(i, n int) string {
	return fmt.Sprintf(`{"t_ns":%d,"n":%d,"event":"note","level":"info","text":"%s"}`, i, i, strings.Repeat("x", n))
}

// A document in one line may be of any length; what is damaged in it is one row, and its place is said.
func TestDecode_oneLine(t *testing.T) {
	const head, tail = `{"schema":"gnet/trace-tcp/2","rows":[`, `],"notes":[{"level":"warning","text":"]}"}]}`
	const n = 1500
	document := func(change func(i int) string) string {
		var rows []string
		for i := range n {
			row := rowNote(i, 1000)
			if s := change(i); s != "" {
				row = s
			}
			rows = append(rows, row)
		}
		return head + strings.Join(rows, ",") + tail
	}
	at := func(i int, s string) func(int) string {
		return func(k int) string {
			if k == i {
				return s
			}
			return ""
		}
	}
	row, first := len(rowNote(1000, 1000))+1, len(head)
	for i := range 1000 {
		first += len(rowNote(i, 1000)) + 1
	}
	whole := document(at(-1, ""))
	for name, c := range map[string]struct {
		text    string
		missing int // how many of the rows
		bad     []string
	}{
		"whole":             {whole, 0, nil},
		"with a line end":   {whole + "\n", 0, nil},
		"brackets and text": {document(at(1000, `{"t_ns":1,"n":1,"event":"note","level":"info","text":"\\\"}]{[","later":[{"a":["}"]}]}`)), 0, nil},
		"a bad number":      {document(at(1000, `{"t_ns":1,"n":-1,"event":"note","level":"info","text":"x"}`)), 1, []string{fmt.Sprintf("line 1, column %d: want an integer from 0 to 9223372036854775807", first+15)}},
		"no event":          {document(at(1000, `{}`)), 1, []string{fmt.Sprintf(`line 1, column %d: want the key "event"`, first+1)}},
		"too long":          {document(at(1000, rowNote(1, 2<<20))), 1, []string{fmt.Sprintf("line 1, column %d: want at most 1048576 bytes for an event", first)}},
		"long, not too":     {document(at(1000, rowNote(1, 1<<20-1000))), 0, nil},
		"cut":               {whole[:first+row+30], n - 1001, []string{"line 1, column 1: want an object that ends"}},
		"cut between rows":  {whole[:first], n - 1000, []string{"line 1, column 1: want the end of the list of rows"}},
		"cut in the text":   {whole[:first+row+70], n - 1001, []string{fmt.Sprintf("line 1, column %d: want the end of the string", first+row+71), "line 1, column 1: want the end of the list of rows"}},
		"one within lines":  {head + "\n" + rowNote(1, 500_000) + ",\n" + rowNote(2, 1) + "\n" + tail, n - 2, nil},
	} {
		readers := map[string]io.Reader{"at once": strings.NewReader(c.text)}
		if name == "whole" || name == "a bad number" {
			readers["by bytes"] = iotest.OneByteReader(strings.NewReader(c.text))
		}
		for how, r := range readers {
			events, bad, err := decode(r)
			if err != nil || len(events) != n-c.missing {
				t.Errorf("%s %s: %d events, want %d, error %v", name, how, len(events), n-c.missing, err)
			}
			if d := cmp.Diff(c.bad, bad); d != "" {
				t.Errorf("%s %s: %s", name, how, d)
			}
		}
	}
}

// forever reads the same bytes again and again.
type forever struct {
	text []byte
	read int64
}

func (f *forever) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], f.text)
	}
	f.read += int64(n)
	return n, nil
}

// A line without an end is an error, wherever it stands.
func TestDecode_endless(t *testing.T) {
	for name, head := range map[string]string{
		"nothing else":    "",
		"behind an event": rowNote(1, 10) + "\n",
		"behind the list": `{"schema":"gnet/trace-tcp/2","rows":[` + rowNote(1, 10) + "],",
		"in a row":        `{"schema":"gnet/trace-tcp/2","rows":[` + rowNote(1, 10) + `,{"t_ns":`,
	} {
		zeros := &forever{text: make([]byte, 1<<16)}
		_, _, err := decode(io.MultiReader(strings.NewReader(head), zeros))
		if _, ok := errors.AsType[*event.EndlessError](err); !ok || zeros.read > 1<<27 {
			t.Errorf("%s: %v after %d bytes", name, err, zeros.read)
		}
	}
}
