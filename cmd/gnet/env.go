package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"syscall"
	"time"
)

// env is what a command gets from outside. Commands use nothing else of the
// process, so a test can give them any world.
type env struct {
	Stdin  io.Reader
	Stdout *output
	Stderr io.Writer
	// Name is the prefix of messages: "ping" when called through a link of
	// that name, else "gnet ping".
	Name string
	// Arg0 is the name by which the program was called, without its folder.
	Arg0 string
	// Words are the words of the line behind the program's name, the command's own first, for those who are told later what was done.
	Words     []string
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
	// ProcRoot is the proc file system to read, normally /proc.
	ProcRoot string
	// notes are the messages of e.warn, for the notes of a document.
	notes []message
}

// systemEnv returns the env of the running process.
func systemEnv() *env {
	return &env{
		Stdin:     os.Stdin,
		Stdout:    newOutput(os.Stdout),
		Stderr:    os.Stderr,
		LookupEnv: os.LookupEnv,
		Now:       time.Now,
		ProcRoot:  "/proc",
	}
}

// posix reports whether options end at the first operand: POSIXLY_CORRECT is
// set, even to nothing.
func (e *env) posix() bool {
	_, set := e.LookupEnv("POSIXLY_CORRECT")
	return set
}

// output is standard output: buffered, and it remembers the first write error,
// so that a full disk is a failure even when nobody looked at each write.
type output struct {
	*bufio.Writer
	err *stickyError
}

func newOutput(w io.Writer) *output {
	sticky := &stickyError{w: w}
	return &output{bufio.NewWriterSize(sticky, 64<<10), sticky}
}

type stickyError struct {
	w   io.Writer
	err error
}

func (s *stickyError) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	return n, err
}

// finish flushes and returns the first write error. A closed pipe is none: the
// reader has seen what it wanted.
func (o *output) finish() error {
	o.Flush()
	if errors.Is(o.err.err, syscall.EPIPE) {
		return nil
	}
	return o.err.err
}
