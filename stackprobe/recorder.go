package stackprobe

import (
	"slices"
	"sync"
	"time"

	"gnet/stackprobe/event"
)

// recorder puts the events of a run in their order and numbers them. What it has not handed on yet waits in queue.
type recorder struct {
	clock event.Clock
	// quiet leaves out what Config.Quiet does.
	quiet bool
	// told says that an end follows a script, which says in which state it believes to be, by event.Host.
	told [3]bool
	// inferred says that the states of an end are concluded from its segments, by event.Host.
	inferred [3]bool
	// between is the last connection between two sockets, by the SYN that began it.
	between map[event.Tuple]int

	mu    sync.Mutex
	last  int64
	n     int
	queue []event.Event
	known map[side]*known
	// latest is the connection of each end that an event spoke of last, by event.Host.
	latest [3]int
	// untold says that an end does not tell when its retransmission timers expire, by event.Host.
	untold [3]bool
	// verified counts the comparisons with a kernel's own numbers, by event.Host.
	verified [3]verified
}

// side is one end of one connection; the connection 0 is the end before it has one, or its listener.
type side struct {
	host event.Host
	conn int
}

// known is what the events have said about one end of a connection so far.
type known struct {
	state event.State
	vars  event.Vars
	tap   tap
	// arrival is for the comparison with trace events; traced are the variables that these have told last, those of loss recovery first.
	arrival arrival
	traced  [2]event.Vars
}

// put takes an event from any goroutine. A transmission tells the state of its end: if that is news, an event of its
// own says so first, because the segment leaves in the new state.
func (r *recorder) put(e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.Kind == event.KindTx && e.Seg.Origin == event.Injected {
		r.append(e) // it says nothing of the end whose address it bears
		return
	}
	if e.Kind == event.KindTx && e.Seg.Flags&(event.SYN|event.ACK) == event.SYN {
		r.begins(e)
	}
	switch k := r.of(e.Host, e.Conn); e.Kind {
	case event.KindTx:
		if r.untold[e.Host] && e.Derived.Attempt > 1 && e.Evidence&event.Expired != 0 {
			r.append(&event.Event{T: e.T, Kind: event.KindTimer, Host: e.Host, Conn: e.Conn, Timer: event.Timer{Kind: expired(e.Seg.Flags), How: event.Inferred}})
		}
		if e.State == event.Listening && e.Seg.Flags.Has(event.RST) {
			// It answers for a connection that is over, which does not listen again.
			e.State, e.StateHow = event.StateUnknown, 0
		}
		r.changed(e.T, e.Host, e.Conn, e.State, e.StateHow)
		r.stateOf(k, e)
		k.tap.announces(&e.Seg, &e.Derived.Numbers)
		if e.Evidence&event.SentCookie != 0 {
			k.tap.forgets()
		}
		if e.Vars.Has != 0 {
			k.tap.complete(&e.Vars)
			k.vars = e.Vars
		}
		k.tap.sends(&e.Seg)
	case event.KindRx:
		if e.Seg.Origin != event.Injected || !e.Seg.Flags.Has(event.SYN) { // such a SYN tells nobody's initial number
			k.arrives(&e.Seg)
			k.tap.receives(&e.Seg, &e.Derived.Numbers)
		}
		r.stateOf(k, e)
	}
	r.append(e)
}

// expired names the timer of which the expiry made an end repeat a segment with these flags.
func expired(f event.Flags) event.TimerKind {
	switch {
	case f.Has(event.SYN | event.ACK):
		return event.TimerSynAck
	case f.Has(event.SYN):
		return event.TimerSyn
	}
	return event.RTO
}

// begins takes the SYN of a connection. If its end had forgotten one between the same sockets, or left it, the other end may
// still have that: the new connection begins in its state there.
func (r *recorder) begins(e *event.Event) {
	key := event.Tuple{Local: e.Seg.Src, Remote: e.Seg.Dst}
	before := r.between[key]
	if r.between == nil {
		r.between = make(map[event.Tuple]int)
	}
	r.between[key] = e.Conn
	if before == 0 || before == e.Conn {
		return
	}
	old := r.known[side{e.Host.Peer(), before}]
	if old != nil && old.state != event.Closed && old.state != event.ClosedReset && old.state != event.StateUnknown {
		r.of(e.Host.Peer(), e.Conn).state = old.state
	}
}

// stateOf gives an event that does not tell the state of its end the last one that was read: what has arrived is not
// processed yet, and a RST may leave for a connection that no longer exists.
func (r *recorder) stateOf(k *known, e *event.Event) {
	if e.State == event.StateUnknown && k.state != event.StateUnknown {
		e.State, e.StateHow = k.state, r.how(e.Host)
	}
}

// how says where the state of h comes from.
func (r *recorder) how(h event.Host) event.How {
	switch {
	case r.told[h]:
		return event.Told
	case r.inferred[h]:
		return event.Inferred
	}
	return event.Read
}

