package ping

import (
	"testing"
	"time"
)

// The clock goes forward, and shows the time of day: at once, when it goes by the
// distance that it has measured, and when it measures again.
func TestSystemClock(t *testing.T) {
	c := NewSystemClock()
	last := c.Now()
	measured := 1
	for read := c.read; measured < 3; {
		now := c.Now()
		if c.read != read {
			read = c.read
			measured++
		}
		if off := time.Since(now.Wall).Abs(); now.Mono < last.Mono || off > time.Second {
			t.Fatalf("after %v: %v, off by %v", last, now, off)
		}
		last = now
	}
}
