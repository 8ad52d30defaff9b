package main

import (
	"fmt"
	"strconv"
	"strings"

	"gnet/internal/live"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

const (
	// stepWide is the width from which on the panes stand beside the ladder; below they stand under it.
	stepWide = 160
	// stepPaneMin is the least height in which another pane begins.
	stepPaneMin = 4
)

// stepPane is a part of what is known at an event.
type stepPane struct {
	title string
	rows  func(m *analyze.Moment, width int) []view.Row
}

// list are the panes in their order.
func (v *stepView) list() []stepPane {
	conn := v.conn()
	return []stepPane{
		{"windows", func(m *analyze.Moment, w int) []view.Row {
			return v.panes.Windows(m, conn, w, v.event(v.cursor), v.lead)
		}},
		{"segment", func(_ *analyze.Moment, w int) []view.Row { return v.panes.Octets(v.event(v.cursor), w) }},
		{"knows", func(m *analyze.Moment, w int) []view.Row { return v.panes.Knowledge(m, conn, w) }},
		{"variables", func(m *analyze.Moment, w int) []view.Row { return v.panes.Variables(m, conn, w) }},
		{"timers", func(m *analyze.Moment, w int) []view.Row { return v.panes.Timers(m, conn, w, v.event(v.cursor).T) }},
		{"expectations", func(_ *analyze.Moment, w int) []view.Row { return v.panes.Expectations(v.expectations, w) }},
	}
}

// Draw implements live.View.
func (v *stepView) Draw(c *live.Canvas) {
	w, h := c.Size()
	if len(v.shown) == 0 {
		c.Text(0, 0, live.Faint, "no event yet")
		return
	}
	v.heading(c.Part(0, 0, w, 1))
	body := c.Part(0, 1, w, h-2)
	if w >= stepWide {
		right := max(78, w*2/5)
		v.ladder(body.Part(0, 0, w-right-1, h-2))
		v.lead = event.Client
		v.known(body.Part(w-right, 0, right, h-2), true)
	} else {
		half := (h - 1) / 2
		if of := view.OctetsOf(v.event(v.cursor)); of != event.None { // there may be room for one
			v.lead = of
		}
		v.ladder(body.Part(0, 0, w, half))
		v.known(body.Part(0, half, w, h-2-half), false)
	}
	v.foot(c, h-1)
}

// heading says where in the run the cursor is.
func (v *stepView) heading(c *live.Canvas) {
	w, _ := c.Size()
	e := v.event(v.cursor)
	last := v.rec.Event(v.rec.Len() - 1)
	text := "event " + strconv.Itoa(e.N) + " of " + strconv.Itoa(last.N) + "  " + fmt.Sprintf("%d.%06d s", e.T/1e9, max(e.T, -e.T)%1e9/1000)
	switch {
	case v.choice > 0:
		text += "  only #" + strconv.Itoa(v.choice) + " of " + strconv.Itoa(len(v.conns))
	case len(v.conns) > 1:
		text += "  " + strconv.Itoa(len(v.conns)) + " connections"
	}
	if v.side != 0 {
		text += "  jumps" + v.side.words()
	}
	state := ""
	switch {
	case v.follow:
		state = "following"
	case !v.over:
		state = "running"
	case v.rec.Beyond > 0:
		state = strconv.Itoa(v.rec.Beyond) + " more events, not kept"
	case v.run != nil && v.run.Scenario != "":
		state = v.run.Scenario
	}
	end := c.Text(0, 0, live.Heading, text)
	if room := w - end - 2; room >= live.Columns(state) {
		c.Right(end+2, 0, room, live.Faint, state)
	}
}

// ladder draws the rows around the cursor below the names of the columns.
func (v *stepView) ladder(c *live.Canvas) {
	w, h := c.Size()
	o := v.opts
	o.Width = w
	if h > 4 {
		drawRow(c.Part(0, 0, w, 1), view.LadderHeading(o))
		c, h = c.Part(0, 1, w, h-1), h-1
	}
	v.page = h
	rows, place := v.rows.around(w, h)
	for y, r := range rows {
		line := c.Part(0, y, w, 1)
		drawRow(line, r)
		if r.Place == place && (v.run == nil || place > 0) { // what the run says of itself fills a page
			line.Fill(0, live.Selected)
		}
	}
}

// known draws the panes: from the chosen one on as many as have room; pinned has the windows always stand above.
func (v *stepView) known(c *live.Canvas, pinned bool) {
	w, h := c.Size()
	m := v.rec.At(int(v.shown[v.cursor]), v.conn())
	list := v.list()
	y := 0
	if pinned && v.pane != 0 {
		y = v.drawPane(c, 0, list[0], list[0].rows(m, w), false)
	}
	for i := range list {
		n := (v.pane + i) % len(list)
		if y > 0 && h-y < stepPaneMin {
			return
		}
		if pinned && n == 0 && i > 0 {
			continue
		}
		rows := list[n].rows(m, w)
		if i == 0 {
			v.scroll = max(min(v.scroll, len(rows)-(h-y-1)), 0)
			rows = rows[v.scroll:]
		}
		y = v.drawPane(c, y, list[n], rows, i == 0)
	}
}

// drawPane draws a pane from row y on, and returns the row behind it.
func (v *stepView) drawPane(c *live.Canvas, y int, p stepPane, rows []view.Row, chosen bool) int {
	w, h := c.Size()
	title := p.title
	rule := "─"
	if c.ASCII {
		rule = "-"
	}
	st := live.Faint
	if chosen {
		st, title = live.Strong, "["+title+"]"
	}
	if more := len(rows) - (h - y - 1); more > 0 {
		title += " +" + strconv.Itoa(more)
	}
	title = rule + " " + title + " "
	c.Text(0, y, st, title+strings.Repeat(rule, max(w-live.Columns(title), 0)))
	y++
	for _, r := range rows {
		if y >= h {
			break
		}
		drawRow(c.Part(0, y, w, 1), r)
		y++
	}
	return y
}

// drawRow draws a row of package view.
func drawRow(c *live.Canvas, r view.Row) {
	x := 0
	for _, s := range r.Spans {
		x = c.Text(x, 0, stepTone(s.Tone), s.Text)
	}
}

func stepTone(t view.Tone) live.Style {
	switch t {
	case view.Faint:
		return live.Faint
	case view.Strong:
		return live.Strong
	case view.Bad:
		return live.Bad
	case view.Again:
		return live.Warn
	}
	return live.Plain
}

// foot draws the last row: a prompt, a message, or what happened.
func (v *stepView) foot(c *live.Canvas, y int) {
	switch {
	case v.prompt.IsOpen():
		v.prompt.Draw(c, y)
	case v.count > 0:
		c.Text(0, y, live.Strong, strconv.Itoa(v.count))
	case v.message != "":
		c.Text(0, y, live.Warn, v.message)
	case v.failure != "" && v.cursor == len(v.shown)-1:
		c.Text(0, y, live.Bad, v.failure)
	default:
		c.Text(0, y, live.Plain, v.panes.Text(v.event(v.cursor)))
	}
}
