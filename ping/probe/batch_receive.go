package probe

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Receive returns the next thing that waits in a socket, nil when there is
// nothing. It never blocks. What it returns is valid until the next call. A
// *ParseError is one message that could not be read; the next call goes on
// behind it.
//
// The stamp of a probe comes before its answer.
func (b *Batch) Receive() (*Received, error) {
	for range b.lanes {
		l := b.lanes[b.turn]
		ok, err := l.receive(&b.out)
		if err != nil {
			return nil, err
		}
		if ok {
			b.out.First, l.fresh = l.fresh, false
			return &b.out, nil
		}
		b.turn = (b.turn + 1) % len(b.lanes)
	}
	return nil, nil
}

// receive hands out what was received, the error queue first, and receives more
// when nothing is left.
func (l *lane) receive(out *Received) (bool, error) {
	out.Family = l.s.family
	for {
		switch {
		case l.queued.next < l.queued.filled:
			ok, err := l.takeQueued(out)
			if ok || err != nil {
				return ok, err
			}
		case l.queueDue():
			if err := l.fillQueue(); err != nil {
				return false, err
			}
		case l.packets.next < l.packets.filled:
			return l.takePacket(out)
		default:
			more, err := l.fillPackets()
			if !more || err != nil {
				return false, err
			}
		}
	}
}

// queueDue reports whether the error queue may hold something that was not
// looked at.
func (l *lane) queueDue() bool {
	return !l.checked && (l.s.pending || l.s.transmitStamps && l.seen != l.s.accepted)
}

func (l *lane) fillQueue() error {
	err := l.queued.fill(l.s.fd, unix.MSG_ERRQUEUE)
	if err == nil {
		l.fresh, l.base = true, l.s.stampBase
		return nil
	}
	l.checked, l.s.pending = true, false
	if err == unix.EAGAIN {
		return nil
	}
	return err
}

// fillPackets receives what waits, and reports whether that was anything. An
// ICMP error fails the call, once: what it was stands in the error queue, or has
// been read there already.
func (l *lane) fillPackets() (bool, error) {
	err := l.packets.fill(l.s.fd, 0)
	switch errno := unix.Errno(0); {
	case err == nil:
		l.checked, l.fresh = false, true
		return true, nil
	case err == unix.EAGAIN:
		return false, nil
	case errors.As(err, &errno) && pendingErrno(errno):
		l.s.pending, l.checked = true, false
		return true, nil
	}
	return false, err
}

// pendingErrno tells the errors that an earlier probe can have left on a socket
// from those of a socket that does not work.
func pendingErrno(errno unix.Errno) bool {
	switch errno {
	case unix.EBADF, unix.ENOTSOCK, unix.EFAULT, unix.EINVAL, unix.ENOMEM:
		return false
	}
	return true
}

func (l *lane) takePacket(out *Received) (bool, error) {
	packet, control, name, flags := l.packets.take()
	if flags&unix.MSG_TRUNC != 0 {
		return false, &ParseError{What: "packet that is longer than any answer", Len: len(packet)}
	}
	c := &l.s.parsed
	err := c.parse(control)
	switch {
	case err != nil:
	case l.s.isHeaded():
		out.Message, err = l.s.headed(packet, c)
	default:
		out.Message = l.s.received(packet, c, l.s.addr(name))
	}
	return err == nil, err
}

// takeQueued returns false without an error for a stamp of nothing that is
// known any more.
func (l *lane) takeQueued(out *Received) (bool, error) {
	packet, control, name, _ := l.queued.take()
	c := &l.s.parsed
	err := c.parse(control)
	if err == nil {
		out.Message, err = l.s.queued(packet, c, l.s.addr(name))
	}
	if err != nil {
		return false, err
	}
	if out.Kind != TransmitStamp {
		return true, nil
	}
	if !out.Stamp.IsZero() { // the device's is another message
		l.seen++
	}
	out.StampID += l.base - l.s.stampBase // the count may have begun anew since it was read
	if age := l.s.accepted - out.StampID; age == 0 || age > batchTags {
		return false, nil
	}
	out.Tag = l.tags[out.StampID%batchTags]
	return true, nil
}

// nap is a wait of which the scheduler does not hear. It would take the processor
// away, find nothing else to do with it, and have its monitor wake up every 20
// microseconds for a while when we come back: a twelfth of the processor time of
// a hundred rounds in a second. A garbage collector that wants to stop us
// interrupts the call.
const nap = 10 * time.Millisecond

func rawPoll(fds []unix.PollFd, d time.Duration) unix.Errno {
	timeout := unix.NsecToTimespec(int64(d))
	_, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
		uintptr(unsafe.Pointer(&timeout)), 0, 0, 0)
	return errno
}

// Wait returns when something can be received, when d has passed, or
// after Wake. It may return early. A negative d waits without limit.
func (b *Batch) Wait(d time.Duration) error {
	errno := unix.Errno(0)
	switch {
	case d >= 0 && d <= nap:
		errno = rawPoll(b.polls, d)
	case d >= 0:
		timeout := unix.NsecToTimespec(int64(d))
		_, err := unix.Ppoll(b.polls, &timeout, nil)
		errors.As(err, &errno)
	default:
		_, err := unix.Ppoll(b.polls, nil, nil)
		errors.As(err, &errno)
	}
	switch errno {
	case 0:
	case unix.EINTR:
		return nil
	default:
		return &SocketError{Op: "ppoll", Family: b.lanes[0].s.family, Mode: b.lanes[0].s.mode, Err: errno}
	}
	for i, l := range b.lanes {
		if b.polls[i].Revents&unix.POLLERR != 0 {
			l.s.pending, l.checked = true, false
		}
	}
	if b.polls[len(b.lanes)].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(b.lanes[len(b.lanes)-1].s.wake, count[:]) // only empties the eventfd
	}
	return nil
}

// Wake makes a Wait under way, or else the next one, return. Any goroutine may
// call it.
func (b *Batch) Wake() { b.lanes[len(b.lanes)-1].s.Wake() }
