package view

import "strings"

// pen is how a curve is drawn in a terminal.
func (v value) pen() *pen {
	switch v {
	case valueCwnd, valueSRTT:
		return &pen{tint: tintBlue, ascii: '#'}
	case valueSsthresh, valueRTO:
		return &pen{tint: tintRed, ascii: '-', gap: 3}
	case valueFlight:
		return &pen{tint: tintDim, ascii: ':', fill: true}
	case valuePipe:
		return &pen{tint: tintViolet, ascii: '.', gap: 1}
	case valueRead, valueInOrder:
		return &pen{tint: tintGreen, ascii: ':', fill: true}
	}
	return &pen{tint: tintGreen, ascii: 'o'}
}

// values draws the curves of a panel.
func (p *Plot) values(c *canvas, q *panel) {
	for _, v := range q.kind.drawn() {
		if v == valuePipe && !q.strand.piped {
			continue
		}
		list, draw := q.strand.values[v].list, v.pen()
		for i := range list {
			m := &list[i]
			x, y := int(q.across(m.t)+0.5), int(q.down(float64(m.end))+0.5)
			if v == valueMeasured {
				p.circle(c, q, m)
				continue
			}
			to := int(q.across(q.strand.seen) + 0.5)
			if i+1 < len(list) {
				to = int(q.across(list[i+1].t) + 0.5)
			}
			if draw.fill {
				for at := x; at < max(to, x+1); at++ {
					if m.end > 0 {
						c.below(at, y, draw)
					}
				}
				continue
			}
			if i > 0 {
				c.upright(x, int(q.down(float64(list[i-1].end))+0.5), y, draw)
			}
			if m.count > 1 {
				c.upright(x, int(q.down(float64(m.lo))+0.5), int(q.down(float64(m.hi))+0.5), draw)
			}
			c.level(x, to, y, draw)
		}
	}
}

// circle draws a round trip.
func (p *Plot) circle(c *canvas, q *panel, m *plotMark) {
	sign := "○"
	if p.page.opts.ASCII {
		sign = "o"
	}
	c.write(int(q.across(m.t)+0.5)/c.dw, int(q.down(float64(m.end))+0.5)/c.dh, sign, tintGreen, false)
}

// goodput draws what was read, as an area.
func (p *Plot) goodput(c *canvas, q *panel) int64 {
	points, window := q.goodput()
	for _, g := range points {
		q.hi = max(q.hi, g.rate*1.08)
	}
	draw := valueRead.pen()
	for _, g := range points {
		if g.rate > 0 {
			x, y := int(q.across(g.t)+0.5), int(q.down(g.rate)+0.5)
			c.below(x, y, draw)
			c.dot(x, y, draw)
		}
	}
	return window
}

// keys names the curves of a panel, each with a piece of its line.
func (p *Plot) keys(c *canvas, q *panel) {
	var parts []string
	drawn := q.kind.drawn()
	for i := len(drawn) - 1; i >= 0; i-- {
		v := drawn[i]
		if len(q.strand.values[v].list) == 0 || v == valuePipe && !q.strand.piped {
			continue
		}
		sample := p.sample(v)
		text := sample + " " + v.meaning()
		if q.strand.estimated[v] {
			text += ", ~ computed from segments"
		}
		parts = append(parts, text)
	}
	text := strings.Join(parts, "; ")
	if q.log {
		text += " (logarithmic)"
	}
	p.page.text("  ", text, faint)
}

// sample is a piece of a curve.
func (p *Plot) sample(v value) string {
	if v == valueMeasured {
		if p.page.opts.ASCII {
			return "o"
		}
		return "○"
	}
	c := newCanvas(4, 1, p.page.opts.ASCII)
	draw := v.pen()
	if draw.fill {
		for x := range 3 * c.dw {
			c.below(x, 0, draw)
		}
	} else {
		c.level(0, 3*c.dw, c.dh/2, draw)
	}
	return string(c.appendRow(nil, 0, false))
}
