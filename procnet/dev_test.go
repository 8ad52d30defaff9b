package procnet

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const devHead = "Inter-|   Receive                                                |  Transmit\n" +
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"

// devText writes a row as the kernel does.
func devText(d *Device) string {
	return fmt.Sprintf("%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d\n", d.Name,
		d.Rx.Bytes, d.Rx.Packets, d.Rx.Errors, d.Rx.Dropped, d.Rx.FIFO, d.Frame, d.Rx.Compressed, d.Multicast,
		d.Tx.Bytes, d.Tx.Packets, d.Tx.Errors, d.Tx.Dropped, d.Tx.FIFO, d.Colls, d.Carrier, d.Tx.Compressed)
}

func devTexts(in string) (text string, errs []string) {
	for d, err := range parseDev(strings.NewReader(in), "dev") {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		text += devText(d)
	}
	return text, errs
}

func TestDevices_captures(t *testing.T) {
	for _, c := range captures(t, "dev") {
		got, errs := devTexts(string(c.text))
		if diff := cmp.Diff(string(c.text), devHead+got); diff != "" || errs != nil {
			t.Errorf("%s: errors %v (-capture +written again):\n%s", c.name, errs, diff)
		}
	}
}

func TestDevices_badRows(t *testing.T) {
	const numbers = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
	got, errs := devTexts(devHead + "lo:" + numbers + "garbage\ne0: 1 2 3\n: " + numbers + "e1: -" + numbers + "\n  e\x1b[\xff:18446744073709551615 " + numbers[2:])
	row := "%6s: %7s       2    3    4    5     6          7         8        9      10   11   12   13    14      15         16\n"
	if diff := cmp.Diff(fmt.Sprintf(row, "lo", "1")+fmt.Sprintf(row, "e\x1b[\xff", "18446744073709551615"), got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	want := []string{`dev: line 4: face "garbage": no colon behind the name of the device`, "dev: line 5: rx drop: column is missing",
		`dev: line 6: face ": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16": no colon behind the name of the device`,
		`dev: line 7: rx bytes "-1": not a decimal number`, "dev: line 8: face: no colon behind the name of the device"}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func FuzzDevices(f *testing.F) {
	for _, c := range captures(f, "dev") {
		f.Add(c.text)
	}
	f.Add([]byte("lo:1 2\n: 1\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		stopAfter(1+len(text)%5, parseDev(bytes.NewReader(text), "f"))
		for d, err := range parseDev(bytes.NewReader(text), "f") {
			var bad *ParseError
			switch {
			case err != nil && d != nil, err == nil && d == nil:
				t.Fatalf("row %v and error %v", d, err)
			case err != nil && !errors.As(err, &bad):
				t.Fatalf("error that is no ParseError: %v", err)
			case err == nil:
				again, errs := devTexts(devHead + devText(d))
				if diff := cmp.Diff(devText(d), again); diff != "" || errs != nil {
					t.Fatalf("written and read again: errors %v (-first +again)\n%s", errs, diff)
				}
			}
		}
	})
}
