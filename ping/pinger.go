package ping

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// Conn is the socket under a Pinger, normally a *probe.Socket; its methods are
// documented there.
type Conn interface {
	Send(message []byte) error
	Receive() (*probe.Message, error)
	Wait(d time.Duration) error
	Wake()
}

// dropCounter is a connection that knows what was dropped, without another packet
// to say it: a *probe.Socket, a *probe.Batch.
type dropCounter interface {
	Drops() (d probe.Drops, ok bool)
}

const (
	// floodInterval is how long an unanswered probe holds up the next one when
	// Interval is 0.
	floodInterval = 10 * time.Millisecond
	// maxBackOff bounds the pause after the device queue was full.
	maxBackOff = 500 * time.Millisecond
	// resends is how many pending errors of earlier probes one probe survives.
	resends = 8
)

// Pinger runs one series of echo requests to one target.
type Pinger struct {
	Config
	conn  Conn
	clock Clock

	message []byte
	table   table
	stats   Stats
	last    int64   // the number of the newest probe
	settled int64   // how many probes were answered, got an error or were refused
	now     Instant // the last reading of the clock
	current bool    // nothing that takes time has been done since
	event   Event
	yield   func(*Event, error) bool
	stopped bool // the consumer of the events has left

	// All times are on the monotonic clock.
	start, lastSent time.Duration
	nextSend        time.Duration
	interval        time.Duration
	end             time.Duration // when the wait for the last replies ends; 0 unknown
	backOff         time.Duration // the last pause after a full queue
	backOffSince    time.Duration
	answered        int64  // the highest number that came back, in any form
	stamps          uint32 // how many probes the kernel has accepted
	stampOf         [64]int64

	cancelled, statusWanted atomic.Bool
	notices                 notices
}

// New returns a Pinger over conn, which is ready to send to c.Target. It takes c
// as it is: the caller has checked it.
func New(conn Conn, clock Clock, c Config) *Pinger {
	c.Preload = max(c.Preload, 1)
	if c.Random == nil {
		c.Random = rand.Uint64
	}
	return &Pinger{Config: c, conn: conn, clock: clock, message: newMessage(&c), interval: c.Interval}
}

// Stats returns the figures. They may be read when Run is over, or by the
// consumer of its events.
func (p *Pinger) Stats() *Stats { return &p.stats }

// RequestStatus makes Run yield a Status event soon. Any goroutine may call it.
func (p *Pinger) RequestStatus() {
	p.statusWanted.Store(true)
	p.conn.Wake()
}

// Run sends probes until the series is complete, its deadline passes, or ctx
// ends, and yields what happens. An Event is valid until the next one. An error
// is a socket that does not work any more; it is the last value.
//
// A Pinger runs once.
func (p *Pinger) Run(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		stop := context.AfterFunc(ctx, func() {
			p.cancelled.Store(true)
			p.conn.Wake()
		})
		defer stop()
		p.yield = yield
		p.now = p.clock.Now()
		p.start = p.now.Mono
		p.nextSend = p.start
		if p.interval > 0 {
			p.nextSend -= time.Duration(p.Preload-1) * p.interval
		}
		err := p.loop()
		p.stats.drop(p.conn)
		for n := oldest(p.last); n <= p.last; n++ {
			if s := p.table.get(n); s != nil {
				p.forget(s)
			}
		}
		if err != nil && !p.stopped {
			yield(nil, err)
		}
	}
}

// loop does one thing at a time, in order of urgency: report, stop, send,
// receive, wait.
func (p *Pinger) loop() error {
	for {
		if p.statusWanted.Load() && p.statusWanted.CompareAndSwap(true, false) {
			p.stats.drop(p.conn)
			p.emit(Event{Kind: Status, At: p.now.Wall, Stats: &p.stats})
		}
		if p.notices.waiting.Load() && p.notices.waiting.CompareAndSwap(true, false) {
			p.emitNotices(p.now)
		}
		if p.over() {
			return nil
		}
		if p.outOfTime() {
			return p.sweep()
		}
		if p.sendDue() {
			p.sendNext()
			continue
		}
		// Sending and receiving have read the clock; time matters again when there
		// is neither to do.
		received, err := p.receive()
		if err != nil {
			return err
		}
		if received {
			continue
		}
		p.now = p.clock.Now()
		if p.outOfTime() || p.sendDue() {
			continue
		}
		if err := p.conn.Wait(p.pause()); err != nil {
			return err
		}
		p.now = p.clock.Now()
	}
}

