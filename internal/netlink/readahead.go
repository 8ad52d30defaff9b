package netlink

import (
	"errors"
	"runtime"

	"golang.org/x/sys/unix"
)

// readAhead receives the datagrams of a long dump on a goroutine of its own while the
// ones before are being read: the kernel fills each datagram inside the receiving
// system call, and that is most of the time that a dump takes.
//
// It relies on the kernel having the next datagram ready until the dump is complete
// (net/netlink/af_netlink.c, netlink_recvmsg): where a receive would wait,
// nothing more is to come, and it ends.
type readAhead struct {
	t    impatient
	free chan []byte   // buffers to receive into
	full chan datagram // closed at the end; nil when nothing is being received
	stop chan struct{}
	held []byte // what next handed out last
}

// impatient is a transport that can also say that it would wait, by unix.EAGAIN.
type impatient interface {
	RecvNow(p []byte) (n int, port uint32, err error)
}

// datagram is what one receive gave.
type datagram struct {
	buf  []byte
	n    int
	port uint32
	err  error
}

// aheadBuffers is how many datagrams are received before the reader has to take
// one; aheadAfter is how many a reply must have before it counts as long: a
// short one would pay for a goroutine and its buffers.
const (
	aheadBuffers = 4
	aheadAfter   = 8
)

// ReadAhead makes long dumps on this connection be received while they are read,
// where the machine has a second core for it. It is for connections that
// receive replies only, no multicast.
func (c *Conn) ReadAhead() {
	if t, ok := c.t.(impatient); ok && runtime.GOMAXPROCS(0) > 1 {
		c.ahead = &readAhead{t: t}
	}
}

// next returns the next datagram; its buffer is valid until the following call.
// False: there was none to be had without waiting.
func (a *readAhead) next() (datagram, bool) {
	if a.full == nil {
		a.start()
	}
	if a.held != nil {
		a.free <- a.held
		a.held = nil
	}
	d, ok := <-a.full
	if !ok {
		a.full = nil
		return d, false
	}
	a.held = d.buf
	return d, true
}

func (a *readAhead) start() {
	if a.free == nil {
		a.free = make(chan []byte, aheadBuffers)
		for range aheadBuffers {
			a.free <- make([]byte, bufferSize)
		}
	}
	a.full, a.stop = make(chan datagram, aheadBuffers), make(chan struct{})
	go receiveAhead(a.t, a.free, a.full, a.stop)
}

// receiveAhead ends with the first error, which is handed on unless it says that
// nothing is there.
func receiveAhead(t impatient, free chan []byte, full chan<- datagram, stop <-chan struct{}) {
	defer close(full)
	for {
		var buf []byte
		select {
		case <-stop:
			return
		case buf = <-free:
		}
		n, port, err := t.RecvNow(buf)
		if errors.Is(err, unix.EAGAIN) {
			free <- buf
			return
		}
		full <- datagram{buf, n, port, err}
		if err != nil {
			return
		}
	}
}

// finish ends the receiving, once the reply is complete or of no use any more,
// and takes all buffers back.
func (a *readAhead) finish() {
	if a.full == nil {
		return
	}
	close(a.stop)
	for d := range a.full {
		a.free <- d.buf
	}
	if a.held != nil {
		a.free <- a.held
		a.held = nil
	}
	a.full = nil
}
