package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"gnet/ping"
)

// pingDrawing is what is drawn of a run: on the screen, in a file, or both. Nil is nothing.
type pingDrawing struct {
	o      *pingOptions
	record *pingRecord
	head   string
	file   *os.File // of --plot
	clock  func() time.Duration
	// take records an event: at once, or, when there is a view, on its goroutine.
	take func(ev *ping.Event, stats *ping.Stats)
	// ended is the status of a view that a signal has ended, else nil.
	ended error
}

// outcome is the status of a run whose view was ended by force, else nil.
func (d *pingDrawing) outcome() error {
	if d == nil {
		return nil
	}
	return d.ended
}

// setPlot reads --plot.
func (o *pingOptions) setPlot(arg string) error {
	if arg == "" {
		return fail(statusCannot, "--plot: the name of the file is empty")
	}
	o.Plot = arg
	return nil
}

// newPingDrawing returns that of a run to one host.
func newPingDrawing(o *pingOptions, series *pingSeries) (*pingDrawing, error) {
	d, err := startDrawing(o, []pingHost{{series.Name, series.Target}})
	if d != nil {
		d.record.multicast = series.Multicast
	}
	return d, err
}

// drawing is that of a run to many hosts.
func (r *manyRun) drawing() (*pingDrawing, error) {
	if r.o.recorded() && len(r.targets.found) > maxLiveTargets {
		return nil, fail(statusCannot, "--live and --plot: at most %d hosts, and these are %d", maxLiveTargets, len(r.targets.found)).
			withHint("--json has the results of all")
	}
	var hosts []pingHost
	if r.o.recorded() {
		for _, t := range r.targets.found {
			hosts = append(hosts, pingHost{t.Name, t.Addr})
		}
	}
	d, err := startDrawing(r.o, hosts)
	if n := len(r.targets.missing); d != nil && n > 0 {
		d.head += fmt.Sprintf(", %d not found", n)
	}
	return d, err
}

// startDrawing opens the file, so that one that cannot be written is known before the first probe. What it holds stays until the end of
// the run.
func startDrawing(o *pingOptions, hosts []pingHost) (*pingDrawing, error) {
	if !o.recorded() {
		return nil, nil
	}
	d := &pingDrawing{o: o, record: newPingRecord(o, hosts), head: drawingHead(o), clock: liveSince()}
	d.take = func(ev *ping.Event, stats *ping.Stats) { d.record.take(ev, d.clock(), stats) }
	if o.Plot == "" {
		return d, nil
	}
	f, err := os.OpenFile(o.Plot, os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		return nil, fail(statusCannot, "--plot: %w", err)
	}
	d.file = f
	return d, nil
}

// drawingHead says what the probes are.
func drawingHead(o *pingOptions) string {
	if o.Adaptive || o.Flood {
		return fmt.Sprintf("%d data bytes, as answers come", o.Size)
	}
	return fmt.Sprintf("%d data bytes, every %s s", o.Size, appendSeconds(o.Interval))
}

// appendSeconds writes an interval in seconds.
func appendSeconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }

// show runs deliver, beside the view if there is one.
func (d *pingDrawing) show(ctx context.Context, e *env, o *pingOptions, deliver func(context.Context) error) error {
	if d == nil {
		return deliver(ctx)
	}
	var err error
	if o.Live {
		err = showPing(ctx, e, d, deliver)
	} else {
		err = deliver(ctx)
	}
	if err != nil {
		return err
	}
	return d.write(e)
}

// write writes the file.
func (d *pingDrawing) write(e *env) error {
	if d == nil || d.file == nil {
		return nil
	}
	d.record.finish()
	_, err := d.file.Write(appendPingPlot(nil, d.record, d.head, e.Now()))
	if end, cut := d.file.Seek(0, 1); err == nil && cut == nil {
		// A pipe has no length that could be cut; what an older picture had more is cut.
		_ = d.file.Truncate(end)
	}
	if closed := d.file.Close(); err == nil {
		err = closed
	}
	d.file = nil
	if err != nil {
		return fail(statusNo, "--plot: %w", err)
	}
	return nil
}

// close closes what a run that failed has left open.
func (d *pingDrawing) close() {
	if d != nil && d.file != nil {
		d.file.Close()
	}
}

// sink returns what takes the events of a run to one host: the printer, which prints, and the drawing. Beside a view nothing is printed
// until it is over.
func (d *pingDrawing) sink(stats *ping.Stats, printer func() pingSink) pingSink {
	switch {
	case d == nil:
		return printer()
	case d.o.Live:
		return &liveSink{drawing: d, stats: stats, printer: printer}
	}
	return &drawnSink{printer(), d, stats}
}

// drawnSink prints and records.
type drawnSink struct {
	pingSink
	drawing *pingDrawing
	stats   *ping.Stats
}

func (s *drawnSink) event(ev *ping.Event) {
	s.drawing.take(ev, s.stats)
	if ev.Kind != ping.Sent || s.drawing.o.printsSent() {
		s.pingSink.event(ev)
	}
}

// liveSink records, and prints the first line and the summary when the view is over.
type liveSink struct {
	drawing *pingDrawing
	stats   *ping.Stats
	printer func() pingSink
}

func (s *liveSink) event(ev *ping.Event) { s.drawing.take(ev, s.stats) }

func (s *liveSink) full() bool { return false }

func (s *liveSink) drain() {}

func (s *liveSink) close(stats *ping.Stats) error {
	sink := s.printer()
	sink.drain()
	return sink.close(stats)
}

// manySink is sink for a run to many hosts.
func (d *pingDrawing) manySink(sink manySink, sweep *ping.Sweep) manySink {
	if d == nil {
		return sink
	}
	return &drawnManySink{sink, d, sweep}
}

// drawnManySink records, and prints what a view does not show.
type drawnManySink struct {
	manySink
	drawing *pingDrawing
	sweep   *ping.Sweep
}

func (s *drawnManySink) begin() {
	if !s.drawing.o.Live {
		s.manySink.begin()
	}
}

func (s *drawnManySink) event(ev *ping.Event) {
	var stats *ping.Stats
	if ev.Target >= 0 {
		stats = s.sweep.Stats(ev.Target)
	}
	s.drawing.take(ev, stats)
	lines, printed := s.manySink.(interface{ note(*ping.Event) })
	switch {
	case s.drawing.o.Live && printed:
		lines.note(ev) // its table says what was last wrong
	case !s.drawing.o.Live && (ev.Kind != ping.Sent || s.drawing.o.printsSent()):
		s.manySink.event(ev)
	}
}

func (s *drawnManySink) close() error {
	if s.drawing.o.Live {
		s.manySink.begin()
	}
	return s.manySink.close()
}
