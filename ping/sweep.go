package ping

import (
	"context"
	"iter"
	"math/bits"
	"net/netip"
	"sync/atomic"
	"time"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// SweepConn is what a Sweep sends and receives through, normally a *probe.Batch;
// its methods are documented there.
type SweepConn interface {
	Send(datagrams []probe.Outgoing) (int, error)
	Receive() (*probe.Received, error)
	Wait(d time.Duration) error
	Wake()
}

// SweepSocket is what a Sweep has to know of the socket of one family.
type SweepSocket struct {
	Mode probe.Mode
	ID   uint16
}

// SweepConfig is what a Sweep is to do.
type SweepConfig struct {
	// Targets are the hosts that are to answer: each once, and at most MaxTargets.
	// The slice is not copied and not changed.
	Targets []netip.Addr
	// AnySource are the indexes of the targets that any host may answer for:
	// multicast and broadcast addresses.
	AnySource []int
	// IPv4 and IPv6 are the sockets of the families that Targets has.
	IPv4, IPv6 SweepSocket
	// Count is the number of probes for each target; 0 has no end.
	Count int64
	// Interval is the time from one probe to the next of the same target. With 0
	// the next round begins when all of the last one came back, or after 10 ms.
	Interval time.Duration
	// Rate bounds the probes of each second, to all targets together; 0 has no
	// bound. Burst is how many may go out at once, at least those of a millisecond.
	Rate, Burst int
	// Wait is how long to wait for the answer to a probe; what comes later is
	// Late. The run ends that long after its last probe. 0 waits without limit.
	Wait time.Duration
	// Deadline ends the run that long after its start; 0 has none.
	Deadline time.Duration
	// Stamped says that the sockets give transmit stamps. Without them probes are
	// handed over one by one: the time of each is that before its own call.
	Stamped bool
	// Size, Pattern, ReportUnanswered, ReportSent, UserTime and Random are those
	// of Config.
	Size                         int
	Pattern                      []byte
	ReportUnanswered, ReportSent bool
	UserTime                     bool
	Random                       func() uint64
}

// MaxTargets is how many targets a Sweep can tell apart: the cookie of each
// probe has 24 bits for it.
const MaxTargets = 1 << 24

// Sweep runs series of echo requests to many targets at once, all over one
// socket of each family.
//
// It sends in rounds, one probe for each target, in their order. Event.Seq
// counts for each target by itself, and its 16 low bits are the number on the
// wire, as if each target had a ping of its own. All share one identifier: an
// answer names its target by the cookie, of which 40 bits are random, and must
// come from that target's address. So any number of probes can be under way, on
// ping sockets too. Probes without room for a cookie, and errors that do not
// quote it, are told apart by the address alone.
//
// Memory is bounded: each target has a fixed number of places for probes that
// may still be answered. An answer to an older one is Foreign. What cannot be
// tied to a target has Target -1.
type Sweep struct {
	SweepConfig
	conn  SweepConn
	clock Clock

	stats   []Stats
	common  Stats // of no target
	slots   []sweepSlot
	places  int // slots of each target, a power of two
	byAddr  map[netip.Addr]int32
	pattern []byte // a whole message

	// patternSum is the sum of what is the same in each message.
	patternSum wire.Sum
	// out is what is prepared, and seqs are their numbers: the rest of the buffers.
	out, outBuffer   []probe.Outgoing
	seqs, seqsBuffer []int64
	messages         []byte

	now     Instant // of what is being handled
	event   Event
	yield   func(*Event, error) bool
	stopped bool

	// All times are on the monotonic clock.
	start, lastSent time.Duration
	round           int64         // from 0
	cursor          int           // the target whose probe is next
	roundAt         time.Duration // when the round begins, or began
	paced           time.Duration // when the rate allows the next probe
	backOff         time.Duration
	backOffSince    time.Duration
	notBefore       time.Duration // the end of the back-off
	settled         int64         // probes that came back, in any form, or were refused
	current         int64         // the number of the probes of the newest round
	awaited         int           // those of the newest round that did not
	took            bool          // the kernel took one of the newest round
	longest         time.Duration // the longest round-trip time
	pendingErrors   int64         // ICMP errors that were read
	drops           [2]uint32     // of the sockets for IPv4 and IPv6

	cancelled, statusWanted atomic.Bool
}

// NewSweep returns a Sweep over conn. It takes c as it is: the caller has
// checked it.
func NewSweep(conn SweepConn, clock Clock, c SweepConfig) *Sweep {
	c.Burst = max(c.Burst, int(slice*time.Duration(c.Rate)/time.Second)+1)
	s := &Sweep{SweepConfig: c, conn: conn, clock: clock, places: placesFor(&c)}
	s.stats = make([]Stats, len(c.Targets))
	s.slots = make([]sweepSlot, len(c.Targets)*s.places)
	s.pattern = newMessage(&Config{Size: c.Size, Pattern: c.Pattern})
	s.messages = make([]byte, probe.BatchLen*len(s.pattern))
	same := s.pattern[wire.ICMPHeader:]
	if c.Size >= stampLen {
		same = same[stampLen:]
	}
	s.patternSum = wire.Sum(0).Bytes(same)
	s.outBuffer = make([]probe.Outgoing, 0, probe.BatchLen)
	s.seqsBuffer = make([]int64, 0, probe.BatchLen)
	return s
}

// placesFor returns how many probes of one target are remembered: those of the
// time that an answer may take, and not more than bounds the memory.
func placesFor(c *SweepConfig) int {
	const many, manyInAll = 16, 1 << 16
	wanted := int64(c.Wait/max(c.Interval, floodInterval)) + 2
	if c.Wait == 0 {
		wanted = manyInAll
	}
	if c.Count > 0 {
		wanted = min(wanted, c.Count)
	}
	wanted = min(wanted, int64(max(many, manyInAll/max(len(c.Targets), 1))))
	return 1 << bits.Len64(uint64(wanted-1))
}

// Stats returns the figures of one target, of which Elapsed and Pipe are not
// kept. They may be read when Run is over, or by the consumer of its events.
func (s *Sweep) Stats(target int) *Stats { return &s.stats[target] }

// Common returns the figures that belong to no target: Foreign, Malformed,
// Dropped, Damaged and BackOffs.
func (s *Sweep) Common() *Stats { return &s.common }

// Elapsed returns the time from the first probe to the last.
func (s *Sweep) Elapsed() time.Duration { return s.lastSent - s.start }

// RequestStatus makes Run yield a Status event soon, with Target -1 and the
// figures of Common. Any goroutine may call it.
func (s *Sweep) RequestStatus() {
	s.statusWanted.Store(true)
	s.conn.Wake()
}

// Run sends probes until all series are complete, the deadline passes, or ctx
// ends, and yields what happens. An Event is valid until the next one. An error
// is a socket that does not work any more; it is the last value.
//
// A Sweep runs once.
func (s *Sweep) Run(ctx context.Context) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		stop := context.AfterFunc(ctx, func() {
			s.cancelled.Store(true)
			s.conn.Wake()
		})
		defer stop()
		s.yield = yield
		s.start = s.clock.Now().Mono
		s.lastSent, s.roundAt = s.start, s.start
		s.paced = s.start - time.Duration(s.Burst-1)*s.gap()
		err := s.loop()
		s.common.drop(s.conn)
		if err != nil && !s.stopped {
			yield(nil, err)
		}
	}
}

