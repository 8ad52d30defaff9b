package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/stackprobe/view"
)

// needTerminal refuses a full-screen view where standard output is no terminal; hint names what prints instead.
func (e *env) needTerminal(option, hint string) error {
	if isTerminal(e.Stdout.err.w) {
		return nil
	}
	return fail(statusCannot, "%s draws on a terminal, and standard output is none", option).withHint("%s", hint)
}

// noClipboard is what a view says where the terminal takes no copies.
const noClipboard = "not copied: terminals of this kind have no clipboard"

// liveOptions fits a full-screen view to the environment: no colours with NO_COLOR, ASCII alone where plainScreen says so.
func (e *env) liveOptions() live.Options {
	noColor, _ := e.LookupEnv("NO_COLOR")
	return live.Options{ASCII: e.plainScreen(), Mono: noColor != ""}
}

// plainScreen reports whether pictures on the terminal are of ASCII: in a locale without UTF-8, and on the kinds of terminals whose fonts lack
// blocks and dots: the console of Linux, DEC's.
func (e *env) plainScreen() bool {
	getenv := func(name string) string {
		value, _ := e.LookupEnv(name)
		return value
	}
	kind := getenv("TERM")
	return !view.UTF8(getenv) || kind == "linux" || strings.HasPrefix(kind, "linux-") || strings.HasPrefix(kind, "vt")
}

// liveOutcome is the error of a command whose full-screen view ended with err: nothing is said where a signal or the loss of the
// terminal ended it, and the status of a signal is that of a shell, 128 and its number; a lost terminal is a SIGHUP.
func liveOutcome(err error) error {
	var signaled *live.Signaled
	var unusable *live.TerminalError
	switch {
	case errors.As(err, &signaled):
		if s, ok := signaled.Signal.(syscall.Signal); ok {
			return exitSilently(128 + int(s))
		}
	case errors.As(err, new(*live.LostError)):
		return exitSilently(128 + int(syscall.SIGHUP))
	case errors.As(err, &unusable):
		return fail(statusCannot, "%w", unusable)
	}
	return err
}

// abandon drops what would be written to a terminal that has been hung up, as to a pipe that nobody reads: the status tells of that, and
// a write error would take its place.
func (o *output) abandon() {
	file, ok := o.err.w.(*os.File)
	if !ok {
		return
	}
	if _, err := unix.IoctlGetTermios(int(file.Fd()), unix.TCGETS); errors.Is(err, unix.EIO) { // another file has ENOTTY
		o.err.err = unix.EPIPE
	}
}

// showLive shows v while run runs. It returns when both are over: run's context ends when the view does, and the view ends with the
// run, unless somebody has pressed a key and it stays. ended is why it ended, as liveOutcome has it, nil for a key; failed is the error
// of the run, or why there is no view.
func showLive(ctx context.Context, e *env, v stayingView, o live.Options, hint string, begin func(*live.Loop), run func(context.Context) error) (ended, failed error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var done chan struct{}
	o.Start = func(l *live.Loop) {
		done = make(chan struct{})
		begin(l)
		l.Go(func() {
			defer close(done)
			failed = run(ctx)
			l.Post(func() {
				if failed != nil || ctx.Err() != nil || !l.Touched() || !v.stay() {
					l.Quit(nil)
				}
			})
		})
	}
	err := live.Run(ctx, v, o)
	cancel()
	if done != nil {
		<-done
	}
	e.Stdout.abandon()
	if errors.As(err, new(*live.TerminalError)) {
		return nil, fail(statusCannot, "--live: %w", err).withHint("%s", hint)
	}
	return liveOutcome(err), failed
}

// stayingView is a view of a run that may stay when that is over; stay reports whether it does.
type stayingView interface {
	live.View
	stay() bool
}

// finishedWords stand in a view that stays.
const finishedWords = "finished, q quits"
