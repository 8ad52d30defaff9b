package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// summarySchema names the machine form of --view summary.
const summarySchema = "gnet/trace-summary/1"

// summaryWord is the word of --view that the machine formats have too.
const summaryWord = "summary"

// figuresRun is a run in figures.
type figuresRun struct {
	figures  *analyze.Figures
	verdicts []*event.Expectation
	left     *view.Left // nil if all connections are shown
}

// summaryDocument writes a run in figures: a row for each end of each connection, and the run as the summary. It writes when the run
// is over, and its memory is that of analyze.Figures.
type summaryDocument struct {
	e        *env
	format   render.Format
	figures  analyze.Figures
	verdicts []*event.Expectation
	events   int
	left     *view.Left
	path     bool // the run is one of datagrams, which has no connections
}

// event implements traceView.
func (d *summaryDocument) event(ev *event.Event) error {
	d.events++
	d.path = d.path || ev.Packet != nil || ev.Run != nil && ev.Run.Path != nil
	d.figures.Add(ev)
	if ev.Kind == event.KindExpectation && ev.Expectation != nil {
		d.verdicts = append(d.verdicts, ev.Expectation)
	}
	return nil
}

// flush implements traceView: there is nothing before the end.
func (d *summaryDocument) flush() {}

// close implements traceView. A run that never began has no document, as it has no picture.
func (d *summaryDocument) close() error {
	switch {
	case d.path:
		return fail(statusUsage, "--view %s: this is a run of datagrams, without connections", summaryWord)
	case d.events == 0:
		return nil
	}
	doc := d.e.document(d.format, summarySchema)
	rows := render.NewRows(doc, figuresColumns())
	conns, rest := d.figures.Connections()
	if rest != nil {
		conns = append(conns[:len(conns):len(conns)], rest)
	}
	for _, c := range conns {
		for h := event.Client; h <= event.Server; h++ {
			if err := rows.Write(&figuresRow{&d.figures, c, h}); err != nil {
				return err
			}
		}
	}
	if err := render.Summary(doc, figuresSummaryColumns(), &figuresRun{&d.figures, d.verdicts, d.left}); err != nil {
		return err
	}
	return d.e.closeDocument(doc)
}
