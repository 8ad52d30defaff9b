package link_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

const always link.Chance = 1 << 53

func TestParseRule(t *testing.T) {
	tests := []struct {
		text string
		want link.Rule
	}{
		{"client> drop data 1", link.Rule{From: event.Client, Action: event.Drop, Match: link.MatchData, Low: 1, High: 1}},
		{"server> drop synack 2-4", link.Rule{From: event.Server, Action: event.Drop, Match: link.MatchSynAck, Low: 2, High: 4}},
		{"drop any first 3", link.Rule{Action: event.Drop, Low: 1, High: 3, First: true}},
		{"  drop\tfin  ", link.Rule{Text: "drop fin", Action: event.Drop, Match: link.MatchFin}},
		{"client> drop", link.Rule{From: event.Client, Action: event.Drop}},
		{"drop syn 1-1", link.Rule{Action: event.Drop, Match: link.MatchSyn, Low: 1, High: 1}},
		{"drop ack 1073741824", link.Rule{Action: event.Drop, Match: link.MatchAck, Low: 1 << 30, High: 1 << 30}},
		{"drop rst", link.Rule{Action: event.Drop, Match: link.MatchRst}},
		{"drop seq 0-0", link.Rule{Action: event.Drop, Match: link.MatchSeq}},
		{"drop seq 1-1000 2", link.Rule{Action: event.Drop, Match: link.MatchSeq, SeqLow: 1, SeqHigh: 1000, Low: 2, High: 2}},
		{"drop len>=500 first 2 1s..2s", link.Rule{Action: event.Drop, Match: link.MatchLen, MinLen: 500, Low: 1, High: 2, First: true, Since: time.Second, Until: 2 * time.Second}},
		{"dup", link.Rule{Action: event.Dup}},
		{"dup data at 100ms", link.Rule{Action: event.Dup, Match: link.MatchData, Low: 1, High: 1, Since: 100 * time.Millisecond}},
		{"drop data 2-3 at 100ms", link.Rule{Action: event.Drop, Match: link.MatchData, Low: 2, High: 3, Since: 100 * time.Millisecond}},
		{"drop data 100ms..", link.Rule{Action: event.Drop, Match: link.MatchData, Since: 100 * time.Millisecond}},
		{"server> corrupt ack 0..1m30s", link.Rule{From: event.Server, Action: event.Corrupt, Match: link.MatchAck, Until: 90 * time.Second}},
		{"delay 5ms", link.Rule{Action: event.Delay, Delay: 5 * time.Millisecond}},
		{"delay 5ms jitter 5ms any 3", link.Rule{Action: event.Delay, Delay: 5 * time.Millisecond, Jitter: 5 * time.Millisecond, Low: 3, High: 3}},
		{"delay 1.5s data at 1s", link.Rule{Action: event.Delay, Delay: 1500 * time.Millisecond, Match: link.MatchData, Since: time.Second}},
		{"reorder by 3 data 7", link.Rule{Action: event.Reorder, By: 3, Match: link.MatchData, Low: 7, High: 7}},
		{"reorder by 3 data at 1s", link.Rule{Action: event.Reorder, By: 3, Match: link.MatchData, Low: 1, High: 1, Since: time.Second}},
		{"corrupt at 1s", link.Rule{Action: event.Corrupt, Low: 1, High: 1, Since: time.Second}},
		{"rate 100 queue 1", link.Rule{Action: event.Rate, Rate: 100, Queue: 1}},
		{"rate 1.5M queue 10", link.Rule{Action: event.Rate, Rate: 1_500_000, Queue: 10}},
		{"rate 1000G queue 100000 data", link.Rule{Action: event.Rate, Rate: 1e12, Queue: 100_000, Match: link.MatchData}},
		{"client> rate 64k queue 1", link.Rule{From: event.Client, Action: event.Rate, Rate: 64_000, Queue: 1}},
		{"loss 100%", link.Rule{Action: event.Loss, Chance: always}},
		{"loss 0.5% data 1s..2s", link.Rule{Action: event.Loss, Chance: always / 200, Match: link.MatchData, Since: time.Second, Until: 2 * time.Second}},
		{"burst 25%,50%", link.Rule{Action: event.Burst, Chance: always / 4, Leave: always / 2}},
		{"mtu 1200", link.Rule{Action: event.MTU, MTU: 1200}},
		{"mtu 1200 icmp at 1s", link.Rule{Action: event.MTU, MTU: 1200, Since: time.Second}},
		{"mtu 68 silent data", link.Rule{Action: event.MTU, MTU: 68, Silent: true, Match: link.MatchData}},
		{"down at 1h", link.Rule{Action: event.Down, Since: time.Hour}},
		{"down 100ms..24h", link.Rule{Action: event.Down, Since: 100 * time.Millisecond, Until: 24 * time.Hour}},
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

// TestParseRuleErrors: the word at fault, what could stand in its place, and what was meant by a near miss.
func TestParseRuleErrors(t *testing.T) {
	const (
		action  = "drop, dup, corrupt, delay, reorder, rate, loss, burst, mtu or down"
		match   = `any, syn, synack, ack, data, fin, rst, "seq 1-1000" or len>=500`
		list    = `a number, a range like 2-4, "first 3"`
		when    = `"at 1s" or 1s..2s`
		timed   = "a time with its unit, such as 20ms or 1.5s, up to 24h"
		percent = "a percentage from 0% to 100%, such as 5%"
		rate    = "bits per second from 100 to 1000G, such as 64k or 1.5M"
		chances = "two chances like 1%,25%: to begin and to end, the second above 0%"
	)
	// A caret stands below the first letter of the word at fault: its place is given by the length of what is before it.
	tests := []struct{ before, word, after, want, meant string }{
		{"", "", "", "client>, server> or " + action, ""},
		{"client>", "", "", action, ""},
		{"client> ", "dorp", " data 1", action, "drop"},
		{"", "client", " drop", "client>, server> or " + action, "client>"},
		{"", "client>drop", "", "client>, server> or " + action, "client> drop"},
		{"", "DROP", " data", "client>, server> or " + action, "drop"},
		{"client> ", "server>", " drop", action, ""},
		{"", "lose", " 5%", "client>, server> or " + action, "loss"},
		{"drop ", "dat", " 1", match + ", " + when, "data"},
		{"drop ", "syn-ack", "", match + ", " + when, "synack"},
		{"drop ", "1", "", match + ", " + when, "any 1"},
		{"drop ", "len>500", "", match + ", " + when, "len>=500"},
		{"drop ", "len>=0", "", "octets of data from 1, such as len>=500", ""},
		{"drop seq", "", "", "sequence numbers like 1-1000, 0 for the SYN", ""},
		{"drop seq ", "5", "", "sequence numbers like 1-1000, 0 for the SYN", "5-5"},
		{"drop seq ", "5-4", "", "sequence numbers like 1-1000, 0 for the SYN", ""},
		{"drop seq ", "0-1073741825", "", "sequence numbers like 1-1000, 0 for the SYN", ""},
		{"drop data ", "0", "", list + ", " + when, ""},
		{"drop data ", "+1", "", list + ", " + when, ""},
		{"drop data ", "4-2", "", "a range like 2-4", ""},
		{"drop data ", "4-", "", "a range like 2-4", ""},
		{"drop data ", "1s", "", list + ", " + when, "at 1s"},
		{"drop data ", "fst", " 3", list + ", " + when, "first"},
		{"drop data first", "", "", "a number from 1", ""},
		{"drop data first ", "0", "", "a number from 1", ""},
		{"drop data 1 ", "2", "", when, ""},
		{"drop data ", "1073741825", "", list + ", " + when, ""},
		{"drop data ", "99999999999999999999999", "", list + ", " + when, ""},
		{"drop data at", "", "", timed, ""},
		{"drop data at ", "20", "", timed, "20ms"},
		{"drop data at ", "-1s", "", timed, ""},
		{"drop data at ", "25h", "", timed, ""},
		{"drop data at ", "99999999999999999999s", "", timed, ""},
		{"drop data at 1s ", "2s", "", "nothing more", ""},
		{"drop data 1s..2s ", "3", "", "nothing more", ""},
		{"drop data ", "2s..1s", "", "a range of time whose end is after its begin, like 1s..2s", ""},
		{"drop data ", "1s..1s", "", "a range of time whose end is after its begin, like 1s..2s", ""},
		{"drop data ", "1..2s", "", "times with their units, such as 500ms..1.5s, up to 24h", ""},
		{"drop data ", "..2s", "", "times with their units, such as 500ms..1.5s, up to 24h", ""},
		{"delay", "", "", timed, ""},
		{"delay ", "5", "", timed, "5ms"},
		{"delay ", "jitter", " 5ms", timed, ""},
		{"delay 5ms ", "jiter", " 1ms", `"jitter 5ms", ` + match + ", " + when, "jitter"},
		{"delay 5ms jitter ", "6ms", "", "at most the delay before it: nothing arrives before it has left", ""},
		{"reorder ", "3", "", `"by 3": the number of packets that pass`, ""},
		{"reorder by ", "none", "", "a number from 1", ""},
		{"rate ", "1Mbit", " queue 10", rate, "1M"},
		{"rate ", "1m", " queue 10", rate, "1M"},
		{"rate ", "99", " queue 10", rate, ""},
		{"rate ", "1001G", " queue 10", rate, ""},
		{"rate ", "1e6", " queue 10", rate, ""},
		{"rate 1M", "", "", `"queue 10": the number of packets that can wait`, ""},
		{"rate 1M ", "10", "", `"queue 10": the number of packets that can wait`, ""},
		{"rate 1M ", "queu", " 10", `"queue 10": the number of packets that can wait`, "queue"},
		{"rate 1M queue ", "100001", "", "a number of packets from 1 to 100000", ""},
		{"loss", "", "", percent, ""},
		{"loss ", "5", "", percent, "5%"},
		{"loss ", "101%", "", percent, ""},
		{"loss ", "-1%", "", percent, ""},
		{"loss ", "NaN%", "", percent, ""},
		{"loss ", "1e1%", "", percent, ""},
		{"loss ", ".5%", "", percent, ""},
		{"burst ", "5%", "", chances, ""},
		{"burst ", "5,25", "", chances, "5%,25%"},
		{"burst ", "5%,0%", "", chances, ""},
		{"burst ", "5%,", " 25%", chances, ""},
		{"mtu ", "67", "", "octets of an IP packet, 68 to 65535", ""},
		{"mtu ", "65536", "", "octets of an IP packet, 68 to 65535", ""},
		{"mtu 1200 ", "silnt", "", "icmp, silent, " + match + ", " + when, "silent"},
		{"mtu 1200 silent ", "icmp", "", match + ", " + when, ""},
		{"down ", "data", "", when + ": a carrier that is down takes every packet", ""},
		{"drop ", "\x1b[2J", "", match + ", " + when, ""},
		{"drop ", strings.Repeat("é", 40), "", match + ", " + when, ""},
	}
	for _, tt := range tests {
		text := tt.before + tt.word + tt.after
		_, err := link.ParseRule(text)
		re, ok := errors.AsType[*link.RuleError](err)
		if !ok {
			t.Errorf("%q: error %v", text, err)
			continue
		}
		want := &link.RuleError{Text: text, Word: tt.word, Offset: len(tt.before), Want: tt.want, Meant: tt.meant}
		if d := cmp.Diff(want, re); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestRuleErrorText(t *testing.T) {
	e := link.RuleError{Text: "drop é dta", Word: "dta", Offset: 8, Want: "data", Meant: "data"}
	if d := cmp.Diff(`fault "drop é dta": "dta": want data; did you mean "data"?`+"\ndrop é dta\n       ^", e.Error()+"\n"+e.Pointer()); d != "" {
		t.Error(d)
	}
	e = link.RuleError{Text: "drop", Offset: 4, Want: "data"}
	if d := cmp.Diff(`fault "drop": ends where data should follow`+"\ndrop\n    ^", e.Error()+"\n"+e.Pointer()); d != "" {
		t.Error(d)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{"client> drop data 1", "server> drop synack 2-4", "drop any first 3", "drop", "client> dorp", "drop data 4-2", "drop ack 1 2",
		"drop fin first", "drop rst 99999999999999999999", "dup seq 1-1000 2 at 1s", "corrupt len>=500 0..2s", "delay 5ms jitter 1ms data 1s..",
		"reorder by 3 data 7", "rate 1.5M queue 10", "rate 1Mbit queue 1", "loss 5%", "loss 5", "burst 1%,25%", "burst 1,2", "mtu 1200 silent at 1s", "mtu 1200 icmp", "down 1s..2s",
		"loss 5%x", "delay jitter 5ms", "delay 5", "delay 5ms jitter 9ms", "delay 5ms jitter x", "drop seq 5-4", "drop seq 5", "client>drop", "DROP", "drop len>500",
		"drop len>=0", "drop len>=9", "reorder 3", "down data", "drop data 1s", "drop data 2s..1s", "drop data 1..2s", "drop data 1s..2", "mtu 20", "rate 1m queue x",
		"rate 2G", "burst 1%,0%", "drop 1", "drop at -1s", "drop seq 0-0 first 2 0s..", "mtu 1200 silnt", "drop at 1s 3", "rate 5kbps", "drop data 4-x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := link.ParseRule(text)
		if err != nil {
			re, ok := errors.AsType[*link.RuleError](err)
			if !ok || re.Offset < 0 || re.Offset > len(text) || !strings.HasPrefix(text[re.Offset:], re.Word) || re.Want == "" {
				t.Fatalf("bad error %#v", err)
			}
			_ = re.Error() + re.Pointer()
			return
		}
		again, err := link.ParseRule(r.Text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(r, again); d != "" {
			t.Fatalf("the rule's own words read back differently: %s", d)
		}
		if r.Low > r.High || r.Low < 0 || r.Action == 0 || r.SeqLow > r.SeqHigh || r.Jitter > r.Delay || r.Chance > always || r.Leave > always ||
			r.Until != 0 && r.Until <= r.Since || r.Since < 0 {
			t.Fatalf("bounds: %+v", r)
		}
	})
}
