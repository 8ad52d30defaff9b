package ping

import "time"

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

// Now reads both clocks at once.
func (c SystemClock) Now() Instant {
	t := time.Now()
	return Instant{Mono: t.Sub(c.base), Wall: t.Round(0)}
}
