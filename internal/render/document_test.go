package render

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type sample struct {
	name   string
	count  int
	known  bool
	owners []string
}

var sampleColumns = []Column[sample]{
	{Field{Name: "name", Kind: String}, func(s *sample, v *Value) { v.Str(s.name) }},
	{Field{Name: "count", Kind: Int}, func(s *sample, v *Value) {
		if s.known {
			v.Int(int64(s.count))
		}
	}},
	{Field{Name: "id", Kind: ID}, func(_ *sample, v *Value) { v.ID(1<<64 - 1) }},
	{Field{Name: "wait_ns", Kind: Duration}, func(_ *sample, v *Value) { v.Duration(1500 * time.Microsecond) }},
	{Field{Name: "at", Kind: Time}, func(_ *sample, v *Value) { v.Time(time.Unix(1, 500)) }},
	{Field{Name: "addr", Kind: Addr}, func(_ *sample, v *Value) { v.Addr(netip.MustParseAddr("fe80::1%eth0")) }},
	{Field{Name: "owners", Kind: List, Sub: []Field{{Name: "comm", Kind: String}, {Name: "up", Kind: Bool}}}, func(s *sample, v *Value) {
		v.EmptyList()
		for _, o := range s.owners {
			object := v.Object(2)
			object[0].Str(o)
			object[1].Bool(true)
		}
	}},
}

func writeSamples(t *testing.T, f Format) string {
	t.Helper()
	var b strings.Builder
	d := NewDocument(&b, f, "gnet/sample/1")
	rows := NewRows(d, sampleColumns)
	for _, s := range []sample{
		{name: "plain", count: -3, known: true, owners: []string{"a", "b,\"c\""}},
		{name: "\x1b[2J\xff\u202e\u009b", known: false},
	} {
		if err := rows.Write(&s); err != nil {
			t.Fatal(err)
		}
	}
	Summary(d, sampleColumns[:1], &sample{name: "end"})
	d.Note("warning", "line 3: bad\nrow")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDocument_json(t *testing.T) {
	got := writeSamples(t, JSON)
	want := `{"schema":"gnet/sample/1","rows":[
{"name":"plain","count":-3,"id":"18446744073709551615","wait_ns":1500000,"at":"1970-01-01T00:00:01.000000500Z","addr":"fe80::1%eth0","owners":[{"comm":"a","up":true},{"comm":"b,\"c\"","up":true}]},
{"name":"\u001b[2J\ufffd\u202e\u009b","name_hex":"1b5b324affe280aec29b","id":"18446744073709551615","wait_ns":1500000,"at":"1970-01-01T00:00:01.000000500Z","addr":"fe80::1%eth0","owners":[]}
],"summary":{"name":"end"},"notes":[{"level":"warning","text":"line 3: bad\u000arow"}]}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("json (-want +got)\n%s", diff)
	}
	if !json.Valid([]byte(got)) {
		t.Error("not valid JSON")
	}
}

func TestDocument_jsonl(t *testing.T) {
	var kinds []string
	for line := range strings.Lines(writeSamples(t, JSONL)) {
		var object struct{ Kind string }
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		kinds = append(kinds, object.Kind)
	}
	if diff := cmp.Diff([]string{"row", "row", "summary", "note"}, kinds); diff != "" {
		t.Errorf("kinds (-want +got)\n%s", diff)
	}
}

func TestDocument_csv(t *testing.T) {
	records, err := csv.NewReader(strings.NewReader(writeSamples(t, CSV))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"name", "count", "id", "wait_ns", "at", "addr", "owners"},
		{"plain", "-3", "18446744073709551615", "1500000", "1970-01-01T00:00:01.000000500Z", "fe80::1%eth0", `[{"comm":"a","up":true},{"comm":"b,\"c\"","up":true}]`},
		{"\x1b[2J\xff\u202e\u009b", "", "18446744073709551615", "1500000", "1970-01-01T00:00:01.000000500Z", "fe80::1%eth0", "[]"},
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("csv (-want +got)\n%s", diff)
	}
}

func TestDocument_table(t *testing.T) {
	t.Setenv("LC_ALL", "zh_CN.UTF-8") // box drawing must not be taken for wide characters
	got := writeSamples(t, Table)
	want := `┌─────────────────────────────────┬───────┬──────────────────────┬─────────┬────────────────────────────────┬──────────────┬───────────────────┐
│ name                            │ count │ id                   │ wait_ns │ at                             │ addr         │ owners            │
├─────────────────────────────────┼───────┼──────────────────────┼─────────┼────────────────────────────────┼──────────────┼───────────────────┤
│ plain                           │    -3 │ 18446744073709551615 │ 1500000 │ 1970-01-01T00:00:01.000000500Z │ fe80::1%eth0 │ a/true b,"c"/true │
│ \x1b[2J\xff\xe2\x80\xae\xc2\x9b │     - │ 18446744073709551615 │ 1500000 │ 1970-01-01T00:00:01.000000500Z │ fe80::1%eth0 │ -                 │
└─────────────────────────────────┴───────┴──────────────────────┴─────────┴────────────────────────────────┴──────────────┴───────────────────┘
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got)\n%s", diff)
	}
}

type failingWriter struct{ after int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestDocument_writeError(t *testing.T) {
	for _, f := range []Format{Table, JSON, JSONL, CSV} {
		d := NewDocument(&failingWriter{after: 100}, f, "gnet/sample/1")
		rows := NewRows(d, sampleColumns)
		for range 1000 {
			rows.Write(&sample{name: "x", known: true})
		}
		if err := d.Close(); !errors.Is(err, errFull) {
			t.Errorf("%v: Close = %v, want %v", f, err, errFull)
		}
	}
}

func TestClassicPadding(t *testing.T) {
	for _, c := range []struct{ want, got string }{
		{"ab   |", string(Left(nil, "ab", 5)) + "|"},
		{"abcdef|", string(Left(nil, "abcdef", 5)) + "|"},
		{"   ab|", string(Right(nil, "ab", 5)) + "|"},
		{"-7   |", string(LeftInt(nil, -7, 5)) + "|"},
		{"   -7|", string(RightInt(nil, -7, 5)) + "|"},
		{"123456|", string(RightInt(nil, 123456, 5)) + "|"},
		{strings.Repeat(" ", 150) + "x|", string(Right(nil, "x", 151)) + "|"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
