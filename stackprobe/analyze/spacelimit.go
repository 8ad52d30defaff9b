package analyze

import "gnet/stackprobe/event"

// Limit is what keeps a sender from sending more.
type Limit uint8

// The limits. NoLimit: nothing that is known; the sender is about to send, or waits for a reason of its own, such as pacing.
// InHandshake: data waits until the connection stands. InApplication: everything that the application has handed over was sent.
// InReceiverWindow: the usable window has no room for the next segment (RFC 9293 section 3.8.6). InZeroWindow: the window is closed
// (RFC 9293 section 3.8.6.1). InCongestionWindow: as much as cwnd allows is in flight (RFC 5681). InNagle: less than a segment waits
// for an acknowledgment (RFC 9293 section 3.7.4). InRecovery: what was lost is being repeated (RFC 5681 section 3.2, RFC 6675, RFC
// 6298 section 5). InDetection: everything was sent, some of it was lost, and the sender has not repeated it yet: it waits for its timer or for
// duplicate acknowledgments. InFIN: the FIN was sent; nothing may follow.
const (
	NoLimit Limit = iota
	InHandshake
	InApplication
	InReceiverWindow
	InZeroWindow
	InCongestionWindow
	InNagle
	InRecovery
	InDetection
	InFIN
	limits
)

// Limits are all of them, in their order.
func Limits() [limits]Limit {
	var all [limits]Limit
	for i := range all {
		all[i] = Limit(i)
	}
	return all
}

// String returns the limit in words.
func (l Limit) String() string {
	switch l {
	case InHandshake:
		return "handshake"
	case InApplication:
		return "application"
	case InReceiverWindow:
		return "receiver window"
	case InZeroWindow:
		return "zero window"
	case InCongestionWindow:
		return "congestion window"
	case InNagle:
		return "Nagle"
	case InRecovery:
		return "loss recovery"
	case InDetection:
		return "loss detection"
	case InFIN:
		return "FIN sent"
	}
	return "none"
}

// flicker is how short a limit may last not to end the one before and after it: while a stack sends what it may, nothing binds it. In
// virtual time a stack takes a nanosecond for each look at the clock.
const flicker = 1000

// decide says what binds the sender behind e, and adds up how long each limit lasted.
func (q *sequence) decide(e *event.Event, nagle bool) {
	l, how := q.binds(nagle)
	switch back := &q.sender.before; {
	case q.N == 0:
		q.Since = e.T
	case l == q.Limit:
	case l == back.limit && e.T-q.Since < flicker && back.is:
		q.spent[l] -= back.spent
		q.Since, back.is = back.since, false
	default:
		lasted := max(e.T-q.Since, 0)
		*back = bygone{true, q.Limit, q.Since, lasted}
		q.spent[q.Limit] += lasted
		q.Since = e.T
	}
	q.Limit, q.LimitHow = l, how
	q.T, q.N = e.T, e.N
}

// bygone is the limit before the present one.
type bygone struct {
	is           bool
	limit        Limit
	since, spent int64
}

// binds is the limit of this moment. The first that applies is taken: a state of the connection before a window, and of two windows
// the one that ends first.
func (q *sequence) binds(nagle bool) (Limit, event.How) {
	outstanding := q.Una < q.Nxt
	switch q.State {
	case event.SynSent, event.SynReceived:
		return InHandshake, event.Read
	case event.Closed, event.ClosedReset, event.Listening:
		return NoLimit, event.Read
	}
	if q.Has&(SpaceUna|SpaceNxt) != SpaceUna|SpaceNxt {
		return NoLimit, event.Computed
	}
	if how, is := q.recovers(outstanding); is {
		return InRecovery, how
	}
	lost := outstanding && len(q.sender.lost) > 0
	waiting := q.Queued
	if q.EndQueued {
		waiting++
	}
	switch {
	case q.FIN > 0 && q.Nxt >= q.FIN && lost, q.Has&SpaceQueued != 0 && waiting == 0 && lost:
		return InDetection, event.Computed
	case q.FIN > 0 && q.Nxt >= q.FIN:
		return InFIN, q.origin(SpaceNxt)
	case q.Has&SpaceQueued == 0:
		return NoLimit, event.Computed
	case waiting == 0:
		return InApplication, q.origin(SpaceQueued)
	}
	return q.window(waiting, outstanding, nagle)
}

// recovers says whether the sender repairs a loss.
func (q *sequence) recovers(outstanding bool) (event.How, bool) {
	if !outstanding {
		return 0, false
	}
	repeating := q.Una < q.sender.recover
	switch q.sender.congestion {
	case event.CongestionRecovery:
		return event.Read, true
	case event.CongestionLoss: // an engine is in it also while it probes a closed window
		return event.Read, repeating
	case 0:
		return event.Computed, repeating
	}
	return 0, false
}

// window says which window has no room for the next of what waits, or what else holds it.
func (q *sequence) window(waiting int64, outstanding, nagle bool) (Limit, event.How) {
	next := waiting
	if q.MSS > 0 {
		next = min(next, q.MSS)
	}
	room := int64(-1) // of cwnd, in octets; below 0 for unknown
	if q.Has&(SpaceCwnd|SpaceInFlight) == SpaceCwnd|SpaceInFlight {
		room = max(q.CwndSegments-q.InFlight, 0) * max(q.MSS, 1)
	}
	usable, how := int64(-1), q.origin(SpaceEdge)
	if q.Has&SpaceEdge != 0 {
		usable = q.Usable()
		if q.Queued == 0 {
			usable++ // a FIN is no octet of the window
		}
	}
	switch {
	case usable >= 0 && q.Edge <= q.Una && q.Queued > 0:
		return InZeroWindow, how
	case usable >= 0 && usable < next && (room < 0 || usable <= room):
		return InReceiverWindow, how
	case room >= 0 && room < next:
		return InCongestionWindow, q.origin(SpaceCwnd)
	case usable >= 0 && usable < next:
		return InReceiverWindow, how
	case nagle && outstanding && q.Queued > 0 && q.MSS > 0 && q.Queued < q.MSS:
		return InNagle, event.Inferred
	}
	return NoLimit, event.Computed
}

// origin says where a field comes from.
func (q *sequence) origin(bit SpaceSet) event.How {
	if q.read(bit) {
		return event.Read
	}
	return event.Computed
}
