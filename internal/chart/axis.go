package chart

import (
	"math"
	"strconv"
)

// Step gives a distance between marks of an axis of that span such that about n fit: 1, 2 or 5 times a power of ten.
func Step(span float64, n int) float64 {
	if span <= 0 || math.IsInf(span, 0) || math.IsNaN(span) {
		return 1
	}
	raw := span / float64(max(n, 1))
	size := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range [...]float64{1, 2, 5} {
		if m*size >= raw*0.999 {
			return m * size
		}
	}
	return 10 * size
}

// Ticks are the multiples of step from lo to hi.
func Ticks(lo, hi, step float64) []float64 {
	var list []float64
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9 && len(list) < 256; i++ {
		list = append(list, i*step+0) // + 0: there is no -0
	}
	return list
}

// Decades are the values that a logarithmic axis names, at most about n: 1, 2 and 5 times a power of ten, or the powers alone.
func Decades(lo, hi float64, n int) []float64 {
	var list, powers []float64
	for size := math.Pow(10, math.Floor(math.Log10(lo))); size <= hi && len(list) < 64; size *= 10 {
		for _, m := range [...]float64{1, 2, 5} {
			if v := m * size; v >= lo*0.999 && v <= hi*1.001 {
				list = append(list, v)
				if m == 1 {
					powers = append(powers, v)
				}
			}
		}
	}
	if len(list) > n+2 && len(powers) > 1 {
		return powers
	}
	return list
}

// TimeUnit is the unit in which an axis of that span names times.
func TimeUnit(span float64) (size float64, name string) {
	switch {
	case span < 2e6:
		return 1e3, "us"
	case span < 2e9:
		return 1e6, "ms"
	}
	return 1e9, "s"
}

// TickText writes a value of an axis whose marks stand step apart.
func TickText(v, step float64) string {
	decimals := 0
	for ; decimals < 6 && math.Abs(step-math.Round(step)) > 1e-9*math.Abs(step); decimals++ {
		step *= 10
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
