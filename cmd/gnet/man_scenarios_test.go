package main

import (
	"context"
	"strings"
	"testing"

	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// scenarioExamples are the expectations that the page gives as examples, one on each line between .EX and .EE of its
// SCENARIOS.
func scenarioExamples(t *testing.T) string {
	t.Helper()
	var examples []string
	inside := false
	for _, line := range section(t, manualPage(t, "trace"), "SCENARIOS") {
		switch {
		case line == ".EX", line == ".EE":
			inside = line == ".EX"
		case inside:
			examples = append(examples, strings.ReplaceAll(line, `\-`, "-"))
		}
	}
	return strings.Join(examples, "\n")
}

// TestManScenarioExamples runs the examples of the page: each can be read and judged, every subject that needs no further
// room has one, and every condition.
func TestManScenarioExamples(t *testing.T) {
	text := "title examples\nworld memory\nclient role source bytes 20000\nserver role sink\nfault client> drop data 2\nfault client> corrupt data 5\n" + scenarioExamples(t)
	s, err := scenario.Parse("examples.scn", text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := stackprobe.Prepare(s)
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for e, err := range stackprobe.Run(context.Background(), c) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind != event.KindExpectation {
			continue
		}
		judged++
		if x := e.Expectation; x.Found == "" || x.Found == "not known" {
			t.Errorf("%s: found %q", x.Text, x.Found)
		}
	}
	if judged != len(s.Expectations) || judged < 20 {
		t.Errorf("%d of %d examples were judged", judged, len(s.Expectations))
	}
	page := strings.Join(section(t, manualPage(t, "trace"), "SCENARIOS"), "\n")
	page = strings.ReplaceAll(page, `\-`, "-")
	for _, name := range append(scenario.Subjects(), scenario.Directives()...) {
		word := strings.TrimSuffix(strings.TrimPrefix(name, "END."), " END")
		if !strings.Contains(page, word) {
			t.Errorf("the page does not explain %s", word)
		}
	}
	for _, word := range []string{" reason ", " cause ", " conn ", " at ", "..", " ever", " in ", " +- ", " none", ">="} {
		if !strings.Contains(scenarioExamples(t), word) {
			t.Errorf("no example with %q", word)
		}
	}
}
