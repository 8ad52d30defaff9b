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

// Clock tells the time. One goroutine uses it.
type Clock interface{ Now() Instant }

// SystemClock is the process's clock. Its zero value is not usable; see
// NewSystemClock.
type SystemClock struct {
	base time.Time
	// wall is the time of day when the monotonic time was 0, in nanoseconds since
	// 1970, as it was found at the monotonic time read.
	wall int64
	read time.Duration
}

// NewSystemClock returns a clock whose monotonic time starts now.
func NewSystemClock() *SystemClock { return &SystemClock{base: time.Now(), read: -fresh} }

const (
	// fresh is how long the distance between the two clocks is taken to be the
	// same. They drift apart by half a microsecond in that time at most
	// (adjtimex(2): 500 parts in a million), and reading one costs half of reading
	// both.
	fresh = time.Millisecond
	// together is how far apart the two clocks may be read. Another process may
	// run between the two readings, and they would not belong together.
	together = 20 * time.Microsecond
)

// Now returns the time on both clocks.
func (c *SystemClock) Now() Instant {
	mono := time.Since(c.base)
	if mono-c.read >= fresh {
		mono = c.both()
	}
	return Instant{Mono: mono, Wall: time.Unix(0, c.wall+int64(mono))}
}

// both reads both clocks at once and returns the monotonic time. On a machine
// that is too busy for that, the best of several attempts counts.
func (c *SystemClock) both() time.Duration {
	apart := time.Duration(math.MaxInt64)
	for range 16 {
		before := time.Since(c.base)
		t := time.Now()
		mono := t.Sub(c.base)
		if mono-before < apart {
			apart, c.wall, c.read = mono-before, t.UnixNano()-int64(mono), mono
		}
		if apart < together {
			break
		}
	}
	return c.read
}
