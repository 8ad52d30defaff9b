package attach

import (
	"os"

	"golang.org/x/sys/unix"
)

// wake calls a function when the interface has a packet. It waits in a thread of its own, and only after it was told that the last news
// was taken (ready).
type wake struct {
	stop  int // an eventfd
	rearm chan struct{}
	done  chan struct{}
}

// newWake watches the descriptor device; fn is called from another goroutine.
func newWake(device int, fn func()) (*wake, error) {
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	w := &wake{stop: stop, rearm: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run(device, fn)
	return w, nil
}

func (w *wake) run(device int, fn func()) {
	defer close(w.done)
	for {
		fds := []unix.PollFd{{Fd: int32(w.stop), Events: unix.POLLIN}, {Fd: int32(device), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
			continue
		case fds[0].Revents != 0:
			return
		}
		fn() // after an error too: the next read says what it is
		<-w.rearm
		if err != nil || fds[1].Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
			return
		}
	}
}

// ready says that all news is taken.
func (w *wake) ready() {
	select {
	case w.rearm <- struct{}{}:
	default: // it was said before
	}
}

// close ends the thread and waits for it.
func (w *wake) close() {
	one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any value but 0, in any byte order
	unix.Write(w.stop, one[:])
	w.ready()
	<-w.done
	unix.Close(w.stop)
}
