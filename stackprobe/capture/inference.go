package capture

import "gnet/stackprobe/event"

// Inference follows the state of an end of which only the segments are seen. The zero value knows nothing yet.
type Inference struct{ i inferred }

// Sent takes a segment that the end has sent and returns the state in which it was then; StateUnknown if that does not show.
func (n *Inference) Sent(s *event.Segment) event.State {
	n.i.state = n.i.after(s)
	return n.i.state
}

// Got takes a segment that has arrived at the end and returns the state that follows.
func (n *Inference) Got(s *event.Segment) event.State {
	if !s.BadSum {
		n.i.state = n.i.on(s)
	}
	return n.i.state
}
