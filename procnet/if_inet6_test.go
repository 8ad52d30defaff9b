package procnet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inet6AddrText writes a row as the kernel does.
func inet6AddrText(a *Inet6Addr) string {
	return fmt.Sprintf("%x %02x %02x %02x %02x %8s\n", a.Addr.As16(), a.Index, a.PrefixLen, a.Scope, a.Flags, a.Device)
}

func inet6AddrTexts(in string) (text string, errs []string) {
	for a, err := range parseInet6Addrs(strings.NewReader(in), "if_inet6") {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		text += inet6AddrText(a)
	}
	return text, errs
}

func TestInet6Addrs_captures(t *testing.T) {
	for _, c := range captures(t, "if_inet6") {
		got, errs := inet6AddrTexts(string(c.text))
		if diff := cmp.Diff(string(c.text), got); diff != "" || errs != nil {
			t.Errorf("%s: errors %v (-capture +written again):\n%s", c.name, errs, diff)
		}
	}
}

func TestInet6Addrs_badRows(t *testing.T) {
	const good = "20010db8000000000000000000000001 1a2 80 20 80       e0\n"
	got, errs := inet6AddrTexts("garbage\n" + good + "\n20010db800000000000000000000000z 02 40 00 80 lo\n20010db8000000000000000000000001 02 100 00 80 lo\n" +
		"20010db8000000000000000000000001 02 40 00 80\n" + strings.Replace(good, "e0", "e\x1b[\xff", 1))
	if diff := cmp.Diff(good+"20010db8000000000000000000000001 1a2 80 20 80     e\x1b[\xff\n", got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := []string{`if_inet6: line 1: address "garbage": not an address`, `if_inet6: line 3: address: column is missing`,
		`if_inet6: line 4: address "20010db800000000000000000000000z": not an address`,
		`if_inet6: line 5: prefix length "100": number out of range`, `if_inet6: line 6: name: column is missing`}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func FuzzInet6Addrs(f *testing.F) {
	for _, c := range captures(f, "if_inet6") {
		f.Add(c.text)
	}
	f.Add([]byte("20010db8000000000000000000000001 1 40 0 80\n\nx\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		stopAfter(1+len(text)%5, parseInet6Addrs(bytes.NewReader(text), "f"))
		for a, err := range parseInet6Addrs(bytes.NewReader(text), "f") {
			var bad *ParseError
			switch {
			case err != nil && a != nil, err == nil && a == nil:
				t.Fatalf("row %v and error %v", a, err)
			case err != nil && !errors.As(err, &bad):
				t.Fatalf("error that is no ParseError: %v", err)
			case err == nil:
				again, errs := inet6AddrTexts(inet6AddrText(a))
				if diff := cmp.Diff(inet6AddrText(a), again); diff != "" || errs != nil {
					t.Fatalf("written and read again: errors %v (-first +again)\n%s", errs, diff)
				}
			}
		}
	})
}
