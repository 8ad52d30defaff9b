package path

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"

	"gnet/ping"
)

// HopConfig is what a Trace is to do.
type HopConfig struct {
	// Target is the host at the other end, Method what the probes are.
	Target netip.Addr
	Method Method
	// Size is the length of the first probe; the kernel and routers make the next
	// ones shorter. MaxHops is the largest time to live.
	Size, MaxHops int
	// Measure finds the path MTU when routers are silent about it, and is called once;
	// nil when that cannot be done. An error leaves it unknown.
	Measure func(context.Context) (mtu int, err error)
	// Random gives the cookies.
	Random func() uint64
}

const (
	// window is how many hops are asked at once. The host beyond the last router
	// answers for all that are too many, and routers send few errors a second.
	window = 4
	// hopTries is how often a silent hop is asked. The last time is more than hostSpan after
	// the first: a router that sends one error a second, the least of a usual kernel's limits
	// (icmp_ratelimit, icmp(7)), has one for it whatever it sent before.
	hopTries = 3
	// hopSmall is a length that every link carries (RFC 791, section 3.2).
	hopSmall = 68
	// hopWait is the shortest wait for a router: its errors are made by a slow path.
	hopWait = 500 * time.Millisecond
	// lateWait is after how long a hop is silent behind which nobody has answered: a
	// router asks three times, a second apart, for the next one before it says that
	// this does not answer (RFC 4861, section 10; arp(7), mcast_solicit).
	lateWait = 4 * time.Second
	lateStep = 100 * time.Millisecond
)

// HopKind is what a HopEvent tells.
type HopKind uint8

// The kinds.
const (
	// HopAnswer: a router, or the host, answered Probe, which its Fate tells.
	HopAnswer HopKind = iota + 1
	// HopSilent: nobody answered.
	HopSilent
	// HopNotSent: our own kernel refused Probe.
	HopNotSent
	// OwnMTU: the link of this host carries MTU bytes.
	OwnMTU
	// RouterMTU: a router said that its next link carries MTU bytes.
	RouterMTU
	// SilentMTU: packets longer than MTU bytes die in silence before this hop, or, as
	// Measure found, before the host.
	SilentMTU
	// DoubtfulMTU: Probe was called too long for a link of MTU bytes, which cannot
	// be true.
	DoubtfulMTU
)

// HopEvent is one thing that was found, in the order of the hops.
type HopEvent struct {
	Kind HopKind
	TTL  int
	MTU  int
	// From is who named an MTU that cannot be true.
	From netip.Addr
	// Probe is the one that found it, nil of a silent hop.
	Probe *Probe
}

// Trace finds the hops of one path, once.
type Trace struct {
	HopConfig
	prober   *Prober
	conn     Conn
	hops     [][]*Probe // by time to live
	head     int        // the first hop that was not told yet
	mtu      int        // the length of the probes
	told     int        // the MTU as told so far
	twice    bool       // the first hop is asked twice
	end      int        // the lowest time to live that ends the path, or MaxHops
	over     bool
	searched int // the last hop to which the MTU was searched for
	hole     int // the MTU that was found where routers are silent about it, or 0
	doubted  []Claim
	window   int
	longest  time.Duration // of all round-trip times
	// Of Repeat: the last hop that is asked, and of each hop what is known of the probes that are not kept.
	reach   int
	folded  []foldedHop
	spoke   bool   // one of those was answered
	arrived *Probe // the first of those that the host answered, at the hop end
}

// NewTrace returns a Trace over conn.
func NewTrace(conn Conn, clock ping.Clock, c HopConfig) *Trace {
	t := &Trace{HopConfig: c, prober: NewProber(conn, clock, c.Target, c.Random), conn: conn, hops: make([][]*Probe, c.MaxHops+1),
		head: 1, mtu: c.Size, told: c.Size, end: c.MaxHops, window: window}
	t.prober.portRefusals = true
	return t
}

// MTU returns the length of the packets that passed so far.
func (t *Trace) MTU() int { return t.told }

// TooMany reports whether MaxHops ended the trace, short of the host and without an
// error.
func (t *Trace) TooMany() bool { return !t.over && t.head > t.MaxHops }

// Counts returns what was seen apart from the probes.
func (t *Trace) Counts() Counts { return t.prober.Counts() }

