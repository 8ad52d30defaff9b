package app_test

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// scripted is a connection that gives what a test puts in.
type scripted struct {
	established bool
	connectErr  error
	room        int // what one Write takes
	written     []byte
	incoming    [][]byte
	end         error // behind the last of incoming; nil: nothing more yet
	shut        bool
	closed      bool
	aborted     bool
}

func (s *scripted) Established() (bool, error) { return s.established, s.connectErr }

func (s *scripted) Write(p []byte) (int, error) {
	n := min(len(p), s.room)
	s.written = append(s.written, p[:n]...)
	s.room -= n
	return n, nil
}

func (s *scripted) Read(p []byte) (int, error) {
	if len(s.incoming) == 0 {
		return 0, s.end
	}
	n := copy(p, s.incoming[0])
	if s.incoming[0] = s.incoming[0][n:]; len(s.incoming[0]) == 0 {
		s.incoming = s.incoming[1:]
	}
	return n, nil
}

func (s *scripted) CloseWrite() error { s.shut = true; return nil }
func (*scripted) Tuple() event.Tuple  { return event.Tuple{} }

func (s *scripted) Close() error { s.closed = true; return nil }
func (s *scripted) Abort() error { s.aborted = true; return nil }

// log is a journal that keeps the calls.
type log struct{ calls []event.App }

func (l *log) journal() func(event.App) {
	return func(a event.App) { l.calls = append(l.calls, a) }
}

func pattern(n int) []byte {
	b := make([]byte, n)
	app.NewPattern(5).Fill(b, 0)
	return b
}

func TestClient(t *testing.T) {
	var l log
	conn := &scripted{room: 60}
	c := app.NewClient(conn, 100, 5, l.journal)
	c.Step()
	if len(l.calls) != 0 || c.Done() {
		t.Errorf("before the handshake: %v", l.calls)
	}
	conn.established = true
	c.Step()
	conn.room = 1000
	conn.incoming = [][]byte{pattern(100)[:30], pattern(100)[30:]}
	c.Step()
	if !conn.shut || conn.closed {
		t.Error("after the last byte the write end is closed and nothing else")
	}
	conn.end = io.EOF
	c.Step()
	c.Step()
	want := []event.App{{Call: event.Established}, {Call: event.Write, Bytes: 60}, {Call: event.Write, Bytes: 40}, {Call: event.Receive, Bytes: 30},
		{Call: event.Receive, Bytes: 70}, {Call: event.Shutdown}, {Call: event.EOF}, {Call: event.Close}}
	if d := cmp.Diff(want, l.calls); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(pattern(100), conn.written); d != "" {
		t.Error(d)
	}
	if w, r := c.Totals(); !c.Done() || c.Err() != nil || !conn.closed || w != 100 || r != 100 {
		t.Errorf("done %t, %v, %d, %d", c.Done(), c.Err(), w, r)
	}
}

func TestClientFails(t *testing.T) {
	refused := errors.New("refused")
	damaged := pattern(100)
	damaged[99] ^= 1
	for _, tt := range []struct {
		name string
		conn scripted
		want error
	}{
		{"refused", scripted{connectErr: refused}, refused},
		{"damaged", scripted{established: true, room: 100, incoming: [][]byte{damaged}}, app.ErrContent},
		{"too much", scripted{established: true, room: 100, incoming: [][]byte{pattern(100), pattern(1)}}, app.ErrContent},
		{"too little", scripted{established: true, room: 100, incoming: [][]byte{pattern(99)}, end: io.EOF}, app.ErrShort},
		{"broken", scripted{established: true, room: 100, incoming: [][]byte{pattern(99)}, end: refused}, refused},
	} {
		var l log
		c := app.NewClient(&tt.conn, 100, 5, l.journal)
		c.Step()
		if !c.Done() || !errors.Is(c.Err(), tt.want) || !tt.conn.closed {
			t.Errorf("%s: %t, %v", tt.name, c.Done(), c.Err())
		}
		if last := l.calls[len(l.calls)-1]; last.Call != event.Failed || last.Err != tt.want.Error() {
			t.Errorf("%s: last call %+v", tt.name, last)
		}
	}
}

func TestEcho(t *testing.T) {
	var l log
	var conn *scripted
	s := app.NewEcho(func() (app.Conn, error) {
		if conn == nil {
			return nil, nil
		}
		return conn, nil
	}, 5, l.journal)
	s.Step()
	conn = &scripted{room: 10, incoming: [][]byte{pattern(40)[:25], pattern(40)[25:]}}
	s.Step()
	if d := cmp.Diff(pattern(10), conn.written); d != "" {
		t.Error(d)
	}
	conn.room, conn.end = 1000, io.EOF
	s.Step()
	s.Step()
	want := []event.App{{Call: event.Accept}, {Call: event.Receive, Bytes: 25}, {Call: event.Write, Bytes: 10}, {Call: event.Write, Bytes: 15},
		{Call: event.Receive, Bytes: 15}, {Call: event.Write, Bytes: 15}, {Call: event.EOF}, {Call: event.Close}}
	if d := cmp.Diff(want, l.calls); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(pattern(40), conn.written); d != "" {
		t.Error(d)
	}
	if w, r, match := s.Totals(); !s.Done() || s.Err() != nil || w != 40 || r != 40 || !match {
		t.Errorf("%t %v %d %d %t", s.Done(), s.Err(), w, r, match)
	}
}

func TestEchoFails(t *testing.T) {
	reset := errors.New("reset")
	var l log
	damaged := pattern(10)
	damaged[0] ^= 1
	conn := &scripted{room: 100, incoming: [][]byte{damaged}, end: reset}
	s := app.NewEcho(func() (app.Conn, error) { return conn, nil }, 5, l.journal)
	s.Step()
	if _, _, match := s.Totals(); !s.Done() || !errors.Is(s.Err(), reset) || match || !conn.closed {
		t.Errorf("%t, %v, match %t", s.Done(), s.Err(), match)
	}
	s = app.NewEcho(func() (app.Conn, error) { return nil, reset }, 5, l.journal)
	s.Step()
	if !s.Done() || !errors.Is(s.Err(), reset) {
		t.Errorf("accept: %v", s.Err())
	}
}

// TestPattern: any part can be made alone, a shifted part is not taken for it, and seeds differ.
func TestPattern(t *testing.T) {
	whole := pattern(300)
	p := app.NewPattern(5)
	for at := range 200 {
		part := make([]byte, 50)
		p.Fill(part, int64(at))
		if d := cmp.Diff(whole[at:at+50], part); d != "" {
			t.Fatalf("at %d: %s", at, d)
		}
		for shift := 1; shift < 50; shift++ {
			if p.Check(part, int64(at+shift)) {
				t.Fatalf("the part at %d passes for that at %d", at, at+shift)
			}
		}
	}
	if app.NewPattern(6).Check(whole, 0) {
		t.Error("seed 6 has the octets of seed 5")
	}
}
