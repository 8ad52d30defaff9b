package stackprobe

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/app"
	"gnet/stackprobe/engine"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// RunDatagrams builds the world of c, sends its datagrams and yields the events, as Run does for TCP: first a run, last an end
// event, in the order of (T, N), the pointer valid until the next step. A datagram that did not arrive is no error, the end event
// says so; an error is last.
func RunDatagrams(ctx context.Context, c DatagramConfig) iter.Seq2[*event.Event, error] {
	return func(yield func(*event.Event, error) bool) {
		if err := c.Check(); err != nil {
			yield(nil, err)
			return
		}
		x, err := buildPath(ctx, &c)
		if err != nil {
			yield(nil, err)
			return
		}
		defer x.close()
		if x.run.Clock == event.Virtual {
			runHere(ctx, x, yield)
		} else {
			runBeside(ctx, x, yield)
		}
	}
}

// pathRun is a path that is ready to run. All but the queue of events belongs to the goroutine of the clock.
type pathRun struct {
	cfg    *DatagramConfig
	run    *event.Run
	loop   *vclock.Loop
	ledger link.Ledger
	links  []*link.Link
	nodes  []node
	// kernels are the nodes that are namespaces, nil in memory.
	kernels *kernelside.Path

	mu    sync.Mutex
	queue []event.Event
	n     int
	last  int64

	sent []sentDatagram
	// planned counts what the clock will still do of our own accord: datagrams, and buffers that may be given up.
	planned int
	// waiting are the packets that have reached a router and have not left it, by ID; left all that left the client.
	waiting map[int]*event.Packet
	left    map[int]*event.Packet
	buffers []*buffer
	parents map[int]int // by ID, those of Packet.Parent
	// datagrams tells which of the client's a datagram of the ledger is; sending is the one that it sends.
	datagrams map[int]int
	sending   int
	// pathMTU is the last MTU for which the client has sent anew.
	pathMTU int
	received,
	wrong int
	receivedBytes, writtenBytes int64
	// quietSince is when something last happened, in real time.
	quietSince time.Duration
}

// sentDatagram is what the client wanted to send.
type sentDatagram struct {
	data []byte
	// arrived counts how often it reached the server's application; tries how often it was sent.
	arrived, tries int
	// cause says why it was lost, as far as is known.
	cause string
}

// send has interface i of node k transmit packet.
func (x *pathRun) send(k, i int, at time.Duration, packet []byte) {
	// Interface 0 is the link before the node; the client has the one behind it alone.
	n, from := k, event.Server
	if k == 0 || i == 1 {
		n, from = k+1, event.Client
	}
	x.links[n-1].Send(from, at, packet, link.Sent{})
}

// sender is send for one node.
func (x *pathRun) sender(k int) func(i int, at time.Duration, packet []byte) {
	return func(i int, at time.Duration, packet []byte) { x.send(k, i, at, packet) }
}

// deliver gives node k a packet, and sees what comes of it.
func (x *pathRun) deliver(k, i int, packet []byte) {
	x.nodes[k].Deliver(i, packet)
	if _, here := x.nodes[k].(*engine.Node); here {
		x.discards(k) // it has done all that follows
	}
}

// drive runs the path to its end and gives events to emit as they come.
func (x *pathRun) drive(ctx context.Context, emit func([]event.Event) bool) error {
	x.put(&event.Event{Kind: event.KindRun, Run: x.run})
	if err := x.start(); err != nil {
		return err
	}
	deadline := x.cfg.deadline(x.run.Clock)
	for {
		x.receive()
		last := vclock.Ran
		if !x.over() {
			if !emit(x.take()) {
				return nil
			}
			if last = x.loop.Step(ctx, deadline); last == vclock.Ran {
				continue
			}
		}
		x.conclude(last)
		emit(x.take())
		if last == vclock.Cancelled {
			return ctx.Err()
		}
		return nil
	}
}

