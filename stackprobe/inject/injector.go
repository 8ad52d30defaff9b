package inject

import (
	"net/netip"
	"sync"
	"time"

	"gnet/stackprobe/event"
)

// Clock is what this package needs of time; all moments are durations since the start of the run.
type Clock interface {
	Now() time.Duration
	// At has f called on the clock's goroutine at the moment at, at once if that has passed.
	At(at time.Duration, f func())
}

// Config says what an Injector has to do.
type Config struct {
	Clock Clock
	Lines []Line
	// Client and Server are the sockets of the run's first connection.
	Client, Server netip.AddrPort
	// Put puts a packet on the link that bears the address of from, or of its source.
	Put func(from event.Host, packet []byte, line string)
	// Note takes a sentence about a line that could not be followed.
	Note func(text string)
}

// Injector puts crafted segments on the link.
type Injector struct {
	c Config

	mu    sync.Mutex
	conns map[ends]*[3]progress // by event.Host
	seen  []int                 // matches so far, by line
	// waiting counts segments whose moment is known and has not come.
	waiting int
}

// ends are the two sockets of a connection.
type ends struct{ client, server netip.AddrPort }

// New returns an injector that does nothing before Start.
func New(c Config) *Injector {
	return &Injector{c: c, conns: make(map[ends]*[3]progress), seen: make([]int, len(c.Lines))}
}

// Start has the clock put those segments on the link that have a moment.
func (j *Injector) Start() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.c.Lines {
		if l := &j.c.Lines[i]; !l.When.On {
			j.seen[i] = 1
			j.schedule(l, l.When.At)
		}
	}
}

// Pending returns the number of segments whose moment is known and has not come.
func (j *Injector) Pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.waiting
}

// Idle yields the lines whose segment never came that they wait for.
func (j *Injector) Idle(yield func(*Line) bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.c.Lines {
		if l := &j.c.Lines[i]; l.When.On && j.seen[i] < l.When.N && !yield(l) {
			return
		}
	}
}

// Observe takes an event of the link, of which those of segments that leave count. It calls nobody, and may be called from
// any goroutine.
func (j *Injector) Observe(e *event.Event) {
	if e.Kind != event.KindTx || e.Seg.Origin == event.Injected {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	s := &e.Seg
	key := ends{s.Src, s.Dst}
	if e.Host == event.Server {
		key = ends{s.Dst, s.Src}
	}
	j.between(key)[e.Host%3].sends(s.Flags.Has(event.SYN), s.Flags.Has(event.RST), s.Seq, s.Space())
	for i := range j.c.Lines {
		l := &j.c.Lines[i]
		if w := &l.When; w.On && w.Of == e.Host && key.client.Port() == j.port(l) && w.Match.has(s.Flags, s.Len) {
			if j.seen[i]++; j.seen[i] == w.N {
				j.schedule(l, time.Duration(e.T)+w.After)
			}
		}
	}
}

// maxConns bounds the connections of which the numbers are known.
const maxConns = 1 << 14

// between returns the numbers of a connection; j.mu is held.
func (j *Injector) between(key ends) *[3]progress {
	c := j.conns[key]
	if c == nil {
		c = new([3]progress)
		if len(j.conns) < maxConns {
			j.conns[key] = c
		}
	}
	return c
}

// port is the client's port of a line, the first of several.
func (j *Injector) port(l *Line) uint16 {
	if l.Low != 0 {
		return l.Low
	}
	return j.c.Client.Port()
}

// schedule has the clock put the segments of l on the link from the moment at on; j.mu is held.
func (j *Injector) schedule(l *Line, at time.Duration) {
	low := j.port(l)
	for i := range max(int(l.High)-int(low), 0) + 1 {
		j.waiting++
		j.c.Clock.At(at+time.Duration(i)*l.Every, func() { j.put(l, low+uint16(i)) })
	}
}

// put puts the segment of l with that client's port on the link.
func (j *Injector) put(l *Line, port uint16) {
	key := ends{netip.AddrPortFrom(j.c.Client.Addr(), port), j.c.Server}
	if l.Source.IsValid() {
		key.client = netip.AddrPortFrom(l.Source, port)
	}
	src, dst := key.client, key.server
	if l.From == event.Server {
		src, dst = dst, src
	}
	j.mu.Lock()
	j.waiting--
	c := j.between(key)
	mine, peers := &c[l.From], &c[l.From.Peer()]
	seq, ok := l.Segment.Seq.of(mine, mine.nxt)
	ack, okAck := l.Segment.Ack.of(peers, peers.nxt)
	j.mu.Unlock()
	if !ok || !okAck && l.Segment.acknowledges() {
		j.c.Note("inject " + l.Text + ": nothing is known of the numbers of this connection")
		return
	}
	packet, err := craft(&l.Segment, src, dst, seq, ack)
	if err != nil {
		j.c.Note("inject " + l.Text + ": " + err.Error())
		return
	}
	j.c.Put(l.From, packet, l.Text)
}
