package view

import (
	"gnet/stackprobe/event"
)

// lanes is the form of the ladder: time, state and time line of the client, the lane between, and the same of the
// server mirrored. A row is held back until the next event, which may be the change of state that belongs to it.
type lanes struct {
	happenings
	p                  *page
	timeLen, decimals  int
	stateLen           int
	fullStates         bool
	lane0, lane1       int // the first and behind the last column of the lane
	bend, stop         int // steps from the sender's time line where a slant starts and where it can go no further
	flights            []slant
	rowNo              int
	held               []cell
	heldHost           event.Host
	heldTime           string
	heldConn           int
	follows            string // a state that had no room in the held row
	followsHost        event.Host
	followsPlace       int
	heldID, heldEnd    int   // the segment that leaves in the held row, 0 if none does, and the steps that its words take
	last               int64 // the time of the last event that was drawn
	silence            int64 // how long nothing must happen for it to be said, 0 for never
	shown              standings
	acks               lastAcks
	gauges             *gauges // nil if there is no room for them
	kernel             [3]bool // by host
	sent               endOf   // the end whose segment left last, while nothing else happened
	timeCol, statesCol [3]int  // by host
	gaugesCol          [3]int
}

func newLanes(p *page) *lanes {
	l := &lanes{p: p, timeLen: 7, decimals: 3, stateLen: 11}
	w := p.opts.Width
	if w >= stateWidth && w < gaugeWidth || w >= roomyWidth {
		l.stateLen, l.fullStates = 14, true
	}
	if w >= roomyWidth {
		l.timeLen, l.decimals = 10, 6
	}
	side := l.timeLen + 1 + l.stateLen
	l.gaugesCol = [3]int{event.Client: side + 1, event.Server: w - side - 2 - 2*gaugeLen}
	if w >= gaugeWidth {
		l.gauges = &gauges{}
		side += 2 * (gaugeLen + 1)
	}
	l.lane0 = side + 1
	l.lane1 = p.opts.Width - side - 2
	l.timeCol = [3]int{event.Client: 0, event.Server: p.opts.Width - l.timeLen}
	l.statesCol = [3]int{event.Client: l.timeLen + 1, event.Server: w - l.timeLen - 1 - l.stateLen}
	// A quarter of the lane is for the slants, three for the words.
	n := l.lane1 - l.lane0
	l.bend = n - max(6, n/4)
	l.stop = n - 4
	return l
}

// heading names the columns.
func (l *lanes) heading() {
	row := l.rails()
	put(row, l.timeLen-len("seconds"), "seconds", strong)
	put(row, l.statesCol[event.Client], "client", strong)
	put(row, l.statesCol[event.Server], "server", strong)
	put(row, l.p.opts.Width-len("seconds"), "seconds", strong)
	for h := event.Client; h <= event.Server && l.gauges != nil; h++ {
		put(row, l.gaugesCol[h], "flight/cwnd", strong)
		put(row, l.gaugesCol[h]+gaugeLen+1, "snd/rcv wnd", strong)
	}
	l.p.emit(row)
}

// rails is a row with the two time lines.
func (l *lanes) rails() []cell {
	row := l.p.row()
	row[l.lane0-1] = cell{l.p.glyphs.rail, faint}
	row[l.lane1] = cell{l.p.glyphs.rail, faint}
	return row
}

// begin flushes the held row and gives the next one, with all slants drawn.
func (l *lanes) begin() []cell {
	l.flush()
	l.rowNo++
	l.heldID = 0
	row := l.rails()
	l.drawAll(row)
	return row
}

// hold keeps a row of host at time t until the next begin.
func (l *lanes) hold(row []cell, host event.Host, conn int, t int64) {
	l.held, l.heldHost, l.heldTime = row, host, seconds(t, l.timeLen, l.decimals)
	l.heldConn = conn
	l.measure()
	if host == event.Client || host == event.Server {
		put(row, l.timeCol[host]+l.timeLen-len(l.heldTime), l.heldTime, plain)
	}
}

// measure puts the variables of the held row's end into it.
func (l *lanes) measure() {
	if l.gauges != nil && (l.heldHost == event.Client || l.heldHost == event.Server) {
		l.gauges.put(l.p, l.held, endOf{l.heldHost, l.heldConn}, l.gaugesCol[l.heldHost])
	}
}

