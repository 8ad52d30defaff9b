package view

import (
	"strconv"

	"gnet/internal/chart"
	"gnet/stackprobe/event"
)

// marks draws the marks of a sequence panel from back to front.
func (d *drawing) marks(p *panel) {
	place := &labels{panel: p}
	if p.above && d.width < 900 { // what inner writes there
		place.take(p.x+p.w-320, p.y+12, 316)
	}
	for k := range markKinds {
		list := p.strand.marks[k].list
		for i := range list {
			m := &list[i]
			d.legend.mark(k, m)
			switch {
			case k == markAck || k == markEdge:
				d.stair(p, k, list, i)
			case m.count > 1:
				d.run(p, k, m)
			default:
				d.mark(p, k, m, place)
			}
		}
	}
}

// group begins the element of a mark.
func (d *drawing) group(p *panel, k markKind, m *plotMark) {
	class := k.class()
	if m.count > 1 {
		class += " run"
	}
	d.open("g", class)
	d.integer("data-seg", int64(m.seg))
	d.integer("data-n", int64(m.n))
	if m.count > 1 {
		d.integer("data-count", int64(m.count))
	}
	d.body = append(d.body, "><title>"...)
	d.body = chart.AppendXML(d.body, tooltip(p, k, m))
	d.body = append(d.body, "</title>"...)
}

func (d *drawing) endGroup() { d.body = append(d.body, "</g>\n"...) }

// path begins the shape of a mark.
func (d *drawing) path() { d.body = append(d.body, `<path d="`...) }

func (d *drawing) endPath() { d.body = append(d.body, `"/>`...) }

// stair draws one step: from the last value to the moment, and up to the new one.
func (d *drawing) stair(p *panel, k markKind, list []plotMark, i int) {
	m := &list[i]
	d.group(p, k, m)
	d.path()
	x, y := p.across(m.t), p.down(float64(m.hi))
	d.body = append(d.body, 'M')
	if i == 0 {
		d.point(x, y)
	} else {
		d.point(p.across(list[i-1].last), p.down(float64(list[i-1].end)))
		d.body = append(d.body, 'H')
		d.coordinate(x)
		d.body = append(d.body, 'V')
		d.coordinate(y)
	}
	if m.count > 1 {
		d.body = append(d.body, 'V')
		d.coordinate(p.down(float64(m.lo)))
		d.body = append(d.body, 'H')
		d.coordinate(p.across(m.last))
		d.body = append(d.body, 'V')
		d.coordinate(p.down(float64(m.end)))
	}
	if i == len(list)-1 {
		d.body = append(d.body, 'H')
		d.coordinate(p.across(p.strand.seen))
	}
	d.endPath()
	d.endGroup()
}

// run draws marks that were folded, from their lowest to their highest number.
func (d *drawing) run(p *panel, k markKind, m *plotMark) {
	d.group(p, k, m)
	x0, x1 := p.across(m.t), p.across(m.last)
	top, bottom := p.down(float64(m.hi)), p.down(float64(m.lo))
	d.path()
	d.body = append(d.body, 'M')
	d.point(x0, bottom)
	d.body = append(d.body, 'L')
	d.point(x1, top)
	d.endPath()
	d.endGroup()
}

// mark draws one mark with its label.
func (d *drawing) mark(p *panel, k markKind, m *plotMark, place *labels) {
	d.group(p, k, m)
	x, top, bottom := p.across(m.t), p.down(float64(m.hi)), p.down(float64(m.lo))
	d.path()
	switch k {
	case markData, markAgain, markProbe, markCrafted, markFin, markSyn:
		d.bar(k, m, x, top, bottom)
	case markArrival, markLate, markCopy, markSack:
		d.body = append(d.body, 'M')
		d.point(x, bottom)
		d.body = append(d.body, 'V')
		d.coordinate(min(top, bottom-1))
	case markEmpty:
		d.cross(x, top, 2)
	case markLost, markBroken:
		d.cross(x, (top+bottom)/2, 5)
	case markAckLost:
		d.ring(x, top)
	case markSame, markSameEdge:
		d.body = append(d.body, 'M')
		d.point(x-3, top)
		d.body = append(d.body, 'H')
		d.coordinate(x)
		d.body = append(d.body, 'v', '3')
	case markRstIn, markRstOut, markICMP, markZero:
		d.cross(x, top, 3)
	}
	d.endPath()
	if long, short := k.label(m); long != "" && !(k == markSack && place.again(x, m.order)) {
		d.label(place, k, x, top, bottom, long, short)
	}
	d.endGroup()
}

// bar draws a segment as tcptrace does: an arrow down to its first number, one up to its last; a diamond on top for PSH.
func (d *drawing) bar(k markKind, m *plotMark, x, top, bottom float64) {
	const head = 2.5
	tall := bottom-top > 3*head
	d.body = append(d.body, 'M')
	if tall {
		d.point(x-head, top+head)
		d.body = append(d.body, 'L')
		d.point(x, top)
		d.body = append(d.body, 'L')
		d.point(x+head, top+head)
		d.body = append(d.body, 'M')
		d.point(x-head, bottom-head)
		d.body = append(d.body, 'L')
		d.point(x, bottom)
		d.body = append(d.body, 'L')
		d.point(x+head, bottom-head)
		d.body = append(d.body, 'M')
		d.point(x, bottom)
		d.body = append(d.body, 'V')
		d.coordinate(top)
	} else { // no room for heads: a line with a tick at each end
		d.point(x-1.5, top)
		d.body = append(d.body, "h3m-1.5 0V"...)
		d.coordinate(max(bottom, top+1))
		d.body = append(d.body, "m-1.5 0h3"...)
	}
	if k == markSyn || k == markFin || m.flags.Has(event.PSH) {
		d.body = append(d.body, 'M')
		d.point(x, top-5)
		d.body = append(d.body, "l2.5 2.5l-2.5 2.5l-2.5 -2.5z"...)
	}
}

