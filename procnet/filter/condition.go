package filter

import (
	"slices"
	"strings"
)

// comparison is an operator of a condition, without !=, which is not and =.
type comparison uint8

const (
	equal comparison = iota
	less
	lessEqual
	greater
	greaterEqual
)

func (c comparison) String() string { return [...]string{"=", "<", "<=", ">", ">="}[c] }

func (c comparison) holds(have, want uint64) bool {
	switch c {
	case less:
		return have < want
	case lessEqual:
		return have <= want
	case greater:
		return have > want
	case greaterEqual:
		return have >= want
	}
	return have == want
}

// conditionHint names the conditions of everyday; the manual has them all.
const conditionHint = "conditions are state, exclude, sport, dport, src, dst, dev, fwmark, cgroup, comm, pid, user, rtt, retrans, sendq, recvq and others: gnet-netstat(8)"

// Words returns the words that can begin a condition, for completion.
func Words() []string {
	words := []string{"state", "exclude", "not"}
	for _, k := range conditions() {
		words = append(words, k.name)
	}
	return words
}

// condition is a kind of condition: its name, and how to read what stands behind the operator.
type condition struct {
	name    string
	ordered bool // it can be compared by size
	read    func(p *parser, c *comparand) (expr, error)
}

// comparand is what was read of a condition.
type comparand struct {
	name  string // of the condition
	op    comparison
	value token
	text  string // of the value
}

// conditions returns every kind. The list is made for each expression: one is read in a run.
func conditions() []condition {
	return append([]condition{
		{"sport", true, readPort}, {"dport", true, readPort},
		{"src", false, readHost}, {"dst", false, readHost},
		{"dev", false, readDevice}, {"fwmark", false, readMark}, {"cgroup", false, readCgroup},
		{"comm", false, readComm}, {"pid", true, readPID}, {"user", false, readUser},
		{"netns", false, readNetns}, {"inode", true, readInode},
		{"proto", false, readProto}, {"family", false, readFamily},
		{"sendq", true, readQueue}, {"recvq", true, readQueue},
	}, infoConditions()...)
}

// canonicalName returns the name of a condition as conditions has it.
func canonicalName(word string) string {
	word = strings.ReplaceAll(word, "-", "_")
	for _, alias := range [...][2]string{
		{"send_q", "sendq"}, {"recv_q", "recvq"}, {"snd_cwnd", "cwnd"}, {"snd_ssthresh", "ssthresh"}, {"snd_mss", "mss"}, {"minrtt", "min_rtt"},
	} {
		if word == alias[0] {
			return alias[1]
		}
	}
	return word
}

// condition reads one condition or a run of states, whose first word is t.
func (p *parser) condition(t token) (expr, error) {
	if isWord(t, "state", "exclude", "excl") {
		return p.states()
	}
	if strings.HasPrefix(t.text, ":") {
		return p.eitherPort()
	}
	if p.kinds == nil {
		p.kinds = conditions()
	}
	name := canonicalName(t.text)
	i := slices.IndexFunc(p.kinds, func(k condition) bool { return k.name == name })
	if i < 0 {
		return nil, p.noCondition(t)
	}
	p.take(t)
	c := comparand{name: name}
	negated, err := p.operator(&c, &p.kinds[i])
	if err != nil {
		return nil, err
	}
	if err := p.value(&c); err != nil {
		return nil, err
	}
	node, err := p.kinds[i].read(p, &c)
	if err != nil {
		return nil, err
	}
	if negated {
		return not{node}, nil
	}
	return node, nil
}

func (p *parser) noCondition(t token) error {
	err := p.fail(t, "%q is no condition", t.text)
	known := append(Words(), "and", "or")
	if isWord(t, "and", "or") {
		return p.fail(t, "a condition is missing before this").hint("%s", conditionHint)
	}
	if near := nearest(t.text, known); near != "" {
		return err.hint("did you mean %s?", near)
	}
	return err.hint("%s", conditionHint)
}

// operator reads the operator, which may be left out, and reports whether it is !=.
func (p *parser) operator(c *comparand, k *condition) (negated bool, err error) {
	t := p.peek(nameWord)
	if t.kind != tokenCompare && t.kind != tokenWord {
		return false, nil
	}
	switch t.text {
	case "=", "==", "eq":
	case "!=", "ne", "neq":
		negated = true
	case "<", "lt":
		c.op = less
	case "<=", "le", "leq":
		c.op = lessEqual
	case ">", "gt":
		c.op = greater
	case ">=", "ge", "geq":
		c.op = greaterEqual
	default:
		return false, nil
	}
	if c.op != equal && !k.ordered {
		return false, p.fail(t, "%s has no size", k.name).hint("it takes = and !=")
	}
	p.take(t)
	return negated, nil
}

// value reads the word that the condition compares with.
func (p *parser) value(c *comparand) error {
	t := p.peek(valueWord)
	switch t.kind {
	case tokenWord, tokenQuoted:
		p.take(t)
		c.value, c.text = t, t.text
		return nil
	case tokenBad:
		return p.fail(t, "this quotation has no end")
	case tokenEnd:
		return p.fail(t, "the value of %s is missing", c.name)
	}
	return p.fail(t, "the value of %s is missing before this", c.name)
}

// appendComparison appends a condition up to its value.
func appendComparison(dst []byte, name string, op comparison) []byte {
	dst = append(append(dst, name...), ' ')
	return append(append(dst, op.String()...), ' ')
}
