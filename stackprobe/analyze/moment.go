package analyze

import (
	"maps"
	"slices"

	"gnet/stackprobe/event"
)

// Moment is all that is known of a run at one of its moments: behind the last event that was added. The zero value is that before the
// run. Memory is bounded, as that of Knows and Spaces is.
type Moment struct {
	Knows  Knows
	Spaces Spaces
	ends   map[dirKey]*Standing
}

// Standing is how one end of a connection stands: what its stack has shown last.
type Standing struct {
	State    event.State
	StateHow event.How
	// Vars are the variables that were shown last, VarsT the moment that they are of.
	Vars  event.Vars
	VarsT int64
	// ISS is the initial number of what the end sends; HasISS is false while no segment has told it.
	ISS    uint32
	HasISS bool
	// Timers are those that run, by kind; one that does not has At 0. Fired is when each expired last, 0 for never.
	Timers [event.TimerUser + 1]event.Timer
	Fired  [event.TimerUser + 1]int64
}

// Add takes the next event, with what Tracker.Add has derived for it. It keeps no reference to e.
func (m *Moment) Add(e *event.Event) {
	m.Knows.Add(e)
	m.Spaces.Add(e)
	if e.Conn < 1 || e.Host != event.Client && e.Host != event.Server {
		return
	}
	s := m.standing(dirKey{e.Conn, e.Host})
	if s == nil {
		return
	}
	if e.State != event.StateUnknown {
		s.State, s.StateHow = e.State, e.StateHow
	}
	if e.Vars.Has != 0 {
		s.Vars, s.VarsT = e.Vars, e.T
		if e.Vars.At != 0 {
			s.VarsT = e.Vars.At
		}
	}
	switch {
	case e.Kind == event.KindTx && e.Seg.Origin != event.Injected && e.Derived.HasRelSeq:
		s.ISS, s.HasISS = e.Seg.Seq-uint32(e.Derived.RelSeq), true
	case e.Kind == event.KindTimer && int(e.Timer.Kind) < len(s.Timers):
		s.timer(e)
	}
}

// timer takes what happened to a timer.
func (s *Standing) timer(e *event.Event) {
	k := e.Timer.Kind
	s.Timers[k] = event.Timer{}
	switch e.Timer.Op {
	case event.Armed:
		s.Timers[k] = e.Timer
	case event.Fired:
		s.Fired[k] = e.T
	}
}

// standing returns that of an end, nil where there is no room for another.
func (m *Moment) standing(k dirKey) *Standing {
	s := m.ends[k]
	if s == nil && len(m.ends) < maxSpaces {
		if m.ends == nil {
			m.ends = make(map[dirKey]*Standing)
		}
		s = &Standing{}
		m.ends[k] = s
	}
	return s
}

// Standing returns how an end of a connection stands, nil if nothing was seen of it. It is the one that Add changes.
func (m *Moment) Standing(conn int, host event.Host) *Standing { return m.ends[dirKey{conn, host}] }

// Clone returns a copy that shares nothing with m.
func (m *Moment) Clone() *Moment {
	c := &Moment{Knows: m.Knows.clone(), Spaces: m.Spaces.clone(), ends: make(map[dirKey]*Standing, len(m.ends))}
	for k, s := range m.ends {
		own := *s
		c.ends[k] = &own
	}
	return c
}

// clone returns a copy that shares nothing with k.
func (k *Knows) clone() Knows {
	c := Knows{pairs: make(map[sockets]*pair, len(k.pairs)), byConn: make(map[int]*pair, len(k.byConn)), order: make([]*pair, len(k.order))}
	copies := make(map[*pair]*pair, len(k.order))
	for i, p := range k.order {
		own := &pair{sockets: p.sockets, conns: slices.Clone(p.conns), ends: p.ends}
		for h := range own.ends {
			own.ends[h].got = slices.Clone(own.ends[h].got)
		}
		c.order[i], copies[p] = own, own
		c.pairs[p.sockets] = own
	}
	for conn, p := range k.byConn {
		c.byConn[conn] = copies[p]
	}
	return c
}

// clone returns a copy that shares nothing with s.
func (s *Spaces) clone() Spaces {
	c := *s
	c.of = maps.Clone(s.of)
	for k, q := range c.of {
		own := *q
		own.Sacked, own.Held = slices.Clone(q.Sacked), slices.Clone(q.Held)
		own.reckoned.sacked, own.reckoned.held = slices.Clone(q.reckoned.sacked), slices.Clone(q.reckoned.held)
		own.reckoned.sackedOut, own.reckoned.heldOut = nil, nil
		own.sender.lost = slices.Clone(q.sender.lost)
		c.of[k] = &own
	}
	return c
}
