package view

import (
	"slices"

	"gnet/internal/chart"
)

// The measures of a cut: a quiet time that takes more than quietShare of the width is drawn cutShare wide; at most maxCuts are.
// Of a timer that doubles, the last wait takes half of all, and stays.
const (
	quietShare = 0.52
	cutShare   = 0.04
	maxCuts    = 6
)

// timeline says where in the width of a picture a moment stands: linear, all at one scale, but for long quiet times, which are
// cut and marked.
type timeline struct {
	knots []knot // in order of time
}

// knot is a moment and its place between 0 and 1. cut says that the time from here to the next one is cut.
type knot struct {
	t   int64
	at  float64
	cut bool
}

// newTimeline makes the axis for moments, which it sorts.
func newTimeline(moments []int64) *timeline {
	if len(moments) == 0 {
		return &timeline{knots: []knot{{0, 0, false}, {1, 1, false}}}
	}
	slices.Sort(moments)
	cuts := quiet(moments)
	t0, t1 := moments[0], moments[len(moments)-1]
	active := float64(t1 - t0)
	for _, c := range cuts {
		active -= float64(c.last - c.first)
	}
	room := max(active/40, 500) // so that nothing stands on the frame
	scale := (1 - cutShare*float64(len(cuts))) / (active + 2*room + 2*room*float64(len(cuts)))
	l := &timeline{}
	t, at := t0-int64(room), 0.0
	for _, c := range cuts {
		l.knots = append(l.knots, knot{t, at, false})
		from, to := c.first+int64(room), c.last-int64(room)
		at += float64(from-t) * scale
		l.knots = append(l.knots, knot{from, at, true})
		t, at = to, at+cutShare
	}
	return &timeline{append(l.knots, knot{t, at, false}, knot{t1 + int64(room), 1, false})}
}

// quiet finds the times without a moment that are to be cut, in order.
func quiet(moments []int64) []span64 {
	var cuts []span64
	rest := float64(moments[len(moments)-1] - moments[0])
	for len(cuts) < maxCuts {
		var best span64
		for i := 1; i < len(moments); i++ {
			g := span64{moments[i-1], moments[i]}
			if g.last-g.first > best.last-best.first && !slices.Contains(cuts, g) {
				best = g
			}
		}
		length := float64(best.last - best.first)
		if length < 10_000 || length < quietShare*rest {
			break
		}
		cuts = append(cuts, best)
		rest -= length
	}
	slices.SortFunc(cuts, func(a, b span64) int { return int(min(max(a.first-b.first, -1), 1)) })
	return cuts
}

// span64 is a piece of time.
type span64 struct{ first, last int64 }

// at gives the place of a moment; what lies outside stands at the edge.
func (l *timeline) at(t int64) float64 {
	i := 1
	for i < len(l.knots)-1 && l.knots[i].t < t {
		i++
	}
	a, b := &l.knots[i-1], &l.knots[i]
	return min(max(a.at+(b.at-a.at)*float64(t-a.t)/float64(max(b.t-a.t, 1)), 0), 1)
}

// moment gives the time at a place.
func (l *timeline) moment(at float64) int64 {
	i := 1
	for i < len(l.knots)-1 && l.knots[i].at < at {
		i++
	}
	a, b := &l.knots[i-1], &l.knots[i]
	if b.at == a.at {
		return a.t
	}
	return a.t + int64(float64(b.t-a.t)*(at-a.at)/(b.at-a.at))
}

// shown is the length of time that is not cut.
func (l *timeline) shown() int64 {
	sum := int64(0)
	for i := range len(l.knots) - 1 {
		if !l.knots[i].cut {
			sum += l.knots[i+1].t - l.knots[i].t
		}
	}
	return sum
}

// moment and text of a mark of the axis.
type timeTick struct {
	t    int64
	text string
}

// ticks are about n marks of the axis; each piece between cuts has one, if it takes finer ones.
func (l *timeline) ticks(n int) []timeTick {
	var list []timeTick
	unit, _ := l.unit()
	step := chart.Step(float64(l.shown())/unit, n)
	for i := range len(l.knots) - 1 {
		a, b := l.knots[i], l.knots[i+1]
		if a.cut {
			continue
		}
		lo, hi, piece := float64(a.t)/unit, float64(b.t)/unit, step
		for _, finer := range [...]float64{1, 2, 5, 10, 50, 100, 1000} {
			if piece = step / finer; len(chart.Ticks(lo, hi, piece)) > 0 {
				break
			}
		}
		for _, v := range chart.Ticks(lo, hi, piece) {
			list = append(list, timeTick{int64(v * unit), chart.TickText(v, piece)})
		}
	}
	return list
}

// unit is the one in which the axis names times.
func (l *timeline) unit() (size float64, name string) {
	return chart.TimeUnit(float64(max(l.shown(), (l.knots[len(l.knots)-1].t)/100)))
}
