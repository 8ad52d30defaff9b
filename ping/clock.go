package ping

import (
	"math"
	"time"
)

// Instant is one moment, read from both clocks.
type Instant struct {
	// Mono is the time on a clock that nobody can set, since an arbitrary start.
	Mono time.Duration
	// Wall is the time of day, on which the kernel's stamps are.
	Wall time.Time
}

// Clock tells the time.
type Clock interface{ Now() Instant }

// SystemClock is the process's clock. Its zero value is not usable; see
// NewSystemClock.
type SystemClock struct{ base time.Time }

// NewSystemClock returns a clock whose monotonic time starts now.
func NewSystemClock() SystemClock { return SystemClock{base: time.Now()} }

// together is how far apart the two clocks may be read. Another process may run
// between the two readings, and they would not belong together.
const together = 20 * time.Microsecond

// Now reads both clocks at once. On a machine that is too busy for that, the
// best of several attempts counts.
func (c SystemClock) Now() Instant {
	var best Instant
	apart := time.Duration(math.MaxInt64)
	for range 16 {
		before := time.Since(c.base)
		t := time.Now()
		mono := t.Sub(c.base)
		if mono-before < apart {
			apart, best = mono-before, Instant{Mono: mono, Wall: t.Round(0)}
		}
		if apart < together {
			break
		}
	}
	return best
}
