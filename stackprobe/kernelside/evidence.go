package kernelside

import (
	"slices"
	"time"

	"gnet/stackprobe/event"
)

// The values of tcpi_ca_state that speak for a reason (enum tcp_ca_state).
const (
	caRecovery = 3
	caLoss     = 4
)

// Which evidence can belong to which segment, where several leave at once.
const (
	ofRepeated = event.Expired | event.ProbedTail | event.FastRetransmitted | event.SlowStartRetrans | event.LostRetransmission |
		event.SynRetransmitted
	ofEmpty = event.SentKeepalive | event.SentWindowProbe | event.Challenged | event.DelayedAck | event.SentDSACK
)

// movement returns what the namespace's counters say of the batch, 0 without looking if nothing in it asks for a reason: data that
// were not sent before, and plain acknowledgements in answer to what has arrived. own says that no call of ours has made the kernel
// transmit, so that one of its timers has.
//
// The kernel counts when the segment is on the link already (net/ipv4/tcp_output.c, tcp_send_loss_probe), and a processor that the
// hypervisor takes away in between counts milliseconds later: what is repeated without a reason is asked about again.
func (h *Host) movement(own bool) (moved event.Evidence) {
	asks := false
	for i := range h.batch {
		t := &h.batch[i]
		if c := t.conn; c != nil {
			asks = asks || own || c.odd || c.repeats(&t.seg) || t.seg.sack && t.seg.space == 0 || t.seg.flags.Has(event.SYN|event.ACK)
		}
	}
	if !asks {
		return 0
	}
	moved = h.stats.moved()
	for patience := 8; h.unexplained(moved) && patience > 0; patience-- {
		time.Sleep(lateCount)
		moved |= h.stats.moved()
	}
	return moved
}

// unexplained reports whether the batch repeats something for which nothing that has moved can be the reason.
func (h *Host) unexplained(moved event.Evidence) bool {
	return slices.ContainsFunc(h.batch, func(t transmission) bool {
		return t.conn != nil && t.conn.repeats(&t.seg) && moved&reasons(t.seg.flags) == 0
	})
}

// reasons returns what is counted when a segment with these flags is repeated, whatever the state. An expiry is no reason for a SYN,ACK
// here: it is counted before, the repetition afterwards (net/ipv4/inet_connection_sock.c, reqsk_timer_handler).
func reasons(f event.Flags) event.Evidence {
	switch {
	case f.Has(event.SYN | event.ACK):
		return event.SynRetransmitted
	case f.Has(event.SYN):
		return event.SynRetransmitted | event.Expired
	}
	return ofRepeated &^ event.SynRetransmitted
}

// belongs returns what of moved can be about s. TCPTimeouts counts the expiries of all timers (net/ipv4/tcp_timer.c, tcp_syn_ack_timeout and
// tcp_retransmit_timer), and a SYN,ACK is repeated for a SYN as well: the expiry is its own if a timer must have sent it, or if there is
// nothing else that one can have sent. inTimer alone does not say it, as a SYN may be answered after the call that delivered it.
func (h *Host) belongs(s *segment, inTimer bool, moved event.Evidence) event.Evidence {
	if s.flags.Has(event.SYN|event.ACK) && !inTimer && slices.ContainsFunc(h.batch, func(t transmission) bool {
		return t.conn != nil && t.conn.repeats(&t.seg) && !t.seg.flags.Has(event.SYN|event.ACK)
	}) {
		return moved &^ event.Expired
	}
	return moved
}

// lateCount is how long to wait before the counters are read again.
const lateCount = 500 * time.Microsecond

// evidence says what speaks for a reason of the segment that is about to leave: of what has moved, that which can belong to it, and
// the state of the sender's recovery.
func (c *connection) evidence(s *segment, inTimer bool, moved event.Evidence) event.Evidence {
	ev := event.Evidence(0)
	if inTimer {
		ev |= event.InTimer
	}
	switch {
	case c.repeats(s):
		state := c.info.CAState
		if c.known.resent {
			state = c.known.resentIn // what it was in that moment
		}
		ev |= moved & ofRepeated &^ impossible(s.flags, state)
		switch {
		case c.info.State == tcpSynRecv || s.flags.Has(event.SYN|event.ACK):
		case state == caLoss:
			ev |= event.Resending
		case state == caRecovery:
			ev |= event.Recovering
		}
	case s.space == 0:
		ev |= moved & ofEmpty
		if moved&event.SentWindowProbe != 0 {
			ev |= event.Probing
		}
	case s.flags.Has(event.SYN | event.ACK):
		ev |= moved & event.SentCookie
	case inTimer:
		ev |= moved & event.ProbedTail // a probe may carry new data (RFC 8985 section 7.3)
	}
	return ev
}

// impossible returns the evidence that cannot be about a repeated segment with these flags, of a sender in that state of recovery:
// the counters are those of all connections. A timeout leads to Loss and a fast retransmission to Recovery, and a tail is probed in
// neither (net/ipv4/tcp_output.c, tcp_schedule_loss_probe).
func impossible(f event.Flags, state uint8) event.Evidence {
	const probe, quick, slow = event.ProbedTail, event.FastRetransmitted | event.LostRetransmission, event.Expired | event.SlowStartRetrans
	switch {
	case f.Has(event.SYN):
		return probe | quick | event.SlowStartRetrans
	case state == caLoss:
		return probe | quick | event.SynRetransmitted
	case state == caRecovery:
		return probe | slow | event.SynRetransmitted
	}
	return quick | slow | event.SynRetransmitted
}
