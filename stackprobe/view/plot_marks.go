package view

import "strings"

// pens are how the marks of a sequence plot are drawn in a terminal.
func (k markKind) pen() *pen {
	switch k {
	case markArrival:
		return &pen{tint: tintDim, ascii: ':', gap: 1}
	case markLate, markCopy:
		return &pen{tint: tintBlue, ascii: ':', gap: 1}
	case markEdge:
		return &pen{tint: tintGold, ascii: '=', gap: 2}
	case markSameEdge, markZero:
		return &pen{tint: tintGold, ascii: '='}
	case markAck, markSame, markAckLost:
		return &pen{tint: tintGreen, ascii: '-'}
	case markAgain, markLost, markBroken:
		return &pen{tint: tintRed, ascii: '|'}
	case markProbe, markCrafted, markSyn, markFin, markRstIn, markRstOut, markICMP:
		return &pen{tint: tintOrange, ascii: '|'}
	case markSack:
		return &pen{tint: tintViolet, ascii: '!'}
	}
	return &pen{ascii: '|'}
}

// sequence draws the marks of a sequence panel from back to front, then their letters.
func (p *Plot) sequence(c *canvas, q *panel) {
	for k := range markKinds {
		list := q.strand.marks[k].list
		draw := k.pen()
		for i := range list {
			m := &list[i]
			x, top, bottom := int(q.across(m.t)+0.5), int(q.down(float64(m.hi))+0.5), int(q.down(float64(m.lo))+0.5)
			switch {
			case k == markAck || k == markEdge:
				p.stair(c, q, draw, list, i)
			case k == markSame || k == markSameEdge || k == markZero || k == markLost || k == markBroken || k == markAckLost:
			default:
				c.upright(x, top, bottom, draw)
			}
		}
	}
	for k := markKinds; k > 0; k-- { // the rarer have the better room
		list := q.strand.marks[k-1].list
		for i := range list {
			p.legend.mark(k-1, &list[i])
			p.letters(c, q, k-1, &list[i])
		}
	}
}

// stair draws one step.
func (p *Plot) stair(c *canvas, q *panel, draw *pen, list []plotMark, i int) {
	m := &list[i]
	x, y := int(q.across(m.t)+0.5), int(q.down(float64(m.hi))+0.5)
	riser := *draw
	if riser.ascii == '-' {
		riser.ascii = '\''
	}
	if i > 0 {
		before := int(q.down(float64(list[i-1].end)) + 0.5)
		c.level(int(q.across(list[i-1].last)+0.5), x, before, draw)
		c.upright(x, before, y, &riser)
	}
	if m.count > 1 {
		c.upright(x, y, int(q.down(float64(m.lo))+0.5), &riser)
	}
	if i == len(list)-1 {
		c.level(x, int(q.across(q.strand.seen)+0.5), int(q.down(float64(m.end))+0.5), draw)
	}
}

// letters writes what stands at a mark: crosses where they belong, other letters where there is room.
func (p *Plot) letters(c *canvas, q *panel, k markKind, m *plotMark) {
	x, top, bottom := int(q.across(m.t)+0.5)/c.dw, int(q.down(float64(m.hi))+0.5)/c.dh, int(q.down(float64(m.lo))+0.5)/c.dh
	t := k.pen().tint
	switch k {
	case markLost, markBroken:
		c.write(x, (top+bottom)/2, p.lost, t, false)
		return
	case markAckLost:
		c.write(x, top, p.ackLost, t, false)
		return
	case markEmpty:
		return // a dot
	}
	long, short := k.label(m)
	if long == "" || m.count > 1 && k != markAgain && k != markZero {
		return
	}
	if k == markSack {
		if at := &p.sacks[m.order%len(p.sacks)]; *at != 0 && x-*at < 4 {
			return
		} else {
			*at = max(x, 1)
		}
	}
	for _, text := range [...]string{long, short} {
		n := columns(text)
		places := [...][2]int{{x - n/2, top - 1}, {x + 1, (top + bottom) / 2}, {x - n, (top + bottom) / 2}, {x - n/2, bottom + 1}}
		if k == markAgain { // as a rule one stands on another
			places = [...][2]int{places[1], places[2], places[0], places[3]}
		}
		for _, at := range places {
			if c.write(at[0], at[1], text, t, true) {
				return
			}
		}
	}
	c.write(x, top, short, t, false)
}

// key names the marks that were drawn.
func (p *Plot) key() {
	var parts []string
	for _, k := range legendOrder {
		if !p.legend.marks[k] {
			continue
		}
		switch k {
		case markLost, markBroken:
			parts = append(parts, p.lost+" "+k.meaning())
		case markAckLost:
			parts = append(parts, p.ackLost+" "+k.meaning())
		case markSyn, markFin, markRstOut, markRstIn, markICMP, markEmpty, markSame, markSameEdge: // letters say it, or no room for ticks
		case markAgain, markProbe, markZero, markLate, markCopy, markSack:
			parts = append(parts, k.meaning())
		default:
			parts = append(parts, strings.TrimRight(p.stroke(k.pen(), k == markAck || k == markEdge), " ")+" "+k.meaning())
		}
	}
	if p.legend.third {
		parts = append(parts, "3 third duplicate acknowledgment")
	}
	if p.legend.double {
		parts = append(parts, "D SACK block that reports what came twice")
	}
	if p.legend.guess {
		parts = append(parts, "~ concluded, not read from the stack")
	}
	if len(parts) > 0 {
		p.page.text("marks   ", strings.Join(parts, "; "), faint)
	}
}

// stroke is a piece of a line for the legend: a level one or an upright one.
func (p *Plot) stroke(draw *pen, level bool) string {
	c := newCanvas(4, 1, p.page.opts.ASCII)
	if level {
		c.level(0, 4*c.dw-1, c.dh/2, draw)
	} else {
		c.upright(0, 0, c.dh-1, draw)
	}
	return string(c.appendRow(nil, 0, false))
}
