package main

import (
	"slices"
	"strconv"
	"strings"

	"gnet/internal/live"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// stepView shows a run event by event: the ladder around the event under the cursor, and what is known at that event. It keeps the events
// that analyze.Recording keeps and the rows of the ladder near the cursor.
type stepView struct {
	opts  view.Options
	rec   analyze.Recording
	panes *view.Panes
	run   *event.Run
	conns []int // those that have events, ascending
	// choice is the connection that is shown, 0 for all; shown are the places of its events, and of those of none.
	choice int
	shown  []int32
	cursor int // in shown
	// stored says that the events come from where they were stored: nobody follows them. follow has the cursor stay at the last event; over says
	// that no more will come, failure why if that was too soon.
	stored, follow, over bool
	failure              string
	expectations         []event.Expectation
	rows                 ladderRows
	page                 int // rows of the ladder that were shown last
	pane                 int
	scroll               int        // rows of the pane that are above its edge
	lead                 event.Host // the end whose octets stand first among the windows
	prompt               live.Prompt
	search               string
	side                 stepSide // where jumps lead
	count                int      // the number that is being typed before a key, 0 for none
	message              string
	hunt                 *stepHunt  // a seek that goes on
	loop                 *live.Loop // of the last key
}

// stepSide is the end to whose events jumps lead, None for both.
type stepSide event.Host

func (s stepSide) has(h event.Host) bool { return s == 0 || event.Host(s) == h }

// words are what a message says of it.
func (s stepSide) words() string {
	if s == 0 {
		return ""
	}
	return " at the " + event.Host(s).String()
}

// maxStepConns bounds the connections that can be chosen.
const maxStepConns = 1 << 16

func newStepView(o view.Options) *stepView {
	v := &stepView{opts: o, panes: view.NewPanes(o), lead: event.Client}
	v.rows.view = v
	return v
}

// take takes events of the run.
func (v *stepView) take(events []event.Event) {
	if v.rec.Len() == 0 && len(events) > 0 {
		e := &events[0]
		v.follow = !v.over && !v.stored && e.Clock == event.Mono && e.Run != nil && !e.Run.Captured()
	}
	for i := range events {
		v.add(&events[i])
	}
	if v.follow {
		v.cursor = max(len(v.shown)-1, 0)
	}
}

// add takes an event of the run, of which it keeps a copy.
func (v *stepView) add(e *event.Event) {
	if !v.rec.Add(e) {
		return
	}
	switch e.Kind {
	case event.KindRun:
		if v.run == nil {
			v.run = e.Run
		}
	case event.KindExpectation:
		if e.Expectation != nil && len(v.expectations) < 1000 {
			v.expectations = append(v.expectations, *e.Expectation)
		}
	}
	v.meet(e.Conn)
	if v.shows(e.Conn) {
		v.shown = append(v.shown, int32(v.rec.Len()-1))
	}
}

// meet notes a connection.
func (v *stepView) meet(conn int) {
	if conn < 1 || len(v.conns) >= maxStepConns {
		return
	}
	if at, found := slices.BinarySearch(v.conns, conn); !found {
		v.conns = slices.Insert(v.conns, at, conn)
		v.rows.forget()
	}
}

// ends says that no more events come, and why if that is not as it should be.
func (v *stepView) ends(err error) {
	v.over, v.follow = true, false
	if err != nil {
		v.failure = err.Error()
	}
}

// shows says whether the events of a connection are shown.
func (v *stepView) shows(conn int) bool {
	return v.choice == 0 || conn == 0 || conn == v.choice
}

// event returns a copy of the event of a place in shown.
func (v *stepView) event(at int) *event.Event { return v.rec.Event(int(v.shown[at])) }

// head returns what tells the event of a place in shown among others.
func (v *stepView) head(at int) event.Head { return v.rec.Head(int(v.shown[at])) }

// choose shows one connection, 0 for all, and keeps the cursor at its event or the one before.
func (v *stepView) choose(conn int) {
	at := 0
	if len(v.shown) > 0 {
		at = int(v.shown[v.cursor])
	}
	v.choice, v.shown, v.cursor = conn, v.shown[:0], 0
	for i := range v.rec.Len() {
		if h := v.rec.Head(i); v.shows(h.Conn) {
			if i <= at {
				v.cursor = len(v.shown)
			}
			v.shown = append(v.shown, int32(i))
		}
	}
	v.rows.forget()
}

// conn is the connection about which the panes are: that of the event under the cursor, or the nearest before or behind it.
func (v *stepView) conn() int {
	const far = 2000
	if v.choice > 0 {
		return v.choice
	}
	for i := v.cursor; i >= 0 && i > v.cursor-far; i-- {
		if c := v.head(i).Conn; c > 0 {
			return c
		}
	}
	if len(v.conns) > 0 {
		return v.conns[0]
	}
	return 0
}

// move sets the cursor.
func (v *stepView) move(to int) {
	v.cursor = max(min(to, len(v.shown)-1), 0)
	v.follow = false
	v.message = ""
}

// at moves the cursor to the event of a number.
func (v *stepView) at(n int) {
	for i := range v.shown {
		if v.head(i).N >= n {
			v.move(i)
			return
		}
	}
	v.message = "no event " + strconv.Itoa(n)
}

// contains reports whether an event's line has the text, letters of either case being the same.
func (v *stepView) contains(text string) func(*event.Event) bool {
	text = strings.ToLower(text)
	return func(e *event.Event) bool { return strings.Contains(strings.ToLower(v.panes.Text(e)), text) }
}

// expected reports whether an expectation names an event.
func (v *stepView) expected(h event.Head) bool {
	return slices.ContainsFunc(v.expectations, func(x event.Expectation) bool { return x.N != 0 && x.N == h.N })
}
