// Package link is what connects two ends: it takes packets from one, applies the faults, and brings what is left to the
// other after the delay of that direction. It sees every packet twice, where it leaves and where it arrives, so a loss
// is a fact here and no guess.
package link

import (
	"sync"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/vclock"
)

// End is where packets arrive.
type End interface {
	// Deliver gives the end an IP packet that has arrived. The end may keep the bytes.
	Deliver(packet []byte)
}

// Sent is what the sender's stack knows at a transmission; the zero value is a stack that tells nothing.
type Sent struct {
	State    event.State
	StateHow event.How
	Vars     event.Vars
	Evidence event.Evidence
}

// Config says how a link is.
type Config struct {
	Clock vclock.Clock
	// Delay is the one-way delay of what Client and Server send.
	Client, Server Path
	Rules          []Rule
	Seed           int64
	// Sink gets the events tx, lost and rx, their running number unset. It is called from the goroutine that sends and
	// from that of the clock, never from two at once, and must not keep the event.
	Sink func(*event.Event)
}

// Path is one direction, named by its sender.
type Path struct {
	Delay time.Duration
	// Renumber replaces the identification of IPv4 headers by one that follows from the seed, because an engine draws it
	// from the machine's entropy. A kernel's packets stay as they are.
	Renumber bool
}

// Link connects two ends.
type Link struct {
	clock vclock.Clock
	sink  func(*event.Event)
	path  [3]Path // by event.Host of the sender
	ends  [3]End  // by event.Host of the receiver

	mu       sync.Mutex
	faults   *Faults
	flows    flows
	ipid     [3]uint16
	lastID   int
	inFlight int
	count    [3]Count
}

// Count is what one end has transmitted.
type Count struct {
	// Segments are the TCP segments, Retransmitted those that repeat sequence numbers, Lost those that the link took.
	Segments, Retransmitted, Lost int
	// Other are packets that are no readable TCP segments. They pass, but are no events.
	Other int
}

// New returns a link without ends.
func New(c Config) *Link {
	l := &Link{clock: c.Clock, sink: c.Sink, path: [3]Path{event.Client: c.Client, event.Server: c.Server}, faults: NewFaults(c.Rules)}
	// Any start will do as long as the seed fixes it; the two directions differ so that a reader does not mix them up.
	l.ipid[event.Client] = uint16(c.Seed*257 + 1)
	l.ipid[event.Server] = uint16(c.Seed*257 + 0x8001)
	return l
}

// Attach makes e the end h. Both ends must be attached before the first Send.
func (l *Link) Attach(h event.Host, e End) { l.ends[h] = e }

// Send takes a packet that from transmitted at the moment at. The link keeps the bytes.
func (l *Link) Send(from event.Host, at time.Duration, packet []byte, sent Sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	seg, conn := l.read(from, packet, sent.Evidence)
	e := event.Event{T: int64(at), Kind: event.KindTx, Host: from, Conn: conn, State: sent.State, StateHow: sent.StateHow,
		Vars: sent.Vars, Evidence: sent.Evidence}
	if seg != nil {
		if seg.Attempt > 1 && sent.Evidence&event.Expired != 0 {
			l.sink(&event.Event{T: int64(at), Kind: event.KindTimer, Host: from, Conn: conn, Timer: event.Timer{Kind: event.RTO, How: event.Inferred}})
		}
		e.Seg = *seg
		l.sink(&e)
	}
	if rule := l.faults.Judge(from, seg); rule != "" {
		l.lose(from, at, seg, conn, rule)
		return
	}
	l.inFlight++
	l.clock.At(at+l.path[from].Delay, func() { l.arrive(from.Peer(), packet, seg, conn) })
}

// read makes the event's view of a packet, nil if it is no TCP segment, and counts it. The second value is the number of
// its connection.
func (l *Link) read(from event.Host, packet []byte, ev event.Evidence) (*event.Segment, int) {
	if ip, err := wire.CheckIPv4(packet); err == nil && l.path[from].Renumber {
		ip.SetID(l.ipid[from])
		l.ipid[from]++
	}
	seg, ok := parse(packet)
	if !ok {
		l.count[from].Other++
		return nil, 0
	}
	l.lastID++
	seg.ID = l.lastID
	conn := l.flows.observe(from, &seg)
	seg.Why, seg.WhyHow = reason(&seg, ev)
	l.count[from].Segments++
	if seg.Attempt > 1 {
		l.count[from].Retransmitted++
	}
	return &seg, conn
}

func (l *Link) lose(from event.Host, at time.Duration, seg *event.Segment, conn int, rule string) {
	if seg == nil {
		return
	}
	l.count[from].Lost++
	l.sink(&event.Event{T: int64(at), Kind: event.KindLost, Host: from, Conn: conn, Seg: *seg, Rule: rule})
}

// arrive runs on the clock's goroutine.
func (l *Link) arrive(to event.Host, packet []byte, seg *event.Segment, conn int) {
	l.mu.Lock()
	l.inFlight--
	if seg != nil {
		l.sink(&event.Event{T: int64(l.clock.Now()), Kind: event.KindRx, Host: to, Conn: conn, Seg: *seg})
	}
	l.mu.Unlock()
	// Outside the lock: the end answers by calling Send.
	l.ends[to].Deliver(packet)
}

// InFlight returns the number of packets on their way.
func (l *Link) InFlight() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inFlight
}

// Conn returns the number of the last connection between the two sockets as host h names them, 0 if no packet of it has
// been sent.
func (l *Link) Conn(h event.Host, t event.Tuple) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flows.conn(h, t)
}

// Count returns what end h has transmitted so far.
func (l *Link) Count(h event.Host) Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count[h]
}

// Idle yields the rules that dropped nothing, each with the number of packets that it matched.
func (l *Link) Idle(yield func(rule string, matched int) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults.Idle(yield)
}

// reason says why seg was transmitted. That its sequence numbers are new, or that it has none, the link has seen
// itself; what made an end repeat itself follows from the evidence.
func reason(s *event.Segment, ev event.Evidence) (event.Reason, event.How) {
	switch {
	case s.Flags.Has(event.RST):
		return event.Reset, event.Computed
	case s.Space() == 0:
		return event.Ack, event.Computed
	case s.Attempt == 1:
		return event.New, event.Computed
	case ev&event.Probing != 0 && s.Len == 1:
		return event.WindowProbe, event.Inferred
	case ev&(event.Expired|event.Resending) != 0:
		return event.Timeout, event.Inferred
	case ev&event.Recovering != 0:
		return event.Fast, event.Inferred
	case ev&event.TailLoss != 0:
		return event.TailProbe, event.Inferred
	}
	return event.Retransmit, event.Computed
}
