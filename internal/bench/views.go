package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"time"

	"gnet/stackprobe"
	"gnet/stackprobe/analyze"
	packets "gnet/stackprobe/capture"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/view"
)

// viewAtMost is what drawing a run may take, in times of writing the same events as JSON.
const viewAtMost = 2

// drawing is a view of a run.
type drawing interface {
	Event(*event.Event) error
	Close() error
}

// drawings are what is measured: the pictures of --view, and the files.
var drawings = [...]struct {
	name string
	make func(io.Writer) drawing
}{
	{"`--view ladder`", func(w io.Writer) drawing { return view.NewLadder(w, view.Options{Width: 80}) }},
	{"`--view ladder --width 120 --unfold`", func(w io.Writer) drawing { return view.NewLadder(w, view.Options{Width: 120, Unfold: true}) }},
	{"`--view window`", func(w io.Writer) drawing { return view.NewWindow(w, view.Options{Width: 80}) }},
	{"`--view summary`", func(w io.Writer) drawing { return view.NewSummary(w, view.Options{Width: 80}) }},
	{"`--view plot`", func(w io.Writer) drawing { return view.NewPlot(w, view.Options{Width: 80}) }},
	{"`--plot`", func(w io.Writer) drawing { return view.NewSVG(w, view.Options{}) }},
	{"`--html`", func(w io.Writer) drawing { return view.NewReport(w, view.Options{}) }},
	{"`--pcap`", func(w io.Writer) drawing { return packets.NewRun(w) }},
}

// asJSON writes events as JSON, one in a line: what the views are measured beside.
type asJSON struct {
	w   io.Writer
	buf []byte
}

func (j *asJSON) Event(e *event.Event) error {
	j.buf = append(event.AppendJSON(j.buf[:0], e), '\n')
	_, err := j.w.Write(j.buf)
	return err
}

func (j *asJSON) Close() error { return nil }

// written counts what is written.
type written struct{ bytes int }

func (w *written) Write(p []byte) (int, error) {
	w.bytes += len(p)
	return len(p), nil
}

// drawn is what a view took.
type drawn struct {
	time time.Duration
	// bytes is what it wrote, held what it kept in memory before its end.
	bytes, held int
}

// draw shows events in a view. What it holds is measured in a round of its own, which takes longer.
func (l *lab) draw(events []event.Event, make func(io.Writer) drawing, hold bool) drawn {
	var w written
	before := 0
	if hold {
		before = heap()
	}
	begin := time.Now()
	d := make(&w)
	for i := range events {
		l.must(d.Event(&events[i]))
	}
	held := 0
	if hold {
		held = max(heap()-before, 0)
	}
	l.must(d.Close())
	return drawn{time.Since(begin), w.bytes, held}
}

// heap is how much memory is in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// recorded are the events of a run in memory that loses segments, with what follows from them.
func (l *lab) recorded() []event.Event {
	rule, err := link.ParseRule("client> loss 1%")
	l.must(err)
	c := stackprobe.Config{World: stackprobe.Memory, Bytes: l.viewBytes, Seed: 1, Delay: stackprobe.DefaultDelay, Faults: []link.Rule{rule}}
	var events []event.Event
	track := analyze.New()
	for e, err := range stackprobe.Run(context.Background(), c) {
		l.must(err)
		events = append(events, *e)
		track.Add(&events[len(events)-1])
	}
	return events
}

// views measures what drawing a run costs, beside writing its events as JSON in the same process.
func (l *lab) views() {
	events := l.recorded()
	json := func(w io.Writer) drawing { return &asJSON{w: w} }
	list := [1 + len(drawings)]func(io.Writer) drawing{json}
	for i := range drawings {
		list[1+i] = drawings[i].make
	}
	var times [len(list)][]time.Duration
	for range l.slowRounds {
		for i, make := range list {
			times[i] = append(times[i], l.draw(events, make, false).time)
		}
	}
	base := middle(times[0])
	l.print("\nDrawing a run of %s events, beside writing them as JSON:\n", thousands(len(events)))
	l.heading("| what | time | ratio | at most | written | held before the end |")
	for i, make := range list {
		name, limit, took := "JSON", "", middle(times[i])
		if i > 0 {
			name, limit = drawings[i-1].name, target(took.Seconds()/base.Seconds(), viewAtMost)
		}
		d := l.draw(events, make, true)
		l.print("| %s | %s | %.2f | %s | %s | %s |\n", name, short(took), took.Seconds()/base.Seconds(), limit, size(d.bytes), size(d.held))
	}
}

// size writes a number of bytes.
func size(n int) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
