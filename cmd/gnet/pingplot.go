package main

import (
	"fmt"
	"time"

	"gnet/internal/chart"
)

// The measures of the picture of --plot, in pixels.
const (
	plotWidth, plotLeft, plotRight = 1200.0, 76.0, 20.0
	plotOneHeight, plotManyHeight  = 320.0, 72.0
	plotMarks                      = 14.0 // for what was lost, below each panel
	plotSpread                     = 150.0
)

// plotLog is how many times as long as the median the longest round trip may be before the scale is logarithmic: the others would
// be a flat line.
const plotLog = 16

// plotRules are the style sheet of the picture.
func plotRules() string {
	return `.bg{fill:var(--bg)}
text{font:11px system-ui,'DejaVu Sans',sans-serif;fill:var(--ink)}
.h1{font-size:16px;font-weight:600}
.h2{font-weight:600}
.sub,.tick{fill:var(--dim)}
.end{text-anchor:end}
.mid{text-anchor:middle}
path{fill:none;stroke:var(--ink)}
path.grid{stroke:var(--grid)}
path.frame{stroke:var(--dim)}
path.rtt{stroke:var(--blue);stroke-width:1.4}
path.range{stroke:var(--blue);stroke-opacity:.45;stroke-width:1.4}
circle.rtt{fill:var(--blue)}
path.silent{stroke:var(--red);stroke-width:1.6}
path.error{stroke:var(--orange);stroke-width:1.6}
path.refused{stroke:var(--dim);stroke-width:1.6}
rect.bar{fill:var(--blue);fill-opacity:.7}
@media print{.bg{fill:none}}
`
}

// pingPlot is a picture that is being written.
type pingPlot struct {
	b   []byte
	y   float64
	end time.Duration // of the time axis
}

// appendPingPlot appends the picture of a run that is over, as SVG: of each host the round trips over time, and what was lost below
// them; of one host a histogram too. It refers to nothing outside itself and has no script.
func appendPingPlot(dst []byte, r *pingRecord, head string, now time.Time) []byte {
	p := &pingPlot{y: 28, end: time.Second}
	one := len(r.tracks) == 1
	for _, t := range r.tracks {
		if n := len(t.whole.points); n > 0 {
			p.end = max(p.end, t.whole.points[n-1].end)
		}
	}
	title := "ping " + plural(len(r.tracks), "host")
	if one {
		title = "ping " + r.tracks[0].label()
	}
	p.text(16, p.y, "h1", title)
	p.y += 18
	p.text(16, p.y, "sub", head+"; written "+now.UTC().Format(time.RFC3339)+"; the horizontal axis is the time since the first probe")
	p.legend()
	height := plotManyHeight
	if one {
		height = plotOneHeight
	}
	for _, t := range r.tracks {
		p.track(t, height)
	}
	p.y += 4
	if one {
		p.spread(r.tracks[0])
	}
	return p.document(dst, title)
}

// document puts the picture into its frame.
func (p *pingPlot) document(b []byte, title string) []byte {
	size := func(v float64) string { return string(chart.AppendNumber(nil, v)) }
	b = fmt.Appendf(b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%s" height="%s" viewBox="0 0 %[1]s %s">`+"\n<title>",
		size(plotWidth), size(p.y+8), size(p.y+8))
	b = chart.AppendXML(b, title)
	b = append(b, "</title>\n<style>\n"...)
	colours := func(dark bool) {
		b = append(b, "svg{"...)
		for _, c := range chart.Palette() {
			v := c.Light
			if dark {
				v = c.Dark
			}
			b = append(b, "--"+c.Name+":"+v+";"...)
		}
		b = append(b, '}')
	}
	colours(false)
	b = append(b, "\n@media(prefers-color-scheme:dark){"...)
	colours(true)
	b = append(b, "}\n"+plotRules()+"</style>\n"+`<rect class="bg" width="100%" height="100%"/>`+"\n"...)
	b = append(b, p.b...)
	return append(b, "</svg>\n"...)
}

