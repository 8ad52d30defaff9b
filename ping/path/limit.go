package path

import (
	"net/netip"
	"slices"
)

// Limit is the link that sets the forward path's MTU.
type Limit struct {
	// Hop is the number of the router that cannot send more over it, counted from 1;
	// 0 is this host. From is its address, as far as it told one.
	Hop  int
	From netip.Addr
	// NextHop is the number of the next host that answered, and Next its address:
	// Hop+1 when the link lies between the two alone.
	NextHop int
	Next    netip.Addr
	// Named says that the router itself named its MTU. Otherwise Evidence is the
	// silence behind it.
	Named bool
	Evidence
}

const (
	// maxHops bounds the hops that are asked.
	maxHops = 40
	// smallTries is how often a router is asked for its address. Routers send few
	// time exceeded messages each second.
	smallTries = 2
	// maxLarge, and twice what is needed, bound the long probes to one hop.
	maxLarge = 8
	// sure is how sure silence must make us before a link is named.
	sure = 0.999
	// near is how close the size must be known before hops are asked for one that is
	// too long.
	near = 24
)

// askLimit returns the probes that tell which link is the narrow one. A probe
// whose time to live ends at hop k is answered there if it passed the links
// before, and the time to live is looked at before the length: of a small probe
// and one that is too long by one byte to every hop, the first router that answers
// only the small one stands behind the link.
func (m *Measurement) askLimit() []Packet {
	low, high, hint := m.low(), m.high(), m.hint()
	_, basis := m.forward()
	if low == 0 || basis == OwnLink {
		return nil
	}
	var burst []Packet
	for hop := 1; hop <= m.hops(); hop++ {
		if m.hopTries(hop, m.smallest()) < smallTries && !m.hopAnswered(hop, 0) {
			burst = append(burst, m.hopProbe(hop, m.smallest()))
		}
	}
	named := hint > 0 && (len(burst) > 0 || basis == Bound || m.namedHop() > 0)
	if named || basis == Bound && high-low > near {
		return burst // it may be named yet, or the size be found
	}
	return append(burst, m.askLarge(high)...)
}

// askLarge asks the hops for a probe that does not pass the whole path.
func (m *Measurement) askLarge(size int) []Packet {
	last := m.lastPassed()
	var burst []Packet
	for hop := last + 1; hop < m.hops(); hop++ {
		switch {
		case m.hopAnswered(hop, 0) && m.hopTries(hop, 0) > 0:
			return append(burst, m.askBehind(hop, size)...)
		case m.hopTries(hop, size) == 0:
			burst = append(burst, m.hopProbe(hop, size))
			if m.hopAnswered(hop, 0) {
				burst = append(burst, m.hopProbe(hop, m.smallest()))
			}
		}
	}
	return burst
}

// askBehind asks a hop that answers, but not to long probes, until its silence is no
// chance. A short probe goes with them: what a router does not answer because it
// has answered enough says nothing.
func (m *Measurement) askBehind(hop, size int) []Packet {
	exact, _ := m.largeTries(hop, size, size)
	tries, rounds := m.largeTries(hop, m.low()+1, m.low()+near)
	if m.refusedBefore(hop, size) || exact >= 2 && tries >= m.needed() && rounds > 1 || m.hopTries(hop, 0) > maxLarge+2*m.needed() {
		return nil
	}
	var burst []Packet
	for range min(max(m.needed()-tries, 2-exact, 1), 5) {
		burst = append(burst, m.hopProbe(hop, size))
	}
	return append(burst, m.hopProbe(hop, m.smallest()))
}

// refusedBefore reports whether a router before a hop has refused a probe of that
// size to it.
func (m *Measurement) refusedBefore(hop, size int) bool {
	return slices.ContainsFunc(m.probes(), func(s *Probe) bool {
		return s.TTL == hop && s.Size == size && s.Fate == TooBig && m.believed(s)
	})
}

// largeTries counts the probes of these sizes to a hop in rounds in which it
// answered a short one, and those rounds.
func (m *Measurement) largeTries(hop, from, to int) (n, rounds int) {
	last := 0
	for _, s := range m.probes() {
		if s.TTL != hop || s.Size < from || s.Size > to || !m.hopAlive(hop, s.Round) {
			continue
		}
		n++
		if s.Round != last {
			rounds, last = rounds+1, s.Round
		}
	}
	return n, rounds
}

// hopAlive reports whether a hop answered a short probe in a round.
func (m *Measurement) hopAlive(hop, round int) bool {
	return slices.ContainsFunc(m.probes(), func(s *Probe) bool {
		return s.TTL == hop && s.Round == round && s.Size == m.smallest() && (s.Fate == Exceeded || s.Fate == Answered)
	})
}

// smallest is the size of a control probe.
func (m *Measurement) smallest() int { return smallest(m.family) }

func (m *Measurement) hopProbe(hop, size int) Packet {
	p := m.probe(size)
	p.TTL = hop
	return p
}

// hops is the number of the host itself: the first time to live that reaches it,
// else what its replies let guess. Systems begin with 64, 128 or 255.
func (m *Measurement) hops() int {
	guess, reached, beyond := 0, 0, 0
	for _, s := range m.probes() {
		switch {
		case s.Pieces || s.Fragment:
		case s.TTL > 0 && s.Fate == Answered && (reached == 0 || s.TTL < reached):
			reached = s.TTL
		case s.TTL > 0 && s.Fate == Exceeded:
			beyond = max(beyond, s.TTL+1)
		case s.TTL == 0 && s.Fate == Answered && s.ReplyTTL > 0 && guess == 0:
			guess = hopsBack(s.ReplyTTL)
		}
	}
	switch {
	case reached > 0:
		return reached
	case guess == 0:
		guess = 16
	}
	return min(max(guess, beyond), maxHops)
}

