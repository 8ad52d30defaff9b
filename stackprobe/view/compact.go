package view

import (
	"strings"

	"gnet/stackprobe/event"
)

// maxWaiting bounds the rows that wait for a segment to arrive; the oldest is then written as still on its way.
const maxWaiting = 1024

// compact is the form for narrow terminals: one row per segment, when it left and when it arrived, in the order of
// departure. A row waits until the segment's fate is known, and those behind it with it.
type compact struct {
	happenings
	p       *page
	waiting []waitingRow
	shown   standings
}

// waitingRow is a row that is complete, or the first half of one whose segment is on its way.
type waitingRow struct {
	id       int // of the segment; 0 if it waits for none
	host     event.Host
	sent     string
	fate     string // the time of arrival, or a word
	text     label
	tail     string
	st       style
	complete bool
	place    int // of its event
}

func newCompact(p *page) *compact { return &compact{p: p} }

const (
	compactTime = 7 // columns of a time
	// compactText is where the words start: two times and the direction stand before.
	compactText = 2*compactTime + 7
)

// begun needs nothing: the times stand in every row.
func (c *compact) begun(*event.Run) {}

func (c *compact) heading() {
	row := c.p.row()
	put(row, compactTime-len("left"), "left", strong)
	put(row, 2*compactTime+1-len("arrived"), "arrived", strong)
	put(row, compactText, "segment", strong)
	c.p.emit(row)
}

func (c *compact) event(e *event.Event) {
	switch e.Kind {
	case event.KindTx:
		c.add(waitingRow{id: e.Seg.ID, host: e.Host, sent: seconds(e.T, compactTime, 3), text: newLabel(c.p, e, false)})
		c.state(e)
	case event.KindRx:
		c.arrive(e)
		c.state(e)
	case event.KindLost:
		c.lose(e)
	case event.KindState:
		c.state(e)
	case event.KindApp:
		c.remark(e, callText(c.p, &e.App), plain)
		c.state(e)
	case event.KindFault, event.KindICMP, event.KindCheck, event.KindTimer:
		if text := c.waits(c.p, e); text != "" {
			if w := c.find(e.Seg.ID, e.Host); w != nil {
				w.tail = words(w.tail, text)
				return
			}
		}
		if text, st := c.happenings.text(c.p, e); text != "" {
			c.remark(e, text, st)
		}
	case event.KindNote:
		if e.Level == event.Warning {
			c.remark(e, "warning: "+c.p.clean(e.Text), bad)
			return
		}
		c.remark(e, "note: "+c.p.clean(e.Text), faint)
	}
}

// note takes what is not drawn: a timer that stopped, the arrival of a segment within a stretch.
func (c *compact) note(e *event.Event) {
	switch e.Kind {
	case event.KindTimer:
		c.running.news(e)
	case event.KindRx:
		if w := c.find(e.Seg.ID, e.Host.Peer()); w != nil {
			w.fate, w.complete = seconds(e.T, compactTime, 3), true
			c.drain()
		}
	}
}

// folded writes one row about a stretch.
func (c *compact) folded(s *sums) {
	c.add(waitingRow{host: s.host, sent: seconds(s.first, compactTime, 3), complete: true, tail: c.p.told(s, c.p.opts.Width-compactText), st: faint})
}

// add queues a row and writes what no longer waits.
func (c *compact) add(w waitingRow) {
	w.place = c.p.at
	c.waiting = append(c.waiting, w)
	if len(c.waiting) > maxWaiting {
		c.giveUp(&c.waiting[0])
	}
	c.drain()
}

// drain writes the complete rows at the head of the queue.
func (c *compact) drain() {
	n, now := 0, c.p.at
	for n < len(c.waiting) && c.waiting[n].complete {
		c.p.at = c.waiting[n].place
		c.write(&c.waiting[n])
		n++
	}
	c.p.at = now
	c.waiting = append(c.waiting[:0], c.waiting[n:]...)
}

func (c *compact) finish() {
	for i := range c.waiting {
		if w := &c.waiting[i]; !w.complete {
			c.giveUp(w)
		}
	}
	c.drain()
}

