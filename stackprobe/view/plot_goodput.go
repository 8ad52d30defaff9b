package view

import "gnet/internal/chart"

// goodputPoint is the goodput at a moment, in octets per second.
type goodputPoint struct {
	t    int64
	rate float64
}

// maxGoodput bounds the points of a curve of goodput.
const maxGoodput = 400

// goodput gives what the receiving application read, or could have read, per second, over a window of time that slides: at each moment, what it read
// in the window before it.
func (p *panel) goodput() (points []goodputPoint, window int64) {
	list, _ := p.strand.delivered()
	if len(list) == 0 {
		return nil, 0
	}
	window = max(int64(chart.Step(float64(p.time.shown()), 15)), 1)
	at := func(t int64) float64 { // the total at t
		lo, hi := 0, len(list)
		for lo < hi {
			if mid := (lo + hi) / 2; list[mid].t <= t {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == 0 {
			return 0
		}
		return float64(list[lo-1].end)
	}
	for i := range maxGoodput + 1 {
		t := p.time.moment(float64(i) / maxGoodput)
		points = append(points, goodputPoint{t, (at(t) - at(t-window)) * 1e9 / float64(window)})
	}
	return points, window
}

// scaleGoodput finds the highest goodput. That is known when the axis of time is: here stands only whether there is any.
func (p *panel) scaleGoodput() bool {
	if list, _ := p.strand.delivered(); len(list) == 0 {
		return false
	}
	p.lo, p.hi = 0, 1
	return true
}
