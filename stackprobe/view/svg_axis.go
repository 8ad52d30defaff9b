package view

import (
	"gnet/stackprobe/event"
	"math"
	"strconv"
)

// panel is one diagram: time to the right, a figure upwards.
type panel struct {
	kind   panelKind
	conn   int
	host   event.Host
	strand *strand
	time   *timeline
	lo, hi float64
	log    bool // the figure's logarithm is drawn
	x, y   float64
	w, h   float64
	clip   string
	above  bool // a right edge of the window lies above what is drawn
}

// across and down are the place of a moment and of a value.
func (p *panel) across(t int64) float64 {
	return p.x + p.w*p.time.at(t)
}

func (p *panel) down(v float64) float64 {
	lo, hi := p.lo, p.hi
	if p.log {
		v, lo, hi = math.Log10(max(v, lo)), math.Log10(lo), math.Log10(hi)
	}
	f := (v - lo) / (hi - lo)
	return p.y + p.h*(1-min(max(f, -1), 2)) // far outside is cut there: a coordinate has a bound
}

// steps gives a distance between marks of an axis of that span such that about n fit: 1, 2 or 5 times a power of ten.
func steps(span float64, n int) float64 {
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

// ticks are the multiples of step from lo to hi.
func ticks(lo, hi, step float64) []float64 {
	var list []float64
	for i := math.Ceil(lo/step - 1e-9); i*step <= hi+step*1e-9 && len(list) < 256; i++ {
		list = append(list, i*step+0) // + 0: there is no -0
	}
	return list
}

// decades are the values that a logarithmic axis names, at most about n: 1, 2 and 5 times a power of ten, or the powers alone.
func decades(lo, hi float64, n int) []float64 {
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

// timeUnit is the unit in which an axis of that span names times.
func timeUnit(span float64) (size float64, name string) {
	switch {
	case span < 2e6:
		return 1e3, "us"
	case span < 2e9:
		return 1e6, "ms"
	}
	return 1e9, "s"
}

// tickText writes a value of an axis whose marks stand step apart.
func tickText(v, step float64) string {
	decimals := 0
	for ; decimals < 6 && math.Abs(step-math.Round(step)) > 1e-9*math.Abs(step); decimals++ {
		step *= 10
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// octetText writes a number of octets for an axis: in thousands from 10,000 on where that says it exactly.
func octetText(v float64) string {
	n := int64(math.Round(v))
	for _, u := range [...]struct {
		size int64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if n >= 10*u.size || n >= u.size && n%(u.size/10) == 0 {
			return strconv.FormatFloat(float64(n)/float64(u.size), 'f', -1, 64) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// figures are the values that the panel's axis names, about n, and how they are written.
func (p *panel) figures(n int) (values []float64, word func(v float64) string) {
	step := max(steps(p.hi-p.lo, n), 1) // there are no halves of octets and of nanoseconds
	values, word = ticks(p.lo, p.hi, step), octetText
	if p.log {
		values = decades(p.lo, p.hi, n)
	}
	switch p.kind {
	case panelTrip:
		size, unit := timeUnit(p.hi)
		word = func(v float64) string {
			if p.log {
				return tickText(v/size, v/size) + " " + unit
			}
			return tickText(v/size, step/size) + " " + unit
		}
	case panelGoodput:
		word = func(v float64) string { return octetText(v) + "/s" }
	}
	return values, word
}
