package link

import (
	"strconv"
	"strings"
	"time"
)

// Bounds of the quantities in rules.
const (
	// maxNumber bounds counts and sequence numbers; no run has more.
	maxNumber = 1 << 30
	// maxTime is longer than anybody waits for a run.
	maxTime = 24 * time.Hour
	// maxQueue bounds the packets that wait for a rate.
	maxQueue = 100_000
	// minRate and maxRate keep what maxQueue packets wait below the range of a duration.
	minRate = 100
	maxRate = 1_000_000_000_000
	// minMTU is the least that IPv4 allows a link (RFC 791 section 3.2), maxMTU the longest IP packet.
	minMTU = 68
	maxMTU = 65535
)

// Chance is a probability in units of 2^-53: always is 1<<53. Both are exact, so that 100% is never missed by rounding.
type Chance uint64

const always Chance = 1 << 53

// number reads a decimal number from 1 to limit, without sign or leading zero.
func number(s string, limit int) (int, bool) {
	if s == "" || s[0] == '0' || !digits(s) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n <= limit
}

// digits reports whether s has digits alone.
func digits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// decimal reads digits with at most one dot between them.
func decimal(s string) (float64, bool) {
	whole, part, dot := strings.Cut(s, ".")
	if !digits(whole) || dot && !digits(part) {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// percent reads a percentage from 0% to 100%.
func percent(s string) (Chance, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	f, isNumber := decimal(digits)
	if !ok || !isNumber || f > 100 {
		return 0, false
	}
	return Chance(f / 100 * float64(always)), true
}

// bitRate reads bits per second with k, M or G for 10^3, 10^6 or 10^9.
func bitRate(s string) (int64, bool) {
	scale := 1.0
	if s != "" {
		switch s[len(s)-1] {
		case 'k':
			scale = 1e3
		case 'M':
			scale = 1e6
		case 'G':
			scale = 1e9
		}
	}
	if scale > 1 {
		s = s[:len(s)-1]
	}
	f, ok := decimal(s)
	if f *= scale; !ok || f < minRate || f > maxRate {
		return 0, false
	}
	return int64(f), true
}

// duration reads a time with its unit, from 0 to maxTime.
func duration(s string) (time.Duration, bool) {
	if s == "" || s[0] == '-' || s[0] == '+' {
		return 0, false
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d <= maxTime
}

// The near misses of quantities: what was probably meant by a word, "" if nothing is near.

func meantTime(s string) string {
	if _, ok := decimal(s); ok {
		return s + "ms"
	}
	return ""
}

func meantPercent(s string) string {
	if _, ok := percent(s + "%"); ok {
		return s + "%"
	}
	return ""
}

func meantRate(s string) string {
	lower := strings.ToLower(s)
	for _, unit := range []string{"bit/s", "bits", "bit", "bps", "b/s", "b"} {
		if cut, ok := strings.CutSuffix(lower, unit); ok {
			lower = cut
			break
		}
	}
	for _, unit := range []string{"k", "M", "G", ""} {
		if cut, ok := strings.CutSuffix(lower, strings.ToLower(unit)); ok {
			if _, ok := bitRate(cut + unit); ok {
				return cut + unit
			}
		}
	}
	return ""
}
