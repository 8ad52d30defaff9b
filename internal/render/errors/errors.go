// Package errors stands in for the module of the same name, from which tablewriter takes no more than an error with a cause. That one
// fills a pool of errors when a program starts, which every command of gnet would pay for: 64 KiB, 332 allocations, 0.07 ms of a start
// of 2.4.
package errors

import "fmt"

// Error is a message and, behind a colon, its cause.
type Error struct {
	text  string
	cause error
}

// New returns an error without a cause.
func New(text string) *Error { return &Error{text: text} }

// Newf is New with a message formatted as by fmt.Sprintf.
func Newf(format string, operands ...any) *Error { return New(fmt.Sprintf(format, operands...)) }

// Wrap sets the cause and returns e.
func (e *Error) Wrap(cause error) *Error {
	e.cause = cause
	return e
}

// Error is the message, with the cause's if there is one.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.text
	}
	return e.text + ": " + e.cause.Error()
}

// Unwrap returns the cause, nil if there is none.
func (e *Error) Unwrap() error { return e.cause }
