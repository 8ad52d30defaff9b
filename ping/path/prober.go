package path

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

const (
	// grace is how much later than the probe that was sent last an earlier one may
	// be answered.
	grace = 20 * time.Millisecond
	// patience is what is added to the round-trip time when nothing tells that
	// the burst has been through.
	patience = 200 * time.Millisecond
	// busy is the pause when the device's queue is full, and retries how often that
	// or a pending error is survived.
	busy    = 5 * time.Millisecond
	retries = 40
)

// Prober sends probes in rounds and matches what comes back.
type Prober struct {
	conn   Conn
	clock  ping.Clock
	family probe.Family
	target netip.Addr
	random func() uint64
	// Timeout is how long a round waits while no round-trip time is known.
	Timeout time.Duration
	// portRefusals says that a port which another host than the target calls
	// unreachable makes a probe Unreachable: a filter that rejects it, or the target by
	// another address. Else such messages are only counted.
	portRefusals bool

	table  []*Probe // in the order of their numbers, which count from 0 and begin again
	gone   int      // how many before those in the table are forgotten
	round  int
	burst  []*Probe // those of this round
	last   time.Duration
	rtt    time.Duration // the longest of the host's answers
	counts Counts
	// deviceMTU is what our own kernel said of the link when it refused a probe, 0: nothing.
	deviceMTU int
}

// Counts are what a Prober has seen apart from its probes.
type Counts struct {
	// Foreign counts answers that belong to no probe, OtherSource replies to our
	// probes from a host that was not asked, Duplicates further answers to a
	// probe, Malformed what could not be read.
	Foreign, OtherSource, Duplicates, Malformed int
	// Other is the last of the hosts that OtherSource counts.
	Other netip.Addr
	// Late counts the answers that came after the end of their round.
	Late int
	// BadExtensions counts ICMP errors about our probes with extensions that cannot
	// be read.
	BadExtensions int
	// Bytes is the length of all IP packets that were sent.
	Bytes int64
}

// NewProber returns a Prober that asks target.
func NewProber(conn Conn, clock ping.Clock, target netip.Addr, random func() uint64) *Prober {
	f := probe.IPv6
	if target.Is4() {
		f = probe.IPv4
	}
	return &Prober{conn: conn, clock: clock, family: f, target: target, random: random, Timeout: time.Second}
}

// Probes returns all probes so far, in the order in which they were sent. They
// belong to the Prober. Trace.Repeat forgets old ones.
func (p *Prober) Probes() []*Probe { return p.table }

// Counts returns what was seen apart from the probes.
func (p *Prober) Counts() Counts { return p.counts }

// Rounds returns the number of rounds so far.
func (p *Prober) Rounds() int { return p.round }

// numbers is how many there are: that of a probe has 16 bits.
const numbers = 1 << 16

// numbered returns the last probe with a number, nil when there is none or it is forgotten. Its cookie tells it from those before it.
func (p *Prober) numbered(number uint16) *Probe {
	later := p.next() - 1 - int(number)
	if later < 0 {
		return nil
	}
	at := int(number) + later/numbers*numbers - p.gone
	if at < 0 {
		return nil
	}
	return p.table[at]
}

// next is the place in the order of all probes that the next one has.
func (p *Prober) next() int { return p.gone + len(p.table) }

// forget leaves the last keep probes in the table. An answer to another one is Foreign from then on.
func (p *Prober) forget(keep int) {
	if n := len(p.table) - keep; n > 0 {
		p.table = append([]*Probe(nil), p.table[n:]...)
		p.gone += n
	}
}

// Round sends a burst and waits for its answers. It returns the probes, whose
// fates it has filled in; an answer that comes later still changes them. The
// errors are those of a socket that does not work, or of ctx.
func (p *Prober) Round(ctx context.Context, burst []Packet) ([]*Probe, error) {
	stop := context.AfterFunc(ctx, p.conn.Wake)
	defer stop()
	p.round++
	p.burst = nil
	for i := range burst {
		if ctx.Err() != nil {
			break
		}
		if err := p.send(&burst[i]); err != nil {
			return p.burst, err
		}
	}
	err := p.wait(ctx)
	for _, s := range p.burst {
		if s.Fate == Pending {
			s.Fate = Silent
		}
	}
	return p.burst, err
}

