package kernelside

import (
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Name returns the kernel's name and release, as the first line of a run shows it.
func Name() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "linux"
	}
	return "linux " + unix.ByteSliceToString(u.Release[:])
}

// traffic is a Host at work. All of it but the watcher runs on the clock's goroutine: a packet is read from the interface
// right after the call that made the kernel transmit it, so what the socket says then belongs to that packet.
type traffic struct {
	clock   vclock.Clock
	send    func(at time.Duration, packet []byte, sent link.Sent)
	buf     []byte
	stop    int           // eventfd that ends the watcher
	watched chan struct{} // closed when the watcher has ended

	open  bool  // the socket's descriptor is valid
	begun bool  // connect was called
	reset bool  // a call said that the connection was reset
	last  Info  // at the last transmission
	final Info  // at the last moment before close
	err   error // the first error of the interface
}

// Start begins to pass on what the kernel transmits. send gets each packet with the moment of reading, on the clock's
// goroutine, which has to call all methods from now on.
func (h *Host) Start(clock vclock.Clock, send func(at time.Duration, packet []byte, sent link.Sent)) error {
	t := &h.traffic
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	poll, err := newPoll(stop, h.tun, h.sock)
	if err != nil {
		unix.Close(stop)
		return err
	}
	t.clock, t.send, t.open, t.stop = clock, send, true, stop
	t.buf, t.watched = make([]byte, 1<<16), make(chan struct{})
	go func() {
		defer close(t.watched)
		if err := watch(poll, stop, clock); err != nil {
			clock.At(clock.Now(), func() { h.fail(err) })
		}
	}()
	return nil
}

// newPoll watches descriptors for edges, and stop for its level. Edges are enough: whoever is woken reads until nothing
// is left, and a socket that is writable for ever must not keep us awake.
func newPoll(stop int, fds ...int) (int, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return -1, os.NewSyscallError("epoll_create1", err)
	}
	err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, stop, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(stop)})
	for _, fd := range fds {
		if err == nil {
			events := uint32(unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET)
			err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
		}
	}
	if err != nil {
		unix.Close(poll)
		return -1, os.NewSyscallError("epoll_ctl", err)
	}
	return poll, nil
}

// watch wakes the clock's goroutine whenever something has changed, until stop is signalled. What wakes it does nothing:
// the world looks at its ends after every event.
func watch(poll, stop int, clock vclock.Clock) error {
	defer unix.Close(poll)
	events := make([]unix.EpollEvent, 3)
	for {
		n, err := unix.EpollWait(poll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return os.NewSyscallError("epoll_wait", err)
		}
		for _, e := range events[:n] {
			if int(e.Fd) == stop {
				return nil
			}
		}
		clock.At(clock.Now(), func() {})
	}
}

// Settle passes on what the kernel has transmitted since the last call.
func (h *Host) Settle() {
	t := &h.traffic
	for {
		n, err := unix.Read(h.tun, t.buf)
		switch {
		case err == unix.EAGAIN:
			return
		case err == unix.EINTR:
			continue
		case err != nil:
			h.fail(os.NewSyscallError("read TUN", err))
			return
		}
		t.send(t.clock.Now(), append([]byte(nil), t.buf[:n]...), h.sent())
	}
}

// sent samples the socket right after a transmission.
func (h *Host) sent() link.Sent {
	t := &h.traffic
	s := link.Sent{}
	if s.State, s.Vars = h.sample(); s.State != event.StateUnknown {
		s.StateHow = event.Read
	}
	if !t.open {
		return s
	}
	if i, err := readInfo(h.sock); err == nil {
		s.Evidence = i.evidence(&t.last)
		t.last = i
	}
	return s
}

// Deliver implements link.End: the packet comes out of the interface for the kernel. The kernel processes it before the
// call returns.
func (h *Host) Deliver(packet []byte) {
	for {
		_, err := unix.Write(h.tun, packet)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			h.fail(os.NewSyscallError("write TUN", err))
		}
		return
	}
}

// fail keeps the first error of the interface for Err.
func (h *Host) fail(err error) {
	if h.traffic.err == nil {
		h.traffic.err = err
	}
}

// Err returns the first error of the interface itself, nil if there was none.
func (h *Host) Err() error { return h.traffic.err }

// Sample yields state and variables of the socket, nothing before connect.
func (h *Host) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	if s, v := h.sample(); s != event.StateUnknown {
		yield(h.tuple(), s, v)
	}
}

// tuple names the socket's connection.
func (h *Host) tuple() event.Tuple {
	return event.Tuple{Local: netip.AddrPortFrom(h.client, h.port), Remote: h.peer}
}

func (h *Host) sample() (event.State, event.Vars) {
	t := &h.traffic
	if !t.begun {
		return event.StateUnknown, event.Vars{}
	}
	if t.open {
		i, err := readInfo(h.sock)
		if err != nil {
			return event.StateUnknown, event.Vars{}
		}
		if i.State != tcpClose {
			return stateOf(i.State), i.vars()
		}
	}
	waits, err := inTimeWait(h.table, h.port)
	switch {
	case err != nil:
		return event.StateUnknown, event.Vars{}
	case waits:
		return event.TimeWait, event.Vars{}
	case t.reset:
		return event.ClosedReset, event.Vars{}
	}
	return event.Closed, event.Vars{}
}

// Sums returns what the kernel itself counted for the socket, open or closed by now: the sequence numbers that were
// acknowledged and those that were received. ok is false if the kernel does not tell.
func (h *Host) Sums() (acked, received uint64, ok bool) {
	t := &h.traffic
	if t.open {
		if i, err := readInfo(h.sock); err == nil {
			t.final = i
		}
	}
	return t.final.BytesAcked, t.final.BytesReceived, t.final.HasBytes
}

// Close ends the watcher and closes everything; with the descriptors go the interface and the namespace.
func (h *Host) Close() {
	t := &h.traffic
	if t.watched != nil {
		one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any value but 0, in any byte order
		unix.Write(t.stop, one[:])
		<-t.watched
		unix.Close(t.stop)
	}
	if t.open || t.watched == nil {
		unix.Close(h.sock)
	}
	closeAll([]int{h.tun, h.table, h.devices})
}

// closeSocket closes the socket once, and keeps its last counters.
func (h *Host) closeSocket() error {
	t := &h.traffic
	if !t.open {
		return nil
	}
	t.open = false
	if i, err := readInfo(h.sock); err == nil {
		t.final = i
	}
	return os.NewSyscallError("close", unix.Close(h.sock))
}
