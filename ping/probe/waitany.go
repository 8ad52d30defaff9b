package probe

import (
	"time"

	"golang.org/x/sys/unix"
)

// WaitAny is Wait on several sockets at once. Wake of the first one ends it.
func WaitAny(d time.Duration, sockets ...*Socket) error {
	first := sockets[0]
	fds := make([]unix.PollFd, 0, len(sockets)+1)
	for _, s := range sockets {
		fds = append(fds, unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN})
	}
	fds = append(fds, unix.PollFd{Fd: int32(first.wake), Events: unix.POLLIN})
	var timeout *unix.Timespec
	if d >= 0 {
		ts := unix.NsecToTimespec(int64(d))
		timeout = &ts
	}
	switch _, err := unix.Ppoll(fds, timeout, nil); {
	case err == unix.EINTR:
		return nil
	case err != nil:
		return &SocketError{Op: "ppoll", Family: first.family, Mode: first.mode, Err: err}
	}
	for i, s := range sockets {
		if fds[i].Revents&unix.POLLERR != 0 {
			s.pending = true
		}
	}
	if fds[len(sockets)].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(first.wake, count[:]) // only empties the eventfd
	}
	return nil
}
