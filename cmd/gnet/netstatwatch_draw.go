package main

import (
	"fmt"
	"slices"
	"time"

	"gnet/internal/live"
)

// Draw implements live.View.
func (v *watchView) Draw(c *live.Canvas) {
	w, h := c.Size()
	foot := 1
	if v.asking != nil { // whole, or nobody knows what is asked
		foot = len(live.Wrap(v.question(), w))
	}
	body := c.Part(0, 1, w, max(h-1-foot, 0))
	v.pages, v.hidden = 0, 0
	switch {
	case v.detail != nil:
		v.drawDetail(body)
	case v.by != notGrouped && !v.isWithin:
		v.drawGroups(body)
	default:
		v.drawSockets(body)
	}
	v.drawTitle(c)
	v.drawFoot(c, h-1)
}

// drawTitle draws what is shown, and how.
func (v *watchView) drawTitle(c *live.Canvas) {
	w, _ := c.Size()
	title := "sockets"
	if v.table != nil {
		if title = countSockets(v.table.live); v.table.partial {
			title += " so far"
		}
	}
	x := c.Text(0, 0, live.Strong, title)
	rest := ", by " + v.columns[v.sort].title
	if v.by != notGrouped {
		rest = ", by " + v.by.word()
		if v.isWithin {
			rest += " " + v.groupName(v.within)
		}
	}
	if v.reversed {
		rest += " reversed"
	}
	if v.text != "" && !v.prompt.IsOpen() {
		rest += ", filter: " + v.text
	}
	state := fmt.Sprintf("every %v", v.o.Watch)
	if v.request.paused {
		state = "PAUSED"
	}
	if v.hidden > 0 {
		more := fmt.Sprintf("+%d columns", v.hidden)
		if live.Columns(rest)+live.Columns(more)+live.Columns(state)+4 > w-x {
			more = fmt.Sprintf("+%d", v.hidden)
		}
		state = more + "  " + state
	}
	c.Cell(x, 0, max(w-x-live.Columns(state)-2, 0), live.Plain, rest)
	if w-x > live.Columns(state)+1 {
		c.Right(0, 0, w, live.Faint, state)
	}
}

// drawSockets draws the table.
func (v *watchView) drawSockets(c *live.Canvas) {
	w, h := c.Size()
	from, to := v.list.Seen(len(v.shown), max(h-1, 0))
	v.measure(from, to, w, h)
	columns := v.placeColumns(w)
	for _, p := range columns {
		drawCell(c, p, live.Heading, p.title)
		if p.number == v.sort { // in the gap beside it, which a title leaves free
			x := p.x + len(p.title)
			if p.right {
				x = p.x + p.width - len(p.title) - 1
			}
			c.Text(x, 0, live.Strong, sortMark(p.down != v.reversed, c.ASCII))
		}
	}
	v.list.Draw(c.Part(0, 1, w, h-1), len(v.shown), func(i int, row *live.Canvas) {
		s := &v.table.rows[v.order.at(i)]
		style := live.Plain
		switch {
		case s.fresh:
			style = live.Fresh
			row.Text(0, 0, style, "+")
		case s.gone:
			style = live.Gone
			row.Text(0, 0, style, "-")
		}
		for _, p := range columns {
			text := v.needs.texts[(i-from)*len(v.columns)+p.number]
			if p.end {
				text = cutEndpoint(text, p.width, c.ASCII)
			}
			drawCell(row, p, style, text)
		}
	})
}

// placeColumns returns the columns of the page that is shown, with their places, and notes how many are on others.
func (v *watchView) placeColumns(w int) []placed {
	places := watchPlaces{columns: v.columns, need: v.needs.of, sorted: v.sort, width: w}
	pages := places.pages()
	v.pages = len(pages)
	v.page = max(min(v.page, v.pages-1), 0)
	for i, c := range v.columns {
		if c.rank > 0 && !pages[v.page][i] {
			v.hidden++
		}
	}
	return places.place(pages[v.page])
}

// drawCell writes a column of a row.
func drawCell(c *live.Canvas, p placed, style live.Style, text string) {
	if p.right && live.Columns(text) <= p.width {
		c.Right(p.x, 0, p.width, style, text)
		return
	}
	c.Cell(p.x, 0, p.width, style, text)
}

// sortMark tells the column that the rows are sorted by.
func sortMark(down, ascii bool) string {
	switch {
	case ascii && down:
		return "v"
	case ascii:
		return "^"
	case down:
		return "▾"
	}
	return "▴"
}

// drawFoot draws the last row: what is typed or asked, what has happened, what is not known, else some keys.
func (v *watchView) drawFoot(c *live.Canvas, y int) {
	switch {
	case v.prompt.IsOpen():
		v.prompt.Draw(c, y)
	case v.asking != nil:
		w, _ := c.Size()
		lines := live.Wrap(v.question(), w)
		for i, line := range lines {
			c.Text(0, y-len(lines)+1+i, live.Warn, line)
		}
	case v.message != "" && v.bad:
		c.Text(0, y, live.Bad, v.message)
	case v.message != "":
		c.Text(0, y, live.Good, v.message)
	case v.table == nil:
		c.Text(0, y, live.Faint, "reading")
	case v.table.err != nil:
		c.Text(0, y, live.Bad, v.table.err.Error())
	case v.table.partial:
		c.Text(0, y, live.Faint, fmt.Sprintf("reading: %s so far, sorted among themselves; ? keys", countSockets(v.table.live)))
	case len(v.table.notes) > 0:
		c.Text(0, y, live.Warn, v.table.notes[len(v.table.notes)-1])
	case v.table.unmarked > 0:
		c.Text(0, y, live.Faint, fmt.Sprintf("%d more went in the last %v, and are not marked", v.table.unmarked, watchMark))
	case v.problem != "":
		c.Text(0, y, live.Warn, v.problem)
	case v.table.took > v.o.Watch/2 && v.table.took > 100*time.Millisecond:
		c.Text(0, y, live.Faint, fmt.Sprintf("a reading takes %v; ? keys", v.table.took.Round(10*time.Millisecond)))
	default:
		words := []string{"? keys", "q quit", "/ filter", "b group", "Enter details", "K end", "Space pause"}
		if v.pages > 1 {
			key := "Right"
			if v.page == v.pages-1 {
				key = "Left"
			}
			words = slices.Insert(words, 2, key+" columns")
		}
		c.Words(y, live.Faint, words...)
	}
}
