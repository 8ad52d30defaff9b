package scenario

import (
	"strings"

	"gnet/internal/words"
	"gnet/stackprobe/event"
)

// readExpectation reads what stands behind "expect", at which w stands.
func readExpectation(w *words.Walker) (Expectation, error) {
	var x Expectation
	for _, step := range []func(*words.Walker) error{x.readSubject, x.readValue, x.readConditions} {
		if err := step(w); err != nil {
			return Expectation{}, err
		}
	}
	return x, nil
}

// readSubject takes the subject, its end and what is to be counted.
func (x *Expectation) readSubject(w *words.Walker) error {
	w.Next()
	name := w.Word
	if end, field, ok := strings.Cut(name, "."); ok {
		h, ok := index(hosts(), end)
		if !ok {
			return fail(w, "client or server before the dot", "client."+field, "server."+field)
		}
		x.End, name = event.Host(h+1), field
	}
	for _, d := range subjects() {
		if d.name == name && (d.shape == ofEnd) == (x.End != event.None) {
			x.Subject = d.subject
			return x.readWhose(w, &d)
		}
	}
	if x.End != event.None {
		return fail(w, "client. or server. and one of "+choice(fields(ofEnd)), prefixed(x.End.String()+".", fields(ofEnd))...)
	}
	list := append(append(fields(counted), fields(ofRun)...), prefixed("client.", fields(ofEnd))...)
	return fail(w, strings.Join(append(fields(counted), fields(ofRun)...), ", ")+", or client.state and the like", append(list, prefixed("server.", fields(ofEnd))...)...)
}

// fields returns the names of the subjects of one shape.
func fields(s shape) []string {
	var names []string
	for _, d := range subjects() {
		if d.shape == s {
			names = append(names, d.name)
		}
	}
	return names
}

func prefixed(prefix string, names []string) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = prefix + n
	}
	return list
}

// readWhose takes the end of a subject that is counted, and the class of segments.
func (x *Expectation) readWhose(w *words.Walker, d *description) error {
	if d.shape == counted {
		w.Next()
		h, ok := index(hosts(), w.Word)
		if !ok {
			return fail(w, choice(hosts()), hosts()...)
		}
		x.End = event.Host(h + 1)
	}
	if d.matches {
		if err := x.Match.read(w); err != nil {
			return err
		}
	}
	switch d.subject {
	case Timers:
		if k := timerOf(w.Peek()); k != 0 {
			w.Next()
			x.Timer = k
		}
	case Gap:
		return x.readPair(w)
	}
	return nil
}

// readPair takes the numbers of the two segments of a gap.
func (x *Expectation) readPair(w *words.Walker) error {
	if err := number(w, 1, 1<<20, &x.From); err != nil {
		return err
	}
	if w.Next(); w.Word != "to" {
		return fail(w, "\"to\" and the number of the second segment", "to")
	}
	if err := number(w, 1, 1<<20, &x.To); err != nil {
		return err
	}
	if x.To <= x.From {
		return fail(w, "a later segment than the first")
	}
	return nil
}

// timerOf returns the timer of that name, 0 for none.
func timerOf(name string) event.TimerKind {
	for k := event.RTO; k.String() != ""; k++ {
		if k.String() == name {
			return k
		}
	}
	return 0
}

// read takes a class of segments if one follows.
func (m *Match) read(w *words.Walker) error {
	next := w.Peek()
	if _, ok := index(classNames(), next); ok {
		w.Next()
		m.Class = next
		return nil
	}
	if octets, ok := strings.CutPrefix(next, "len>="); ok {
		w.Next()
		if m.Low, ok = words.Number(octets, 1, 65535); !ok {
			return fail(w, "len>= and a number of octets from 1 to 65535")
		}
		m.Class = "len"
		return nil
	}
	if next != "seq" {
		return nil
	}
	w.Next()
	w.Next()
	low, high, ok := strings.Cut(w.Word, "-")
	a, okA := words.Number(low, 0, 1<<31)
	b, okB := words.Number(high, 0, 1<<31)
	if !ok || !okA || !okB || b < a {
		return fail(w, "two numbers such as 1-1000")
	}
	m.Class, m.Low, m.High = "seq", a, b
	return nil
}