// see takes the variables of e, for the held row if that is of the same end and time and they were sampled behind it: an engine is
// asked while it transmits, when it has not yet counted the segment, so what it shows at the next one belongs to the one before.
func (l *lanes) see(e *event.Event) {
	switch e.Kind {
	case event.KindTx, event.KindFault, event.KindLost, event.KindVars, event.KindTimer:
	default:
		l.sent = endOf{} // what it shows next is not of the segment that it sent last
	}
	if l.gauges == nil || !l.gauges.see(l.p, e) || l.held == nil || l.heldHost != e.Host || l.heldConn != e.Conn {
		return
	}
	if e.Kind == event.KindVars || e.Kind == event.KindTx && !l.kernel[e.Host%3] && l.sent == endOfEvent(e) && l.heldTime == seconds(e.T, l.timeLen, l.decimals) {
		l.measure()
	}
}

// note takes what is not drawn: variables, a timer that stopped, the arrival of a segment within a stretch.
func (l *lanes) note(e *event.Event) {
	switch e.Kind {
	case event.KindTimer:
		l.running.news(e)
	case event.KindRx:
		l.land(e.Seg.ID, e.Host.Peer())
	}
	l.see(e)
}

// flush writes the held row.
func (l *lanes) flush() {
	if l.held != nil {
		l.p.emit(l.held)
		l.held = nil
	}
	if l.follows != "" {
		text := l.follows
		l.follows = ""
		now := l.p.at
		l.p.at = l.followsPlace
		row := l.rails()
		l.p.at = now
		l.rowNo++
		l.drawAll(row)
		l.besideRail(row, l.followsHost, text, strong)
		l.p.emit(row)
	}
}

func (l *lanes) finish() { l.flush() }

// begun takes what the run says of its link.
func (l *lanes) begun(r *event.Run) {
	l.silence = silence(r)
	l.kernel = [3]bool{event.Client: r.Client.Kernel, event.Server: r.Server.Kernel}
}

// state puts the state of host into row if it is not the one shown last.
func (l *lanes) state(row []cell, e *event.Event) {
	if l.shown.news(endOfEvent(e), e.State, e.StateHow) {
		l.putState(row, e)
	}
}

// putState puts the state of e into the column of its end, or where it has no room there has it follow in a row of its own.
func (l *lanes) putState(row []cell, e *event.Event) {
	text, fits := l.stateText(e)
	if fits {
		put(row, l.statesCol[e.Host], text, strong)
		return
	}
	l.follows, l.followsHost, l.followsPlace = text, e.Host, l.p.at
}

// stateText is the state of e in as many words as its column takes, and whether it takes them.
func (l *lanes) stateText(e *event.Event) (text string, fits bool) {
	for _, full := range []bool{l.fullStates, false} {
		text = l.p.tag(e.Conn) + stateName(l.p, e.State, e.StateHow, full)
		if columns(text) <= l.stateLen {
			return text, true
		}
	}
	return text, false
}

func (l *lanes) event(e *event.Event) {
	l.see(e)
	if e.Kind == event.KindVars {
		return
	}
	l.pause(e.T)
	if e.Host != event.Client && e.Host != event.Server {
		l.across(e)
		return
	}
	switch e.Kind {
	case event.KindTx:
		l.leave(e)
	case event.KindRx:
		l.arrive(e)
	case event.KindLost:
		l.lose(e)
	case event.KindState:
		l.change(e)
	case event.KindApp:
		l.call(e)
	case event.KindFault, event.KindICMP, event.KindCheck, event.KindTimer:
		if text := l.waits(l.p, e); text != "" {
			l.add(e, text)
			return
		}
		if text, st := l.happenings.text(l.p, e); text != "" {
			l.remark(e, text, st)
		}
	case event.KindNote:
		l.across(e)
	}
}

// pause says how long nothing happened, when that was long beside a round trip: the time lines are not to scale.
func (l *lanes) pause(t int64) {
	gap := t - l.last
	l.last = t
	if l.silence == 0 || gap < l.silence || len(l.flights) > 0 || l.rowNo == 0 {
		return
	}
	l.flush()
	row := l.rails()
	row[l.lane0-1].r, row[l.lane1].r = l.p.glyphs.stuck, l.p.glyphs.stuck
	text := seconds(gap+500_000, l.timeLen, 3) + " s of silence"
	put(row, l.lane0+(l.lane1-l.lane0-columns(text))/2, text, faint)
	l.p.emit(row)
	l.rowNo++
}

