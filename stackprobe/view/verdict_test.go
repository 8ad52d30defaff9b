package view

import (
	"slices"
	"strings"
	"testing"

	"gnet/stackprobe/event"
)

// lessonRun is a run of a scenario whose words come from somebody's file.
func lessonRun() []event.Event {
	list := slices.Clone(plainRun())
	run := *list[0].Run
	run.Scenario, run.Title = "mine", "An escape \x1b[2J in the title"
	run.Look = strings.Repeat("What to watch, and why it is so. ", 5) + "日本"
	list[0].Run = &run
	for _, x := range []event.Expectation{
		{Text: "segments client syn = 1", Verdict: event.Pass, Found: "1", N: 3},
		{Text: "client.states = SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT", Verdict: event.Fail, Found: "SYN-SENT RESET", N: 7},
		{Text: "error client = none", Verdict: event.Fail, Found: "\"\x1b]0;x\""},
		{Text: "icmp client = 1 in kernel", Verdict: event.NotJudged, Found: "only in kernel"},
	} {
		list = append(list, event.Event{T: list[len(list)-1].T, N: len(list) + 1, Kind: event.KindExpectation, Expectation: &x})
	}
	return list
}

// TestVerdicts_bound: a stored run with more expectations than anybody writes costs no more than the bound, and says so.
func TestVerdicts_bound(t *testing.T) {
	list := slices.Clone(plainRun())
	for range maxExpectations + 5 {
		list = append(list, event.Event{Kind: event.KindExpectation, Expectation: &event.Expectation{Text: "x", Verdict: event.Pass}})
	}
	list = append(list, event.Event{Kind: event.KindExpectation})
	got := draw(t, list, Options{Width: 80})
	if n := strings.Count(got, "PASS    x"); n != maxExpectations || !strings.HasSuffix(got, "and 5 expectations more\n") {
		t.Errorf("%d of %d expectations, then %q", n, maxExpectations, got[len(got)-40:])
	}
}