// loop does one thing at a time, in order of urgency: report, stop, send a
// batch, receive what waits, wait.
func (s *Sweep) loop() error {
	for {
		now := s.clock.Now()
		if s.statusWanted.CompareAndSwap(true, false) {
			s.common.drop(s.conn)
			s.emit(Event{Kind: Status, Target: -1, At: now.Wall, TTL: -1, Stats: &s.common})
		}
		switch {
		case s.over():
			return nil
		case s.outOfTime(now.Mono):
			_, err := s.receiveAll(batchesAtEnd)
			return err
		}
		sent, err := s.sendDue(now.Mono)
		if err != nil {
			return err
		}
		received, err := s.receiveAll(batchesAtOnce)
		if err != nil {
			return err
		}
		if sent || received {
			continue
		}
		if err := s.conn.Wait(s.pause(s.clock.Now().Mono)); err != nil {
			return err
		}
	}
}

// batchesAtOnce bounds what is read before the next probes: several times what a
// batch of them brings back, with their stamps.
const batchesAtOnce = 16

// batchesAtEnd bounds what is still read when time has run out: it arrived
// before, while another process had the processor.
const batchesAtEnd = 4096

// emit yields an event.
func (s *Sweep) emit(e Event) {
	if s.stopped {
		return
	}
	s.event = e
	s.stopped = !s.yield(&s.event, nil)
}

// allSent reports whether every probe has gone out.
func (s *Sweep) allSent() bool { return s.Count > 0 && s.round >= s.Count || len(s.Targets) == 0 }

// over reports whether the run has come to its end, whatever the time.
func (s *Sweep) over() bool {
	if s.stopped || s.cancelled.Load() {
		return true
	}
	return s.allSent() && s.settled >= s.Count*int64(len(s.Targets))
}

// outOfTime reports whether the deadline or the wait for the last answers has
// passed.
func (s *Sweep) outOfTime(now time.Duration) bool {
	if s.Deadline > 0 && now >= s.start+s.Deadline {
		return true
	}
	end, ends := s.end()
	return ends && now >= end
}

// end returns when the wait for the last answers ends. Where every target has
// answered the last round, what is still missing of earlier ones is waited for as
// ping waits for a single host: twice the longest round-trip time, or one
// interval.
func (s *Sweep) end() (time.Duration, bool) {
	switch {
	case !s.allSent():
		return 0, false
	case s.awaited == 0 && s.Wait > 0:
		return s.lastSent + min(s.Wait, max(2*s.longest, s.Interval, floodInterval)), true
	case s.awaited == 0:
		return s.lastSent + max(2*s.longest, s.Interval, floodInterval), true
	}
	return s.lastSent + s.Wait, s.Wait > 0
}

// pause returns how long nothing will have to be done, negative for ever.
func (s *Sweep) pause(now time.Duration) time.Duration {
	next := time.Duration(-1)
	until := func(t time.Duration) {
		if d := max(0, t-now); next < 0 || d < next {
			next = d
		}
	}
	if !s.allSent() {
		until(s.nextSend())
	}
	if end, ends := s.end(); ends {
		until(end)
	}
	if s.Deadline > 0 {
		until(s.start + s.Deadline)
	}
	return next
}