// over reports whether the run has come to its end, whatever the time.
func (p *Pinger) over() bool {
	switch {
	case p.stopped || p.cancelled.Load():
		return true
	case p.Count == 0:
		return false
	case p.Deadline > 0:
		return p.stats.Received >= p.Count
	}
	return p.settled >= p.Count
}

// outOfTime reports whether the deadline or the wait for the last replies has
// passed.
func (p *Pinger) outOfTime() bool {
	now := p.now.Mono
	return p.Deadline > 0 && now >= p.start+p.Deadline || p.end > 0 && now >= p.end
}

// sweep takes what has arrived before time ran out and was not looked at,
// because another process had the processor: it is not lost. As much as can be
// in flight bounds it, should somebody flood us.
func (p *Pinger) sweep() error {
	for range window {
		if p.over() {
			return nil
		}
		if received, err := p.receive(); err != nil || !received {
			return err
		}
	}
	return nil
}

// allSent reports whether the series is complete. With a deadline probes go on
// until enough are answered.
func (p *Pinger) allSent() bool {
	return p.Count > 0 && p.last >= p.Count && p.Deadline == 0
}

func (p *Pinger) sendDue() bool {
	if p.allSent() {
		return false
	}
	return p.now.Mono >= p.nextSend || p.interval == 0 && p.backOff == 0 && p.inFlight() < int64(p.Preload)
}

// inFlight is the number of probes since the newest that came back.
func (p *Pinger) inFlight() int64 { return p.last - p.answered }

// pause returns how long nothing will have to be done, negative for ever.
func (p *Pinger) pause() time.Duration {
	next := time.Duration(-1)
	until := func(t time.Duration) {
		if d := max(0, t-p.now.Mono); next < 0 || d < next {
			next = d
		}
	}
	if !p.allSent() {
		until(p.nextSend)
	}
	if p.end > 0 {
		until(p.end)
	}
	if p.Deadline > 0 {
		until(p.start + p.Deadline)
	}
	return next
}

// emit yields e.
func (p *Pinger) emit(e Event) {
	p.event = e
	p.report()
}

// report yields the event that was put into p.event. There is one: who holds an
// event while others may happen keeps a copy.
func (p *Pinger) report() {
	if p.stopped {
		return
	}
	p.current = false
	p.stopped = !p.yield(&p.event, nil)
}

// sendNext sends the next probe and sets the time of the one after it.
func (p *Pinger) sendNext() {
	n := p.last + 1
	if p.ReportUnanswered && n > 1 && p.backOff == 0 {
		if last := p.table.get(n - 1); last != nil && !last.answered {
			p.emit(Event{Kind: Unanswered, Seq: n - 1, At: p.now.Wall})
		}
	}
	if old := p.table.get(n - window); old != nil {
		p.forget(old)
	}
	s := p.table.put(n)
	s.cookie = p.Random()
	err := p.transmit(s)
	if err != nil && full(err) && p.backOffFor(s) {
		*s = sent{}
		return
	}
	p.backOff = 0
	p.account(s, err)
	p.schedule(s.mono)
}

// forget takes leave of a probe: what became of it is what it was.
func (p *Pinger) forget(s *sent) {
	if p.Distribution != nil && !s.refused {
		p.Distribution.losses.settle(s.answered)
	}
}

// transmit hands probe s to the kernel. An error of an earlier probe that is
// still pending on the socket fails the call: it is read, and the call repeated.
func (p *Pinger) transmit(s *sent) error {
	var spare excuse
	for attempt := 0; ; attempt++ {
		if !p.current {
			p.now = p.clock.Now()
		}
		p.current = false
		s.mono, s.wall = p.now.Mono, p.now.Wall.UnixNano()
		p.fill(s)
		err := p.conn.Send(p.message)
		if err == nil || full(err) {
			return err
		}
		refused, pending := p.drain(s)
		if refused {
			return errRefused
		}
		if attempt == resends || pending == 0 && !spare.takes(err) {
			return err
		}
	}
}

