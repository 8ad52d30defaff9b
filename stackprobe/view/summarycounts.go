package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// own writes what the stacks have counted themselves, beside what the events say, for whole runs and for the connections conns.
func (s *Summary) own(conns []*analyze.ConnectionFigures) {
	p, f := &s.page, &s.figures
	if f.Run == nil {
		return
	}
	for h := event.Client; h <= event.Server; h++ {
		stack := &f.Run.Client
		if h == event.Server {
			stack = &f.Run.Server
		}
		head := h.String() + "'s own counters, " + p.clean(stack.Name)
		p.counts(head, f.Counts(h))
		for _, c := range conns {
			p.counts("TCP_INFO of "+h.String()+"'s connection "+strconv.Itoa(c.Conn), c.Infos(h))
		}
	}
}

// counts writes a list of comparisons: the counter, the stack's value and that of the events, and what it counts.
func (p *page) counts(head string, list []analyze.Count) {
	if len(list) == 0 {
		return
	}
	p.emit(p.row())
	p.text("", head, strong)
	wide := 7
	for i := range list {
		wide = max(wide, len(strconv.FormatUint(list[i].Stack, 10)), len(strconv.FormatUint(list[i].Events, 10)))
	}
	p.count(wide, "counted", "events", "", plain)
	for i := range list {
		c := &list[i]
		text, st := strings.ReplaceAll(c.Name, "+", " + ")+": "+c.What, plain
		switch {
		case c.Differs():
			text, st = "DIFFERS "+text, bad
		case c.Apart != "":
			text, st = text+" ("+c.Apart+")", faint
		}
		p.count(wide, strconv.FormatUint(c.Stack, 10), strconv.FormatUint(c.Events, 10), text, st)
	}
}

// count writes one comparison; its text is wrapped beside the numbers, or below them on a narrow page.
func (p *page) count(wide int, stack, events, text string, st style) {
	indent := 2*wide + 3
	lines := wrap(text, max(p.opts.Width-indent, p.opts.Width/2))
	for i, line := range lines {
		row := p.row()
		if i == 0 {
			put(row, wide-len(stack), stack, st)
			put(row, 2*wide+1-len(events), events, st)
		}
		put(row, min(indent, p.opts.Width-p.opts.Width/2), line, st)
		p.emit(row)
	}
}
