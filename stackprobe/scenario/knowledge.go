package scenario

import (
	"errors"
	"strings"
	"time"

	"gnet/internal/words"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// readKnowledge takes the words of a question as package analyze reads them.
func (x *Expectation) readKnowledge(w *words.Walker) error {
	var list []string
	for {
		w.Next()
		if w.Word != "" {
			list = append(list, w.Word)
		}
		_, err := analyze.Lookup(list)
		if err == nil {
			x.Value = Value{Kind: TextValue, Text: strings.Join(list, " ")}
			return nil
		}
		// All words before the last were right, so it is the last or one that is missing.
		if le, ok := errors.AsType[*analyze.LookupError](err); ok && (w.Word == "" || le.Index < len(list)) {
			return fail(w, choice(le.Want), le.Want...)
		}
	}
}

// knowledge is what an end knows of the other, as package analyze concludes it: at a moment, or else at any moment of the run.
type knowledge struct {
	x        Expectation
	question analyze.Question
	knows    analyze.Knows
	holds    bool
	never    bool // "not": it must not hold once
	view     analyze.View
	n        int
}

func newKnowledge(x *Expectation) *knowledge {
	k := &knowledge{x: *x}
	q, err := analyze.Lookup(strings.Fields(x.Value.Text))
	if err != nil {
		return k // one that was not parsed; it never holds
	}
	k.question = q
	if q.Verdict == analyze.Nothing && !x.HasAt {
		k.never = true
		k.question.Verdict = analyze.Sure
	}
	return k
}

func (k *knowledge) add(e *event.Event) {
	if k.x.HasAt && time.Duration(e.T) > k.x.At {
		return
	}
	k.knows.Add(e)
	if e.Kind != event.KindTx && e.Kind != event.KindRx && e.Kind != event.KindState || k.holds && !k.x.HasAt {
		return
	}
	holds, view := k.knows.Holds(max(k.x.Conn, 1), k.question)
	if !k.x.HasAt && view.Verdict == analyze.Nothing && k.n != 0 {
		return // the end has closed; what it knew last is what was found
	}
	if holds != k.holds || view != k.view || k.n == 0 {
		k.n = e.N
	}
	k.holds, k.view = holds, view
}

func (k *knowledge) judge(*Expectation) sight {
	found := k.question.Matter.Words(k.question.Host, k.view.Value)
	if k.view.Value == analyze.None {
		found = "nothing"
	} else {
		found = k.view.Verdict.String() + " " + found
	}
	return sight{k.question.Host != event.None && k.holds != k.never, found, k.n}
}
