package ping

import (
	"math"
	"math/bits"
	"time"
)

// Stats are the figures of a run.
type Stats struct {
	// Transmitted counts the probes, with those that our own kernel refused.
	Transmitted int64
	// NotSent counts the probes that our own kernel refused, for any reason.
	NotSent    int64
	Received   int64
	Duplicates int64
	Corrupted  int64
	// Errors counts ICMP errors and refusals by our own kernel.
	Errors int64
	// Foreign counts the echo replies that answered no probe, Late the answers
	// after Config.Wait, which are among Received.
	Foreign, Late int64
	// BackOffs counts how often a full device queue made a probe wait.
	BackOffs int64
	// Dropped counts packets lost in our own receive buffer.
	Dropped uint32
	// Malformed counts what came out of the socket and could not be read.
	Malformed int64
	// ClockSteps counts round-trip times for which the kernel's stamps were not
	// usable because the time of day was set.
	ClockSteps int64
	// Elapsed is the time from the first probe to the last.
	Elapsed time.Duration
	// Pipe is the largest number of probes that were under way at one time.
	Pipe int64
	// RTT are the round-trip times, of duplicates too.
	RTT Spread
}

// Loss returns the share of the probes that got no answer, in percent, as
// iputils counts: of all that were transmitted, refused ones included. It is 0
// before the first probe.
func (s *Stats) Loss() float64 {
	if s.Transmitted == 0 {
		return 0
	}
	return float64(s.Transmitted-s.Received) * 100 / float64(s.Transmitted)
}

// LossOfSent returns the share of the probes that really left and got no answer,
// in percent: what our own kernel refused was not lost on the network. ok is
// false when none has left.
func (s *Stats) LossOfSent() (percent float64, ok bool) {
	sent := s.Transmitted - s.NotSent
	if sent <= 0 {
		return 0, false
	}
	return float64(sent-s.Received) * 100 / float64(sent), true
}

// Spread summarises durations as ping prints them: in whole microseconds, with
// the population's standard deviation.
type Spread struct {
	N        int64
	Min, Max time.Duration
	sum      int64  // microseconds
	squares  uint64 // sum of squares, low and high half
	high     uint64
	ewma     int64 // 8 times the moving average, in microseconds
}

// add counts one duration.
func (s *Spread) add(d time.Duration) {
	if s.N == 0 || d < s.Min {
		s.Min = d
	}
	s.Max = max(s.Max, d)
	s.N++
	us := d.Microseconds()
	s.sum += us
	high, low := bits.Mul64(uint64(us), uint64(us))
	var carry uint64
	s.squares, carry = bits.Add64(s.squares, low, 0)
	s.high, _ = bits.Add64(s.high, high, carry)
	if s.ewma == 0 {
		s.ewma = us * 8
	} else {
		s.ewma += us - s.ewma/8
	}
}

// Average returns the mean, cut to microseconds; 0 of nothing.
func (s *Spread) Average() time.Duration {
	if s.N == 0 {
		return 0
	}
	return time.Duration(s.sum/s.N) * time.Microsecond
}

// Moving returns the exponentially weighted moving average with weight 1/8.
func (s *Spread) Moving() time.Duration { return time.Duration(s.ewma/8) * time.Microsecond }

// Deviation returns the population's standard deviation, cut to microseconds.
func (s *Spread) Deviation() time.Duration {
	if s.N == 0 {
		return 0
	}
	// (squares - sum*sum/n) / n, in 128 bits: dividing last keeps the rounding of
	// small times small, and iputils does it so.
	n := uint64(s.N)
	high, low := bits.Mul64(uint64(s.sum), uint64(s.sum))
	high, low = divide(high, low, n)
	low, borrow := bits.Sub64(s.squares, low, 0)
	high, _ = bits.Sub64(s.high, high, borrow)
	return root(divide(high, low, n))
}

// divide divides a 128-bit number.
func divide(high, low, n uint64) (uint64, uint64) {
	quotient, _ := bits.Div64(high%n, low, n)
	return high / n, quotient
}

// root returns the square root of a 128-bit number of square microseconds.
func root(high, low uint64) time.Duration {
	v := math.Ldexp(float64(high), 64) + float64(low)
	return time.Duration(math.Sqrt(v)) * time.Microsecond
}
