package path

import (
	"math"
	"net/netip"
	"slices"
)

// Basis is what a figure rests on.
type Basis uint8

// The bases.
const (
	// Bound: the figure is a lower bound and no more.
	Bound Basis = iota
	// OwnLink: packets as long as our own link carries get through.
	OwnLink
	// Routers: a router named the figure, and the probes bear it out.
	Routers
	// Silence: probes that are longer by one byte are not answered.
	Silence
	// Replies: replies of that length came whole, longer ones in fragments.
	Replies
)

// String returns the word for the basis in machine formats.
func (b Basis) String() string {
	return [...]string{"lower_bound", "own_link", "router", "silence", "replies"}[min(b, Replies)]
}

// chance is how likely chance losses may explain the silence on which something
// is concluded.
const chance = 1e-6

// low is the largest size that got through, 0 when none did.
func (m *Measurement) low() int {
	low := 0
	for _, s := range m.probes() {
		if s.whole() && s.Fate == Answered {
			low = max(low, s.Size)
		}
	}
	return low
}

// high is the smallest size above low that did not get through, or one more than the top.
func (m *Measurement) high() int {
	low, high := m.low(), m.top+1
	for _, s := range m.probes() {
		if s.whole() && s.Size > low && s.Size < high && m.failed(s) {
			high = s.Size
		}
	}
	return high
}

// failed reports whether the size of a whole probe seems to be why it was not
// answered.
func (m *Measurement) failed(s *Probe) bool {
	return s.Fate == TooBig || m.unanswered(s)
}

// unanswered reports whether a whole probe of the method was silent although the
// host was there. That a router refused it without a word that can be true is no
// more.
func (m *Measurement) unanswered(s *Probe) bool {
	if !s.whole() || s.Method != m.method || !m.alive(s.Round, s.Method) {
		return false
	}
	if s.Fate != TooBig {
		return s.Fate == Silent
	}
	low := m.low()
	return !slices.ContainsFunc(s.Claims, func(c Claim) bool { return m.credible(s, c, low) })
}

// alive reports whether the host answered any probe of that method in a round:
// otherwise the silence of the others says nothing of their size.
func (m *Measurement) alive(round int, method Method) bool {
	for _, s := range m.probes() {
		if s.Round == round && s.Method == method && s.whole() && s.Fate == Answered && !s.Late {
			return true
		}
	}
	return false
}

// silent counts the whole probes of a size that were not answered although the
// host was there, and in how many rounds.
func (m *Measurement) silent(size int) (probes, rounds int) {
	last := 0
	for _, s := range m.probes() {
		if s.Size == size && m.unanswered(s) {
			probes++
			if s.Round != last {
				rounds, last = rounds+1, s.Round
			}
		}
	}
	return probes, rounds
}

// loss is the share of probes that are lost although they fit, a little above
// what was seen. Of the longest that fits it is not sure whether it still does.
func (m *Measurement) loss() float64 {
	low := m.low()
	sent, lost := 0, 0
	for _, s := range m.probes() {
		if s.whole() && s.Size < low && s.Method == m.method && m.alive(s.Round, s.Method) {
			sent++
			if m.unanswered(s) {
				lost++
			}
		}
	}
	return (float64(lost) + 0.5) / (float64(sent) + 1)
}

// lossOf is the share of probes of a size that are lost although they fit. Where
// the way back is narrower, the reply comes in pieces, of which none may be lost.
func (m *Measurement) lossOf(size int) float64 {
	loss := m.loss()
	if fragment := m.replied().fragment; m.method == Echo && fragment > 0 && size > fragment {
		pieces := (size + fragment - 1) / fragment
		return 1 - math.Pow(1-loss, float64(1+pieces)/2)
	}
	return loss
}

// needed is how many probes must stay silent before it is no chance.
func (m *Measurement) needed() int {
	n := math.Ceil(math.Log(chance) / math.Log(m.lossOf(m.low()+1)))
	return int(min(max(n, 4), 40))
}

// confidence is how sure silence makes us: 1 less the probability that so many
// probes are lost by chance.
func (m *Measurement) confidence(silent int) float64 {
	return 1 - math.Pow(m.lossOf(m.low()+1), float64(silent))
}

// claimed returns the smallest MTU that a router named and that the answers do
// not refute, 0 when there is none.
func (m *Measurement) claimed() int {
	low, best := m.low(), 0
	for _, s := range m.probes() {
		for _, c := range s.Claims {
			if m.credible(s, c, low) && (best == 0 || c.MTU < best) {
				best = c.MTU
			}
		}
	}
	return best
}

// hint is the MTU that a router named and that may be the path's: less than two
// packets up to that length are without an answer. 0 when there is none.
func (m *Measurement) hint() int {
	if claim := m.claimed(); claim > 0 && m.silentWithin(m.low(), claim) < 2 {
		return claim
	}
	return 0
}

// credible reports whether a claim can be true.
func (m *Measurement) credible(s *Probe, c Claim, low int) bool {
	return c.MTU >= max(low, m.floor) && c.MTU < s.Size && s.Fate != Answered && !m.lied(c.From)
}

// lied reports whether a router has complained of a probe that arrived: somebody
// forges messages in its name.
func (m *Measurement) lied(from netip.Addr) bool {
	for _, s := range m.probes() {
		if s.Fate == Answered && slices.ContainsFunc(s.Claims, func(c Claim) bool { return c.From == from }) {
			return true
		}
	}
	return false
}

