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
	flows    event.Flows
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
	p := l.read(from, packet)
	if p != nil {
		if p.numbers.Attempt > 1 && sent.Evidence&event.Expired != 0 {
			l.sink(&event.Event{T: int64(at), Kind: event.KindTimer, Host: from, Conn: p.conn, Timer: event.Timer{Kind: event.RTO, How: event.Inferred}})
		}
		e := p.event(event.KindTx, at, from)
		e.State, e.StateHow, e.Vars, e.Evidence = sent.State, sent.StateHow, sent.Vars, sent.Evidence
		l.sink(&e)
	}
	if rule := l.judge(from, p); rule != "" {
		if p != nil {
			l.count[from].Lost++
			e := p.event(event.KindLost, at, from)
			e.Rule = rule
			l.sink(&e)
		}
		return
	}
	l.inFlight++
	l.clock.At(at+l.path[from].Delay, func() { l.arrive(from.Peer(), packet, p) })
}

// passage is the event's view of one packet on its way.
type passage struct {
	conn    int
	seg     event.Segment
	numbers event.Numbers
}

// event returns what a tap sees of p.
func (p *passage) event(kind event.Kind, at time.Duration, host event.Host) event.Event {
	return event.Event{T: int64(at), Kind: kind, Host: host, Conn: p.conn, Seg: p.seg, Derived: event.Derived{Numbers: p.numbers}}
}

// read makes the event's view of a packet, nil if it is no TCP segment, and counts it.
func (l *Link) read(from event.Host, packet []byte) *passage {
	if ip, err := wire.CheckIPv4(packet); err == nil && l.path[from].Renumber {
		ip.SetID(l.ipid[from])
		l.ipid[from]++
	}
	seg, ok := parse(packet)
	if !ok {
		l.count[from].Other++
		return nil
	}
	l.lastID++
	seg.ID = l.lastID
	p := &passage{conn: l.flows.Place(from, &seg), seg: seg}
	p.numbers = l.flows.Departs(p.conn, from, &p.seg)
	l.count[from].Segments++
	if p.numbers.Attempt > 1 {
		l.count[from].Retransmitted++
	}
	return p
}

// judge returns the rule that takes a packet, "" if it passes.
func (l *Link) judge(from event.Host, p *passage) string {
	if p == nil {
		return l.faults.Judge(from, nil, nil)
	}
	return l.faults.Judge(from, &p.seg, &p.numbers)
}

// arrive runs on the clock's goroutine.
func (l *Link) arrive(to event.Host, packet []byte, p *passage) {
	l.mu.Lock()
	l.inFlight--
	if p != nil {
		e := p.event(event.KindRx, l.clock.Now(), to)
		l.sink(&e)
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
	return l.flows.Last(h, t)
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
