package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// Panes draw what is known at a moment of a run, as rows. The zero value is not ready; use NewPanes.
type Panes struct {
	opts   Options
	words  Report // gives the words of rows
	tracks map[outflow]*track
}

// maxTracks bounds the senders whose scale is remembered.
const maxTracks = 64

// NewPanes gives panes. Width is given with each call.
func NewPanes(o Options) *Panes {
	p := &Panes{opts: o, tracks: make(map[outflow]*track)}
	p.words.words = newRowPage(o, func(Row) {})
	p.words.opts = o
	return p
}

// page gives a page of that width whose rows are appended to the result.
func (x *Panes) page(width int, rows *[]Row) page {
	o := x.opts
	o.Width = width
	return newRowPage(o, func(r Row) { *rows = append(*rows, r) })
}

// Windows draws the sequence space of the octets that each end of a connection sends, to scale, as View Window does: a ruler, the
// sender's strip and the receiver's, what of it e is about, the numbers of both, and what limits the sender. That of the end first stands first.
// An end that has sent no data so far has none. The scale stays while it fits.
func (x *Panes) Windows(m *analyze.Moment, conn, width int, e *event.Event, first event.Host) (rows []Row) {
	p := x.page(width, &rows)
	for _, h := range [...]event.Host{first, first.Peer()} {
		s := m.Spaces.Space(conn, h)
		const noData = 2 // a SYN and a FIN take a number each
		if s == nil || s.Nxt <= noData && s.RcvNxt <= noData && s.Queued == 0 {
			continue
		}
		t := x.track(outflow{conn, h}, m)
		t.scale.fit(s, int64(p.opts.Width-stripAt))
		p.ruler(t)
		p.sendStrip(s, &t.scale)
		p.receiveStrip(s, &t.scale)
		p.eventMarks(s, t, e)
		p.items("       ", p.senderNumbers(s, t), plain)
		p.items("       ", p.receiverNumbers(s, t), plain)
		p.text("       ", "limit: "+p.limitWords(s), strong)
	}
	if len(rows) == 0 {
		p.text("", "neither end has sent data yet", faint)
	}
	return rows
}

// OctetsOf returns the end whose octets the segment of e is about, which it sends or acknowledges; None where there is no segment.
func OctetsOf(e *event.Event) event.Host {
	from := segmentFrom(e)
	if e.Derived.HasRelAck && e.Derived.RelSeq == e.Derived.RelEnd {
		return from.Peer()
	}
	return from
}

// segmentFrom is the end that the segment of e is from.
func segmentFrom(e *event.Event) event.Host {
	switch e.Kind {
	case event.KindTx, event.KindLost, event.KindFault:
		return e.Host
	case event.KindRx:
		return e.Host.Peer()
	}
	return event.None
}

// eventMarks writes the row below the strips of s with what the segment of e has of these octets, or acknowledges. Where that is nothing the
// row is empty, so that the rows below stay where they are.
func (p *page) eventMarks(s *analyze.Space, t *track, e *event.Event) {
	row, d := p.row(), &e.Derived
	end, text := stripAt, ""
	mark := func(first, last int64, sign rune) {
		for i := stripAt; i < len(row); i++ {
			low := t.scale.base + int64(i-stripAt)*t.scale.step
			if first < low+t.scale.step && (last > low || first >= low) {
				row[i], end = cell{sign, strong}, max(end, i+1)
			}
		}
	}
	octets, ack := '▀', '▲'
	if p.opts.ASCII {
		octets, ack = '^', '^'
	}
	switch from := segmentFrom(e); {
	case e.Conn != s.Conn || from == event.None:
	case from == s.Sender && d.HasRelSeq && d.RelEnd > d.RelSeq:
		mark(d.RelSeq, d.RelEnd, octets)
		text = t.number(p, d.RelSeq) + ":" + t.number(p, d.RelEnd)
	case from == s.Sender.Peer() && d.HasRelAck:
		for _, b := range d.RelSack[:min(int(e.Seg.Opts.NSack), event.MaxBlocks)] {
			mark(b.First, b.Last, octets)
		}
		mark(d.RelAck, d.RelAck, ack)
		text = "ack " + t.number(p, d.RelAck)
	}
	if text != "" {
		put(row, 0, "event", faint)
	}
	if end+1+columns(text) <= len(row) {
		put(row, end+1, text, plain)
	} else {
		put(row, stripAt, text, plain)
	}
	p.emit(row)
}

// track returns that of w, with the initial number that is known now.
func (x *Panes) track(w outflow, m *analyze.Moment) *track {
	t := x.tracks[w]
	if t == nil {
		if len(x.tracks) >= maxTracks {
			clear(x.tracks)
		}
		t = &track{outflow: w}
		x.tracks[w] = t
	}
	if s := m.Standing(w.conn, w.sender); s != nil {
		t.iss = s.ISS
	}
	return t
}

// Knowledge says what each end of a connection knows of the other.
func (x *Panes) Knowledge(m *analyze.Moment, conn, width int) (rows []Row) {
	p := x.page(width, &rows)
	for h := event.Client; h <= event.Server; h++ {
		for matter := analyze.OwnNumber; matter <= analyze.FinAckArrived; matter++ {
			v, ok := m.Knows.Look(conn, h, matter)
			if !ok || v.Verdict == analyze.Nothing {
				continue
			}
			text := v.Verdict.String() + ": " + knownText(&analyze.Change{Conn: conn, Host: h, Matter: matter, View: v})
			if v.Verdict == analyze.Sure && v.Proof.N != 0 {
				text += " (event " + strconv.Itoa(v.Proof.N) + ")"
			}
			p.text(h.String()+" ", text, knownTone(v.Verdict))
		}
	}
	if len(rows) == 0 {
		p.text("", "neither end knows anything of the other", faint)
	}
	return rows
}

