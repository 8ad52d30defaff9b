package analyze

import (
	"math"

	"gnet/stackprobe/event"
)

// MaxConnections bounds the connections whose figures are kept one by one; those of the rest are kept together.
const MaxConnections = 1024

// Figures are the figures of a run: of each connection, of all of them, and what both stacks have counted themselves. The zero
// value is ready. Memory is bounded by MaxConnections.
type Figures struct {
	// Run and End are the run's own description and account, nil where that is missing.
	Run *event.Run
	End *event.End
	// Sums are those of the whole run, T the time of the last event.
	Sums Summary
	T    int64
	// Stack are the counters of an end's stack, by event.Host.
	Stack [3][]event.Counter

	conns  []*ConnectionFigures
	byNum  map[int]*ConnectionFigures
	rest   *ConnectionFigures
	trips  RoundTrips
	spaces Spaces
}

// ConnectionFigures are those of one connection.
type ConnectionFigures struct {
	// Conn is its number, 0 for the connections beyond MaxConnections together.
	Conn int
	// Ends are by event.Host, Counters what an end's stack has counted for this connection.
	Ends     [3]EndFigures
	Counters [3][]event.Counter
}

// Connections are those that were kept one by one, in the order in which they were met; rest are the others together, nil
// if there are none.
func (f *Figures) Connections() (conns []*ConnectionFigures, rest *ConnectionFigures) {
	return f.conns, f.rest
}

// All returns the figures of all connections together: those of the only one, else the sums, without what is each one's own
// (state, handshake, variables, acknowledgments).
func (f *Figures) All() *ConnectionFigures {
	if len(f.conns) == 1 && f.rest == nil {
		return f.conns[0]
	}
	all := &ConnectionFigures{}
	for _, c := range append(f.conns[:len(f.conns):len(f.conns)], f.rest) {
		for h := event.Client; h <= event.Server && c != nil; h++ {
			all.Ends[h].merge(&c.Ends[h])
		}
	}
	return all
}

// Limited says how long the sending of end h was limited by what, in nanoseconds by Limit, until the last event of the connection;
// total is the sum. Of several connections it is the sum of their times.
func (f *Figures) Limited(c *ConnectionFigures, h event.Host) (by [limits]int64, total int64) {
	list := []*ConnectionFigures{c}
	if c.Conn == 0 {
		list = f.conns
	}
	for _, one := range list {
		s := f.spaces.Space(one.Conn, h)
		if s == nil {
			continue
		}
		for l := range by {
			n := s.Spent(Limit(l), s.T)
			by[l], total = sum(by[l], n), sum(total, n)
		}
	}
	return by, total
}

// of returns the figures of a connection; 0 is that of an end as a whole, which has none.
func (f *Figures) of(conn int) *ConnectionFigures {
	if c := f.byNum[conn]; c != nil {
		return c
	}
	if len(f.conns) >= MaxConnections {
		if f.rest == nil {
			f.rest = &ConnectionFigures{}
		}
		return f.rest
	}
	if f.byNum == nil {
		f.byNum = make(map[int]*ConnectionFigures)
	}
	c := &ConnectionFigures{Conn: conn}
	f.conns, f.byNum[conn] = append(f.conns, c), c
	return c
}

// Add takes the next event, with what Tracker.Add has derived for it.
func (f *Figures) Add(e *event.Event) {
	f.Sums.Add(e)
	f.T = max(f.T, e.T)
	switch {
	case e.Kind == event.KindRun:
		f.Run = e.Run
		f.spaces.Add(e)
	case e.Kind == event.KindEnd:
		f.End = e.End
	case e.Kind == event.KindCounters && e.Conn == 0:
		f.Stack[e.Host%3] = e.Counters
	}
	if e.Host != event.Client && e.Host != event.Server || e.Conn == 0 {
		return
	}
	c := f.of(e.Conn)
	if e.Kind == event.KindCounters {
		c.Counters[e.Host] = e.Counters
		return
	}
	f.spaces.Add(e)
	f.trips.Add(e, func(t RoundTrip) { c.Ends[e.Host].RTT.add(t.Time) })
	c.add(e, f.Run != nil && f.Run.World == event.TapWorld, f.Run != nil && e.Host != event.None && f.Run.Outside() == e.Host)
}

