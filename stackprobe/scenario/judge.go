package scenario

import (
	"strconv"
	"time"

	"gnet/stackprobe/event"
)

// Judge watches the events of one run and says which expectations of a scenario they meet. It keeps a few numbers for
// each expectation and no event.
type Judge struct {
	trials []trial
}

// trial is one expectation and what was seen of it.
type trial struct {
	x     *Expectation
	watch watch
	other watch // the other side of a comparison with a Sum, else nil
}

// watch is what is seen of one subject.
type watch interface {
	// add takes the next event of a run, with what package analyze has derived.
	add(e *event.Event)
	// judge says whether what was seen is as x wants.
	judge(x *Expectation) sight
}

// sight is what was seen: whether it is what was wanted, in words what there was, and the number of the event that
// shows it, 0 if none does.
type sight struct {
	ok    bool
	found string
	n     int
}

// NewJudge returns a judge of the scenario s for a run in world w, which is not Kernel. Expectations of other worlds are
// not judged.
func NewJudge(s *Scenario, w World) *Judge {
	j := &Judge{trials: make([]trial, 0, len(s.Expectations))}
	for i := range s.Expectations {
		x := &s.Expectations[i]
		t := trial{x: x}
		if x.World == 0 || x.World.Has(w) {
			t.watch = x.watch()
			if x.Value.Kind == Sum {
				other := Expectation{Subject: x.Value.Of, End: x.Value.Host, Match: x.Value.Match, Conn: x.Conn, At: x.At, HasAt: x.HasAt, Since: x.Since, Until: x.Until, HasSpan: x.HasSpan}
				t.other = other.watch()
			}
		}
		j.trials = append(j.trials, t)
	}
	return j
}

// Len returns how many expectations there are.
func (j *Judge) Len() int { return len(j.trials) }

// watch returns what sees the subject of x.
func (x *Expectation) watch() watch {
	switch {
	case x.Subject == Timers && x.HasAt:
		return &running{x: *x}
	case x.Subject.isCount():
		return &count{x: *x}
	case x.Subject.inTime():
		return &gauge{x: *x}
	case x.Subject == States:
		return &path{x: *x}
	case x.Subject == Gap:
		return &gap{x: *x}
	case x.Subject == Failure:
		return &refusal{x: *x}
	case x.Subject == Knowledge:
		return newKnowledge(x)
	}
	return &outcome{}
}

// Add takes the next event of the run, with what package analyze has derived for it.
func (j *Judge) Add(e *event.Event) {
	for i := range j.trials {
		t := &j.trials[i]
		if t.watch == nil {
			continue
		}
		t.watch.add(e)
		if t.other != nil {
			t.other.add(e)
		}
	}
}

// Verdicts returns what came of each expectation, in their order. Call it when the run is over.
func (j *Judge) Verdicts() []event.Expectation {
	list := make([]event.Expectation, len(j.trials))
	for i := range j.trials {
		t := &j.trials[i]
		v := event.Expectation{Text: t.x.String(), Line: t.x.Line, Verdict: event.NotJudged}
		if t.watch == nil {
			v.Found = "only in " + t.x.World.String()
			list[i] = v
			continue
		}
		s := t.see()
		v.Verdict, v.Found, v.N = event.Fail, s.found, s.n
		if s.ok {
			v.Verdict = event.Pass
		}
		list[i] = v
	}
	return list
}

// see judges the trial.
func (t *trial) see() sight {
	if t.other == nil {
		return t.watch.judge(t.x)
	}
	right := t.other.(*count)
	x := *t.x
	x.Value = Value{Number: right.n}
	s := t.watch.judge(&x)
	s.found += ", " + t.x.Value.text(t.x.Subject) + " " + strconv.FormatInt(right.n, 10)
	return s
}

// about reports whether x is about e's end and connection.
func (x *Expectation) about(e *event.Event) bool {
	if e.Kind == event.KindTx && e.Seg.Origin == event.Injected {
		return false // it bears the end's address, and the end knows nothing of it
	}
	return e.Host == x.End && (x.Conn == 0 || e.Conn == x.Conn)
}

// within reports whether a count of x takes what happened at t.
func (x *Expectation) within(t int64) bool {
	switch at := time.Duration(t); {
	case x.HasAt:
		return at <= x.At
	case x.HasSpan:
		return at >= x.Since && (x.Until == 0 || at < x.Until)
	}
	return true
}

// count counts events, or the octets of calls.
type count struct {
	x    Expectation
	n    int64
	last int // number of the last event that counted
}

func (c *count) add(e *event.Event) {
	if !c.x.about(e) || !c.x.within(e.T) {
		return
	}
	if n := c.x.amount(e); n > 0 {
		c.n, c.last = c.n+n, e.N
	}
}

