package ping

import (
	"iter"
	"math/bits"
	"time"
)

// Distribution is how the round-trip times of a run are spread and in what runs
// its losses came: what Stats has no room for. It is as large whether it has
// counted ten answers or a billion. Its zero value is ready; Config.Distribution
// makes a run fill it. It counts the first answer to each probe, no duplicates.
//
// Times are counted in buckets of which each octave, from a power of two to the
// next, has 64 of one width. A bucket is 1/64 of its lower end wide at most, and
// exact below 128 ns; the middle of it is within 0.8 % of any time in it. Times
// beyond 2^43 ns, two hours, count as that.
type Distribution struct {
	buckets [buckets]int64
	count   int64
	min     time.Duration
	max     time.Duration
	sources [ClockStepped + 1]Spread
	// jitter is 16 times that of RFC 3550, in nanoseconds.
	jitter, last int64
	losses       lossRuns
}

const (
	// octave is the number of buckets from a power of two to the next.
	octave = 1 << octaveBits
	// octaveBits is the binary logarithm of octave.
	octaveBits = 6
	// longest is the longest time that is told from longer ones.
	longest = 1<<43 - 1
	buckets = (43 - octaveBits + 1) * octave
)

// bucketOf returns the bucket of a time: below two octaves the time itself, then
// its first octaveBits+1 binary digits behind their number.
func bucketOf(ns int64) int {
	ns = min(max(ns, 0), longest)
	shift := max(0, bits.Len64(uint64(ns))-octaveBits-1)
	return shift<<octaveBits + int(ns>>shift)
}

// bucketStart returns the shortest time in a bucket.
func bucketStart(bucket int) time.Duration {
	shift := max(0, bucket>>octaveBits-1)
	return time.Duration(bucket-shift<<octaveBits) << shift
}

// Add counts an answer to a probe: the time that it took and how that was
// measured.
func (d *Distribution) Add(rtt time.Duration, source TimeSource) {
	ns := int64(rtt)
	if d.count == 0 || rtt < d.min {
		d.min = rtt
	}
	d.max = max(d.max, rtt)
	d.buckets[bucketOf(ns)]++
	d.sources[source].add(rtt)
	if d.count++; d.count > 1 {
		// RFC 3550, section 6.4.1, with the integers of its appendix A.8. The
		// difference of two transit times, there and back, is that of the round trips.
		apart := ns - d.last
		d.jitter += max(apart, -apart) - (d.jitter+8)>>4
	}
	d.last = ns
}

// Count returns how many answers were counted.
func (d *Distribution) Count() int64 { return d.count }

// Jitter returns the interarrival jitter of RFC 3550, section 6.4.1, of the round
// trips in the order of the answers: a moving average, with weight 1/16, of how
// much each differs from the one before. ok is false with fewer than two answers.
func (d *Distribution) Jitter() (jitter time.Duration, ok bool) {
	return time.Duration(d.jitter >> 4), d.count > 1
}

// Quantile returns the time that the share q of the answers did not exceed, by
// nearest rank and within 0.8 %: q is 0.5 for the median, 0.99 for the 99th
// percentile. ok is false without answers, and when q is not between 0 and 1.
func (d *Distribution) Quantile(q float64) (rtt time.Duration, ok bool) {
	if d.count == 0 || !(q >= 0 && q <= 1) {
		return 0, false
	}
	rank := max(1, ceil(q*float64(d.count)))
	seen := int64(0)
	for i, n := range d.buckets {
		if seen += n; seen >= rank {
			from, to := bucketStart(i), bucketStart(i+1)
			return min(max(from+(to-from)/2, d.min), d.max), true
		}
	}
	return d.max, true
}

// ceil rounds up, but for what a product of floats is too much by.
func ceil(f float64) int64 {
	n := int64(f)
	if f-float64(n) > 1e-6 {
		n++
	}
	return n
}

// Bucket is how many round trips took From or longer, and less than To.
type Bucket struct {
	From, To time.Duration
	Count    int64
}

// Histogram returns the buckets, from that of the shortest round trip to that of
// the longest, with empty ones between. Each octave is divided into perOctave
// equal parts: a power of two, at most 64; another number is taken for the next
// lower one. Below 128 ns an octave may have fewer, of whole nanoseconds.
func (d *Distribution) Histogram(perOctave int) iter.Seq[Bucket] {
	perOctave = 1 << (bits.Len(uint(min(max(perOctave, 1), octave))) - 1)
	width := octave / perOctave // buckets of ours in one of theirs
	return func(yield func(Bucket) bool) {
		left := d.count
		for i := 0; i < buckets && left > 0; i += width {
			b := Bucket{From: bucketStart(i), To: bucketStart(i + width)}
			for _, n := range d.buckets[i : i+width] {
				b.Count += n
			}
			if b.Count == 0 && left == d.count {
				continue // the shortest is still to come
			}
			left -= b.Count
			if !yield(b) {
				return
			}
		}
	}
}

// Source returns the round trips that were measured so.
func (d *Distribution) Source(s TimeSource) Spread {
	if int(s) >= len(d.sources) {
		return Spread{}
	}
	return d.sources[s]
}

// LossRuns returns how many times one or more probes in a row were lost, and the
// length of the longest run. Probes that were not sent are not counted, and do
// not end a run. The figures are whole when the run is over; before, the newest
// 65,536 probes are not among them.
func (d *Distribution) LossRuns() (runs, longest int64) { return d.losses.runs, d.losses.longest }

// lossRuns follows the probes in their order.
type lossRuns struct{ runs, longest, current int64 }

// settle takes the next probe, of which nothing more will come.
func (l *lossRuns) settle(answered bool) {
	if answered {
		l.current = 0
		return
	}
	if l.current++; l.current == 1 {
		l.runs++
	}
	l.longest = max(l.longest, l.current)
}
