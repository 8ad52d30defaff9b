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
	// follow has the cursor stay at the last event; over says that no more will come, failure why if that was too soon.
	follow, over bool
	failure      string
	expectations []event.Expectation
	rows         ladderRows
	page         int // rows of the ladder that were shown last
	pane         int
	scroll       int // rows of the pane that are above its edge
	prompt       live.Prompt
	search       string
	message      string
}

// maxStepConns bounds the connections that can be chosen.
const maxStepConns = 1 << 16

func newStepView(o view.Options) *stepView {
	v := &stepView{opts: o, panes: view.NewPanes(o)}
	v.rows.view = v
	return v
}

// take takes events of the run.
func (v *stepView) take(events []event.Event) {
	for i := range events {
		e := &events[i]
		if v.rec.Len() == 0 && e.Clock == event.Mono && e.Run != nil && !e.Run.Captured() {
			v.follow = !v.over
		}
		if !v.rec.Add(e) {
			continue
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
		if v.shows(e) {
			v.shown = append(v.shown, int32(v.rec.Len()-1))
		}
	}
	if v.follow {
		v.cursor = max(len(v.shown)-1, 0)
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

func (v *stepView) shows(e *event.Event) bool {
	return v.choice == 0 || e.Conn == 0 || e.Conn == v.choice
}

// event returns the event of a place in shown.
func (v *stepView) event(at int) *event.Event { return v.rec.Event(int(v.shown[at])) }

// choose shows one connection, 0 for all, and keeps the cursor at its event or the one before.
func (v *stepView) choose(conn int) {
	at := 0
	if len(v.shown) > 0 {
		at = int(v.shown[v.cursor])
	}
	v.choice, v.shown, v.cursor = conn, v.shown[:0], 0
	for i := range v.rec.Len() {
		if v.shows(v.rec.Event(i)) {
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
		if c := v.event(i).Conn; c > 0 {
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

// seek moves the cursor to the next event in a direction for which is holds; what names it.
func (v *stepView) seek(step int, what string, is func(*event.Event) bool) {
	for i := v.cursor + step; i >= 0 && i < len(v.shown); i += step {
		if is(v.event(i)) {
			v.move(i)
			return
		}
	}
	where := "behind"
	if step < 0 {
		where = "before"
	}
	v.message = "no " + what + " " + where + " this event"
}

// at moves the cursor to the event of a number.
func (v *stepView) at(n int) {
	for i := range v.shown {
		if v.event(i).N >= n {
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
func (v *stepView) expected(e *event.Event) bool {
	return slices.ContainsFunc(v.expectations, func(x event.Expectation) bool { return x.N != 0 && x.N == e.N })
}
