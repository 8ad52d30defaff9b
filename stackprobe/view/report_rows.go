package view

import (
	"strconv"
	"strings"

	"gnet/internal/safe"
	"gnet/stackprobe/event"
)

// row words e; ok is false for an event that has no row.
func (r *Report) row(e *event.Event) (row reportRow, ok bool) {
	row = reportRow{n: e.N, t: e.T, kind: e.Kind, host: e.Host, conn: e.Conn, seg: e.Seg.ID}
	switch e.Kind {
	case event.KindTx:
		r.departure(&row, e)
	case event.KindRx:
		r.arrival(&row, e)
	case event.KindLost:
		row.look, row.mark, row.body = lookBad, "lost", safe.String(e.Rule)
	case event.KindState:
		row.head, row.look = r.state(e), lookState
		return row, row.head != ""
	case event.KindApp:
		row.body, row.look = callText(&r.words, &e.App), lookFaint
		if e.App.Call == event.Failed {
			row.look = lookBad
		}
	case event.KindFault, event.KindICMP, event.KindCheck, event.KindTimer:
		return r.happened(row, e)
	case event.KindNote:
		row.body, row.look = safe.String(e.Text), lookFaint
		if e.Level == event.Warning {
			row.mark, row.look = "warning", lookBad
		}
	default:
		return row, false
	}
	return row, true
}

// departure words a segment that leaves.
func (r *Report) departure(row *reportRow, e *event.Event) {
	s, d := &e.Seg, &e.Derived
	row.mark = crafted(s) + mark(&r.words, d)
	row.head, row.body = flagNames(s.Flags), words(r.words.sequence(s, d, false), prefixed("ack ", r.words.acknowledgment(s, d)))
	if !s.Flags.Has(event.RST) { // a window in a reset means nothing
		exact, _ := window(s, d)
		row.more = "win " + exact
	}
	row.more = words(row.more, r.words.extras(s, d))
	switch {
	case s.Origin == event.Injected || s.Flags.Has(event.RST):
		row.look = lookBad
	case d.Repeat || row.mark != "":
		row.look = lookAgain
	}
}

// arrival words a segment where it arrives.
func (r *Report) arrival(row *reportRow, e *event.Event) {
	text, st := arrival(&r.words, e)
	row.body = text
	switch {
	case e.Seg.Flags.Has(event.RST):
		row.look = lookBad
	case st != plain:
		row.look = appearance(st)
	case e.Derived.Repeat || e.Derived.Attempt > 1:
		row.look = lookAgain
	}
}

// happened words what the link did, messages, checks and timers.
func (r *Report) happened(row reportRow, e *event.Event) (reportRow, bool) {
	text := r.happen.waits(&r.words, e)
	st := bad
	if text == "" {
		text, st = r.happen.text(&r.words, e)
	}
	row.body, row.look = text, appearance(st)
	return row, text != ""
}

// appearance is a style of the terminal as a look.
func appearance(st style) look {
	switch st {
	case faint:
		return lookFaint
	case bad:
		return lookBad
	case again:
		return lookAgain
	}
	return lookPlain
}

// prefixed puts head before text that is there.
func prefixed(head, text string) string {
	if text == "" {
		return ""
	}
	return head + text
}

// rank says how soon a row may be told together with its neighbours: 1 are data and acknowledgments of which nothing is special, and
// reading and writing; 2 what arrives again or out of turn, and what happens beside segments; 3 losses and retransmissions; 0
// never.
func (x *reportRow) rank() int {
	switch {
	case x.look == lookState || x.look == lookPause || x.kind == event.KindNote:
		return 0
	case x.kind == event.KindTx && x.head != "ACK" && x.head != "PSH,ACK", x.kind == event.KindRx && (x.body == "SYN" || x.body == "FIN" || x.body == "RST"):
		return 0
	case x.kind == event.KindLost || x.kind == event.KindTx && x.look != lookPlain:
		return 3
	case x.kind == event.KindTx || x.kind == event.KindRx && x.look == lookPlain:
		return 1
	case x.kind == event.KindApp && (strings.HasPrefix(x.body, "read ") || strings.HasPrefix(x.body, "write ")):
		return 1
	case x.kind == event.KindApp:
		return 0
	}
	return 2
}

// foldRows gives the rows that stand in place of the report's when those are more than most: long runs become one row each so
// many, of rank 1 first and of the others only where that is not enough. index says in which row of the result each row is.
func foldRows(rows []reportRow, most int) (folded []reportRow, index []int) {
	for rank := 0; rank <= 3; rank++ {
		if folded, index = foldTo(rows, rank, most); len(folded) <= most {
			break
		}
	}
	return folded, index
}

// foldTo folds rows up to a rank, 0 for none.
func foldTo(rows []reportRow, rank, most int) (folded []reportRow, index []int) {
	index = make([]int, len(rows))
	block := max(8, len(rows)*4/max(most, 1)+1)
	for i := 0; i < len(rows); {
		n := 0
		for n < block && i+n < len(rows) && rows[i+n].rank() > 0 && rows[i+n].rank() <= rank {
			n++
		}
		if n < 4 {
			n = 1
			folded = append(folded, rows[i])
		} else {
			folded = append(folded, together(rows[i:i+n]))
		}
		for k := range n {
			index[i+k] = len(folded) - 1
		}
		i += n
	}
	return folded, index
}

// together is one row in place of many.
func together(rows []reportRow) reportRow {
	var sent [3]int
	lost, again := 0, 0
	for i := range rows {
		switch x := &rows[i]; {
		case x.kind == event.KindLost:
			lost++
		case x.kind == event.KindTx:
			sent[x.host%3]++
			if x.look == lookAgain {
				again++
			}
		}
	}
	text := strconv.Itoa(len(rows)) + " rows: " + counted(sent[event.Client], "segment") + " from the client, " + strconv.Itoa(sent[event.Server]) + " from the server"
	if lost > 0 {
		text += ", " + strconv.Itoa(lost) + " lost"
	}
	if again > 0 {
		text += ", " + strconv.Itoa(again) + " retransmitted"
	}
	return reportRow{n: rows[0].n, t: rows[0].t, look: lookFolded, body: text}
}
