package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/render"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

const stepFlag = "step"

// bindStep gives cmd the option --step.
func (w *viewWords) bindStep(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.step, stepFlag, false, "go through the run event by event, forward and back, on the whole screen")
}

// checkStep refuses what means nothing on a screen.
func (w *viewWords) checkStep(o *viewOptions) error {
	other := ""
	switch {
	case !w.step:
		return nil
	case w.view != "":
		other = "view"
	case o.Format != render.Classic:
		other = "format"
	case w.width != 0:
		other = "width"
	case w.wireshark:
		other = wiresharkFlag
	}
	for i, v := range fileViews() {
		if o.Files[i] == "-" {
			other = v.flag + " -"
		}
	}
	if other != "" {
		return fail(statusUsage, "--%s: not with --step, which takes the whole screen", other)
	}
	return nil
}

// stepRecorder gives the events of a run to the screen that shows them. Its methods but close run on the goroutine of the run.
type stepRecorder struct {
	screen *stepView
	ending *view.Ending
	batch  []event.Event
	events int
	path   bool          // the run is one of datagrams, which is refused
	begun  chan struct{} // closed with the first event
	loop   *live.Loop    // of the screen, set before ready is closed
	ready  chan struct{}
	gone   chan struct{} // closed when there is no screen any more
}

// maxStepBatch bounds the events that are given to the screen together.
const maxStepBatch = 512

// event implements traceView.
func (r *stepRecorder) event(ev *event.Event) error {
	if ev.Packet != nil || ev.Run != nil && ev.Run.Path != nil {
		r.path = true
		return errStepPath
	}
	_ = r.ending.Event(ev)
	if r.events++; r.events == 1 {
		close(r.begun)
	}
	r.batch = append(r.batch, *ev)
	if len(r.batch) == maxStepBatch {
		r.flush()
	}
	return nil
}

// errStepPath is a run that the screen does not show.
var errStepPath = errors.New("a run of datagrams")

// flush implements traceView.
func (r *stepRecorder) flush() {
	if len(r.batch) == 0 {
		return
	}
	batch := r.batch
	r.batch = nil
	r.post(func() { r.screen.take(batch) })
}

// post has f run where the screen is drawn, once there is one.
func (r *stepRecorder) post(f func()) {
	select {
	case <-r.ready:
		r.loop.Post(f)
	case <-r.gone:
	}
}

// close implements traceView.
func (r *stepRecorder) close() error {
	r.flush()
	return nil
}

// showSteps runs body, which gives its events to the recorder in o, and shows them on the whole screen until somebody quits. Then it
// writes what came of the run. stored says that the run is over already. The error is that of body.
func showSteps(ctx context.Context, e *env, o *viewOptions, stored bool, body func(context.Context, *env) error) error {
	if _, tty := e.Stdout.windowSize(); !tty {
		return noScreen(errors.New("standard output is no terminal"))
	}
	options := e.viewOptions(o)
	options.ASCII = options.ASCII || e.plainScreen()
	r := &stepRecorder{screen: newStepView(options), ending: view.NewEnding(e.Stdout, options),
		begun: make(chan struct{}), ready: make(chan struct{}), gone: make(chan struct{})}
	r.screen.stored = stored
	o.steps = r
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var said bytes.Buffer // a message would stand in the picture
	quiet := *e
	quiet.Stderr = &said
	done := make(chan error, 1)
	early := earlySignals()
	defer signal.Stop(early)
	go r.run(ctx, &quiet, body, done)
	var err, shown error
	select {
	case err = <-done: // without an event
	case s := <-early: // without one too; body may wait for what never comes
		return liveOutcome(&live.Signaled{Signal: s})
	case <-r.begun:
		_, color := e.terminal()
		shown = live.Run(ctx, r.screen, live.Options{ASCII: options.ASCII, Mono: !color, Start: func(l *live.Loop) {
			signal.Stop(early) // the screen has them all now
			select {
			case s := <-early:
				l.Quit(&live.Signaled{Signal: s})
			default:
			}
			r.loop = l
			close(r.ready)
		}})
		close(r.gone)
		cancel()
		err = <-done
	}
	_, _ = e.Stderr.Write(said.Bytes())
	if r.path {
		return stepPathFailure()
	}
	return stepStatus(err, shown, r.ending, e.Stdout)
}

// earlySignals takes the signals that end a screen before there is one: those that a run takes too, to end itself, which would leave the
// screen of a run that is over.
func earlySignals() chan os.Signal {
	early := make(chan os.Signal, 1)
	for _, s := range [...]os.Signal{unix.SIGINT, unix.SIGTERM} {
		if !signal.Ignored(s) {
			signal.Notify(early, s)
		}
	}
	return early
}

// run runs body. A panic is thrown where the screen is drawn, so that the terminal is itself again when it is printed.
func (r *stepRecorder) run(ctx context.Context, e *env, body func(context.Context, *env) error, done chan<- error) {
	var err error
	defer func() {
		if p := recover(); p != nil {
			text := fmt.Sprintf("%v\n\n%s", p, debug.Stack())
			if r.events == 0 {
				panic(text)
			}
			select {
			case <-r.ready:
				r.loop.Panic(text)
			case <-r.gone:
				panic(text)
			}
		}
		done <- err
	}()
	err = body(ctx, e)
	r.post0(func() { r.screen.ends(err) })
}

// post0 is post for a run that may have had no event.
func (r *stepRecorder) post0(f func()) {
	if r.events > 0 {
		r.post(f)
	}
}

// noScreen is why the run cannot be shown on a screen.
func noScreen(err error) error {
	return fail(statusCannot, "--step: %w", err).withHint("--view draws a picture for any output, --json writes the events")
}