// readValue takes the comparison and what is compared with.
func (x *Expectation) readValue(w *words.Walker) error {
	if x.Subject == Knowledge {
		return x.readKnowledge(w)
	}
	d := x.Subject.about()
	if i, ok := index(opNames(), w.Peek()); ok {
		w.Next()
		x.Op = Op(i)
		if x.Op > NotEqual && (d.value != NumberValue && d.value != TimeValue || x.Subject == Result || x.Subject == CongestionState) {
			return fail(w, "= or !=")
		}
	}
	w.Next()
	switch {
	case d.value == StateValue || d.value == StatesValue:
		return x.readStates(w)
	case x.Subject == Failure:
		return x.Value.readText(w)
	case x.Subject == Result:
		return x.Value.readName(w, resultNames(), 0)
	case x.Subject == CongestionState:
		return x.Value.readName(w, congestionNames(), 1)
	case d.value == TimeValue:
		return x.readTime(w)
	}
	return x.readNumber(w, &d)
}

// readName takes one of names; the first stands for base.
func (v *Value) readName(w *words.Walker, names []string, base int) error {
	i, ok := index(names, w.Word)
	if !ok {
		return fail(w, choice(names), names...)
	}
	v.Number = int64(base + i)
	return nil
}

func congestionNames() []string {
	var names []string
	for c := event.CongestionOpen; c.String() != ""; c++ {
		names = append(names, c.String())
	}
	return names
}

// readTime takes a time and its tolerance.
func (x *Expectation) readTime(w *words.Walker) error {
	d, ok := words.Duration(w.Word, maxTime)
	if !ok {
		return fail(w, wantTime)
	}
	x.Value = Value{Kind: TimeValue, Number: int64(d)}
	if w.Peek() != "+-" {
		return nil
	}
	w.Next()
	if x.Op > NotEqual {
		return fail(w, "no tolerance but with = and !=")
	}
	return duration(w, &x.Tolerance)
}

// readNumber takes a number, none, or another quantity.
func (x *Expectation) readNumber(w *words.Walker, d *description) error {
	if n, ok := words.Number(w.Word, 0, 1<<40); ok {
		x.Value.Number = n
		return nil
	}
	if w.Word == "none" && x.Subject.isCount() {
		x.Value.Kind = Nothing
		return nil
	}
	if !d.sums {
		if x.Subject.isCount() {
			return fail(w, "a number or none", "none")
		}
		return fail(w, "a number")
	}
	for _, other := range subjects() {
		if !other.sums || other.name != w.Word {
			continue
		}
		w.Next()
		h, ok := index(hosts(), w.Word)
		if !ok {
			return fail(w, choice(hosts()), hosts()...)
		}
		x.Value = Value{Kind: Sum, Of: other.subject, Host: event.Host(h + 1)}
		if other.matches {
			return x.Value.Match.read(w)
		}
		return nil
	}
	want, choices := "a number, none, or a quantity such as \"sent client\"", sums()
	if d.matches && x.Match.Class == "" {
		want, choices = "a class such as syn, data, seq 1-1000 or len>=500, a comparison, "+want, append(choices, classNames()...)
	}
	return fail(w, want, choices...)
}

// sums returns the names of the subjects that can stand on both sides.
func sums() []string {
	names := []string{"none"}
	for _, d := range subjects() {
		if d.sums {
			names = append(names, d.name)
		}
	}
	return names
}

// readStates takes one state, or as many as there are.
func (x *Expectation) readStates(w *words.Walker) error {
	x.Value.Kind = x.Subject.about().value
	for {
		i, ok := index(stateWords(), w.Word)
		if !ok {
			meant := words.Nearest(w.Word, strings.Split(strings.ToLower(strings.Join(stateWords(), " ")), " ")...)
			return &failure{w.Fail("a state: " + choice(stateWords())), strings.ToUpper(meant)}
		}
		x.Value.States = append(x.Value.States, event.Closed+event.State(i))
		if x.Value.Kind == StateValue {
			x.Value.Number = int64(x.Value.States[0])
			return nil
		}
		if next := w.Peek(); next == "" || !isState(next) {
			return nil
		}
		w.Next()
	}
}

// isState reports whether a word is a state or, by its capitals, meant to be one.
func isState(word string) bool { return word[0] >= 'A' && word[0] <= 'Z' }

// readText takes a text in quotes, or none.
func (v *Value) readText(w *words.Walker) error {
	const want = "a text in quotes such as \"connection refused\", or none"
	if w.Word == "none" {
		v.Kind = Nothing
		return nil
	}
	if w.Word == "" || w.Word[0] != '"' {
		return fail(w, want, "none")
	}
	first := *w
	text, closed := strings.CutPrefix(w.Word, `"`)
	for text, closed = strings.CutSuffix(text, `"`); !closed; {
		if !w.Next() {
			return fail(&first, "a second quote behind the text")
		}
		var part string
		part, closed = strings.CutSuffix(w.Word, `"`)
		text += " " + part
	}
	if text == "" || strings.Contains(text, `"`) {
		return fail(&first, want)
	}
	v.Kind, v.Text = TextValue, text
	return nil
}
