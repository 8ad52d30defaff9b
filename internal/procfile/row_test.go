package procfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRow_columns(t *testing.T) {
	row := RowOf("f", 1, []byte("  a\tbb   \x00c \r"))
	var got []string
	for col := row.Next(); col != nil; col = row.Next() {
		got = append(got, string(col))
	}
	if diff := cmp.Diff([]string{"a", "bb", "\x00c", "\r"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := row.Err(); err != nil {
		t.Errorf("the end of the row is an error only for Column: %v", err)
	}
}

// show reads one column with read and says what came of it.
func show[T any](read func(*Row, string) T) func(string) string {
	return func(text string) string {
		row := RowOf("f", 7, []byte(text))
		v := read(&row, "col")
		if err := row.Err(); err != nil {
			return err.Error()
		}
		return fmt.Sprint(v)
	}
}

func TestRow_notations(t *testing.T) {
	hexPair := func(r *Row, name string) string {
		a, b := r.HexPair(name)
		return fmt.Sprintf("%#x %#x", a, b)
	}
	hexTimer := func(r *Row, name string) string {
		kind, when := r.HexTimer(name)
		return fmt.Sprintf("%#x %#x", kind, when)
	}
	for _, test := range []struct {
		reader string
		read   func(string) string
		in     string
		want   string
	}{
		{"Hex32", show((*Row).Hex32), "0201", "513"},
		{"Hex32", show((*Row).Hex32), "fFfFffff", "4294967295"},
		{"Hex32", show((*Row).Hex32), "000000001", "1"},
		{"Hex32", show((*Row).Hex32), "100000000", `f: line 7: col "100000000": number out of range`},
		{"Hex32", show((*Row).Hex32), "1g", `f: line 7: col "1g": not a hexadecimal number`},
		{"Hex32", show((*Row).Hex32), "0x1", `f: line 7: col "0x1": not a hexadecimal number`},
		{"Hex32", show((*Row).Hex32), "@@", `f: line 7: col "@@": not a hexadecimal number`},
		{"Hex32", show((*Row).Hex32), "", `f: line 7: col: column is missing`},
		{"Hex64", show((*Row).Hex64), "ffffffffffffffff", "18446744073709551615"},
		{"Hex64", show((*Row).Hex64), "10000000000000000", `f: line 7: col "10000000000000000": number out of range`},
		{"Dec32", show((*Row).Dec32), "4294967295", "4294967295"},
		{"Dec32", show((*Row).Dec32), "4294967296", `f: line 7: col "4294967296": number out of range`},
		{"Dec32", show((*Row).Dec32), "-1", `f: line 7: col "-1": not a decimal number`},
		{"Dec32", show((*Row).Dec32), "1a", `f: line 7: col "1a": not a decimal number`},
		{"Dec64", show((*Row).Dec64), "18446744073709551615", "18446744073709551615"},
		{"Dec64", show((*Row).Dec64), "18446744073709551616", `f: line 7: col "18446744073709551616": number out of range`},
		{"Int32", show((*Row).Int32), "-2147483648", "-2147483648"},
		{"Int32", show((*Row).Int32), "2147483647", "2147483647"},
		{"Int32", show((*Row).Int32), "2147483648", `f: line 7: col "2147483648": number out of range`},
		{"Int32", show((*Row).Int32), "-", `f: line 7: col "-": not a decimal number`},
		{"HexPair", show(hexPair), "0000000A:ffffffff", "0xa 0xffffffff"},
		{"HexPair", show(hexPair), "0:100000000", `f: line 7: col "0:100000000": number out of range`},
		{"HexTimer", show(hexTimer), "0A:ffffffffff", "0xa 0xffffffffff"},
		{"HexTimer", show(hexTimer), "100:0", `f: line 7: col "100:0": number out of range`},
		{"Hex8", show((*Row).Hex8), "FF", "255"},
		{"Hex8", show((*Row).Hex8), "100", `f: line 7: col "100": number out of range`},
		{"Hex16", show((*Row).Hex16), "FFFF", "65535"},
		{"Hex16", show((*Row).Hex16), "10000", `f: line 7: col "10000": number out of range`},
		{"HexPair", show(hexPair), "A", `f: line 7: col "A": not a hexadecimal number`},
		{"HexPair", show(hexPair), "100000000:0", `f: line 7: col "100000000:0": number out of range`},
		{"HexPair", show(hexPair), "0:0:0", `f: line 7: col "0:0:0": not a hexadecimal number`},
		{"AddrPort4", show((*Row).AddrPort4), "00000000:0FFF", "0.0.0.0:4095"},
		{"AddrPort4", show((*Row).AddrPort4), "00000000:FFFF", "0.0.0.0:65535"},
		{"AddrPort4", show((*Row).AddrPort4), "00000000:10000", `f: line 7: col "00000000:10000": number out of range`},
		{"AddrPort4", show((*Row).AddrPort4), "0000000:0FFF", `f: line 7: col "0000000:0FFF": not an address`},
		{"AddrPort4", show((*Row).AddrPort4), "0000000O:0FFF", `f: line 7: col "0000000O:0FFF": not an address`},
		{"AddrPort4", show((*Row).AddrPort4), "00000000", `f: line 7: col "00000000": not a hexadecimal number`},
		{"AddrPort6", show((*Row).AddrPort6), strings.Repeat("0", 32) + ":0016", "[::]:22"},
		{"AddrPort6", show((*Row).AddrPort6), strings.Repeat("0", 31) + ":0016", `f: line 7: col "` + strings.Repeat("0", 31) + `:0016": not an address`},
		{"AddrPort6", show((*Row).AddrPort6), strings.Repeat("z", 32) + ":0016", `f: line 7: col "` + strings.Repeat("z", 32) + `:0016": not an address`},
		{"Net6", show((*Row).Net6), "20010db8000000000000000000000001", "2001:db8::1"},
		{"Net6", show((*Row).Net6), "20010db800000000000000000000000x", `f: line 7: col "20010db800000000000000000000000x": not an address`},
		{"Net6", show((*Row).Net6), "2001", `f: line 7: col "2001": not an address`},
		{"Word4", show((*Row).Word4), "FFFFFFFF", "255.255.255.255"},
		{"Word4", show((*Row).Word4), "*", `f: line 7: col "*": not an address`},
	} {
		if got := test.read(test.in); got != test.want {
			t.Errorf("%s(%q) = %s, want %s", test.reader, test.in, got, test.want)
		}
	}
}

// Words of addresses are in host order: the same text is another address on a machine of the other byte order.
func TestAddrWords_hostOrder(t *testing.T) {
	v4, v6 := "0100007F", "B80D0120785634120000000001000000"
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		v4, v6 = "7F000001", "20010DB8123456780000000000000001"
	}
	a4, err4 := AddrWord4([]byte(v4))
	a6, err6 := AddrWords6([]byte(v6))
	got := []string{a4.String(), a6.String()}
	if diff := cmp.Diff([]string{"127.0.0.1", "2001:db8:1234:5678::1"}, got); diff != "" || err4 != nil || err6 != nil {
		t.Errorf("errors %v, %v (-want +got):\n%s", err4, err6, diff)
	}
}

func TestRow_firstFailureIsKept(t *testing.T) {
	row := RowOf("f", 3, []byte("12 x y"))
	if n := row.Dec32("uid"); n != 12 {
		t.Errorf("uid = %d, want 12", n)
	}
	row.Dec32("timeout")
	row.Hex32("inode")
	row.Column("ref")
	want := &ParseError{File: "f", Line: 3, Column: "timeout", Text: "x", Err: ErrNotDecimal}
	var got *ParseError
	if !errors.As(row.Err(), &got) {
		t.Fatalf("Err() = %v, want a *ParseError", row.Err())
	}
	if diff := cmp.Diff(want.Error(), got.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !errors.Is(got, ErrNotDecimal) {
		t.Errorf("%v is not ErrNotDecimal", got)
	}
}

func TestParseError_quotesWhatItShows(t *testing.T) {
	row := RowOf("/proc/net/unix", 2, []byte("\x1b[31m"+strings.Repeat("y", 200)))
	row.Hex32("Num")
	want := `/proc/net/unix: line 2: Num "\x1b[31m` + strings.Repeat("y", textLimit-5) + `": not a hexadecimal number`
	if got := row.Err().Error(); got != want {
		t.Errorf("message = %s\nwant      %s", got, want)
	}
}

func TestRow_allocatesNothing(t *testing.T) {
	text := []byte("   3: 0100007F:1F90 00000000:0000 0A 00000000:00000001 00:00000000 00000000     0        0 58366")
	n := testing.AllocsPerRun(100, func() {
		row := RowOf("f", 1, text)
		row.Column("sl")
		row.AddrPort4("local_address")
		row.AddrPort4("rem_address")
		row.Hex32("st")
		row.HexPair("tx_queue:rx_queue")
		row.HexTimer("tr:tm->when")
		row.Hex32("retrnsmt")
		row.Dec32("uid")
		row.Int32("timeout")
		row.Dec64("inode")
		if err := row.Err(); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("reading a row allocates %v times, want 0", n)
	}
}

func TestRoot(t *testing.T) {
	dir := t.TempDir()
	captured, mounted := filepath.Join(dir, "captured"), filepath.Join(dir, "mounted")
	for _, d := range []string{filepath.Join(captured, "net"), filepath.Join(mounted, "net"), filepath.Join(mounted, "1", "net")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := []string{At("").Net("tcp"), At("/proc/").Net("tcp"), At(captured).Net("tcp"), At(mounted).Net("tcp"),
		At("").Path("42", "fd"), At(mounted).Path("42", "fd"), Root{}.Net("tcp")}
	want := []string{"/proc/net/tcp", "/proc/net/tcp", captured + "/net/tcp", mounted + "/1/net/tcp",
		"/proc/42/fd", mounted + "/42/fd", "/proc/net/tcp"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bool{true, true, false}, []bool{At("").IsLive(), At("/proc").IsLive(), At(captured).IsLive()}); diff != "" {
		t.Errorf("IsLive (-want +got):\n%s", diff)
	}
	if _, err := At(captured).OpenNet("tcp"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenNet of a missing file: %v, want fs.ErrNotExist", err)
	}
}