// start has the server listen, and plans the client's datagrams.
func (x *pathRun) start() error {
	if err := x.server().Listen(x.socket(event.Server)); err != nil {
		return err
	}
	if err := x.client().Listen(x.socket(event.Client)); err != nil {
		return err
	}
	size := x.cfg.Size - x.cfg.header() - wire.UDPHeader
	x.sent = make([]sentDatagram, x.cfg.count())
	for i := range x.sent {
		data := make([]byte, size)
		app.NewPattern(x.cfg.Seed<<16^int64(i)).Fill(data, 0)
		x.sent[i].data = data
		x.plan(time.Duration(i)*between, func() { x.transmit(i) })
	}
	return nil
}

func (x *pathRun) client() pathEnd { return x.nodes[0].(pathEnd) }
func (x *pathRun) server() pathEnd { return x.nodes[len(x.nodes)-1].(pathEnd) }

// socket returns the address and port of an end.
func (x *pathRun) socket(h event.Host) netip.AddrPort {
	if h == event.Client {
		return netip.AddrPortFrom(x.cfg.address(1, 1), ClientPort)
	}
	return netip.AddrPortFrom(x.cfg.address(len(x.links), 2), ServerPort)
}

// plan has f called at the moment at.
func (x *pathRun) plan(at time.Duration, f func()) {
	x.planned++
	x.loop.At(at, func() {
		x.planned--
		f()
	})
}

// transmit sends datagram i.
func (x *pathRun) transmit(i int) {
	s := &x.sent[i]
	s.tries++
	x.sending = i
	at := x.loop.Now()
	x.put(&event.Event{T: int64(at), Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Write, Bytes: len(s.data)}})
	err := x.client().Send(engine.Datagram{Local: x.socket(event.Client), Remote: x.socket(event.Server), TTL: x.cfg.TTL, TOS: x.cfg.TOS, DF: x.cfg.DF, Data: s.data})
	if err != nil {
		s.cause = "the client's own stack refuses it: " + err.Error()
		x.put(&event.Event{T: int64(at), Kind: event.KindApp, Host: event.Client, App: event.App{Call: event.Failed, Err: err.Error()}})
		return
	}
	x.writtenBytes += int64(len(s.data))
}

// receive takes what has reached the server's application.
func (x *pathRun) receive() {
	for {
		data, ok := x.server().Receive(ServerPort)
		if !ok {
			return
		}
		x.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindApp, Host: event.Server, App: event.App{Call: event.Receive, Bytes: len(data)}})
		x.received++
		x.receivedBytes += int64(len(data))
		x.recognize(data)
	}
}

// recognize finds out which datagram the server has received.
func (x *pathRun) recognize(data []byte) {
	again := -1
	for i := range x.sent {
		if !bytes.Equal(x.sent[i].data, data) {
			continue
		}
		if x.sent[i].arrived == 0 {
			x.sent[i].arrived++
			return
		}
		again = i
	}
	if again < 0 {
		x.wrong++
		x.note(event.Warning, fmt.Sprintf("the server received %d octets that nobody has sent", len(data)))
		return
	}
	x.sent[again].arrived++
	x.note(event.Info, fmt.Sprintf("the server received datagram %d again", again+1))
}

// over reports whether nothing more can happen that the run is about.
func (x *pathRun) over() bool {
	if x.planned > 0 {
		return false
	}
	for _, l := range x.links {
		if l.InFlight() > 0 {
			return false
		}
	}
	for _, b := range x.buffers {
		if b.open && !x.delivered() {
			return false
		}
	}
	return x.run.Clock == event.Virtual || x.settled()
}

// delivered reports whether every datagram has arrived; then nobody waits for what is left in buffers.
func (x *pathRun) delivered() bool {
	return !slices.ContainsFunc(x.sent, func(s sentDatagram) bool { return s.arrived == 0 })
}

// grace is how long in real time nothing must happen before a run is over: a kernel works while we look.
const grace = 50 * time.Millisecond

