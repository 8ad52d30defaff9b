package sockdiag

import (
	"errors"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Conn is a connection to the sockets of one network namespace: the one that
// the calling thread was in at Dial. It is not safe for concurrent use.
type Conn struct {
	nl *netlink.Conn
}

// Dial connects to the network namespace of the calling thread. No privilege
// is needed. Its errors are those of netlink.Dial.
func Dial() (*Conn, error) {
	nl, err := netlink.Dial(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	nl.ReadAhead()
	return New(nl), nil
}

// New makes a Conn over an open netlink connection, which it then owns.
func New(nl *netlink.Conn) *Conn { return &Conn{nl: nl} }

// Close ends the connection.
func (c *Conn) Close() error { return c.nl.Close() }

// errStop is what a callback returns when the reader of a list has left the
// loop.
var errStop = errors.New("the reader left the loop")
