package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"gnet/internal/safe"
)

// The exit statuses. netstat, route and ping keep the originals' where they
// have one (net-tools: 1 unsupported, 3 usage, 6 lookup, 7 socket; iputils: 1
// no reply or a bad number, 2 usage, name, socket or route); gnet's own
// commands use the first four. The table stands in gnet(1).
const (
	statusOK     = 0 // done
	statusNo     = 1 // it ran, and the answer is no
	statusCannot = 2 // it could not run: rights, kernel
	statusUsage  = 3 // the command line is wrong
	statusLookup = 6 // net-tools E_LOOKUP: a name was not found
	statusSocket = 7 // net-tools E_SOCK: the kernel refused a change

	// Those of a program that could not be started, as shells have them (POSIX.1-2024, XCU 2.8.2).
	statusNotExecutable = 126
	statusNotFound      = 127
)

// failure is an error that ends the command with its own status and words.
type failure struct {
	status int
	err    error  // the message; nil prints nothing
	bare   bool   // the original's sentence carries no program name
	hint   string // what to do next, on a line of its own
	usage  string // text printed after the message, such as a usage
}

// Error returns the message, or the status when the failure is silent.
func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit status %d", f.status)
	}
	return f.err.Error()
}

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.err }

// fail returns a failure with a message after the program's name.
func fail(status int, format string, args ...any) *failure {
	return &failure{status: status, err: fmt.Errorf(format, args...)}
}

// failBare returns a failure whose message carries no program name.
func failBare(status int, format string, args ...any) *failure {
	f := fail(status, format, args...)
	f.bare = true
	return f
}

// exitSilently returns a failure that prints nothing: all is said.
func exitSilently(status int) *failure { return &failure{status: status} }

// withHint adds a hint line to a failure.
func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

// message is one line of standard error.
type message struct{ level, text string }

// exitStatus prints the error of a command, once, and returns the status to
// end with. An error that says nothing of its status could not run.
func exitStatus(e *env, err error) int {
	if werr := e.Stdout.finish(); werr != nil {
		if silent := (*failure)(nil); errors.As(err, &silent) && silent.err == nil {
			err = nil // nothing would be said of the write error
		}
		err = errors.Join(err, fail(statusNo, "write error: %w", werr))
	}
	if err == nil {
		return statusOK
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{status: statusCannot, err: err}
	}
	printMessage(e, f)
	return f.status
}

// printMessage prints what there is of a failure: -h has a usage alone.
func printMessage(e *env, f *failure) {
	switch {
	case f.err == nil:
	case f.bare:
		printLine(e.Stderr, f.err.Error())
	default:
		printLine(e.Stderr, e.Name+": "+f.err.Error())
	}
	if f.hint != "" {
		printLine(e.Stderr, "hint: "+f.hint)
	}
	io.WriteString(e.Stderr, f.usage)
}

// printLine prints a message in one write. Its lines are kept, all else that a
// terminal would obey is escaped.
func printLine(w io.Writer, text string) {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = safe.String(line)
	}
	io.WriteString(w, strings.Join(lines, "\n")+"\n")
}

// warn prints a line on standard error while the command goes on, and keeps it
// as a note of the document. What stands in stdout's buffer goes out first, so
// that both streams keep their order on one terminal.
func (e *env) warn(format string, args ...any) { e.say("warning", e.Name+": ", format, args...) }

// warnBare is warn for a sentence of the originals that has no program name.
func (e *env) warnBare(format string, args ...any) { e.say("warning", "", format, args...) }

// hint prints a line that says what to do.
func (e *env) hint(format string, args ...any) { e.say("hint", "hint: ", format, args...) }

func (e *env) say(level, prefix, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	e.tell("%s", prefix+text)
	e.notes = append(e.notes, message{level, text})
}

// tell prints a line on standard error and keeps nothing: for what may be said
// for days on end.
func (e *env) tell(format string, args ...any) {
	e.Stdout.Flush()
	printLine(e.Stderr, fmt.Sprintf(format, args...))
}
