package filter

import (
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Reasons why a word is no number.
var (
	errNoNumber     = errors.New("is no number")
	errLeadingZero  = errors.New("begins with a zero, which ss reads as octal: write it decimal or with 0x")
	errNumberRange  = errors.New("is too large")
	errNoUnit       = errors.New("needs a unit: ns, us, ms or s")
	errTooPrecise   = errors.New("is finer than a nanosecond")
	errNoTime       = errors.New("is no time: write a number and ns, us, ms or s")
	errNoByteNumber = errors.New("is no number of bytes: write a number, alone or with k, M or G")
)

// parseNumber reads an unsigned number, decimal or hexadecimal with 0x, that fits into the bits.
func parseNumber(s string, bitSize int) (uint64, error) {
	base := 10
	if digits, ok := cutHex(s); ok {
		s, base = digits, 16
	} else if len(s) > 1 && s[0] == '0' && allDigits(s) {
		return 0, errLeadingZero
	}
	n, err := strconv.ParseUint(s, base, bitSize)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errNumberRange
	case err != nil:
		return 0, errNoNumber
	}
	return n, nil
}

func cutHex(s string) (string, bool) {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		return s[2:], true
	}
	return s, false
}

func allDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// parseTime reads a time as nanoseconds: 100ms, 1.5s, 250us, 0. A number without unit would mean milliseconds to those who
// know ss and seconds to others.
func parseTime(s string) (uint64, error) {
	end := len(s) - len(strings.TrimLeft(s, "0123456789."))
	number, unit := s[:end], s[end:]
	whole, fraction, dotted := strings.Cut(number, ".")
	if !allDigits(whole) || dotted && !allDigits(fraction) {
		return 0, errNoTime
	}
	decimals := 0 // of the unit in ns
	switch unit {
	case "s":
		decimals = 9
	case "ms":
		decimals = 6
	case "us", "µs", "μs":
		decimals = 3
	case "ns":
	case "":
		if strings.Trim(whole+fraction, "0") == "" {
			return 0, nil
		}
		return 0, errNoUnit
	default:
		return 0, errNoTime
	}
	fraction = strings.TrimRight(fraction, "0")
	if len(fraction) > decimals {
		return 0, errTooPrecise
	}
	ns, err := strconv.ParseUint(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 63)
	if err != nil {
		return 0, errNumberRange
	}
	return ns, nil
}

// appendTime appends ns in the largest unit that needs no fraction.
func appendTime(dst []byte, ns uint64) []byte {
	for _, u := range []struct {
		ns   uint64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}} {
		if ns%u.ns == 0 {
			return append(strconv.AppendUint(dst, ns/u.ns, 10), u.name...)
		}
	}
	return append(strconv.AppendUint(dst, ns, 10), "ns"...)
}

// parseBytes reads a number of bytes, with k, M or G for 1024 to the first, second and third power.
func parseBytes(s string) (uint64, error) {
	shift := 0
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			shift = 10
		case 'M':
			shift = 20
		case 'G':
			shift = 30
		}
	}
	digits := s
	if shift > 0 {
		digits = s[:len(s)-1]
	}
	n, err := parseNumber(digits, 64)
	if errors.Is(err, errNoNumber) {
		return 0, errNoByteNumber
	}
	if err != nil {
		return 0, err
	}
	high, low := bits.Mul64(n, 1<<shift)
	if high != 0 || low > math.MaxInt64 {
		return 0, errNumberRange
	}
	return low, nil
}
