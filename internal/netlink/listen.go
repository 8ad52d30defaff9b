package netlink

import (
	"context"
	"errors"

	"golang.org/x/sys/unix"
)

// listenBuffer is asked for by Join: a burst of some ten thousand changes fits.
const listenBuffer = 8 << 20

// Join subscribes to multicast groups such as unix.RTNLGRP_IPV4_ROUTE and enlarges the receive buffer as far as the kernel allows.
func (c *Conn) Join(groups ...int) error {
	s, ok := c.t.(*socket)
	if !ok {
		return nil // a scripted kernel sends what it likes
	}
	s.growReceive(listenBuffer)
	for _, g := range groups {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, g); err != nil {
			return &OpError{Op: "join multicast group", Err: err}
		}
	}
	return nil
}

// Listen calls fn with each message that the joined groups bring, until ctx ends or fn returns an error, which is then its own. An
// error of ctx is returned as it is. unix.ENOBUFS (errors.Is) means that messages were lost, and those that still waited have been
// dropped: the caller makes up for them by a dump and may go on listening.
func (c *Conn) Listen(ctx context.Context, op string, fn func(Message) error) error {
	if c.broken != nil {
		return c.broken
	}
	wait, release, err := c.waiter(ctx)
	if err != nil {
		return &OpError{Op: op, Err: err}
	}
	defer release()
	for {
		if err := wait(); err != nil {
			return err
		}
		n, port, err := c.t.Recv(c.buf)
		switch {
		case errors.Is(err, unix.ENOBUFS):
			if err := c.drain(ctx); err != nil {
				return c.fail(op, err)
			}
			return &OpError{Op: op, Err: unix.ENOBUFS}
		case err == nil && n > len(c.buf):
			err = ErrTruncated
		}
		if err != nil {
			return c.fail(op, err)
		}
		if port != 0 {
			c.strays++
			continue
		}
		msgs := Walk(c.buf[:n])
		for msgs.Next() {
			if err := fn(msgs.Message()); err != nil {
				return err
			}
		}
		if msgs.Err() != nil {
			return c.fail(op, msgs.Err())
		}
	}
}

// drain receives without waiting until nothing is left. A socket that was full once loses messages without another word until it
// has been empty (net/netlink/af_netlink.c, netlink_overrun and netlink_rcv_wake), so what is heard after a dump would have holes.
func (c *Conn) drain(ctx context.Context) error {
	recv := c.t.Recv
	if s, ok := c.t.(*socket); ok {
		recv = s.RecvNow
	}
	for ctx.Err() == nil {
		_, _, err := recv(c.buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil && !errors.Is(err, unix.ENOBUFS):
			return err
		}
	}
	return nil
}

// waiter returns a function that blocks until there is something to receive or ctx ends. A thread that sleeps in recvfrom(2) cannot be
// woken from outside, so the wait is a poll(2) on the socket and an eventfd(2) that the end of ctx writes to.
func (c *Conn) waiter(ctx context.Context) (wait func() error, release func(), err error) {
	s, ok := c.t.(*socket)
	if !ok {
		return ctx.Err, func() {}, nil
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 1})
		close(done)
	})
	release = func() {
		if !stop() {
			<-done
		}
		unix.Close(wake)
	}
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(wake), Events: unix.POLLIN}}
	wait = func() error {
		for {
			_, err := unix.Poll(fds, -1)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err == nil:
				return nil
			case err != unix.EINTR:
				return &OpError{Op: "wait for messages", Err: err}
			}
		}
	}
	return wait, release, nil
}
