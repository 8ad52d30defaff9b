package app

import (
	"errors"
	"io"
	"time"

	"gnet/stackprobe/event"
)

// Session is what an application does with one connection, from its beginning to its end.
type Session struct {
	p           *Peer
	conn        Conn
	out, in     Pattern
	outSum      sum
	inSum       sum
	established time.Duration // the moment, valid if stands
	stands      bool
	// pending is made or read, and not yet written; left is what is still to be written of the present write.
	pending []byte
	left    int
	chunk   []byte // what pending of a sender is a part of
	made    int64  // octets of the pattern that pending has had so far

	writeAt, readAt time.Duration    // not before
	readyAt         time.Duration    // when the work was done, valid if ready
	asked           [3]time.Duration // the last moment that was asked of the clock, for each wait
	eof, shut       bool
	cut             bool // EndAt came
	ready, done     bool
	lost            bool // the host forgot it
	err             error
	web             *web // of RoleHTTP
}

func newSession(p *Peer, c Conn) *Session {
	t := c.Tuple()
	client := t.Local.Port()
	if p.c.Host == event.Server {
		client = t.Remote.Port()
	}
	mine := stream(p.c.Seed, client, p.c.Host).Repeating(p.c.Repeat)
	peers := stream(p.c.Seed, client, p.c.Host.Peer()).Repeating(p.c.PeerRepeat)
	if p.c.Peer == RoleEcho {
		peers = mine // what comes is what was sent
	}
	s := &Session{p: p, conn: c, out: mine, in: peers, outSum: newSum(), inSum: newSum()}
	if p.c.Role == RoleHTTP {
		s.web = &web{root: p.c.Root, pattern: NewPattern(p.c.Seed)}
	}
	return s
}

// record notes a call that is made in one moment.
func (s *Session) record(call event.Call) { s.begin()(event.App{Call: call}) }

func (s *Session) begin() func(event.App) { return s.p.c.Journal(s.conn.Tuple()) }

// Step does what can be done now.
func (s *Session) Step() {
	if s.done {
		return
	}
	if err := s.step(); err != nil {
		s.done, s.err = true, err
		s.begin()(event.App{Call: event.Failed, Err: err.Error()})
		s.conn.Close()
	}
}

func (s *Session) step() error {
	if ok, err := s.standing(); !ok || err != nil {
		return err
	}
	if at := s.p.c.EndAt; at > 0 && !s.shut && s.due(toEnd, s.established+at) {
		s.ready, s.cut, s.pending = true, true, nil
		return s.end()
	}
	for more := true; more; {
		if err := s.write(); err != nil {
			return err
		}
		if s.web != nil && s.web.err != nil {
			return s.web.err
		}
		var err error
		if more, err = s.read(); err != nil {
			return err
		}
	}
	return s.finish()
}

// standing reports whether the handshake is complete.
func (s *Session) standing() (bool, error) {
	if s.stands {
		return true, nil
	}
	ok, err := s.conn.Established()
	if ok && err == nil {
		s.stand(event.Established)
	}
	return ok, err
}

// accepted notes that the connection came from a queue: it stands.
func (s *Session) accepted() { s.stand(event.Accept) }

func (s *Session) stand(call event.Call) {
	s.record(call)
	s.stands, s.established = true, s.p.c.Clock.Now()
	s.writeAt, s.readAt = s.established+s.p.c.Start, s.established+s.p.c.ReadStart
}

// wait is what a session waits for.
type wait uint8

const (
	toWrite wait = iota
	toRead
	toEnd
)

// due reports whether the moment at has come, and has the clock wake the session then if it has not.
func (s *Session) due(w wait, at time.Duration) bool {
	if s.p.c.Clock.Now() >= at {
		return true
	}
	if at != s.asked[w] {
		s.asked[w] = at
		s.p.c.Clock.At(at, func() {})
	}
	return false
}

// write hands over what is to be sent, as far as the stack takes it and the pauses allow.
func (s *Session) write() error {
	for s.fill() && s.due(toWrite, s.writeAt) {
		if s.left == 0 {
			s.left = len(s.pending)
			if w := s.p.c.Write; w > 0 {
				s.left = min(w, s.left)
			}
		}
		part := s.pending[:s.left]
		done := s.begin()
		n, err := s.conn.Write(part)
		if n > 0 {
			s.outSum.add(part[:n])
			s.pending, s.left = s.pending[n:], s.left-n
			done(event.App{Call: event.Write, Bytes: n})
		}
		if err != nil || n == 0 {
			return err
		}
		if s.left == 0 && s.p.c.Pause > 0 {
			s.writeAt = s.p.c.Clock.Now() + s.p.c.Pause
		}
	}
	return nil
}

// fill reports whether something is to be written, and makes it if the end sends of its own accord.
func (s *Session) fill() bool {
	if s.web != nil && len(s.pending) == 0 && !s.shut {
		s.answer()
	}
	if r := s.p.c.Request; r != "" && s.made == 0 {
		s.pending, s.made = []byte(r), int64(len(r))
	}
	rest := s.p.c.Bytes - s.made
	if len(s.pending) > 0 || s.shut || s.ready || s.p.c.Role == RoleEcho || s.web != nil || rest <= 0 {
		return len(s.pending) > 0
	}
	size := chunk
	if w := s.p.c.Write; w > 0 {
		size = w
	}
	if s.chunk == nil {
		s.chunk = make([]byte, min(int64(size), rest))
	}
	s.pending = s.chunk[:min(int64(len(s.chunk)), rest)]
	s.out.Fill(s.pending, s.made)
	s.made += int64(len(s.pending))
	return true
}

