package routes

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"iter"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/procfile"
)

// gathered is what a walk yielded: copies of the rows, the bad rows, and the error that ended it.
type gathered[T any] struct {
	Rows []T
	Bad  []string
	End  string
}

func gather[T any](rows iter.Seq2[*T, error]) gathered[T] {
	var g gathered[T]
	for row, err := range rows {
		var bad *procfile.ParseError
		switch {
		case err == nil:
			g.Rows = append(g.Rows, *row)
		case errors.As(err, &bad):
			g.Bad = append(g.Bad, bad.Error())
		default:
			g.End = err.Error()
		}
	}
	return g
}

func gatherIPv4(r io.Reader) gathered[IPv4Row] {
	return gather(func(yield func(*IPv4Row, error) bool) { walkIPv4(procfile.Rows(r, "route"), "route", yield) })
}

var compareAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func TestIPv4File_everyKindOfRow(t *testing.T) {
	row := func(iface, dst, gateway, mask string, flags RouteFlags) IPv4Row {
		return IPv4Row{Iface: iface, Destination: addr(dst), Gateway: addr(gateway), Mask: addr(mask), Flags: flags}
	}
	huge := row("d0", "25.0.0.0", "10.50.0.2", "255.0.0.0", 3)
	huge.Metric = 4294967295
	tuned := row("d0", "28.0.0.0", "10.50.0.2", "255.0.0.0", 3)
	tuned.MTU, tuned.Window, tuned.IRTT = 1240, 4000, 6
	want := gathered[IPv4Row]{Rows: []IPv4Row{
		row("d0", "0.0.0.0", "10.50.0.3", "0.0.0.0", FlagUp|FlagGateway),
		row("d0", "0.0.0.0", "10.50.0.2", "0.0.0.0", FlagUp|FlagGateway),
		row("d0", "10.50.0.0", "0.0.0.0", "255.255.255.0", FlagUp),
		row("d1", "10.51.0.0", "0.0.0.0", "255.255.255.0", FlagUp),
		row("d1", "10.52.0.2", "0.0.0.0", "255.255.255.255", FlagUp|FlagHost),
		row("*", "20.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp),
		row("*", "21.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp|FlagReject),
		row("*", "22.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp|FlagReject),
		row("*", "23.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp),
		row("d0", "24.0.0.0", "10.50.0.2", "255.0.0.0", FlagUp|FlagGateway),
		huge,
		row("d0", "26.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp|FlagGateway),
		row("d0", "27.0.0.0", "10.50.0.2", "255.0.0.0", FlagUp|FlagGateway),
		tuned,
		row("d0", "30.0.0.0", "99.1.1.1", "255.0.0.0", FlagUp|FlagGateway),
		row("e\x1b[31mR\xff", "33.0.0.0", "0.0.0.0", "255.0.0.0", FlagUp),
		row("lo", "127.5.0.0", "0.0.0.0", "255.255.0.0", FlagUp),
	}}
	text := mustCapture(t, "route", "6.18-x86_64-kinds.txtar")
	if diff := cmp.Diff(want, gatherIPv4(bytes.NewReader(text)), compareAddrs); diff != "" {
		t.Errorf("rows (-want +got)\n%s", diff)
	}
	// The kernel hands out a file in pieces of any size.
	if diff := cmp.Diff(want, gatherIPv4(iotest.OneByteReader(bytes.NewReader(text))), compareAddrs); diff != "" {
		t.Errorf("byte by byte (-want +got)\n%s", diff)
	}
}

const (
	ipv4Header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
	ipv4Good   = "d0\t0000320A\t00000000\t0001\t0\t0\t7\t00FFFFFF\t0\t0\t0\n"
)

func TestIPv4File_badRows(t *testing.T) {
	good := IPv4Row{Iface: "d0", Destination: addr("10.50.0.0"), Gateway: addr("0.0.0.0"), Mask: addr("255.255.255.0"), Flags: 1, Metric: 7}
	for _, c := range []struct{ name, line, want string }{
		{"no hexadecimal digit", "d0\tZZ00320A\t0\t1\t0\t0\t0\t0\t0\t0\t0\n", `route: line 3: Destination "ZZ00320A": not an address`},
		{"too few digits", "d0\t320A\t0\t1\t0\t0\t0\t0\t0\t0\t0\n", `route: line 3: Destination "320A": not an address`},
		{"too few columns", "d0\t0000320A\t00000000\t0001\n", `route: line 3: RefCnt: column is missing`},
		{"blank", "\n", `route: line 3: Iface: column is missing`},
		{"metric beyond 32 bits", "d0\t0000320A\t00000000\t0001\t0\t0\t4294967296\t00FFFFFF\t0\t0\t0\n", `route: line 3: Metric "4294967296": number out of range`},
		{"decimal where it is hexadecimal", "d0\t0000320A\t00000000\t0001\t0\tA\t0\t00FFFFFF\t0\t0\t0\n", `route: line 3: Use "A": not a decimal number`},
		{"100 kB", strings.Repeat("x", 100_000) + "\n", `route: line 3 "` + strings.Repeat("x", 64) + `": row is too long`},
		{"only control bytes", "\x00\x1b\xff\n", `route: line 3: Destination: column is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := gathered[IPv4Row]{Rows: []IPv4Row{good, good}, Bad: []string{c.want}}
			got := gatherIPv4(strings.NewReader(ipv4Header + ipv4Good + c.line + ipv4Good))
			if diff := cmp.Diff(want, got, compareAddrs); diff != "" {
				t.Errorf("rows (-want +got)\n%s", diff)
			}
		})
	}
}

func TestIPv4File_header(t *testing.T) {
	for _, c := range []struct{ name, text, end string }{
		{"empty", "", "route does not contain required field Iface"},
		{"a column is missing", "Iface\tDest\n" + ipv4Good, "route does not contain required field Destination"},
		{"the last is missing", strings.Replace(ipv4Header, "\tIRTT", "", 1), "route does not contain required field IRTT"},
	} {
		if got := gatherIPv4(strings.NewReader(c.text)); cmp.Diff(gathered[IPv4Row]{End: c.end}, got, compareAddrs) != "" {
			t.Errorf("%s: %+v, want only %q", c.name, got, c.end)
		}
	}
	// Columns are found by name: in another order, with a new one between them.
	text := "Metric\tNew\tDestination\tIface\tGateway\tFlags\tRefCnt\tUse\tMask\tMTU\tWindow\tIRTT\n" +
		"77\t?\t0000010A\teth0\t0100010A\t0003\t1\t2\t00FFFFFF\t4\t5\t6\n"
	want := gathered[IPv4Row]{Rows: []IPv4Row{{Iface: "eth0", Destination: addr("10.1.0.0"), Gateway: addr("10.1.0.1"),
		Mask: addr("255.255.255.0"), Flags: 3, RefCnt: 1, Use: 2, Metric: 77, MTU: 4, Window: 5, IRTT: 6}}}
	if diff := cmp.Diff(want, gatherIPv4(strings.NewReader(text)), compareAddrs); diff != "" {
		t.Errorf("another order (-want +got)\n%s", diff)
	}
}

var errTorn = errors.New("input/output error")

func TestIPv4File_readErrorInMidFile(t *testing.T) {
	text := ipv4Header + ipv4Good + "d1\t0000"
	got := gatherIPv4(io.MultiReader(strings.NewReader(text), iotest.ErrReader(errTorn)))
	if len(got.Rows) != 1 || got.Bad != nil || got.End != errTorn.Error() {
		t.Errorf("the whole row and then the error, got %+v", got)
	}
	got = gatherIPv4(iotest.ErrReader(errTorn))
	if cmp.Diff(gathered[IPv4Row]{End: errTorn.Error()}, got, compareAddrs) != "" {
		t.Errorf("one error, got %+v", got)
	}
}

func TestIPv4File_missingFile(t *testing.T) {
	for _, err := range IPv4File(procfile.At(t.TempDir())) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("no error")
}

// TestIPv4File_stopsEarly: leaving the loop ends the walk, also behind a bad row and behind the header's error.
func TestIPv4File_stopsEarly(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "net"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{ipv4Header + ipv4Good + ipv4Good, ipv4Header + "bad\nbad\n", "bad\n" + ipv4Good} {
		if err := os.WriteFile(filepath.Join(dir, "net", "route"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		steps := 0
		for range IPv4File(procfile.At(dir)) {
			steps++
			break
		}
		if steps != 1 {
			t.Errorf("%q: %d steps", text, steps)
		}
	}
}

// TestIPv4File_allocations: rows cost no memory, so a million of them fit where one does.
func TestIPv4File_allocations(t *testing.T) {
	perWalk := func(rows int) float64 {
		text := []byte(ipv4Header + strings.Repeat(ipv4Good, rows))
		return testing.AllocsPerRun(5, func() {
			n := 0
			walkIPv4(procfile.Rows(bytes.NewReader(text), "route"), "route", func(row *IPv4Row, err error) bool {
				n++
				return err == nil
			})
			if n != rows {
				t.Fatalf("%d rows", n)
			}
		})
	}
	if one, many := perWalk(1), perWalk(10_000); many > one {
		t.Errorf("%v allocations for one row, %v for 10,000", one, many)
	}
}

// FuzzIPv4File: no input panics; a row is whole or bad; rows and bad rows together are the lines behind the header.
func FuzzIPv4File(f *testing.F) {
	for _, text := range captures(f, "route") {
		f.Add(text)
	}
	f.Add([]byte(ipv4Header + "bad\n" + ipv4Good + "d0\t0000320A\n"))
	f.Add([]byte("Iface\tDest\n"))
	f.Add([]byte("Metric\tNew\tDestination\tIface\tGateway\tFlags\tRefCnt\tUse\tMask\tMTU\tWindow\tIRTT\n1\t?\t0000010A\te\t0100010A\t0003\t-1\t2\t0\t4\t5\t6\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := gatherIPv4(bytes.NewReader(text))
		if got.End != "" {
			if len(got.Rows) > 0 {
				t.Errorf("rows in front of %q", got.End)
			}
			return
		}
		lines := bytes.Count(text, []byte("\n"))
		if len(text) > 0 && text[len(text)-1] != '\n' {
			lines++
		}
		if n := len(got.Rows) + len(got.Bad); n > lines-1 {
			t.Errorf("%d rows and bad rows from %d lines", n, lines)
		}
		for _, r := range got.Rows {
			if !r.Destination.Is4() || !r.Gateway.Is4() || !r.Mask.Is4() || r.Iface == "" {
				t.Errorf("half a row: %+v", r)
			}
		}
	})
}

func BenchmarkIPv4File(b *testing.B) {
	text := []byte(ipv4Header + strings.Repeat(ipv4Good, 100_000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		walkIPv4(procfile.Rows(bytes.NewReader(text), "route"), "route", func(_ *IPv4Row, err error) bool { n++; return err == nil })
		if n != 100_000 {
			b.Fatal(n)
		}
	}
}
