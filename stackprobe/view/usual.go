package view

import "gnet/stackprobe/event"

// drawnDups is how many duplicate acknowledgments of one number are drawn: the third makes a sender retransmit (RFC 5681 3.2),
// and those behind it say no more than it.
const drawnDups = 3

// usual tells what goes its usual way from what a reader of the run must see. Usual are segments of new data and acknowledgments,
// their arrivals, and the reads and writes around them.
type usual struct {
	ways    map[endOf]*way
	rules   map[int]bool // rules that have been seen to slow a segment
	running running
	flood   [3]int // the length of a run of crafted SYNs, or of answers to them, by sender
}

// way is what the segments of one end have shown so far.
type way struct {
	state   event.State
	ack     uint32
	repeats int // how often ack was sent again
	closed  bool
}

// is reports whether e goes the usual way. It must be asked about each event once.
func (u *usual) is(e *event.Event) bool {
	w := u.way(e)
	if e.State != event.StateUnknown && e.State != w.state {
		was := w.state
		w.state = e.State
		if e.Kind != event.KindVars && !(e.Kind == event.KindRx && was == event.StateUnknown && e.State == event.Listening) {
			return false
		}
	}
	switch e.Kind {
	case event.KindTx:
		return u.departure(e, w)
	case event.KindRx:
		d := &e.Derived
		return !e.Seg.BadSum && !d.Copy && !d.Stale && (d.DupAck == 0 || d.DupAck > drawnDups) && !d.Spurious
	case event.KindApp:
		return e.App.Call == event.Write || e.App.Call == event.Receive
	case event.KindFault:
		return u.slows(&e.Fault)
	case event.KindState, event.KindVars:
		return true // a state that was there
	case event.KindTimer:
		return !u.running.news(e)
	}
	return false
}

// departure is is for a segment that leaves.
func (u *usual) departure(e *event.Event, w *way) bool {
	s, d := &e.Seg, &e.Derived
	if u.floods(e) {
		return true
	}
	if s.Flags&(event.SYN|event.FIN|event.RST) != 0 || !s.Flags.Has(event.ACK) || s.Origin != event.FromStack || s.BadSum || d.Repeat {
		return false
	}
	again := s.Space() == 0 && s.Ack == w.ack
	switch {
	case again:
		w.repeats++
	case s.Ack != w.ack:
		w.ack, w.repeats = s.Ack, 0
	}
	was := w.closed
	w.closed = d.HasWindow && d.Window == 0
	switch {
	case d.Why != event.New && d.Why != event.Ack, was != w.closed:
		return false
	case again && s.Opts.NSack > 0:
		return w.repeats > drawnDups
	}
	return true
}

// floods reports whether a departure is one of many crafted SYNs in a row, or of the answers to many: the first drawnDups are no
// flood yet.
func (u *usual) floods(e *event.Event) bool {
	s := &e.Seg
	crafted := s.Flags&(event.SYN|event.ACK) == event.SYN && s.Origin == event.Injected
	answer := s.Flags.Has(event.SYN|event.ACK) && u.flood[e.Host.Peer()] > drawnDups
	if n := &u.flood[e.Host%3]; crafted || answer {
		*n++
		return *n > drawnDups && !e.Derived.Repeat && !s.BadSum
	}
	if s.Flags&event.SYN == 0 || s.Origin == event.FromStack && !s.Flags.Has(event.ACK) {
		u.flood[e.Host%3] = 0
	}
	return false
}

// slows reports whether f does no more than to slow a segment by a rule that has done so before.
func (u *usual) slows(f *event.Fault) bool {
	if f.Wait <= 0 {
		return false
	}
	known := u.rules[f.Number]
	if u.rules == nil {
		u.rules = make(map[int]bool)
	}
	if len(u.rules) < maxWaiting { // a damaged run must not grow us
		u.rules[f.Number] = true
	}
	return known
}

// way gives that of e's end.
func (u *usual) way(e *event.Event) *way {
	at := endOfEvent(e)
	w := u.ways[at]
	if w == nil {
		if u.ways == nil || len(u.ways) >= maxEnds {
			u.ways = make(map[endOf]*way)
		}
		w = &way{}
		u.ways[at] = w
	}
	return w
}
