package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/event"
	"gnet/stackprobe/scenario"
)

// lessonSchema names the machine form of the list of lessons.
const lessonSchema = "gnet/trace-lessons/1"

// lessonRow is a lesson, and what came of it where it was run.
type lessonRow struct {
	*scenario.Scenario
	// ran says that it was run, in world World; why it was not otherwise.
	ran        bool
	world, why string
	tally
	// reason is why the exchange failed though nothing expects that, "" if it did not.
	reason string
	// verdicts are those that failed.
	verdicts []event.Expectation
}

// ok reports whether the lesson has shown what it is to show.
func (l *lessonRow) ok() bool { return l.failed == 0 && l.reason == "" }

// verdict is the word for what came of it.
func (l *lessonRow) verdict() string {
	switch {
	case !l.ran:
		return ""
	case l.ok():
		return event.Pass.String()
	}
	return event.Fail.String()
}

// lessonColumns are the columns of a lesson.
func lessonColumns() []render.Column[lessonRow] {
	type row = lessonRow
	word := func(name, doc string, get func(*row) string) render.Column[row] {
		return column(name, render.String, "", doc, func(r *row, v *render.Value) {
			if s := get(r); s != "" {
				v.Str(s)
			}
		})
	}
	number := func(name, doc string, get func(*row) int) render.Column[row] {
		return column(name, render.Int, "", doc, func(r *row, v *render.Value) {
			if r.ran {
				v.Int(int64(get(r)))
			}
		})
	}
	return []render.Column[row]{
		word("lesson", "Name of the lesson.", func(r *row) string { return r.Name }),
		word("title", "What it is about.", func(r *row) string { return r.Title }),
		word("look", "What to watch, and why.", func(r *row) string { return r.Look }),
		lessonWorlds(),
		word("world", "World in which it was run.", func(r *row) string { return r.world }),
		word("verdict", "What came of it, with --all: pass or fail.", (*row).verdict),
		number("passed", "Expectations that were met.", func(r *row) int { return r.passed }),
		number("failed", "Expectations that were not.", func(r *row) int { return r.failed }),
		number("not_judged", "Expectations of other worlds.", func(r *row) int { return r.unjudged }),
		lessonFailures(),
		word("reason", "Why the exchange failed, which nothing expects.", func(r *row) string { return r.reason }),
		word("not_run", "Why it was not run.", func(r *row) string { return r.why }),
	}
}

// lessonWorlds lists the worlds of a lesson.
func lessonWorlds() render.Column[lessonRow] {
	c := column("worlds", render.List, "", "Worlds that it was written for; the first is where it runs.", func(r *lessonRow, v *render.Value) {
		v.EmptyList()
		for _, w := range r.Worlds {
			v.Object(1)[0].Str(w.String())
		}
	})
	c.Sub = []render.Field{{Name: "world", Kind: render.String, Doc: "memory, kernel, kernel-client or kernel-server."}}
	return c
}

// lessonFailures lists the expectations that were not met.
func lessonFailures() render.Column[lessonRow] {
	c := column("failures", render.List, "", "The expectations that were not met.", func(r *lessonRow, v *render.Value) {
		if !r.ran {
			return
		}
		v.EmptyList()
		for i := range r.verdicts {
			x := &r.verdicts[i]
			failure := v.Object(3)
			failure[0].Str(x.Text)
			failure[1].Int(int64(x.Line))
			failure[2].Str(x.Found)
		}
	})
	c.Sub = []render.Field{{Name: "expectation", Kind: render.String, Doc: "What the lesson expects."},
		{Name: "expectation_line", Kind: render.Int, Doc: "Its line in the file."},
		{Name: "found", Kind: render.String, Doc: "What there was."}}
	return c
}