// Rounds returns the number of bursts so far.
func (t *Trace) Rounds() int { return t.prober.Rounds() }

// Reached returns the answer of the host, nil when there was none or Run has not told it.
func (t *Trace) Reached() *Probe {
	if t.end < 1 || t.end > t.MaxHops || t.end >= t.head {
		return nil
	}
	if t.arrived != nil && t.arrived.TTL == t.end {
		return t.arrived
	}
	for _, s := range t.hops[t.end] {
		if s.Fate == Answered {
			return s
		}
	}
	return nil
}

// Run finds the hops and yields what it finds, each hop when it is known. The
// probe of an event belongs to the Trace; the event is valid until the next. An
// error is a socket that does not work, or that of ctx, and is the last value.
func (t *Trace) Run(ctx context.Context) iter.Seq2[*HopEvent, error] {
	return func(yield func(*HopEvent, error) bool) {
		for !t.over && t.head <= t.end {
			if err := t.step(ctx); err != nil {
				yield(nil, err)
				return
			}
			if ok, err := t.tellRipe(ctx, yield); err != nil {
				yield(nil, err)
				return
			} else if !ok {
				return
			}
		}
		t.tellChanges(yield)
	}
}

// step asks the next hops, or waits for late answers when there are none.
func (t *Trace) step(ctx context.Context) error {
	if burst := t.burst(); len(burst) > 0 && t.tail(burst[0].TTL) {
		return t.askWhole(ctx, burst) // in parts it would take longer: each has a wait of its own
	} else if len(burst) > 0 {
		return t.askSome(ctx, burst)
	}
	err := t.pause(ctx, lateStep)
	t.learn()
	return err
}

// tellRipe yields the hops of which all is known. Before each it looks whether that is where
// long packets vanish.
func (t *Trace) tellRipe(ctx context.Context, yield func(*HopEvent, error) bool) (ok bool, err error) {
	for {
		if t.blackHole() {
			if err := t.measure(ctx); err != nil {
				return false, err
			}
		}
		if t.over || t.head > t.end || !t.ripe(t.head) {
			return true, nil
		}
		if !t.tell(yield) {
			return false, nil
		}
	}
}

// ripe reports whether all that can be known of a hop has had its time.
func (t *Trace) ripe(ttl int) bool {
	if !t.known(ttl) {
		return false
	}
	for later := ttl; later <= t.MaxHops; later++ {
		for _, s := range t.hops[later] {
			if decisive(s) || later == ttl && refused(s) {
				return true
			}
		}
	}
	return t.prober.clock.Now().Mono-t.hops[ttl][0].Sent >= lateWait
}

// ask sends a burst and takes in what it tells.
func (t *Trace) ask(ctx context.Context, burst []Packet) error {
	q, quotes := t.conn.(quoter)
	if quotes {
		q.alone(nil)
	}
	probes, err := t.round(ctx, burst, q)
	for _, s := range probes {
		t.hops[s.TTL] = append(t.hops[s.TTL], s)
		t.longest = max(t.longest, s.RTT)
	}
	t.prober.Timeout = min(time.Second, max(hopWait, 4*t.longest))
	t.learn()
	if quotes && q.shorts() > 0 {
		t.window = 1
	}
	return err
}

// round is one round of the prober. Where errors quote too little, each probe is
// one of its own.
func (t *Trace) round(ctx context.Context, burst []Packet, q quoter) ([]*Probe, error) {
	if q == nil || t.window > 1 {
		return t.prober.Round(ctx, burst)
	}
	var all []*Probe
	for i := range burst {
		q.alone(&Packet{Number: uint16(t.prober.next())})
		probes, err := t.prober.Round(ctx, burst[i:i+1])
		if all = append(all, probes...); err != nil {
			return all, err
		}
	}
	return all, nil
}

// learn takes in all fates: an answer may come late.
func (t *Trace) learn() {
	for ttl := t.head; ttl <= t.MaxHops; ttl++ {
		for _, s := range t.hops[ttl] {
			switch {
			case s.Fate == Answered || s.Fate == Unreachable:
				t.end = min(t.end, ttl)
			case s.Fate == Refused && s.MTU > 0 && s.MTU < s.Size:
				t.mtu, t.twice = min(t.mtu, s.MTU), true
			case s.Fate == TooBig && t.claimed(s) > 0:
				t.mtu = min(t.mtu, t.claimed(s))
			}
		}
	}
}

