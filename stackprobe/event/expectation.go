package event

// Expectation is what came of one expectation of a scenario.
type Expectation struct {
	// Text is the expectation in the words of its file, Line the line there.
	Text    string
	Line    int
	Verdict Verdict
	// Found is what was there, in words; N is the number of the event that shows it, 0 if none does.
	Found string
	N     int
}

// Verdict says what came of an expectation.
type Verdict uint8

// The verdicts. NotJudged is that of an expectation of another world.
const (
	_ Verdict = iota
	Pass
	Fail
	NotJudged
)

// String returns "pass", "fail" or "not-judged".
func (v Verdict) String() string { return name(verdictNames[:], uint8(v)) }

var verdictNames = [...]string{"", "pass", "fail", "not-judged"}

// expectation appends what came of an expectation.
func (o *object) expectation(x *Expectation) {
	if x == nil {
		x = &Expectation{}
	}
	o.str("expectation", x.Text)
	o.optInt("expectation_line", int64(x.Line))
	o.optStr("verdict", x.Verdict.String())
	o.optStr("found", x.Found)
	o.optInt("found_n", int64(x.N))
}

// expectationMember takes what an expectation has.
func (p *parts) expectationMember(key []byte) bool {
	x := &p.expectation
	switch string(key) {
	case "expectation":
		x.Text = string(p.text())
	case "expectation_line":
		x.Line = p.count()
	case "verdict":
		x.Verdict = Verdict(p.word(verdictNames[:]))
	case "found":
		x.Found = string(p.text())
	case "found_n":
		x.N = p.count()
	default:
		return false
	}
	return true
}
