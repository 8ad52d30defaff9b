package main

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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

// manyTable prints the results of all targets, one on a line, and of all
// together.
type manyTable struct {
	results *manyResults
	widths  []int
	// named: some target was given by a name, and the addresses have a column.
	named bool
}

// manyHeads are the titles of the table. Times are in milliseconds.
var manyHeads = [...]string{"target", "address", "sent", "received", "loss", "min", "avg", "max", "mdev", ""}

// write prints the table. The width of its columns is known when all rows were
// seen: they are made twice, and not kept.
func (t *manyTable) write(w io.Writer) {
	t.widths = make([]int, len(manyHeads))
	t.named = slices.ContainsFunc(t.results.run.targets.found, func(t manyTarget) bool { return !t.Numeric })
	t.measure(manyHeads[:])
	t.results.all(func(r *manyResult) { t.measure(t.cells(r)) })
	sum := t.results.sum()
	fmt.Fprintf(w, "--- statistics of %s, times in ms ---\n", plural(sum.Targets+sum.Missing, "target"))
	var line []byte
	line = t.append(line, manyHeads[:])
	w.Write(line)
	t.results.all(func(r *manyResult) {
		line = t.append(line[:0], t.cells(r))
		w.Write(line)
	})
	io.WriteString(w, sum.line())
}

// cells are those of one row.
func (t *manyTable) cells(r *manyResult) []string {
	cells := make([]string, len(manyHeads))
	cells[0] = safe.String(r.target.label())
	if r.missing != "" {
		cells[1], cells[len(cells)-1] = "-", safe.String(r.missing)
		return cells
	}
	st := r.stats
	cells[1] = safe.String(r.target.Addr.String())
	cells[2], cells[3] = strconv.FormatInt(st.Transmitted, 10), strconv.FormatInt(st.Received, 10)
	if loss, ok := st.Loss(); ok {
		cells[4] = percent(loss) + "%"
	}
	if st.RTT.N > 0 && t.results.run.o.Size >= timedSize {
		cells[5], cells[6] = milliseconds(st.RTT.Min), milliseconds(st.RTT.Average())
		cells[7], cells[8] = milliseconds(st.RTT.Max), milliseconds(st.RTT.Deviation())
	}
	cells[9] = r.remarks()
	return cells
}

// remarks says what the figures do not.
func (r *manyResult) remarks() string {
	var parts []string
	st := r.stats
	for _, part := range []struct {
		n    int64
		what string
	}{{st.Duplicates, "duplicates"}, {st.Corrupted, "corrupted"}, {st.Truncated, "truncated"}, {st.Longer, "longer"},
		{st.Altered, "altered"}, {st.Foreign, "foreign"}, {st.Late, "late"}, {st.Errors, "errors"}, {st.NotSent, "not sent"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("+%d %s", part.n, part.what))
		}
	}
	text := strings.Join(parts, ", ")
	if trouble := r.trouble(); trouble != "" {
		text += ": " + safe.String(trouble)
	}
	if r.last.kind == ping.ICMPError {
		text += " (from " + safe.String(r.last.from.String()) + ")"
	}
	return text
}

func (t *manyTable) measure(cells []string) {
	for i, cell := range cells {
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
	}
}

// append appends a line: words to the left, numbers to the right. The addresses
// are left out when all targets were named by them.
func (t *manyTable) append(line []byte, cells []string) []byte {
	const address, numbers, remarks = 1, 2, 9
	for i, cell := range cells {
		if i == address && !t.named {
			continue
		}
		pad := strings.Repeat(" ", t.widths[i]-utf8.RuneCountInString(cell))
		switch {
		case i == remarks:
			line = append(append(line, "  "...), cell...)
		case i >= numbers:
			line = append(append(append(line, "  "...), pad...), cell...)
		case i == address:
			line = append(append(append(line, "  "...), cell...), pad...)
		default:
			line = append(append(line, cell...), pad...)
		}
	}
	return append([]byte(strings.TrimRight(string(line), " ")), '\n')
}

// line is the last line: all targets together.
func (s *manySum) line() string {
	b := fmt.Appendf(nil, "%s, %d answered", plural(s.Targets, "target"), s.Answered)
	if silent := s.Targets - s.Answered; silent > 0 {
		b = fmt.Appendf(b, ", %d did not", silent)
	}
	if s.Missing > 0 {
		b = fmt.Appendf(b, ", %d not found", s.Missing)
	}
	b = fmt.Appendf(b, "; %d packets transmitted, %d received", s.Transmitted, s.Received)
	for _, part := range []struct {
		n    int64
		what string
	}{{s.Duplicates, "duplicates"}, {s.Corrupted, "corrupted"}, {s.Errors, "errors"}} {
		if part.n > 0 {
			b = fmt.Appendf(b, ", +%d %s", part.n, part.what)
		}
	}
	if loss, ok := s.loss(); ok {
		b = fmt.Appendf(b, ", %s%% packet loss", percent(loss))
	}
	b = fmt.Appendf(b, ", time %dms", s.results.sweep.Elapsed().Milliseconds())
	if s.NotSent > 0 {
		b = fmt.Appendf(b, ", %d not sent", s.NotSent)
	}
	return string(append(b, '\n'))
}
