package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// maxVisible is the number of marks above which the plots of a report have runs instead. maxReportMarks bounds what the page keeps
// of each kind and direction for the script, which draws a piece of the time out of it; beyond, neighbours are one.
const (
	maxVisible     = 2000
	maxReportMarks = 16_384
)

// plots writes the plots for a wide and for a narrow page, of which the style sheet shows one, and in front of them what they are drawn
// from, as the pictures fold what is too much for all of the time at once.
func (h *htmlWriter) plots(r *Report) {
	h.raw(`<section class="plots" aria-labelledby="h-plots"><h2 id="h-plots">Over time</h2><p class="signs" id="how" hidden>Drag across a plot to see a piece of the time, ` +
		`turn the wheel with Ctrl or pinch to zoom, with Shift to move; + &minus; and 0 do it in the ladder too.</p>` + "\n")
	h.raw(`<script type="application/json" id="plotdata">[`)
	most := maxVisible
	for i, c := range r.plot.chosen(0) {
		h.comma(i)
		h.strands(c)
		most = maxVisible / (i + 1)
	}
	h.raw("]</script>\n")
	for _, c := range r.plot.conns {
		c.thin(most)
	}
	for _, p := range [...]SVGOptions{{ID: "plot", Width: 1200, Inline: true}, {ID: "plot-narrow", Width: 480, Inline: true}} {
		h.raw(`<div class="of-`, p.ID, `">`)
		h.buf = r.plot.AppendSVG(h.buf, p)
		h.raw("</div>\n")
	}
	h.raw("</section>\n")
}

// strands writes both directions of a connection: its number, the sender, the time of the last event, marks and values by their
// classes.
func (h *htmlWriter) strands(c *plotted) {
	for i, host := range [...]event.Host{event.Client, event.Server} {
		h.comma(i)
		d := &c.dirs[host]
		h.numbers(c.conn, int(host))
		h.raw(strconv.FormatInt(d.seen, 10), ",{")
		first := true
		put := func(name string, m *plotMarks, label func(*plotMark) string) {
			if len(m.list) == 0 {
				return
			}
			if !first {
				h.raw(",\n")
			}
			first = false
			h.quote(name)
			h.raw(":")
			h.columns(m.list, label)
		}
		for k := range markKinds {
			put(k.class(), &d.marks[k], func(m *plotMark) string { text, _ := k.label(m); return text })
		}
		h.raw("},{")
		first = true
		for v := range series {
			put(v.class(), &d.values[v], nil)
		}
		h.raw("}]")
	}
}

// columns writes marks as one list for each of their numbers, since neighbours are alike: times, lowest numbers, what they span,
// events and segments, all but the third as differences to the mark before; then by their places those with a label of their own,
// PSH, and runs (how many, until when, where they end from the lowest on).
func (h *htmlWriter) columns(list []plotMark, label func(*plotMark) string) {
	h.raw("[")
	for i, of := range [...]func(m *plotMark) int64{
		func(m *plotMark) int64 { return m.t }, func(m *plotMark) int64 { return m.lo }, func(m *plotMark) int64 { return m.hi - m.lo },
		func(m *plotMark) int64 { return int64(m.n) }, func(m *plotMark) int64 { return int64(m.seg) },
	} {
		h.comma(i)
		h.column(list, of, i != 2, i != 0)
	}
	h.raw(",{")
	before := false
	for i := range list {
		text := ""
		if m := &list[i]; label != nil && m.count == 1 {
			text = label(m)
		}
		if text != "" {
			h.place(i, &before)
			h.quote(text)
		}
	}
	h.raw("},{")
	before = false
	for i := range list {
		if list[i].count == 1 && label != nil && list[i].flags.Has(event.PSH) {
			h.place(i, &before)
			h.raw("1")
		}
	}
	h.raw("},{")
	before = false
	for i := range list {
		if m := &list[i]; m.count > 1 {
			h.place(i, &before)
			h.numbers(m.count)
			h.raw(strconv.FormatInt(m.last-m.t, 10), ",", strconv.FormatInt(m.end-m.lo, 10), "]")
		}
	}
	h.raw("}]")
}

// column writes one number of each mark, nothing if all are 0 and it may be left out.
func (h *htmlWriter) column(list []plotMark, of func(*plotMark) int64, difference, optional bool) {
	h.raw("[")
	any := !optional
	for i := range list {
		any = any || of(&list[i]) != 0
	}
	last := int64(0)
	for i := range list {
		if !any {
			break
		}
		h.comma(i)
		v := of(&list[i])
		h.buf = strconv.AppendInt(h.buf, v-last, 10)
		if difference {
			last = v
		}
	}
	h.raw("]")
}

// place begins a member that is named by the place of a mark.
func (h *htmlWriter) place(i int, before *bool) {
	if *before {
		h.raw(",")
	}
	*before = true
	h.raw(`"`, strconv.Itoa(i), `":`)
}
