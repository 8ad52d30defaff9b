package view

import (
	"slices"
	"strconv"

	"gnet/stackprobe/event"
)

// The measures of the ladder, which the script and the style sheet share: the height of a row in CSS pixels, and the rows that
// stand together. A chunk is not broken over two printed pages, and each has its own drawing of the segments that cross it.
const (
	rowHeight = 22
	chunkRows = 24
)

// maxStatic is the number of rows above which the ladder that needs no script tells plain ones together.
const maxStatic = 2000

// arrow is a segment on its way through the rows: from the one where it leaves to the one where it ends.
type arrow struct {
	from, to int
	seg, n   int
	host     event.Host // that sent it
	look     look
	end      arrowEnd
}

// arrowEnd says what came of a segment.
type arrowEnd uint8

const (
	arrives arrowEnd = iota
	isLost
	isUnknown // nothing was heard of it
)

// maxOpen bounds the departures for which an arrival is still looked for.
const maxOpen = 4096

// arrows finds the segments in the rows, which must stand as they were seen.
func arrows(rows []reportRow) []arrow {
	var list []arrow
	open := make(map[int]int) // by segment: its place in list
	for i := range rows {
		x := &rows[i]
		switch x.kind {
		case event.KindTx:
			if len(open) < maxOpen {
				open[x.seg] = len(list)
			}
			list = append(list, arrow{from: i, to: -1, seg: x.seg, n: x.n, host: x.host, look: x.look, end: isUnknown})
		case event.KindRx, event.KindLost:
			at, ok := open[x.seg]
			switch {
			case ok:
				delete(open, x.seg)
				list[at].to, list[at].end = i, arrives
			case x.kind == event.KindRx: // a copy that the link made, or one whose departure was not seen
				list = append(list, arrow{from: i, to: i, seg: x.seg, n: x.n, host: x.host.Peer(), look: lookAgain})
				continue
			default:
				continue
			}
			if x.kind == event.KindLost {
				list[at].end, list[at].look = isLost, lookBad
			}
		}
	}
	for i := range list {
		if list[i].to < 0 {
			list[i].to = min(list[i].from+2, len(rows)-1)
		}
	}
	return list
}

// ladder writes the ladder that needs no script.
// goals are the numbers of events to which something on the page leads.
func (h *htmlWriter) ladder(rows []reportRow, unfold bool, goals []int) {
	most := maxStatic
	if unfold {
		most = len(rows)
	}
	list := arrows(rows)
	shown, index := foldRows(rows, most)
	chunks := make([][]arrow, (len(shown)+chunkRows-1)/chunkRows)
	seen := make(map[[3]int]bool)
	for _, a := range list {
		a.from, a.to = index[a.from], index[a.to]
		one, two := shown[a.from].look == lookFolded, shown[a.to].look == lookFolded
		if k := [...]int{a.from, a.to, int(a.host)}; one && two {
			if a.from == a.to || seen[k] { // one stands for all between the same two
				continue
			}
			seen[k] = true
		}
		for c := a.from / chunkRows; c <= a.to/chunkRows; c++ {
			chunks[c] = append(chunks[c], a)
		}
	}
	for _, n := range goals {
		i := slices.IndexFunc(rows, func(x reportRow) bool { return x.n >= n && x.kind != event.KindState })
		if i < 0 {
			i = len(rows) - 1
		}
		if i >= 0 && !slices.Contains(shown[index[i]].goals, n) {
			shown[index[i]].goals = append(shown[index[i]].goals, n)
		}
	}
	for c := range chunks {
		h.chunk(shown[c*chunkRows:min((c+1)*chunkRows, len(shown))], chunks[c], c*chunkRows)
	}
}

