package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// run writes what the run was made of: world and clock, link, both stacks, faults, what is pinned.
func (p *page) run(r *event.Run) {
	if r.Title != "" {
		p.text("lesson  ", p.clean(r.Scenario)+": "+p.clean(r.Title), strong)
	}
	if r.Look != "" {
		p.text("look    ", p.clean(r.Look), plain)
		p.emit(p.row())
	}
	if p.captured = r.Captured(); p.captured {
		p.text("capture ", p.clean(r.Why), plain)
		p.stack("client  ", &r.Client, "")
		p.stack("server  ", &r.Server, "")
		p.shown(r)
		p.emit(p.row())
		return
	}
	world := []string{p.clean(r.World), clockText(r.Clock), "seed " + strconv.FormatInt(r.Seed, 10)}
	p.text("world   ", strings.Join(world, ", "), plain)
	if r.Why != "" {
		p.text("        ", p.clean(r.Why), faint)
	}
	if r.Clock == event.Mono {
		if r.Start != 0 {
			p.text("        ", "began at "+event.StartText(r.Start), faint)
		}
		p.text("        ", "the seed repeats the faults, not the times", faint)
		if r.ClockError > 0 {
			p.text("        ", "the machine wakes us "+microseconds(r.ClockError)+" late, "+microseconds(r.ClockErrorMax)+" at worst", faint)
		}
	}
	p.text("link    ", linkText(r), plain)
	p.stack("client  ", &r.Client, r.Programs[event.Client])
	p.stack("server  ", &r.Server, r.Programs[event.Server])
	for _, f := range r.Faults {
		p.text("fault   ", p.clean(f), bad)
	}
	for _, l := range r.Crafted {
		p.text("crafted ", p.clean(l), bad)
	}
	p.list("pinned  ", fold(r.Pinned), faint)
	p.list("not so  ", r.Unpinned, bad)
	p.shown(r)
	p.emit(p.row())
}

// fold counts the settings of a kernel, which the machine forms list, and leaves the rest as it is.
func fold(pinned []string) []string {
	var rest []string
	sysctls := 0
	for _, s := range pinned {
		if strings.HasPrefix(s, "sysctl ") {
			sysctls++
		} else {
			rest = append(rest, s)
		}
	}
	if sysctls < 2 {
		return pinned
	}
	return append([]string{strconv.Itoa(sysctls) + " sysctls"}, rest...)
}

// list writes texts from outside as one paragraph, nothing if there are none.
func (p *page) list(head string, texts []string, st style) {
	if len(texts) == 0 {
		return
	}
	clean := make([]string, len(texts))
	for i, s := range texts {
		clean[i] = p.clean(s)
	}
	p.text(head, strings.Join(clean, ", "), st)
}

func clockText(c event.Clock) string {
	switch c {
	case event.Virtual:
		return "virtual clock"
	case event.Mono:
		return "real clock (the scheduler's delays are in the times)"
	}
	return "unknown clock"
}

// linkText gives the delays and the MTU.
func linkText(r *event.Run) string {
	delay := milliseconds(r.DelayClient) + " each way"
	if r.DelayClient != r.DelayServer {
		delay = milliseconds(r.DelayClient) + " to the server, " + milliseconds(r.DelayServer) + " back"
	}
	return delay + ", MTU " + strconv.Itoa(r.MTU)
}

// stack writes what an end is, and what it was asked for.
func (p *page) stack(head string, s *event.Stack, program string) {
	p.text(head, p.stackText(s), plain)
	if s.Options != "" {
		p.text("        ", p.clean(s.Options), plain)
	}
	if program != "" {
		p.text("        ", "its application is not gnet's: "+p.clean(program), plain)
	}
}

func (p *page) stackText(s *event.Stack) string {
	var parts []string
	for _, t := range [...]string{s.Name, s.CC, s.Recovery, s.Addr} {
		if t != "" {
			parts = append(parts, p.clean(t))
		}
	}
	return strings.Join(parts, ", ")
}

// milliseconds writes a duration in nanoseconds, exact.
func milliseconds(ns int64) string {
	return strconv.FormatFloat(float64(ns)/1e6, 'f', -1, 64) + " ms"
}

// duration writes a time in nanoseconds with four digits in the unit that suits it.
func duration(ns int64) string { return inUnit(ns, 4, " ") }

// inUnit writes a time with so many digits, and between before its unit.
func inUnit(ns int64, digits int, between string) string {
	size, unit := 1e9, "s"
	switch n := max(ns, -ns); {
	case n < 999_500:
		size, unit = 1e3, "us"
	case n < 999_500_000:
		size, unit = 1e6, "ms"
	case n >= 999_500_000_000:
		return strconv.FormatInt((ns+500_000_000)/1e9, 10) + between + unit
	}
	return strconv.FormatFloat(float64(ns)/size, 'g', digits, 64) + between + unit
}

// microseconds writes a duration in nanoseconds, to the nearest.
func microseconds(ns int64) string { return strconv.FormatInt((ns+500)/1000, 10) + " us" }
