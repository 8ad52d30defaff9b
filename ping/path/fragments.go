package path

import (
	"math"
	"slices"

	"gnet/ping/probe"
)

// Cause is why packets die that are longer than the path's MTU.
type Cause uint8

// The causes.
const (
	// NoCause: none die without a word, as far as was asked.
	NoCause Cause = iota
	// Unknown: they die, and the probes do not tell why.
	Unknown
	// Filtered: a router cuts them when it may, so it knows its MTU; the messages in
	// which it says so do not arrive.
	Filtered
	// Mismatch: a link drops them although the router before it sends them: the two
	// ends of the link do not have the same MTU.
	Mismatch
	// RequestFragments: fragments do not arrive at the host.
	RequestFragments
	// ReplyFragments: fragments arrive at the host, and its own do not come back.
	ReplyFragments
	// MismatchOrFragments: one of Mismatch and RequestFragments; telling them apart
	// needs small fragments, for which only a raw socket will do.
	MismatchOrFragments
)

// String returns the word for the cause in machine formats.
func (c Cause) String() string {
	return [...]string{"none", "unknown", "icmp_filtered", "mtu_mismatch", "request_fragments_dropped", "reply_fragments_dropped",
		"mtu_mismatch_or_request_fragments_dropped"}[min(c, MismatchOrFragments)]
}

// trial counts the probes of a kind.
func (m *Measurement) trial(kind func(*Probe) bool) Trial {
	var t Trial
	for _, s := range m.probes() {
		switch {
		case !kind(s):
		case s.Fate == Refused:
			t.Refused++
		default:
			t.Sent++
			if s.Fate == Answered {
				t.Answered++
			}
		}
	}
	return t
}

// trials are the fates of the probes that tell causes apart.
func (m *Measurement) trials() Fragments {
	echo := func(s *Probe) bool { return s.Method == Echo && s.Fragment && s.Size > m.smallest() }
	low := m.low()
	return Fragments{
		Long:      m.trial(func(s *Probe) bool { return echo(s) && m.long(s) }),
		Cut:       m.trial(func(s *Probe) bool { return echo(s) && s.Size > low && !m.long(s) }),
		Datagrams: m.trial(func(s *Probe) bool { return s.Method == UDP && s.Fragment }),
		Ports:     m.trial(func(s *Probe) bool { return s.Method == UDP && s.whole() }),
		Pieces:    m.trial(func(s *Probe) bool { return s.Pieces && s.Size == m.smallest() }),
	}
}

// long reports whether a packet leaves in fragments, or is the longest there is.
func (m *Measurement) long(s *Probe) bool { return s.Size > m.top || s.Size == maxPacket }

// open reports whether a trial deserves another probe.
func (t Trial) open(needed int) bool { return t.Answered == 0 && t.Sent+t.Refused < needed }

// answers reports whether the host answers a method.
func (m *Measurement) answers(method Method) bool {
	return slices.ContainsFunc(m.probes(), func(s *Probe) bool { return s.Method == method && s.whole() && s.Fate == Answered })
}

// neededFragments is needed for packets in fragments: each way takes two of them.
func (m *Measurement) neededFragments() int {
	through := 1 - m.loss()
	return max(4, int(min(math.Ceil(math.Log(chance)/math.Log(1-through*through)), 60)))
}

// askFragments returns the probes that tell whether fragments get through, and
// if not, why.
func (m *Measurement) askFragments() []Packet {
	t, low := m.trials(), m.low()
	needed := m.neededFragments()
	if !m.answers(Echo) {
		return m.askDatagrams(t, needed)
	}
	if t.Long.Answered > 0 || m.beyond() <= low {
		return nil
	}
	var burst []Packet
	if t.Long.open(needed) {
		burst = append(burst, m.fragmented(m.beyond()), m.fragmented(m.beyond()))
	}
	if t.Long.Sent == 0 || m.family == probe.IPv6 && t.Long.Sent < 3 {
		return burst // the host does not know its way back before its first long reply is lost
	}
	if m.family == probe.IPv4 && low < m.top && m.top < m.beyond() && t.Cut.open(needed) {
		burst = append(burst, m.fragmented(m.top), m.fragmented(m.top))
	}
	if m.Pieces && t.Pieces.open(needed) {
		p := Packet{Method: Echo, Size: m.smallest(), Pieces: true, Fragment: true, FragmentSize: m.smallest() - 16}
		burst = append(burst, p, p)
	}
	if m.has(UDP) && t.Ports.open(portTries) {
		burst = append(burst, Packet{Method: UDP, Size: m.smallest()})
	}
	return append(burst, m.askDatagrams(t, needed)...)
}

// portTries is how often a port is asked before the host is thought to be silent.
const portTries = 3

// askDatagrams sends long datagrams, to which the answer is short.
func (m *Measurement) askDatagrams(t Fragments, needed int) []Packet {
	if !m.has(UDP) || !t.Datagrams.open(needed) || t.Ports.Answered == 0 && t.Ports.Sent >= portTries {
		return nil
	}
	if !m.answers(Echo) && !m.answers(UDP) {
		return nil
	}
	p := m.fragmented(m.beyond())
	p.Method, p.Pieces = UDP, false
	return []Packet{p, p}
}

// cause says why long packets die, from what became of fragments.
func (m *Measurement) cause() Cause {
	t := m.trials()
	_, basis := m.forward()
	dark := basis == Silence
	switch {
	case t.Long.Answered > 0 || t.Cut.Answered > 0, t.Datagrams.Answered > 0 && !m.answers(Echo):
		if dark {
			return Filtered
		}
		return NoCause
	case !m.answers(Echo):
		if dark {
			return Unknown
		}
		return NoCause
	case t.Datagrams.Answered > 0, m.method == UDP && m.replyLost() && t.Datagrams.open(m.neededFragments()):
		return ReplyFragments
	case t.Long.Sent == 0 && !dark:
		return NoCause
	case t.Pieces.Answered > 0 && dark:
		return Mismatch
	case t.Pieces.Sent > 0 && t.Pieces.Answered == 0 && t.Ports.Answered == 0 && t.Datagrams.Sent > 0:
		return RequestFragments // even small ones, the other way was not open to ask
	case t.Pieces.Sent > 0 && t.Pieces.Answered == 0 && t.Ports.Answered > 0:
		return RequestFragments
	case t.Ports.Answered == 0:
		return Unknown
	case dark && m.family == probe.IPv4:
		return MismatchOrFragments
	case t.Datagrams.Sent > 0:
		return RequestFragments
	}
	return Unknown
}