// giveUp completes a row whose segment's fate is not known.
func (c *compact) giveUp(w *waitingRow) {
	w.complete, w.fate = true, "?"
	c.p.used |= signUnknown
}

// find gives the waiting row of a segment of host, nil if there is none.
func (c *compact) find(id int, host event.Host) *waitingRow {
	for i := range c.waiting {
		if w := &c.waiting[i]; w.id == id && w.host == host && !w.complete && w.id != 0 {
			return w
		}
	}
	return nil
}

// arrive completes the row of a segment, or writes one for an arrival whose departure is not there.
func (c *compact) arrive(e *event.Event) {
	text, st := arrival(c.p, e)
	w := c.find(e.Seg.ID, e.Host.Peer())
	if w == nil {
		w = &waitingRow{host: e.Host.Peer(), text: label{head: text, st: st}}
		w.fate, w.complete = seconds(e.T, compactTime, 3), true
		c.add(*w)
		return
	}
	w.fate, w.complete = seconds(e.T, compactTime, 3), true
	if st != plain && !e.Seg.BadSum { // a wrong checksum has been named where the segment left
		w.tail, w.st = words(w.tail, mean(text)), st
	}
	c.drain()
}

// mean is what the text of an arrival says beyond the numbers, which the row has already.
func mean(text string) string {
	for i := range text {
		if text[i] == ' ' && i+1 < len(text) && (text[i+1] < '0' || text[i+1] > '9') {
			return text[i+1:]
		}
	}
	return text
}

// lose completes the row of a lost segment and names the rule below.
func (c *compact) lose(e *event.Event) {
	rule := c.p.clean(e.Rule)
	if w := c.find(e.Seg.ID, e.Host); w != nil {
		w.fate, w.complete, w.tail, w.st = string(c.p.glyphs.lost)+" lost", true, words(w.tail, rule), bad
		c.drain()
		return
	}
	c.remark(e, "lost: "+rule, bad)
}

// state writes a row for a state that is new.
func (c *compact) state(e *event.Event) {
	if !c.shown.news(endOfEvent(e), e.State, event.Read) {
		return
	}
	c.remark(e, stateName(c.p, e.State, e.StateHow, true), strong)
}

// remark queues a row that is no segment.
func (c *compact) remark(e *event.Event, text string, st style) {
	prefix := ""
	if e.Host != event.None {
		prefix = c.p.tag(e.Conn) + e.Host.String() + ": "
	}
	w := waitingRow{sent: seconds(e.T, compactTime, 3), complete: true, st: st}
	w.tail = prefix + text
	c.add(w)
}

// write draws a row, and below it what had no room.
func (c *compact) write(w *waitingRow) {
	row := c.p.row()
	put(row, compactTime-len(w.sent), w.sent, plain)
	room := c.p.opts.Width - compactText
	if w.host == event.None {
		for i, part := range wrap(w.tail, room) {
			if i > 0 {
				row = c.p.row()
			}
			put(row, compactText, part, w.st)
			c.p.emit(row)
		}
		return
	}
	put(row, 2*compactTime+1-columns(w.fate), w.fate, w.st)
	put(row, 2*compactTime+2, c.direction(w.host), plain)
	text, rest := w.text.fit(room)
	put(row, compactText, text, w.text.st)
	tail := words(rest, w.tail)
	if text == "" && tail != "" {
		first := wrap(tail, room)[0]
		text, tail = first, strings.TrimLeft(tail[len(first):], " ")
		put(row, compactText, text, w.st)
	}
	if at := compactText + columns(text) + 1; tail != "" && at+columns(tail) <= c.p.opts.Width {
		put(row, at, tail, max(w.st, w.text.st))
		tail = ""
	}
	c.p.emit(row)
	if tail == "" {
		return
	}
	for _, part := range wrap(tail, room-2) {
		row := c.p.row()
		put(row, compactText+2, part, max(w.st, w.text.st))
		c.p.emit(row)
	}
}

// direction is an arrow from client to server or back.
func (c *compact) direction(from event.Host) string {
	g := c.p.glyphs
	if from == event.Server {
		return "C" + string(g.toLeft) + string(g.line) + "S"
	}
	return "C" + string(g.line) + string(g.toRight) + "S"
}
