package scenario

import (
	"strings"
	"time"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// conditionNames are the words of the conditions but the time, which has none.
func conditionNames() []string { return []string{"reason", "cause", "conn", "at", "ever", "in"} }

// readConditions takes the words behind the value.
func (x *Expectation) readConditions(w *words.Walker) error {
	for w.Peek() != "" {
		w.Next()
		if err := x.readCondition(w); err != nil {
			return err
		}
	}
	return nil
}

// readCondition takes one condition, at whose first word w stands.
func (x *Expectation) readCondition(w *words.Walker) error {
	d := x.Subject.about()
	timed := x.Subject.inTime() || x.Subject.isCount() || x.Subject == Knowledge
	switch word := w.Word; {
	case word == "reason" && d.reasons && x.Reason == 0:
		return x.readReason(w)
	case word == "cause" && d.causes && x.Cause == 0:
		return x.readCause(w)
	case word == "conn" && x.Conn == 0 && d.subject != Result:
		return number(w, 1, 1<<20, &x.Conn)
	case word == "at" && timed && !x.HasAt && !x.HasSpan && !x.Ever:
		w.Next()
		x.HasAt = true
		return timeOf(w, w.Word, &x.At)
	case word == "ever" && x.Subject.inTime() && !x.Ever && !x.HasAt:
		x.Ever = true
		return nil
	case word == "in" && x.World == 0:
		return x.readWorld(w)
	case strings.Contains(word, "..") && timed && x.Subject != Knowledge && !x.HasAt && !x.HasSpan:
		return x.readSpan(w)
	}
	return fail(w, "nothing more, or a condition: "+x.possible(&d, timed), conditionNames()...)
}

// possible names the conditions that the subject takes.
func (x *Expectation) possible(d *description, timed bool) string {
	var list []string
	if d.reasons {
		list = append(list, "reason")
	}
	if d.causes {
		list = append(list, "cause")
	}
	if d.subject != Result {
		list = append(list, "conn")
	}
	if timed {
		list = append(list, "at 1s")
	}
	if timed && x.Subject != Knowledge {
		list = append(list, "1s..2s")
	}
	if x.Subject.inTime() {
		list = append(list, "ever")
	}
	return choice(append(list, "in"))
}

func timeOf(w *words.Walker, text string, to *time.Duration) error {
	d, ok := words.Duration(text, maxTime)
	if !ok {
		return fail(w, wantTime)
	}
	*to = d
	return nil
}

// readSpan takes T..T or T.. .
func (x *Expectation) readSpan(w *words.Walker) error {
	from, to, _ := strings.Cut(w.Word, "..")
	if err := timeOf(w, from, &x.Since); err != nil {
		return err
	}
	x.HasSpan = true
	if to == "" {
		return nil
	}
	if err := timeOf(w, to, &x.Until); err != nil {
		return err
	}
	if x.Until <= x.Since {
		return fail(w, "a later end than the beginning")
	}
	return nil
}

func (x *Expectation) readReason(w *words.Walker) error {
	w.Next()
	var names []string
	for r := event.New; r.String() != ""; r++ {
		if names = append(names, r.String()); r.String() == w.Word {
			x.Reason = r
			return nil
		}
	}
	return fail(w, choice(names), names...)
}

func (x *Expectation) readCause(w *words.Walker) error {
	w.Next()
	var names []string
	for c := event.CauseLoss; c.String() != ""; c++ {
		if names = append(names, c.String()); c.String() == w.Word {
			x.Cause = c
			return nil
		}
	}
	return fail(w, choice(names), names...)
}

func (x *Expectation) readWorld(w *words.Walker) error {
	w.Next()
	names := worldNames()[1:]
	i, ok := index(names, w.Word)
	if !ok {
		return fail(w, choice(names), names...)
	}
	x.World = World(i + 1)
	return nil
}
