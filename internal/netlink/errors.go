package netlink

import (
	"errors"
	"fmt"
)

// What can be wrong with bytes that claim to come from the kernel, or with
// the way a Conn is used. They are the Err of an OpError.
var (
	// ErrTruncated: a datagram was longer than the receive buffer, so a part of
	// it is lost.
	ErrTruncated = errors.New("netlink datagram is longer than the receive buffer")
	// ErrShortMessage: fewer bytes than a message header or a fixed part needs.
	ErrShortMessage = errors.New("netlink message is too short")
	// ErrBadLength: nlmsg_len is below the header's size or beyond the datagram.
	ErrBadLength = errors.New("netlink message has an impossible length")
	// ErrBadAttribute: nla_len is below the header's size or beyond the
	// message, or the payload does not have the size that its type fixes.
	ErrBadAttribute = errors.New("netlink attribute has an impossible length")
	// ErrNoReply: the kernel acknowledged a request without the answer that was asked for.
	ErrNoReply = errors.New("the kernel acknowledged but did not answer")
	// ErrBusy: a request was made from inside the callback of another one on
	// the same Conn.
	ErrBusy = errors.New("netlink connection is in the middle of a dump")
	// ErrInterrupted: the kernel set NLM_F_DUMP_INTR: the table changed while it
	// was read, so rows may be missing or doubled. All rows have been delivered.
	ErrInterrupted = errors.New("the table changed while it was being read")
	// ErrUnknown: the kernel's answer to a message of a Batch was lost, so it may have been carried out or not.
	ErrUnknown = errors.New("the kernel's answer was lost, so it may have been done or not")
	// ErrTooLong: a request does not fit into the 16-bit length of an attribute.
	ErrTooLong = errors.New("netlink attribute is longer than 65535 bytes")
)

// OpError is the one error type of this package.
type OpError struct {
	// Op says what was being done: "open socket", "list routes".
	Op string
	// Err is the cause: an errno where a system call failed or the kernel
	// refused, else one of the sentinels of this package.
	Err error
	// Kernel is the kernel's own sentence (NLMSGERR_ATTR_MSG), "" if it gave
	// none. It is text from outside this program.
	Kernel string
	// Refused is true where the kernel answered the request with an error;
	// false where a system call failed or the reply could not be read.
	Refused bool
}

// Error is one line: operation, cause, and the kernel's sentence in brackets.
func (e *OpError) Error() string {
	if e.Kernel == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %v (%s)", e.Op, e.Err, e.Kernel)
}

// Unwrap gives the cause, so that errors.Is(err, unix.EEXIST) works.
func (e *OpError) Unwrap() error { return e.Err }
