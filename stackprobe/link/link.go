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
	// Line is what a scripted end followed, "" for a stack.
	Line string
}

// Config says how a link is.
type Config struct {
	Clock vclock.Clock
	// Delay is the one-way delay of what Client and Server send.
	Client, Server Path
	Rules          []Rule
	// Seed fixes what the rules draw and the identification of IPv4 headers.
	Seed int64
	// Snap is how many of a packet's first bytes an event holds.
	Snap int
	// Sink gets the events tx, fault, lost, rx, icmp and notes, their running number unset. It is called from the goroutine
	// that sends and from that of the clock, never from two at once, and must not keep the event. Nil is nobody.
	Sink func(*event.Event)
	// Number is the place of a link on a path of several, from 1; its packets are then events whatever they carry, and
	// numbered by the Ledger of the path. 0 and nil are a link of TCP.
	Number int
	Ledger *Ledger
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
	snap  int
	// number and ledger are those of Config.
	number int
	ledger *Ledger
	path   [3]Path // by event.Host of the sender
	ends   [3]End  // by event.Host of the receiver

	mu       sync.Mutex
	faults   faults
	held     [3][]*held // by event.Host of the sender, in order of leaving
	flows    event.Flows
	ipid     [3]uint16
	lastID   int
	packets  uint64
	inFlight int
	count    [3]Count
	event    event.Event // what tell was given last; the sink does not keep it
}

// Count is what one end has transmitted, and what became of it on the link. Segments are TCP segments, Other packets that
// are no readable ones: they meet the rules too, but are no events.
type Count struct {
	// Segments counts transmissions, Retransmitted those that repeat sequence numbers.
	Segments, Retransmitted, Other int
	// Copied counts the second transmissions that rules made, Lost the packets that rules took, copies included.
	Copied, Lost           int
	OtherCopied, OtherLost int
	// Arrived counts the packets that have reached the other end, of both sorts.
	Arrived int
}

// New returns a link without ends.
func New(c Config) *Link {
	l := &Link{clock: c.Clock, sink: c.Sink, snap: max(c.Snap, 0), number: c.Number, ledger: c.Ledger, path: [3]Path{event.Client: c.Client, event.Server: c.Server},
		faults: newFaults(c.Rules, c.Seed)}
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
	origin := event.FromStack
	if sent.Line != "" {
		origin = event.Scripted
	}
	p := l.read(from, at, packet, origin, sent.Line)
	if p.shown() && l.sink != nil {
		e := l.about(p, event.KindTx, at, from)
		e.State, e.StateHow, e.Vars, e.Evidence = sent.State, sent.StateHow, sent.Vars, sent.Evidence
		l.sink(e)
	}
	l.pass(p, 0)
}

// Inject puts a packet on the link that bears from's address and that from did not send; line says why it is there. It meets no
// rules, counts for no end, and arrives after the delay of that direction. The link keeps the bytes.
func (l *Link) Inject(from event.Host, packet []byte, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.clock.Now()
	p := l.read(from, at, packet, event.Injected, line)
	if p.tcp && l.sink != nil {
		l.sink(l.about(p, event.KindTx, at, from))
	}
	l.launch(p)
}

// read makes the view of a packet, and counts it.
func (l *Link) read(from event.Host, at time.Duration, packet []byte, origin event.Origin, line string) *passage {
	if ip, err := wire.CheckIPv4(packet); err == nil && l.path[from].Renumber && origin == event.FromStack {
		ip.SetID(l.ipid[from])
		l.ipid[from]++
	}
	p := &passage{from: from, left: at, packet: packet, size: len(packet)}
	l.packets++
	p.number = l.packets
	c := &l.count[from]
	if origin == event.Injected {
		c = &Count{} // it is nobody's
	}
	if l.ledger != nil {
		l.readPacket(p, c)
		return p
	}
	if !p.parse() {
		c.Other++
		return p
	}
	p.seg.Origin, p.seg.Line = origin, line
	if l.sink != nil {
		p.seg.Wire = string(packet[:min(p.size, l.snap)])
	}
	l.lastID++
	p.seg.ID = l.lastID
	p.conn = l.flows.Place(from, &p.seg)
	p.numbers = l.flows.Departs(p.conn, from, &p.seg)
	c.Segments++
	if p.numbers.Attempt > 1 {
		c.Retransmitted++
	}
	return p
}

