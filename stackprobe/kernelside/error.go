package kernelside

import (
	"errors"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/stackprobe/link"
)

// Step is what was being done when a world could not be made.
type Step string

// The steps. StepNamespaces is the start of the second process in fresh namespaces, StepTUN and StepVeth the making of the
// interface, StepAddress its addresses, StepCongestion the choice of a congestion control.
const (
	StepNamespaces Step = "namespaces"
	StepTUN        Step = "tun"
	StepVeth       Step = "veth"
	StepAddress    Step = "address"
	StepSocket     Step = "socket"
	StepCongestion Step = "congestion control"
	StepHelper     Step = "world helper"
	StepProgram    Step = "program" // its start
)

// Error says why there is no kernel at the other end.
type Error struct {
	Step Step
	// Text is the sentence for people.
	Text string
	// Err is the cause, a unix.Errno where the kernel refused something.
	Err error
}

// Error is one line: the step and its cause.
func (e *Error) Error() string {
	if e.Text != "" {
		return e.Text
	}
	return string(e.Step) + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// OtherLink reports whether another link to the kernel may be allowed where this one is refused: a veth pair needs no
// /dev/net/tun.
func (e *Error) OtherLink() bool { return e.Step == StepTUN }

// Hint says what world is left.
func (e *Error) Hint() string {
	if e.OtherLink() {
		return "--link veth does without " + link.TUNPath + "; --link memory needs no rights"
	}
	return "--link memory needs no rights"
}

// refused adds what this machine's settings say about a right that is missing in a namespace of our own, where nothing but a policy
// takes it: AppArmor's restriction of user namespaces lets one be made and gives no rights in it.
func refused(text string, err error) string {
	if !errors.Is(err, unix.EPERM) {
		return text
	}
	if why := netns.Why(unix.EPERM); why != "" {
		return text + " (" + why + ")"
	}
	return text
}
