package filter

import (
	"fmt"
	"slices"
)

// Filter is an expression that was read. It does not change and may be used by several goroutines.
type Filter struct {
	root  expr
	mixed bool
}

// Needs returns what the conditions ask for.
func (f *Filter) Needs() Needs { return f.root.needs() }

// MixesOrAnd reports whether an and follows an or without parentheses. Both are read from left to right by ss, against its
// manual; here and binds tighter, as the manual has it.
func (f *Filter) MixesOrAnd() bool { return f.mixed }

// String returns the filter in its canonical form, which reads back as the same filter.
func (f *Filter) String() string { return string(f.root.append(nil)) }

// All returns the filter that keeps what every one of filters keeps, at least one.
func All(filters ...*Filter) *Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	var all and
	mixed := false
	for _, f := range filters {
		all = append(all, f.root)
		mixed = mixed || f.mixed
	}
	return &Filter{all, mixed}
}

// maxDepth bounds how deep parentheses and nots may stand in one another, so that no expression exhausts the stack.
const maxDepth = 100

// Parse reads an expression. Its error is a *SyntaxError.
func Parse(expression string, names Names) (*Filter, error) {
	p := &parser{expr: expression, names: names}
	if p.peek(nameWord).kind == tokenEnd {
		return nil, p.fail(p.peek(nameWord), "the expression is empty")
	}
	root, err := p.expression()
	if err != nil {
		return nil, err
	}
	if t := p.peek(nameWord); t.kind != tokenEnd {
		return nil, p.fail(t, "nothing is open that this closes")
	}
	return &Filter{root, p.mixed}, nil
}

// parser reads an expression by recursive descent. How a word is cut depends on what may stand there, so tokens are made on
// demand.
type parser struct {
	expr  string
	names Names
	kinds []condition // made when the first condition is met
	at    int
	depth int
	mixed bool
}

func (p *parser) peek(mode wordMode) token { return lex(p.expr, p.at, mode) }

func (p *parser) take(t token) { p.at = t.end }

// fail makes an error that points at t.
func (p *parser) fail(t token, format string, args ...any) *SyntaxError {
	return &SyntaxError{Expr: p.expr, Offset: t.start, Word: p.expr[t.start:t.end], Msg: fmt.Sprintf(format, args...)}
}

func (e *SyntaxError) hint(format string, args ...any) *SyntaxError {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// expression reads what stands between parentheses, or all. States at its beginning go for the rest, as in ss, unless an operator
// stands between them.
func (p *parser) expression() (expr, error) {
	start := p.at
	first, err := p.leadingStates()
	if err != nil || first == nil {
		p.at = start
		return p.alternatives()
	}
	rest, err := p.alternatives()
	if err != nil {
		return nil, err
	}
	if list, ok := rest.(and); ok {
		return append(and{first}, list...), nil
	}
	return and{first, rest}, nil
}

// leadingStates reads states that a condition follows, nil when there are none.
func (p *parser) leadingStates() (expr, error) {
	if !isWord(p.peek(nameWord), "state", "exclude", "excl") {
		return nil, nil
	}
	first, err := p.states()
	if err != nil {
		return nil, err
	}
	switch t := p.peek(nameWord); {
	case t.kind == tokenOpen, t.kind == tokenNot, t.kind == tokenWord && !isWord(t, "and", "or"):
		return first, nil
	}
	return nil, nil
}

func (p *parser) alternatives() (expr, error) {
	var terms or
	for {
		term, words, err := p.term()
		if err != nil {
			return nil, err
		}
		p.mixed = p.mixed || len(terms) > 0 && words > 1
		terms = append(terms, term)
		t := p.peek(nameWord)
		if t.kind != tokenOr && !isWord(t, "or") {
			return single(terms), nil
		}
		p.take(t)
	}
}

// term returns the conditions that are joined by and, and how many they are.
func (p *parser) term() (expr, int, error) {
	var factors and
	for {
		factor, err := p.factor()
		if err != nil {
			return nil, 0, err
		}
		factors = append(factors, factor)
		t := p.peek(nameWord)
		switch {
		case t.kind == tokenAnd || isWord(t, "and"):
			p.take(t)
		case t.kind == tokenEnd, t.kind == tokenClose, t.kind == tokenOr, isWord(t, "or"):
			return single(factors), len(factors), nil
		}
	}
}

// single returns a list of one as what is in it.
func single[L ~[]expr](list L) expr {
	if len(list) == 1 {
		return list[0]
	}
	return any(list).(expr)
}

func isWord(t token, words ...string) bool {
	return t.kind == tokenWord && slices.Contains(words, t.text)
}

func (p *parser) factor() (expr, error) {
	t := p.peek(nameWord)
	switch {
	case t.kind == tokenNot || isWord(t, "not"):
		return p.negation(t)
	case t.kind == tokenOpen:
		return p.group(t)
	case t.kind == tokenWord:
		return p.condition(t)
	case t.kind == tokenEnd:
		return nil, p.fail(t, "a condition is missing at the end").hint("%s", conditionHint)
	case t.kind == tokenBad:
		return nil, p.fail(t, "this quotation has no end")
	}
	return nil, p.fail(t, "a condition is missing before this").hint("%s", conditionHint)
}

func (p *parser) negation(t token) (expr, error) {
	p.take(t)
	leave, err := p.enter(t)
	if err != nil {
		return nil, err
	}
	defer leave()
	inner, err := p.factor()
	if err != nil {
		return nil, err
	}
	return not{inner}, nil
}

func (p *parser) group(open token) (expr, error) {
	p.take(open)
	leave, err := p.enter(open)
	if err != nil {
		return nil, err
	}
	defer leave()
	inner, err := p.expression()
	if err != nil {
		return nil, err
	}
	t := p.peek(nameWord)
	if t.kind != tokenClose {
		return nil, p.fail(open, "this parenthesis is not closed")
	}
	p.take(t)
	return inner, nil
}

func (p *parser) enter(t token) (leave func(), err error) {
	if p.depth == maxDepth {
		return nil, p.fail(t, "more than %d parentheses and nots in one another", maxDepth)
	}
	p.depth++
	return func() { p.depth-- }, nil
}