// excuse says once of a probe that an error of a send is excused: one of a network kind
// may be one whose report was read before.
type excuse struct{ used bool }

func (x *excuse) takes(err error) bool {
	ok := !x.used && reported(err)
	x.used = true
	return ok
}

// reported tells the errors that an ICMP error of an earlier probe can leave on
// a socket (icmp_err_convert, net/ipv4/icmp.c).
func reported(err error) bool {
	for _, errno := range [...]unix.Errno{unix.EHOSTUNREACH, unix.ENETUNREACH, unix.ECONNREFUSED, unix.EPROTO,
		unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.EHOSTDOWN, unix.ENONET, unix.EACCES} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// errRefused stands for a refusal that has been reported already.
var errRefused = errors.New("refused by our own kernel")

// drain reads what waits on the socket after the send of s failed. It reports
// whether the kernel's reason was among it, and how many ICMP errors were.
func (p *Pinger) drain(s *sent) (refused bool, pending int) {
	for {
		m, err := p.conn.Receive()
		switch {
		case err != nil && errors.As(err, new(*probe.ParseError)):
			p.stats.Malformed++
			continue
		case err != nil || m == nil:
			return refused, pending
		}
		switch m.Kind {
		case probe.LocalError:
			refused = true
		case probe.ICMPError:
			pending++
		}
		p.handleFor(s.n, m)
	}
}

// full reports whether err means that the probe can be sent a little later.
func full(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EAGAIN)
}

// backOffFor puts the probe off. It gives up when the queue has been full for as
// long as one waits for a reply.
func (p *Pinger) backOffFor(s *sent) bool {
	if p.backOff == 0 {
		p.backOffSince = s.mono
	}
	p.backOff = min(max(2*p.backOff, floodInterval), maxBackOff)
	p.stats.BackOffs++
	p.nextSend = s.mono + p.backOff
	return p.Wait == 0 || s.mono-p.backOffSince < p.Wait
}

// account counts probe s and what became of it.
func (p *Pinger) account(s *sent, err error) {
	p.last = s.n
	s.refused = err != nil
	p.lastSent = s.mono
	p.stats.Elapsed = p.lastSent - p.start
	switch {
	case err == nil:
		p.stats.Transmitted++
		p.stampOf[p.stamps%uint32(len(p.stampOf))] = s.n
		p.stamps++
		if p.ReportSent {
			p.emit(Event{Kind: Sent, Seq: s.n, At: time.Unix(0, s.wall)})
		}
	case err == errRefused: // reported by localError
		p.stats.NotSent++
		p.settled++
	default:
		p.stats.NotSent++
		p.settled++
		p.emit(Event{Kind: NotSent, Seq: s.n, At: time.Unix(0, s.wall), TTL: -1, Err: err})
	}
}

// schedule sets the time of the next probe, and after the last one the end of
// the wait for replies.
func (p *Pinger) schedule(now time.Duration) {
	if p.interval == 0 {
		p.nextSend = now + floodInterval
	} else {
		// A late probe does not delay the next one, unless a whole interval is lost:
		// then the schedule starts again.
		if allowed := time.Duration(p.Preload) * p.interval; now-p.nextSend >= allowed {
			p.nextSend = now - allowed + p.interval
		}
		p.nextSend += p.interval
	}
	if !p.allSent() || p.end > 0 {
		return
	}
	switch {
	case p.stats.Received > 0:
		p.end = now + max(2*p.stats.RTT.Max, p.interval)
	case p.Wait > 0:
		p.end = now + p.Wait
	}
}

// adapt makes the interval follow the round-trip time, in whole milliseconds as
// iputils does: a fast network is flooded, one probe at a time.
func (p *Pinger) adapt() {
	if !p.Adaptive {
		return
	}
	p.interval = max(p.stats.RTT.Moving().Round(time.Millisecond), p.MinInterval)
	p.nextSend = p.lastSent + p.interval
	if p.interval == 0 {
		p.nextSend = p.lastSent + floodInterval
	}
}
