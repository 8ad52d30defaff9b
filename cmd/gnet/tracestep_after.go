package main

import (
	"context"
	"errors"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/stackprobe/event"
	"gnet/stackprobe/view"
)

// stepKeeper keeps the events of a run whose terminal is not free while it goes on: a program's, or one that shows what is done to the host.
type stepKeeper struct {
	screen *stepView
	ending *view.Ending
	path   bool // the run is one of datagrams, which is refused
	events int
}

// event implements traceView.
func (k *stepKeeper) event(ev *event.Event) error {
	if ev.Packet != nil || ev.Run != nil && ev.Run.Path != nil {
		k.path = true
		return errStepPath
	}
	k.events++
	_ = k.ending.Event(ev)
	k.screen.add(ev)
	return nil
}

// flush implements traceView.
func (*stepKeeper) flush() {}

// close implements traceView.
func (*stepKeeper) close() error { return nil }

// showStepsAfter runs body, which gives its events to o, and when it is over, with all that it does to end, shows them on the whole screen
// until somebody quits. Then it writes what came of the run to out, which must be the terminal. After a SIGTERM it writes that at once. waiting says that body ends when somebody
// interrupts it. The error is that of body.
func showStepsAfter(ctx context.Context, e *env, o *viewOptions, out *output, waiting bool, body func() error) error {
	t := *e
	t.Stdout = out
	if _, tty := out.windowSize(); !tty {
		return noScreen(errors.New("where the picture goes is no terminal"))
	}
	options := t.viewOptions(o)
	options.ASCII = options.ASCII || t.plainScreen()
	k := &stepKeeper{screen: newStepView(options), ending: view.NewEnding(out, options)}
	o.steps = k
	if waiting {
		printLine(e.Stderr, e.Name+": the screen opens when the run has ended; Ctrl-C ends it")
	}
	ended := awaitTerm()
	err := body()
	told := ended()
	if k.path {
		return stepPathFailure()
	}
	if k.events == 0 {
		if err == nil {
			e.warn("--step: there was no event to show")
		}
		return err
	}
	e.Stdout.Flush()
	if told { // whoever ends a process waits for no screen
		return stepStatus(err, nil, k.ending, out)
	}
	k.screen.ends(err)
	_, color := t.terminal()
	shown := live.Run(context.WithoutCancel(ctx), k.screen, live.Options{ASCII: options.ASCII, Mono: !color})
	return stepStatus(err, shown, k.ending, out)
}

// awaitTerm looks for a SIGTERM until the function that it returns is called, which tells whether there was one. The second one finds
// what else is there, the default action at last.
func awaitTerm() (came func() bool) {
	c := make(chan os.Signal, 1)
	if !signal.Ignored(unix.SIGTERM) {
		signal.Notify(c, unix.SIGTERM)
	}
	over, seen := make(chan struct{}), make(chan bool)
	go func() {
		select {
		case <-c:
			signal.Stop(c)
			<-over
			seen <- true
		case <-over:
			seen <- len(c) > 0 // both were ready
		}
	}()
	return func() bool {
		signal.Stop(c) // it waits for one that is on its way
		close(over)
		return <-seen
	}
}

// stepPathFailure refuses a run that has no connections.
func stepPathFailure() error {
	return fail(statusCannot, "--step: this is a run of datagrams, and it shows connections").withHint("without --step they are drawn")
}

// stepStatus writes what came of a run and turns its error, and that of the screen, into the command's.
func stepStatus(err, shown error, ending *view.Ending, out *output) error {
	if _, ok := errors.AsType[*live.TerminalError](shown); ok {
		return noScreen(shown)
	}
	out.abandon()
	werr := ending.Close()
	out.Flush()
	switch {
	case shown != nil:
		return liveOutcome(shown)
	case werr != nil:
		return werr
	}
	return err
}