// leave draws the row where a segment leaves: words, line and the start of the slant.
func (l *lanes) leave(e *event.Event) {
	row := l.begin()
	lb := newLabel(l.p, e, l.fullStates)
	lb.sameAck = l.acks.same(e) && e.Seg.Len > 0
	text, rest := lb.fit(l.bend - 2)
	n := columns(text)
	l.line(row, e.Host, 0, l.bend, lb.st)
	if e.Host == event.Client {
		put(row, l.column(e.Host, 1), text, lb.st)
	} else {
		put(row, l.column(e.Host, n), text, lb.st)
	}
	l.state(row, e)
	l.launch(slant{id: e.Seg.ID, from: e.Host, row: l.rowNo, st: lb.st})
	l.draw(row, &l.flights[len(l.flights)-1])
	l.hold(row, e.Host, e.Conn, e.T)
	l.heldEnd = n
	if rest != "" {
		l.heldEnd = l.more(e.Host, rest, lb.st)
	}
	l.heldID = e.Seg.ID
	l.sent = endOfEvent(e)
}

// add writes words behind those of the segment in the held row, or in a row of their own where they have no room.
func (l *lanes) add(e *event.Event, text string) {
	n, at := columns(text), l.heldEnd+2
	if l.held == nil || l.heldID != e.Seg.ID || at+n > l.bend {
		l.remark(e, text, bad)
		l.heldID, l.heldEnd = e.Seg.ID, n
		return
	}
	l.heldEnd = at + n - 1
	if e.Host == event.Server {
		at = l.heldEnd
	}
	put(l.held, l.column(e.Host, at), text, bad)
}

// more writes a row with words that had no room in the one before, which it must not let wait: it is flushed. It returns the
// steps that its last words take.
func (l *lanes) more(host event.Host, text string, st style) (end int) {
	time := l.heldTime
	for _, part := range wrap(text, l.room()) {
		row := l.begin()
		if host == event.Client {
			put(row, l.column(host, 3), part, st)
		} else {
			put(row, l.column(host, 2+columns(part)), part, st)
		}
		// Without a time of its own it still takes the change of state that comes next.
		l.held, l.heldHost, l.heldTime = row, host, time
		end = 2 + columns(part)
	}
	return end
}

// arrive draws the row where a segment arrives: the end of its slant, the head at the receiver, and what it was.
func (l *lanes) arrive(e *event.Event) {
	row := l.begin()
	from := e.Host.Peer()
	step, st := l.land(e.Seg.ID, from)
	n := l.lane1 - l.lane0
	l.line(row, from, step+1, n-1, st)
	head := l.p.glyphs.toRight
	if from == event.Server {
		head = l.p.glyphs.toLeft
	}
	row[l.column(from, n-1)] = cell{head, st}
	text, textStyle := arrival(l.p, e)
	if st == again && textStyle == plain {
		textStyle = again
	}
	l.beside(row, from, text, textStyle, step)
	l.state(row, e)
	l.hold(row, e.Host, e.Conn, e.T)
}

// lose draws the row where the link took a segment: the end of its slant and the rule.
func (l *lanes) lose(e *event.Event) {
	row := l.begin()
	step, _ := l.land(e.Seg.ID, e.Host)
	row[l.column(e.Host, step)] = cell{l.p.glyphs.lost, bad}
	text := l.p.tag(e.Conn) + "lost"
	if e.Rule != "" {
		text += ": " + l.p.clean(e.Rule)
	}
	parts := wrap(text, l.bend-4)
	l.beside(row, e.Host, parts[0], bad, step)
	l.hold(row, e.Host, e.Conn, e.T)
	l.heldHost = event.None // it was the link that acted: what the end does next has a row of its own
	for _, part := range parts[1:] {
		l.more(e.Host, part, bad)
	}
}

// beside writes words of a segment that from sent and that has come to step: on its line if there is room, else between
// the sender's time line and the slants, at the slants. Where other slants leave no room they are left out.
func (l *lanes) beside(row []cell, from event.Host, text string, st style, step int) {
	n := columns(text)
	free := l.lane1 - l.lane0 - 2 - (step + 2) // the line between the slant and the head
	at := step + 3
	if free < n+2 || st == bad {
		at = l.nearest(row, from, step) - n - 1
		if at < 1 {
			return
		}
	} else {
		text = " " + text + " "
		n, at = n+2, at-1
	}
	if from == event.Server {
		put(row, l.column(from, at+n-1), text, st)
		return
	}
	put(row, l.column(from, at), text, st)
}

