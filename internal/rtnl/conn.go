package rtnl

import (
	"errors"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Conn is a connection to one network namespace: the one that the calling
// thread was in at Dial. It is not safe for concurrent use.
type Conn struct {
	nl *netlink.Conn
}

// Dial connects to the network namespace of the calling thread.
func Dial() (*Conn, error) {
	nl, err := netlink.Dial(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	return NewConn(nl), nil
}

// NewConn makes a Conn over an open netlink connection, which it then owns.
func NewConn(nl *netlink.Conn) *Conn { return &Conn{nl: nl} }

// ReadAhead makes long lists be received while they are read; see netlink.Conn.ReadAhead.
func (c *Conn) ReadAhead() { c.nl.ReadAhead() }

// Close ends the connection.
func (c *Conn) Close() error { return c.nl.Close() }

// errStop is what a callback returns when the reader of a list has left the
// loop.
var errStop = errors.New("the reader left the loop")

// list turns a dump of the given request type into rows. head writes the
// request's fixed part when the walk begins, since the request buffer is shared.
// decode fills row from a message and reports whether the row is wanted; row is
// the same variable for every message.
func list[T any](c *Conn, op string, typ uint16, head func(*netlink.Request), decode func(netlink.Message, *T) (bool, error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		r := c.nl.Request(typ, 0)
		head(r)
		row := new(T)
		err := c.nl.Dump(op, r, func(m netlink.Message) error {
			wanted, err := decode(m, row)
			if err != nil {
				return &netlink.OpError{Op: op, Err: err}
			}
			if wanted && !yield(row, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(nil, err)
		}
	}
}
