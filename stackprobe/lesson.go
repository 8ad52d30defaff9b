package stackprobe

import (
	"cmp"
	"errors"

	"gnet/internal/words"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/link"
	"gnet/stackprobe/scenario"
)

// Prepare returns the configuration of a scenario, with the defaults of a plain run where the file says nothing. The error
// is a *scenario.Error that points at the word that cannot be read, or a *ConfigError.
func Prepare(s *scenario.Scenario) (Config, error) {
	c := Config{Scenario: s, Bytes: DefaultBytes, Seed: DefaultSeed, Delay: DefaultDelay, MTU: s.MTU, IPv6: s.IPv6, Conns: s.Connections, Deadline: s.Deadline}
	if s.HasSeed {
		c.Seed = s.Seed
	}
	if s.HasDelay {
		c.Delay = s.Delay[event.Client]
		if server := s.Delay[event.Server]; server != c.Delay {
			c.DelayServer = &server
		}
	}
	if s.Closed {
		c.Until = Closed
	}
	switch s.Default() {
	case scenario.Memory:
		c.World = Memory
	case scenario.KernelClient:
		c.Client = Kernel
	case scenario.KernelServer:
		c.Client = Engine
	}
	if err := c.take(s); err != nil {
		return Config{}, err
	}
	return c, c.Check()
}

// take reads the lines of s that the rooms below know.
func (c *Config) take(s *scenario.Scenario) error {
	for h := event.Client; h <= event.Server; h++ {
		var err error
		if c.Ends[h], err = app.ParseOptions(s.Ends[h].Text); err != nil {
			return placed(s, s.Ends[h], err)
		}
	}
	for _, l := range s.Faults {
		r, err := link.ParseRule(l.Text)
		if err != nil {
			return placed(s, l, err)
		}
		c.Faults = append(c.Faults, r)
	}
	for _, l := range s.Inject {
		line, err := inject.ParseLine(l.Text)
		if err != nil {
			return placed(s, l, err)
		}
		c.Inject = append(c.Inject, line)
	}
	for _, l := range s.Peers {
		step, err := inject.ParseStep(l.Text)
		if err != nil {
			return placed(s, l, err)
		}
		c.Peer = append(c.Peer, step)
	}
	return nil
}

// placed gives an error within a line of s its place in the file.
func placed(s *scenario.Scenario, l scenario.Line, err error) error {
	if e, ok := errors.AsType[*link.RuleError](err); ok {
		return s.In(l, e.Offset, e.Word, e.Want, e.Meant)
	}
	if e, ok := errors.AsType[*words.Error](err); ok {
		return s.In(l, e.Offset, e.Word, e.Want, cmp.Or(e.Meant, words.Nearest(e.Word, app.Words()...)))
	}
	return err
}

// judge watches a run of a scenario.
type judge struct {
	*scenario.Judge
	// void says why the expectations are not judged, "" if they are.
	void string
}

// newJudge returns the judge of x's scenario, nil if it has none.
func (x *exchange) newJudge() *judge {
	s := x.cfg.Scenario
	if s == nil {
		return nil
	}
	world := scenario.Memory
	switch {
	case x.run.Clock == event.Virtual:
	case x.cfg.kernelAt() == event.Client:
		world = scenario.KernelClient
	default:
		world = scenario.KernelServer
	}
	j := &judge{scenario.NewJudge(s, world), x.cfg.Void}
	if j.void == "" && !s.Allows(world) {
		j.void = "not written for " + world.String()
	}
	return j
}

// add takes the next event. Before the last one it yields what came of the expectations, and it reports whether yield wants
// more. A nil judge does nothing.
func (j *judge) add(e *event.Event, yield func(*event.Event, error) bool) bool {
	if j == nil {
		return true
	}
	first := e.N
	if e.Kind == event.KindEnd {
		e.N += j.Len()
	}
	if j.Add(e); e.Kind != event.KindEnd {
		return true
	}
	list := j.Verdicts()
	for i := range list {
		x := &list[i]
		if j.void != "" {
			*x = event.Expectation{Text: x.Text, Line: x.Line, Verdict: event.NotJudged, Found: j.void}
		}
		if !yield(&event.Event{T: e.T, N: first + i, Clock: e.Clock, Kind: event.KindExpectation, Expectation: x}, nil) {
			return false
		}
	}
	return true
}

// describe writes into the run's first event what its scenario says of itself.
func (c *Config) describe(r *event.Run) {
	if c.Scenario != nil {
		r.Scenario, r.Title, r.Look = c.Scenario.Name, c.Scenario.Title, c.Scenario.Look
	}
}
