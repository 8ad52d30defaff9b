package scenario

import (
	"strconv"
	"strings"
	"time"

	"gnet/stackprobe/event"
)

// Expectation is what must be seen in a run:
//
//	expectation = subject [ match ] [ "=" | "!=" | "<" | "<=" | ">" | ">=" ] value [ "+-" value ] { condition }
//	condition   = "reason" WHY | "cause" CAUSE | "conn" N | "at" T | T ".." [ T ] | "ever" | "in" WORLD
//
// See gnet-trace(8) for the subjects and what they are compared with.
type Expectation struct {
	// Line is the line of the file.
	Line    int
	Subject Subject
	// End is whose it is, None for Result and Knowledge.
	End event.Host
	// Match says which segments are meant, where segments are counted.
	Match Match
	// Timer is the one that Timers counts, 0 for every one.
	Timer event.TimerKind
	// From and To are the numbers of the two segments of a Gap.
	From, To  int
	Op        Op
	Value     Value
	Tolerance time.Duration // of a Gap, 0 for none

	Reason event.Reason
	Cause  event.Cause
	Conn   int
	// At is the moment that is meant, Since and Until the interval, Until 0 for no end; Ever says that one moment is
	// enough.
	At           time.Duration
	HasAt        bool
	Since, Until time.Duration
	HasSpan      bool
	Ever         bool
	// World is the only one in which it is judged, 0 for all.
	World World
}

// Op is a comparison.
type Op uint8

// The comparisons.
const (
	Equal Op = iota
	NotEqual
	Less
	LessEqual
	Greater
	GreaterEqual
)

func opNames() []string { return []string{"=", "!=", "<", "<=", ">", ">="} }

// String returns the sign.
func (o Op) String() string { return opNames()[o] }

// holds reports whether a o b, equality within a tolerance.
func (o Op) holds(a, b, tolerance int64) bool {
	near := a-b <= tolerance && b-a <= tolerance
	switch o {
	case Equal:
		return near
	case NotEqual:
		return !near
	case Less:
		return a < b
	case LessEqual:
		return a <= b
	case Greater:
		return a > b
	}
	return a >= b
}

// ValueKind says what a Value is.
type ValueKind uint8

// The kinds of values. Sum is another quantity of the same run, Nothing the word none.
const (
	NumberValue ValueKind = iota
	TimeValue
	StateValue
	StatesValue
	TextValue
	Nothing
	Sum
)

// Value is what a subject is compared with.
type Value struct {
	Kind ValueKind
	// Number is a NumberValue's, a TimeValue's in nanoseconds, a StateValue's event.State, and the event.Congestion of a
	// congestion state.
	Number int64
	States []event.State
	Text   string
	// Of, Host and Match are a Sum's.
	Of    Subject
	Host  event.Host
	Match Match
}

// Match is a class of segments, in the words of the faults.
type Match struct {
	// Class is the word, "" for every segment.
	Class string
	// Low and High bound the numbers of seq, Low is that of len>=.
	Low, High int64
}

func classNames() []string { return []string{"any", "syn", "synack", "ack", "data", "fin", "rst"} }

// String returns the words of the language.
func (m Match) String() string {
	switch m.Class {
	case "seq":
		return "seq " + strconv.FormatInt(m.Low, 10) + "-" + strconv.FormatInt(m.High, 10)
	case "len":
		return "len>=" + strconv.FormatInt(m.Low, 10)
	}
	return m.Class
}

// matches reports whether the segment of e is in the class.
func (m *Match) matches(e *event.Event) bool {
	s, f := &e.Seg, e.Seg.Flags
	switch m.Class {
	case "syn":
		return f&(event.SYN|event.ACK) == event.SYN
	case "synack":
		return f.Has(event.SYN | event.ACK)
	case "ack":
		return s.Len == 0 && f&(event.SYN|event.FIN|event.RST) == 0
	case "data":
		return s.Len > 0
	case "fin":
		return f.Has(event.FIN)
	case "rst":
		return f.Has(event.RST)
	case "seq":
		n := &e.Derived.Numbers
		return n.HasRelSeq && n.RelSeq <= m.High && m.Low < n.RelEnd
	case "len":
		return int64(s.Len) >= m.Low
	}
	return true
}

// String returns the words that are read as x, one blank between them.
func (x *Expectation) String() string {
	var parts []string
	add := func(words ...string) {
		for _, w := range words {
			if w != "" {
				parts = append(parts, w)
			}
		}
	}
	switch d := x.Subject.about(); {
	case d.shape == ofEnd:
		add(x.End.String() + "." + d.name)
	case d.shape == ofRun:
		add(d.name)
	default:
		add(d.name, x.End.String())
	}
	add(x.Match.String(), x.Timer.String())
	switch x.Subject {
	case Knowledge:
		add(x.Value.Text)
		return strings.Join(append(parts, x.conditions()...), " ")
	case Gap:
		add(strconv.Itoa(x.From), "to", strconv.Itoa(x.To))
	}
	add(x.Op.String(), x.Value.text(x.Subject))
	if x.Tolerance != 0 {
		add("+-", x.Tolerance.String())
	}
	return strings.Join(append(parts, x.conditions()...), " ")
}

// text returns the words of v, a value of subject s.
func (v *Value) text(s Subject) string {
	switch v.Kind {
	case TimeValue:
		return time.Duration(v.Number).String()
	case StateValue, StatesValue:
		names := make([]string, len(v.States))
		for i, s := range v.States {
			names[i] = stateWord(s)
		}
		return strings.Join(names, " ")
	case TextValue:
		return `"` + v.Text + `"`
	case Nothing:
		return "none"
	case Sum:
		return strings.TrimRight(v.Of.about().name+" "+v.Host.String()+" "+v.Match.String(), " ")
	}
	switch s {
	case Result:
		return resultNames()[v.Number]
	case CongestionState:
		return event.Congestion(v.Number).String()
	}
	return strconv.FormatInt(v.Number, 10)
}

// conditions returns the words behind the value.
func (x *Expectation) conditions() []string {
	var parts []string
	if x.Reason != 0 {
		parts = append(parts, "reason", x.Reason.String())
	}
	if x.Cause != 0 {
		parts = append(parts, "cause", x.Cause.String())
	}
	if x.Conn != 0 {
		parts = append(parts, "conn", strconv.Itoa(x.Conn))
	}
	switch {
	case x.HasAt:
		parts = append(parts, "at", x.At.String())
	case x.HasSpan && x.Until == 0:
		parts = append(parts, x.Since.String()+"..")
	case x.HasSpan:
		parts = append(parts, x.Since.String()+".."+x.Until.String())
	}
	if x.Ever {
		parts = append(parts, "ever")
	}
	if x.World != 0 {
		parts = append(parts, "in", x.World.String())
	}
	return parts
}

func resultNames() []string { return []string{"ok", "failed"} }

// resetWord stands for CLOSED by a reset or an abort, whose name has a blank in it.
const resetWord = "RESET"

// stateWord returns the word of a state.
func stateWord(s event.State) string {
	if s == event.ClosedReset {
		return resetWord
	}
	return s.String()
}

// stateWords returns the words of all states.
func stateWords() []string {
	var names []string
	for s := event.Closed; s <= event.ClosedReset; s++ {
		names = append(names, stateWord(s))
	}
	return names
}
