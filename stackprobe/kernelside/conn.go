package kernelside

import (
	"io"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// conn implements app.Conn on the host's socket.
type conn struct{ h *Host }

// Connect begins to connect the socket to peer and returns at once. Its own port is the one of Config.
func (h *Host) Connect(_ uint16, peer netip.AddrPort) (app.Conn, error) {
	h.traffic.begun, h.peer = true, peer
	err := unix.Connect(h.sock, &unix.SockaddrInet4{Port: int(peer.Port()), Addr: peer.Addr().As4()})
	if err != nil && err != unix.EINPROGRESS {
		return nil, os.NewSyscallError("connect", err)
	}
	return conn{h}, nil
}

// fail notes whether the connection ended by a RST, and returns err.
func (c conn) fail(err error) error {
	switch err {
	case unix.ECONNRESET, unix.ECONNREFUSED, unix.EPIPE:
		c.h.traffic.reset = true
	}
	return err
}

// Tuple implements app.Conn.
func (c conn) Tuple() event.Tuple { return c.h.tuple() }

// Established implements app.Conn.
func (c conn) Established() (bool, error) {
	code, err := unix.GetsockoptInt(c.h.sock, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return false, os.NewSyscallError("getsockopt SO_ERROR", err)
	case code != 0:
		return false, c.fail(unix.Errno(code))
	}
	i, err := readInfo(c.h.sock)
	if err != nil {
		return false, os.NewSyscallError("getsockopt TCP_INFO", err)
	}
	return i.State != tcpSynSent && i.State != tcpClose, nil
}

// Write implements app.Conn.
func (c conn) Write(p []byte) (int, error) {
	n, err := unix.SendmsgN(c.h.sock, p, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	switch err {
	case nil, unix.EAGAIN, unix.EINTR:
		return max(n, 0), nil
	}
	return 0, c.fail(err)
}

// Read implements app.Conn.
func (c conn) Read(p []byte) (int, error) {
	n, err := unix.Read(c.h.sock, p)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, nil
	case err != nil:
		return 0, c.fail(err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// CloseWrite implements app.Conn.
func (c conn) CloseWrite() error {
	return os.NewSyscallError("shutdown", unix.Shutdown(c.h.sock, unix.SHUT_WR))
}

// Close implements app.Conn.
func (c conn) Close() error { return c.h.closeSocket() }

// Abort implements app.Conn.
func (c conn) Abort() error {
	if !c.h.traffic.open {
		return nil
	}
	if err := unix.SetsockoptLinger(c.h.sock, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return os.NewSyscallError("setsockopt SO_LINGER", err)
	}
	c.h.traffic.reset = true
	return c.h.closeSocket()
}
