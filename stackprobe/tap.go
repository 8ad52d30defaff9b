package stackprobe

import "gnet/stackprobe/event"

// tap computes an end's sequence variables from the segments that it sent and received (RFC 9293 section 3.3.1). It
// serves for what a stack does not tell itself: a kernel has no call that shows SND.UNA, SND.NXT and RCV.NXT.
type tap struct{ event.Vars }

// announces takes what a segment says of its sender's receiving side. It counts before the segment leaves.
func (t *tap) announces(s *event.Segment, n *event.Numbers) {
	if s.Flags.Has(event.RST) {
		return
	}
	if s.Flags.Has(event.ACK) {
		t.RcvNxt, t.Has = s.Ack, t.Has|event.HasRcvNxt
	}
	if n.HasWindow {
		t.RcvWnd, t.Has = n.Window, t.Has|event.HasRcvWnd
	}
}

// sends takes a segment that the end has transmitted.
func (t *tap) sends(s *event.Segment) {
	if s.Flags.Has(event.SYN) {
		t.ISS, t.Una, t.Nxt = s.Seq, s.Seq, s.Seq
		t.Has |= event.HasISS | event.HasUna | event.HasNxt
	}
	if end := s.Seq + s.Space(); after(end, t.Nxt) && !s.Flags.Has(event.RST) {
		t.Nxt = end
	}
}

// receives takes a segment that has arrived at the end.
func (t *tap) receives(s *event.Segment, n *event.Numbers) {
	if s.Flags.Has(event.SYN) {
		t.IRS, t.Has = s.Seq, t.Has|event.HasIRS
	}
	if s.Flags.Has(event.RST) || !s.Flags.Has(event.ACK) {
		return
	}
	if after(s.Ack, t.Una) && !after(s.Ack, t.Nxt) {
		t.Una = s.Ack
	}
	if n.HasWindow {
		t.Wnd, t.Has = n.Window, t.Has|event.HasWnd
	}
}

// complete adds to v what its stack has not told, marked as computed.
func (t *tap) complete(v *event.Vars) {
	add := t.Has &^ v.Has
	for _, f := range [...]struct {
		bit  event.VarSet
		to   *uint32
		from uint32
	}{{event.HasISS, &v.ISS, t.ISS}, {event.HasIRS, &v.IRS, t.IRS}, {event.HasUna, &v.Una, t.Una}, {event.HasNxt, &v.Nxt, t.Nxt},
		{event.HasWnd, &v.Wnd, t.Wnd}, {event.HasRcvNxt, &v.RcvNxt, t.RcvNxt}, {event.HasRcvWnd, &v.RcvWnd, t.RcvWnd}} {
		if add&f.bit != 0 {
			*f.to = f.from
		}
	}
	v.Has |= add
	v.Computed |= add
}

// after reports whether a comes after b in sequence space (RFC 9293 section 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }
