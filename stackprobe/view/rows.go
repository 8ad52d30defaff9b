package view

import (
	"io"
	"iter"

	"gnet/stackprobe/event"
)

// Tone is how a piece of a row is meant.
type Tone uint8

// The tones. Faint is what is not from the wire, Strong states and headings, Bad losses and failures, Again retransmissions and
// duplicates.
const (
	Plain  = Tone(plain)
	Faint  = Tone(faint)
	Strong = Tone(strong)
	Bad    = Tone(bad)
	Again  = Tone(again)
)

// Row is a row of a picture for one who draws it himself.
type Row struct {
	// Place is that of the event that the row is about, as its caller counts.
	Place int
	Spans []Span
}

// Span is a piece of a row in one tone. Its text is clean: each character takes one column.
type Span struct {
	Text string
	Tone Tone
}

// place notes to which event a row belongs.
func (p *page) place(row []cell) {
	if p.sink == nil {
		return
	}
	if p.places == nil {
		p.places = make(map[*cell]int)
	}
	p.places[&row[0]] = p.at
}

// give gives the first end cells of row to the sink. The row is the page's again.
func (p *page) give(row []cell, end int) {
	r := Row{Place: p.places[&row[0]]}
	var text []rune
	for i := 0; i < end; i++ {
		text = append(text, row[i].r)
		if i+1 == end || row[i+1].st != row[i].st {
			r.Spans = append(r.Spans, Span{string(text), Tone(row[i].st)})
			text = text[:0]
		}
	}
	delete(p.places, &row[0])
	p.spare = append(p.spare, row)
	p.sink(r)
}

// LadderHeading returns the row that names the columns of the ladder.
func LadderHeading(o Options) (heading Row) {
	l := newRowLadder(o, func(r Row) { heading = r })
	l.form.heading()
	return heading
}

// LadderRows draws events, each with its place, as Ladder does without folding, and yields the rows in their order. Events may be a part of
// a run: run is what the run says of itself, nil if it is not known, many that it has several connections. Rows of what began before the
// first of them are not whole; who wants them whole begins some hundred events earlier. A row that is about no event has the place of the
// one before which it stands.
func LadderRows(o Options, run *event.Run, many bool, events iter.Seq2[int, *event.Event], yield func(Row)) {
	muted := true
	l := newRowLadder(o, func(r Row) {
		if !muted {
			yield(r)
		}
	})
	if run != nil {
		_ = l.Event(&event.Event{Kind: event.KindRun, Run: run})
	}
	l.title, muted = true, false
	l.page.many = l.page.many || many
	for at, e := range events {
		l.page.at = at
		_ = l.Event(e) // there is no writer that could fail
	}
	l.folds.release(0)
	l.form.finish()
}

// newRowLadder gives a ladder that gives its rows to sink.
func newRowLadder(o Options, sink func(Row)) *Ladder {
	o.Unfold, o.Explain, o.Color = true, false, false
	l := NewLadder(io.Discard, o)
	l.page.sink = sink
	return l
}

// newRowPage gives a page that gives its rows to sink.
func newRowPage(o Options, sink func(Row)) page {
	p := page{w: io.Discard, opts: o, glyphs: unicodeGlyphs, sink: sink}
	if p.opts.Width == 0 {
		p.opts.Width = wideWidth
	}
	p.opts.Width = max(p.opts.Width, minWidth)
	if o.ASCII {
		p.glyphs = asciiGlyphs
	}
	return p
}

// Ending writes what came of a run, as the end of every picture says it: the result, the sums of both ends, and the expectations.
type Ending struct {
	ladder *Ladder
	begun  bool
}

// NewEnding gives a view that writes to w when it is closed. Of Options only Width, ASCII and Color mean anything to it.
func NewEnding(w io.Writer, o Options) *Ending {
	return &Ending{ladder: NewLadder(w, o)}
}

// Event takes the next event; it keeps no reference to e.
func (v *Ending) Event(e *event.Event) error {
	v.begun = true
	v.ladder.sum.Add(e)
	switch e.Kind {
	case event.KindRun:
		v.ladder.page.captured = e.Run != nil && e.Run.Captured()
	case event.KindExpectation:
		v.ladder.page.expected(e.Expectation)
	}
	return nil
}

// Close writes, unless no event came. It does not close the writer.
func (v *Ending) Close() error {
	if !v.begun {
		return nil
	}
	v.ladder.page.summary(&v.ladder.sum)
	v.ladder.page.verdicts()
	return v.ladder.page.err
}
