package main

import (
	"fmt"
	"io"
	"net/netip"
	"strconv"

	"gnet/internal/safe"
	"gnet/ping"
)

// manyLines prints a run as ping prints that of one target, and a table of the
// results at the end.
type manyLines struct {
	*manyResults
	printer pingPrinter
}

func newManyLines(m *manyResults) *manyLines {
	l := &manyLines{manyResults: m, printer: pingPrinter{e: m.run.e, o: m.run.o, labels: make(map[netip.Addr]string)}}
	for _, t := range m.run.targets.found {
		if !t.Numeric && !m.run.o.Numeric {
			l.printer.labels[t.Addr] = t.Name
		}
	}
	return l
}

// begin prints the first line.
func (l *manyLines) begin() {
	b := fmt.Appendf(nil, "PING %s", plural(len(l.run.targets.found), "target"))
	for i, r := range l.run.o.Ranges {
		sep := ", "
		if i == 0 {
			sep = " ("
		}
		b = fmt.Appendf(b, "%s%d of %s", sep, r.Count, safe.String(r.Text))
	}
	if len(l.run.o.Ranges) > 0 {
		b = append(b, ')')
	}
	b = fmt.Appendf(b, ", %d data bytes\n", l.run.o.Size)
	l.run.e.Stdout.Write(b)
	l.run.e.Stdout.Flush()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// event prints the line of an event.
func (l *manyLines) event(ev *ping.Event) {
	l.note(ev)
	if ev.Kind == ping.Status {
		l.run.e.Stdout.Flush()
		(&manyTable{results: l.manyResults}).write(l.run.e.Stderr)
		return
	}
	p := &l.printer
	if ev.Target >= 0 {
		a := l.run.targets.found[ev.Target].Addr
		socket := l.run.sockets.of(familyOf(a))
		p.series = pingSeries{Target: a, Family: socket.Family(), Mode: socket.Mode(), ID: socket.ID(), Multicast: a.IsMulticast()}
	}
	switch {
	case p.o.Quiet && ev.Kind != ping.Foreign, p.o.Flood:
		p.event(ev)
	case ev.Kind == ping.TooLong, ev.Kind == ping.NotSent:
		l.localError(ev)
	case ev.Kind == ping.ICMPError, ev.Kind == ping.Advice, ev.Kind == ping.Unanswered:
		p.line = p.appendEvent(p.line[:0], ev)
		p.line = append(append(p.line[:len(p.line)-1], ", sent to "...), p.host(p.series.Target)...)
		p.e.Stdout.Write(append(p.line, '\n'))
		p.e.Stdout.Flush()
	default:
		p.event(ev)
	}
}

// localError says which target's probe our own kernel refused.
func (l *manyLines) localError(ev *ping.Event) {
	p := &l.printer
	to := p.host(p.series.Target)
	if ev.Kind == ping.TooLong {
		p.e.tell("%s: %s: message too long, mtu=%d", p.e.Name, to, ev.Info)
		return
	}
	p.e.tell("%s: %s: %s", p.e.Name, to, errnoText(ev.Err))
}

// close prints the results.
func (l *manyLines) close() error {
	io.WriteString(l.run.e.Stdout, "\n")
	(&manyTable{results: l.manyResults}).write(l.run.e.Stdout)
	return nil
}
