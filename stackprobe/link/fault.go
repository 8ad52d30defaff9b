package link

import (
	"fmt"
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// Rule is one fault of the link. Its words are
//
//	rule  = [ "client>" | "server>" ] "drop" [ match [ list ] ]
//	match = "syn" | "synack" | "ack" | "data" | "fin" | "rst" | "any"
//	list  = number | number "-" number | "first" number
//
// A rule without a direction holds for both and counts them apart. The list counts what the rule matched in its
// direction, retransmissions included; "first" counts first transmissions only. Without a list every match is dropped,
// without a match every packet.
type Rule struct {
	// Text is the rule with one blank between its words.
	Text string
	// From is the end whose packets are concerned, None for both.
	From  event.Host
	Match Match
	// Low and High bound the numbers that are dropped, from 1; both are 0 for every match.
	Low, High int
	// First says that retransmissions are neither counted nor dropped.
	First bool
}

// Match is a class of segments.
type Match uint8

// The classes. MatchAck is a segment without data, SYN, FIN and RST.
const (
	MatchAny Match = iota
	MatchSyn
	MatchSynAck
	MatchAck
	MatchData
	MatchFin
	MatchRst
)

var matchNames = [...]string{"any", "syn", "synack", "ack", "data", "fin", "rst"}

const matchList = "any, syn, synack, ack, data, fin or rst"

// matches reports whether s is in class m; s is nil for a packet that is not a TCP segment.
func (m Match) matches(s *event.Segment) bool {
	if m == MatchAny {
		return true
	}
	if s == nil {
		return false
	}
	switch f := s.Flags; m {
	case MatchSyn:
		return f&(event.SYN|event.ACK) == event.SYN
	case MatchSynAck:
		return f.Has(event.SYN | event.ACK)
	case MatchAck:
		return s.Len == 0 && f&(event.SYN|event.FIN|event.RST) == 0
	case MatchData:
		return s.Len > 0
	case MatchFin:
		return f.Has(event.FIN)
	case MatchRst:
		return f.Has(event.RST)
	}
	return false
}

// RuleError is a rule that cannot be read. Word is the word at fault, Offset its place in Text in bytes; both point
// behind the end if words are missing.
type RuleError struct {
	Text, Word string
	Offset     int
	// Want says what could have stood there.
	Want string
}

// Error names the rule, the word and what was wanted.
func (e *RuleError) Error() string {
	if e.Word == "" {
		return fmt.Sprintf("fault %q: ends where %s should follow", e.Text, e.Want)
	}
	return fmt.Sprintf("fault %q: %q: want %s", e.Text, e.Word, e.Want)
}

// Pointer returns two lines, the rule and a caret below the word at fault.
func (e *RuleError) Pointer() string {
	return e.Text + "\n" + strings.Repeat(" ", len([]rune(e.Text[:e.Offset]))) + "^"
}

// maxNumber bounds the numbers of a list; no run has more segments.
const maxNumber = 1 << 30

// ParseRule reads one rule; the error is a *RuleError.
func ParseRule(text string) (Rule, error) {
	p := ruleParser{text: text, rest: text}
	r := Rule{}
	switch p.next(); p.word {
	case "client>":
		r.From = event.Client
		p.next()
	case "server>":
		r.From = event.Server
		p.next()
	}
	if p.word != "drop" {
		return Rule{}, p.fail(p.wantAction(r.From))
	}
	if err := p.tail(&r); err != nil {
		return Rule{}, err
	}
	r.Text = strings.Join(strings.Fields(text), " ")
	return r, nil
}

// tail reads match and list.
func (p *ruleParser) tail(r *Rule) error {
	if !p.next() {
		return nil
	}
	m := -1
	for i, n := range matchNames {
		if p.word == n {
			m = i
		}
	}
	if m < 0 {
		return p.fail(matchList)
	}
	r.Match = Match(m)
	if !p.next() {
		return nil
	}
	if err := p.list(r); err != nil {
		return err
	}
	if p.next() {
		return p.fail("nothing more")
	}
	return nil
}

// list reads "3", "2-4" or "first 3"; the parser stands at its first word.
func (p *ruleParser) list(r *Rule) error {
	var ok bool
	if p.word == "first" {
		r.First, r.Low = true, 1
		p.next()
		if r.High, ok = number(p.word); !ok {
			return p.fail("a number from 1")
		}
		return nil
	}
	low, high, dash := strings.Cut(p.word, "-")
	if r.Low, ok = number(low); !ok {
		return p.fail(`a number, a range like 2-4 or "first 3"`)
	}
	r.High = r.Low
	if dash {
		if r.High, ok = number(high); !ok || r.High < r.Low {
			return p.fail("a range like 2-4")
		}
	}
	return nil
}

// number reads a decimal number from 1, without sign or leading zero.
func number(s string) (int, bool) {
	if s == "" || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= maxNumber
}

// ruleParser walks over the words of a rule.
type ruleParser struct {
	text, rest string
	word       string
	at         int // offset of word in text
}

// next goes to the next word, "" at the end, and reports whether there is one.
func (p *ruleParser) next() bool {
	p.rest = strings.TrimLeft(p.rest, " \t")
	p.at = len(p.text) - len(p.rest)
	n := strings.IndexAny(p.rest, " \t")
	if n < 0 {
		n = len(p.rest)
	}
	p.word, p.rest = p.rest[:n], p.rest[n:]
	return p.word != ""
}

func (p *ruleParser) fail(want string) error {
	return &RuleError{Text: p.text, Word: p.word, Offset: p.at, Want: want}
}

// wantAction says what may stand at the place of the action.
func (p *ruleParser) wantAction(from event.Host) string {
	if from == event.None {
		return "client>, server> or drop"
	}
	return "drop"
}

// Faults are the rules of a link with what they have counted.
type Faults struct {
	rules []Rule
	count []counts
}

// counts are one rule's: matches per direction and packets dropped.
type counts struct {
	matched [3]int // by event.Host
	dropped int
}

// NewFaults returns the rules with nothing counted. The order is that of judging.
func NewFaults(rules []Rule) *Faults {
	return &Faults{rules: rules, count: make([]counts, len(rules))}
}

// Judge counts one transmission and returns the text of the first rule that drops it, "" if it passes. Rules behind the
// one that drops do not see the packet. s and n, its numbers, are nil for a packet that is no TCP segment.
func (f *Faults) Judge(from event.Host, s *event.Segment, n *event.Numbers) string {
	for i := range f.rules {
		r, c := &f.rules[i], &f.count[i]
		if r.From != event.None && r.From != from || !r.Match.matches(s) {
			continue
		}
		if r.First && n != nil && n.Attempt > 1 {
			continue
		}
		c.matched[from]++
		if n := c.matched[from]; r.High == 0 || n >= r.Low && n <= r.High {
			c.dropped++
			return r.Text
		}
	}
	return ""
}

// Idle yields the rules that dropped nothing, each with the number of packets that it matched.
func (f *Faults) Idle(yield func(rule string, matched int) bool) {
	for i, c := range f.count {
		if c.dropped == 0 && !yield(f.rules[i].Text, c.matched[event.Client]+c.matched[event.Server]) {
			return
		}
	}
}
