package procnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// groupText is a membership on one line.
func groupText(g *Group) string {
	return fmt.Sprintf("%v %d %s %s %d", g.V6, g.Index, g.Device, g.Addr, g.Users)
}

func collectGroups(rows iter.Seq2[*Group, error]) (all, errs []string) {
	for g, err := range rows {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		all = append(all, groupText(g))
	}
	return all, errs
}

// Every capture, parsed and written again, is the capture as far as it is kept.
func TestGroups_captures(t *testing.T) {
	for _, c := range captures(t, "igmp6") {
		var got strings.Builder
		for g, err := range parseIGMP6(bytes.NewReader(c.text), "igmp6") {
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			fmt.Fprintf(&got, "%-4d %-15s %x %5d\n", g.Index, g.Device, g.Addr.As16(), g.Users)
		}
		var want strings.Builder
		for line := range strings.Lines(string(c.text)) {
			fields := strings.Fields(line)
			want.WriteString(strings.TrimSuffix(line, " "+strings.Join(fields[4:], " ")+"\n") + "\n")
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s (-capture +written again):\n%s", c.name, diff)
		}
	}
	for _, c := range captures(t, "igmp") {
		var got, want strings.Builder
		for g, err := range parseIGMP(bytes.NewReader(c.text), "igmp") {
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			fmt.Fprintf(&got, "%d %s %08X %d\n", g.Index, g.Device, binary.NativeEndian.Uint32(g.Addr.AsSlice()), g.Users)
		}
		device := ""
		for _, line := range strings.Split(strings.TrimSpace(string(c.text)), "\n")[1:] {
			fields := strings.Fields(strings.Replace(line, ":", " ", 1))
			if line[0] != '\t' {
				device = fields[0] + " " + fields[1]
				continue
			}
			want.WriteString(device + " " + fields[0] + " " + fields[1] + "\n")
		}
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("%s (-capture +read):\n%s", c.name, diff)
		}
	}
}

func TestGroups_badRows(t *testing.T) {
	const group = "\t\t\t\t010000E0     1 0:00000000\t\t0\n"
	rows, errs := collectGroups(parseIGMP(strings.NewReader("\t\t\t\t020000E0 1\n"+"1\tlo        :     1      V3\n"+group+
		"garbage\n"+group+"2 e0\n"+group+"3\taverylongifname: 1 V3\n"+group+"\t\tZZ 1\n\t\t010000E0\n\t\t010000E0 x\n\n5 \x1b[31m\xff : 1\n"+group), "igmp"))
	want := []string{"false 1 lo 224.0.0.1 1", "false 3 averylongifname 224.0.0.1 1", "false 5 \x1b[31m\xff 224.0.0.1 1"}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	noDevice := `"\t\t\t\t010000E0     1 0:00000000\t\t0": a group without a device before it`
	want = []string{`igmp: line 1 "\t\t\t\t020000E0 1": a group without a device before it`, `igmp: line 4: Idx "garbage": not a decimal number`, "igmp: line 5 " + noDevice,
		`igmp: line 6: Device "e0": no colon behind the name of the device`, "igmp: line 7 " + noDevice, `igmp: line 10: Group "ZZ": not an address`,
		"igmp: line 11: Users: column is missing", `igmp: line 12: Users "x": not a decimal number`, "igmp: line 13: Idx: column is missing"}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func FuzzGroups(f *testing.F) {
	for _, c := range append(captures(f, "igmp"), captures(f, "igmp6")...) {
		f.Add(c.text)
	}
	f.Add([]byte("\t0 1\ngarbage\n1 e0\n1 e0 : 1\n\tZZ\n\t010000E0 5\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, rows := range []iter.Seq2[*Group, error]{parseIGMP(bytes.NewReader(text), "f"), parseIGMP6(bytes.NewReader(text), "f")} {
			stopAfter(1+len(text)%5, rows)
		}
		for i, rows := range []iter.Seq2[*Group, error]{parseIGMP(bytes.NewReader(text), "f"), parseIGMP6(bytes.NewReader(text), "f")} {
			for g, err := range rows {
				var bad *ParseError
				switch {
				case err != nil && g != nil, err == nil && g == nil:
					t.Fatalf("row %v and error %v", g, err)
				case err != nil && !errors.As(err, &bad):
					t.Fatalf("error that is no ParseError: %v", err)
				case err == nil && (len(g.Device) == 0 || !g.Addr.IsValid() || g.V6 != (i == 1) || g.Addr.Is6() != g.V6 || bytes.ContainsAny(g.Device, " \t\n")):
					t.Fatalf("%s", groupText(g))
				}
			}
		}
	})
}
