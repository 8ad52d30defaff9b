package path

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"time"

	"gnet/ping"
	"gnet/ping/probe"
)

// Config is what a Measurement is to do.
type Config struct {
	// Target is the host at the other end of the path.
	Target netip.Addr
	// DeviceMTU is the MTU of our own link, above which nothing is sent.
	DeviceMTU int
	// Fast sends all known sizes in the first burst, some 160 kB.
	Fast bool
	// MaxRounds bounds the rounds; 0 is 24.
	MaxRounds int
	// Methods are those that the Conn has besides Echo, in the order of preference.
	Methods []Method
	// Pieces says that the Conn can send fragments of our own making.
	Pieces bool
	// ForwardOnly leaves all questions but that for the forward path's MTU.
	ForwardOnly bool
	// Random gives the cookies.
	Random func() uint64
}

// Measurement measures one path, once.
type Measurement struct {
	Config
	prober *Prober
	family probe.Family
	floor  int
	// top is the largest size that may be sent: it follows the link's MTU.
	top    int
	method Method
	// reached says that the host answers it.
	reached bool
	// first is the first probe that counts: those before it saw another path.
	first, changes int
	// tokens are how many answers to UDP the host is thought to have left, at the
	// time paid.
	tokens float64
	paid   time.Duration
	began  time.Duration
}

// New returns a Measurement over conn.
func New(conn Conn, clock ping.Clock, c Config) *Measurement {
	if c.MaxRounds == 0 {
		c.MaxRounds = 24
	}
	p := NewProber(conn, clock, c.Target, c.Random)
	return &Measurement{Config: c, prober: p, family: p.family, floor: minimum(p.family), top: min(c.DeviceMTU, maxPacket),
		tokens: udpBurst, paid: clock.Now().Mono, began: clock.Now().Mono}
}

// maxPacket is the longest IP packet that is sent.
const maxPacket = 1<<16 - 1

// probes are those that count.
func (m *Measurement) probes() []*Probe { return m.prober.table[m.first:] }

// Prober returns the prober, for its settings and its table.
func (m *Measurement) Prober() *Prober { return m.prober }

