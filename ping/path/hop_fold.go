package path

import (
	"slices"
	"time"
)

// The probes that Repeat keeps one by one: of each hop, and of all together for the sake of late answers. Twice as many are there before
// some are folded.
const (
	keptOfHop = 256
	keptInAll = 1 << 13
)

// foldedHop is a hop with the sum of its round-trip times.
type foldedHop struct {
	Hop
	sum time.Duration
}

// take adds a probe. mtu is what the path carries, as far as it is known.
func (h *foldedHop) take(s *Probe, mtu int) {
	switch {
	case decisive(s):
		h.answer(s)
	case s.Fate == Silent && s.Size <= mtu:
		h.Sent++
	case refused(s) && h.Err == nil:
		h.Err = s.Err
	}
}

// answer adds a probe that a host of this hop has answered.
func (h *foldedHop) answer(s *Probe) {
	if h.Extensions == nil {
		h.Extensions = s.Extensions
	}
	h.BadExtensions = h.BadExtensions || s.BadExtensions
	if h.First == nil {
		h.First, h.Min = s, s.RTT
	}
	h.Min, h.Max = min(h.Min, s.RTT), max(h.Max, s.RTT)
	h.sum += s.RTT
	h.Answered++
	h.Sent++
	i := slices.Index(h.From, s.From)
	switch {
	case i < 0 && len(h.From) == maxHopHosts:
		h.Others++
		return
	case i < 0:
		i = len(h.From)
		h.From, h.Hosts = append(h.From, s.From), append(h.Hosts, HopHost{Addr: s.From, Min: s.RTT})
	}
	host := &h.Hosts[i]
	host.Answered++
	host.Min, host.Max = min(host.Min, s.RTT), max(host.Max, s.RTT)
	host.sum += s.RTT
	host.Last = s.Round
}

// fold turns old probes into figures.
func (t *Trace) fold() {
	if len(t.folded) == 0 {
		t.folded = make([]foldedHop, len(t.hops))
	}
	for ttl, probes := range t.hops {
		if len(probes) <= 2*keptOfHop {
			continue
		}
		old := probes[:len(probes)-keptOfHop]
		for _, s := range old {
			t.folded[ttl].take(s, t.mtu)
			t.spoke = t.spoke || speaks(s)
			if s.Fate == Answered && ttl == t.end && (t.arrived == nil || t.arrived.TTL != ttl) {
				t.arrived = s
			}
		}
		t.hops[ttl] = slices.Clone(probes[len(old):])
	}
	if len(t.prober.table) > 2*keptInAll {
		t.spoke = t.spoke || slices.ContainsFunc(t.prober.table, speaks)
		t.prober.forget(keptInAll)
	}
}