// legend says what the signs are.
func (p *pingPlot) legend() {
	p.y += 18
	x := 16.0
	for _, s := range [...]struct{ class, d, text string }{
		{"rtt", "h14", "round trip"}, {"range", "m7 -6v12", "shortest to longest of several probes"}, {"silent", "m3 -4l8 8m0 -8l-8 8", "no answer"},
		{"error", "m7 -5v10", "ICMP error"}, {"refused", "m2 0h10", "not sent by this host"},
	} {
		p.b = fmt.Appendf(p.b, `<path class="%s" d="M%.0f %.0f%s"/>`, s.class, x, p.y-4, s.d)
		p.text(x+20, p.y, "sub", s.text)
		x += 44 + 6.2*float64(len(s.text))
	}
	p.y += 10
}

// text writes a line.
func (p *pingPlot) text(x, y float64, class, s string) {
	p.b = fmt.Appendf(p.b, `<text class="%s" x="`, class)
	p.b = append(chart.AppendNumber(p.b, x), `" y="`...)
	p.b = append(chart.AppendNumber(p.b, y), `">`...)
	p.b = append(chart.AppendXML(p.b, s), "</text>\n"...)
}

// point appends a place.
func (p *pingPlot) point(x, y float64) {
	p.b = append(chart.AppendNumber(p.b, x), ' ')
	p.b = chart.AppendNumber(p.b, y)
}

// line draws a line.
func (p *pingPlot) line(class string, x0, y0, x1, y1 float64) {
	p.b = fmt.Appendf(p.b, `<path class="%s" d="M`, class)
	p.point(x0, y0)
	p.b = append(p.b, 'L')
	p.point(x1, y1)
	p.b = append(p.b, "\"/>\n"...)
}

// across is where a moment is.
func (p *pingPlot) across(at time.Duration) float64 {
	return plotLeft + (plotWidth-plotLeft-plotRight)*float64(at)/float64(p.end)
}

// track draws the panel of a host.
func (p *pingPlot) track(t *pingTrack, height float64) {
	p.y += 18
	_, percent := t.lost()
	logarithmic := false
	words := fmt.Sprintf("sent %d, received %d, %s lost", t.stats.Transmitted, t.stats.Received, percentText(percent))
	if t.stats.NotSent > 0 {
		words += fmt.Sprintf(", not sent %d", t.stats.NotSent)
	}
	if t.spread != nil {
		median, _ := t.spread.Quantile(0.5)
		high, _ := t.spread.Quantile(0.99)
		logarithmic = t.stats.RTT.Max > plotLog*median
		words += fmt.Sprintf("; min %s, p50 %s, p99 %s, max %s ms", threeDigits(t.stats.RTT.Min), threeDigits(median), threeDigits(high), threeDigits(t.stats.RTT.Max))
	}
	if logarithmic {
		words += "; logarithmic"
	}
	if t.whole.per > 1 {
		words += fmt.Sprintf("; %d probes in each mark", t.whole.per)
	}
	p.text(plotLeft, p.y, "h2", t.label())
	p.text(plotWidth-plotRight, p.y, "sub end", words)
	p.y += 6
	top := p.y
	p.y += height
	axis := scale{log: logarithmic}.axis(t.stats.RTT.Min, t.stats.RTT.Max, int(height/28))
	down := func(d time.Duration) float64 { return top + height*(1-axis.share(d)) }
	if t.stats.RTT.N > 0 {
		for _, v := range axis.ticks {
			y := down(time.Duration(v))
			p.line("grid", plotLeft, y, plotWidth-plotRight, y)
			p.text(plotLeft-6, y+4, "tick end", axis.word(v))
		}
	}
	p.trips(t, down)
	p.y += plotMarks
	p.lost(t, p.y-plotMarks/2)
	p.line("frame", plotLeft, p.y, plotWidth-plotRight, p.y)
	p.times()
}

