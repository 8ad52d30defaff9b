package event_test

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gnet/stackprobe/event"
)

// decode reads all of a stored run: the events, what is wrong with lines, and the last error.
func decode(r io.Reader) (events []event.Event, bad []string, last error) {
	for e, err := range event.Decode(r) {
		de, isLine := errors.AsType[*event.DecodeError](err)
		switch {
		case err == nil:
			events = append(events, *e)
		case isLine:
			bad = append(bad, de.Error())
		default:
			last = err
		}
	}
	return events, bad, last
}

// facts are the samples without what is derived.
func facts() []event.Event {
	all := samples()
	for i := range all {
		all[i].Derived = event.Derived{}
	}
	return all
}

// The three ways in which a run is stored give the same events.
func TestDecode(t *testing.T) {
	var plain, jsonl, rows []string
	for _, e := range samples() {
		line := string(event.AppendJSON(nil, &e))
		plain = append(plain, line+"\n")
		jsonl = append(jsonl, strings.Replace(line, "{", `{"kind":"row",`, 1)+"\n")
		rows = append(rows, "\n"+line)
	}
	envelope := `{"schema":"gnet/trace-tcp/2","rows":[` + strings.Join(rows, ",") + "\n" + `],"notes":[{"level":"warning","text":"x"}]}` + "\n"
	for name, text := range map[string]string{
		"plain":          strings.Join(plain, ""),
		"jsonl":          strings.Join(jsonl, "") + `{"kind":"note","level":"warning","text":"x"}` + "\n",
		"json":           envelope,
		"CRLF":           strings.ReplaceAll(strings.Join(plain, ""), "\n", "\r\n"),
		"CRLF json":      strings.ReplaceAll(envelope, "\n", "\r\n"),
		"blank lines":    "\n\n" + strings.Join(plain, "\n \t\n"),
		"no end of line": strings.TrimSuffix(strings.Join(plain, ""), "\n"),
		"indented":       indent(envelope),
	} {
		for how, r := range map[string]io.Reader{"at once": strings.NewReader(text), "by bytes": iotest.OneByteReader(strings.NewReader(text))} {
			events, bad, err := decode(r)
			if len(bad) > 0 || err != nil {
				t.Errorf("%s %s: %v, %v", name, how, bad, err)
			}
			if d := cmp.Diff(facts(), events, cmpopts.EquateComparable(netip.AddrPort{}, netip.Addr{})); d != "" {
				t.Errorf("%s %s: %s", name, how, d)
			}
		}
	}
}

// indent breaks JSON into lines behind brackets and commas, as tools do.
func indent(text string) string {
	var b strings.Builder
	quoted, depth := false, 0
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '\n' {
			continue
		}
		if c == '"' && (i == 0 || text[i-1] != '\\' || text[i-2] == '\\') {
			quoted = !quoted
		}
		if !quoted && (c == '}' || c == ']') {
			depth--
			b.WriteString("\n" + strings.Repeat("  ", depth))
		}
		b.WriteByte(c)
		if !quoted && (c == '{' || c == '[') {
			depth++
		}
		if !quoted && (c == '{' || c == '[' || c == ',') {
			b.WriteString("\n" + strings.Repeat("  ", depth))
		}
	}
	return b.String()
}

