package engine

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

var (
	clientAddr = netip.MustParseAddr("192.0.2.1")
	server     = netip.MustParseAddrPort("192.0.2.2:7")
)

// pair is two stacks on a link.
type pair struct {
	loop           *vclock.Loop
	link           *link.Link
	client, server *Stack
	sent           []event.Event // tx of both ends
}

func newPair(t *testing.T, faults ...string) *pair {
	t.Helper()
	p := &pair{loop: vclock.NewVirtual()}
	var rules []link.Rule
	for _, f := range faults {
		r, err := link.ParseRule(f)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	path := link.Path{Delay: 10 * time.Millisecond}
	p.link = link.New(link.Config{Clock: p.loop, Client: path, Server: path, Rules: rules, Sink: func(e *event.Event) {
		if e.Kind == event.KindTx {
			p.sent = append(p.sent, *e)
		}
	}})
	p.client, p.server = p.stack(t, event.Client, clientAddr), p.stack(t, event.Server, server.Addr())
	return p
}

func (p *pair) stack(t *testing.T, h event.Host, addr netip.Addr) *Stack {
	s, err := New(Config{Clock: p.loop, Addr: addr, MTU: 1500, Seed: int64(h), Send: func(at time.Duration, b []byte, sent link.Sent) { p.link.Send(h, at, b, sent) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p.link.Attach(h, s)
	return s
}

// run steps until nothing is due before limit; each is called after every event.
func (p *pair) run(limit time.Duration, each func()) {
	for p.loop.Step(context.Background(), limit) == vclock.Ran {
		p.client.Settle()
		p.server.Settle()
		if each != nil {
			each()
		}
	}
}

// connect opens a connection and returns both ends of it.
func (p *pair) connect(t *testing.T) (client, peer app.Conn) {
	t.Helper()
	accept, err := p.server.Listen(server.Port())
	if err != nil {
		t.Fatal(err)
	}
	if client, err = p.client.Connect(40000, server); err != nil {
		t.Fatal(err)
	}
	p.run(time.Second, nil)
	if peer, err = accept(); err != nil || peer == nil {
		t.Fatalf("accept: %v, %v", peer, err)
	}
	if ok, err := client.Established(); !ok || err != nil {
		t.Fatalf("established: %t, %v", ok, err)
	}
	return client, peer
}

// sample returns what the stack's only connection shows.
func sample(s *Stack) (state event.State, vars event.Vars) {
	s.Sample(func(_ event.Tuple, st event.State, v event.Vars) { state, vars = st, v })
	return state, vars
}

// TestSnapshotIsTheStacksOwn compares what is read from the stack with the stack's public TCP_INFO, after a
// transfer with a loss, so that every value has moved.
func TestSnapshotIsTheStacksOwn(t *testing.T) {
	p := newPair(t, "client> drop data 3")
	c, peer := p.connect(t)
	if _, err := c.Write(make([]byte, 20_000)); err != nil {
		t.Fatal(err)
	}
	p.run(2*time.Second, func() { peer.Read(make([]byte, 1<<16)) })
	var info tcpip.TCPInfoOption
	if err := c.(conn).ep.GetSockOpt(&info); err != nil {
		t.Fatal(err)
	}
	state, v := sample(p.client)
	type facts struct {
		State          event.State
		Cwnd, Ssthresh uint32
		RTO, SRTT, Var time.Duration
	}
	want := facts{stateOf(tcp.EndpointState(info.State), false), info.SndCwnd, info.SndSsthresh, info.RTO, info.RTT, info.RTTVar}
	got := facts{state, v.Cwnd, v.Ssthresh, time.Duration(v.RTO), time.Duration(v.SRTT), time.Duration(v.RTTVar)}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got.State != event.StateEstablished || got.Ssthresh == event.InfiniteSsthresh || got.SRTT != 20*time.Millisecond || v.Una != v.Nxt {
		t.Errorf("the transfer moved too little for this test: %+v %+v", got, v)
	}
}

// TestRefused: nobody listens; the client's connect fails as a kernel's would, and its state says by what.
func TestRefused(t *testing.T) {
	p := newPair(t)
	c, err := p.client.Connect(40000, server)
	if err != nil {
		t.Fatal(err)
	}
	p.run(time.Second, nil)
	if ok, err := c.Established(); ok || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%t, %v", ok, err)
	}
	if state, _ := sample(p.client); state != event.ClosedReset {
		t.Errorf("state %v", state)
	}
	last := p.sent[len(p.sent)-1]
	if !last.Seg.Flags.Has(event.RST) {
		t.Errorf("last segment %+v", last.Seg)
	}
}

// TestAbortIsSeenByThePeer: a RST makes CLOSED (reset) at both ends, and the peer's calls say so.
func TestAbortIsSeenByThePeer(t *testing.T) {
	p := newPair(t)
	c, peer := p.connect(t)
	if err := c.Abort(); err != nil {
		t.Error(err)
	}
	p.run(2*time.Second, nil)
	if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read: %v", err)
	}
	if _, err := peer.Write([]byte("x")); err == nil {
		t.Error("write succeeds")
	}
	for h, s := range map[string]*Stack{"client": p.client, "server": p.server} {
		if state, v := sample(s); state != event.ClosedReset || v.Has != 0 {
			t.Errorf("%s: %v, %+v", h, state, v)
		}
	}
}

// TestNothingIsSentAfterClose: closing the stack aborts its connections, which must not reach a link that is gone.
func TestNothingIsSentAfterClose(t *testing.T) {
	p := newPair(t)
	p.connect(t)
	n := len(p.sent)
	p.client.Close()
	p.client.Deliver([]byte{0x45})
	if len(p.sent) != n {
		t.Errorf("%d segments after close", len(p.sent)-n)
	}
}

// TestErrorsAreTheKernels: the errors that a connection can meet have the kernel's numbers, others netstack's words.
func TestErrorsAreTheKernels(t *testing.T) {
	for _, tt := range []struct {
		from tcpip.Error
		want error
	}{
		{&tcpip.ErrConnectionRefused{}, syscall.ECONNREFUSED}, {&tcpip.ErrConnectionReset{}, syscall.ECONNRESET},
		{&tcpip.ErrConnectionAborted{}, syscall.ECONNABORTED}, {&tcpip.ErrAborted{}, syscall.ECONNABORTED},
		{&tcpip.ErrTimeout{}, syscall.ETIMEDOUT}, {&tcpip.ErrHostUnreachable{}, syscall.EHOSTUNREACH},
		{&tcpip.ErrNetworkUnreachable{}, syscall.ENETUNREACH}, {&tcpip.ErrClosedForSend{}, syscall.EPIPE},
		{&tcpip.ErrNotConnected{}, syscall.ENOTCONN}, {&tcpip.ErrPortInUse{}, Error("port is in use")},
	} {
		if got := sysError(tt.from); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.from, got, tt.want)
		}
	}
}

func TestPortInUse(t *testing.T) {
	p := newPair(t)
	if _, err := p.server.Listen(7); err != nil {
		t.Fatal(err)
	}
	if _, err := p.server.Listen(7); !errors.Is(err, Error("port is in use")) {
		t.Errorf("second listen: %v", err)
	}
}