// send sends one probe. An ICMP error about an earlier one that is still pending
// on the socket fails the call; it is read, and the probe sent again.
func (p *Prober) send(packet *Packet) error {
	s := &Probe{Packet: *packet, Round: p.round, ReplyTTL: -1}
	s.Number, s.Cookie = uint16(p.next()), p.random()
	p.table = append(p.table, s)
	p.burst = append(p.burst, s)
	excused := false
	for attempt := 0; ; attempt++ {
		now := p.clock.Now()
		s.Sent, s.At = now.Mono, now.Wall
		p.last = now.Mono
		err := p.conn.Send(&s.Packet)
		if err == nil {
			p.counts.Bytes += int64(s.Size)
			s.MTU = 0
			return p.drain()
		}
		if errors.As(err, new(*probe.SocketError)) {
			return err
		}
		if attempt < retries && p.again(s, err, &excused) {
			continue
		}
		s.Fate, s.Err, s.RTT = Refused, err, p.clock.Now().Mono-s.Sent
		return p.drain()
	}
}

// again reports whether a probe that could not be sent may be sent after all, and
// makes room for it. The kernel puts an ICMP error on the queue before it leaves its
// number on the socket (ip_icmp_error, then __udp4_lib_err): who reads in between
// finds no report later. One error that has none is excused.
//
// Our own kernel is believed when it says the same of a probe twice. A route that is
// replaced while a packet is made for it, as by a router's message, has the blackhole
// device for that moment (dst_dev_put, net/core/dst.c), whose MTU is 68: IPv4 names
// that as the link's (__ip_append_data, net/ipv4/ip_output.c), IPv6 finds it too
// little (ip6_setup_cork, net/ipv6/ip6_output.c).
func (p *Prober) again(s *Probe, err error, excused *bool) bool {
	switch errno := unix.Errno(0); {
	case !errors.As(err, &errno):
		return false
	case errno == unix.ENOBUFS || errno == unix.ENOMEM || errno == unix.EAGAIN:
		return p.conn.Wait(busy) == nil && p.drain() == nil
	case pendingError(errno):
		said := s.MTU
		local, pending := p.pending(s)
		if local && s.MTU == said {
			p.deviceMTU = said
			return false
		}
		if local || pending {
			return true
		}
	case errno != unix.EINVAL || p.family == probe.IPv4:
		return false
	}
	again := !*excused
	*excused = true
	return again
}

// pending reads what waits on the socket after the send of s failed: whether
// the kernel itself refused s, and whether there was an error about another.
func (p *Prober) pending(s *Probe) (local, other bool) {
	for {
		a, err := p.conn.Receive()
		switch {
		case errors.As(err, new(*probe.ParseError)):
			p.counts.Malformed++
		case err != nil || a == nil:
			return local, other
		case a.Kind == LocalError:
			local = true
			s.MTU = int(a.Info)
		default:
			other = true
			p.take(a)
		}
	}
}

// drain takes the answers that have arrived.
func (p *Prober) drain() error {
	for {
		a, err := p.conn.Receive()
		switch {
		case errors.As(err, new(*probe.ParseError)):
			p.counts.Malformed++
		case err != nil:
			return err
		case a == nil:
			return nil
		default:
			p.take(a)
		}
	}
}

