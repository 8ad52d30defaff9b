package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// maxExpectations bounds what is kept of a stored run; a scenario has a few.
const maxExpectations = 1000

// expected keeps what came of an expectation.
func (p *page) expected(x *event.Expectation) {
	switch {
	case x == nil:
	case len(p.expectations) == maxExpectations:
		p.more++
	default:
		p.expectations = append(p.expectations, *x)
	}
}

// verdicts writes what came of the expectations: a line for each, and what was found instead where one has failed.
func (p *page) verdicts() {
	if len(p.expectations) > 0 {
		p.emit(p.row())
	}
	for i := range p.expectations {
		x := &p.expectations[i]
		text := p.clean(x.Text)
		switch x.Verdict {
		case event.Pass:
			p.text("PASS    ", text, plain)
		case event.Fail:
			text += "; found " + p.clean(x.Found)
			if x.N != 0 {
				text += ", event " + strconv.Itoa(x.N)
			}
			p.text("FAIL    ", text, bad)
		default:
			p.text("-       ", text+"; not judged: "+p.clean(x.Found), faint)
		}
	}
	if p.more > 0 {
		p.text("        ", "and "+counted(p.more, "expectation")+" more", faint)
	}
}