// observe takes what sampling end h after an event has shown: a state and variables, each recorded only if it is news.
func (r *recorder) observe(at time.Duration, h event.Host, conn int, state event.State, vars event.Vars) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed(int64(at), h, conn, state, r.how(h))
	if vars.Has == 0 {
		return
	}
	k := r.of(h, conn)
	r.check(int64(at), h, conn, k, state, &vars)
	k.vars.At = 0 // the same values at another moment are no news
	if k.tap.complete(&vars); vars != k.vars {
		k.vars = vars
		r.append(&event.Event{T: int64(at), Kind: event.KindVars, Host: h, Conn: conn, State: state, StateHow: r.how(h), Vars: vars})
	}
}

// of returns what is known of one end of a connection. A new connection begins in the state that its end had without one:
// LISTEN, or CLOSED.
func (r *recorder) of(h event.Host, conn int) *known {
	r.latest[h] = max(r.latest[h], conn)
	s := side{h, conn}
	k := r.known[s]
	if k == nil {
		k = &known{}
		if before := r.known[side{h, 0}]; before != nil {
			k.state = before.state
		}
		if r.known == nil {
			r.known = make(map[side]*known)
		}
		r.known[s] = k
	}
	return k
}

// changed records the state of h if it is known and new.
func (r *recorder) changed(at int64, h event.Host, conn int, state event.State, how event.How) {
	k := r.of(h, conn)
	if state == event.StateUnknown || state == k.state {
		return
	}
	if state == event.Listening && (k.state == event.Closed || k.state == event.ClosedReset) {
		return // the listener answers for a connection that is no more
	}
	from := k.state
	k.state = state
	r.append(&event.Event{T: at, Kind: event.KindState, Host: h, Conn: conn, From: from, State: state, StateHow: how})
}

// append numbers a copy of e. Moments are stamped on several goroutines before they meet here; one that is earlier than
// the last event's is moved to it, so that the order of events is that of their times.
func (r *recorder) append(e *event.Event) {
	if r.quiet && !loud(e.Kind) {
		return
	}
	r.last = max(r.last, e.T)
	r.n++
	e.T, e.N, e.Clock = r.last, r.n, r.clock
	r.queue = append(r.queue, *e)
}

// loud reports whether a quiet run has events of kind k.
func loud(k event.Kind) bool {
	switch k {
	case event.KindRun, event.KindNote, event.KindCheck, event.KindCounters, event.KindEnd:
		return true
	}
	return false
}

// place returns where the next event will stand, counted by running number.
func (r *recorder) place() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n + 1
}

// insert records e before the events that came since place was asked for, none of which may have been taken.
func (r *recorder) insert(place int, e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet {
		return // only the calls of applications are inserted
	}
	r.insertAt(len(r.queue)-(r.n+1-place), e)
}

// insertAt records e as the i-th of those that wait.
func (r *recorder) insertAt(i int, e *event.Event) {
	if i == len(r.queue) {
		r.append(e)
		return
	}
	if i > 0 {
		e.T = max(e.T, r.queue[i-1].T)
	}
	e.T, e.N, e.Clock = min(e.T, r.queue[i].T), r.queue[i].N, r.clock
	for k := i; k < len(r.queue); k++ {
		r.queue[k].N++
	}
	r.queue = slices.Insert(r.queue, i, *e)
	r.n++
}

// timer takes what a stack says of a timer. One that fired stands before what its end transmitted because of it; since is
// where the events begin that may follow from it.
func (r *recorder) timer(since int, e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.quiet {
		return
	}
	for i := max(len(r.queue)-(r.n+1-since), 0); e.Timer.Op == event.Fired && i < len(r.queue); i++ {
		q := &r.queue[i]
		switch {
		case q.Host != e.Host || q.Conn != e.Conn:
		case q.Kind == event.KindTx:
			r.insertAt(i, e)
			return
		}
	}
	r.append(e)
}

// take returns what waits and empties the queue; buf is reused for what comes next.
func (r *recorder) take(buf []event.Event) []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.queue
	r.queue = buf[:0]
	return out
}

// state returns the last known state of a connection of h.
func (r *recorder) state(h event.Host, conn int) event.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.known[side{h, conn}]; k != nil {
		return k.state
	}
	return event.StateUnknown
}

// open reports whether a connection stands at either end, or is about to.
func (r *recorder) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, k := range r.known {
		if s.conn != 0 && standing(k.state) {
			return true
		}
	}
	return false
}

// openAt is open for one end.
func (r *recorder) openAt(h event.Host) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s, k := range r.known {
		if s.conn != 0 && s.host == h && standing(k.state) {
			return true
		}
	}
	return false
}

// standing reports whether a connection in that state is still to come to its end.
func standing(s event.State) bool {
	switch s {
	case event.StateUnknown, event.Listening, event.Closed, event.ClosedReset, event.TimeWait:
		return false
	}
	return true
}

// lastState returns the last known state of the latest connection of h.
func (r *recorder) lastState(h event.Host) event.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.of(h, r.latest[h]).state
}
