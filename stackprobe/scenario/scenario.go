package scenario

import (
	"strconv"
	"strings"
	"time"

	"gnet/stackprobe/event"
)

// Scenario is one file. The zero value of a field says that the file has no such line.
type Scenario struct {
	// Name is that of the lesson, or of the file without its folder and ending.
	Name string
	// File is what errors call it.
	File  string
	Title string
	// Look is the paragraph that says what to watch and why, one blank between its words.
	Look string
	// Worlds are those that the scenario was written for; the first is where it runs by default.
	Worlds []World
	// Delay is the one-way delay of what each end sends, by event.Host, valid if HasDelay.
	Delay    [3]time.Duration
	HasDelay bool
	MTU      int // 0 for the default
	Seed     int64
	HasSeed  bool
	IPv6     bool
	// Connections is how many the client opens at once, 0 for one.
	Connections int
	// Ends are the words of the two ends, by event.Host, as app.ParseOptions reads them.
	Ends [3]Line
	// Faults are rules as link.ParseRule reads them; Inject and Peers are crafted segments and scripted ends as package
	// inject reads them.
	Faults, Inject, Peers []Line
	// Closed has the run wait for the end of TIME-WAIT.
	Closed bool
	// Deadline is when the run is given up, 0 for the default.
	Deadline     time.Duration
	Expectations []Expectation
}

// Line is text of a file that another room reads. Line and Column are its place, both from 1, Column in characters.
type Line struct {
	Text         string
	Line, Column int
}

// World is where a scenario can run.
type World uint8

// The worlds. Kernel is KernelClient or KernelServer, the first by default.
const (
	_ World = iota
	Memory
	Kernel
	KernelClient
	KernelServer
)

func worldNames() []string { return []string{"", "memory", "kernel", "kernel-client", "kernel-server"} }

// String returns the word of the language.
func (w World) String() string { return worldNames()[w] }

// Has reports whether a run in world w is one of world o: Kernel stands for both that have one.
func (w World) Has(o World) bool {
	return w == o || w == Kernel && (o == KernelClient || o == KernelServer)
}

// Allows reports whether the scenario was written for world w, which is not Kernel.
func (s *Scenario) Allows(w World) bool {
	for _, own := range s.Worlds {
		if own.Has(w) {
			return true
		}
	}
	return false
}

// Default returns the world in which the scenario runs if nobody says where: never Kernel.
func (s *Scenario) Default() World {
	if w := s.Worlds[0]; w != Kernel {
		return w
	}
	return KernelClient
}

// ExpectsFailure reports whether the scenario says itself how the exchange ends: then one that fails is no failure of
// the run.
func (s *Scenario) ExpectsFailure() bool {
	for i := range s.Expectations {
		switch x := &s.Expectations[i]; {
		case x.Subject == Result, x.Subject == Failure && x.Value.Kind == TextValue:
			return true
		}
	}
	return false
}

// Strip returns a copy of s without what disturbs the run: faults, crafted segments and scripted ends. A scenario whose
// expectations all hold without them shows nothing.
func (s *Scenario) Strip() *Scenario {
	c := *s
	c.Faults, c.Inject, c.Peers = nil, nil, nil
	return &c
}

// Disturbed reports whether Strip takes anything away.
func (s *Scenario) Disturbed() bool { return len(s.Faults)+len(s.Inject)+len(s.Peers) > 0 }

// lookWidth is the width to which String wraps.
const lookWidth = 100

// String returns the file that Parse reads as s, without comments.
func (s *Scenario) String() string {
	var b strings.Builder
	line := func(name, text string) {
		b.WriteString(name)
		if text != "" {
			b.WriteString(" " + text)
		}
		b.WriteByte('\n')
	}
	line("title", s.Title)
	if s.Look != "" {
		line("look", wrap(s.Look, lookWidth, "\n  "))
	}
	worlds := make([]string, len(s.Worlds))
	for i, w := range s.Worlds {
		worlds[i] = w.String()
	}
	line("world", strings.Join(worlds, " "))
	s.settings(line)
	for h := event.Client; h <= event.Server; h++ {
		if s.Ends[h].Text != "" {
			line(h.String(), s.Ends[h].Text)
		}
	}
	for _, list := range [...]struct {
		name  string
		lines []Line
	}{{"fault", s.Faults}, {"inject", s.Inject}, {"peer", s.Peers}} {
		for _, l := range list.lines {
			line(list.name, l.Text)
		}
	}
	for i := range s.Expectations {
		line("expect", s.Expectations[i].String())
	}
	return b.String()
}

// settings writes the lines about the link, the clock and the end of the run.
func (s *Scenario) settings(line func(name, text string)) {
	if s.HasDelay {
		text := s.Delay[event.Client].String()
		if s.Delay[event.Server] != s.Delay[event.Client] {
			text += "," + s.Delay[event.Server].String()
		}
		line("delay", text)
	}
	if s.MTU != 0 {
		line("mtu", strconv.Itoa(s.MTU))
	}
	if s.HasSeed {
		line("seed", strconv.FormatInt(s.Seed, 10))
	}
	if s.IPv6 {
		line("ipv6", "")
	}
	if s.Connections != 0 {
		line("connections", strconv.Itoa(s.Connections))
	}
	if s.Closed {
		line("until", "closed")
	}
	if s.Deadline != 0 {
		line("deadline", s.Deadline.String())
	}
}

// wrap breaks text, whose words have one blank between them, into lines of at most width characters where the words allow.
// No line but the first begins with #, which would make a comment of it.
func wrap(text string, width int, newline string) string {
	var b strings.Builder
	column := 0
	for i, w := range strings.Fields(text) {
		n := len([]rune(w))
		switch {
		case i == 0:
		case column+1+n > width && w[0] != '#':
			b.WriteString(newline)
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(w)
		column += n
	}
	return b.String()
}
