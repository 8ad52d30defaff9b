package ping

import (
	"math"
	"math/bits"
	"time"
)

// Stats are the figures of a run to one target. It is small, so that one can be
// kept for each of many targets; Distribution has what takes more room.
type Stats struct {
	// Transmitted counts the probes that our own kernel took to send, NotSent
	// those that it refused, for any reason: they are no loss of the network's.
	Transmitted, NotSent int64
	// Received counts the probes that were answered, late ones too.
	Received int64
	// Duplicates counts further answers to probes, Corrupted answers with a wrong
	// ICMP checksum: neither are among Received.
	Duplicates, Corrupted int64
	// Truncated, Longer and Altered count answers, duplicates too, with less data
	// than the probe, with more, and with other data in the part that both have.
	Truncated, Longer, Altered int64
	// Foreign counts the echo replies that answered no probe and the ICMP errors
	// about none, Late the answers after Config.Wait, duplicates too.
	Foreign, Late int64
	// Errors counts ICMP errors about probes, Explained the probes without an
	// answer about which there was one.
	Errors, Explained int64
	// BackOffs counts how often a full device queue made a probe wait.
	BackOffs int64
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
	// Dropped counts packets for which our own receive buffer had no room.
	Dropped uint32
	// Damaged counts packets that our own kernel kept from us for a wrong ICMPv6
	// checksum, other programs' too; they are no answers. On an IPv4 socket such
	// an answer comes through, and is Corrupted.
	Damaged uint32
}

// drop asks a connection what was dropped.
func (s *Stats) drop(conn any) {
	counter, ok := conn.(dropCounter)
	if !ok {
		return
	}
	if d, ok := counter.Drops(); ok {
		s.Dropped, s.Damaged = max(s.Dropped, d.Full), max(s.Damaged, d.Damaged)
	}
}

// Attempted returns how many probes there were, sent or not.
func (s *Stats) Attempted() int64 { return s.Transmitted + s.NotSent }

// Failures returns how many ICMP errors there were and refusals by our own
// kernel, which iputils calls errors.
func (s *Stats) Failures() int64 { return s.Errors + s.NotSent }

// Lost returns how many probes left and got no answer that we know of. Answers
// that reached this host and found no room in our receive buffer are not among
// them: the network did not lose those. Which packets they were nobody knows, so
// this is the least that the network lost.
func (s *Stats) Lost() int64 {
	return max(0, s.Transmitted-s.Received-int64(s.Dropped))
}

// Loss returns Lost in percent of Transmitted. ok is false when no probe has
// left: then nothing is known of the network.
func (s *Stats) Loss() (percent float64, ok bool) {
	if s.Transmitted == 0 {
		return 0, false
	}
	return float64(s.Lost()) * 100 / float64(s.Transmitted), true
}

// Spread summarises durations, with the population's standard deviation.
type Spread struct {
	N        int64
	Min, Max time.Duration
	sum      int64  // nanoseconds
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
	s.sum += int64(d)
	high, low := bits.Mul64(uint64(d), uint64(d))
	var carry uint64
	s.squares, carry = bits.Add64(s.squares, low, 0)
	s.high, _ = bits.Add64(s.high, high, carry)
	us := d.Microseconds()
	if s.ewma == 0 {
		s.ewma = us * 8
	} else {
		s.ewma += us - s.ewma/8
	}
}

// Average returns the mean; 0 of nothing.
func (s *Spread) Average() time.Duration {
	if s.N == 0 {
		return 0
	}
	return time.Duration(s.sum / s.N)
}

// Moving returns the exponentially weighted moving average with weight 1/8, in
// whole microseconds, as iputils computes it.
func (s *Spread) Moving() time.Duration { return time.Duration(s.ewma/8) * time.Microsecond }

// Deviation returns the population's standard deviation.
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

// root returns the square root of a 128-bit number of square nanoseconds.
func root(high, low uint64) time.Duration {
	v := math.Ldexp(float64(high), 64) + float64(low)
	return time.Duration(math.Sqrt(v))
}