// What is damaged is said with its place, and what stands before and behind is read.
func TestDecode_damaged(t *testing.T) {
	note := func(n int) string {
		return fmt.Sprintf(`{"t_ns":1,"n":%d,"event":"note","level":"info","text":"x"}`, n)
	}
	head := `{"schema":"gnet/trace-tcp/2","rows":[`
	for name, c := range map[string]struct {
		text string
		n    []int // of the events that are read
		bad  []string
	}{
		"empty":              {"", nil, nil},
		"blank":              {" \n\n", nil, nil},
		"a later key":        {strings.Replace(note(1), "{", `{"new":[{"a":[1.5e-3,true,null,"\ud83d\ude00"]}],"newer_hex":5,`, 1), []int{1}, nil},
		"not JSON":           {note(1) + "\nhello\n" + note(2), []int{1, 2}, []string{"line 2, column 1: want '{'"}},
		"cut":                {note(1) + "\n" + note(2)[:14] + "\n" + note(3), []int{1, 3}, []string{"line 2, column 15: want a digit"}},
		"cut in a string":    {note(1) + "\n" + note(2)[:28] + "\n" + note(3), []int{1, 3}, []string{"line 2, column 29: want the end of the string"}},
		"two in a line":      {note(1) + note(2) + "\n" + note(3), []int{3}, []string{"line 1, column 58: want the end of the line"}},
		"second in a line":   {head + note(1) + "," + strings.Replace(note(2), `"n":2`, `"n":-2`, 1) + "," + note(3) + "]}", []int{1, 3}, []string{"line 1, column 110: want an integer from 0 to 9223372036854775807"}},
		"out of range":       {strings.Replace(note(1), `"n":1`, `"n":-1`, 1), nil, []string{"line 1, column 15: want an integer from 0 to 9223372036854775807"}},
		"not a number":       {strings.Replace(note(1), `"n":1`, `"n":1.0`, 1), nil, []string{"line 1, column 15: want an integer from 0 to 9223372036854775807"}},
		"leading zero":       {strings.Replace(note(1), `"n":1`, `"n":01`, 1), nil, []string{"line 1, column 15: want a number without leading zeros"}},
		"too large for wire": {`{"t_ns":1,"n":1,"event":"tx","seq":4294967296}`, nil, []string{"line 1, column 36: want an integer from 0 to 4294967295"}},
		"unknown event":      {`{"t_ns":1,"n":1,"event":"boom"}`, nil, []string{"line 1, column 25: want a word that is known here"}},
		"no event":           {`{"t_ns":1,"n":1}`, nil, []string{`line 1, column 1: want the key "event"`}},
		"five blocks":        {`{"event":"tx","sack":[{},{},{},{},{}]}`, nil, []string{"line 1, column 22: want at most four blocks"}},
		"not UTF-8":          {"{\"event\":\"note\",\"text\":\"\xff\"}", nil, []string{"line 1, column 25: want UTF-8"}},
		"control byte":       {"{\"event\":\"note\",\"text\":\"\x01\"}", nil, []string{"line 1, column 25: want no control byte"}},
		"bad escape":         {`{"event":"note","text":"\x"}`, nil, []string{"line 1, column 25: want an escape of RFC 8259"}},
		"bad hexadecimal":    {`{"event":"note","text":"","text_hex":"0g"}`, nil, []string{"line 1, column 38: want hexadecimal digits"}},
		"bytes of a number":  {`{"event":"note","n_hex":"00"}`, nil, []string{"line 1, column 29: want a number that has no bytes"}},
		"too deep":           {`{"x":` + strings.Repeat("[", 20), nil, []string{"line 1, column 21: want fewer values in each other"}},
		"too long":           {`{"x":"` + strings.Repeat("x", 2<<20) + `"}` + "\n" + note(2), []int{2}, []string{"line 1, column 1: want at most 1048576 bytes for an event"}},
		"json: bad row":      {head + "\n" + note(1) + ",\n{\"t_ns\":x},\n" + note(3) + "\n],\"notes\":[]}\n", []int{1, 3}, []string{"line 3, column 9: want a digit"}},
		"json: cut row":      {head + "\n" + note(1) + ",\n{\"t_ns\":\n" + note(3) + "\n]}", []int{1, 3}, []string{"line 3, column 1: want an object that ends"}},
		"json: cut":          {head + "\n" + note(1) + ",\n" + note(2) + "\n", []int{1, 2}, []string{"line 4, column 1: want the end of the list of rows"}},
		"json: cut in a row": {head + "\n" + note(1) + ",\n" + note(2)[:30], []int{1}, []string{"line 3, column 1: want an object that ends"}},
		"json: no rows":      {head + "],\"notes\":[]}", nil, nil},
		"json: cut head":     {`{"schema":"gnet/trace-tcp/2",`, nil, []string{"line 1, column 1: want an object that ends"}},
	} {
		events, bad, err := decode(strings.NewReader(c.text))
		var n []int
		for _, e := range events {
			n = append(n, e.N)
		}
		if d := cmp.Diff(c.n, n); d != "" || err != nil {
			t.Errorf("%s: events %v, want %v; %v", name, n, c.n, err)
		}
		if d := cmp.Diff(c.bad, bad); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestDecode_lastErrors(t *testing.T) {
	for _, text := range []string{`{"schema":"gnet/trace-tcp/1","rows":[` + "\n", `{"t_ns":0,"n":1,"event":"run","schema":"gnet/trace-tcp/1","seed":"1"}`,
		`{"schema":"gnet/netstat/1","rows":[]}`} {
		events, bad, err := decode(strings.NewReader(text))
		if se, ok := errors.AsType[*event.SchemaError](err); !ok || len(events)+len(bad) > 0 || !strings.Contains(text, se.Schema) {
			t.Errorf("%s: %d events, %v, %v", text, len(events), bad, err)
		}
	}
	broken := errors.New("input/output error")
	line := `{"t_ns":0,"n":1,"event":"note"}` + "\n"
	events, bad, err := decode(io.MultiReader(strings.NewReader(line), iotest.ErrReader(broken)))
	if len(events) != 1 || len(bad) != 0 || !errors.Is(err, broken) {
		t.Errorf("%d events, %v, %v", len(events), bad, err)
	}
}

// Breaking off ends the walk, at an event and at a bad line.
func TestDecode_stops(t *testing.T) {
	for _, text := range []string{strings.Repeat(`{"event":"note"}`+"\n", 3), strings.Repeat("x\n", 3)} {
		n := 0
		for range event.Decode(strings.NewReader(text)) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%d steps", n)
		}
	}
}

// FuzzDecode: nothing panics, places are within the text, and what is read and written again is read the same.
func FuzzDecode(f *testing.F) {
	var all []byte
	for _, e := range samples() {
		b := append(event.AppendJSON(nil, &e), '\n')
		f.Add(b)
		all = append(all, b...)
	}
	f.Add(all)
	f.Add([]byte("{\"schema\":\"gnet/trace-tcp/2\",\"rows\":[\n" + strings.ReplaceAll(strings.TrimSpace(string(all)), "\n", ",\n") + "\n],\"notes\":[]}"))
	f.Add([]byte("{\n \"schema\": \"gnet/trace-tcp/2\",\n \"rows\": [\n  {\n   \"event\": \"note\",\n   \"text\": \"\\u00e9\\ud83d\\ude00\\n\"\n  },\n  {\n"))
	f.Add([]byte(`{"event":"note","text":"","text_hex":"ff","x":[1e5,-0.5,null,{"a":"\/\b\f\t\r"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := strings.Split(string(text), "\n")
		var stored []byte
		for e, err := range event.Decode(strings.NewReader(string(text))) {
			if de, ok := errors.AsType[*event.DecodeError](err); ok {
				if de.Line < 1 || de.Line > len(lines)+1 || de.Column < 1 || de.Column > len(text)+1 || de.Want == "" {
					t.Fatalf("%+v", de)
				}
				continue
			}
			if err != nil {
				return
			}
			stored = append(event.AppendJSON(stored, e), '\n')
		}
		var again []byte
		for e, err := range event.Decode(strings.NewReader(string(stored))) {
			if err != nil {
				t.Fatalf("%v\n%s", err, stored)
			}
			again = append(event.AppendJSON(again, e), '\n')
		}
		if string(stored) != string(again) {
			t.Fatalf("%s\nread and written again:\n%s", stored, again)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	var text []byte
	for _, e := range samples() {
		if e.Kind == event.KindTx {
			text = append(event.AppendJSON(text, &e), '\n')
		}
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		decode(strings.NewReader(string(text)))
	}
}