// amount is by how much e moves the count of x.
func (x *Expectation) amount(e *event.Event) int64 {
	r := &e.Derived
	counts := false
	switch x.Subject {
	case Sent, Delivered:
		if e.Kind == event.KindApp && (x.Subject == Sent && e.App.Call == event.Write || x.Subject == Delivered && e.App.Call == event.Receive) {
			return int64(e.App.Bytes)
		}
		return 0
	case Timers:
		counts = e.Kind == event.KindTimer && e.Timer.Op == event.Fired && (x.Timer == 0 || e.Timer.Kind == x.Timer)
	case Segments:
		counts = e.Kind == event.KindTx
	case Retransmissions:
		counts = e.Kind == event.KindTx && r.Repeat
	case Spurious:
		counts = e.Kind == event.KindTx && r.Spurious
	case Arrivals:
		counts = e.Kind == event.KindRx
	case Losses:
		counts = e.Kind == event.KindLost
	case Faults:
		counts = e.Kind == event.KindLost || e.Kind == event.KindFault
	case Messages:
		counts = e.Kind == event.KindICMP
	case DupAcks:
		counts = e.Kind == event.KindRx && r.DupAck > 0 && (x.Cause == 0 || r.DupCause == x.Cause)
	case Duplicates:
		counts = e.Kind == event.KindRx && (r.Stale || r.Copy)
	case Corrupted:
		counts = e.Kind == event.KindRx && e.Seg.BadSum
	}
	if counts && (x.Reason == 0 || r.Why == x.Reason) && (x.Match.Class == "" || x.Match.matches(e)) {
		return 1
	}
	return 0
}

func (c *count) judge(x *Expectation) sight {
	return sight{x.Op.holds(c.n, x.Value.Number, 0), strconv.FormatInt(c.n, 10), c.last}
}

// running are the timers of an end that run at a moment.
type running struct {
	x    Expectation
	list []armed
	last int
}

// armed is a timer of a connection that runs.
type armed struct {
	conn int
	kind event.TimerKind
}

func (r *running) add(e *event.Event) {
	if e.Kind != event.KindTimer || !r.x.about(e) || time.Duration(e.T) > r.x.At || r.x.Timer != 0 && e.Timer.Kind != r.x.Timer {
		return
	}
	t := armed{e.Conn, e.Timer.Kind}
	list := r.list[:0]
	for _, other := range r.list {
		if other != t {
			list = append(list, other)
		}
	}
	if r.list = list; e.Timer.Op == event.Armed {
		r.list = append(r.list, t)
	}
	r.last = e.N
}

func (r *running) judge(x *Expectation) sight {
	found := strconv.Itoa(len(r.list))
	for i, t := range r.list {
		if found += ", "; i == 0 {
			found = found[:len(found)-2] + ": "
		}
		found += t.kind.String()
	}
	return sight{x.Op.holds(int64(len(r.list)), x.Value.Number, 0), found, r.last}
}

// path is the states of an end, one after the other.
type path struct {
	x      Expectation
	states []event.State
	wrong  int // number of the event that first was another than wanted
	last   int
}

// maxPath bounds what is remembered: no connection has so many states.
const maxPath = 64

func (p *path) add(e *event.Event) {
	if e.Kind != event.KindState || !p.x.about(e) || len(p.states) == maxPath || len(p.states) > 0 && p.states[len(p.states)-1] == e.State {
		return
	}
	i := len(p.states)
	p.states, p.last = append(p.states, e.State), e.N
	if want := p.x.Value.States; p.wrong == 0 && (i >= len(want) || want[i] != e.State) {
		p.wrong = e.N
	}
}

func (p *path) judge(x *Expectation) sight {
	same := p.wrong == 0 && len(p.states) == len(x.Value.States)
	found := "none"
	if len(p.states) > 0 {
		v := Value{Kind: StatesValue, States: p.states}
		found = v.text(States)
	}
	n := p.wrong
	if n == 0 {
		n = p.last
	}
	return sight{same == (x.Op == Equal), found, n}
}

// gap is the time between two transmissions.
type gap struct {
	x     Expectation
	seen  int
	first int64
	span  int64
	n     int
}

func (g *gap) add(e *event.Event) {
	if e.Kind != event.KindTx || !g.x.about(e) || g.x.Reason != 0 && e.Derived.Why != g.x.Reason || !g.x.Match.matches(e) {
		return
	}
	switch g.seen++; g.seen {
	case g.x.From:
		g.first = e.T
	case g.x.To:
		g.span, g.n = e.T-g.first, e.N
	}
}

func (g *gap) judge(x *Expectation) sight {
	if g.seen < x.To {
		return sight{false, "only " + strconv.Itoa(g.seen) + " such segments", 0}
	}
	return sight{x.Op.holds(g.span, x.Value.Number, int64(x.Tolerance)), time.Duration(g.span).String(), g.n}
}

// refusal is the error that an application met last.
type refusal struct {
	x    Expectation
	text string
	n    int
}

func (r *refusal) add(e *event.Event) {
	if e.Kind == event.KindApp && e.App.Call == event.Failed && r.x.about(e) {
		r.text, r.n = e.App.Err, e.N
	}
}

func (r *refusal) judge(x *Expectation) sight {
	found := "none"
	if r.n != 0 {
		found = strconv.Quote(r.text)
	}
	return sight{(r.text == x.Value.Text) == (x.Op == Equal), found, r.n}
}

// outcome is what the run says at its end.
type outcome struct {
	end *event.End
	n   int
}

func (o *outcome) add(e *event.Event) {
	if e.Kind == event.KindEnd {
		o.end, o.n = e.End, e.N
	}
}

func (o *outcome) judge(x *Expectation) sight {
	if o.end == nil {
		return sight{false, "the run has no end", 0}
	}
	found, code := "ok", int64(0)
	if !o.end.OK {
		found, code = "failed: "+o.end.Reason, 1
	}
	return sight{x.Op.holds(code, x.Value.Number, 0), found, o.n}
}