// settled reports whether nothing has happened for a while, and plans to look again if not.
func (x *pathRun) settled() bool {
	now := x.loop.Now()
	if now-x.quietSince >= grace {
		return true
	}
	x.loop.At(x.quietSince+grace, func() {})
	return false
}

// note records a sentence.
func (x *pathRun) note(level event.Level, text string) {
	x.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindNote, Level: level, Text: text})
}

// put numbers an event and keeps it for take.
func (x *pathRun) put(e *event.Event) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n++
	x.last = max(x.last, e.T)
	out := *e
	out.N, out.T, out.Clock = x.n, x.last, x.run.Clock
	x.queue = append(x.queue, out)
	x.quietSince = x.loop.Now()
}

// take returns what waits.
func (x *pathRun) take() []event.Event {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := x.queue
	x.queue = nil
	return out
}

// conclude records what came of the run.
func (x *pathRun) conclude(last vclock.Outcome) {
	for k := range x.nodes {
		x.discards(k)
	}
	for _, r := range x.cfg.Faults {
		x.idle(&r)
	}
	for _, n := range x.nodes {
		if k, ok := n.(interface{ Err() error }); ok && k.Err() != nil {
			x.note(event.Warning, k.Err().Error())
		}
	}
	if x.kernels != nil && x.kernels.Groups > 0 {
		x.note(event.Info, fmt.Sprintf("%d packets that the kernels sent to groups of their links are not shown", x.kernels.Groups))
	}
	for _, b := range x.buffers {
		if b.open {
			x.note(event.Info, fmt.Sprintf("the server still holds fragments of datagram %d, until %v", b.datagram, b.until))
		}
	}
	e := &event.End{Reason: x.reason(last)}
	e.OK = e.Reason == ""
	c, s := x.links[0].Count(event.Client), x.links[len(x.links)-1].Count(event.Server)
	e.Client = event.Totals{Written: x.writtenBytes, Segments: c.Segments, Lost: c.Lost, Match: true}
	e.Server = event.Totals{Received: x.receivedBytes, Segments: s.Segments, Lost: s.Lost, Match: x.wrong == 0}
	x.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindEnd, End: e})
}

// idle says of a rule that did nothing.
func (x *pathRun) idle(r *link.Rule) {
	x.links[r.Link-1].Idle(func(rule *link.Rule, matched int) bool {
		if rule.Text != r.Text || rule.Link != r.Link {
			return true
		}
		did := "changed"
		if rule.Takes() {
			did = "took"
		}
		x.note(event.Warning, fmt.Sprintf("fault %q %s nothing: %d packets matched", rule.Text, did, matched))
		return false
	})
}

// reason says which datagram did not arrive and why, "" if all did.
func (x *pathRun) reason(last vclock.Outcome) string {
	if last == vclock.Cancelled {
		return "interrupted"
	}
	lost, first := 0, -1
	for i := range x.sent {
		if x.sent[i].arrived == 0 {
			if lost++; first < 0 {
				first = i
			}
		}
	}
	switch {
	case x.wrong > 0:
		return "the server received what nobody has sent"
	case lost == 0:
		return ""
	}
	what := "the datagram"
	if len(x.sent) > 1 {
		what = fmt.Sprintf("%d of %d datagrams did not arrive; datagram %d", lost, len(x.sent), first+1)
	}
	text := what + " did not arrive"
	if len(x.sent) > 1 {
		text = what
	}
	if cause := x.sent[first].cause; cause != "" {
		text += ": " + cause
	}
	if last == vclock.Late {
		text += "; the run was given up after " + x.cfg.deadline(x.run.Clock).String()
	}
	return text
}

// close ends all nodes.
func (x *pathRun) close() {
	for _, n := range x.nodes {
		if n != nil {
			n.Close()
		}
	}
	if x.kernels != nil {
		x.kernels.Close()
	}
}
