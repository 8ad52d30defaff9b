package procnet

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const unixHead = "Num       RefCount Protocol Flags    Type St Inode Path\n"

// kernelUnixRow writes s as the kernel does, from RefCount on.
func kernelUnixRow(s *UnixSocket) string {
	row := fmt.Sprintf("%08X %08X %08X %04X %02X %5d", s.RefCount, s.Protocol, s.Flags, uint16(s.Type), uint8(s.State), s.Inode)
	if s.Path != nil {
		row += " " + string(s.Path)
	}
	return row
}

// collectUnix is collect for rows whose paths live until the next step only.
func collectUnix(rows iter.Seq2[*UnixSocket, error]) (all []UnixSocket, errs []string) {
	for row, err := range rows {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		s := *row
		s.Path = bytes.Clone(row.Path)
		all = append(all, s)
	}
	return all, errs
}

// Every capture, parsed and written again, is the capture: names with newlines
// in them too.
func TestUnix_captures(t *testing.T) {
	for _, c := range captures(t, "unix") {
		rows, errs := collectUnix(parseUnix(bytes.NewReader(c.text), "unix"))
		if errs != nil {
			t.Errorf("%s: %v", c.name, errs)
		}
		var got strings.Builder
		got.WriteString(unixHead)
		for i := range rows {
			got.WriteString("POINTER: " + kernelUnixRow(&rows[i]) + "\n")
		}
		if diff := cmp.Diff(withoutPointers(string(c.text)), got.String()); diff != "" {
			t.Errorf("%s (-capture +written again):\n%s", c.name, diff)
		}
	}
}