// claimed returns the MTU that a router named for s, 0 when it cannot be true.
func (t *Trace) claimed(s *Probe) int {
	least := 0
	for _, c := range s.Claims {
		if c.MTU >= minimum(t.prober.family) && c.MTU < s.Size && (least == 0 || c.MTU < least) {
			least = c.MTU
		}
	}
	return least
}

// burst is the next one: every hop in the window that is not known. The window
// begins at the first of those.
func (t *Trace) burst() []Packet {
	if len(t.prober.table) == 0 {
		return []Packet{t.packet(1, t.mtu)} // the kernel may refuse it
	}
	var burst []Packet
	first := t.head
	for first <= t.end && t.known(first) {
		first++
	}
	if t.tail(first) {
		return t.tailBurst(first)
	}
	for ttl := first; ttl < first+t.window && ttl <= t.end; ttl++ {
		if t.known(ttl) {
			continue
		}
		tries := t.silent(ttl, t.mtu)
		if tries == hopTries-1 && t.early(ttl) {
			continue
		}
		if ttl == 1 && t.twice && tries == 0 && t.decided(ttl) == 0 {
			burst = append(burst, t.packet(ttl, t.mtu))
		}
		burst = append(burst, t.packet(ttl, t.mtu))
		if tries > 0 && t.mtu > hopSmall && t.small(ttl) == nil {
			burst = append(burst, t.packet(ttl, hopSmall))
		}
	}
	return burst
}

// early reports whether a hop may be silent because of what it sent just before it was asked
// for the first time.
func (t *Trace) early(ttl int) bool {
	for _, s := range t.hops[ttl] {
		if s.Size == t.mtu {
			return t.prober.clock.Now().Mono-s.Sent < t.span()+grace
		}
	}
	return false
}

func (t *Trace) packet(ttl, size int) Packet {
	return Packet{Method: t.Method, TTL: ttl, Size: size}
}

// decisive reports whether s says who is at its hop.
func decisive(s *Probe) bool {
	return s.Fate == Exceeded || s.Fate == Answered || s.Fate == Unreachable
}

// refused reports whether our own kernel does not send s at any length.
func refused(s *Probe) bool { return s.Fate == Refused && (s.MTU == 0 || s.MTU >= s.Size) }

// late reports whether the first probe that a hop answered had been given up.
func (t *Trace) late(ttl int) bool {
	for _, s := range t.hops[ttl] {
		if decisive(s) {
			return s.Late
		}
	}
	return false
}

// decided counts the answers of a hop to probes of full length.
func (t *Trace) decided(ttl int) int {
	n := 0
	for _, s := range t.hops[ttl] {
		if decisive(s) && s.Size >= t.mtu {
			n++
		}
	}
	return n
}

// silent counts the probes of a length, or longer than what routers have named,
// that nobody answered.
func (t *Trace) silent(ttl, size int) int {
	n := 0
	for _, s := range t.hops[ttl] {
		if s.Size == size && (s.Fate == Silent || s.Fate == TooBig && t.claimed(s) == 0) {
			n++
		}
	}
	return n
}

// small returns the answer to a short probe, nil when there was none.
func (t *Trace) small(ttl int) *Probe {
	for _, s := range t.hops[ttl] {
		if s.Size < t.mtu && decisive(s) {
			return s
		}
	}
	return nil
}

// known reports whether a hop need not be asked again.
func (t *Trace) known(ttl int) bool {
	want, have, tries := 1, t.decided(ttl), t.silent(ttl, t.mtu)
	if ttl == 1 && t.twice {
		want = 2
	}
	for _, s := range t.hops[ttl] {
		if refused(s) {
			return true
		}
	}
	enough := have >= want || have > 0 && have+tries >= hopTries || tries >= hopTries
	return enough || t.unheard(ttl) >= tailProbes && t.tail(ttl)
}

// blackHole reports whether the first unknown hop answers short probes alone.
func (t *Trace) blackHole() bool {
	return t.head <= t.end && t.searched < t.head && t.decided(t.head) == 0 && t.silent(t.head, t.mtu) >= 2 && t.small(t.head) != nil
}

