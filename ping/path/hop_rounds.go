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
// before: the path has changed. Where it has become longer, the hops that are new
// are asked too; where it has become shorter, those behind its end are not. It may go
// on for ever: of old probes the figures alone are kept. The errors are those of Run.
func (t *Trace) Repeat(ctx context.Context, rounds int) iter.Seq2[*HopEvent, error] {
	return func(yield func(*HopEvent, error) bool) {
		if t.reach == 0 {
			t.reach = t.head - 1
			clear(t.hops[t.head:]) // probes of Run behind the end tell nothing of hops that may come there
		}
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
			t.followEnd()
			t.fold()
		}
	}
}

// again is a probe to each hop of the path.
func (t *Trace) again() (burst []Packet) {
	for ttl := 1; ttl <= t.reach; ttl++ {
		burst = append(burst, t.packet(ttl, t.mtu))
	}
	return burst
}

// ahead is how many hops behind the last router that answers are asked where a path has become longer: some may be silent.
const ahead = 3

// followEnd finds where the path ends now, by the last probe to each hop.
func (t *Trace) followEnd() {
	router := 0 // the last that answered
	for ttl := 1; ttl <= t.reach; ttl++ {
		probes := t.hops[ttl]
		if len(probes) == 0 {
			continue
		}
		switch last := probes[len(probes)-1]; last.Fate {
		case Exceeded:
			router = ttl
		case Answered, Unreachable:
			t.reach = ttl
			if last.Fate == Answered {
				t.end = ttl
			}
			return
		}
	}
	if router >= min(t.end, t.reach) && router > 0 {
		t.reach = max(t.reach, min(router+ahead, t.MaxHops))
		t.head = max(t.head, t.reach+1)
	}
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
	return t.spoke || slices.ContainsFunc(t.prober.Probes(), speaks)
}

// speaks reports whether somebody has answered s.
func speaks(s *Probe) bool { return decisive(s) || s.Fate == TooBig }

// Hop is what is known of one hop.
type Hop struct {
	TTL int
	// From are the addresses that answered, the first one first, and Hosts their figures. Of more than 64 addresses, Others counts the
	// answers of the later ones.
	From   []netip.Addr
	Hosts  []HopHost
	Others int
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
	// Beyond: the path has become shorter, and ends before this hop.
	Beyond bool
}

// HopHost is one of the hosts that answered at a hop: where a path has changed, or there are several, each has figures of its own.
type HopHost struct {
	Addr           netip.Addr
	Answered       int
	Min, Mean, Max time.Duration
	// Last is the round of the last probe that it answered.
	Last int
	sum  time.Duration
}

// maxHopHosts bounds the hosts of a hop.
const maxHopHosts = 64

// Hops returns what is known of the hops that Run has told and Repeat has found, in order. It shares nothing with the Trace but the probes.
func (t *Trace) Hops() []Hop {
	var hops []Hop
	for ttl := 1; ttl < t.head; ttl++ {
		hops = append(hops, t.hop(ttl))
	}
	return hops
}

func (t *Trace) hop(ttl int) Hop {
	f := foldedHop{}
	if ttl < len(t.folded) {
		f = t.folded[ttl]
		f.From, f.Hosts = slices.Clone(f.From), slices.Clone(f.Hosts)
	}
	f.TTL, f.Beyond = ttl, t.reach > 0 && ttl > t.reach
	for _, s := range t.hops[ttl] {
		f.take(s, t.mtu)
	}
	if f.Answered > 0 {
		f.Mean = f.sum / time.Duration(f.Answered)
	}
	for i := range f.Hosts {
		f.Hosts[i].Mean = f.Hosts[i].sum / time.Duration(f.Hosts[i].Answered)
	}
	return f.Hop
}
