package probe

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// SocketError says which step of opening or configuring a socket failed.
type SocketError struct {
	// Op is the step: "socket", "bind", "connect" or the name of a socket option.
	Op string
	// Device is the device that the step was about, if any.
	Device string
	Family Family
	Mode   Mode
	// Err is the cause, normally an errno.
	Err error
}

// Error returns the step, what it was about and the cause.
func (e *SocketError) Error() string {
	what := e.Op
	if e.Device != "" {
		what += " " + e.Device
	}
	return fmt.Sprintf("%s (%v, %v): %v", what, e.Family, e.Mode, e.Err)
}

// Unwrap returns the cause.
func (e *SocketError) Unwrap() error { return e.Err }

// NoRight reports whether the socket could not be opened because the process
// may open neither kind.
func (e *SocketError) NoRight() bool {
	return e.Op == "socket" && (errors.Is(e.Err, unix.EPERM) || errors.Is(e.Err, unix.EACCES))
}

// ParseError is a control message or a packet that does not have the layout
// that the kernel documents.
type ParseError struct {
	// What names the structure, Len is the number of bytes that were there.
	What string
	Len  int
	// Err says more, if anything is known.
	Err error
}

// Error names the structure, its size and what is wrong with it.
func (e *ParseError) Error() string {
	text := fmt.Sprintf("malformed %s of %d bytes", e.What, e.Len)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *ParseError) Unwrap() error { return e.Err }
