package view

import (
	"math"
	"strconv"

	"gnet/internal/chart"
	"gnet/stackprobe/event"
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
	step := max(chart.Step(p.hi-p.lo, n), 1) // there are no halves of octets and of nanoseconds
	values, word = chart.Ticks(p.lo, p.hi, step), octetText
	if p.log {
		values = chart.Decades(p.lo, p.hi, n)
	}
	switch p.kind {
	case panelTrip:
		size, unit := chart.TimeUnit(p.hi)
		word = func(v float64) string {
			if p.log {
				return chart.TickText(v/size, v/size) + " " + unit
			}
			return chart.TickText(v/size, step/size) + " " + unit
		}
	case panelGoodput:
		word = func(v float64) string { return octetText(v) + "/s" }
	}
	return values, word
}