// hopsBack guesses from the time to live of a reply how far away its sender is.
func hopsBack(ttl int) int {
	for _, first := range []int{64, 128, 255} {
		if ttl <= first {
			return first - ttl + 1
		}
	}
	return 1
}

// hopTries counts the probes of a size to a hop, and with 0 those of all sizes but
// the smallest.
func (m *Measurement) hopTries(hop, size int) int {
	n := 0
	for _, s := range m.probes() {
		if s.TTL == hop && (s.Size == size || size == 0 && s.Size != m.smallest()) {
			n++
		}
	}
	return n
}

// hopAnswered reports whether a probe of at least that size is known to have
// reached a hop.
func (m *Measurement) hopAnswered(hop, size int) bool {
	for _, s := range m.probes() {
		if s.TTL == hop && s.Size >= size && (s.Fate == Exceeded || s.Fate == Answered) {
			return true
		}
	}
	return false
}

// hopAddr is the address with which a hop answered.
func (m *Measurement) hopAddr(hop int) netip.Addr {
	for _, s := range m.probes() {
		if s.TTL == hop && (s.Fate == Exceeded || s.Fate == Answered) {
			return s.From
		}
	}
	return netip.Addr{}
}

// namedHop is the only hop that has the address of the router which named the
// MTU, 0 when none or several have, or may have: some networks give all their routers
// one, and a hop that is silent may have any.
func (m *Measurement) namedHop() int {
	from := m.namedBy()
	if !from.IsValid() {
		return 0
	}
	found := 0
	for hop := 1; hop < m.hops(); hop++ {
		switch addr := m.hopAddr(hop); {
		case !addr.IsValid(), addr == from && found > 0:
			return 0
		case addr == from:
			found = hop
		}
	}
	return found
}

// namedBy is the address of the router that named the MTU, if it did.
func (m *Measurement) namedBy() netip.Addr { return m.claimant(m.hint()) }

// claimant is the first router that named an MTU.
func (m *Measurement) claimant(claim int) netip.Addr {
	low := m.low()
	for _, s := range m.probes() {
		for _, c := range s.Claims {
			if claim > 0 && c.MTU == claim && m.credible(s, c, low) {
				return c.From
			}
		}
	}
	return netip.Addr{}
}

// lastPassed is the last hop that a probe longer than the path carries reached.
func (m *Measurement) lastPassed() int {
	last, low := 0, m.low()
	for _, s := range m.probes() {
		if s.TTL > last && s.Size > low && s.Fate == Exceeded {
			last = s.TTL
		}
	}
	return last
}

// limit says which link is the narrow one; ok is false when that is not known.
func (m *Measurement) limit() (l Limit, ok bool) {
	low := m.low()
	_, basis := m.forward()
	switch hop := m.namedHop(); {
	case basis == OwnLink:
		return Limit{NextHop: 1, Next: m.hopAddr(1)}, true
	case basis == Bound:
		return Limit{}, false
	case basis == Routers && hop > 0:
		l = m.behind(hop)
		l.Named = true
		l.Evidence = m.evidence(func(s *Probe) bool { return s.whole() && s.Size > low && s.Fate == TooBig && s.From == l.From })
		return l, true
	}
	l = m.behind(m.lastPassed())
	l.Evidence = m.evidence(func(s *Probe) bool {
		return s.TTL == l.NextHop && s.Size > low && s.Size <= low+near && m.hopAlive(l.NextHop, s.Round)
	})
	l.Evidence.Confidence = m.confidence(l.Evidence.Silent)
	if l.NextHop == m.hops() { // the host itself: what was sent to it counts
		l.Evidence = m.evidence(func(s *Probe) bool { return s.whole() && s.Size == low+1 })
		l.Evidence.Confidence = m.confidence(l.Evidence.Silent)
	}
	if basis == Routers && m.namedBy().IsValid() {
		l.From, l.Named = m.namedBy(), true
	}
	return l, m.shut(l.NextHop, low+1, &l.Evidence)
}

// shut reports whether probes of just that size do not reach a hop: a router has
// refused one, or they were silent more than once, and with others in more rounds
// than one. Longer ones alone may have met another link.
func (m *Measurement) shut(hop, size int, e *Evidence) bool {
	silent := 0
	for _, s := range m.probes() {
		switch {
		case s.Size != size || s.TTL != hop && (s.TTL > 0 || hop != m.hops() || !s.whole()):
		case s.Fate == TooBig && m.believed(s):
			return true
		case s.TTL > 0 && !m.hopAlive(hop, s.Round):
		case s.Fate == Silent || s.Fate == TooBig:
			silent++
		}
	}
	return silent > 1 && e.Rounds > 1 && e.Confidence > sure
}

// behind is the link behind a hop, up to the next that answered.
func (m *Measurement) behind(hop int) Limit {
	l := Limit{Hop: hop, From: m.hopAddr(hop)}
	for next := hop + 1; next <= m.hops(); next++ {
		if next == m.hops() || m.hopAnswered(next, 0) {
			l.NextHop, l.Next = next, m.hopAddr(next)
			break
		}
	}
	if l.NextHop == m.hops() {
		l.Next = m.Target
	}
	return l
}