// withoutPointers replaces the hashed pointers, which are not kept.
func withoutPointers(text string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		if num, rest, ok := strings.Cut(line, ": "); ok && len(num) == 16 {
			line = "POINTER: " + rest
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestUnix_hostileNames(t *testing.T) {
	rows, errs := collectUnix(parseUnix(bytes.NewReader(mustCapture(t, "unix", "hostile")), "unix"))
	if errs != nil {
		t.Fatal(errs)
	}
	var got []string
	for _, s := range rows {
		if slash := bytes.LastIndexByte(s.Path, '/'); slash >= 0 {
			s.Path = s.Path[slash+1:]
		}
		got = append(got, string(s.Path))
	}
	want := []string{"not-utf8-\xff\xfe", "tab\tand\rreturn", "bidi\u202eoverride", "with blanks  in it ", "new\nline", "two\n\nnewlines\n",
		"\x1b[31mred\x1b[0m", "@" + strings.Repeat("L", 106), "@abstract@with@nul"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnix_badRows(t *testing.T) {
	const num = "00000000c8ad91bf: "
	longest := strings.Repeat("p", maxUnixPath)
	for name, test := range map[string]struct {
		in   string
		rows []string
		errs []string
	}{
		"short":               {num + "2 0 0 1 01", nil, []string{"line 2: Inode: column is missing"}},
		"no colon":            {"xx", nil, []string{`line 2: Num "xx": the row does not begin with a number and a colon`}},
		"type too big":        {num + "2 0 0 10001 1 77", nil, []string{`line 2: Type "10001": number out of range`}},
		"inode in hex":        {num + "2 0 0 1 1 7A", nil, []string{`line 2: Inode "7A": not a decimal number`}},
		"garbage, no path":    {num + "2 0 0 1 1 77\ngarbage", []string{"77"}, []string{`line 3: Num "garbage": the row does not begin with a number and a colon`}},
		"blank path":          {num + "2 0 0 1 1 77 ", []string{"77 \"\""}, nil},
		"path of one blank":   {num + "2 0 0 1 1 77  ", []string{"77 \" \""}, nil},
		"newline":             {num + "2 0 0 1 1 77 a\nb: c\n" + num + "2 0 0 1 1 78", []string{`77 "a\nb: c"`, "78"}, nil},
		"short pointer":       {num + "2 0 0 1 1 77 a\n0: 2 0 0 1 1 78", []string{`77 "a"`, "78"}, nil},
		"looks like a row":    {num + "2 0 0 1 1 77 a\n" + num + "x", []string{`77 "a"`}, []string{`line 3: RefCount "x": not a hexadecimal number`}},
		"only newlines":       {num + "2 0 0 1 1 77 a\n\n\n" + num + "2 0 0 1 1 78", []string{`77 "a\n\n"`, "78"}, nil},
		"longest":             {num + "2 0 0 1 1 77 " + longest, []string{fmt.Sprintf("77 %q", longest)}, nil},
		"too long":            {num + "2 0 0 1 1 77 " + longest + "p", nil, []string{`line 2: Path "` + longest[:64] + `": row is too long`}},
		"longest by newline":  {num + "2 0 0 1 1 77 a\n" + longest[2:], []string{fmt.Sprintf("77 %q", "a\n"+longest[2:])}, nil},
		"too long by newline": {num + "2 0 0 1 1 77 a\n" + longest[1:], []string{`77 "a"`}, []string{`line 3: Num "` + longest[:64] + `": the row does not begin with a number and a colon`}},
		"100 kB":              {num + "2 0 0 1 1 77 a\n" + strings.Repeat("x", 100_000) + "\n" + num + "2 0 0 1 1 78", []string{`77 "a"`, "78"}, []string{`line 3 "` + strings.Repeat("x", 64) + `": row is too long`}},
	} {
		t.Run(name, func(t *testing.T) {
			rows, errs := collectUnix(parseUnix(strings.NewReader(unixHead+test.in+"\n"), "unix"))
			var got []string
			for _, s := range rows {
				text := fmt.Sprint(s.Inode)
				if s.Path != nil {
					text += fmt.Sprintf(" %q", s.Path)
				}
				got = append(got, text)
			}
			var want []string
			for _, e := range test.errs {
				want = append(want, "unix: "+e)
			}
			if diff := cmp.Diff(test.rows, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, errs); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUnix_listening(t *testing.T) {
	for _, test := range []struct {
		s    UnixSocket
		want bool
	}{
		{UnixSocket{Flags: UnixAccepting, State: UnixUnconnected}, true},
		{UnixSocket{Flags: UnixAccepting, State: UnixConnected}, false},
		{UnixSocket{State: UnixUnconnected}, false},
	} {
		if got := test.s.Listening(); got != test.want {
			t.Errorf("%+v: listening %v, want %v", test.s, got, test.want)
		}
	}
}

func FuzzUnix(f *testing.F) {
	for _, c := range captures(f, "unix") {
		f.Add(c.text)
	}
	f.Add([]byte(unixHead + "xx\n0: 2 0 0 1 1 77 a\nb\nc: d\n\n0: 2 0 0 1 1 77 a\n00000000: 2 0 0 1 1 78\n0: 2\n0: 2 0 0 1 1 79 " + strings.Repeat("p", 109)))
	f.Fuzz(func(t *testing.T, text []byte) {
		stopAfter(1+len(text)%5, parseUnix(bytes.NewReader(text), "f"))
		for s, err := range parseUnix(bytes.NewReader(text), "f") {
			var bad *ParseError
			switch {
			case err != nil && s != nil, err == nil && s == nil:
				t.Fatalf("row %v and error %v", s, err)
			case err != nil && !errors.As(err, &bad):
				t.Fatalf("error that is no ParseError: %v", err)
			case err != nil:
			case len(s.Path) > maxUnixPath:
				t.Fatalf("path of %d bytes", len(s.Path))
			default:
				first := []UnixSocket{*s}
				first[0].Path = bytes.Clone(s.Path)
				again, errs := collectUnix(parseUnix(strings.NewReader("00000000c8ad91bf: "+kernelUnixRow(s)+"\n"), "again"))
				if diff := cmp.Diff(first, again); diff != "" || errs != nil {
					t.Fatalf("written and read again: errors %v (-first +again)\n%s", errs, diff)
				}
			}
		}
	})
}
