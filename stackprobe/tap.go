package stackprobe

import (
	"slices"

	"gnet/stackprobe/event"
)

// tap computes an end's sequence variables from the segments that it sent and received (RFC 9293 section 3.3.1). It
// serves for what a stack does not tell itself: a kernel has no call that shows SND.UNA, SND.NXT and RCV.NXT. Where stacks differ
// it does as the kernel (net/ipv4/tcp_input.c), because the kernel's is the end that it is for, and what it computes is compared
// with what the kernel counts (check).
type tap struct {
	event.Vars
	// passive says that the end's first segment answered a SYN.
	passive bool
	// wl1 is SND.WL1, the number of the segment that told SND.WND last.
	wl1 uint32
	// recent is TS.Recent, valid if hasRecent (RFC 7323 section 4.3).
	recent    uint32
	hasRecent bool
	// acked is the last number that the end acknowledged, up to which it has taken everything (tp->rcv_wup).
	acked uint32
	// full says that the window field had no room for more: the end's own window may be larger.
	full bool
	// ahead are the pieces that arrived beyond RCV.NXT, in order.
	ahead []event.Block
}

// announces takes what a segment says of its sender's receiving side. It counts before the segment leaves.
func (t *tap) announces(s *event.Segment, n *event.Numbers) {
	if s.Flags.Has(event.RST) {
		return
	}
	if s.Flags.Has(event.ACK) {
		t.acked = s.Ack
		if t.Has&event.HasRcvNxt == 0 || after(s.Ack, t.RcvNxt) {
			t.advance(s.Ack)
		}
	}
	if n.HasWindow {
		t.RcvWnd, t.Has = n.Window, t.Has|event.HasRcvWnd
		t.full = s.Win == 1<<16-1
	}
}

// forgets takes that the end remembers nothing of what it has just announced: it has sent a SYN cookie.
func (t *tap) forgets() { t.Has &^= event.HasRcvWnd }

// sends takes a segment that the end has transmitted.
func (t *tap) sends(s *event.Segment) {
	if s.Flags.Has(event.SYN) && (t.Has&event.HasISS == 0 || t.ISS != s.Seq) { // another one after a crafted SYN was answered
		t.ISS, t.Una, t.Nxt = s.Seq, s.Seq, s.Seq
		t.Has |= event.HasISS | event.HasUna | event.HasNxt
		t.passive = s.Flags.Has(event.ACK)
	}
	if end := s.Seq + s.Space(); after(end, t.Nxt) && !s.Flags.Has(event.RST) {
		t.Nxt = end
	}
}

// receives takes a segment that has arrived at the end.
func (t *tap) receives(s *event.Segment, n *event.Numbers) {
	if s.BadSum || s.Flags.Has(event.RST) {
		return
	}
	known := t.Has&event.HasIRS != 0
	switch {
	case known && before(s.Seq+s.Space(), t.acked):
		return // all of it was acknowledged long ago: nothing in it counts (RFC 9293 section 3.10.7.4)
	case s.Opts.Has&event.OptTimestamps != 0 && t.hasRecent && before(s.Opts.TSVal, t.recent):
		return // overtaken by a later one: PAWS (RFC 7323 section 5.3)
	case s.Flags.Has(event.SYN) && known && t.Una != t.ISS:
		return // answered by a challenge (RFC 5961 section 4)
	case s.Flags.Has(event.SYN) && !known:
		t.IRS, t.acked, t.wl1 = s.Seq, s.Seq+1, s.Seq
		t.Has |= event.HasIRS
		t.advance(s.Seq + 1)
	case !known:
		return
	}
	t.acknowledged(s, n)
	if first := s.Seq + s.Space() - uint32(s.Len); s.Len > 0 || s.Flags.Has(event.FIN) {
		if s.Flags.Has(event.FIN) {
			first--
		}
		t.arrived(first, s.Seq+s.Space(), s.Flags.Has(event.FIN))
	}
}

// acknowledged takes acknowledgment and window. A window counts if the segment is newer than the one that told it last, or opens it
// further (tcp_may_update_window).
func (t *tap) acknowledged(s *event.Segment, n *event.Numbers) {
	if s.Flags.Has(event.ACK) && (after(s.Ack, t.Nxt) || before(s.Ack, t.Una)) || !n.HasWindow {
		return
	}
	if s.Opts.Has&event.OptTimestamps != 0 && !after(s.Seq, t.acked) {
		t.recent, t.hasRecent = s.Opts.TSVal, true
	}
	opens := n.Window > t.Wnd || n.Window == 0 || t.Has&event.HasWnd == 0
	if s.Flags.Has(event.ACK) && after(s.Ack, t.Una) || after(s.Seq, t.wl1) || s.Seq == t.wl1 && opens {
		t.Wnd, t.wl1 = n.Window, s.Seq
		t.Has |= event.HasWnd
	}
	if s.Flags.Has(event.ACK) {
		t.Una = s.Ack
	}
}

// arrived takes the numbers first to last. What lies beyond the window that was announced is not taken; a FIN may stand behind its
// edge (tcp_sequence).
func (t *tap) arrived(first, last uint32, fin bool) {
	edge := t.acked + t.RcvWnd
	data := last
	if fin {
		data--
	}
	if t.Has&event.HasRcvWnd != 0 && after(data, edge) || !after(last, t.RcvNxt) {
		return
	}
	if !after(first, t.RcvNxt) {
		t.advance(last)
		return
	}
	i, _ := slices.BinarySearchFunc(t.ahead, first, func(b event.Block, first uint32) int { return int(int32(b.Left - first)) })
	t.ahead = slices.Insert(t.ahead, i, event.Block{Left: first, Right: last})
}

// advance moves RCV.NXT to at least nxt, and on over what has arrived ahead of it.
func (t *tap) advance(nxt uint32) {
	t.RcvNxt, t.Has = nxt, t.Has|event.HasRcvNxt
	for len(t.ahead) > 0 && !after(t.ahead[0].Left, t.RcvNxt) {
		if after(t.ahead[0].Right, t.RcvNxt) {
			t.RcvNxt = t.ahead[0].Right
		}
		t.ahead = t.ahead[1:]
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

// after reports whether a comes after b in sequence space (RFC 9293 section 3.4), before whether it comes before b.
func after(a, b uint32) bool  { return int32(a-b) > 0 }
func before(a, b uint32) bool { return int32(a-b) < 0 }
