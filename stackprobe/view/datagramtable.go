package view

import (
	"fmt"
	"slices"
	"strings"

	"gnet/stackprobe/event"
)

// reassembly draws the buffer of a datagram.
func (d *Datagrams) reassembly(e *event.Event) {
	r := e.Reassembly
	switch r.Step {
	case event.Added:
		if !d.page.opts.Unfold && d.rows[group{r.Datagram, r.Node}] > maxRows {
			return // that of a fragment whose arrival is folded
		}
		d.buffer(r, fmt.Sprintf("~ %d%s, %s", r.Octets, d.of(r), d.holes(r)), plain)
	case event.Duplicate:
		d.buffer(r, "~ nothing new: the same octets were there", again)
	case event.Overlapped:
		d.buffer(r, "~ it overlaps what is there: the datagram is given up", bad)
	case event.Whole:
		d.buffer(r, fmt.Sprintf("~ whole: %d octets", r.Octets), strong)
	case event.TimedOut:
		d.line(e.T, d.node(r.Node), "~ the time for the rest is up after "+milliseconds(r.Until-r.Since)+": the datagram is given up", bad)
		d.buffer(r, fmt.Sprintf("~ %d%s, %s", r.Octets, d.of(r), d.holes(r)), bad)
	}
}

// of says how many octets there will be.
func (d *Datagrams) of(r *event.Reassembly) string {
	if r.Total == 0 {
		return " of ?"
	}
	return fmt.Sprintf(" of %d", r.Total)
}

// holes lists what is missing, the first three pieces of it.
func (d *Datagrams) holes(r *event.Reassembly) string {
	const shown = 3
	var list []string
	at := int64(0)
	for _, h := range append(r.Held[:len(r.Held):len(r.Held)], event.Range{First: int64(r.Total), Last: int64(r.Total)}) {
		if h.First > at {
			list = append(list, fmt.Sprintf("%d-%d", at, h.First-1))
		}
		at = max(at, h.Last)
	}
	switch n := len(list); {
	case n == 0:
		return "no hole"
	case n == 1:
		return "hole " + list[0]
	case n > shown:
		return fmt.Sprintf("%d holes: %s %s", n, strings.Join(list[:shown], " "), d.page.glyphs.ellipsis)
	default:
		return fmt.Sprintf("%d holes: %s", n, strings.Join(list, " "))
	}
}

// buffer draws the buffer as a bar, and what is to be said of it beside or below.
func (d *Datagrams) buffer(r *event.Reassembly, text string, st style) {
	p := &d.page
	d.guessed = true
	indent, room := 24, 24
	if p.opts.Width < wideWidth {
		indent, room = 2, min(p.opts.Width-4, 28)
	}
	scale := int64(max(r.Total, d.data))
	if n := len(r.Held); n > 0 {
		scale = max(scale, r.Held[n-1].Last)
	}
	head := strings.Repeat(" ", indent) + "[" + d.bar(r.Held, scale, room) + "] "
	if len([]rune(head))+20 > p.opts.Width {
		p.text("", head, st)
		p.text("  ", text, st)
		return
	}
	at := columns(head)
	for i, line := range wrap(text, p.opts.Width-at) {
		row := p.row()
		if i == 0 {
			put(row, 0, head, st)
		}
		put(row, at, line, st)
		p.emit(row)
	}
}

// bar draws which parts of scale octets are there: full, a part of a cell, none.
func (d *Datagrams) bar(held []event.Range, scale int64, room int) string {
	full, part, none := '█', '▒', '·'
	if d.page.opts.ASCII {
		full, part, none = '#', '+', '.'
	}
	out := make([]rune, room)
	for i := range out {
		from, end := scale*int64(i)/int64(room), scale*int64(i+1)/int64(room)
		covered := int64(0)
		for _, h := range held {
			covered += max(min(end, h.Last)-max(from, h.First), 0)
		}
		switch {
		case covered >= end-from:
			out[i] = full
		case covered > 0:
			out[i] = part
		default:
			out[i] = none
		}
	}
	return string(out)
}

// tables draws the packets of each link, but for ICMP messages.
func (d *Datagrams) tables() {
	if d.path == nil || len(d.packets) == 0 {
		return
	}
	for link := range d.path.Links {
		var list []tabled
		for _, k := range d.packets {
			if k.Link == link+1 && k.icmp == (event.ICMP{}) {
				list = append(list, k)
			}
		}
		if len(list) > 0 {
			d.table(link+1, list)
		}
	}
	if d.beyond > 0 {
		d.page.text("", counted(d.beyond, "packet")+" beyond the first "+fmt.Sprint(maxPackets)+" are in no table", faint)
	}
}

// table draws the packets of one link.
func (d *Datagrams) table(link int, list []tabled) {
	p := &d.page
	p.emit(p.row())
	p.text("", fmt.Sprintf("link %d, %s to %s, MTU %d: %s", link, d.node(link-1), d.node(link), d.mtu(link), counted(len(list), "packet")), strong)
	wide := p.opts.Width >= gridWidth
	heading := fmt.Sprintf("%7s %6s %6s %5s %2s %2s %3s  %s", "packet", "length", "offset", "units", "DF", "MF", "TTL", "fate")
	if wide {
		heading = fmt.Sprintf("%7s %9s %6s %6s %6s %6s %2s %2s %3s %5s  %s", "packet", "ident", "length", "data", "offset", "units", "DF", "MF", "TTL", "from", "fate")
	}
	if columns(heading) > p.opts.Width {
		heading = strings.TrimSuffix(heading, "  fate") // it stands below its row
	}
	p.emit(d.text(heading, faint))
	shown := list
	if most := 64; len(list) > most && !p.opts.Unfold {
		shown = slices.Concat(list[:most/2], list[len(list)-most/2:])
	}
	for i, k := range shown {
		if len(shown) < len(list) && i == len(shown)/2 {
			p.emit(d.text(fmt.Sprintf("%7s %s between", p.glyphs.ellipsis, counted(len(list)-len(shown), "packet")), faint))
		}
		st := plain
		if k.fate != "" {
			st = bad
		}
		fate := k.fate
		if k.Node == link { // in a loop
			fate = strings.TrimSuffix("back to "+d.node(link-1)+", "+fate, ", ")
		}
		row := fmt.Sprintf("%7s %6d %6d %5d %2d %2d %3d  %s", d.name(&k.Packet), k.Size, k.Offset, k.Offset/8, bit(k.DF), bit(k.MF), k.TTL, "")
		if wide {
			row = fmt.Sprintf("%7s %9s %6d %6d %6d %6d %2d %2d %3d %5s  %s", d.name(&k.Packet), ident(&k.Packet), k.Size, k.Data, k.Offset, k.Offset/8, bit(k.DF), bit(k.MF), k.TTL, parent(&k.Packet), "")
		}
		if columns(row)+columns(fate) <= p.opts.Width {
			p.emit(d.text(row+fate, st))
			continue
		}
		p.emit(d.text(row, st))
		p.text(strings.Repeat(" ", columns("packet")+3), fate, st)
	}
}

// text is a row of clean text.
func (d *Datagrams) text(s string, st style) []cell {
	row := d.page.row()
	put(row, 0, s, st)
	return row
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ident is the identification, - where there is none.
func ident(k *event.Packet) string {
	if !k.HasIdent {
		return "-"
	}
	return fmt.Sprint(k.Ident)
}

func parent(k *event.Packet) string {
	if k.Parent == 0 {
		return "-"
	}
	return "#" + fmt.Sprint(k.Parent)
}