func knownTone(v analyze.Verdict) style {
	switch v {
	case analyze.Wrong:
		return bad
	case analyze.Assumes:
		return again
	case analyze.Unaware:
		return faint
	}
	return plain
}

// Variables lists those of both ends of a connection, as their stacks showed them last, and their states.
func (x *Panes) Variables(m *analyze.Moment, conn, width int) (rows []Row) {
	p := x.page(width, &rows)
	ends := [...]*analyze.Standing{m.Standing(conn, event.Client), m.Standing(conn, event.Server)}
	const longest, value = 29, 12 // of the names; of ESTABLISHED and 0.040000 s with the blank behind them, which are cut last
	name := min(longest, p.opts.Width/2, max(p.opts.Width-2*value, 0))
	each := (p.opts.Width - name) / 2
	put3 := func(texts [3]string, st style) {
		row := p.row()
		put(row, 0, p.fit(texts[0], name-1), st)
		put(row, name, p.fit(texts[1], each-1), st)
		put(row, name+each, p.fit(texts[2], p.opts.Width-name-each), st)
		p.emit(row)
	}
	put3([3]string{"", "client", "server"}, strong)
	both := func(what string, text func(*analyze.Standing) string) {
		cells := [3]string{what}
		for i, s := range ends {
			if s != nil {
				cells[i+1] = text(s)
			}
		}
		if cells[1] != "" || cells[2] != "" {
			put3(cells, plain)
		}
	}
	both("state", func(s *analyze.Standing) string {
		if full := stateName(&p, s.State, s.StateHow, true); columns(full) < each {
			return full
		}
		return stateName(&p, s.State, s.StateHow, false)
	})
	both("shown at", func(s *analyze.Standing) string {
		if s.Vars.Has == 0 {
			return ""
		}
		return strings.TrimSpace(seconds(s.VarsT, 20, 6)) + " s"
	})
	for _, v := range reportVariables() {
		both(v.name, func(s *analyze.Standing) string { return v.text(&s.Vars, p.opts.Absolute) })
	}
	return rows
}

// ago says how long before the cursor something was.
func ago(ns int64) string {
	if ns == 0 {
		return "just now"
	}
	return duration(ns) + " ago"
}

// Timers lists the timers of both ends of a connection that run at the time now, in nanoseconds, and those that have expired.
func (x *Panes) Timers(m *analyze.Moment, conn, width int, now int64) (rows []Row) {
	p := x.page(width, &rows)
	for h := event.Client; h <= event.Server; h++ {
		s := m.Standing(conn, h)
		if s == nil {
			continue
		}
		for k := range s.Timers {
			name := event.TimerKind(k).String()
			if t := &s.Timers[k]; t.Kind != 0 {
				p.text(h.String()+" ", guess(&p, t.How)+name+" expires in "+duration(max(t.At-now, 0))+", at "+strings.TrimSpace(seconds(t.At, 20, 6))+" s", plain)
			}
			if f := s.Fired[k]; f != 0 {
				p.text(h.String()+" ", name+" expired "+ago(now-f)+", at "+strings.TrimSpace(seconds(f, 20, 6))+" s", again)
			}
		}
	}
	if len(rows) == 0 {
		p.text("", "no timer is known to run, or to have expired", faint)
	}
	return rows
}

// Expectations lists what came of those of the run.
func (x *Panes) Expectations(list []event.Expectation, width int) (rows []Row) {
	p := x.page(width, &rows)
	for i := range list {
		p.expected(&list[i])
	}
	p.verdicts()
	if len(rows) == 0 {
		p.text("", "the run has no expectations, or has not come to them", faint)
		return rows
	}
	return rows[1:] // the first is blank
}

// Text says what happened, in one line of any length.
func (x *Panes) Text(e *event.Event) string {
	p := &x.words.words
	x.words.happen = happenings{}
	who := e.Host.String()
	if e.Host == event.None {
		who = "run"
	}
	if e.Conn > 1 {
		who = "#" + strconv.Itoa(e.Conn) + " " + who
	}
	return who + " " + x.happened(p, e)
}

// happened is what happened at the end of e.
func (x *Panes) happened(p *page, e *event.Event) string {
	switch e.Kind {
	case event.KindTx:
		return "sends " + x.segment(e)
	case event.KindRx:
		row, _ := x.words.row(e)
		return "gets " + words(e.Seg.Flags.String(), row.body)
	case event.KindLost:
		return "lost: " + x.segment(e) + prefixed(", by ", p.clean(e.Rule))
	case event.KindState:
		return "state " + words(e.From.String(), "->", stateName(p, e.State, e.StateHow, true))
	case event.KindVars:
		return "variables shown"
	case event.KindTimer:
		text := "timer " + guess(p, e.Timer.How) + e.Timer.Kind.String()
		switch e.Timer.Op {
		case event.Fired:
			return text + " expires"
		case event.Armed:
			return text + " armed for " + duration(e.Timer.At-e.T)
		}
		return text + " stopped"
	case event.KindRun:
		return "begins"
	case event.KindEnd:
		return "ends"
	case event.KindCounters:
		return "counters"
	case event.KindExpectation:
		if e.Expectation != nil {
			return "expectation " + words(e.Expectation.Verdict.String(), p.clean(e.Expectation.Text))
		}
	}
	row, _ := x.words.row(e)
	return words(row.mark, row.head, row.body)
}

// segment is the segment of e as it left.
func (x *Panes) segment(e *event.Event) string {
	row := reportRow{}
	x.words.departure(&row, e)
	return strings.TrimRight(words(row.head, row.body, row.more, row.mark), " ") // a mark ends with a blank, for what stands behind it in a row
}