// Unmeasured counts the segments whose round trip found no room to be measured.
func (f *Figures) Unmeasured() int { return f.trips.Unmeasured }

// add takes an event of the connection. With one tap what has passed there for the first time is taken as delivered: nobody knows
// what arrived. The same holds for an end that is beyond what is seen.
func (c *ConnectionFigures) add(e *event.Event, oneTap, beyond bool) {
	own, peer := &c.Ends[e.Host], &c.Ends[e.Host.Peer()]
	own.tells(e)
	switch e.Kind {
	case event.KindTx:
		if e.Seg.Origin != event.Injected {
			own.departs(e)
		}
		if oneTap && e.Seg.Len > 0 && !e.Derived.Repeat {
			peer.Fresh, own.freshT = peer.Fresh+int64(e.Seg.Len), e.T
		}
	case event.KindLost:
		own.Lost++
	case event.KindFault:
		switch e.Fault.Action {
		case event.Corrupt:
			own.Damaged++
		case event.Dup:
			own.Copies++
		}
	case event.KindRx:
		own.arrives(e, peer, oneTap || beyond && e.Derived.Attempt > 1)
	case event.KindTimer:
		own.expires(&e.Timer)
	case event.KindApp:
		switch e.App.Call {
		case event.Write:
			own.Written = sum(own.Written, int64(e.App.Bytes))
		case event.Receive:
			own.Received = sum(own.Received, int64(e.App.Bytes))
		}
	}
}

// expires takes what has happened to a timer.
func (f *EndFigures) expires(t *event.Timer) {
	switch {
	case t.Op != event.Fired:
	case t.Kind == event.RTO, t.Kind == event.TimerSyn:
		f.Timeouts++
	case t.Kind == event.TimerSynAck:
		f.SynAckTimeouts++
	}
}

// sum adds two numbers that are not negative; a stored run may claim more than an integer holds.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// tells takes the state and the variables that an event of this end has.
func (f *EndFigures) tells(e *event.Event) {
	if e.State != event.StateUnknown && (e.Kind == event.KindState || e.Kind == event.KindTx) {
		if e.State == event.StateEstablished && f.State != e.State && f.hasSyn && f.Opened == 0 {
			f.Opened = e.T - f.synT
		}
		f.State = e.State
		if f.hasShut && over(f.State) {
			f.opens(e.T)
		}
	}
	const timing = event.HasSRTT | event.HasRTTVar | event.HasRTO
	if has := e.Vars.Has & timing; has != 0 {
		f.Vars = event.Vars{Has: has, SRTT: e.Vars.SRTT, RTTVar: e.Vars.RTTVar, RTO: e.Vars.RTO}
	}
}

// over reports whether an end in this state has nothing more to send.
func over(s event.State) bool {
	return s == event.Closed || s == event.ClosedReset || s == event.TimeWait
}

// departs takes a transmission.
func (f *EndFigures) departs(e *event.Event) {
	s, d := &e.Seg, &e.Derived
	f.Segments++
	f.Scripted = f.Scripted || s.Origin == event.Scripted
	f.Why[min(d.Why, event.PathMTU)]++
	if s.Len > 0 {
		f.Data++
		f.Octets += int64(s.Len)
		if !f.hasData {
			f.dataT, f.hasData = e.T, true
		}
	}
	if d.Repeat {
		f.Repeats++
		f.Again += int64(s.Len)
		f.RepeatWhy[repeatWhy(d.Why)]++
		if d.Spurious {
			f.Spurious++
		}
	}
	if e.Evidence&event.ProbedTail != 0 || d.Why == event.TailProbe {
		f.TailProbes++
	}
	if duplicated(e) {
		f.DSACKs++
	}
	f.counts(e)
	if d.HasWindow && !s.Flags.Has(event.RST) {
		f.announce(d.Window)
	}
}

