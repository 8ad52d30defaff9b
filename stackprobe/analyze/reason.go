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
	return repeated(ev)
}

// repeated says what made an end transmit again.
func repeated(ev event.Evidence) (event.Reason, event.How) {
	for _, c := range [...]struct {
		any event.Evidence
		why event.Reason
	}{
		{event.ProbedTail, event.TailProbe},
		{event.Expired | event.Resending | event.SlowStartRetrans | event.SynRetransmitted, event.Timeout},
		{event.FastRetransmitted | event.LostRetransmission | event.Recovering, event.Fast},
		{event.TailLoss, event.TailProbe},
	} {
		if ev&c.any != 0 {
			return c.why, event.Inferred
		}
	}
	return event.Retransmit, event.Computed
}
