package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// TestParseConns reads the words of --conn.
func TestParseConns(t *testing.T) {
	all := cmp.AllowUnexported(connRange{})
	for words, want := range map[string]connSet{
		"":      nil,
		"3":     {{3, 3}},
		"1,4-6": {{1, 1}, {4, 6}},
		"2-2,2": {{2, 2}, {2, 2}},
	} {
		got, err := parseConns(words)
		if diff := cmp.Diff(want, got, all); diff != "" || err != nil {
			t.Errorf("%q: %v (-want +got)\n%s", words, err, diff)
		}
	}
	for _, words := range []string{"0", "-1", "1-", "-", ",", "1,", "4-3", "+1", "1 ", "x", "99999999999", "0-4", strings.Repeat("1,", maxConnRanges) + "1"} {
		if got, err := parseConns(words); err == nil {
			t.Errorf("%q: read as %v", words, got)
		}
	}
}

// FuzzParseConns: what is read is what is written again.
func FuzzParseConns(f *testing.F) {
	for _, words := range []string{"3", "1,4-6", "0", "4-3", "1,,2", "2-2"} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		set, err := parseConns(words)
		if err != nil || set == nil {
			return
		}
		again, err := parseConns(set.String())
		if diff := cmp.Diff(set, again, cmp.AllowUnexported(connRange{})); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", words, err, diff)
		}
		for _, r := range set {
			if !set.has(r.first) || !set.has(r.last) {
				t.Errorf("%q has not %v", words, r)
			}
		}
	})
}

// TestChosenConns counts what is left out, and lets nothing pass that is about other connections.
func TestChosenConns(t *testing.T) {
	c := chosenConns{set: connSet{{2, 2}, {4, 9}}}
	var kept []int
	run := &event.Run{World: "memory"}
	for n, ev := range []event.Event{
		{Kind: event.KindRun, Run: run}, {Kind: event.KindTx, Conn: 1}, {Kind: event.KindRx, Conn: 1}, {Kind: event.KindTx, Conn: 2}, {Kind: event.KindTx, Conn: 3},
		{Kind: event.KindTx, Conn: 1}, {Kind: event.KindCounters, Conn: 2}, {Kind: event.KindCounters}, {Kind: event.KindNote}, {Kind: event.KindEnd},
	} {
		if c.keep(&ev) {
			kept = append(kept, n)
		}
		if ev.Run != nil && ev.Run.Conns != "2,4-9" {
			t.Errorf("the run says %q of its choice", ev.Run.Conns)
		}
	}
	type outcome struct {
		Kept []int
		Left view.Left
		Err  string
		What string
	}
	want := outcome{[]int{0, 3, 6, 8, 9}, view.Left{Conns: 2, Segments: 3}, "--conn 2,4-9: there is no connection 4", "the run has the connections 1 to 3"}
	if diff := cmp.Diff(want, outcome{kept, c.left, c.failure().Error(), c.what()}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if run.Conns != "" {
		t.Error("the run of others was changed")
	}
}
