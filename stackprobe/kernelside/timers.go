package kernelside

import (
	"time"

	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// timer is what was last seen of a connection's timer.
type timer struct {
	kind   event.TimerKind // 0: none runs
	at     time.Duration
	polled time.Duration // when it was last asked for
	due    bool          // it has to be asked again
	wake   bool          // a moment for that is scheduled
}

// pollEvery bounds how often the timer of one connection is asked for, and grain is by how much an expiry must differ to be another
// one: it is told in ticks of the kernel's clock (4 ms on this and many machines), and cut twice on its way.
const (
	pollEvery = time.Millisecond
	grain     = 10 * time.Millisecond
)

// The values of idiag_timer (net/ipv4/inet_diag.c, inet_sk_diag_fill).
const (
	diagRetransmit = 1
	diagSleep      = 2 // keepalive, or the wait of FIN-WAIT-2
	diagTimeWait   = 3
	diagPersist    = 4
)

// Timers yields what has happened to the kernel's timers since the last call, as far as inet_diag shows it: of each connection the
// one that comes first in its list (retransmission, persist, keepalive), polled when the connection may have changed, at most once a
// millisecond. A timer that was armed and stopped between two looks is not seen, nor is that of delayed acknowledgements.
func (h *Host) Timers(yield func(event.Tuple, event.Timer)) {
	for _, c := range h.order {
		if !c.timer.due {
			continue
		}
		now := h.clock.Now()
		if wait := c.timer.polled + pollEvery - now; c.timer.polled > 0 && wait > 0 {
			h.askAgain(c, wait)
			continue
		}
		c.timer.due, c.timer.polled = false, now
		kind, expires, how := h.timerOf(c)
		if kind == 0 && c.timer.kind == event.TimerSynAck {
			h.sample(c) // it has been accepted or given up since the last sample
			c.dirty = true
		}
		c.timed(now, kind, now+expires, how, func(t event.Timer) { yield(c.tuple, t) })
		if kind != 0 && h.silent(c) {
			h.askAgain(c, expires+pollEvery)
		}
	}
}

// silent reports whether c changes its state without a packet and without a descriptor that would tell when its timer expires.
func (h *Host) silent(c *connection) bool {
	return c.fd < 0 && (c.timer.kind == event.TimerTimeWait || c.timer.kind == event.TimerFinWait2 || c.timer.kind == event.TimerSynAck)
}

// askAgain has c looked at after a while.
func (h *Host) askAgain(c *connection, wait time.Duration) {
	if c.timer.wake {
		return
	}
	c.timer.wake = true
	h.clock.After(wait, func() { c.timer.wake, c.timer.due, c.dirty = false, true, !c.gone })
}

// timerOf asks the kernel which timer of c runs, and for how long.
func (h *Host) timerOf(c *connection) (kind event.TimerKind, expires time.Duration, how event.How) {
	if c.gone || h.diag.Find(c.tuple.Local, c.tuple.Remote, 0, &h.row) != nil || !sameSocket(h.row.Remote, c.tuple.Remote) {
		return 0, 0, 0
	}
	expires = time.Duration(h.row.Expires) * time.Millisecond
	switch state := stateOf(h.row.State); h.row.Timer {
	case diagRetransmit:
		switch state {
		case event.SynSent:
			return event.TimerSyn, expires, event.Read
		case event.SynReceived:
			return event.TimerSynAck, expires, event.Read
		}
		return retransmission(&c.info, expires), expires, event.Inferred
	case diagSleep:
		if state == event.FinWait2 {
			return event.TimerFinWait2, expires, event.Read
		}
		return event.TimerKeepalive, expires, event.Read
	case diagTimeWait:
		if state == event.FinWait2 {
			return event.TimerFinWait2, expires, event.Read
		}
		return event.TimerTimeWait, expires, event.Read
	case diagPersist:
		return event.TimerPersist, expires, event.Read
	}
	return 0, 0, 0
}

// retransmission tells which of the three that inet_diag shows as one: the tail loss probe runs only outside of loss recovery on a
// connection with SACK, and before the timeout (net/ipv4/tcp_output.c, tcp_schedule_loss_probe); the reordering window, of a
// quarter of a round trip, only when something was reported missing.
func retransmission(i *sockdiag.TCPInfo, expires time.Duration) event.TimerKind {
	const optionSACK = 2 // TCPI_OPT_SACK
	before := expires+grain < i.RTO<<min(i.Backoff, 16)
	switch {
	case i.Options&optionSACK == 0 || !before:
		return event.RTO
	case i.CAState == 0 || i.CAState == 2: // Open, CWR
		return event.TimerTLP
	case i.Sacked > 0 && i.CAState != caLoss && expires <= i.RTT/2+grain:
		return event.TimerReorder
	}
	return event.RTO
}

// timed compares what runs now with what ran before, and yields what has happened between. That a timer of retransmission has
// fired is told by what it sends, but the last of a SYN,ACK sends nothing: the kernel forgets the connection then. A timer that is due
// has no time left until the kernel comes to it, which takes the longer the longer it ran (kernel/time/timer.c).
func (c *connection) timed(now time.Duration, kind event.TimerKind, at time.Duration, how event.How, yield func(event.Timer)) {
	old := c.timer
	c.timer.kind, c.timer.at = kind, at
	same := kind == old.kind && ((at-old.at).Abs() <= grain || old.at <= at && at <= now)
	if same {
		c.timer.at = old.at
		return
	}
	if old.kind != 0 && old.kind != kind {
		switch expired := now >= old.at-grain; {
		case !expired:
			yield(event.Timer{Kind: old.kind, Op: event.Stopped, How: event.Inferred})
		case old.kind != event.RTO && old.kind != event.TimerSyn && (old.kind != event.TimerSynAck || c.gone && !c.rst):
			yield(event.Timer{Kind: old.kind, Op: event.Fired, At: int64(old.at), How: event.Inferred})
		}
	}
	if kind != 0 {
		yield(event.Timer{Kind: kind, Op: event.Armed, At: int64(at), How: how})
	}
}
