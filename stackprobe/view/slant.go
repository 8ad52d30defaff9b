package view

import "gnet/stackprobe/event"

// maxDrawn bounds the slants that are drawn at once. More could not be told apart; the oldest loses its slant, and
// still gets the row where it arrives.
const maxDrawn = 256

// slant is a segment on its way: it steps one column towards its receiver with each row.
type slant struct {
	id   int
	from event.Host
	row  int // where it left
	st   style
}

// column is that of step steps from the time line of from, into the lane.
func (l *lanes) column(from event.Host, step int) int {
	if from == event.Server {
		return l.lane1 - 1 - step
	}
	return l.lane0 + step
}

// step is how far from its sender's time line a slant is in the current row.
func (l *lanes) step(s *slant) int { return min(l.bend+l.rowNo-s.row, l.stop) }

// drawAll puts the marks of all slants. Those that have no column left are the oldest and share one mark for each
// direction, so a long queue of them costs no more than one.
func (l *lanes) drawAll(row []cell) {
	i := len(l.flights) - 1
	for ; i >= 0 && l.bend+l.rowNo-l.flights[i].row <= l.stop; i-- {
		l.draw(row, &l.flights[i])
	}
	var seen [3]bool
	for ; i >= 0 && !(seen[event.Client] && seen[event.Server]); i-- {
		if s := &l.flights[i]; !seen[s.from] {
			seen[s.from] = true
			l.draw(row, s)
		}
	}
}

// draw puts the mark of a slant.
func (l *lanes) draw(row []cell, s *slant) {
	step := l.step(s)
	at := l.column(s.from, step)
	mark, other := l.p.glyphs.down, l.p.glyphs.up
	if s.from == event.Server {
		mark, other = other, mark
	}
	if l.bend+l.rowNo-s.row > l.stop {
		mark = l.p.glyphs.stuck
		l.p.used |= signQueued
	}
	if row[at].r == other {
		mark = l.p.glyphs.cross
	}
	row[at] = cell{mark, s.st}
}

// launch adds a slant, and drops the oldest when there are too many.
func (l *lanes) launch(s slant) {
	if len(l.flights) >= maxDrawn {
		l.flights = append(l.flights[:0], l.flights[1:]...)
	}
	l.flights = append(l.flights, s)
}

// land takes a slant away and says how far it has come: to the bend if it is not known.
func (l *lanes) land(id int, from event.Host) (step int, st style) {
	for i := range l.flights {
		if s := l.flights[i]; s.id == id && s.from == from {
			l.flights = append(l.flights[:i], l.flights[i+1:]...)
			return l.step(&s), s.st
		}
	}
	return l.bend, plain
}

// line draws a line between two steps from the time line of from.
func (l *lanes) line(row []cell, from event.Host, step0, step1 int, st style) {
	for s := step0; s < step1; s++ {
		row[l.column(from, s)] = cell{l.p.glyphs.line, st}
	}
}
