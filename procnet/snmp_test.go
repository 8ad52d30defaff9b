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

func counterText(c *Counter) string {
	if c.Negative {
		return fmt.Sprint(int64(c.Value))
	}
	return fmt.Sprint(c.Value)
}

// pairText writes a section as snmp and netstat have it.
func pairText(s *CounterSection) string {
	names, values := string(s.Name)+":", string(s.Name)+":"
	for i := range s.Counters {
		names += " " + string(s.Counters[i].Name)
		values += " " + counterText(&s.Counters[i])
	}
	return names + "\n" + values + "\n"
}

func collectCounters(rows iter.Seq2[*CounterSection, error]) (text string, errs []string) {
	for s, err := range rows {
		if err != nil {
			errs = append(errs, err.Error())
			continue
		}
		text += pairText(s)
	}
	return text, errs
}

func TestCounters_captures(t *testing.T) {
	for _, file := range []string{"snmp", "netstat"} {
		for _, c := range captures(t, file) {
			got, errs := collectCounters(parseSNMP(bytes.NewReader(c.text), file))
			want := strings.ReplaceAll(string(c.text), ": \n", ":\n") // IcmpMsg without a column
			if diff := cmp.Diff(want, got); diff != "" || errs != nil {
				t.Errorf("%s: errors %v (-capture +written again):\n%s", c.name, errs, diff)
			}
		}
	}
	for _, c := range captures(t, "snmp6") {
		var got strings.Builder
		var sections []string
		for s, err := range parseCounterList(bytes.NewReader(c.text), "snmp6", section6) {
			if err != nil {
				t.Fatal(err)
			}
			sections = append(sections, string(s.Name))
			for i := range s.Counters {
				fmt.Fprintf(&got, "%-32s\t%s\n", s.Counters[i].Name, counterText(&s.Counters[i]))
			}
		}
		if diff := cmp.Diff(string(c.text), got.String()); diff != "" {
			t.Errorf("%s (-capture +written again):\n%s", c.name, diff)
		}
		if diff := cmp.Diff([]string{"Ip6", "Icmp6", "Udp6", "UdpLite6"}, sections); diff != "" {
			t.Errorf("%s: sections (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestCounters_badRows(t *testing.T) {
	for in, want := range map[string]struct {
		text string
		errs []string
	}{
		"Ip: A B C\nIp: 1 2\n":                   {"Ip: A B\nIp: 1 2\n", []string{"line 2: C: column is missing"}},
		"Ip: A\nIp: 1 2\n":                       {"Ip: A\nIp: 1\n", []string{`line 2 "2": a value without a name`}},
		"Ip: A B C\nIp: x 2 -\n":                 {"Ip: B\nIp: 2\n", []string{`line 2: A "x": not a decimal number`}},
		"Ip: A\nTcp: X\nTcp: 3\nUdp: Y\n":        {"Tcp: X\nTcp: 3\n", []string{`line 1 "Ip: A": names without the row of their values`, `line 4 "Udp: Y": names without the row of their values`}},
		"Ip A\nIp: A\nIp: 1\n":                   {"Ip: A\nIp: 1\n", []string{`line 1 "Ip A": no protocol and colon in front`}},
		"Ip: A B\nIp: -1 18446744073709551615\n": {"Ip: A B\nIp: -1 18446744073709551615\n", nil},
		"Ip: A\nIp: 18446744073709551616\n":      {"Ip:\nIp:\n", []string{`line 2: A "18446744073709551616": number out of range`}},
		"Ip: A\nIp: -9223372036854775809\n":      {"Ip:\nIp:\n", []string{`line 2: A "-9223372036854775809": number out of range`}},
		"Ip: A\n\n\nIp: 1\n: X\n: 1\n":           {"Ip: A\nIp: 1\n", []string{`line 5 ": X": no protocol and colon in front`, `line 6 ": 1": no protocol and colon in front`}},
		"Ip: A\n" + strings.Repeat("x", 70<<10):  {"", []string{`line 1 "Ip: A": names without the row of their values`, `line 2 "` + strings.Repeat("x", 64) + `": row is too long`}},
	} {
		text, errs := collectCounters(parseSNMP(strings.NewReader(in), "snmp"))
		var list []string
		for _, e := range want.errs {
			list = append(list, "snmp: "+e)
		}
		if diff := cmp.Diff(want.text, text) + cmp.Diff(list, errs); diff != "" {
			t.Errorf("%.60q (-want +got):\n%s", in, diff)
		}
	}
}

func TestCounterList_badRows(t *testing.T) {
	text, errs := collectCounters(parseCounterList(strings.NewReader("Ip6A\t1\nIp6B\nIp6C -3\nfoo 4\n\nUdp6A x\nUdp6B 5\nIp6D 6\n"), "snmp6", section6))
	if diff := cmp.Diff("Ip6: Ip6A Ip6C\nIp6: 1 -3\nfoo: foo\nfoo: 4\nUdp6: Udp6B\nUdp6: 5\nIp6: Ip6D\nIp6: 6\n", text); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []string{"snmp6: line 2: value: column is missing", "snmp6: line 5: name: column is missing", `snmp6: line 6: Udp6A "x": not a decimal number`}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func FuzzCounters(f *testing.F) {
	for _, file := range []string{"snmp", "netstat", "snmp6"} {
		for _, c := range captures(f, file) {
			f.Add(c.text)
		}
	}
	f.Add([]byte("Ip A\nIp: A B\nIp: 1 -2 3\nIp: A\n\nTcp: X\n: 1\nTcp: A\nTcp: x\nIp6A 1\nUdp6A\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		stopAfter(1+len(text)%5, parseSNMP(bytes.NewReader(text), "f"))
		stopAfter(1+len(text)%5, parseCounterList(bytes.NewReader(text), "f", section6))
		for _, rows := range []iter.Seq2[*CounterSection, error]{parseSNMP(bytes.NewReader(text), "f"), parseCounterList(bytes.NewReader(text), "f", section6)} {
			for s, err := range rows {
				var bad *ParseError
				switch {
				case err != nil && s != nil, err == nil && s == nil:
					t.Fatalf("row %v and error %v", s, err)
				case err != nil && !errors.As(err, &bad):
					t.Fatalf("error that is no ParseError: %v", err)
				case err == nil:
					again, errs := collectCounters(parseSNMP(strings.NewReader(pairText(s)), "again"))
					if again != pairText(s) || errs != nil || len(s.Name) == 0 {
						t.Fatalf("%q read again is %q, errors %v", pairText(s), again, errs)
					}
				}
			}
		}
	})
}
