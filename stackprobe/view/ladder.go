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
	stateWidth = 100 // from here on the states by their full names
	microWidth = 110 // from here on times to the microsecond
)

// Ladder draws the events of one run as they come: from 80 columns as a ladder with a time line for each end, below as
// one line per segment. A segment has a row where it leaves and one where it arrives, so that the delay is seen.
type Ladder struct {
	page   page
	sum    analyze.Summary
	form   form
	title  bool
	storms storms
	knows  *analyze.Knows // nil if it is not asked for
}

// form is one of the two ways to draw: ladder and compact.
type form interface {
	// begun takes what the run says of itself.
	begun(r *event.Run)
	// heading follows the lines that describe the run.
	heading()
	// event draws one event, or keeps it until it knows more.
	event(e *event.Event)
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
	l.page = page{w: w, opts: o, glyphs: unicodeGlyphs}
	if o.ASCII {
		l.page.glyphs = asciiGlyphs
	}
	if o.Width < wideWidth {
		l.form = newCompact(&l.page)
	} else {
		l.form = newLanes(&l.page)
	}
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
		}
	case e.Kind == event.KindExpectation:
		l.page.expected(e.Expectation)
	case e.Kind == event.KindEnd, e.Kind == event.KindVars, e.Kind == event.KindCounters:
		// The end is in the summary; variables and counters have no place at these widths.
	default:
		if !l.title {
			l.form.heading()
			l.title = true
		}
		if !l.storms.hides(e) {
			if text := l.storms.ended(e); text != "" {
				l.form.explain(e, text, faint)
			}
			l.form.event(e)
		}
		if l.knows != nil {
			l.explain(e)
		}
	}
	return l.page.err
}

// Close draws what is still open and the summary. It does not close the writer.
func (l *Ladder) Close() error {
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