// chunk writes the rows that stand together, first being the place of the first of them, and what crosses them.
func (h *htmlWriter) chunk(rows []reportRow, list []arrow, first int) {
	height := strconv.Itoa(len(rows) * rowHeight)
	h.raw(`<div class="chunk"><svg class="lane" height="`, height, `" aria-hidden="true"><line class="rail" x1="0" x2="0" y1="0" y2="`, height,
		`"/><line class="rail" x1="100%" x2="100%" y1="0" y2="`, height, `"/>`)
	for i := range list {
		h.arrow(&list[i], first)
	}
	h.raw("</svg><ol>")
	for i := range rows {
		h.row(&rows[i])
	}
	h.raw("</ol></div>\n")
}

// longWay is the number of rows from which on a segment's way is drawn as two short slants with a faint line between them: many
// steep lines would be one patch. stub is the part of the lane that such a slant takes, in percent, and how deep it goes.
const (
	longWay   = 60
	stub      = 14
	stubDepth = 14
)

// arrow draws a segment in a chunk whose first row is first.
func (h *htmlWriter) arrow(a *arrow, first int) {
	to := [...]int{100, 50, 30}[a.end]
	y1, y2 := (2*(a.from-first)+1)*rowHeight/2, (2*(a.to-first)+1)*rowHeight/2
	if a.end != arrives || a.to-a.from < longWay {
		h.piece(a, "", 0, y1, to, y2)
		return
	}
	h.piece(a, "start", 0, y1, stub, y1+stubDepth)
	h.piece(a, "way", stub, y1+stubDepth, to-stub, y2-stubDepth)
	h.piece(a, "", to-stub, y2-stubDepth, to, y2)
}

// piece draws a part of a segment's way: x1 and x2 in percent of the lane from the sender's time line.
func (h *htmlWriter) piece(a *arrow, part string, x1, y1, x2, y2 int) {
	if a.host == event.Server {
		x1, x2 = 100-x1, 100-x2
	}
	h.raw(`<line class="`, words("seg", hostClass(a.host), looks[a.look], [...]string{"", "lost", "unknown"}[a.end], part), `" data-seg="`, strconv.Itoa(a.seg),
		`" data-n="`, strconv.Itoa(a.n), `" x1="`, strconv.Itoa(x1), `%" y1="`, strconv.Itoa(y1), `" x2="`, strconv.Itoa(x2), `%" y2="`, strconv.Itoa(y2), `"/>`)
}

// row writes one row.
func (h *htmlWriter) row(x *reportRow) {
	h.raw(`<li class="row `, hostClass(x.host), " ", looks[x.look], `"`)
	if x.seg != 0 {
		h.raw(` data-seg="`, strconv.Itoa(x.seg), `"`)
	}
	h.raw(` data-n="`, strconv.Itoa(x.n), `"><time>`)
	if x.look != lookPause {
		h.text(seconds(x.t, 12, 6))
	}
	for _, n := range x.goals {
		h.raw(`<a id="n`, strconv.Itoa(n), `"></a>`)
	}
	h.raw(`</time><span class="say"><span class="sr">`, says(x), ` </span>`)
	if x.conn > 1 {
		h.element("span", "conn", "#"+strconv.Itoa(x.conn))
		h.raw(" ")
	}
	between := ""
	for _, p := range [...]struct{ class, text string }{{"mark", x.mark}, {"head", x.head}, {"body", x.body}, {"more", x.more}} {
		if p.text != "" {
			h.raw(between)
			h.element("span", p.class, p.text)
			between = " "
		}
	}
	h.raw("</span></li>")
}

// hostClass is the class of what belongs to an end, or to none.
func hostClass(h event.Host) string {
	switch h {
	case event.Client:
		return "c"
	case event.Server:
		return "s"
	}
	return "n"
}

// says tells what the place of a row tells, for those who do not see it.
func says(x *reportRow) string {
	verb := map[event.Kind]string{event.KindTx: "sends", event.KindRx: "receives", event.KindState: "is now", event.KindApp: "application:"}[x.kind]
	return words(x.host.String(), verb)
}