// trips draws the round trips: a line through them, broken where an answer is missing.
func (p *pingPlot) trips(t *pingTrack, down func(time.Duration) float64) {
	open := false
	for i := range t.whole.points {
		q := &t.whole.points[i]
		mean := time.Duration(0)
		if q.answered > 0 {
			mean = q.sum / time.Duration(q.answered)
		}
		alone := q.answered > 0 && !open && (i+1 == len(t.whole.points) || t.whole.points[i+1].answered == 0)
		switch {
		case alone:
			p.b = fmt.Appendf(p.b, `<circle class="rtt" r="1.8" cx="%s" cy="%s"/>`+"\n", chart.AppendNumber(nil, p.across(q.at)), chart.AppendNumber(nil, down(mean)))
		case q.answered > 0 && !open:
			p.b, open = append(p.b, `<path class="rtt" d="M`...), true
			p.point(p.across(q.at), down(mean))
		case q.answered > 0:
			p.b = append(p.b, 'L')
			p.point(p.across(q.at), down(mean))
		case open:
			p.b, open = append(p.b, "\"/>\n"...), false
		}
	}
	if open {
		p.b = append(p.b, "\"/>\n"...)
	}
	for i := range t.whole.points {
		if q := &t.whole.points[i]; q.min != q.max {
			p.line("range", p.across(q.at), down(q.min), p.across(q.at), down(q.max))
		}
	}
}

// lost draws what was lost, each with how many and why.
func (p *pingPlot) lost(t *pingTrack, y float64) {
	for i := range t.whole.points {
		q := &t.whole.points[i]
		for _, m := range [...]struct {
			n        int64
			class, d string
			what     string
		}{{q.refused, "refused", "m-5 0h10", "not sent"}, {q.silent, "silent", "m-4 -4l8 8m0 -8l-8 8", "no answer"}, {q.errs, "error", "m0 -5v10", "ICMP error"}} {
			if m.n == 0 {
				continue
			}
			p.b = fmt.Appendf(p.b, `<path class="%s" data-count="%d" d="M`, m.class, m.n)
			p.point(p.across(q.at), y)
			p.b = fmt.Appendf(p.b, `%s"><title>%s: %d, at %s</title></path>`+"\n", m.d, m.what, m.n, clockOf(q.at))
		}
	}
}

// times names the moments below a panel.
func (p *pingPlot) times() {
	p.y += 14
	step := chart.Step(p.end.Seconds(), 12)
	for _, v := range chart.Ticks(0, p.end.Seconds(), step) {
		p.text(p.across(time.Duration(v*float64(time.Second))), p.y, "tick mid", chart.TickText(v, step)+" s")
	}
}

// spread draws the histogram.
func (p *pingPlot) spread(t *pingTrack) {
	if t.spread == nil {
		return
	}
	p.y += 24
	p.text(plotLeft, p.y, "h2", "how many answers took how long; each doubling of the time is as wide as the next")
	rows := spreadRows(t.spread, 64)
	most := int64(1)
	for _, r := range rows {
		most = max(most, r.Count)
	}
	p.y += 10 + plotSpread
	width := (plotWidth - plotLeft - plotRight) / float64(len(rows))
	for i, r := range rows {
		x, h := plotLeft+width*float64(i), plotSpread*float64(r.Count)/float64(most)
		if r.Count > 0 {
			p.b = fmt.Appendf(p.b, `<rect class="bar" data-count="%d" x="%s" y="%s" width="%s" height="%s"><title>%s to %s ms: %[1]d</title></rect>`+"\n", r.Count, chart.AppendNumber(nil, x),
				chart.AppendNumber(nil, p.y-h), chart.AppendNumber(nil, max(width-1, 0.5)), chart.AppendNumber(nil, h), threeDigits(r.From), threeDigits(r.To))
		}
		if every := len(rows)/12 + 1; i%every == 0 {
			p.text(x, p.y+14, "tick", threeDigits(r.From)+" ms")
		}
	}
	p.text(plotLeft-6, p.y-plotSpread+4, "tick end", numeral(most))
	p.line("frame", plotLeft, p.y, plotWidth-plotRight, p.y)
	p.y += 20
}