// read takes what has arrived, once, and reports whether there may be more to do. An end that echoes reads nothing
// before everything that it has read is written.
func (s *Session) read() (more bool, err error) {
	if s.eof || s.answering() || !s.due(toRead, s.readAt) {
		return false, nil
	}
	buf := s.p.buf
	if s.p.c.Role == RoleEcho {
		if s.chunk == nil {
			s.chunk = make([]byte, len(buf))
		}
		buf = s.chunk
	}
	done := s.begin()
	n, err := s.conn.Read(buf)
	if n > 0 {
		if err := s.check(buf[:n]); err != nil {
			return false, err
		}
		if s.p.c.ReadPause > 0 {
			s.readAt = s.p.c.Clock.Now() + s.p.c.ReadPause
		}
		done(event.App{Call: event.Receive, Bytes: n})
	}
	switch {
	case errors.Is(err, io.EOF):
		s.eof = true
		s.record(event.EOF)
		if s.p.c.Role == RoleExchange && s.inSum.n < s.p.c.Bytes && !s.cut && !s.p.c.Unchecked {
			return false, ErrShort
		}
		return false, nil
	case err != nil || n == 0:
		return false, err
	}
	return true, nil
}

// answering reports whether what was read is not answered yet: then nothing more is read.
func (s *Session) answering() bool {
	return s.p.c.Role == RoleEcho && len(s.pending) > 0 || s.web != nil && !s.ready && (len(s.pending) > 0 || s.web.busy())
}

// check compares what has arrived with what the peer sends, and keeps it if it is to be sent back.
func (s *Session) check(b []byte) error {
	right := s.p.c.Peer == RoleProgram || s.in.Check(b, s.inSum.n) && s.inSum.n+int64(len(b)) <= s.expected()
	s.inSum.add(b)
	if !s.p.c.Unchecked && !right {
		return ErrContent
	}
	if s.web != nil {
		s.web.take(b)
		return nil
	}
	if s.p.c.Role == RoleEcho && !s.shut {
		s.pending = b
	}
	return nil
}

// expected is the most that can come.
func (s *Session) expected() int64 {
	if s.p.c.Peer == RoleEcho {
		return s.p.c.Bytes
	}
	return s.p.c.PeerBytes
}

// finish closes when the work is done.
func (s *Session) finish() error {
	if !s.ready {
		if !s.worked() {
			return nil
		}
		s.ready, s.readyAt = true, s.p.c.Clock.Now()
	}
	if !s.shut && !s.due(toEnd, s.readyAt+s.p.c.EndAfter) {
		return nil
	}
	return s.end()
}

// worked reports whether the session has done what its role and its ending ask for.
func (s *Session) worked() bool {
	sent := len(s.pending) == 0 && s.made >= s.p.c.Bytes
	switch s.p.c.Role {
	case RoleExchange:
		early := s.p.c.End == EndHalf || s.p.c.End == EndAbrupt
		return sent && (early || s.inSum.n >= s.p.c.Bytes)
	case RoleSource:
		return sent
	case RoleHTTP:
		return len(s.pending) == 0 && !s.web.busy() && (s.eof || s.web.last)
	}
	return s.eof && len(s.pending) == 0
}

// end closes in the way of the options.
func (s *Session) end() error {
	switch end := s.p.c.End; {
	case end == EndNever:
		return nil
	case end == EndReset:
		s.done = true
		s.record(event.Abort)
		return s.conn.Abort()
	case end == EndAbrupt || s.eof:
		s.done = true
		s.record(event.Close)
		return s.conn.Close()
	case s.shut:
		return nil
	}
	s.shut = true
	s.record(event.Shutdown)
	return s.conn.CloseWrite()
}

// Done reports whether the session has closed its connection, well or not.
func (s *Session) Done() bool { return s.done }

// Ready reports whether its work is done, though it may still wait for its peer to close, or for ever.
func (s *Session) Ready() bool { return s.ready || s.done }

// Lost reports whether its host has forgotten it (Peer.Forget).
func (s *Session) Lost() bool { return s.lost }

// Err returns why the session failed, nil if it did not.
func (s *Session) Err() error { return s.err }

// Tuple names the connection.
func (s *Session) Tuple() event.Tuple { return s.conn.Tuple() }

// Totals returns what the session has written and received.
func (s *Session) Totals() Totals {
	return Totals{Written: s.outSum.n, Received: s.inSum.n, WrittenHash: s.outSum.hash, ReceivedHash: s.inSum.hash, Match: s.err != ErrContent}
}

// sum is the length and the FNV-1a 64 of what it was given.
type sum struct {
	n    int64
	hash uint64
}

func newSum() sum { return sum{hash: 14695981039346656037} }

func (s *sum) add(b []byte) {
	h := s.hash
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	s.n, s.hash = s.n+int64(len(b)), h
}