// nearest is the first step at or below most from which on the row is not blank.
func (l *lanes) nearest(row []cell, from event.Host, most int) int {
	for s := max(1, l.bend-1); s < most; s++ {
		if row[l.column(from, s)].r != ' ' {
			return s
		}
	}
	return most
}

// change shows a new state: in the held row when that is of the same end and time, else in a row of its own.
func (l *lanes) change(e *event.Event) {
	if !l.shown.news(endOfEvent(e), e.State, e.StateHow) {
		return
	}
	if l.holds(e) {
		l.putState(l.held, e)
		return
	}
	text, fits := l.stateText(e)
	row := l.begin()
	if fits {
		put(row, l.statesCol[e.Host], text, strong)
	} else {
		l.besideRail(row, e.Host, text, strong)
	}
	l.hold(row, e.Host, e.Conn, e.T)
}

// call shows what the application did: in the column of the states when the held row is of the same end and time and
// has room there, so that a long run of arrivals and reads has one row for both; else at the time line.
func (l *lanes) call(e *event.Event) {
	text := callText(l.p, &e.App)
	tagged := l.p.tag(e.Conn) + text
	if l.holds(e) && columns(tagged) <= l.stateLen && e.State == event.StateUnknown {
		put(l.held, l.statesCol[e.Host], tagged, faint)
		return
	}
	l.remark(e, text, plain)
}

// holds says whether the held row is of e's end and time, as far as the page shows it, and has its state column free.
func (l *lanes) holds(e *event.Event) bool {
	return l.held != nil && l.heldHost == e.Host && l.heldTime == seconds(e.T, l.timeLen, l.decimals) &&
		l.held[l.statesCol[e.Host]].r == ' '
}

// room is how many columns a sentence at a time line may take: as far as the slants, or the lane where there are none.
func (l *lanes) room() int {
	if len(l.flights) == 0 {
		return l.lane1 - l.lane0 - 4
	}
	return l.bend - 4
}

// remark writes words at the time line of an end.
func (l *lanes) remark(e *event.Event, text string, st style) {
	parts := wrap(l.p.tag(e.Conn)+text, l.room())
	row := l.begin()
	l.besideRail(row, e.Host, parts[0], st)
	l.state(row, e)
	l.hold(row, e.Host, e.Conn, e.T)
	for _, part := range parts[1:] {
		l.more(e.Host, part, st)
	}
}

// folded writes one row about what an end did in a stretch, across the lane; its time is that of the first of it.
func (l *lanes) folded(s *sums) {
	l.flush()
	l.last = max(l.last, s.last)
	for i, part := range wrap(l.p.told(s, l.lane1-l.lane0-2), l.lane1-l.lane0-2) {
		row := l.begin()
		row[l.lane0-1].r, row[l.lane1].r = l.p.glyphs.stuck, l.p.glyphs.stuck
		l.besideRail(row, s.host, part, faint)
		l.hold(row, event.None, s.conn, s.first)
		if i > 0 {
			continue
		}
		put(row, l.timeCol[s.host]+l.timeLen-len(l.heldTime), l.heldTime, plain)
		if moved := s.moved(); columns(moved) <= l.stateLen && l.p.tag(s.conn) == "" {
			put(row, l.statesCol[s.host], moved, faint)
		}
		if l.gauges != nil {
			l.gauges.put(l.p, row, s.endOf, l.gaugesCol[s.host])
		}
	}
}

// besideRail writes words at the time line of host, with a blank on both sides.
func (l *lanes) besideRail(row []cell, host event.Host, text string, st style) {
	text = " " + text + " "
	if host == event.Server {
		put(row, l.column(host, columns(text)-1), text, st)
		return
	}
	put(row, l.column(host, 0), text, st)
}

// across writes a sentence about the run across the lane.
func (l *lanes) across(e *event.Event) {
	if e.Kind != event.KindNote {
		return
	}
	l.flush()
	head, st := "note: ", faint
	if e.Level == event.Warning {
		head, st = "warning: ", bad
	}
	for i, part := range wrap(head+l.p.clean(e.Text), l.lane1-l.lane0-2) {
		row := l.begin()
		for c := l.lane0; c < l.lane1; c++ {
			row[c].r = ' ' // slants would make it unreadable
		}
		put(row, l.lane0+1, part, st)
		if i == 0 {
			t := seconds(e.T, l.timeLen, l.decimals)
			put(row, l.timeLen-len(t), t, plain)
		}
		l.p.emit(row)
	}
}
