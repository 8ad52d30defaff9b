package path

import "gnet/ping/probe"

// replies is what the echo replies tell of the way back.
type replies struct {
	// whole is the longest reply that came whole, cut the shortest that came in
	// fragments, fragment the longest fragment; 0 when there was none.
	whole, cut, fragment int
}

// replied reports whether an echo request was answered by a reply of its length.
func (p *Probe) replied() bool {
	return p.Method == Echo && p.Fate == Answered && p.ReplySize == p.Size
}

// replied reads the echo replies. They have the size of their request; the host
// sends them without Don't Fragment over IPv4, and as it knows the path over
// IPv6.
func (m *Measurement) replied() replies {
	var r replies
	for _, s := range m.probes() {
		switch {
		case !s.replied():
		case s.ReplyFragment == 0:
			r.whole = max(r.whole, s.ReplySize)
		case r.cut == 0 || s.ReplySize < r.cut:
			r.cut = s.ReplySize
		}
		if s.replied() {
			r.fragment = max(r.fragment, s.ReplyFragment)
		}
	}
	return r
}

// reverse is what is known of the way back. It rests on answers alone.
func (m *Measurement) reverse() (mtu int, basis Basis) {
	r := m.replied()
	switch {
	case r.cut > 0 && r.cut == r.whole+1:
		return r.whole, Replies
	case r.cut > 0 && r.cut <= r.whole:
		return 0, Bound // the path changed in between
	case r.whole >= m.top:
		return r.whole, OwnLink
	}
	return max(r.whole, r.fragment), Bound
}

// askReverse returns the probes that the way back still needs. Fragments carry a
// multiple of 8 bytes, so that the MTU is the length of the longest one or up
// to 7 more: all of them are asked for at once.
func (m *Measurement) askReverse() []Packet {
	if _, basis := m.reverse(); basis != Bound || !m.answers(Echo) {
		return nil
	}
	r := m.replied()
	if r.cut <= r.whole {
		return nil // askFragments sends what must come back in fragments
	}
	if m.family == probe.IPv6 && !m.Pieces && m.hint() == 0 {
		return nil // our kernel cuts at what routers named, and they named nothing
	}
	var burst []Packet
	for size := max(r.whole+1, r.fragment); size <= min(r.cut-1, r.fragment+8); size++ {
		if m.fragmentedSent(size) < m.neededFragments() {
			burst = append(burst, m.fragmented(size))
		}
	}
	return burst
}

// fragmentedSent counts the echo requests of a size that may be fragmented.
func (m *Measurement) fragmentedSent(size int) int {
	n := 0
	for _, s := range m.probes() {
		if s.Fragment && s.Method == Echo && s.Size == size {
			n++
		}
	}
	return n
}