// measure finds what the path carries behind a router that does not say: to the
// host by Measure, and where that fails, or finds nothing that explains the silence, to
// the first hop that is silent. Where routers spread flows over several links, the
// packets of Measure may go another way than the trace's.
func (t *Trace) measure(ctx context.Context) error {
	if measure := t.Measure; measure != nil {
		t.Measure = nil
		if mtu, err := measure(ctx); err == nil && mtu > 0 && mtu < t.mtu {
			t.shorten(mtu)
			return nil
		}
	}
	t.searched = t.head
	mtu, err := t.search(ctx, t.head)
	t.shorten(mtu)
	return err
}

// shorten makes the probes as long as what gets through a black hole.
func (t *Trace) shorten(mtu int) {
	if mtu < t.mtu {
		t.mtu, t.hole = mtu, mtu
	}
}

// tell yields what is known of the first hop that was not told, and goes to the
// next.
func (t *Trace) tell(yield func(*HopEvent, error) bool) bool {
	ttl, answered, answers := t.head, false, 1
	if ttl == 1 && t.twice && !t.late(ttl) {
		answers = 2
	}
	t.head++
	least := t.told
	if t.hole == 0 || t.hole >= t.told {
		least = t.mtu // routers behind this one have named an MTU already
	}
	for _, s := range t.hops[ttl] {
		ev := HopEvent{TTL: ttl, Probe: s}
		if !t.tellDoubts(ttl, s, yield) {
			return false
		}
		switch {
		case s.Fate == Refused && s.MTU > 0 && s.MTU < s.Size:
			if s.MTU >= t.told {
				continue
			}
			ev.Kind, ev.MTU, t.told = OwnMTU, s.MTU, s.MTU
		case s.Fate == Refused:
			ev.Kind, answered, t.over = HopNotSent, true, true
		case s.Fate == TooBig && t.claimed(s) > 0 && t.claimed(s) < t.told:
			ev.Kind, ev.MTU = RouterMTU, t.claimed(s)
			t.told = ev.MTU
		case decisive(s) && s.Size >= least && answers > 0:
			if s.Fate == Answered && s.Size < t.told && !t.tellChanges(yield) {
				return false
			}
			ev.Kind, answered = HopAnswer, true
			answers--
			t.over = t.over || s.Fate != Exceeded
		default:
			continue
		}
		if !yield(&ev, nil) {
			return false
		}
	}
	return answered || t.tellSilent(ttl, yield)
}

// tellSilent yields a hop that did not answer a probe of full length so far as it
// was told: that is known to be too long now, or it is the hop.
func (t *Trace) tellSilent(ttl int, yield func(*HopEvent, error) bool) bool {
	if t.hole > 0 && t.hole < t.told && t.decided(ttl) > 0 {
		t.told = t.hole
		if !yield(&HopEvent{Kind: SilentMTU, TTL: ttl, MTU: t.hole}, nil) {
			return false
		}
		t.head = ttl
		return t.tell(yield)
	}
	small := t.small(ttl)
	if small == nil {
		return yield(&HopEvent{Kind: HopSilent, TTL: ttl}, nil)
	}
	t.over = t.over || small.Fate != Exceeded
	return yield(&HopEvent{Kind: HopAnswer, TTL: ttl, Probe: small}, nil)
}

// maxDoubts bounds what is told of MTUs that cannot be true: somebody may send new ones for ever.
const maxDoubts = 1000

// tellDoubts yields the MTUs that were named for s and cannot be true, among them those
// of a packet that came through, once for each who named one.
func (t *Trace) tellDoubts(ttl int, s *Probe, yield func(*HopEvent, error) bool) bool {
	for _, c := range s.Claims {
		believed := s.Fate == TooBig && c.MTU >= minimum(t.prober.family) && c.MTU < s.Size
		if believed || len(t.doubted) == maxDoubts || slices.Contains(t.doubted, c) {
			continue
		}
		t.doubted = append(t.doubted, c)
		if !yield(&HopEvent{Kind: DoubtfulMTU, TTL: ttl, MTU: c.MTU, From: c.From, Probe: s}, nil) {
			return false
		}
	}
	return true
}