// forward is what is known of the forward path: the figure and what it rests on.
func (m *Measurement) forward() (mtu int, basis Basis) {
	low := m.low()
	switch silent, rounds := m.silent(low + 1); {
	case low == 0:
		return 0, Bound
	case m.doubted(low):
		return low, Bound
	case low >= m.top:
		return low, OwnLink
	case m.claimed() == low && (m.refused(low+1) || silent >= 2 && 2*silent >= m.needed()):
		return low, Routers
	case silent < m.needed() || rounds < 2 || !m.stillFits(low):
	case m.refused(low + 1):
		return low, Routers
	default:
		return low, Silence
	}
	return low, Bound
}

// stillFits reports whether the size was answered in a round in which the next
// one was not: otherwise the path may have changed in between.
func (m *Measurement) stillFits(size int) bool {
	fits := 0
	for _, s := range m.probes() {
		if s.whole() && s.Size == size && s.Fate == Answered {
			fits = s.Round
		}
	}
	for _, s := range m.probes() {
		if s.Size == size+1 && m.unanswered(s) && s.Round <= fits {
			return true
		}
	}
	return false
}

// doubted reports whether the last probes of a size that was answered before were
// not: either that is chance, or the path is narrower now.
func (m *Measurement) doubted(size int) bool {
	fits, fails := 0, 0
	for _, s := range m.probes() {
		switch {
		case !s.whole() || s.Size != size:
		case s.Fate == Answered:
			fits = s.Round
		case m.failed(s):
			fails = s.Round
		}
	}
	return fails > fits
}

// refused reports whether a router refused a whole probe of that size, one that
// has not lied.
func (m *Measurement) refused(size int) bool {
	for _, s := range m.probes() {
		if s.whole() && s.Size == size && s.Fate == TooBig && m.believed(s) {
			return true
		}
	}
	return false
}

// believed reports whether a router that has not lied complains of a probe.
func (m *Measurement) believed(s *Probe) bool {
	return slices.ContainsFunc(s.Claims, func(c Claim) bool { return !m.lied(c.From) })
}

// askForward returns the probes that the forward path still needs.
func (m *Measurement) askForward() []Packet {
	if _, basis := m.forward(); basis != Bound {
		return nil
	}
	var burst []Packet
	for _, size := range m.forwardSizes() {
		burst = append(burst, m.probe(size))
	}
	return append(burst, m.otherMethod()...)
}

// otherMethod asks by UDP for what echo requests do not get through: its answers
// are short, so that they tell a request that is lost from a reply that is.
func (m *Measurement) otherMethod() []Packet {
	low := m.low()
	if m.method != Echo || m.high() != low+1 || !m.has(UDP) || m.sent(UDP, low+1) > 0 || m.claimed() == low {
		return nil
	}
	p := Packet{Method: UDP, Size: low + 1}
	return []Packet{p, p}
}

// sent counts the whole probes of a method and size.
func (m *Measurement) sent(method Method, size int) int {
	n := 0
	for _, s := range m.probes() {
		if s.whole() && s.Method == method && s.Size == size {
			n++
		}
	}
	return n
}

// replyLost reports whether a datagram got through that is longer than what echo
// requests are answered to, which is no chance: then the way back is the narrower
// one, and drops what it does not carry.
func (m *Measurement) replyLost() bool {
	echo, other := 0, 0
	for _, s := range m.probes() {
		switch {
		case !s.whole() || s.Fate != Answered:
		case s.Method == Echo:
			echo = max(echo, s.Size)
		default:
			other = max(other, s.Size)
		}
	}
	if m.method != Echo {
		return echo > 0 && other > echo
	}
	silent, _ := m.silent(echo + 1)
	return echo > 0 && other > echo && silent >= m.needed()
}

// forwardSizes are the sizes to ask for next.
func (m *Measurement) forwardSizes() []int {
	low, high := m.low(), m.high()
	var sizes []int
	if hint := m.hint(); hint > 0 {
		sizes = append(sizes, hint+1, hint)
		if hint > low {
			sizes = append(sizes, hint)
		} else if m.doubted(low) {
			sizes = append(sizes, slices.Repeat([]int{low}, m.doubts(low))...)
		}
		if high >= hint {
			return sizes
		}
	}
	if high > m.top {
		return append(sizes, m.top, m.top)
	}
	return append(sizes, m.search(low, high)...)
}

// silentWithin counts the silent probes of sizes above low up to the given one.
func (m *Measurement) silentWithin(low, size int) int {
	n := 0
	for _, s := range m.probes() {
		if s.Size > low && s.Size <= size && m.unanswered(s) {
			n++
		}
	}
	return n
}

// search are sizes in (low, high]. At the end only low+1 is left, which is asked
// for until its silence is no chance.
func (m *Measurement) search(low, high int) []int {
	if high == low+1 {
		silent, _ := m.silent(high)
		n := min(max(m.needed()-silent, 2), 10)
		// The one that fits goes with it: should it be silent too, the path has changed.
		return append(slices.Repeat([]int{high}, n), slices.Repeat([]int{low}, m.doubts(low))...)
	}
	n := gentle
	switch {
	case m.method == UDP:
		n = udpSizes
	case m.Fast:
		n = fast
	}
	sizes := between(low, high, n)
	if len(sizes) < n {
		sizes = append(sizes, low+1)
	}
	return sizes
}

// doubts is how often to ask for a size that was answered before: once, more often
// if it was not since.
func (m *Measurement) doubts(size int) int {
	silent := 0
	for _, s := range m.probes() {
		switch {
		case !s.whole() || s.Size != size:
		case s.Fate == Answered:
			silent = 0
		case m.unanswered(s):
			silent++
		}
	}
	if silent == 0 {
		return 1
	}
	return min(max(m.needed()-silent, 2), 10)
}

// udpSizes is how many sizes a round asks for by UDP: a host sends its answers in
// bursts of six (net/ipv4/inetpeer.c, inet_peer_xrlim_allow).
const udpSizes = 4
