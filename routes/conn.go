package routes

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/rtnl"
)

// Op is what a Conn was doing when it failed.
type Op uint8

// The operations of an OpError.
const (
	OpDial      Op = iota + 1 // opening the rtnetlink socket
	OpInterface               // finding an interface by its name, before anything is changed
	OpAdd                     // adding a route
	OpDelete                  // deleting a route
	OpList                    // reading a table
	OpRules                   // reading the rules
	OpGet                     // asking the kernel for its choice
	OpReplace                 // replacing a route
	OpWatch                   // listening for changes
)

// String returns the operation as a clause: "adding a route".
func (op Op) String() string {
	words := [...]string{"", "opening rtnetlink", "finding the interface", "adding a route", "deleting a route",
		"reading the routing table", "reading the rules", "asking for a route", "replacing a route",
		"watching the routes"}
	if int(op) < len(words) {
		return words[op]
	}
	return "unknown operation"
}

// OpError is a failure of a Conn. errors.Is reaches the errno.
type OpError struct {
	Op     Op
	Err    error  // a syscall.Errno, or what is wrong with the kernel's answer
	Kernel string // the kernel's own words (NLMSGERR_ATTR_MSG), text from outside; empty when it gave none
}

// Error is one line: operation, cause, and the kernel's words in brackets.
func (e *OpError) Error() string {
	if e.Kernel == "" {
		return fmt.Sprintf("%v: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%v: %v (%s)", e.Op, e.Err, e.Kernel)
}

// Unwrap returns the cause.
func (e *OpError) Unwrap() error { return e.Err }

// opError takes the cause out of what the rooms below return.
func opError(op Op, err error) error {
	if err == nil {
		return nil
	}
	if nl, ok := err.(*netlink.OpError); ok {
		return &OpError{Op: op, Err: nl.Err, Kernel: nl.Kernel}
	}
	return &OpError{Op: op, Err: err}
}

// Conn reads and changes the routing tables of the network namespace in which it was opened. It is for one goroutine.
type Conn struct {
	rt       *rtnl.Conn
	observer func(*Step) error // sees each change first; nil: nobody
}

// Dial connects to the network namespace of the calling thread.
func Dial() (*Conn, error) {
	rt, err := rtnl.Dial()
	if err != nil {
		return nil, opError(OpDial, err)
	}
	return &Conn{rt: rt}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.rt.Close() }

// familyOf returns AF_INET or AF_INET6.
func familyOf(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
