package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// expectationColumns are the columns of what came of an expectation of a scenario.
func expectationColumns() []render.Column[event.Event] {
	word := func(name, doc string, get func(*event.Expectation) string) render.Column[event.Event] {
		return eventWord(name, doc, func(e *event.Event) string {
			if e.Expectation == nil {
				return ""
			}
			return get(e.Expectation)
		})
	}
	number := func(name, doc string, get func(*event.Expectation) int) render.Column[event.Event] {
		return eventInt(name, render.Int, "", doc, func(e *event.Event) bool { return e.Expectation != nil && get(e.Expectation) != 0 },
			func(e *event.Event) int64 { return int64(get(e.Expectation)) })
	}
	return []render.Column[event.Event]{
		word("expectation", "What the scenario expects, in the words of gnet-trace(8).", func(x *event.Expectation) string { return x.Text }),
		number("expectation_line", "Its line in the file.", func(x *event.Expectation) int { return x.Line }),
		word("verdict", "What came of it: pass, fail or not-judged.", func(x *event.Expectation) string { return x.Verdict.String() }),
		word("found", "What there was, or why it is not judged.", func(x *event.Expectation) string { return x.Found }),
		number("found_n", "Number (n) of the event that shows it.", func(x *event.Expectation) int { return x.N }),
	}
}
