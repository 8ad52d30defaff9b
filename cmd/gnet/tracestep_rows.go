package main

import (
	"iter"

	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

const (
	// stepBlock is how many events are drawn together, stepLead how many before and stepTail how many behind them are drawn with them, so
	// that what is on its way across an edge is whole.
	stepBlock, stepLead, stepTail = 512, 512, 512
	// maxStepBlocks bounds the blocks whose rows are kept.
	maxStepBlocks = 8
)

// ladderRows are the rows of the ladder near the cursor. They are drawn in blocks of events, each for itself, so that a long run costs no
// more than a short one.
type ladderRows struct {
	view   *stepView
	width  int
	blocks map[int]rowBlock
}

// rowBlock is the rows of a block, drawn when so many events were there.
type rowBlock struct {
	rows   []view.Row
	events int
}

// forget has all rows drawn anew.
func (l *ladderRows) forget() { clear(l.blocks) }

// block returns the rows of the events of a block, from 0.
func (l *ladderRows) block(n int) []view.Row {
	v := l.view
	first, last := n*stepBlock, min((n+1)*stepBlock, len(v.shown))
	known := min(last+stepTail, len(v.shown))
	if b, ok := l.blocks[n]; ok && b.events == known {
		return b.rows
	}
	if len(l.blocks) >= maxStepBlocks {
		clear(l.blocks)
	}
	if l.blocks == nil {
		l.blocks = make(map[int]rowBlock)
	}
	from := max(first-stepLead, 0)
	run := v.run
	if from == 0 {
		run = nil // it is among the events
	}
	o := v.opts
	o.Width = l.width
	var rows []view.Row
	view.LadderRows(o, run, v.choice == 0 && len(v.conns) > 1, v.between(from, known), func(r view.Row) {
		if r.Place >= first && r.Place < last {
			rows = append(rows, r)
		}
	})
	l.blocks[n] = rowBlock{rows, known}
	return rows
}

// between yields the events from one place up to another.
func (v *stepView) between(from, to int) iter.Seq2[int, *event.Event] {
	return func(yield func(int, *event.Event) bool) {
		var e event.Event
		for i := from; i < to; i++ {
			v.rec.Read(int(v.shown[i]), &e)
			if !yield(i, &e) {
				return
			}
		}
	}
}

// around returns height rows around the event under the cursor, or fewer, and the place whose rows are the cursor's.
func (l *ladderRows) around(width, height int) (rows []view.Row, place int) {
	v := l.view
	if l.width != width {
		l.width = width
		l.forget()
	}
	block := v.cursor / stepBlock
	rows = l.block(block)
	place, at := l.cursorRow(rows)
	for n := block - 1; n >= 0 && n > block-4 && at < height; n-- {
		before := l.block(n)
		at += len(before)
		rows = append(append([]view.Row{}, before...), rows...)
	}
	if place < block*stepBlock { // nothing of this block is drawn before the cursor
		place, at = l.cursorRow(rows)
	}
	for n := block + 1; n*stepBlock < len(v.shown) && n < block+4 && len(rows)-at < height; n++ {
		rows = append(append([]view.Row{}, rows...), l.block(n)...)
	}
	first := max(min(at-height*2/3, len(rows)-height), 0)
	return rows[first:min(first+height, len(rows))], place
}

// cursorRow finds the row of the event under the cursor: its own, else that of the departure of its segment, else the last before it.
func (l *ladderRows) cursorRow(rows []view.Row) (place, at int) {
	v := l.view
	place = -1
	sent := 0
	if len(v.shown) > 0 {
		sent = v.event(v.cursor).Derived.SentN
	}
	byDeparture := -1
	for i, r := range rows {
		switch {
		case r.Place == v.cursor:
			return r.Place, i
		case sent != 0 && r.Place < v.cursor && v.head(r.Place).N == sent && byDeparture < 0:
			byDeparture = i
		case r.Place < v.cursor && r.Place >= place:
			place, at = r.Place, i
		}
	}
	if byDeparture >= 0 {
		return rows[byDeparture].Place, byDeparture
	}
	return place, at
}
