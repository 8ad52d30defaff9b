package netlink

import (
	"errors"

	"golang.org/x/sys/unix"
)

// bufferSize is the receive buffer: the kernel builds dump datagrams of at
// most 32 KiB however much is offered (net/netlink/af_netlink.c,
// netlink_dump), and a single message may reach twice that (a link with many
// virtual functions).
const bufferSize = 64 << 10

// Conn is a netlink connection. It serves one request at a time and is not
// safe for concurrent use.
type Conn struct {
	t      Transport
	buf    []byte
	req    Request
	seq    uint32
	strict bool
	busy   bool
	broken error
	strays uint64
	ahead  *readAhead // nil: each datagram is received when it is wanted
}

// Dial opens a connection to a netlink family such as unix.NETLINK_ROUTE, in
// the network namespace of the calling thread. Extended acknowledgements and
// strict checking are switched on where the kernel has them (4.12 and 4.20).
func Dial(family int) (*Conn, error) {
	s, err := open(family)
	if err != nil {
		return nil, err
	}
	s.option(unix.NETLINK_EXT_ACK)
	s.option(unix.NETLINK_CAP_ACK)
	c := NewConn(s)
	c.strict = s.option(unix.NETLINK_GET_STRICT_CHK)
	return c, nil
}

// NewConn makes a connection over any transport, which it then owns.
func NewConn(t Transport) *Conn {
	return &Conn{t: t, buf: make([]byte, bufferSize)}
}

// Close ends the connection.
func (c *Conn) Close() error { return c.t.Close() }

// Strict reports whether the kernel checks dump requests strictly
// (NETLINK_GET_STRICT_CHK), that is, whether it honours their filters.
func (c *Conn) Strict() bool { return c.strict }

// Strays is the number of messages that were passed over because they came
// from another process or answered no request of ours.
func (c *Conn) Strays() uint64 { return c.strays }

// Request starts a message of the given type in the connection's request
// buffer; it is valid until the next call of Request. flags are added to what
// Do, Get and Dump set themselves.
func (c *Conn) Request(typ, flags uint16) *Request {
	c.req.start(typ, flags)
	return &c.req
}

// Do sends r and waits for the kernel's acknowledgement. op names the
// operation in the error.
func (c *Conn) Do(op string, r *Request) error {
	return c.exchange(op, r, unix.NLM_F_REQUEST|unix.NLM_F_ACK, func(Message) error { return nil })
}

// Get sends r and calls fn with each message of the answer, until the
// kernel's acknowledgement. If no message came, the error is ErrNoReply.
func (c *Conn) Get(op string, r *Request, fn func(Message) error) error {
	answered := false
	err := c.exchange(op, r, unix.NLM_F_REQUEST|unix.NLM_F_ACK, func(m Message) error {
		answered = true
		return fn(m)
	})
	if err == nil && !answered {
		return &OpError{Op: op, Err: ErrNoReply}
	}
	return err
}

// Dump sends r as a dump request and calls fn with each message. An error of
// fn ends the calls and is returned as it is; the rest of the dump is read and
// dropped, so that the connection stays usable. ErrInterrupted comes after the
// last message.
func (c *Conn) Dump(op string, r *Request, fn func(Message) error) error {
	return c.exchange(op, r, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, fn)
}

func (c *Conn) exchange(op string, r *Request, flags uint16, fn func(Message) error) error {
	if c.busy {
		return &OpError{Op: op, Err: ErrBusy}
	}
	if c.broken != nil {
		return c.broken
	}
	c.seq++
	msg, err := r.finish(c.seq, flags)
	if err != nil {
		return &OpError{Op: op, Err: err}
	}
	if err := c.t.Send(msg); err != nil {
		return &OpError{Op: op, Err: err}
	}
	c.busy = true
	defer func() { c.busy = false }()
	return c.collect(op, &reply{conn: c, fn: fn})
}

// collect receives datagrams until the reply is complete. After an error that
// leaves unknown bytes in the socket the connection refuses further use.
func (c *Conn) collect(op string, r *reply) error {
	if c.ahead != nil {
		defer c.ahead.finish()
	}
	for seen := 0; !r.done; seen++ {
		buf, n, port, err := c.receive(seen)
		if err == nil && n > len(buf) {
			err = ErrTruncated
		}
		if err != nil {
			return c.fail(op, err)
		}
		if port != 0 {
			c.strays++
			continue
		}
		if err := r.datagram(buf[:n]); err != nil {
			return c.fail(op, err)
		}
	}
	return r.result(op)
}

// receive returns the next datagram of a reply of which some were seen, in a
// buffer that is valid until the next call.
func (c *Conn) receive(seen int) (buf []byte, n int, port uint32, err error) {
	if c.ahead != nil && seen >= aheadAfter {
		if d, ok := c.ahead.next(); ok {
			return d.buf, d.n, d.port, d.err
		}
	}
	n, port, err = c.t.Recv(c.buf)
	return c.buf, n, port, err
}

func (c *Conn) fail(op string, err error) error {
	c.broken = &OpError{Op: op, Err: err}
	return c.broken
}

// reply is the state of one exchange.
type reply struct {
	conn        *Conn
	fn          func(Message) error
	ack         ack
	fnErr       error
	interrupted bool
	done        bool
}

// datagram hands the messages of one datagram on. Its error means that the
// bytes make no sense.
func (r *reply) datagram(b []byte) error {
	msgs := Walk(b)
	for msgs.Next() {
		if err := r.message(msgs.Message()); err != nil {
			return err
		}
	}
	return msgs.Err()
}

func (r *reply) message(m Message) (err error) {
	if m.Seq != r.conn.seq || r.done {
		r.conn.strays++
		return nil
	}
	r.interrupted = r.interrupted || m.Flags&unix.NLM_F_DUMP_INTR != 0
	switch m.Type {
	case unix.NLMSG_NOOP:
	case unix.NLMSG_ERROR:
		r.done = true
		r.ack, err = parseError(m)
	case unix.NLMSG_DONE:
		r.done = true
		r.ack, err = parseDone(m)
	case unix.NLMSG_OVERRUN:
		r.done, r.ack.errno = true, unix.ENOBUFS
	default:
		if r.fnErr == nil {
			r.fnErr = r.fn(m)
		}
	}
	return err
}

// result is the exchange's error: the callback's own first, since it may have
// ended the walk on purpose.
func (r *reply) result(op string) error {
	switch {
	case r.fnErr != nil:
		return r.fnErr
	case r.ack.errno != 0:
		return &OpError{Op: op, Err: r.ack.errno, Kernel: r.ack.kernel, Refused: true}
	case r.interrupted:
		return &OpError{Op: op, Err: ErrInterrupted}
	}
	return nil
}

// IsRefused reports whether err is the kernel's own refusal of a request, as
// opposed to a failed system call or a reply that could not be read.
func IsRefused(err error) bool {
	var op *OpError
	return errors.As(err, &op) && op.Refused
}
