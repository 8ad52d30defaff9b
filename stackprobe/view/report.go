package view

import (
	"io"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// maxReportRows bounds the rows that a report keeps. What comes behind them is counted by kind, is in the sums, and the page
// says how much there was. maxReportFacts bounds the samples and the changes of knowledge in the same way.
const (
	maxReportRows  = 100_000
	maxReportFacts = 200_000
)

// Report writes the events of one run as an HTML page that needs nothing besides itself: a ladder, the sequence space, plots,
// the variables of both ends and what each end knows at the moment under the cursor, what came of the expectations, and the
// sums. Without a script the ladder and the plots stand there as they are, and so they are printed.
//
// It keeps the words of up to 100,000 rows of the ladder (a segment has two) and 200,000 samples until Close, which writes the
// page; a run of that size needs some 100 MB. Of each direction of the four connections that its plots show it keeps up to 16,384
// marks of each kind: all of a run of 10,000 segments, of longer ones neighbours as one. Of Options only Unfold and Absolute mean anything to it: what --explain adds to
// the ladder of a terminal is always there.
type Report struct {
	w       io.Writer
	opts    Options
	words   page // gives the words of segments
	happen  happenings
	storms  storms
	run     *event.Run
	figures analyze.Figures
	knows   analyze.Knows
	rows    []reportRow
	over    overflow
	states  standings
	vars    variables
	known   knowledgeLog
	spaces  spaceLog
	plot    *Sequence
	quiet   int64 // how long nothing must happen for it to be said
	last    int64
	open    int // segments on their way
	err     error
}

// reportRow is one line of the report's ladder: what was seen at one end at one moment.
type reportRow struct {
	n, seg, conn int
	t            int64
	kind         event.Kind
	host         event.Host
	look         look
	// mark is what is special, head what it is, body its numbers, more what one can do without.
	mark, head, body, more string
	// goals are the numbers of events for which this row stands, where something on the page leads to them.
	goals []int
}

// look is how a row is drawn.
type look uint8

const (
	lookPlain  look = iota
	lookAgain       // a retransmission, a duplicate, a timer that expired
	lookBad         // a loss, a fault, a failure
	lookFaint       // what is not from the wire
	lookState       // a change of state
	lookPause       // a silence
	lookFolded      // many rows in one
)

// looks are the looks' classes in the style sheet.
var looks = [...]string{"", "again", "bad", "faint", "state", "pause", "folded"}

// overflow counts what is beyond the bound.
type overflow struct {
	from        int64
	rows, sent  int
	lost, again int
	samples     int
}

// NewReport gives a report that writes to w when it is closed.
func NewReport(w io.Writer, o Options) *Report {
	o.Width, o.ASCII, o.Color = wideWidth, false, false
	r := &Report{w: w, opts: o, plot: newSequence(maxReportMarks)}
	r.plot.left = o.Left
	r.words = page{w: io.Discard, opts: o, glyphs: unicodeGlyphs}
	return r
}

// Event takes e, in which package analyze has derived what follows; it keeps no reference to e. There is no error before
// Close.
func (r *Report) Event(e *event.Event) error {
	r.figures.Add(e)
	r.plot.Event(e)
	switch e.Kind {
	case event.KindRun:
		if e.Run != nil {
			r.run = e.Run
			r.quiet = 2 * (e.Run.DelayClient + e.Run.DelayServer)
		}
	case event.KindExpectation:
		r.words.expected(e.Expectation)
	case event.KindEnd, event.KindCounters:
	default:
		r.ladder(e)
	}
	at := max(len(r.rows)-1, 0)
	r.vars.add(at, e, r.opts.Absolute, &r.over)
	r.spaces.add(at, e, &r.over)
	r.known.add(at, r.knows.Add(e), &r.over)
	return r.err
}

// ladder adds the rows of e.
func (r *Report) ladder(e *event.Event) {
	if r.storms.hides(e) {
		return
	}
	if text := r.storms.ended(e); text != "" {
		r.add(reportRow{n: e.N, t: e.T, host: e.Host, conn: e.Conn, look: lookFaint, body: text})
	}
	row, ok := r.row(e)
	if !ok {
		return
	}
	r.pause(e)
	if e.Kind != event.KindState { // a change of state has a row of its own
		r.enter(e)
	}
	r.add(row)
}

// pause adds a row for a silence that is long beside a round trip: the rows are not to scale.
func (r *Report) pause(e *event.Event) {
	gap := e.T - r.last
	r.last = e.T
	if r.quiet > 0 && gap >= r.quiet && r.open <= 0 && len(r.rows) > 0 {
		r.add(reportRow{n: e.N, t: e.T - gap, look: lookPause, body: seconds(gap+500_000, 12, 3) + " s of silence"})
	}
	switch e.Kind {
	case event.KindTx:
		r.open++
	case event.KindRx, event.KindLost:
		r.open--
	}
}

// enter adds a row for a state that shows at a transmission and that no event of its own has told.
func (r *Report) enter(e *event.Event) {
	if e.Kind != event.KindTx || e.Seg.Origin == event.Injected {
		return
	}
	if text := r.state(e); text != "" {
		r.add(reportRow{n: e.N, t: e.T, host: e.Host, conn: e.Conn, kind: event.KindState, look: lookState, head: text})
	}
}

// state gives the name of the state of e's end if it is not the one shown last.
func (r *Report) state(e *event.Event) string {
	if e.Host == event.None || !r.states.news(endOfEvent(e), e.State, e.StateHow) {
		return ""
	}
	return stateName(&r.words, e.State, e.StateHow, true)
}

// add keeps a row, or counts it.
func (r *Report) add(row reportRow) {
	if len(r.rows) < maxReportRows {
		r.rows = append(r.rows, row)
		return
	}
	if r.over.rows == 0 {
		r.over.from = row.t
	}
	r.over.rows++
	switch {
	case row.kind == event.KindTx && row.look == lookAgain:
		r.over.again++
		r.over.sent++
	case row.kind == event.KindTx:
		r.over.sent++
	case row.kind == event.KindLost:
		r.over.lost++
	}
}
