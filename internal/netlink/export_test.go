package netlink

import "golang.org/x/sys/unix"

// SmallReceive makes the receive buffer as small as the kernel allows.
func (c *Conn) SmallReceive() error {
	return unix.SetsockoptInt(c.t.(*socket).fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 0)
}
