package view

import (
	"strconv"

	"gnet/internal/chart"
)

// The measures of panels, in pixels.
const (
	marginLeft  = 66
	marginRight = 20
	sequenceH   = 360
	valueH      = 130
)

// panels draws all that there is.
func (d *drawing) panels(s *Sequence, o *SVGOptions) {
	d.list = s.layout(o.Conn)
	for i := range d.list {
		p := &d.list[i]
		p.x, p.w, p.h = marginLeft, d.width-marginLeft-marginRight, valueH
		if p.kind == panelSequence {
			p.h = sequenceH
		}
		p.y = d.y + 22
		if p.kind == panelSequence {
			p.y += 15
		}
		d.panel(p)
		d.y = p.y + p.h + 26
	}
}

// panel draws one.
func (d *drawing) panel(p *panel) {
	d.clips++
	p.clip = d.id + "-clip" + strconv.Itoa(d.clips)
	d.open("g", "panel "+p.kind.String())
	d.attr("id", d.id+"-panel"+strconv.Itoa(d.clips))
	d.integer("data-conn", int64(p.conn))
	d.attr("data-host", p.host.String())
	d.number("data-y0", p.y)
	d.number("data-y1", p.y+p.h)
	d.body = append(d.body, ` data-time="`...)
	for i, k := range p.time.knots {
		if i > 0 {
			d.body = append(d.body, ' ')
		}
		d.body = append(strconv.AppendInt(d.body, k.t, 10), ',')
		d.coordinate(p.x + p.w*k.at)
	}
	d.body = append(d.body, '"')
	var points []goodputPoint
	var window int64
	if p.kind == panelGoodput {
		points, window = p.goodput()
		for _, g := range points {
			p.hi = max(p.hi, g.rate*1.08)
		}
		d.integer("data-window", window)
	}
	d.scale(p)
	d.body = append(d.body, ">\n"...)
	if text := p.detail(); text != "" {
		d.textAt(p.x, p.y-22, "h2", p.name())
		d.textAt(p.x, p.y-7, "sub", text)
	} else {
		d.textAt(p.x, p.y-7, "h2", p.name())
	}
	d.axes(p)
	d.body = append(d.body, `<clipPath id="`+p.clip+`"><rect`...)
	d.xy(p.x, p.y)
	d.number("width", p.w)
	d.number("height", p.h)
	d.body = append(d.body, "/></clipPath>\n<g clip-path=\"url(#"+p.clip+")\">\n"...)
	switch p.kind {
	case panelSequence:
		d.marks(p)
	case panelGoodput:
		d.goodput(p, points)
	default:
		d.values(p)
	}
	d.body = append(d.body, "</g>\n"...)
	d.inner(p, window)
	d.body = append(d.body, "</g>\n"...)
}

// scale writes between which figures the panel is drawn, and whether it is their logarithm.
func (d *drawing) scale(p *panel) {
	d.body = append(d.body, ` data-range="`...)
	d.body = strconv.AppendFloat(d.body, p.lo, 'g', 9, 64)
	d.body = append(d.body, ' ')
	d.body = strconv.AppendFloat(d.body, p.hi, 'g', 9, 64)
	if p.log {
		d.body = append(d.body, " log"...)
	}
	d.body = append(d.body, '"')
}

// axes draws the grid, the frame and the numbers.
func (d *drawing) axes(p *panel) {
	d.body = append(d.body, "<g class=\"axis\" aria-hidden=\"true\">\n<g class=\"times\">\n"...)
	_, name := p.time.unit()
	end := -1e9
	for _, k := range p.time.ticks(int(p.w / 90)) {
		x, text := p.across(k.t), k.text
		d.line("grid", x, p.y, x, p.y+p.h)
		if half := float64(len(text)) * 3.2; x-half > end+6 && x+half < p.x+p.w-24 {
			d.textAt(x, p.y+p.h+13, "tick mid", text)
			end = x + half
		}
	}
	d.textAt(p.x+p.w, p.y+p.h+13, "tick end", name)
	d.cuts(p)
	d.body = append(d.body, "</g>\n<g class=\"figures\">\n"...)
	values, word := p.figures(int(p.h / 34))
	for _, v := range values {
		if v >= 0 {
			y := p.down(v)
			d.line("grid", p.x, y, p.x+p.w, y)
			d.textAt(p.x-5, y+4, "tick end", word(v))
		}
	}
	d.body = append(d.body, "</g>\n"+`<path class="frame" d="M`...)
	d.point(p.x, p.y)
	d.body = append(d.body, 'V')
	d.coordinate(p.y + p.h)
	d.body = append(d.body, 'H')
	d.coordinate(p.x + p.w)
	d.body = append(d.body, "\"/>\n</g>\n"...)
}

// cuts marks the times that are cut.
func (d *drawing) cuts(p *panel) {
	for i, k := range p.time.knots {
		if !k.cut {
			continue
		}
		next := p.time.knots[i+1]
		x0, x1 := p.x+p.w*k.at, p.x+p.w*next.at
		d.open("rect", "cut")
		d.xy(x0, p.y)
		d.number("width", x1-x0)
		d.number("height", p.h)
		d.body = append(d.body, "/>\n"...)
		d.textAt((x0+x1)/2, p.y+p.h-4, "tick mid", inUnit(next.t-k.t, 3, " "))
	}
}

