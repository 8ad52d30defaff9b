package scenario

import "gnet/stackprobe/event"

// knowledge is what an end knows of the other, as package analyze concludes it.
type knowledge struct{}

func newKnowledge(*Expectation) *knowledge { return &knowledge{} }

func (*knowledge) add(*event.Event) {}

func (*knowledge) judge(*Expectation) sight { return sight{false, "not known", 0} }
