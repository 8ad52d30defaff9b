package kernelside

import (
	"os"

	"golang.org/x/sys/unix"
)

// poll wakes the clock's goroutine when a descriptor has something for it. It waits in a thread of its own, and only after it
// was told that the last news was taken (rearm): a stream of packets that the clock's goroutine takes anyway wakes nobody.
type poll struct {
	epoll, stop int // stop is an eventfd
	rearm       chan struct{}
	done        chan struct{} // closed when the thread has ended
	err         error         // valid after done
}

// newPoll watches device for packets; wake is called from another goroutine.
func newPoll(device int, wake func()) (*poll, error) {
	p := &poll{rearm: make(chan struct{}, 1), done: make(chan struct{})}
	var err error
	if p.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		unix.Close(p.stop)
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	for _, fd := range [...]int{p.stop, device} {
		// For their level: whoever is woken reads until nothing is left.
		if err := p.add(fd, unix.EPOLLIN); err != nil {
			unix.Close(p.stop)
			unix.Close(p.epoll)
			return nil, err
		}
	}
	go p.run(wake)
	return p, nil
}

func (p *poll) add(fd int, events uint32) error {
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}))
}

// watch adds a socket, for its edges: what makes it readable or writable, and what ends it. Most of these follow from packets that
// we deliver and are no news; a timer that gives up is.
func (p *poll) watch(fd int) error {
	return p.add(fd, unix.EPOLLIN|unix.EPOLLOUT|unix.EPOLLRDHUP|unix.EPOLLET)
}

// ready says that all news is taken and that the next one has to wake.
func (p *poll) ready() {
	select {
	case p.rearm <- struct{}{}:
	default: // it was said before
	}
}

func (p *poll) run(wake func()) {
	defer close(p.done)
	defer unix.Close(p.epoll)
	events := make([]unix.EpollEvent, 16)
	for {
		n, err := unix.EpollWait(p.epoll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			p.err = os.NewSyscallError("epoll_wait", err)
			wake()
			return
		}
		for _, e := range events[:n] {
			if int(e.Fd) == p.stop {
				return
			}
		}
		wake()
		<-p.rearm
	}
}

// close ends the thread and waits for it.
func (p *poll) close() {
	one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any value but 0, in any byte order
	unix.Write(p.stop, one[:])
	p.ready()
	<-p.done
	unix.Close(p.stop)
}
