package analyze

import "gnet/stackprobe/event"

// reason says why the segment of e was transmitted, d being what its sender has sent before. That its sequence numbers are
// new, or that it has none, follows from the link; what made an end repeat itself follows from the evidence.
func reason(e *event.Event, d *direction) (event.Reason, event.How) {
	s, n, ev := &e.Seg, &e.Derived.Numbers, e.Evidence
	below := n.HasRelSeq && n.RelSeq == d.sent-1 && s.Len <= 1 && s.Flags&(event.SYN|event.FIN) == 0
	switch {
	case s.Flags.Has(event.RST):
		return event.Reset, event.Computed
	case below && ev&event.SentKeepalive != 0:
		return event.Keepalive, event.Inferred
	case s.Len <= 1 && (ev&event.SentWindowProbe != 0 || ev&event.Probing != 0 && n.Attempt > 1 && s.Len == 1):
		return event.WindowProbe, event.Inferred
	case s.Space() == 0 && below && d.hasAcked && d.acked == d.sent:
		return event.Keepalive, event.Inferred // nothing else stands one below SND.NXT while nothing is outstanding
	case s.Space() == 0 && ev&event.Challenged != 0:
		return event.ChallengeAck, event.Inferred
	case s.Space() == 0 && ev&event.DelayedAck != 0:
		return event.LateAck, event.Inferred
	case s.Space() == 0:
		return event.Ack, event.Computed
	case n.Attempt <= 1:
		return event.New, event.Computed
	}
	return repeated(ev, d.shorter(e))
}

// repeated says what made an end transmit again; shorter, that a router has told it that what it repeats was too long. Both
// stacks begin such a repetition as they do after a timeout, without one.
func repeated(ev event.Evidence, shorter bool) (event.Reason, event.How) {
	const quick = event.FastRetransmitted | event.LostRetransmission | event.Recovering
	switch {
	case ev&event.ProbedTail != 0:
		return event.TailProbe, event.Inferred
	case ev&(event.Expired|event.SynRetransmitted) != 0:
		return event.Timeout, event.Inferred
	case shorter && ev&quick == 0:
		return event.PathMTU, event.Inferred
	case ev&(event.Resending|event.SlowStartRetrans) != 0:
		return event.Timeout, event.Inferred
	case ev&quick != 0:
		return event.Fast, event.Inferred
	case ev&event.TailLoss != 0:
		return event.TailProbe, event.Inferred
	}
	return event.Retransmit, event.Computed
}

// toldTooLong notes a router's message that a segment of these octets was longer than the path takes. It speaks for all
// that was outstanding: a sender does not wait for one message about each segment.
func (d *direction) toldTooLong(e *event.Event) {
	if e.ICMP.MTU > 0 && e.ICMP.MTU < e.Seg.Size {
		d.tooLong = d.sent
	}
}

// shorter reports whether the segment of e repeats what was outstanding when a router said that it was too long, and no
// timer has expired since.
func (d *direction) shorter(e *event.Event) bool {
	if e.Evidence&event.Expired != 0 {
		d.tooLong = 0
	}
	return e.Derived.HasRelSeq && d.tooLong > 0 && e.Derived.RelSeq < d.tooLong
}
