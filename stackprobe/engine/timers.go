package engine

import (
	"time"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/event"
)

// The timers of a connection. Netstack's user timeout is no timer but a limit that the expiries of others look at; it has
// no delayed acknowledgement.
const (
	slotHandshake = iota
	slotResend
	slotProbe
	slotReorder
	slotKeepalive
	slotFinWait2
	slotTimeWait
	numSlots
)

// slot is a timer as it stands: what it is for and when it expires, kind 0 if it is not armed.
type slot struct {
	kind event.TimerKind
	at   int64
}

// timerEvent is what happened to a timer of a connection.
type timerEvent struct {
	tuple event.Tuple
	timer event.Timer
}

// slots reads the timers of a connection whose lock the caller holds. Netstack lets the clock's timers run on when it
// stops its own or moves them back; what counts is its own mark and target.
func (l *layout) slots(ep *tcp.Endpoint) (s [numSlots]slot) {
	e := unsafe.Pointer(ep)
	if h := *l.handshake.in(e); h != nil && *l.handTimer.in(h) != nil {
		kind := event.TimerSynAck
		if *l.active.in(h) {
			kind = event.TimerSyn
		}
		s[slotHandshake] = running(*l.handClock.in(*l.handTimer.in(h)), kind)
	}
	if snd := *l.snd.in(e); snd != nil {
		kind := event.RTO
		if *l.probing.in(snd) {
			kind = event.TimerPersist // netstack uses one timer for both
		}
		s[slotResend] = l.lazy(l.resend.in(snd), kind)
		s[slotProbe] = l.lazy(l.probe.in(snd), event.TimerTLP)
		s[slotReorder] = l.lazy(l.reorder.in(snd), event.TimerReorder)
	}
	s[slotKeepalive] = l.lazy(l.keepalive.in(e), event.TimerKeepalive)
	s[slotFinWait2] = running(*l.finWait2.in(e), event.TimerFinWait2)
	s[slotTimeWait] = running(*l.timeWait.in(e), event.TimerTimeWait)
	return s
}

// lazy reads one of netstack's own timers.
func (l *layout) lazy(t unsafe.Pointer, kind event.TimerKind) slot {
	if *l.lazyState.in(t) != enabled {
		return slot{}
	}
	return slot{kind, int64(sinceStart(*l.lazyTarget.in(t)))}
}

// running reads a timer that is the clock's itself.
func running(t tcpip.Timer, kind event.TimerKind) slot {
	if t, ok := t.(*timer); ok {
		if at, pending := t.Due(); pending {
			return slot{kind, int64(at)}
		}
	}
	return slot{}
}

// owns reports of which slot of the connection t is the clock's timer; the connection's lock is held.
func (l *layout) owns(ep *tcp.Endpoint, t *timer) (int, bool) {
	e := unsafe.Pointer(ep)
	is := func(other tcpip.Timer) bool { o, ok := other.(*timer); return ok && o == t }
	if h := *l.handshake.in(e); h != nil && *l.handTimer.in(h) != nil && is(*l.handClock.in(*l.handTimer.in(h))) {
		return slotHandshake, true
	}
	if snd := *l.snd.in(e); snd != nil {
		for i, at := range [...]lazyTimer{l.resend, l.probe, l.reorder} {
			if is(*l.lazyClock.in(at.in(snd))) {
				return slotResend + i, true
			}
		}
	}
	switch {
	case is(*l.lazyClock.in(l.keepalive.in(e))):
		return slotKeepalive, true
	case is(*l.finWait2.in(e)):
		return slotFinWait2, true
	case is(*l.timeWait.in(e)):
		return slotTimeWait, true
	}
	return 0, false
}

// compare logs what has happened to the timers of c since it was looked at; t.mu is held.
func (t *table) compare(c *connection, now [numSlots]slot) {
	if now == c.slots {
		return
	}
	for i, s := range now {
		before := c.slots[i]
		if before.kind != 0 && s.kind != before.kind {
			t.note(c, event.Stopped, before)
		}
		if s.kind != 0 && s != before {
			t.note(c, event.Armed, s)
		}
	}
	c.slots = now
}

func (t *table) note(c *connection, op event.TimerOp, s slot) {
	if t.wanted {
		t.log = append(t.log, timerEvent{c.tuple, event.Timer{Kind: s.kind, Op: op, At: s.at, How: event.Read}})
	}
}

// Timers yields what has happened to the timers of the stack's connections since the call before, in order: armed, also
// again for another moment, stopped, fired. A timer that was armed and stopped between two calls is not seen. The first
// call starts the watch.
func (s *Stack) Timers(yield func(event.Tuple, event.Timer)) {
	t := s.nic.table
	t.mu.Lock()
	if !t.wanted {
		t.wanted = true
		t.touchAll()
		for _, c := range t.conns {
			c.slots = [numSlots]slot{}
		}
	}
	t.mu.Unlock()
	t.look()
	t.mu.Lock()
	log := t.log
	t.log = nil
	t.mu.Unlock()
	for i := range log {
		yield(log[i].tuple, log[i].timer)
	}
}

// fire runs the function f of a timer of the clock. If that is a timer of a connection which has really expired, what
// the connection sends meanwhile, it sends because of it.
func (t *table) fire(which *timer, f func(), now time.Duration) {
	c, at, real := t.expiry(which, now)
	if c == nil {
		t.mu.Lock()
		t.touchAll()
		t.mu.Unlock()
		f()
		return
	}
	if real {
		t.mu.Lock()
		t.note(c, event.Fired, at)
		c.slots[which.slot] = slot{}
		c.firing = at.kind
		if at.kind == event.RTO || at.kind == event.TimerPersist {
			c.past.expired()
		}
		t.mu.Unlock()
	}
	f()
	t.mu.Lock()
	c.firing = 0
	t.touch(c)
	t.mu.Unlock()
}

// expiry returns the connection of a clock's timer, nil if none has it, how the timer stands, and whether it has expired
// and was not only left running.
func (t *table) expiry(which *timer, now time.Duration) (*connection, slot, bool) {
	if which.owner == nil && !t.adopt(which) {
		return nil, slot{}, false
	}
	c := which.owner
	c.ep.LockUser()
	defer c.ep.UnlockUser()
	state := tcp.EndpointState(c.ep.State())
	switch which.slot {
	case slotHandshake:
		kind := event.TimerSynAck
		if h := *t.at.handshake.in(unsafe.Pointer(c.ep)); h != nil && *t.at.active.in(h) {
			kind = event.TimerSyn
		}
		return c, slot{kind, int64(now)}, state == tcp.StateSynSent || state == tcp.StateSynRecv
	case slotFinWait2:
		return c, slot{event.TimerFinWait2, int64(now)}, true
	case slotTimeWait:
		return c, slot{event.TimerTimeWait, int64(now)}, true
	}
	s := t.at.slots(c.ep)[which.slot]
	return c, s, s.kind != 0 && s.at <= int64(now)
}

// adopt finds the connection of a timer that runs for the first time.
func (t *table) adopt(which *timer) bool {
	t.mu.Lock()
	conns := make([]*connection, 0, len(t.conns))
	for _, c := range t.conns {
		conns = append(conns, c)
	}
	t.mu.Unlock()
	for _, c := range conns {
		c.ep.LockUser()
		i, ok := t.at.owns(c.ep, which)
		c.ep.UnlockUser()
		if ok {
			which.owner, which.slot = c, i
			return true
		}
	}
	return false
}
