package main

import (
	"errors"
	"syscall"

	"gnet/internal/live"
	"gnet/stackprobe/view"
)

// needTerminal refuses a full-screen view where standard output is no terminal; hint names what prints instead.
func (e *env) needTerminal(option, hint string) error {
	if isTerminal(e.Stdout.err.w) {
		return nil
	}
	return fail(statusUsage, "%s draws on a terminal, and standard output is none", option).withHint("%s", hint)
}

// liveOptions fits a full-screen view to the environment: no colours with NO_COLOR, ASCII alone in a locale without UTF-8.
func (e *env) liveOptions() live.Options {
	getenv := func(name string) string {
		value, _ := e.LookupEnv(name)
		return value
	}
	return live.Options{ASCII: !view.UTF8(getenv), Mono: getenv("NO_COLOR") != ""}
}

// liveOutcome is the error of a command whose full-screen view ended with err: nothing is said where a signal or the loss of the
// terminal ended it, and the status of a signal is that of a shell, 128 and its number.
func liveOutcome(err error) error {
	var signaled *live.Signaled
	var lost *live.LostError
	var unusable *live.TerminalError
	switch {
	case errors.As(err, &signaled):
		if s, ok := signaled.Signal.(syscall.Signal); ok {
			return exitSilently(128 + int(s))
		}
	case errors.As(err, &lost):
		return exitSilently(128 + int(syscall.SIGHUP))
	case errors.As(err, &unusable):
		return fail(statusCannot, "%w", unusable)
	}
	return err
}
