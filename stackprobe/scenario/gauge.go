package scenario

import (
	"strconv"
	"time"

	"gnet/stackprobe/event"
)

// gauge follows a value that changes in time. At a moment the last value up to it counts; in an interval every value
// that was in force in it, or one of them (Ever); without a time the last of the run.
type gauge struct {
	x Expectation
	// now is the value in force, n the number of the event that told it, 0 while none has.
	now int64
	n   int
	// spanned says that the interval has begun; held and missed are the first values in it that are as wanted and not.
	spanned      bool
	held, missed sight
}

func (g *gauge) add(e *event.Event) {
	if !g.x.about(e) {
		return
	}
	v, ok := g.x.Subject.value(e)
	if !ok {
		return
	}
	switch t := time.Duration(e.T); {
	case g.x.HasAt && t > g.x.At:
	case !g.everywhere() || g.x.HasSpan && t <= g.x.Since:
		g.now, g.n = v, e.N
	case g.x.HasSpan && g.x.Until != 0 && t >= g.x.Until:
		g.begin()
	default:
		g.begin()
		g.now, g.n = v, e.N
		g.try()
	}
}

// everywhere reports whether more than one value is looked at.
func (g *gauge) everywhere() bool { return g.x.HasSpan || g.x.Ever }

// begin looks at the value that was in force before the interval.
func (g *gauge) begin() {
	if !g.spanned && g.n != 0 {
		g.try()
	}
	g.spanned = true
}

// try looks at the value in force.
func (g *gauge) try() {
	s := sight{g.x.Op.holds(g.now, g.x.Value.Number, 0), g.x.Subject.words(g.now), g.n}
	switch {
	case s.ok && g.held.n == 0:
		g.held = s
	case !s.ok && (g.missed.n == 0 || g.x.Ever): // of those that are not it, the last is the nearest to what comes
		g.missed = s
	}
}

func (g *gauge) judge(x *Expectation) sight {
	if g.n == 0 {
		return sight{false, "not known", 0}
	}
	if !g.everywhere() {
		return sight{x.Op.holds(g.now, x.Value.Number, 0), x.Subject.words(g.now), g.n}
	}
	g.begin()
	wanted, other := g.missed, g.held
	if x.Ever {
		wanted, other = g.held, g.missed
	}
	if wanted.n != 0 {
		return wanted
	}
	return other
}

// words returns a value of s as people write it.
func (s Subject) words(v int64) string {
	switch {
	case s == State:
		if v == 0 {
			return "not known"
		}
		return stateWord(event.State(v))
	case s == CongestionState:
		return event.Congestion(v).String()
	case s.about().value == TimeValue:
		return time.Duration(v).String()
	}
	return strconv.FormatInt(v, 10)
}

// value returns what e tells of the subject s.
func (s Subject) value(e *event.Event) (int64, bool) {
	switch s {
	case State:
		return int64(e.State), e.Kind == event.KindState
	case Window:
		r := &e.Derived
		return int64(r.Window), e.Kind == event.KindTx && r.HasWindow && e.Seg.Flags&event.RST == 0
	}
	v := &e.Vars
	una, nxt, rcv := v.Rel()
	for _, f := range [...]struct {
		subject Subject
		bits    event.VarSet
		value   int64
	}{
		{Cwnd, event.HasCwnd, int64(v.Cwnd)}, {Ssthresh, event.HasSsthresh, int64(v.Ssthresh)}, {RTO, event.HasRTO, v.RTO}, {SRTT, event.HasSRTT, v.SRTT},
		{Flight, event.HasFlight, int64(v.Flight)}, {Backoff, event.HasBackoff, int64(v.Backoff)}, {SndUna, event.HasUna | event.HasISS, int64(una)},
		{SndNxt, event.HasNxt | event.HasISS, int64(nxt)}, {SndWnd, event.HasWnd, int64(v.Wnd)}, {RcvNxt, event.HasRcvNxt | event.HasIRS, int64(rcv)},
		{RcvWnd, event.HasRcvWnd, int64(v.RcvWnd)}, {SndMSS, event.HasSndMSS, int64(v.SndMSS)}, {CongestionState, event.HasCongestion, int64(v.Congestion)},
	} {
		if f.subject == s {
			return f.value, v.Has&f.bits == f.bits
		}
	}
	return 0, false
}
