package kernelside

import (
	"io"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// conn implements app.Conn on a socket.
type conn struct {
	h *Host
	c *connection
}

// Connect begins to connect from local port to peer and returns at once.
func (h *Host) Connect(port uint16, peer netip.AddrPort) (app.Conn, error) {
	fd, err := h.socket()
	if err != nil {
		return nil, congestionError(err, h.cfg.congestion())
	}
	// A port is free in a namespace of its own, unless a connection of this run is in TIME-WAIT on it.
	err = os.NewSyscallError("bind", unix.Bind(fd, sockaddr(netip.AddrPortFrom(h.cfg.Local, port))))
	if err == nil {
		err = h.poll.watch(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	c := h.add(event.Tuple{Local: netip.AddrPortFrom(h.cfg.Local, port), Remote: peer}, fd)
	c.known.since = h.clock.Now()
	err = unix.Connect(fd, sockaddr(peer))
	c.known.until = h.clock.Now()
	h.after(c)
	if err != nil && err != unix.EINPROGRESS {
		return nil, os.NewSyscallError("connect", err)
	}
	return conn{h, c}, nil
}

// listener is a listening socket.
type listener struct {
	fd    int
	tuple event.Tuple
	told  bool // its state was yielded
}

// defaultBacklog is the length of a listener's queue if the options say nothing.
const defaultBacklog = 16

// Listen opens a port and returns the function that takes the next connection from its queue, nil if there is none.
func (h *Host) Listen(port uint16) (accept func() (app.Conn, error), err error) {
	fd, err := h.socket()
	if err != nil {
		return nil, congestionError(err, h.cfg.congestion())
	}
	at := netip.AddrPortFrom(h.cfg.Local, port)
	backlog := h.cfg.Socket.Backlog
	if backlog == 0 {
		backlog = defaultBacklog
	}
	if err = unix.Bind(fd, sockaddr(at)); err != nil {
		err = os.NewSyscallError("bind", err)
	} else if err = unix.Listen(fd, backlog); err != nil {
		err = os.NewSyscallError("listen", err)
	} else {
		err = h.poll.watch(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	l := &listener{fd: fd, tuple: event.Tuple{Local: at}}
	h.listening = append(h.listening, l)
	return func() (app.Conn, error) { return h.accept(l) }, nil
}

// accept takes the next connection from l's queue.
func (h *Host) accept(l *listener) (app.Conn, error) {
	fd, from, err := unix.Accept4(l.fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil, nil
	case err != nil:
		return nil, os.NewSyscallError("accept", err)
	}
	tuple := event.Tuple{Local: l.tuple.Local, Remote: addrPort(from)}
	c := h.conns[tuple]
	if c == nil || c.fd >= 0 || c.gone {
		c = h.add(tuple, -1)
	}
	c.fd, c.dirty, c.passive = fd, true, true
	if h.cfg.Socket.DelayedAck == app.On {
		// The one option that is a state of the connection: it is not inherited.
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_QUICKACK, 0)
	}
	if err := h.poll.watch(fd); err != nil {
		return nil, err
	}
	return conn{h, c}, nil
}

// sockaddr makes the kernel's form of an address.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

func addrPort(s unix.Sockaddr) netip.AddrPort {
	switch s := s.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(s.Addr), uint16(s.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(s.Addr), uint16(s.Port))
	}
	return netip.AddrPort{}
}

// errClosed is a call on a connection that its application has closed. It is a type because fmt.Errorf would run before main, in every
// command.
var errClosed error = closedError{}

type closedError struct{}

// Error names the cause too.
func (closedError) Error() string { return "closed connection: " + unix.EBADF.Error() }

// Unwrap returns EBADF.
func (closedError) Unwrap() error { return unix.EBADF }

// Tuple implements app.Conn.
func (c conn) Tuple() event.Tuple { return c.c.tuple }

// Established implements app.Conn.
func (c conn) Established() (bool, error) {
	if c.c.fd < 0 {
		return false, errClosed
	}
	code, err := unix.GetsockoptInt(c.c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return false, os.NewSyscallError("getsockopt SO_ERROR", err)
	case code != 0:
		return false, unix.Errno(code)
	}
	if err := c.c.readInfo(); err != nil {
		return false, os.NewSyscallError("getsockopt TCP_INFO", err)
	}
	return c.c.info.State != tcpSynSent && c.c.info.State != tcpSynRecv && c.c.info.State != tcpClose, nil
}

// Write implements app.Conn.
func (c conn) Write(p []byte) (int, error) {
	if c.c.fd < 0 {
		return 0, errClosed
	}
	n, err := unix.SendmsgN(c.c.fd, p, nil, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
	c.h.after(c.c)
	switch err {
	case nil, unix.EAGAIN, unix.EINTR:
		return max(n, 0), nil
	}
	return 0, err
}

// Read implements app.Conn.
func (c conn) Read(p []byte) (int, error) {
	if c.c.fd < 0 {
		return 0, errClosed
	}
	n, err := unix.Read(c.c.fd, p)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return 0, nil
	case err != nil:
		return 0, err
	}
	c.h.after(c.c) // reading may open the window, which is told at once
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// CloseWrite implements app.Conn.
func (c conn) CloseWrite() error {
	if c.c.fd < 0 {
		return errClosed
	}
	err := unix.Shutdown(c.c.fd, unix.SHUT_WR)
	c.h.after(c.c)
	return os.NewSyscallError("shutdown", err)
}

// Close implements app.Conn. What the kernel still has to do for the connection goes on without a descriptor.
func (c conn) Close() error {
	if c.c.fd < 0 {
		return nil
	}
	_ = c.c.readInfo() // the last sums
	fd := c.c.fd
	c.c.fd = -1
	err := unix.Close(fd)
	c.h.after(c.c)
	return os.NewSyscallError("close", err)
}

// Abort implements app.Conn.
func (c conn) Abort() error {
	if c.c.fd < 0 {
		return nil
	}
	if err := unix.SetsockoptLinger(c.c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return os.NewSyscallError("setsockopt SO_LINGER", err)
	}
	c.c.rst = true // also where none leaves: in SYN-SENT there is nobody to tell
	return c.Close()
}