// line draws a straight line.
func (d *drawing) line(class string, x1, y1, x2, y2 float64) {
	d.open("path", class)
	d.body = append(d.body, ` d="M`...)
	d.point(x1, y1)
	d.body = append(d.body, 'L')
	d.point(x2, y2)
	d.body = append(d.body, "\"/>\n"...)
}

func (d *drawing) point(x, y float64) {
	d.coordinate(x)
	d.body = append(d.body, ' ')
	d.coordinate(y)
}

func (d *drawing) coordinate(v float64) { d.body = chart.AppendNumber(d.body, v) }

// String is the panel's class.
func (k panelKind) String() string {
	return [...]string{"sequence", "window", "trip", "goodput-panel"}[k]
}

// values draws the curves of a panel, each as a stair: a variable keeps its value until it is seen to change.
func (d *drawing) values(p *panel) {
	for _, v := range p.kind.drawn() {
		list := p.strand.values[v].list
		if len(list) == 0 || v == valuePipe && !p.strand.piped {
			continue
		}
		d.legend.values[v] = true
		d.legend.estimated[v] = d.legend.estimated[v] || p.strand.estimated[v]
		if v == valueMeasured {
			d.measured(p, list)
			continue
		}
		class := v.class()
		if p.strand.estimated[v] {
			class += " computed"
		}
		d.open("path", class)
		d.body = append(d.body, ` d="M`...)
		if v == valueFlight {
			d.point(p.across(list[0].t), p.down(0))
			d.body = append(d.body, 'V')
		} else {
			d.coordinate(p.across(list[0].t))
			d.body = append(d.body, ' ')
		}
		for i := range list {
			m := &list[i]
			if i > 0 {
				d.body = append(d.body, 'H')
				d.coordinate(p.across(m.t))
				d.body = append(d.body, 'V')
			}
			if m.count > 1 && m.lo != m.hi { // a run: through its lowest and its highest
				d.coordinate(p.down(float64(m.lo)))
				d.body = append(d.body, 'V')
				d.coordinate(p.down(float64(m.hi)))
				d.body = append(d.body, 'V')
			}
			d.coordinate(p.down(float64(m.end)))
		}
		d.body = append(d.body, 'H')
		d.coordinate(p.across(p.strand.seen))
		if v == valueFlight {
			d.body = append(d.body, 'V')
			d.coordinate(p.down(0))
		}
		d.body = append(d.body, "\"/>\n"...)
	}
}

// measured draws round trips, hollow, as they are computed from the two moments at the sender's tap.
func (d *drawing) measured(p *panel, list []plotMark) {
	for i := range list {
		m := &list[i]
		if m.count > 1 {
			d.open("g", "run measured")
			d.integer("data-count", int64(m.count))
			d.body = append(d.body, '>')
			d.line("", p.across(m.t), p.down(float64(m.lo)), p.across(m.last), p.down(float64(m.hi)))
			d.body = append(d.body, "</g>\n"...)
			continue
		}
		d.open("circle", "measured")
		d.number("cx", p.across(m.t))
		d.number("cy", p.down(float64(m.hi)))
		d.body = append(d.body, ` r="2.5"`...)
		d.integer("data-seg", int64(m.seg))
		d.integer("data-n", int64(m.n))
		d.body = append(d.body, "><title>segment "+strconv.Itoa(m.seg)+": "+duration(m.hi)+" from its departure to its acknowledgment</title></circle>\n"...)
	}
}

// goodput draws the curve.
func (d *drawing) goodput(p *panel, points []goodputPoint) {
	if len(points) == 0 {
		return
	}
	of := valueRead
	if _, read := p.strand.delivered(); !read {
		of = valueInOrder
	}
	d.legend.values[of] = true
	d.open("path", of.class())
	d.body = append(d.body, ` d="M`...)
	d.point(p.across(points[0].t), p.down(0))
	for _, g := range points {
		d.body = append(d.body, 'L')
		d.point(p.across(g.t), p.down(g.rate))
	}
	d.body = append(d.body, 'L')
	d.point(p.across(points[len(points)-1].t), p.down(0))
	d.body = append(d.body, "\"/>\n"...)
}

// inner writes what must be said of a panel besides its name.
func (d *drawing) inner(p *panel, window int64) {
	y, text := p.y-7, ""
	switch {
	case p.above:
		text = "↑ the window's right edge is above, up to " + strconv.FormatInt(p.strand.highest(), 10)
	case window > 0:
		text = p.strand.goodputWords(window)
	case p.log:
		text = "logarithmic"
	default:
		return
	}
	if d.width < 900 { // its name may be there
		y = p.y + 12
	}
	d.textAt(p.x+p.w, y, "sub end inner", text)
}

// highest is the highest right edge.
func (d *strand) highest() (n int64) {
	for i := range d.marks[markEdge].list {
		n = max(n, d.marks[markEdge].list[i].hi)
	}
	return n
}

// drawn are the values of a panel from back to front.
func (k panelKind) drawn() []value {
	switch k {
	case panelWindow:
		return []value{valueFlight, valuePipe, valueSsthresh, valueCwnd}
	case panelTrip:
		return []value{valueRTO, valueSRTT, valueMeasured}
	}
	return nil
}

// class is the class of a curve.
func (v value) class() string {
	return [...]string{"cwnd", "ssthresh", "flight", "pipe", "measured", "srtt", "rto", "goodput", "goodput computed"}[v]
}