// wait waits for the answers of the burst.
func (p *Prober) wait(ctx context.Context) error {
	for {
		if err := p.drain(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		now := p.clock.Now().Mono
		end, open := p.end()
		if !open || now >= end {
			return nil
		}
		if err := p.conn.Wait(end - now); err != nil {
			return err
		}
	}
}

// end returns when the round ends if nothing more arrives; open is false when
// everything has. Links deliver in order as a rule: once a probe that was sent
// behind all others is answered, the others had their chance.
func (p *Prober) end() (at time.Duration, open bool) {
	behind := time.Duration(-1)
	for _, s := range p.burst {
		switch {
		case s.Fate == Pending:
			open = true
			if !s.Control {
				behind = -1
			}
		case !s.Control:
			behind = -1
		case s.Fate == Answered && behind < 0:
			behind = s.Sent + s.RTT
		}
	}
	switch {
	case behind >= 0:
		return behind + max(p.rtt, grace), open
	case p.rtt > 0:
		return p.last + max(4*p.rtt, p.rtt+patience), open
	}
	return p.last + p.Timeout, open
}

// maxClaims bounds what is kept of the messages about one probe that a link is too narrow.
const maxClaims = 64

// take matches an answer with its probe.
func (p *Prober) take(a *Answer) {
	s := p.numbered(a.Number)
	if s == nil {
		if a.Number != deviceNumber || a.Method != Echo || a.HasCookie {
			p.counts.Foreign++
		}
		return
	}
	if s.Method != a.Method || a.HasCookie && a.Cookie != s.Cookie || a.Kind == Reply && !a.HasCookie ||
		a.Kind == ICMPError && !sameHost(a.About, p.target) {
		p.counts.Foreign++
		return
	}
	fate := p.fate(a)
	if fate == Answered && !sameHost(a.From, p.target) {
		if a.Kind != ICMPError || !p.portRefusals {
			p.counts.OtherSource++
			p.counts.Other = a.From
			return
		}
		fate = Unreachable
	}
	if fate == TooBig && len(s.Claims) < maxClaims {
		s.Claims = append(s.Claims, Claim{MTU: int(a.Info), From: a.From})
	}
	p.settle(s, a, fate)
}

// settle notes the fate of s, unless a stronger one is known: an answer of the host
// is stronger than what others say of its probe, and that its time to live ended
// shows that no link before was too narrow.
func (p *Prober) settle(s *Probe, a *Answer, fate Fate) {
	switch {
	case s.Fate == fate, s.Fate == Answered:
		p.counts.Duplicates++
		return
	case s.Fate != Pending && s.Fate != Silent && fate != Answered && !(s.Fate == TooBig && fate == Exceeded):
		return
	}
	s.Late = s.Round != p.round || s.Fate == Silent
	if s.Late {
		p.counts.Late++
	}
	s.Extensions, s.BadExtensions = readExtensions(a)
	if s.BadExtensions {
		p.counts.BadExtensions++
	}
	now := p.clock.Now()
	s.Fate, s.From, s.ReplyTTL, s.Type, s.Code = fate, a.From, a.TTL, a.Type, a.Code
	s.RTT = now.Mono - s.Sent
	if d := a.Stamp.Sub(s.At); !a.Stamp.IsZero() && d > 0 && d < s.RTT {
		s.RTT = d
	}
	if fate == Answered {
		s.ReplyFragment, s.ReplySize, s.Means = a.FragmentSize, a.Size, a.Means
		if a.Kind == ICMPError {
			s.Means = ByPort
		}
		p.rtt = max(p.rtt, s.RTT)
	}
}

// The codes of "port unreachable" (RFC 792; RFC 4443, section 3.1).
const noPort4, noPort6 = 3, 4

// fate is what an answer says of its probe. A port that is unreachable is the
// answer that a UDP probe asks for.
func (p *Prober) fate(a *Answer) Fate {
	if a.Kind == Reply {
		return Answered
	}
	six := p.family == probe.IPv6
	switch {
	case six && a.Type == wire.ICMPv6TooBig, !six && a.Type == wire.ICMPv4Unreachable && a.Code == wire.ICMPv4FragNeeded:
		return TooBig
	case six && a.Type == wire.ICMPv6TimeExceeded && a.Code == 0, !six && a.Type == wire.ICMPv4TimeExceeded && a.Code == 0:
		return Exceeded
	case a.Method != UDP:
	case six && a.Type == wire.ICMPv6Unreachable && a.Code == noPort6, !six && a.Type == wire.ICMPv4Unreachable && a.Code == noPort4:
		return Answered
	}
	return Unreachable
}
