// Package app is what the two ends do with their connection: the client sends, the server sends everything back, the
// client closes, the server closes. It is written as steps that never wait, so that the same code drives an engine in
// virtual time and a kernel's socket.
package app

import (
	"errors"
	"io"

	"gnet/stackprobe/event"
)

// Conn is one end of a connection as an application sees it. No method waits.
type Conn interface {
	// Established reports whether the handshake is complete; the error is that of a connect that failed.
	Established() (bool, error)
	// Write hands over as much of p as the send buffer takes and returns how much that is, perhaps 0.
	Write(p []byte) (int, error)
	// Read returns what has arrived, 0 if nothing has, and io.EOF behind the peer's FIN.
	Read(p []byte) (int, error)
	// CloseWrite ends the direction from here with a FIN.
	CloseWrite() error
	Close() error
	// Abort closes with a linger time of 0: what is not sent is thrown away and a RST leaves (RFC 9293 section 3.10.5).
	Abort() error
	// Tuple names the connection as this end sees it.
	Tuple() event.Tuple
}

// Journal records the calls of an application. It is called before a call is made, and what it returns after, with what
// the call has done: a write belongs before the segments that leave because of it.
type Journal func() func(event.App)

// record notes a call that is made in one moment.
func (j Journal) record(call event.Call) { j()(event.App{Call: call}) }

// fail notes that err ended the application's work.
func (j Journal) fail(err error) { j()(event.App{Call: event.Failed, Err: err.Error()}) }

// ErrContent is data that arrived but is not what was sent.
var ErrContent = errors.New("received other bytes than were sent")

// ErrShort is a peer that closed before it had sent everything.
var ErrShort = errors.New("the peer closed before all data had arrived")

// chunk is the size of one read and one write of the server.
const chunk = 64 << 10

// Client connects, sends size octets of the seed's pattern, reads as many back, and closes.
type Client struct {
	conn        Conn
	journal     Journal
	out, in     Pattern
	size        int64
	sent, got   int64
	established bool
	shut        bool
	done        bool
	err         error
	chunk       []byte // what pending is a part of
	pending     []byte // made, not yet written
	buf         []byte
}

// NewClient returns a client on conn, whose connect has begun.
func NewClient(conn Conn, size int, seed int64, journal Journal) *Client {
	n := min(chunk, max(size, 1))
	return &Client{conn: conn, journal: journal, out: NewPattern(seed), in: NewPattern(seed), size: int64(size),
		chunk: make([]byte, n), buf: make([]byte, n)}
}

// Step does what can be done now. Call it after every event.
func (c *Client) Step() {
	if c.done {
		return
	}
	if err := c.step(); err != nil {
		c.done, c.err = true, err
		c.journal.fail(err)
		c.conn.Close()
	}
}

func (c *Client) step() error {
	if !c.established {
		ok, err := c.conn.Established()
		if err != nil || !ok {
			return err
		}
		c.established = true
		c.journal.record(event.Established)
	}
	if err := c.write(); err != nil {
		return err
	}
	if err := c.read(); err != nil {
		return err
	}
	if c.got == c.size && !c.shut {
		c.shut = true
		c.journal.record(event.Shutdown)
		return c.conn.CloseWrite()
	}
	return nil
}

func (c *Client) write() error {
	for c.sent < c.size {
		if len(c.pending) == 0 {
			c.pending = c.chunk[:min(int64(len(c.chunk)), c.size-c.sent)]
			c.out.Fill(c.pending, c.sent)
		}
		done := c.journal()
		n, err := c.conn.Write(c.pending)
		if n > 0 {
			c.sent += int64(n)
			c.pending = c.pending[n:]
			done(event.App{Call: event.Write, Bytes: n})
		}
		if err != nil || n == 0 {
			return err
		}
	}
	return nil
}

func (c *Client) read() error {
	for {
		done := c.journal()
		n, err := c.conn.Read(c.buf)
		if n > 0 {
			if !c.in.Check(c.buf[:n], c.got) || c.got+int64(n) > c.size {
				return ErrContent
			}
			c.got += int64(n)
			done(event.App{Call: event.Receive, Bytes: n})
		}
		switch {
		case errors.Is(err, io.EOF):
			return c.eof()
		case err != nil || n == 0:
			return err
		}
	}
}

func (c *Client) eof() error {
	c.journal.record(event.EOF)
	if c.got < c.size {
		return ErrShort
	}
	c.done = true
	c.journal.record(event.Close)
	return c.conn.Close()
}

// Done reports whether the client has finished, well or not.
func (c *Client) Done() bool { return c.done }

// Err returns why the client failed, nil if it did not.
func (c *Client) Err() error { return c.err }

// Totals returns the octets written and received.
func (c *Client) Totals() (written, received int64) { return c.sent, c.got }

// Echo accepts one connection, sends back what arrives, and closes when the client has closed.
type Echo struct {
	accept    func() (Conn, error)
	journal   Journal
	conn      Conn
	in        Pattern
	got, sent int64
	match     bool
	pending   []byte // read, not yet written
	buf       []byte
	eof       bool
	done      bool
	err       error
}

// NewEcho returns a server. accept returns nil as long as there is no connection; seed is that of the client.
func NewEcho(accept func() (Conn, error), seed int64, journal Journal) *Echo {
	return &Echo{accept: accept, journal: journal, in: NewPattern(seed), match: true, buf: make([]byte, chunk)}
}

// Step does what can be done now. Call it after every event.
func (s *Echo) Step() {
	if s.done {
		return
	}
	if err := s.step(); err != nil {
		s.done, s.err = true, err
		s.journal.fail(err)
		if s.conn != nil {
			s.conn.Close()
		}
	}
}

func (s *Echo) step() error {
	if s.conn == nil {
		c, err := s.accept()
		if err != nil || c == nil {
			return err
		}
		s.conn = c
		s.journal.record(event.Accept)
	}
	for {
		if blocked, err := s.flush(); blocked || err != nil {
			return err
		}
		if s.eof {
			s.done = true
			s.journal.record(event.Close)
			return s.conn.Close()
		}
		done := s.journal()
		n, err := s.conn.Read(s.buf)
		if n > 0 {
			s.match = s.in.Check(s.buf[:n], s.got) && s.match
			s.got += int64(n)
			s.pending = s.buf[:n]
			done(event.App{Call: event.Receive, Bytes: n})
		}
		switch {
		case errors.Is(err, io.EOF):
			s.eof = true
			s.journal.record(event.EOF)
		case err != nil || n == 0:
			return err
		}
	}
}

// flush writes what is pending and reports whether the send buffer is full.
func (s *Echo) flush() (blocked bool, err error) {
	for len(s.pending) > 0 {
		done := s.journal()
		n, err := s.conn.Write(s.pending)
		if n > 0 {
			s.sent += int64(n)
			s.pending = s.pending[n:]
			done(event.App{Call: event.Write, Bytes: n})
		}
		if err != nil || n == 0 {
			return true, err
		}
	}
	return false, nil
}

// Done reports whether the server has finished, well or not.
func (s *Echo) Done() bool { return s.done }

// Err returns why the server failed, nil if it did not.
func (s *Echo) Err() error { return s.err }

// Totals returns the octets written and received, and whether those received were the client's.
func (s *Echo) Totals() (written, received int64, match bool) { return s.sent, s.got, s.match }
