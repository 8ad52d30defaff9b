package view

import "strconv"

// data writes what the script draws from, as one JSON object: rows, variables by name, their changes, what the ends know, and
// the sequence space. Everything that is words was worded here; the script adds no judgement of its own.
func (h *htmlWriter) data(r *Report) {
	h.raw(`<script type="application/json" id="data">{"schema":"gnet/trace-html/1","end":`, strconv.FormatInt(r.figures.T, 10), `,"rowHeight":`, strconv.Itoa(rowHeight),
		`,"longWay":`, strconv.Itoa(longWay), `,"stub":[`, strconv.Itoa(stub), `,`, strconv.Itoa(stubDepth), `],"chunk":`, strconv.Itoa(chunkRows), `,"most":`, strconv.Itoa(maxStatic), `,"unfold":`, strconv.FormatBool(r.opts.Unfold), `,"looks":[`)
	for i, l := range looks {
		h.comma(i)
		h.quote(l)
	}
	h.raw(`],"rows":[`)
	for i := range r.rows {
		h.comma(i)
		h.dataRow(&r.rows[i])
	}
	h.raw("],\n\"vars\":[")
	for i, c := range r.vars.changes {
		h.comma(i)
		h.numbers(c.row, c.end.conn, int(c.end.host), c.variable)
		h.quote(c.text)
		h.raw("]")
	}
	h.raw("],\n\"knows\":[")
	for i, c := range r.known.list {
		h.comma(i)
		h.numbers(c.row, c.end.conn, int(c.end.host), int(c.matter), int(c.verdict))
		h.quote(c.text)
		h.raw("]")
	}
	h.raw("],\n\"space\":[")
	for i := range r.spaces.list {
		h.comma(i)
		h.space(&r.spaces.list[i])
	}
	h.raw("]}</script>\n")
}

// dataRow writes a row: number, time, kind, host, connection, segment, look, rank, and its words.
func (h *htmlWriter) dataRow(x *reportRow) {
	h.raw("\n[", strconv.Itoa(x.n), ",", strconv.FormatInt(x.t, 10), ",")
	h.quote(x.kind.String())
	for _, n := range [...]int{int(x.host), x.conn, x.seg, int(x.look), x.rank()} {
		h.raw(",")
		h.int(n)
	}
	for _, s := range [...]string{x.mark, x.head, x.body, x.more} {
		h.raw(",")
		h.quote(s)
	}
	h.raw("]")
}

// numbers begins a list with numbers, a comma behind each.
func (h *htmlWriter) numbers(list ...int) {
	h.raw("[")
	for _, n := range list {
		h.int(n)
		h.raw(",")
	}
}

func (h *htmlWriter) comma(i int) {
	if i > 0 {
		h.raw(",")
	}
}
