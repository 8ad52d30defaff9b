package view

import (
	"io"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// The widths at which the ladder changes its form.
const (
	minWidth   = 40  // a narrower terminal is taken as this wide
	wideWidth  = 80  // from here on a ladder, below one line per segment
	stateWidth = 100 // from here on the states by their full names; not from gaugeWidth to roomyWidth
	gaugeWidth = 120 // from here on the variables of both ends
	roomyWidth = 150 // from here on full names of states and times to the microsecond beside them
)

// Ladder draws the events of one run as they come: from 80 columns as a ladder with a time line for each end, below as
// one line per segment. A segment has a row where it leaves and one where it arrives, so that the delay is seen.
type Ladder struct {
	page    page
	sum     analyze.Summary
	form    form
	title   bool
	folds   folds
	storms  storms
	knows   *analyze.Knows // nil if it is not asked for
	learned []sentence
}

// form is one of the two ways to draw: ladder and compact.
type form interface {
	// begun takes what the run says of itself.
	begun(r *event.Run)
	// heading follows the lines that describe the run.
	heading()
	// event draws one event, or keeps it until it knows more.
	event(e *event.Event)
	// note takes what an event says that is not drawn.
	note(e *event.Event)
	// folded draws what one end did in a stretch that is told in a row.
	folded(s *sums)
	// explain writes a sentence about e.Host at the moment of e.
	explain(e *event.Event, text string, st style)
	// finish draws what was kept.
	finish()
}

// NewLadder gives a ladder that writes to w. Close must be called at the end.
func NewLadder(w io.Writer, o Options) *Ladder {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	l := &Ladder{}
	if o.Explain {
		l.knows = &analyze.Knows{}
	}
	l.page = page{w: w, opts: o, glyphs: unicodeGlyphs, brief: 1_000_000}
	if o.ASCII {
		l.page.glyphs = asciiGlyphs
	}
	if o.Width < wideWidth {
		l.form = newCompact(&l.page)
	} else {
		l.form = newLanes(&l.page)
	}
	l.folds = folds{form: l.form, off: o.Unfold}
	return l
}

// Event draws e, in which package analyze has derived what follows; e must not be older than the one before. It keeps no reference to e. The error is that of the
// writer; after one nothing more is written.
func (l *Ladder) Event(e *event.Event) error {
	l.sum.Add(e)
	switch {
	case e.Kind == event.KindRun:
		if e.Run != nil {
			l.page.run(e.Run)
			l.form.begun(e.Run)
			l.folds.silent = silence(e.Run)
			l.page.brief = max(silence(e.Run)/8, 1_000_000) // a quarter of a round trip
		}
	case e.Kind == event.KindExpectation:
		l.page.expected(e.Expectation)
	case e.Kind == event.KindEnd, e.Kind == event.KindCounters:
		// The end is in the summary, where counters have no place.
	case e.Kind == event.KindVars && !l.title:
	default:
		l.draw(e)
	}
	return l.page.err
}

// draw draws an event that has a place in time.
func (l *Ladder) draw(e *event.Event) {
	if !l.title {
		l.form.heading()
		l.title = true
	}
	if e.Host > event.Server { // of a damaged run
		nobody := *e
		nobody.Host, e = event.None, &nobody
	}
	l.page.meet(e.Conn)
	learned := l.learn(e)
	if !l.storms.hides(e) {
		text := l.storms.ended(e)
		if text != "" {
			l.folds.release(0)
			l.form.explain(e, text, faint)
		}
		l.folds.event(e, len(learned) > 0)
	} else if len(learned) > 0 {
		l.folds.release(0)
	}
	for _, s := range learned {
		at := event.Event{T: e.T, Host: s.host, Conn: e.Conn}
		l.form.explain(&at, s.text, s.st)
	}
}

// silence is how long nothing must happen in a run for it to be said: two round trips.
func silence(r *event.Run) int64 { return 2 * (r.DelayClient + r.DelayServer) }

// Close draws what is still open and the summary. It does not close the writer.
func (l *Ladder) Close() error {
	l.folds.release(0)
	l.storms.rest(func(h event.Host, t int64, text string) { l.form.explain(&event.Event{T: t, Host: h}, text, faint) })
	l.form.finish()
	l.page.summary(&l.sum)
	l.page.verdicts()
	return l.page.err
}

// UTF8 says whether the locale that getenv gives has the character set UTF-8: LC_ALL, else LC_CTYPE, else LANG decides
// (POSIX.1-2024, XBD 8.2).
func UTF8(getenv func(string) string) bool {
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToUpper(v)
			return strings.Contains(v, "UTF-8") || strings.Contains(v, "UTF8")
		}
	}
	return false
}
