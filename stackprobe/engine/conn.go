package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"syscall"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// conn implements app.Conn.
type conn struct {
	stack *Stack
	ep    tcpip.Endpoint
	known *connection
}

// Connect opens a connection from local port to peer. It returns at once; the handshake goes on as packets arrive.
func (s *Stack) Connect(port uint16, peer netip.AddrPort) (app.Conn, error) {
	ep, err := s.endpoint(port)
	if err != nil {
		return nil, err
	}
	if err := s.socket.keepAlive(ep); err != nil {
		ep.Close()
		return nil, err
	}
	remote := addr(tcpip.AddrFromSlice(peer.Addr().AsSlice()), peer.Port())
	c := s.nic.table.watch(connectionID(addr(s.addr, port), remote), ep.(*tcp.Endpoint))
	s.busy = true
	terr := ep.Connect(remote)
	if _, started := terr.(*tcpip.ErrConnectStarted); terr != nil && !started {
		ep.Close()
		return nil, fmt.Errorf("engine: connect: %w", sysError(terr))
	}
	return conn{s, ep, c}, nil
}

// Listen opens port and returns the function that takes the next connection from its queue, nil if there is none.
func (s *Stack) Listen(port uint16) (accept func() (app.Conn, error), err error) {
	ep, err := s.endpoint(port)
	if err != nil {
		return nil, err
	}
	if err := ep.Listen(s.socket.backlog()); err != nil {
		return nil, fmt.Errorf("engine: listen: %w", sysError(err))
	}
	listener := s.nic.table.watch(connectionID(addr(s.addr, port), tcpip.FullAddress{}), ep.(*tcp.Endpoint))
	return func() (app.Conn, error) {
		var peer tcpip.FullAddress
		ep, _, err := ep.Accept(&peer)
		switch err.(type) {
		case nil:
			s.busy = true
			s.nic.table.called(listener)
			c := s.nic.table.watch(connectionID(addr(s.addr, port), peer), ep.(*tcp.Endpoint))
			return conn{s, ep, c}, errors.Join(s.socket.fragmentable(ep), s.socket.keepAlive(ep))
		case *tcpip.ErrWouldBlock:
			return nil, nil
		}
		return nil, sysError(err)
	}, nil
}

// endpoint makes a socket with the stack's options, bound to port.
func (s *Stack) endpoint(port uint16) (tcpip.Endpoint, error) {
	ep, err := s.stack.NewEndpoint(tcp.ProtocolNumber, s.net, &waiter.Queue{})
	if err != nil {
		return nil, fmt.Errorf("engine: socket: %w", sysError(err))
	}
	if err := s.socket.create(ep); err != nil {
		ep.Close()
		return nil, err
	}
	if err := ep.Bind(addr(s.addr, port)); err != nil {
		ep.Close()
		return nil, fmt.Errorf("engine: bind: %w", sysError(err))
	}
	return ep, nil
}

// called notes that the application calls its stack: what it may change is to be looked at.
func (c conn) called() {
	c.stack.busy = true
	c.stack.nic.table.called(c.known)
}

// Tuple implements app.Conn.
func (c conn) Tuple() event.Tuple { return c.known.tuple }

// addrPort makes the general form of a socket address.
func addrPort(ip tcpip.Address, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(ip.AsSlice())
	return netip.AddrPortFrom(a, port)
}

// Established implements app.Conn.
func (c conn) Established() (bool, error) {
	switch s := tcp.EndpointState(c.ep.State()); {
	case connected(s):
		c.stack.socket.startKeepAlive(c)
		return true, nil
	case over(s):
		if err := c.ep.LastError(); err != nil {
			return false, sysError(err)
		}
		return false, syscall.ECONNABORTED
	}
	return false, nil
}

// Write implements app.Conn. A call that moves nothing changes nothing.
func (c conn) Write(p []byte) (int, error) {
	n, err := c.ep.Write(bytes.NewReader(p), tcpip.WriteOptions{})
	if _, full := err.(*tcpip.ErrWouldBlock); full && n == 0 {
		return 0, nil
	} else if c.called(); err == nil || full {
		return int(n), nil
	}
	return int(n), sysError(err)
}

// Read implements app.Conn.
func (c conn) Read(p []byte) (int, error) {
	w := tcpip.SliceWriter(p)
	r, err := c.ep.Read(&w, tcpip.ReadOptions{})
	if _, empty := err.(*tcpip.ErrWouldBlock); empty && r.Count == 0 {
		return 0, nil
	}
	c.called()
	switch err.(type) {
	case nil, *tcpip.ErrWouldBlock:
		return r.Count, nil
	case *tcpip.ErrClosedForReceive:
		return r.Count, io.EOF
	}
	return r.Count, sysError(err)
}

// CloseWrite implements app.Conn.
func (c conn) CloseWrite() error {
	c.called()
	if err := c.ep.Shutdown(tcpip.ShutdownWrite); err != nil {
		return sysError(err)
	}
	return nil
}

// Close implements app.Conn.
func (c conn) Close() error {
	c.called()
	c.ep.Close()
	return nil
}

// Abort implements app.Conn.
func (c conn) Abort() error {
	c.called()
	c.ep.Abort()
	return nil
}

// addr makes netstack's form of a socket address.
func addr(ip tcpip.Address, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nicID, Addr: ip, Port: port}
}

// sysError gives netstack's error the number that a kernel has for it, so that both ends fail in the same words.
func sysError(err tcpip.Error) error {
	switch err.(type) {
	case *tcpip.ErrConnectionRefused:
		return syscall.ECONNREFUSED
	case *tcpip.ErrConnectionReset:
		return syscall.ECONNRESET
	case *tcpip.ErrConnectionAborted, *tcpip.ErrAborted:
		return syscall.ECONNABORTED
	case *tcpip.ErrTimeout:
		return syscall.ETIMEDOUT
	case *tcpip.ErrHostUnreachable:
		return syscall.EHOSTUNREACH
	case *tcpip.ErrNetworkUnreachable:
		return syscall.ENETUNREACH
	case *tcpip.ErrClosedForSend:
		return syscall.EPIPE
	case *tcpip.ErrNotConnected:
		return syscall.ENOTCONN
	}
	return Error(err.String())
}

// Error is a failure of the engine for which the kernel has no number, in netstack's words.
type Error string

// Error is netstack's sentence.
func (e Error) Error() string { return "engine: " + string(e) }