// counts takes what a kernel counts of a transmission by itself.
func (f *EndFigures) counts(e *event.Event) {
	s, d := &e.Seg, &e.Derived
	switch {
	case s.Flags.Has(event.SYN | event.ACK):
		f.SynAcks++
		if d.Repeat {
			f.SynAckAgain++
		}
	case s.Flags.Has(event.SYN):
		f.Active = true
		if d.Repeat {
			f.SynAgain++
		}
	case s.Space() > 0 && !d.Repeat:
		f.Original++
	}
	if s.Flags.Has(event.SYN) {
		f.begins(e.T)
	}
	if d.HasRelAck && !s.Flags.Has(event.RST) {
		f.AckOut = max(f.AckOut, d.RelAck)
	}
}

// announce takes the window that this end announces.
func (f *EndFigures) announce(window uint32) {
	switch {
	case !f.announces || (window == 0) == (f.announced == 0):
	case window == 0:
		f.Closings++
	default:
		f.Openings++
	}
	f.announced, f.announces = window, true
}

// begins takes the time of a SYN that left or arrived.
func (f *EndFigures) begins(t int64) {
	if !f.hasSyn {
		f.synT, f.hasSyn = t, true
	}
}

// repeatWhy is the reason under which a repetition is counted: what is repeated is not new, whatever the event says.
func repeatWhy(why event.Reason) event.Reason {
	switch why {
	case event.Timeout, event.Fast, event.TailProbe, event.WindowProbe, event.Keepalive, event.Reset, event.PathMTU:
		return why
	}
	return event.Retransmit
}

// duplicated reports whether the first SACK block of a segment says that something arrived twice: it lies below the
// acknowledgment, or within the second block (RFC 2883 section 4).
func duplicated(e *event.Event) bool {
	d := &e.Derived
	if e.Seg.Opts.Has&event.OptSack == 0 || e.Seg.Opts.NSack == 0 || !d.HasRelAck {
		return false
	}
	a, b := d.RelSack[0], d.RelSack[1]
	return a.Last <= d.RelAck || e.Seg.Opts.NSack > 1 && b.First <= a.First && a.Last <= b.Last
}

// arrives takes an arrival at this end. counted says that its octets are among the fresh ones, or cannot be told to be.
func (f *EndFigures) arrives(e *event.Event, peer *EndFigures, counted bool) {
	s, d := &e.Seg, &e.Derived
	f.Arrived++
	if s.BadSum {
		f.BadSums++
		return
	}
	if s.Origin == event.Injected {
		return
	}
	if s.Flags.Has(event.SYN) {
		f.begins(e.T)
		f.SynsIn++
	}
	if s.Len > 0 {
		f.DataIn++
	}
	if duplicated(e) {
		f.DSACKsIn++
	}
	if s.Len > 0 && d.HasRelSeq && !d.Stale && !counted {
		f.Fresh += int64(s.Len)
		peer.freshT = e.T
	}
	if d.DupAck > 0 {
		f.DupAcks[min(d.DupCause, event.CauseDuplicate)]++
	}
	switch {
	case s.Flags.Has(event.RST):
		if f.hasShut {
			f.opens(e.T)
		}
	case d.HasRelAck && d.RelAck >= f.AckIn:
		f.AckIn = d.RelAck
		if d.HasWindow && !s.Flags.Has(event.SYN) {
			f.window(e.T, d.Window)
		}
	}
}

// window takes what the peer announces.
func (f *EndFigures) window(t int64, window uint32) {
	switch {
	case window > 0 && f.hasShut:
		f.opens(t)
	case window == 0 && !f.hasShut && !over(f.State):
		f.hasShut, f.shutT = true, t
		f.Shut++
	}
}

// opens ends a time in which the peer's window was closed.
func (f *EndFigures) opens(t int64) {
	f.hasShut = false
	f.ShutTime += max(t-f.shutT, 0)
}

// Goodput returns how many octets of this end's data arrived at the other for the first time, and in which time: from the
// departure of the first to the arrival of the last, in nanoseconds, 0 if that is not known.
func (c *ConnectionFigures) Goodput(sender event.Host) (octets, ns int64) {
	f := &c.Ends[sender]
	if f.hasData {
		ns = max(f.freshT-f.dataT, 0)
	}
	return c.Ends[sender.Peer()].Fresh, ns
}
