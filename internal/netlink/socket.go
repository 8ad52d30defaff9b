package netlink

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Transport carries datagrams to and from the kernel. The real one is a
// socket; tests put a scripted one in its place.
type Transport interface {
	// Send sends one datagram.
	Send(p []byte) error
	// Recv waits for one datagram and writes it to p. n is its true length: more
	// than len(p) means that the rest is lost. port is the sender's port id, 0
	// for the kernel.
	Recv(p []byte) (n int, port uint32, err error)
	// Close ends the transport.
	Close() error
}

// socket is an AF_NETLINK socket bound to a port of the kernel's choice. It owns
// the memory that the kernel writes a sender's address to: unix.Recvfrom makes a
// new address for each datagram, which a dump of a million sockets has thousands of.
type socket struct {
	fd       int
	from     unix.RawSockaddrNetlink
	fromSize uint32
}

// open makes the socket in the network namespace of the calling thread; it
// stays there whatever the thread does later.
func open(family int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, family)
	if err != nil {
		return nil, &OpError{Op: "open netlink socket", Err: err}
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		unix.Close(fd)
		return nil, &OpError{Op: "bind netlink socket", Err: err}
	}
	return &socket{fd: fd}, nil
}

// option turns a SOL_NETLINK option on and reports whether the kernel has it.
func (s *socket) option(name int) bool {
	return unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, name, 1) == nil
}

func (s *socket) Send(p []byte) error {
	for {
		err := unix.Sendto(s.fd, p, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
		if err != unix.EINTR {
			return err
		}
	}
}

// Recv asks for MSG_TRUNC, with which the kernel returns the true length of a
// datagram that did not fit: no peek before each receive is needed.
func (s *socket) Recv(p []byte) (int, uint32, error) { return s.recv(p, unix.MSG_TRUNC) }

// RecvNow is Recv that returns unix.EAGAIN where that would wait.
func (s *socket) RecvNow(p []byte) (int, uint32, error) {
	return s.recv(p, unix.MSG_TRUNC|unix.MSG_DONTWAIT)
}

func (s *socket) recv(p []byte, flags uintptr) (int, uint32, error) {
	for {
		n, err := s.recvfrom(p, flags)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, 0, err
		}
		if s.fromSize < unix.SizeofSockaddrNetlink || s.from.Family != unix.AF_NETLINK {
			return 0, 0, errors.New("datagram without a netlink sender")
		}
		return n, s.from.Pid, nil
	}
}

// recvfrom is recvfrom(2) into p and the socket's own address field.
func (s *socket) recvfrom(p []byte, flags uintptr) (int, error) {
	s.fromSize = unix.SizeofSockaddrNetlink
	n, _, errno := unix.Syscall6(unix.SYS_RECVFROM, uintptr(s.fd),
		uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), flags,
		uintptr(unsafe.Pointer(&s.from)), uintptr(unsafe.Pointer(&s.fromSize)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// growReceive enlarges the receive buffer to n bytes, beyond the system's limit with CAP_NET_ADMIN, and returns its size.
func (s *socket) growReceive(n int) int {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, n) != nil {
		unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, n)
	}
	size, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	if err != nil {
		return 0
	}
	return size
}

func (s *socket) Close() error { return unix.Close(s.fd) }

// Over makes a connection over an open, bound AF_NETLINK socket that it then owns: one that was made in another network namespace,
// to which it belongs for good.
func Over(fd int) *Conn { return NewConn(&socket{fd: fd}) }