// Run measures, and yields each probe when its round is over. A Probe belongs to
// the Measurement; an answer that comes late still changes it. An error is a socket
// that does not work, or that of ctx, and is the last value; Result tells what is
// known by then.
func (m *Measurement) Run(ctx context.Context) iter.Seq2[*Probe, error] {
	return func(yield func(*Probe, error) bool) {
		for burst := m.opening(); len(burst) > 0 && m.prober.round < m.MaxRounds; burst = m.next() {
			m.pace(ctx, burst)
			probes, err := m.prober.Round(ctx, burst)
			m.refund(probes)
			for _, s := range probes {
				if !yield(s, nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
				return
			}
			m.noteDevice()
		}
	}
}

// udpBurst is how many unreachable ports a host reports at once; then it is one a
// second (net/ipv4/inetpeer.c, inet_peer_xrlim_allow).
const udpBurst = 6

// pace waits until the host may answer the UDP probes of a burst.
func (m *Measurement) pace(ctx context.Context, burst []Packet) {
	cost := 0.0
	for i := range burst {
		if burst[i].Method == UDP && burst[i].TTL == 0 {
			cost++
		}
	}
	cost = min(cost, udpBurst)
	for ctx.Err() == nil {
		now := m.prober.clock.Now().Mono
		m.tokens, m.paid = min(m.tokens+(now-m.paid).Seconds(), udpBurst), now
		if cost <= m.tokens {
			m.tokens -= cost
			return
		}
		if m.prober.conn.Wait(time.Duration((cost-m.tokens)*float64(time.Second))+time.Millisecond) != nil || m.prober.drain() != nil {
			return // the round meets the same error
		}
	}
}

// refund gives back what the host has not spent: probes that did not arrive.
func (m *Measurement) refund(probes []*Probe) {
	for _, s := range probes {
		if s.Method == UDP && s.TTL == 0 && !s.Control && s.Fate != Answered {
			m.tokens = min(m.tokens+1, udpBurst)
		}
	}
}

// noteDevice lowers the top when our own link became narrower.
func (m *Measurement) noteDevice() {
	mtu := m.prober.deviceMTU
	if mtu == 0 || mtu >= m.top {
		return
	}
	m.top = mtu
	if m.low() > mtu {
		m.restart()
	}
}

// restart forgets what was learned of another path.
func (m *Measurement) restart() {
	m.first = len(m.prober.table)
	m.changes++
}

// opening is the first burst.
func (m *Measurement) opening() []Packet {
	var burst []Packet
	for _, size := range openingSizes(m.top, m.Fast) {
		burst = append(burst, m.probe(size))
	}
	if (m.top <= 2002 || m.Fast) && !m.ForwardOnly {
		burst = append(burst, m.fragmented(m.beyond()))
	}
	return m.framed(burst)
}

// next is the burst that the open questions ask for, none when they are answered.
func (m *Measurement) next() []Packet {
	if !m.reachable() {
		return m.waken()
	}
	if m.changed() || m.low() == 0 {
		return m.opening()
	}
	burst := m.askForward()
	if !m.ForwardOnly {
		burst = slices.Concat(burst, m.askReverse(), m.askLimit(), m.askFragments())
	}
	if len(burst) == 0 {
		return nil
	}
	return m.framed(burst)
}

// maxChanges is how often a measurement begins again.
const maxChanges = 3

// changed reports whether the path has become narrower than what was answered
// before. Then nothing of what was learned counts any more.
func (m *Measurement) changed() bool {
	low, last := m.low(), 0
	for _, s := range m.probes() {
		if s.whole() && s.Size == low && s.Fate == Answered {
			last = s.Round
		}
	}
	silent, rounds := 0, 0
	for _, s := range m.probes() {
		if s.Size == low && s.Round > last && (m.unanswered(s) || s.whole() && s.Fate == TooBig) {
			silent++
			rounds = max(rounds, s.Round-last)
		}
	}
	if low == 0 || silent < m.needed() || rounds < 2 || m.changes == maxChanges {
		return false
	}
	m.restart()
	return true
}

// framed puts a burst in order, from the largest, and control probes about it:
// one that says soon that the host is there, and two that say that the burst is
// through. So a size that is too large by one is under way before the one that
// fits: its answer cannot be overtaken by the other's.
func (m *Measurement) framed(burst []Packet) []Packet {
	slices.SortStableFunc(burst, func(a, b Packet) int { return cmp.Compare(b.Size, a.Size) })
	control := m.probe(m.smallest())
	control.Control = true
	if m.method == UDP {
		return append([]Packet{control}, burst...) // few of its answers come each second
	}
	return append(append([]Packet{control}, burst...), control, control)
}

// probe is a packet of a size that may not be fragmented.
func (m *Measurement) probe(size int) Packet { return Packet{Method: m.method, Size: size} }

// fragmented is an echo request that may be fragmented.
func (m *Measurement) fragmented(size int) Packet {
	p := Packet{Method: Echo, Size: size, Fragment: true}
	if m.family == probe.IPv6 {
		p.FragmentSize = max(m.floor, min(m.low(), m.top))
		p.Pieces = m.Pieces
	}
	return p
}

// beyond is a size that our own link carries in fragments only.
func (m *Measurement) beyond() int { return min(m.top+8, maxPacket) }

// reachable reports whether the host answers, and settles by which method it is
// asked.
func (m *Measurement) reachable() bool {
	if m.reached {
		if m.method == Echo && m.replyLost() {
			m.method = UDP
		}
		return true
	}
	for _, method := range m.all() {
		for _, s := range m.probes() {
			if s.Method == method && s.Fate == Answered && s.whole() {
				m.method, m.reached = method, true
				return true
			}
		}
	}
	return false
}

// all are the methods of the Conn.
func (m *Measurement) all() []Method { return append([]Method{Echo}, m.Methods...) }

// has reports whether the Conn has a method.
func (m *Measurement) has(method Method) bool { return slices.Contains(m.all(), method) }

// waken asks a host that is silent so far in every way there is, twice.
func (m *Measurement) waken() []Packet {
	if m.prober.round > 2 {
		return nil
	}
	var burst []Packet
	for _, method := range m.all() {
		p := Packet{Method: method, Size: m.smallest(), Control: true}
		burst = append(burst, p, p)
	}
	return burst
}

// Interrupted reports whether an error of Run is the end of its context.
func Interrupted(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
