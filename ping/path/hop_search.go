package path

import (
	"context"
	"time"
)

const (
	// searchSizes are asked in one burst, each searchCopies times: with no more
	// answers than routers send in a second.
	searchSizes, searchCopies = 2, 2
)

// search finds the longest packet that gets to a hop which answers short ones
// alone. The time to live is looked at before the length (RFC 1812, section
// 5.2.1.2), so that the link behind the hop has no part in it.
func (t *Trace) search(ctx context.Context, ttl int) (int, error) {
	low, high := hopSmall, t.mtu
	for high-low > 1 {
		var burst []Packet
		step := max((high-low)/(searchSizes+1), 1)
		for size := high - step; size > low && len(burst) < searchSizes*searchCopies; size -= step {
			for range searchCopies {
				burst = append(burst, t.packet(ttl, size))
			}
		}
		if err := t.askAll(ctx, burst); err != nil {
			return low, err
		}
		low, high = t.narrowed(burst, ttl, low, high)
	}
	return low, nil
}

// narrowed returns the bounds after a burst.
func (t *Trace) narrowed(burst []Packet, ttl, low, high int) (int, int) {
	passed := func(size int) bool {
		for _, s := range t.hops[ttl] {
			if s.Size == size && decisive(s) {
				return true
			}
		}
		return false
	}
	for _, p := range burst { // from the longest
		if p.Size <= low {
			continue
		}
		if passed(p.Size) {
			low = p.Size
			continue
		}
		high = min(high, p.Size)
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