// cross draws a saltire of that half width.
func (d *drawing) cross(x, y, r float64) {
	d.body = append(d.body, 'M')
	d.point(x-r, y-r)
	d.body = append(d.body, 'L')
	d.point(x+r, y+r)
	d.body = append(d.body, 'M')
	d.point(x-r, y+r)
	d.body = append(d.body, 'L')
	d.point(x+r, y-r)
}

// ring draws a saltire in a circle.
func (d *drawing) ring(x, y float64) {
	d.cross(x, y, 2.5)
	d.body = append(d.body, 'M')
	d.point(x-4.5, y)
	d.body = append(d.body, "a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0"...)
}

// label writes the letters of a mark where there is room.
func (d *drawing) label(place *labels, k markKind, x, top, bottom float64, long, short string) {
	for _, text := range [...]string{long, short} {
		w := float64(len(text)) * 6.2
		above, below, middle := [2]float64{x - w/2, top - 7}, [2]float64{x - w/2, bottom + 13}, (top+bottom)/2+4
		places := [...][2]float64{above, {x + 6, middle}, {x - w - 6, middle}, below}
		if k == markAgain { // as a rule one stands on another
			places = [...][2]float64{{x + 6, middle}, {x - w - 6, middle}, above, below}
		}
		for _, at := range places {
			if place.take(at[0], at[1], w) {
				d.body = append(d.body, "<text"...)
				d.xy(at[0], at[1])
				d.body = append(d.body, '>')
				d.body = chart.AppendXML(d.body, text)
				d.body = append(d.body, "</text>"...)
				return
			}
		}
	}
}

// labels remembers where letters stand, so that none covers another.
type labels struct {
	panel *panel
	taken [256]struct{ x0, x1, y float64 }
	n     int
	// the last SACK block with letters, by its number
	sacks [event.MaxBlocks + 1]float64
}

// again says that the letters of a SACK block would stand beside those of one before with the same number.
func (l *labels) again(x float64, number int) bool {
	last := &l.sacks[number%len(l.sacks)]
	if *last != 0 && x-*last < 24 {
		return true
	}
	*last = x
	return false
}

// take claims the room for a text of that width, if it is free and in the panel.
func (l *labels) take(x, y, w float64) bool {
	p := l.panel
	if x < p.x || x+w > p.x+p.w || y-9 < p.y || y+2 > p.y+p.h {
		return false
	}
	for i := range min(l.n, len(l.taken)) {
		if t := &l.taken[i]; x < t.x1+2 && t.x0 < x+w+2 && y < t.y+10 && t.y < y+10 {
			return false
		}
	}
	l.taken[l.n%len(l.taken)] = struct{ x0, x1, y float64 }{x, x + w, y}
	l.n++
	return true
}

// class is the class of a mark's element.
func (k markKind) class() string {
	return [...]string{"arrival", "edge", "ack", "same", "sameedge", "data", "empty", "again", "probe", "crafted", "syn", "fin", "rst out", "rst in", "sack", "zero", "late", "hd",
		"broken", "icmp", "lost", "acklost"}[k]
}

// label gives the letters at a mark, in full and short; "" for one that has none.
func (k markKind) label(m *plotMark) (long, short string) {
	switch k {
	case markAgain:
		return words("R", reasonWord(m)), "R"
	case markProbe:
		return "P", "P"
	case markCrafted:
		return "injected", "I"
	case markSyn, markFin:
		name := (m.flags & (event.SYN | event.FIN)).String()
		if m.order > 1 {
			return words("R", name, reasonWord(m)), "R " + name
		}
		return name, name
	case markRstOut:
		return "RST_OUT", "RST"
	case markRstIn:
		return "RST_IN", "RST"
	case markSack:
		if m.spurious {
			return "D", "D"
		}
		return "S" + strconv.Itoa(m.order), "S"
	case markSame:
		if m.order == 3 {
			return "3", "3"
		}
	case markZero:
		return "Z", "Z"
	case markLate:
		return "O", "O"
	case markCopy:
		return "HD", "HD"
	case markICMP:
		if m.order > 0 {
			return "ICMP mtu " + strconv.Itoa(m.order), "ICMP"
		}
		return "ICMP", "ICMP"
	}
	return "", ""
}

// reasonWord is the cause of a repetition, "~" in front where it was not read from the stack.
func reasonWord(m *plotMark) string {
	switch m.why {
	case event.Timeout, event.Fast, event.TailProbe, event.PathMTU:
	default:
		return ""
	}
	if m.how == event.Inferred || m.how == event.Computed {
		return "~" + m.why.String()
	}
	return m.why.String()
}
