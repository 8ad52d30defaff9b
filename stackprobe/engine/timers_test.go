package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// has returns the lines of a timer log that hold one of the words.
func has(log []string, words ...string) (found []string) {
	for _, l := range log {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(l, w) }) {
			found = append(found, l)
		}
	}
	return found
}

// TestHandshakeTimers: SYN and SYN-ACK are repeated by timers of their own, which stop when the connection stands.
func TestHandshakeTimers(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.lose = numbered(event.Server, 1)
	clientLog, serverLog := c.timerLog(event.Client), c.timerLog(event.Server)
	c.listen(t)
	c.dial(t, 40000)
	c.run(1500 * time.Millisecond)
	if d := cmp.Diff([]string{"10ms syn armed for 1s", "1s syn fired for 1s", "1s syn armed for 3s", "1.02s syn stopped for 3s"}, *clientLog); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"10ms synack armed for 1.01s", "1.01s synack fired for 1.01s", "1.01s synack armed for 3.01s", "1.03s synack stopped for 3.01s"}, *serverLog); d != "" {
		t.Error(d)
	}
}

// TestRetransmissionTimer: netstack lets the clock's timer run on when it stops or moves its own. What is told is its
// own: moved by each acknowledgement, stopped by the last, fired only when it repeats something.
func TestRetransmissionTimer(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t) // the clock stands at 30 ms
	log := c.timerLog(event.Client)
	write(t, client, 2*1420)
	c.run(time.Second)
	want := []string{"40ms rto armed for 230ms", "50ms rto armed for 250ms", "50ms rto stopped for 250ms"}
	if d := cmp.Diff(want, *log); d != "" {
		t.Error(d)
	}
	*log = nil
	c.lose = numbered(event.Client, 3, 4)
	write(t, client, 1)
	start := c.loop.Now().Round(time.Millisecond)
	c.run(2 * time.Second)
	rto := func(d time.Duration) string { return (start + d).String() }
	want = []string{rto(200*time.Millisecond) + " rto fired for " + rto(200*time.Millisecond), rto(600*time.Millisecond) + " rto fired for " + rto(600*time.Millisecond)}
	if d := cmp.Diff(want, has(*log, "fired")); d != "" {
		t.Error(d)
	}
	var repeated []string
	for _, s := range c.data(event.Client)[3:] {
		repeated = append(repeated, s.at.Round(time.Millisecond).String())
		if !s.has(event.InTimer | event.Expired) {
			t.Errorf("at %v: %v", s.at, s.sent.Evidence)
		}
	}
	if d := cmp.Diff([]string{rto(200 * time.Millisecond), rto(600 * time.Millisecond)}, repeated); d != "" {
		t.Error(d)
	}
}

// TestFiredIsCounted: over many losses the expiries that are told are those that netstack counts.
func TestFiredIsCounted(t *testing.T) {
	for _, socket := range recoveries {
		c := newCable(t, false, socket, app.Socket{})
		client, server := c.connect(t)
		log := c.timerLog(event.Client)
		look := c.each
		c.each = func() { drain(t, server); c.settle(); look() }
		c.lose = func(from event.Host, n int, _ *sentPacket) bool {
			return from == event.Client && (n%17 == 0 || n > 40 && n < 44)
		}
		write(t, client, 200_000)
		c.run(10 * time.Minute)
		want := c.ends[event.Client].stack.Stats().TCP.Timeouts.Value()
		if got := len(has(*log, "rto fired", "persist fired")); uint64(got) != want || want == 0 && socket.RACK != app.On {
			t.Errorf("%+v: %d expiries told, netstack counts %d", socket, got, want)
		}
		if n := len(has(*log, "tlp fired")); (n > 0) != (socket.RACK == app.On) {
			t.Errorf("%+v: %d tail loss probes", socket, n)
		}
		if _, v := c.sample(event.Client); v.Una != v.Nxt || v.SndBuf != 0 {
			t.Errorf("%+v: not all delivered: %+v", socket, v)
		}
	}
}

