package man

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDifferences holds the real file to its form.
func TestDifferences(t *testing.T) {
	if _, err := Differences(); err != nil {
		t.Error(err)
	}
}

func TestParseDifferences(t *testing.T) {
	for _, c := range []struct{ rows, problem string }{
		{"a-1\troute x\to\tg\tw\n", ""},
		{"a\troute x\to\tg\tw", "differences.tsv:2: the line has no end"},
		{"a\troute x\to\tg\n", "differences.tsv:2: 4 fields, want 5 with one tab between them"},
		{"a\troute x\to\tg\tw\nb\tping\t\tg\tw\n", `differences.tsv:3: field 3: "" is empty, has blanks at an end, or control bytes`},
		{"a\troute x\to \tg\tw\n", `differences.tsv:2: field 3: "o " is empty, has blanks at an end, or control bytes`},
		{"a\troute \x1bx\to\tg\tw\n", `differences.tsv:2: field 2: "route \x1bx" is empty, has blanks at an end, or control bytes`},
		{"A\troute x\to\tg\tw\n", `differences.tsv:2: id "A": lower case letters, digits and hyphens only`},
		{"a\tss x\to\tg\tw\n", `differences.tsv:2: command line "ss x" starts with no command of ours`},
		{"a\troute x\to\tg\tw\na\tping y\to\tg\tw\n", `differences.tsv:3: id "a" is used twice`},
	} {
		rows, err := parseDifferences([]byte(differencesHead + c.rows))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.problem || (rows != nil) != (c.problem == "") {
			t.Errorf("parseDifferences(%q) = %v, %s, want %s", c.rows, rows, got, c.problem)
		}
	}
	if _, err := parseDifferences([]byte("id\twhy\n")); fmt.Sprint(err) != "differences.tsv:1: the header is not id\tcommand line\toriginal\tgnet\twhy" {
		t.Errorf("wrong header: %v", err)
	}
}

func TestFinish(t *testing.T) {
	rows := []Difference{
		{"one", "ping -x 'a'", `prints \n`, "prints a-b", "it's so."},
		{"two", "route y", "o", "g", "w"},
	}
	page := ".SH COMPATIBILITY\n" + rowsMarker + "ping\n.SH NEXT\n" + rowsMarker + "netstat\n"
	want := `.SH COMPATIBILITY
.TP
\fBone\fR
Seen with \fBping \-x \(aqa\(aq\fR.
.br
The original: prints \en.
.br
gnet: prints a\-b.
.br
Reason: it\(aqs so.
.SH NEXT
.PP
No intended difference is known.
`
	got, err := finish([]byte(page), rows, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("finish (-want +got)\n%s", diff)
	}
}

func TestFinish_keys(t *testing.T) {
	tables := []Table{{"gnet/x/1", "row", []Key{
		{Name: "send_q", Kind: "unsigned", Unit: "bytes", Doc: "what waits, \"so\" far"},
		{Name: "list", Kind: "list", Doc: "inet or none.", Keys: []Key{{Name: "a", Kind: "id", Doc: "The a."}}},
	}}}
	want := `.TP
\fBsend_q\fR (unsigned, bytes)
What waits, "so" far.
.TP
\fBlist\fR (list)
inet or none.
.RS
.TP
\fBa\fR (id)
The a.
.RE
`
	got, err := finish([]byte(keysMarker+"gnet/x/1 row\n"), nil, tables)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("finish (-want +got)\n%s", diff)
	}
	if _, err := finish([]byte(keysMarker+"gnet/x/2 row\n"), nil, tables); fmt.Sprint(err) != `no keys are known for "gnet/x/2 row"` {
		t.Errorf("a marker without a table: %v", err)
	}
	if _, err := Page("json", tables); fmt.Sprint(err) != `the page has no place for the keys of "gnet/x/1 row"` {
		t.Errorf("a table without a marker: %v", err)
	}
}
