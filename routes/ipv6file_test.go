package routes

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/procfile"
)

func gatherIPv6(r io.Reader) gathered[IPv6Row] {
	return gather(func(yield func(*IPv6Row, error) bool) { walkIPv6(procfile.Rows(r, "ipv6_route"), yield) })
}

func TestIPv6File_everyKindOfRow(t *testing.T) {
	got := gatherIPv6(bytes.NewReader(mustCapture(t, "ipv6_route", "6.18-x86_64-kinds.txtar")))
	if got.Bad != nil || got.End != "" || len(got.Rows) != 33 {
		t.Fatalf("%d rows, bad %v, end %q", len(got.Rows), got.Bad, got.End)
	}
	row := func(dst string, bits uint8, hop string, metric uint32, flags RouteFlags, iface string) IPv6Row {
		return IPv6Row{Destination: addr(dst), DestLen: bits, Source: addr("::"), NextHop: addr(hop), Metric: metric, Flags: flags, Iface: iface}
	}
	sourced := row("2001:db8:a4::", 48, "2001:db8:50::2", 1024, FlagUp|FlagGateway, "d0")
	sourced.Source, sourced.SourceLen = addr("2001:db8:50::"), 64
	for _, want := range []IPv6Row{
		row("2001:db8:a0::", 48, "::", 1024, FlagReject|FlagNonexthop, "lo"),
		row("2001:db8:a3::", 48, "2001:db8:50::3", 1024, FlagUp|FlagGateway, "d0"),
		sourced,
		row("2001:db8:a5::", 48, "2001:db8:50::2", 1024, FlagUp|FlagGateway|FlagExpires, "d0"),
		row("2001:db8:a6::", 48, "2001:db8:50::2", 4294967295, FlagUp|FlagGateway, "d0"),
		row("2001:db8:a9::", 48, "::", 1024, FlagUp, "e\x1b[31mR\xff"),
		row("::1", 128, "::", 0, FlagUp|FlagNonexthop|0x80000000, "lo"),
		row("::", 0, "::", 4294967295, FlagReject|FlagNonexthop, "lo"),
	} {
		found := false
		for _, r := range got.Rows {
			r.RefCnt = 0 // not of the route but of who uses it
			found = found || r == want
		}
		if !found {
			t.Errorf("no row %+v", want)
		}
	}
}

const (
	ipv6Zero = "00000000000000000000000000000000"
	ipv6Good = "20010db8005000000000000000000000 40 " + ipv6Zero + " 00 " + ipv6Zero + " 00000100 00000001 00000000 00000001       d0\n"
)

func TestIPv6File_badRows(t *testing.T) {
	good := IPv6Row{Destination: addr("2001:db8:50::"), DestLen: 64, Source: addr("::"), NextHop: addr("::"), Metric: 256, RefCnt: 1, Flags: 1, Iface: "d0"}
	for _, c := range []struct{ name, line, want string }{
		{"no hexadecimal digit", strings.Replace(ipv6Good, "2001", "200z", 1), `ipv6_route: line 2: destination "200z0db8005000000000000000000000": not an address`},
		{"too few columns", ipv6Good[:80] + "\n", `ipv6_route: line 2: next hop "00000000": not an address`},
		{"prefix too long", strings.Replace(ipv6Good, " 40 ", " 81 ", 1), "ipv6_route: line 2: plen: prefix length out of range"},
		{"source prefix too long", strings.Replace(ipv6Good, " 00 ", " ff ", 1), "ipv6_route: line 2: source plen: prefix length out of range"},
		{"metric beyond 32 bits", strings.Replace(ipv6Good, "00000100", "100000100", 1), `ipv6_route: line 2: metric "100000100": number out of range`},
		{"blank", "\n", "ipv6_route: line 2: destination: column is missing"},
		{"100 kB", strings.Repeat("x", 100_000) + "\n", `ipv6_route: line 2 "` + strings.Repeat("x", 64) + `": row is too long`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := gathered[IPv6Row]{Rows: []IPv6Row{good, good}, Bad: []string{c.want}}
			if diff := cmp.Diff(want, gatherIPv6(strings.NewReader(ipv6Good+c.line+ipv6Good)), compareAddrs); diff != "" {
				t.Errorf("rows (-want +got)\n%s", diff)
			}
		})
	}
}

// TestIPv6File_noDevice: a route without a device ends after its flags.
func TestIPv6File_noDevice(t *testing.T) {
	got := gatherIPv6(strings.NewReader(strings.Replace(ipv6Good, "      d0", "        ", 1)))
	if len(got.Rows) != 1 || got.Rows[0].Iface != "" || got.Bad != nil {
		t.Errorf("got %+v", got)
	}
}

func TestIPv6File_readErrorInMidFile(t *testing.T) {
	got := gatherIPv6(io.MultiReader(strings.NewReader(ipv6Good+ipv6Good[:50]), iotest.ErrReader(errTorn)))
	if len(got.Rows) != 1 || got.Bad != nil || got.End != errTorn.Error() {
		t.Errorf("the whole row and then the error, got %+v", got)
	}
}

// FuzzIPv6File: no input panics; a row is whole or bad.
func FuzzIPv6File(f *testing.F) {
	for _, text := range captures(f, "ipv6_route") {
		f.Add(text)
	}
	f.Add([]byte("bogus\n" + ipv6Good + strings.Replace(ipv6Good, " 40 ", " 81 ", 1) + strings.Replace(ipv6Good, " 00 ", " ff ", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		got := gatherIPv6(bytes.NewReader(text))
		if got.End != "" {
			t.Errorf("bytes in memory cannot fail: %s", got.End)
		}
		if n, lines := len(got.Rows)+len(got.Bad), bytes.Count(text, []byte("\n"))+1; n > lines {
			t.Errorf("%d rows and bad rows from %d lines", n, lines)
		}
		for _, r := range got.Rows {
			if r.DestLen > 128 || r.SourceLen > 128 || !r.Destination.Is6() || !r.Source.Is6() || !r.NextHop.Is6() {
				t.Errorf("impossible row: %+v", r)
			}
		}
	})
}
