package capture

import "gnet/stackprobe/event"

// inferred is the state of one end as its segments show it (RFC 9293 section 3.3.2), and where its FIN ends.
type inferred struct {
	state   event.State
	fin     uint32
	hasSent bool // a FIN
}

// side returns what is known of an end of a connection, nil beyond the bound.
func (v *Replay) side(conn int, h event.Host) *inferred {
	both := v.states[conn]
	if both == nil {
		if len(v.states) >= maxPairs {
			return nil
		}
		both = &[3]inferred{}
		v.states[conn] = both
	}
	return &both[h]
}

// departs yields the departure of s, and before it the state that its sender is in then.
func (v *Replay) departs(s *event.Segment, t int64, h event.Host, conn int) error {
	i := v.side(conn, h)
	if err := v.changes(i, i.after(s), t, h, conn); err != nil {
		return err
	}
	v.e = event.Event{Seg: *s}
	v.e.State, v.e.StateHow = i.known()
	return v.put(t, event.KindTx, h, conn)
}

// arrives yields the arrival of s, and behind it the state that this brings its receiver to.
func (v *Replay) arrives(s *event.Segment, t int64, h event.Host, conn int) error {
	i := v.side(conn, h)
	v.e = event.Event{Seg: *s}
	v.e.State, v.e.StateHow = i.known()
	if err := v.put(t, event.KindRx, h, conn); err != nil || s.BadSum || s.Origin == event.Injected {
		return err
	}
	return v.changes(i, i.on(s), t, h, conn)
}

// changes yields a new state.
func (v *Replay) changes(i *inferred, to event.State, t int64, h event.Host, conn int) error {
	if i == nil || to == i.state {
		return nil
	}
	v.e = event.Event{From: i.state, State: to, StateHow: event.Inferred}
	i.state = to
	return v.put(t, event.KindState, h, conn)
}

func (i *inferred) known() (event.State, event.How) {
	if i == nil || i.state == event.StateUnknown {
		return event.StateUnknown, 0
	}
	return i.state, event.Inferred
}

// after is the state of an end that sends s.
func (i *inferred) after(s *event.Segment) event.State {
	if i == nil {
		return event.StateUnknown
	}
	f := s.Flags
	switch {
	case f.Has(event.RST):
		return event.ClosedReset
	case f.Has(event.FIN):
		i.fin, i.hasSent = s.Seq+s.Space(), true
		switch i.state {
		case event.StateUnknown, event.SynReceived, event.StateEstablished:
			return event.FinWait1
		case event.CloseWait:
			return event.LastAck
		}
	case f.Has(event.SYN | event.ACK):
		if i.state != event.StateEstablished {
			return event.SynReceived
		}
	case f.Has(event.SYN):
		return event.SynSent
	case i.state == event.StateUnknown || i.state == event.SynSent:
		return event.StateEstablished
	}
	return i.state
}

// on is the state of an end at which s has arrived.
func (i *inferred) on(s *event.Segment) event.State {
	if i == nil {
		return event.StateUnknown
	}
	f, state := s.Flags, i.state
	if f.Has(event.RST) {
		return event.ClosedReset
	}
	if f.Has(event.SYN) {
		if f.Has(event.ACK) && state == event.SynSent {
			return event.StateEstablished
		}
		return state
	}
	if f.Has(event.ACK) {
		state = i.acked(state, s.Ack)
	}
	if f.Has(event.FIN) {
		switch state {
		case event.StateUnknown, event.SynReceived, event.StateEstablished:
			return event.CloseWait
		case event.FinWait1:
			return event.Closing
		case event.FinWait2:
			return event.TimeWait
		}
	}
	return state
}

// acked is the state after an acknowledgment.
func (i *inferred) acked(state event.State, ack uint32) event.State {
	if state == event.SynReceived {
		state = event.StateEstablished
	}
	if !i.hasSent || ack != i.fin {
		return state
	}
	switch state {
	case event.FinWait1:
		return event.FinWait2
	case event.Closing:
		return event.TimeWait
	case event.LastAck:
		return event.Closed
	}
	return state
}
