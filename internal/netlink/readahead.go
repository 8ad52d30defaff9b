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
	free chan *batch // to receive into
	full chan *batch // closed at the end; nil when nothing is being received
	stop chan struct{}
	held *batch // what next is handing out
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

// batch is what the receiver hands on at once. Waking the reader costs the
// receiver a system call, which for each datagram would be a tenth of its time.
type batch struct {
	datagrams [batchSize]datagram
	got, read int
}

// aheadBatches is how many batches are received before the reader has to take
// one; aheadAfter is how many datagrams a reply must have before it counts as
// long: a short one would pay for a goroutine and its buffers.
const (
	batchSize    = 8
	aheadBatches = 3
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
	if a.held != nil && a.held.read == a.held.got {
		a.free <- a.held
		a.held = nil
	}
	if a.held == nil {
		b, ok := <-a.full
		if !ok {
			a.full = nil
			return datagram{}, false
		}
		a.held = b
	}
	d := a.held.datagrams[a.held.read]
	a.held.read++
	return d, true
}

func (a *readAhead) start() {
	if a.free == nil {
		a.free = make(chan *batch, aheadBatches)
		for range aheadBatches {
			a.free <- newBatch()
		}
	}
	a.full, a.stop = make(chan *batch, aheadBatches), make(chan struct{})
	go receiveAhead(a.t, a.free, a.full, a.stop)
}

func newBatch() *batch {
	b := new(batch)
	for i := range b.datagrams {
		b.datagrams[i].buf = make([]byte, bufferSize)
	}
	return b
}

// receiveAhead ends with the first error, which is handed on unless it says that
// nothing is there.
func receiveAhead(t impatient, free chan *batch, full chan<- *batch, stop <-chan struct{}) {
	defer close(full)
	for {
		select {
		case <-stop:
			return
		case b := <-free:
			more := b.receive(t)
			if b.got == 0 {
				free <- b
				return
			}
			full <- b
			if !more {
				return
			}
		}
	}
}

// receive fills the batch and reports whether there may be more to receive.
func (b *batch) receive(t impatient) bool {
	b.got, b.read = 0, 0
	for b.got < batchSize {
		d := &b.datagrams[b.got]
		d.n, d.port, d.err = t.RecvNow(d.buf)
		if errors.Is(d.err, unix.EAGAIN) {
			return false
		}
		b.got++
		if d.err != nil {
			return false
		}
	}
	return true
}

// finish ends the receiving, once the reply is complete or of no use any more,
// and takes all batches back.
func (a *readAhead) finish() {
	if a.full == nil {
		return
	}
	close(a.stop)
	for b := range a.full {
		a.free <- b
	}
	if a.held != nil {
		a.free <- a.held
		a.held = nil
	}
	a.full = nil
}
