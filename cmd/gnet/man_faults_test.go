package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// faultExamples are the rules that the page gives as examples, one on each line between .EX and .EE of its FAULTS.
func faultExamples(t *testing.T) []string {
	t.Helper()
	var examples []string
	inside := false
	for _, line := range section(t, manualPage(t, "trace"), "FAULTS") {
		switch {
		case line == ".EX", line == ".EE":
			inside = line == ".EX"
		case inside:
			examples = append(examples, strings.ReplaceAll(line, `\-`, "-"))
		}
	}
	return examples
}

// TestManFaultExamples runs each example of the page: it can be read, it does something, and its events name it; and
// every word of the grammar has an example.
func TestManFaultExamples(t *testing.T) {
	var actions []event.Action
	var matches []link.Match
	words := map[string]bool{}
	for _, text := range faultExamples(t) {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Error(err)
			continue
		}
		actions, matches = append(actions, r.Action), append(matches, r.Match)
		for _, w := range strings.Fields(text) {
			words[w] = true
		}
		words["T1..T2"] = words["T1..T2"] || r.Until > 0
		words["T1.."] = words["T1.."] || strings.HasSuffix(text, "..")
		words["A-B"] = words["A-B"] || r.High > r.Low && !r.First
		told := 0
		c := stackprobe.Config{World: stackprobe.Memory, Bytes: 20_000, Seed: 1, Delay: 20 * time.Millisecond, Deadline: 10 * time.Second, Faults: []link.Rule{r}}
		for e, err := range stackprobe.Run(context.Background(), c) {
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case e.Kind == event.KindLost && e.Fault.Rule == text, e.Kind == event.KindFault && e.Fault.Rule == text:
				told++
			case e.Kind == event.KindNote && strings.Contains(e.Text, " nothing: "):
				t.Error(e.Text)
			}
		}
		if told == 0 {
			t.Errorf("%s: no event names it", text)
		}
	}
	slices.Sort(actions)
	slices.Sort(matches)
	if n := len(slices.Compact(actions)); n != int(event.Down) {
		t.Errorf("examples of %d actions, want %d", n, event.Down)
	}
	if n := len(slices.Compact(matches)); n != int(link.MatchLen) {
		// rst is the one that an undisturbed exchange does not send.
		t.Errorf("examples of %d classes, want %d", n, link.MatchLen)
	}
	for _, w := range []string{"client>", "server>", "any", "first", "at", "T1..T2", "T1..", "A-B", "jitter", "silent", "seq"} {
		if !words[w] {
			t.Errorf("no example with %s", w)
		}
	}
}
