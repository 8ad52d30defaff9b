package attach

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Error is a step of attaching that the host refuses. errors.Is reaches the errno.
type Error struct {
	// Step says what was being done: "look at the host", "make the interface gnet0".
	Step string
	Err  error
}

// Error is one line.
func (e *Error) Error() string { return fmt.Sprintf("%s: %v", e.Step, e.Err) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what may help, "" if nothing is known to.
func (e *Error) Hint() string {
	switch {
	case errors.Is(e.Err, unix.EPERM), errors.Is(e.Err, unix.EACCES):
		return "--attach changes this host's interfaces, rules and forwarding: it takes root, and CAP_NET_ADMIN in this network namespace"
	case errors.Is(e.Err, unix.EROFS):
		return "/proc/sys is not writable here, as in a container: switch forwarding on yourself, or start the container with the right to"
	}
	return ""
}

// ErrNoNetwork: all private networks are in use.
var ErrNoNetwork = errors.New("no private network (RFC 1918) is free on this host")

func failed(step string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Step: step, Err: err}
}
