package path

import (
	"context"
	"slices"
	"time"
)

const (
	// searchSizes are asked in one burst, each searchCopies times, and a length that
	// passes: no more probes than routers answer in a second.
	searchSizes, searchCopies = 2, 2
	// searchTries is how many bursts in a row may say nothing.
	searchTries = 5
)

// search finds the longest packet that gets to a hop which answers short ones
// alone. The time to live is looked at before the length (RFC 1812, section
// 5.2.1.2), so that the link behind the hop has no part in it. Without a sign that any
// length is too long it is that of the probes.
func (t *Trace) search(ctx context.Context, ttl int) (int, error) {
	for low := hopSmall; ; {
		before, high, err := t.bisect(ctx, ttl, low)
		if err != nil {
			return before, err
		}
		if high > t.mtu {
			return t.mtu, nil
		}
		// What is lost by chance is silent too: the shortest that does not pass is asked again.
		burst := append(slices.Repeat([]Packet{t.packet(ttl, high)}, searchCopies), t.packet(ttl, before))
		if err := t.askWhole(ctx, burst); err != nil {
			return before, err
		}
		if low, _ = t.narrowed(ttl, before, high); low == before {
			return low, nil
		}
	}
}

// bisect returns the longest length that passes, and the shortest that does not; that is
// longer than the probes when all pass, or when nobody answers any more.
func (t *Trace) bisect(ctx context.Context, ttl, low int) (passes, tooLong int, err error) {
	high := t.mtu + 1 // that of the probes only seems to be too long
	for tries := 0; high-low > 1 && tries < searchTries; tries++ {
		if err := t.askWhole(ctx, t.searchBurst(ttl, low, high)); err != nil {
			return low, high, err
		}
		before := [...]int{low, high}
		if low, high = t.narrowed(ttl, low, high); before != [...]int{low, high} {
			tries = -1
		}
	}
	return low, high, nil
}

// searchBurst is what to ask between two lengths, from the longest.
func (t *Trace) searchBurst(ttl, low, high int) (burst []Packet) {
	step := max((high-low)/(searchSizes+1), 1)
	for size := high - step; size > low && len(burst) < searchSizes*searchCopies; size -= step {
		for range searchCopies {
			burst = append(burst, t.packet(ttl, size))
		}
	}
	return append(burst, t.packet(ttl, low))
}

// narrowed returns the bounds after a burst. A router that has sent as many errors as it
// may is silent about all lengths: a length is too long only when a shorter probe that
// left later was answered.
func (t *Trace) narrowed(ttl, low, high int) (int, int) {
	shortest, round := t.mtu, t.prober.Rounds()
	for _, s := range t.hops[ttl] {
		if decisive(s) {
			low = max(low, s.Size)
			if s.Round == round {
				shortest = min(shortest, s.Size)
			}
		}
	}
	for _, s := range t.hops[ttl] {
		if s.Round == round && s.Size > low && s.Size > shortest {
			high = min(high, s.Size)
		}
	}
	return low, max(high, low+1)
}

// pause lets time pass. Answers that come late are taken in.
func (t *Trace) pause(ctx context.Context, d time.Duration) error {
	stop := context.AfterFunc(ctx, t.conn.Wake)
	defer stop()
	for end := t.prober.clock.Now().Mono + d; ; {
		left := end - t.prober.clock.Now().Mono
		if left <= 0 || ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.conn.Wait(left); err != nil {
			return err
		}
		if err := t.prober.drain(); err != nil { // else Wait would return at once
			return err
		}
	}
}
