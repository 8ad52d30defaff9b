package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

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
	sorts := h.dataRows(r.rows)
	h.raw("],\n\"sorts\":[")
	for i, x := range sorts {
		h.comma(i)
		h.dataSort(&x)
	}
	h.raw("],\n\"vars\":[")
	h.dataVars(r.vars.changes)
	h.raw("],\n\"knows\":[")
	for i, c := range r.known.list {
		h.comma(i)
		h.numbers(c.row, c.end.conn, int(c.end.host), int(c.matter), int(c.verdict))
		h.quote(c.text)
		h.raw("]")
	}
	h.raw("],\n\"space\":[")
	limits := h.spaces(r.spaces.list)
	h.raw("],\n\"limits\":[")
	for i, text := range limits {
		h.comma(i)
		h.quote(text)
	}
	h.raw("]}</script>\n")
}

// rowSort is what many rows have in common.
type rowSort struct {
	kind       event.Kind
	host       event.Host
	conn, rank int
	look       look
	mark, head string
}

// dataRows writes rows: number, time and segment, each as the difference to the row before, the sort, of which it returns the list, and
// the words that are left, if there are any.
func (h *htmlWriter) dataRows(rows []reportRow) (sorts []rowSort) {
	known := make(map[rowSort]int)
	var last reportRow
	for i := range rows {
		x := &rows[i]
		s := rowSort{x.kind, x.host, x.conn, x.rank(), x.look, x.mark, x.head}
		at, ok := known[s]
		if !ok {
			at = len(sorts)
			known[s] = at
			sorts = append(sorts, s)
		}
		h.comma(i)
		h.raw("\n[", strconv.Itoa(x.n-last.n), ",", strconv.FormatInt(x.t-last.t, 10), ",", strconv.Itoa(x.seg-last.seg), ",", strconv.Itoa(at))
		last = *x
		if x.body != "" || x.more != "" {
			h.raw(",")
			h.quote(x.body)
		}
		if x.more != "" {
			h.raw(",")
			h.quote(x.more)
		}
		h.raw("]")
	}
	return sorts
}

// dataSort writes a sort: kind, host, connection, look, rank, mark and head.
func (h *htmlWriter) dataSort(s *rowSort) {
	h.raw("\n[")
	h.quote(s.kind.String())
	for _, n := range [...]int{int(s.host), s.conn, int(s.look), s.rank} {
		h.raw(",")
		h.int(n)
	}
	h.raw(",")
	h.quote(s.mark)
	h.raw(",")
	h.quote(s.head)
	h.raw("]")
}

// dataVars writes variables: connection, host and which, then in turn by how many rows it is later that it changes, and to what.
func (h *htmlWriter) dataVars(changes []varChange) {
	type of struct {
		end      endOf
		variable int
	}
	var order []of
	list := make(map[of][]int)
	for i := range changes {
		k := of{changes[i].end, changes[i].variable}
		if list[k] == nil {
			order = append(order, k)
		}
		list[k] = append(list[k], i)
	}
	for i, k := range order {
		h.comma(i)
		h.raw("\n")
		h.numbers(k.end.conn, int(k.end.host), k.variable)
		h.raw("[")
		row := 0
		for j, at := range list[k] {
			c := &changes[at]
			h.comma(j)
			h.raw(strconv.Itoa(c.row-row), ",")
			row = c.row
			if n, err := strconv.ParseInt(c.text, 10, 48); err == nil && strconv.FormatInt(n, 10) == c.text {
				h.raw(c.text)
			} else {
				h.quote(c.text)
			}
		}
		h.raw("]]")
	}
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
