// Package app is what the two ends do with their connections: send, read, wait, close, in the ways that Options name. It
// is written as steps that never wait, so that the same code drives an engine in virtual time and a kernel's socket.
//
// Every octet is checked: what an end sends follows from the run's seed, the connection and the direction, so its peer
// knows what must arrive.
package app

import (
	"errors"
	"os"
	"time"

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

// Clock is what an application needs of time; all moments are durations since the start of the run.
type Clock interface {
	Now() time.Duration
	// At has f called at the moment at on the goroutine that calls Step.
	At(at time.Duration, f func())
}

// Journal records the calls of an application on a connection. It is called before a call is made, and what it returns
// after, with what the call has done: a write belongs before the segments that leave because of it.
type Journal func(event.Tuple) func(event.App)

// ErrContent is data that arrived but is not what was sent.
var ErrContent = errors.New("received other bytes than were sent")

// ErrShort is a peer that closed before it had sent everything.
var ErrShort = errors.New("the peer closed before all data had arrived")

// chunk is the size of one read and one write that Options do not bound.
const chunk = 64 << 10

// Config says what an end's application is.
type Config struct {
	Options
	// Role and Bytes are the end's, after all defaults; Peer and PeerBytes those of the other end.
	Role, Peer Role
	// PeerRepeat is the other end's Options.Repeat.
	PeerRepeat       int
	Bytes, PeerBytes int64
	Host             event.Host
	// Unchecked says that the peer follows a script: what comes from it is not compared with anything.
	Unchecked bool
	Seed      int64
	Clock     Clock
	Journal   Journal
	// Request is what RoleSink sends first of all, "" for nothing.
	Request string
	// Root is the folder of RoleHTTP, nil for none.
	Root *os.Root
}

// Peer is one end's application: its connections, one session each.
type Peer struct {
	c        Config
	accept   func() (Conn, error)
	sessions []*Session
	err      error
	buf      []byte // for reads, by one session at a time
	past     past   // with RoleProgram at the other end
}

// NewPeer returns an application without connections.
func NewPeer(c Config) *Peer {
	size := chunk
	if c.Read > 0 {
		size = c.Read
	}
	return &Peer{c: c, buf: make([]byte, size)}
}

// Serve has the application take its connections from accept, which returns nil as long as there is none.
func (p *Peer) Serve(accept func() (Conn, error)) { p.accept = accept }

// Open gives the application a connection whose connect has begun.
func (p *Peer) Open(c Conn) { p.sessions = append(p.sessions, newSession(p, c)) }

// Step does what can be done now on every connection. Call it after every event.
func (p *Peer) Step() {
	p.take()
	for _, s := range p.sessions {
		s.Step()
	}
	if p.c.Peer == RoleProgram {
		p.forget()
	}
}

// take accepts what waits in the queue.
func (p *Peer) take() {
	for p.accept != nil && p.err == nil {
		c, err := p.accept()
		if err != nil {
			p.err = err
			p.c.Journal(event.Tuple{})(event.App{Call: event.Failed, Err: err.Error()})
		}
		if c == nil {
			return
		}
		s := newSession(p, c)
		s.accepted()
		p.sessions = append(p.sessions, s)
	}
}

// Forget drops all connections and the listener without a word to anybody, as a crash does. The stack is gone already.
func (p *Peer) Forget() {
	for _, s := range p.sessions {
		if !s.done {
			s.done, s.lost = true, true
		}
	}
	p.accept = nil
}

// Err returns the error that accepting met, nil if there was none.
func (p *Peer) Err() error { return p.err }

// Sessions returns the connections in the order in which they were opened or accepted. The slice is the Peer's.
func (p *Peer) Sessions() []*Session { return p.sessions }

// Totals returns the sums over all connections. The hash of several is the sum of theirs.
func (p *Peer) Totals() Totals {
	t := Totals{Match: true}
	if p.past.ended > 0 {
		t = p.past.totals
	}
	for _, s := range p.sessions {
		t.add(s.Totals())
	}
	return t
}

// add adds the sums of one connection.
func (t *Totals) add(one Totals) {
	t.Written += one.Written
	t.Received += one.Received
	t.WrittenHash += one.WrittenHash
	t.ReceivedHash += one.ReceivedHash
	t.Match = t.Match && one.Match
}

// Totals are what an application has handed over and got.
type Totals struct {
	Written, Received         int64
	WrittenHash, ReceivedHash uint64 // FNV-1a 64
	// Match is true if what was received is what the peer sends.
	Match bool
}
