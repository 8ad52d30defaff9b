package path

import (
	"context"
	"iter"
	"net/netip"
	"slices"
	"time"
)

// Repeat asks each hop that Run has told again, rounds times, a second apart, so
// that a router is asked once a second. It yields the MTUs that are less than those
// before: the path has changed. The errors are those of Run.
func (t *Trace) Repeat(ctx context.Context, rounds int) iter.Seq2[*HopEvent, error] {
	return func(yield func(*HopEvent, error) bool) {
		for range rounds {
			err := t.pause(ctx, time.Second)
			if err == nil {
				err = t.askAll(ctx, t.again())
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !t.tellChanges(yield) {
				return
			}
		}
	}
}

// again is a probe to each hop that was told.
func (t *Trace) again() (burst []Packet) {
	for ttl := 1; ttl < t.head; ttl++ {
		burst = append(burst, t.packet(ttl, t.mtu))
	}
	return burst
}

// tellChanges yields what has been said of MTUs and was not told: the path has
// changed, or the answer to the probe that should have shown it was lost.
func (t *Trace) tellChanges(yield func(*HopEvent, error) bool) bool {
	for at, probes := range t.hops {
		ttl := min(at, t.head-1) // longer ways end there
		for _, s := range probes {
			ev := HopEvent{TTL: ttl, Probe: s}
			switch {
			case s.Fate == Refused && s.MTU > 0 && s.MTU < min(s.Size, t.told):
				ev.Kind, ev.MTU = OwnMTU, s.MTU
			case s.Fate == TooBig && t.claimed(s) > 0 && t.claimed(s) < t.told:
				ev.Kind, ev.MTU = RouterMTU, t.claimed(s)
			}
			if !t.tellDoubts(ttl, s, yield) {
				return false
			}
			if ev.Kind == 0 {
				continue
			}
			t.told, t.mtu = ev.MTU, min(t.mtu, ev.MTU)
			if !yield(&ev, nil) {
				return false
			}
		}
	}
	return true
}

// Heard reports whether anybody has answered.
func (t *Trace) Heard() bool {
	return slices.ContainsFunc(t.prober.Probes(), func(s *Probe) bool { return decisive(s) || s.Fate == TooBig })
}

// Hop is what is known of one hop.
type Hop struct {
	TTL int
	// From are the addresses that answered, the first one first.
	From []netip.Addr
	// First is the first answer, nil when there was none.
	First *Probe
	// Err is why our own kernel sent nothing there, nil when it did.
	Err error
	// Extensions are those of the first answer that had some, nil without any.
	// BadExtensions says that some of an answer's could not be read.
	Extensions    *Extensions
	BadExtensions bool
	// Sent counts the probes that were not too long for the path, Answered those of
	// them that were answered, within Min and Max, in Mean
	// on average.
	Sent, Answered int
	Min, Mean, Max time.Duration
}

// Hops returns what is known of the hops that Run has told, in order.
func (t *Trace) Hops() []Hop {
	var hops []Hop
	for ttl := 1; ttl < t.head; ttl++ {
		hops = append(hops, t.hop(ttl))
	}
	return hops
}

func (t *Trace) hop(ttl int) Hop {
	h, sum := Hop{TTL: ttl}, time.Duration(0)
	for _, s := range t.hops[ttl] {
		if decisive(s) && h.Extensions == nil {
			h.Extensions = s.Extensions
		}
		h.BadExtensions = h.BadExtensions || decisive(s) && s.BadExtensions
		switch {
		case decisive(s):
			if h.First == nil {
				h.First, h.Min = s, s.RTT
			}
			if !slices.Contains(h.From, s.From) {
				h.From = append(h.From, s.From)
			}
			h.Min, h.Max = min(h.Min, s.RTT), max(h.Max, s.RTT)
			sum += s.RTT
			h.Answered++
			h.Sent++
		case s.Fate == Silent && s.Size <= t.mtu:
			h.Sent++
		case refused(s) && h.Err == nil:
			h.Err = s.Err
		}
	}
	if h.Answered > 0 {
		h.Mean = sum / time.Duration(h.Answered)
	}
	return h
}
