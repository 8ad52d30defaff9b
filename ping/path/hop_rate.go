package path

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

const (
	// hostProbes is how many probes end at one router, or the host, within hostSpan. Routers
	// make few errors a second; one that is asked for more seems to lose them.
	hostProbes = 5
	hostSpan   = time.Second
)

// journey is where a probe may end: at a hop from low to high, and if one of those is known
// at one of these hosts.
type journey struct {
	*Probe
	low, high int
	hosts     []netip.Addr
}

// permitted returns how many packets at the beginning of a burst may be sent now, and
// when there are none how long to wait for the first one.
func (t *Trace) permitted(burst []Packet) (n int, wait time.Duration) {
	now := t.prober.clock.Now().Mono
	span := t.span()
	recent := t.since(now - span)
	for i := range burst {
		next := t.journey(&Probe{Packet: burst[i], Sent: now})
		if same := t.together(next, recent); len(same) >= hostProbes {
			if i > 0 && burst[i].TTL == burst[i-1].TTL && burst[i].Size == hopSmall {
				i-- // a long packet and a short one are compared: they find the router alike
			}
			return i, max(same[len(same)-hostProbes]+span-now, time.Millisecond)
		}
		recent = append(recent, next)
	}
	return len(burst), 0
}

// span is how far apart probes are sent that arrive hostSpan apart: some take longer than
// others.
func (t *Trace) span() time.Duration { return hostSpan + min(t.longest, hostSpan) }

// since returns the probes that left this host after a time, the oldest first.
func (t *Trace) since(start time.Duration) (recent []*journey) {
	table := t.prober.table
	first := len(table)
	for first > 0 && table[first-1].Sent > start {
		first--
	}
	for _, s := range table[first:] {
		if s.Fate != Refused {
			recent = append(recent, t.journey(s))
		}
	}
	return recent
}

// journey returns where a probe may end. It passes all hops before one that has answered
// a probe of its length; that one may let it vanish, unless it has named an MTU.
func (t *Trace) journey(s *Probe) *journey {
	j := &journey{Probe: s, high: min(s.TTL, t.end)}
	for ttl := j.high; ttl > 0 && j.low == 0; ttl-- {
		for _, answer := range t.hops[ttl] {
			if decisive(answer) && answer.Size >= s.Size {
				j.low = ttl
			}
		}
	}
	for ttl := j.low; ttl <= j.high; ttl++ {
		for _, answer := range t.hops[ttl] {
			if decisive(answer) && !slices.Contains(j.hosts, answer.From) {
				j.hosts = append(j.hosts, answer.From)
			}
		}
	}
	if j.low < j.high && len(j.hosts) == 1 && t.named(j.hosts[0], s.Size) {
		j.low, j.hosts = j.low+1, nil
	}
	return j
}

// named reports whether a router has said that its next link carries that much.
func (t *Trace) named(router netip.Addr, size int) bool {
	return slices.ContainsFunc(t.prober.table, func(s *Probe) bool {
		return s.Fate == TooBig && s.From == router && t.claimed(s) >= size
	})
}

// together returns when those of the recent probes were sent that may have ended where
// next will, the oldest first.
func (t *Trace) together(next *journey, recent []*journey) (worst []time.Duration) {
	hosts := append(t.others(next, recent), netip.Addr{}) // perhaps nobody who is known
	for _, host := range append(hosts, next.hosts...) {
		var same []time.Duration
		for _, j := range recent {
			switch {
			case j.From.IsValid() && j.From == host,
				!j.From.IsValid() && (j.low <= next.high && next.low <= j.high || host.IsValid() && slices.Contains(j.hosts, host)):
				same = append(same, j.Sent)
			}
		}
		if len(same) > len(worst) {
			worst = same
		}
	}
	return worst
}

// others returns the hosts at which next may end although they have not answered for its
// hop: routers that found no longer packets too big, and where nothing is known those
// between which packets go round.
func (t *Trace) others(next *journey, recent []*journey) (hosts []netip.Addr) {
	for i, j := range recent {
		again := func(k *journey) bool { return k.From == j.From && k.TTL != j.TTL && k.Fate == Exceeded }
		switch {
		case j.Fate == TooBig && j.Size <= next.Size, j.Fate == Exceeded && next.low < next.high && slices.ContainsFunc(recent[:i], again):
			hosts = append(hosts, j.From)
		}
	}
	slices.SortFunc(hosts, netip.Addr.Compare)
	return slices.Compact(hosts)
}

// askAll sends a burst, in as many parts as the routers' rate makes of it.
func (t *Trace) askAll(ctx context.Context, burst []Packet) error {
	for len(burst) > 0 {
		n, wait := t.permitted(burst)
		if n == 0 {
			if err := t.pause(ctx, wait); err != nil {
				return err
			}
			continue
		}
		if err := t.ask(ctx, burst[:n]); err != nil {
			return err
		}
		burst = burst[n:]
	}
	return nil
}

// askWhole sends a burst when all of it may be sent at once.
func (t *Trace) askWhole(ctx context.Context, burst []Packet) error {
	for {
		n, wait := t.permitted(burst)
		if n == len(burst) {
			return t.ask(ctx, burst)
		}
		if err := t.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// askSome sends as much of a burst as the routers' rate allows, at least one packet: what
// is learned from that may change the rest.
func (t *Trace) askSome(ctx context.Context, burst []Packet) error {
	for {
		n, wait := t.permitted(burst)
		if n > 0 {
			return t.ask(ctx, burst[:n])
		}
		if err := t.pause(ctx, wait); err != nil {
			return err
		}
	}
}
