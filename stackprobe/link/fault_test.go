package link_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

func TestParseRule(t *testing.T) {
	tests := []struct {
		text string
		want link.Rule
	}{
		{"client> drop data 1", link.Rule{From: event.Client, Match: link.MatchData, Low: 1, High: 1}},
		{"server> drop synack 2-4", link.Rule{From: event.Server, Match: link.MatchSynAck, Low: 2, High: 4}},
		{"drop any first 3", link.Rule{Match: link.MatchAny, Low: 1, High: 3, First: true}},
		{"  drop\tfin  ", link.Rule{Text: "drop fin", Match: link.MatchFin}},
		{"client> drop", link.Rule{From: event.Client}},
		{"drop syn 1-1", link.Rule{Match: link.MatchSyn, Low: 1, High: 1}},
		{"drop ack 1073741824", link.Rule{Match: link.MatchAck, Low: 1 << 30, High: 1 << 30}},
		{"drop rst", link.Rule{Match: link.MatchRst}},
	}
	for _, tt := range tests {
		if tt.want.Text == "" {
			tt.want.Text = tt.text
		}
		got, err := link.ParseRule(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%q: %s", tt.text, d)
		}
	}
}

func TestParseRuleErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", `fault "": ends where client>, server> or drop should follow` + "\n" + "\n^"},
		{"client> dorp data 1", `fault "client> dorp data 1": "dorp": want drop` + "\nclient> dorp data 1\n        ^"},
		{"client>", `fault "client>": ends where drop should follow` + "\nclient>\n       ^"},
		{"client>drop", `fault "client>drop": "client>drop": want client>, server> or drop` + "\nclient>drop\n^"},
		{"drop dat 1", `fault "drop dat 1": "dat": want any, syn, synack, ack, data, fin or rst` + "\ndrop dat 1\n     ^"},
		{"drop data 0", `fault "drop data 0": "0": want a number, a range like 2-4 or "first 3"` + "\ndrop data 0\n          ^"},
		{"drop data +1", `fault "drop data +1": "+1": want a number, a range like 2-4 or "first 3"` + "\ndrop data +1\n          ^"},
		{"drop data 4-2", `fault "drop data 4-2": "4-2": want a range like 2-4` + "\ndrop data 4-2\n          ^"},
		{"drop data 4-", `fault "drop data 4-": "4-": want a range like 2-4` + "\ndrop data 4-\n          ^"},
		{"drop data first", `fault "drop data first": ends where a number from 1 should follow` + "\ndrop data first\n               ^"},
		{"drop data first 0", `fault "drop data first 0": "0": want a number from 1` + "\ndrop data first 0\n                ^"},
		{"drop data 1 2", `fault "drop data 1 2": "2": want nothing more` + "\ndrop data 1 2\n            ^"},
		{"drop data 1073741825", `fault "drop data 1073741825": "1073741825": want a number, a range like 2-4 or "first 3"` + "\ndrop data 1073741825\n          ^"},
	}
	for _, tt := range tests {
		_, err := link.ParseRule(tt.text)
		re, ok := errors.AsType[*link.RuleError](err)
		if !ok {
			t.Errorf("%q: error %v", tt.text, err)
			continue
		}
		if d := cmp.Diff(tt.want, re.Error()+"\n"+re.Pointer()); d != "" {
			t.Errorf("%q: %s", tt.text, d)
		}
	}
}

// segments of each class, in the order of the classes behind "any".
func classes() map[string]*event.Segment {
	return map[string]*event.Segment{
		"syn":      {Flags: event.SYN},
		"synack":   {Flags: event.SYN | event.ACK},
		"ack":      {Flags: event.ACK},
		"data":     {Flags: event.ACK | event.PSH, Len: 1},
		"fin":      {Flags: event.ACK | event.FIN},
		"data fin": {Flags: event.ACK | event.FIN, Len: 5},
		"rst":      {Flags: event.RST},
		"rst ack":  {Flags: event.RST | event.ACK},
	}
}

func TestMatch(t *testing.T) {
	want := map[string]string{"syn": "syn", "synack": "synack", "ack": "ack", "data": "data", "fin": "fin", "data fin": "data fin", "rst": "rst", "rst ack": "rst"}
	for kind, seg := range classes() {
		var got []string
		for _, m := range []string{"syn", "synack", "ack", "data", "fin", "rst"} {
			r, err := link.ParseRule("drop " + m)
			if err != nil {
				t.Fatal(err)
			}
			if link.NewFaults([]link.Rule{r}).Judge(event.Client, seg, &event.Numbers{Attempt: 1}) != "" {
				got = append(got, m)
			}
		}
		if d := cmp.Diff(want[kind], strings.Join(got, " ")); d != "" {
			t.Errorf("%s: %s", kind, d)
		}
	}
}

// TestJudge runs a sequence of transmissions through rules and compares which rule took which.
func TestJudge(t *testing.T) {
	var rules []link.Rule
	for _, text := range []string{"client> drop data 2", "drop data 2-3", "server> drop data first 1", "drop rst"} {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	f := link.NewFaults(rules)
	data := &event.Segment{Flags: event.ACK, Len: 1}
	first, again := &event.Numbers{Attempt: 1}, &event.Numbers{Attempt: 2}
	var got []string
	for _, step := range []struct {
		from event.Host
		s    *event.Segment
		n    *event.Numbers
	}{
		{event.Client, data, first}, {event.Client, data, first}, {event.Client, data, again}, {event.Client, data, first},
		{event.Client, data, first}, {event.Server, data, again}, {event.Server, data, first}, {event.Server, data, again},
		{event.Server, data, first}, {event.Client, nil, nil},
	} {
		got = append(got, f.Judge(step.from, step.s, step.n))
	}
	want := []string{"", "client> drop data 2", "drop data 2-3", "drop data 2-3", "", "", "drop data 2-3", "drop data 2-3", "server> drop data first 1", ""}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var idle []string
	f.Idle(func(rule string, n int) bool { idle = append(idle, rule); return true })
	if d := cmp.Diff([]string{"drop rst"}, idle); d != "" {
		t.Error(d)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"client> drop data 1", "server> drop synack 2-4", "drop any first 3", "drop", "client> dorp", "drop data 4-2", "drop ack 1 2", "drop fin first", "drop rst 99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := link.ParseRule(text)
		if err != nil {
			re, ok := errors.AsType[*link.RuleError](err)
			if !ok || re.Offset < 0 || re.Offset > len(text) || !strings.HasPrefix(text[re.Offset:], re.Word) {
				t.Fatalf("bad error %#v", err)
			}
			re.Pointer()
			return
		}
		again, err := link.ParseRule(r.Text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again); d != "" {
			t.Fatalf("the rule's own words read back differently: %s", d)
		}
		if r.Low > r.High || r.Low < 0 {
			t.Fatalf("bounds %d-%d", r.Low, r.High)
		}
	})
}
