package analyze

import "gnet/stackprobe/event"

// Summary holds the sums of a run as its events give them.
type Summary struct {
	Client, Server Totals
	// T is the time of the last event in nanoseconds.
	T int64
	// InFlight counts the segments that have left and of which nothing more was heard.
	InFlight int
	// Part says that the events are of some connections alone.
	Part bool
	// End is what the run itself says at its end, nil if it broke off.
	End *event.End
}

// Totals are the sums of one end. All but Received count what it transmitted itself.
type Totals struct {
	State event.State // the last that was seen
	// Segments counts transmissions; Repeats those of them that took sequence numbers again, by reason in Why; Lost
	// those that the link took; Copies arrivals at the other end of a transmission that had arrived before.
	Segments, Repeats, Lost, Copies int
	// Spurious counts the repetitions of what had arrived already.
	Spurious int
	Why      [event.PathMTU + 1]int
	// Payload counts octets of data in all transmissions, repetitions included.
	Payload int64
	// Written and Received count what the application handed over and got.
	Written, Received int64
	// Scripted says that the end follows a script: it has no application that writes and reads.
	Scripted bool
}

// Of gives the sums of one end.
func (s *Summary) Of(h event.Host) *Totals {
	if h == event.Server {
		return &s.Server
	}
	return &s.Client
}

// Add takes the next event, with what Tracker.Add has derived for it.
func (s *Summary) Add(e *event.Event) {
	r := &e.Derived
	s.T = max(s.T, e.T)
	if e.Kind == event.KindEnd && e.End != nil {
		s.End = e.End
	}
	if e.Kind == event.KindRun && e.Run != nil {
		s.Part = e.Run.Conns != ""
	}
	if e.Host != event.Client && e.Host != event.Server {
		return
	}
	own := s.Of(e.Host)
	if e.State != event.StateUnknown {
		own.State = e.State
	}
	switch e.Kind {
	case event.KindTx:
		s.InFlight++
		own.Scripted = own.Scripted || e.Seg.Origin == event.Scripted
		if e.Seg.Origin != event.Injected {
			own.transmit(e)
		}
	case event.KindFault:
		if e.Fault.Action == event.Dup && r.SentN != 0 {
			s.InFlight++
		}
	case event.KindLost:
		own.Lost++
		s.landed(r)
	case event.KindRx:
		s.landed(r)
		if r.Copy {
			s.Of(e.Host.Peer()).Copies++
		}
	case event.KindApp:
		own.call(&e.App)
	}
}

// landed counts a segment that is no longer on its way.
func (s *Summary) landed(r *event.Derived) {
	if r.SentN != 0 {
		s.InFlight--
	}
}

// transmit counts one transmission.
func (t *Totals) transmit(e *event.Event) {
	t.Segments++
	t.Payload += int64(e.Seg.Len)
	if !e.Derived.Repeat {
		return
	}
	t.Repeats++
	if e.Derived.Spurious {
		t.Spurious++
	}
	switch why := e.Derived.Why; why {
	case event.Timeout, event.Fast, event.TailProbe, event.WindowProbe, event.Keepalive, event.Reset, event.PathMTU:
		t.Why[why]++
	default:
		t.Why[event.Retransmit]++ // what is repeated is not new, whatever the event says
	}
}

// call counts what the application moved.
func (t *Totals) call(a *event.App) {
	switch a.Call {
	case event.Write:
		t.Written += int64(a.Bytes)
	case event.Receive:
		t.Received += int64(a.Bytes)
	}
}

// Difference names the first sum in which the run's own account and that of its events are not the same, "" if there
// is none or the run gave no account, or none of these connections alone. An observer that lost an event shows here.
func (s *Summary) Difference() string {
	if s.End == nil || s.Part {
		return ""
	}
	for _, h := range [...]event.Host{event.Client, event.Server} {
		theirs, ours := &s.End.Client, s.Of(h)
		if h == event.Server {
			theirs = &s.End.Server
		}
		switch {
		case theirs.Segments != ours.Segments:
			return h.String() + " segments"
		case theirs.Retransmitted != ours.Repeats:
			return h.String() + " retransmissions"
		case theirs.Lost != ours.Lost:
			return h.String() + " lost segments"
		case theirs.Written != ours.Written:
			return h.String() + " bytes written"
		case theirs.Received != ours.Received:
			return h.String() + " bytes received"
		}
	}
	return ""
}
