package man

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	const page = `.\" a comment
.TH NAME 8 2026-11-22 "gnet 0.1.0" "The Manual"
.SH NAME
name \- does it
.SH "TWO WORDS"
One two three four five six seven eight nine ten eleven.
.BR bold ( 8 ),
.I under score
and \fBhalf\fIway\fR.
.PP
.EX
$ keep   these   \e blanks

\(aq\(ga\(ha\(ti\(dq\&
.EE
.TP
.BI \-c " n"
.TQ
.B \-d
Short tag.
.TP 4
.B \-\-longer
Long tag.
.RS
.IP \(bu 2
Inner\ item \(em kept.
.br
Broken.
.RE
.SS Sub
.PP
Done.
.SH LAST
.SS First
End.
`
	const want = `NAME(8)          The Manual           NAME(8)

NAME
       name - does it

TWO WORDS
       One two three four five six seven
       eight nine ten eleven. bold(8), under
       score and halfway.

       $ keep   these   \ blanks

       '` + "`" + `^~"

       -c n
       -d     Short tag.

       --longer
           Long tag.

              * Inner item -- kept.
                Broken.

   Sub
       Done.

LAST
   First
       End.

gnet 0.1.0       2026-11-22           NAME(8)
`
	got, err := Render([]byte(page), Style{Width: 45})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("Render (-want +got)\n%s", diff)
	}
}

func TestRender_bold(t *testing.T) {
	got, err := Render([]byte(".B one two\n.I three\nfour\n"), Style{Width: 80, Bold: true})
	if err != nil {
		t.Fatal(err)
	}
	want := "       \x1b[0;1mone\x1b[0m \x1b[0;1mtwo\x1b[0m \x1b[0;4mthree\x1b[0m four\n"
	if body, _, _ := bytes.Cut(got, []byte("\n\n")); string(body)+"\n" != want {
		t.Errorf("Render = %q, want %q", body, want)
	}
}

func TestRender_refuses(t *testing.T) {
	for page, want := range map[string]string{
		".PP\n.TS\n":                "line 2: unknown macro .TS",
		`a \(lq b` + "\n":           `line 1: unknown escape \(lq`,
		`a \s+1 b` + "\n":           `line 1: unknown escape \s`,
		`a \fCb` + "\n":             `line 1: unknown font escape \fC`,
		`end \` + "\n":              `line 1: unknown escape \`,
		".B\n":                      "line 1: .B: no text on the line",
		".BR \"a b\n":               `line 1: quotes do not close at the end of an argument: "a b`,
		".TP\n.PP\n":                "line 2: .PP where the tag of .TP should be",
		".TP wide\n":                `line 1: indent "wide": 1 to 30 columns are wanted`,
		".TP 99\n":                  `line 1: indent "99": 1 to 30 columns are wanted`,
		".RS\n.RS\n.RS\n.RS\n.RS\n": "line 5: more than 4 .RS in each other",
		".RE\n":                     "line 1: .RE without .RS",
		".EX\nx\n":                  "line 2: .RS or .EX is not closed",
		"'x\n":                      "line 1: line starts with an apostrophe, which roff takes for a macro",
		"a\n\nb\n":                  "line 2: empty line: use .PP",
		"na\u00efve\n":              "line 1: \"\u00ef\" is not printable ASCII",
		".TH NAME 8 today\n":        "line 1: .TH has 3 arguments, want 5",
	} {
		out, err := Render([]byte(page), Style{Width: 80})
		if err == nil || err.Error() != want || out != nil {
			t.Errorf("Render(%q) = %q, %v, want %s", page, out, err, want)
		}
	}
}

func TestPage_unknown(t *testing.T) {
	_, err := Page("nonsense", nil)
	if want := `no manual page for "nonsense"`; fmt.Sprint(err) != want {
		t.Errorf("Page(nonsense): %v, want %s", err, want)
	}
}

// FuzzRender: any source is text or an error that names a line, never both, and
// nothing but printable ASCII and line ends comes out.
func FuzzRender(f *testing.F) {
	for _, topic := range Topics() {
		src, err := files.ReadFile(topic.File)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src, 80)
	}
	f.Add([]byte(".TP 3\n.IP \\(bu 2\n.TQ\n.RS\n.nf\n\\ \\fB\n.fi\n.RE\n.SS x\n.TP\n"), 0)
	f.Fuzz(func(t *testing.T, src []byte, width int) {
		out, err := Render(src, Style{Width: width % 200})
		if (err == nil) != (out != nil) {
			t.Fatalf("text %q and error %v", out, err)
		}
		var where *RoffError
		if err != nil && (!errors.As(err, &where) || where.Line < 1) {
			t.Fatalf("error without a line: %v", err)
		}
		for _, c := range out {
			if c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("byte %#x in %q", c, out)
			}
		}
	})
}
