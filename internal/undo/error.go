package undo

import "errors"

// The reasons why a decision is refused; errors.Is finds them in an *Error.
var (
	// ErrNone: no change waits for a confirmation.
	ErrNone = errors.New("no change waits for a confirmation")
	// ErrSeveral: more than one change waits, and none was named.
	ErrSeveral = errors.New("several changes wait for a confirmation")
	// ErrUnknown: there is no change of that id.
	ErrUnknown = errors.New("there is no such change")
	// ErrOver: the time is over, and the change was undone or is being undone.
	ErrOver = errors.New("the time is over")
	// ErrMaking: the change is still being made.
	ErrMaking = errors.New("the change is still being made")
	// ErrLasting: the change lasts as long as the process that makes it, and cannot be confirmed.
	ErrLasting = errors.New("the change ends with the process that made it")
	// ErrWaiting: the change still waits and cannot be dismissed.
	ErrWaiting = errors.New("the change still waits for a confirmation")
	// ErrFailed: the domain could not undo the change.
	ErrFailed = errors.New("it could not be undone")
	// ErrBusy: another process holds the decision.
	ErrBusy = errors.New("another process is deciding")
	// ErrDamaged: a file is not what this package wrote.
	ErrDamaged = errors.New("the plan is damaged")
	// ErrUnsafe: a file or directory may be in the hands of others.
	ErrUnsafe = errors.New("it is not safe to use")
	// ErrKeeper: the process that would undo the change did not start.
	ErrKeeper = errors.New("the keeper did not start")
	// ErrBoot: the plan was made before the machine was started again.
	ErrBoot = errors.New("the plan is of an earlier boot")
	// ErrNetns: the network namespace of the plan is not to be found.
	ErrNetns = errors.New("the network namespace is gone")
)

// Error is the one error type of this package.
type Error struct {
	// Op says what was being done: "write the plan", "confirm".
	Op string
	// ID is the change it is about, or the name of a file; "" when none.
	ID string
	// Err is the cause: an errno, or one of the reasons of this package.
	Err error
	// Why says more about the cause, "" if there is no more to say.
	Why string
}

// Error is one line: operation, change, cause, and what more is known.
func (e *Error) Error() string {
	text := e.Op
	if e.ID != "" {
		text += " " + e.ID
	}
	text += ": " + e.Err.Error()
	if e.Why != "" {
		text += " (" + e.Why + ")"
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
