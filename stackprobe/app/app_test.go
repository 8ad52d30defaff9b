package app_test

import (
	"errors"
	"hash/fnv"
	"io"
	"testing"
	"time"

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

// bench is an application over scripted connections and a clock that a test moves.
type bench struct {
	now   time.Duration
	due   []time.Duration
	calls []event.App
	*app.Peer
}

func (b *bench) Now() time.Duration            { return b.now }
func (b *bench) At(at time.Duration, _ func()) { b.due = append(b.due, at) }

// newBench makes an application of host h whose words are text; the other end plays peer and sends peerBytes.
func newBench(t *testing.T, h event.Host, text string, peer app.Role, peerBytes int64) *bench {
	t.Helper()
	o, err := app.ParseOptions(text)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{}
	b.Peer = app.NewPeer(app.Config{Options: o, Role: o.Role, Bytes: o.Bytes, Peer: peer, PeerBytes: peerBytes, Host: h, Seed: 5, Clock: b,
		Journal: func(event.Tuple) func(event.App) { return func(a event.App) { b.calls = append(b.calls, a) } }})
	return b
}

// at moves the clock and steps.
func (b *bench) at(now time.Duration) {
	b.now = now
	b.Step()
}

// expect compares the calls so far and forgets them.
func (b *bench) expect(t *testing.T, want ...event.App) {
	t.Helper()
	if d := cmp.Diff(want, b.calls); d != "" {
		t.Error(d)
	}
	b.calls = nil
}

func write(n int) event.App       { return event.App{Call: event.Write, Bytes: n} }
func receive(n int) event.App     { return event.App{Call: event.Receive, Bytes: n} }
func call(c event.Call) event.App { return event.App{Call: c} }
func failed(err error) event.App  { return event.App{Call: event.Failed, Err: err.Error()} }

// sent returns the first n octets that h sends on the connection of the tests.
func sent(h event.Host, n int) []byte {
	conn := &scripted{established: true, room: n}
	c := app.Config{Role: app.RoleSource, Peer: app.RoleSink, Bytes: int64(n), Host: h, Seed: 5, Clock: &bench{},
		Journal: func(event.Tuple) func(event.App) { return func(event.App) {} }}
	p := app.NewPeer(c)
	p.Open(conn)
	p.Step()
	return conn.written
}

func TestExchange(t *testing.T) {
	conn := &scripted{room: 60}
	b := newBench(t, event.Client, "role exchange bytes 100", app.RoleEcho, 0)
	b.Open(conn)
	b.Step()
	b.expect(t)
	conn.established = true
	b.Step()
	b.expect(t, call(event.Established), write(60))
	conn.room = 1000
	data := sent(event.Client, 100)
	conn.incoming = [][]byte{data[:30], data[30:]}
	b.Step()
	b.expect(t, write(40), receive(30), receive(70), call(event.Shutdown))
	if !conn.shut || conn.closed {
		t.Error("after the last byte the write end is closed and nothing else")
	}
	conn.end = io.EOF
	b.Step()
	b.Step()
	b.expect(t, call(event.EOF), call(event.Close))
	if d := cmp.Diff(data, conn.written); d != "" {
		t.Error(d)
	}
	s := b.Sessions()[0]
	h := fnv.New64a()
	h.Write(data)
	want := app.Totals{Written: 100, Received: 100, WrittenHash: h.Sum64(), ReceivedHash: h.Sum64(), Match: true}
	if d := cmp.Diff(want, b.Totals()); d != "" || !s.Done() || s.Err() != nil || !conn.closed {
		t.Errorf("%s, done %t, %v", d, s.Done(), s.Err())
	}
}

func TestFailures(t *testing.T) {
	refused := errors.New("refused")
	damaged := sent(event.Client, 100)
	damaged[99] ^= 1
	right := func(n int) []byte { return sent(event.Client, 101)[:n] }
	for _, tt := range []struct {
		name string
		conn scripted
		want error
	}{
		{"refused", scripted{connectErr: refused}, refused},
		{"damaged", scripted{established: true, room: 100, incoming: [][]byte{damaged}}, app.ErrContent},
		{"too much", scripted{established: true, room: 100, incoming: [][]byte{right(101)}}, app.ErrContent},
		{"the server's", scripted{established: true, room: 100, incoming: [][]byte{sent(event.Server, 100)}}, app.ErrContent},
		{"too little", scripted{established: true, room: 100, incoming: [][]byte{right(99)}, end: io.EOF}, app.ErrShort},
		{"broken", scripted{established: true, room: 100, incoming: [][]byte{right(99)}, end: refused}, refused},
	} {
		b := newBench(t, event.Client, "role exchange bytes 100", app.RoleEcho, 0)
		b.Open(&tt.conn)
		b.Step()
		b.Step()
		s := b.Sessions()[0]
		if !s.Done() || !errors.Is(s.Err(), tt.want) || !tt.conn.closed || b.Totals().Match != (tt.want != app.ErrContent) {
			t.Errorf("%s: %t, %v", tt.name, s.Done(), s.Err())
		}
		if d := cmp.Diff(failed(tt.want), b.calls[len(b.calls)-1]); d != "" {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

func TestEcho(t *testing.T) {
	var waiting []app.Conn
	b := newBench(t, event.Server, "role echo", app.RoleExchange, 40)
	b.Serve(func() (c app.Conn, err error) {
		if len(waiting) > 0 {
			c, waiting = waiting[0], waiting[1:]
		}
		return c, nil
	})
	b.Step()
	b.expect(t)
	data := sent(event.Client, 40)
	conn := &scripted{room: 10, incoming: [][]byte{data[:25], data[25:]}}
	waiting = []app.Conn{conn, &scripted{}}
	b.Step()
	b.expect(t, call(event.Accept), call(event.Accept), receive(25), write(10))
	conn.room, conn.end = 1000, io.EOF
	b.Step()
	b.Step()
	b.expect(t, write(15), receive(15), write(15), call(event.EOF), call(event.Close))
	if d := cmp.Diff(data, conn.written); d != "" {
		t.Error(d)
	}
	if one, other := b.Sessions()[0], b.Sessions()[1]; !one.Done() || one.Err() != nil || other.Done() {
		t.Errorf("%v %v", one, other)
	}
}

func TestAcceptFails(t *testing.T) {
	reset := errors.New("reset")
	b := newBench(t, event.Server, "role echo", app.RoleExchange, 0)
	b.Serve(func() (app.Conn, error) { return nil, reset })
	b.Step()
	b.Step()
	b.expect(t, failed(reset))
	if b.Err() != reset {
		t.Error(b.Err())
	}
}

// TestPauses: writes have their size and their pauses, and the clock is asked for each moment once.
func TestPauses(t *testing.T) {
	conn := &scripted{established: true, room: 1500}
	b := newBench(t, event.Client, "role source bytes 2500 write 1000 pause 10ms start 5ms", app.RoleSink, 0)
	b.Open(conn)
	b.at(time.Millisecond)
	b.Step()
	b.expect(t, call(event.Established))
	b.at(6 * time.Millisecond)
	b.expect(t, write(1000))
	b.at(16 * time.Millisecond)
	b.expect(t, write(500)) // the buffer is full in mid-write: no pause
	conn.room = 5000
	b.at(17 * time.Millisecond)
	b.expect(t, write(500))
	b.at(27 * time.Millisecond)
	b.expect(t, write(500), call(event.Shutdown))
	if d := cmp.Diff([]time.Duration{6 * time.Millisecond, 16 * time.Millisecond, 27 * time.Millisecond}, b.due); d != "" {
		t.Error(d)
	}
}

// TestSlowReader: reads have their size, their pauses and their beginning.
func TestSlowReader(t *testing.T) {
	conn := &scripted{established: true, incoming: [][]byte{sent(event.Client, 1200)}, end: io.EOF}
	b := newBench(t, event.Server, "role sink read 500 every 50ms read-start 1s", app.RoleSource, 1200)
	b.Open(conn)
	b.Step()
	b.expect(t, call(event.Established))
	b.at(time.Second)
	b.expect(t, receive(500))
	b.at(1050 * time.Millisecond)
	b.expect(t, receive(500))
	b.at(1100 * time.Millisecond)
	b.expect(t, receive(200))
	b.at(1150 * time.Millisecond)
	b.expect(t, call(event.EOF), call(event.Close))
}

// TestEndings: what each ending does when its work is done, and when.
func TestEndings(t *testing.T) {
	data := sent(event.Client, 10)
	for _, tt := range []struct {
		words string
		want  []event.App // after what was written
		conn  scripted    // what became of the connection
	}{
		{"role exchange", []event.App{}, scripted{}},
		{"role exchange close half", []event.App{call(event.Shutdown)}, scripted{shut: true}},
		{"role exchange close abrupt", []event.App{call(event.Close)}, scripted{closed: true}},
		{"role exchange close reset", []event.App{}, scripted{}},
		{"role source", []event.App{call(event.Shutdown)}, scripted{shut: true}},
		{"role source close reset", []event.App{call(event.Abort)}, scripted{aborted: true}},
		{"role source close never", []event.App{}, scripted{}},
		{"role source close fin after 1s", []event.App{}, scripted{}},
		{"role exchange close reset at 1ms", []event.App{}, scripted{}},
	} {
		peer := app.RoleEcho
		conn := &scripted{established: true, room: 100}
		b := newBench(t, event.Client, tt.words+" bytes 10", peer, 0)
		b.Open(conn)
		b.Step()
		b.expect(t, append([]event.App{call(event.Established), write(10)}, tt.want...)...)
		got := scripted{shut: conn.shut, closed: conn.closed, aborted: conn.aborted}
		if d := cmp.Diff(tt.conn, got, cmp.AllowUnexported(scripted{})); d != "" {
			t.Errorf("%s: %s", tt.words, d)
		}
	}
	later := func(words string, now time.Duration, incoming []byte, want ...event.App) {
		t.Helper()
		conn := &scripted{established: true, room: 100}
		b := newBench(t, event.Client, words+" bytes 10", app.RoleEcho, 0)
		b.Open(conn)
		b.Step()
		b.calls = nil
		conn.incoming = append(conn.incoming, incoming)
		b.at(now)
		b.expect(t, want...)
	}
	later("role exchange close reset", 1, data, receive(10), call(event.Abort))
	later("role exchange close fin after 1s", 1, data, receive(10))
	later("role source close fin after 1s", time.Second, data, receive(10), call(event.Shutdown))
	later("role exchange close reset at 1ms", time.Millisecond, data[:5], call(event.Abort))
	later("role exchange close fin at 1ms", time.Millisecond, data[:5], call(event.Shutdown))
	later("role source close never", time.Hour, data, receive(10))
}

func pattern(n int) []byte {
	b := make([]byte, n)
	app.NewPattern(5).Fill(b, 0)
	return b
}

// TestPattern_repeating: the octets begin again after the period, wherever a part begins.
func TestPattern_repeating(t *testing.T) {
	for _, n := range []int{1, 7, 8, 13} {
		one, whole := make([]byte, n), make([]byte, 5*n+3)
		app.NewPattern(5).Fill(one, 0)
		p := app.NewPattern(5).Repeating(n)
		p.Fill(whole, 0)
		for i, c := range whole {
			if c != one[i%n] {
				t.Fatalf("period %d: octet %d is %d, want %d", n, i, c, one[i%n])
			}
			if !p.Check(whole[i:], int64(i)) || p.Check([]byte{^c}, int64(i)) {
				t.Fatalf("period %d: wrong from %d on", n, i)
			}
		}
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