// TestPersistTimer: a closed window is probed by the persist timer, which netstack's own counter calls a timeout.
func TestPersistTimer(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{RcvBuf: 2000})
	client, server := c.connect(t)
	log := c.timerLog(event.Client)
	write(t, client, 3000)
	c.run(2 * time.Second)
	probes := 0
	for _, s := range c.data(event.Client) {
		if s.has(event.InTimer | event.Probing | event.SentWindowProbe) {
			probes++
			if len(s.tcp.Payload()) != 1 || s.sent.Vars.Wnd != 0 {
				t.Errorf("a probe of %d octets into a window of %d", len(s.tcp.Payload()), s.sent.Vars.Wnd)
			}
		}
	}
	if fired := len(has(*log, "persist fired")); fired != probes || probes < 2 {
		t.Errorf("%d probes, %d expiries: %q", probes, fired, *log)
	}
	if n := len(has(*log, "rto fired")); n != 0 {
		t.Errorf("%d timeouts", n)
	}
	drain(t, server)
	c.run(time.Minute)
	if n := drain(t, server); n != 1000 {
		t.Errorf("%d octets behind the closed window", n)
	}
}

// TestTailLossProbeAndReordering: with RACK the tail is probed and a segment that may only be late is waited for, each by
// its own timer; what is repeated then has its reason.
func TestTailLossProbeAndReordering(t *testing.T) {
	c := newCable(t, false, app.Socket{RACK: app.On}, app.Socket{})
	client, server := c.connect(t)
	log := c.timerLog(event.Client)
	look := c.each
	c.each = func() { drain(t, server); c.settle(); look() }
	write(t, client, 1420)
	c.run(time.Second)
	c.n = [3]int{}
	c.lose = numbered(event.Client, 3)
	write(t, client, 3*1420)
	c.run(10 * time.Second)
	probed := 0
	for _, s := range c.data(event.Client) {
		if s.has(event.InTimer | event.TailLoss | event.ProbedTail) {
			probed++
		}
	}
	if fired := len(has(*log, "tlp fired")); probed != 1 || fired != 1 {
		t.Errorf("%d probes, %d expiries: %q", probed, fired, *log)
	}
	c.sent, c.n, *log = nil, [3]int{}, nil
	c.lose = numbered(event.Client, 1)
	write(t, client, 2*1420)
	c.run(10 * time.Second)
	if n := len(has(*log, "reorder fired")); n != 1 {
		t.Errorf("%d: %q", n, *log)
	}
	if repeated := c.data(event.Client)[2]; !repeated.has(event.InTimer | event.Recovering) {
		t.Errorf("repeated with %v", repeated.sent.Evidence)
	}
}

// TestKeepaliveTimer: armed by idleness, pushed on by data, and its probe says what it is.
func TestKeepaliveTimer(t *testing.T) {
	c := newCable(t, false, app.Socket{Keepalive: 2 * time.Second, KeepaliveEvery: time.Second, KeepaliveCount: 3}, app.Socket{})
	client, _ := c.connect(t)
	client.Established()
	log := c.timerLog(event.Client)
	start := c.loop.Now().Round(time.Millisecond)
	c.run(2500 * time.Millisecond)
	at := (start + 2*time.Second).String()
	want := []string{at + " keepalive fired for " + at}
	if d := cmp.Diff(want, has(*log, "fired")); d != "" {
		t.Error(d)
	}
	if n := len(has(*log, "keepalive armed")); n < 2 {
		t.Errorf("%q", *log)
	}
	if s := c.sent[0]; !s.has(event.InTimer|event.SentKeepalive) || s.sent.Vars.Probes != 1 || len(s.tcp.Payload()) != 0 {
		t.Errorf("%+v", s.sent)
	}
}

// TestFinWait2Timer: a closed connection does not wait for its peer for ever.
func TestFinWait2Timer(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	client, _ := c.connect(t)
	log := c.timerLog(event.Client)
	client.Close()
	c.run(2 * time.Minute)
	want := []string{"50ms fin-wait-2 armed for 1m0.05s", "1m0.05s fin-wait-2 fired for 1m0.05s"}
	if d := cmp.Diff(want, has(*log, "fin-wait-2")); d != "" {
		t.Error(d)
	}
	if state, _ := c.sample(event.Client); state != event.Closed {
		t.Error(state)
	}
}

// TestTimersSeenLate: what was armed before the first call is told by it.
func TestTimersSeenLate(t *testing.T) {
	c := newCable(t, false, app.Socket{}, app.Socket{})
	c.dial(t, 40000)
	c.sample(event.Client)
	log := c.timerLog(event.Client)
	if d := cmp.Diff([]string{"0s syn armed for 1s"}, *log); d != "" {
		t.Error(d)
	}
}
