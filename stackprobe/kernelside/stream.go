package kernelside

import (
	"context"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// TUN returns the descriptor of the interface, for those who read it themselves. It stays the Host's.
func (h *Host) TUN() int { return h.device.Fd() }

// Stream is a connection of the kernel whose calls wait: it moves data, and nobody watches it. One goroutine may read while
// another writes.
type Stream struct {
	file *os.File
	raw  rawConn
	stop func() bool
}

// rawConn is the part of syscall.RawConn that waits for a descriptor.
type rawConn interface {
	Control(func(fd uintptr)) error
	Write(func(fd uintptr) (done bool)) error
}

// Dial connects to peer and returns when the connection stands. All calls of the Stream, and Dial itself, end with ctx.
func (h *Host) Dial(ctx context.Context, peer netip.AddrPort) (*Stream, error) {
	fd, err := h.socket()
	if err != nil {
		return nil, congestionError(err, h.cfg.congestion())
	}
	begun := unix.Connect(fd, sockaddr(peer))
	if begun != nil && begun != unix.EINPROGRESS {
		unix.Close(fd)
		return nil, os.NewSyscallError("connect", begun)
	}
	s := &Stream{file: os.NewFile(uintptr(fd), "connection")} // which polls it: it does not block
	s.stop = context.AfterFunc(ctx, func() { s.file.SetDeadline(time.Unix(1, 0)) })
	s.raw, err = s.file.SyscallConn()
	if err == nil {
		err = s.established()
	}
	if err != nil {
		s.Close()
		return nil, cause(ctx, err)
	}
	return s, nil
}

// established waits for the end of the handshake.
func (s *Stream) established() error {
	var refused error
	err := s.raw.Write(func(fd uintptr) bool {
		code, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
		if err == nil && code != 0 {
			err = unix.Errno(code)
		}
		if refused = os.NewSyscallError("connect", err); err != nil {
			return true
		}
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		refused = os.NewSyscallError("getsockopt TCP_INFO", err)
		return err != nil || info.State != unix.BPF_TCP_SYN_SENT
	})
	if err == nil {
		err = refused
	}
	return err
}

// cause is ctx's error if that ended a call.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) { return s.file.Read(p) }

// Write implements io.Writer.
func (s *Stream) Write(p []byte) (int, error) { return s.file.Write(p) }

// CloseWrite ends the direction from here with a FIN.
func (s *Stream) CloseWrite() error {
	var err error
	if e := s.raw.Control(func(fd uintptr) { err = os.NewSyscallError("shutdown", unix.Shutdown(int(fd), unix.SHUT_WR)) }); e != nil {
		return e
	}
	return err
}

// Close closes the connection.
func (s *Stream) Close() error {
	s.stop()
	return s.file.Close()
}

// Retransmitted returns how many segments the namespace's TCP has repeated.
func (h *Host) Retransmitted() uint64 {
	for _, c := range h.Counters() {
		if c.Name == "TcpRetransSegs" {
			return c.Value
		}
	}
	return 0
}
