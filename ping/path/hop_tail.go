package path

const (
	// tailHops is after how many silent hops in a row the others behind them are a tail,
	// and tailProbes how many packets each of those gets: the path ends there as a rule, all
	// of them come to one host, and that gets hostProbes a second.
	tailHops, tailProbes = 3, 2
)

// tail reports whether a hop belongs to the silent end of the path: nobody has answered at
// the hops just before it, or behind them. An answer that comes later ends the tail, and its
// hops are asked as often as others.
func (t *Trace) tail(ttl int) bool {
	heard := t.heard()
	if ttl <= heard+tailHops {
		return false
	}
	for before := heard + 1; before <= heard+tailHops; before++ {
		if t.unheard(before) < hopTries {
			return false
		}
	}
	return true
}

// heard returns the last hop to which a probe was sent that anybody has answered, our own kernel too.
func (t *Trace) heard() int {
	for ttl := t.MaxHops; ttl > 0; ttl-- {
		for _, s := range t.hops[ttl] {
			if s.Fate != Silent && s.Fate != Pending {
				return ttl
			}
		}
	}
	return 0
}

// unheard counts the probes to a hop that nobody has answered, of whatever length.
func (t *Trace) unheard(ttl int) int {
	n := 0
	for _, s := range t.hops[ttl] {
		if s.Fate == Silent {
			n++
		}
	}
	return n
}

// tailBurst is what the hops of the tail are asked next: a packet of full length each, and
// after that a short one each, as only such a packet gets through a black hole. It is no more
// than one host may get at once.
func (t *Trace) tailBurst(first int) (burst []Packet) {
	width := hostProbes
	if t.window == 1 { // errors do not tell their probes apart
		width = 1
	}
	for asked, size := range []int{t.mtu, min(t.mtu, hopSmall)} {
		for ttl := first; ttl <= t.end && len(burst) < width; ttl++ {
			if !t.known(ttl) && t.unheard(ttl) == asked {
				burst = append(burst, t.packet(ttl, size))
			}
		}
	}
	return burst
}