// pass brings p past the rules from the number i on, then on its way. Copies meet the rules behind the one that made
// them, after p itself.
func (l *Link) pass(p *passage, i int) {
	type copied struct {
		*passage
		next int
	}
	var copies []copied
	for ; i < len(l.faults.boxes); i++ {
		b := &l.faults.boxes[i]
		if !b.hits(p) {
			continue
		}
		f := event.Fault{Action: b.Action, Rule: b.Text, Number: i + 1}
		effect := b.treat(p, &f)
		if effect == inPieces {
			if pieces := l.cut(p, b.MTU); pieces != nil {
				f.Fragments = len(pieces)
				l.fault(p, event.KindFault, &f)
				later := copies
				copies = nil
				for _, piece := range pieces {
					copies = append(copies, copied{piece, i + 1})
				}
				copies = append(copies, later...)
				break
			}
			effect = taken
		}
		if effect == taken {
			l.lose(p, b, &f)
			break
		}
		if effect == changed {
			if b.Action == event.Dup {
				twin := l.twin(p)
				f.Copy = twin.id()
				copies = append(copies, copied{twin, i + 1})
			}
			l.fault(p, event.KindFault, &f)
		}
	}
	if i == len(l.faults.boxes) {
		l.launch(p)
	}
	for _, c := range copies {
		l.pass(c.passage, c.next)
	}
}

// twin makes a copy of p.
func (l *Link) twin(p *passage) *passage {
	q := p.twin()
	l.packets++
	q.number = l.packets
	c := &l.count[p.from]
	if p.cut != nil {
		p.cut.alive++
		return q
	}
	if !p.shown() {
		c.OtherCopied++
		return q
	}
	c.Copied++
	if p.ip != nil {
		l.ledger.copied(q.ip)
		return q
	}
	l.lastID++
	q.seg.ID = l.lastID
	return q
}

// lose ends the way of p, which b takes.
func (l *Link) lose(p *passage, b *box, f *event.Fault) {
	if p.cut != nil {
		p.cut.gone(f)
		if p.cut.missed() {
			l.lostInPieces(p.cut)
		}
		return
	}
	c := &l.count[p.from]
	if p.shown() {
		c.Lost++
	} else {
		c.OtherLost++
	}
	l.fault(p, event.KindLost, f)
	if b.Action != event.MTU || b.Silent {
		return
	}
	l.report(p, b.MTU)
}

// fault tells what a rule did to p, or to the packet of which it is a fragment. That a fragment was copied changes nothing for that.
func (l *Link) fault(p *passage, kind event.Kind, f *event.Fault) {
	if p.cut != nil {
		if p = p.cut.whole; f.Action == event.Dup {
			return
		}
	}
	if !p.shown() || l.sink == nil {
		return
	}
	e := l.about(p, kind, p.left, p.from)
	e.Fault = *f
	if kind == event.KindLost {
		e.Rule = f.Rule
	}
	l.sink(e)
}

// launch brings p on its way, or keeps it back for others to pass.
func (l *Link) launch(p *passage) {
	l.inFlight++
	arrival := p.left + l.path[p.from].Delay + p.wait
	if p.behind > 0 {
		l.hold(p, arrival)
		return
	}
	l.depart(p, arrival)
}

// depart has p arrive at the moment arrival.
func (l *Link) depart(p *passage, arrival time.Duration) {
	l.clock.At(arrival, func() { l.arrive(p) })
	if len(l.held[p.from]) > 0 {
		l.passed(p, arrival)
	}
}

// arrive runs on the clock's goroutine.
func (l *Link) arrive(p *passage) {
	to := p.from.Peer()
	l.mu.Lock()
	l.inFlight--
	if p.cut != nil {
		l.arriveCut(p)
	} else {
		if p.seg.Origin != event.Injected {
			l.count[p.from].Arrived++
		}
		if p.ip != nil {
			l.arrivePacket(p)
		}
		l.tellArrival(p, to)
	}
	l.mu.Unlock()
	// Outside the lock: the end answers by calling Send.
	l.ends[to].Deliver(p.packet)
}

// tellArrival tells that p is there.
func (l *Link) tellArrival(p *passage, to event.Host) {
	switch {
	case !p.shown():
		l.hears(p, to)
	case l.sink != nil:
		p.arrived(l.snap)
		l.sink(l.about(p, event.KindRx, l.clock.Now(), to))
	}
}

// about returns the event of that kind about p, in memory that the next one takes.
func (l *Link) about(p *passage, kind event.Kind, at time.Duration, host event.Host) *event.Event {
	if p.ip != nil {
		l.event = l.aboutPacket(p, kind, at)
		return &l.event
	}
	l.event = event.Event{T: int64(at), Kind: kind, Host: host, Conn: p.conn, Seg: p.seg, Derived: event.Derived{Numbers: p.numbers}}
	return &l.event
}

// tell gives the sink an event that is about no packet in particular.
func (l *Link) tell(e *event.Event) {
	if l.sink != nil {
		l.sink(e)
	}
}

// InFlight returns the number of packets on their way, those that are kept back and the messages of the link's own
// router included.
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

// Idle yields the rules that did nothing, each with the number of packets that it matched. The rule must not be kept.
func (l *Link) Idle(yield func(rule *Rule, matched int) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults.idle(yield)
}
