package ping

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// The simulated network is data: for each probe, by number, what comes back,
// when, and what the send call says. The clock moves only when the engine waits.

const ms = time.Millisecond

var (
	host    = netip.MustParseAddr("192.0.2.1")
	other   = netip.MustParseAddr("192.0.2.77")
	router  = netip.MustParseAddr("198.51.100.1")
	epoch   = time.Unix(1700000000, 0)
	testID  = uint16(0x1234)
	errDone = errors.New("the engine waits for ever")
)

// answer is one thing that comes back for a probe.
type answer struct {
	after time.Duration
	from  netip.Addr // host when not set
	// mangle changes the echo reply.
	mangle func(b []byte) []byte
	// err makes it an entry of the error queue instead.
	err *probe.Message
	// raw is an ICMP message in place of the echo reply; request is the probe.
	raw      func(request []byte) []byte
	badSum   bool
	noStamps bool
}

// script is what the network does: answers by number of the probe, errors of
// the send calls by number of the call, jumps of the wall clock by time.
type script struct {
	answers map[int][]answer
	sends   map[int][]sendResult
	steps   map[time.Duration]time.Duration
	echo    bool // answer every other probe after 10 ms
	cancel  time.Duration
	status  time.Duration
	drops   uint32
}

// sendResult is what one send call returns, and what it leaves on the queue.
type sendResult struct {
	err    error
	queued []probe.Message
}

type delivery struct {
	at time.Duration
	m  probe.Message
}

// simNet is Conn and Clock.
type simNet struct {
	t        *testing.T
	s        script
	now      time.Duration
	arrivals []delivery
	stamps   uint32
	sent     [][]byte
	at       []time.Duration // of each successful send
	calls    int
	woken    bool
	onWait   func()
}

func (n *simNet) Now() Instant {
	wall := epoch.Add(n.now)
	for at, by := range n.s.steps {
		if n.now >= at {
			wall = wall.Add(by)
		}
	}
	return Instant{Mono: n.now, Wall: wall}
}

func (n *simNet) add(after time.Duration, m probe.Message) {
	n.arrivals = append(n.arrivals, delivery{n.now + after, m})
	slices.SortStableFunc(n.arrivals, func(a, b delivery) int { return cmp.Compare(a.at, b.at) })
}

func (n *simNet) Send(message []byte) error {
	n.calls++
	n.now += 20 * time.Microsecond // the system call takes its time
	if results := n.s.sends[n.calls]; len(results) > 0 {
		for _, m := range results[0].queued {
			n.add(0, m)
		}
		if results[0].err != nil {
			return results[0].err
		}
	}
	request := slices.Clone(message)
	n.sent = append(n.sent, request)
	n.at = append(n.at, n.now)
	n.add(0, probe.Message{Kind: probe.TransmitStamp, StampID: n.stamps, Stamp: n.Now().Wall})
	n.stamps++
	answers := n.s.answers[len(n.sent)]
	if answers == nil && n.s.echo {
		answers = []answer{{after: 10 * ms}}
	}
	for _, a := range answers {
		n.answer(request, a)
	}
	return nil
}

func (n *simNet) answer(request []byte, a answer) {
	reply := slices.Clone(request)
	reply[0] = wire.ICMPv4EchoReply
	if request[0] == wire.ICMPv6EchoRequest {
		reply[0] = wire.ICMPv6EchoReply
	}
	if a.mangle != nil {
		reply = a.mangle(reply)
	}
	m := probe.Message{Kind: probe.Packet, Data: reply, From: host, TTL: 61, TOS: 0, BadChecksum: a.badSum, Drops: n.s.drops}
	if a.raw != nil {
		m.Data = a.raw(request)
	}
	if a.err != nil {
		m = *a.err
		m.Data, m.From = slices.Clone(request), host
		if a.mangle != nil {
			m.Data = a.mangle(m.Data)
		}
	}
	if a.from.IsValid() {
		m.From = a.from
	}
	if !a.noStamps {
		m.Stamp = epoch // filled in at arrival
	}
	n.add(a.after, m)
}

func (n *simNet) Receive() (*probe.Message, error) {
	if len(n.arrivals) == 0 || n.arrivals[0].at > n.now {
		return nil, nil
	}
	a := n.arrivals[0]
	n.arrivals = n.arrivals[1:]
	if a.m.Kind != probe.TransmitStamp && a.m.Stamp.Equal(epoch) {
		saved := n.now
		n.now = a.at
		a.m.Stamp = n.Now().Wall
		n.now = saved
	}
	return &a.m, nil
}

func (n *simNet) Wait(d time.Duration) error {
	until := time.Duration(-1)
	for _, t := range []time.Duration{n.s.cancel, n.s.status} {
		if t > n.now && (until < 0 || t < until) {
			until = t
		}
	}
	if d >= 0 && (until < 0 || n.now+d < until) {
		until = n.now + d
	}
	if len(n.arrivals) > 0 && (until < 0 || n.arrivals[0].at < until) {
		until = n.arrivals[0].at
	}
	if until < 0 {
		return errDone
	}
	n.now = max(n.now, until) + 5*time.Microsecond // waking up takes its time
	if n.onWait != nil {
		n.onWait()
	}
	return nil
}

func (n *simNet) Wake() { n.woken = true }

// testConfig is ping -c COUNT -i 0.2 HOST.
func testConfig(count int64) Config {
	cookie := uint64(0xc00c1e0000000000)
	return Config{
		Family: probe.IPv4, Mode: probe.Raw, ID: testID, Target: host, Count: count, Interval: 200 * ms,
		Wait: 10 * time.Second, Size: 56, Random: func() uint64 { cookie++; return cookie },
	}
}

// run plays a script and returns the events as lines, the figures and the net.
func run(t *testing.T, c Config, s script) ([]string, *Stats, *simNet) {
	t.Helper()
	n := &simNet{t: t, s: s}
	p := New(n, n, c)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n.onWait = func() {
		if s.cancel > 0 && n.now >= s.cancel {
			p.cancelled.Store(true) // what the context does, without its goroutine
		}
		if s.status > 0 && n.now >= s.status {
			n.s.status, s.status = 0, 0
			p.RequestStatus()
		}
	}
	var lines []string
	for ev, err := range p.Run(ctx) {
		if err != nil {
			lines = append(lines, "end: "+err.Error())
			break
		}
		lines = append(lines, eventLine(ev))
	}
	return lines, p.Stats(), n
}

// eventLine shows every field of an event that says something.
func eventLine(ev *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %d @%v", ev.Kind, ev.Seq, ev.At.Sub(epoch).Round(ms))
	show := func(ok bool, format string, args ...any) {
		if ok {
			fmt.Fprintf(&b, " "+format, args...)
		}
	}
	show(ev.From.IsValid(), "from %v", ev.From)
	show(ev.Bytes > 0, "%d bytes", ev.Bytes)
	show(ev.TTL > 0, "ttl %d", ev.TTL)
	show(ev.Source != 0, "rtt %v %v", ev.RTT.Round(100*time.Microsecond), ev.Source)
	show(ev.Truncated, "truncated")
	show(ev.Longer, "longer")
	show(ev.Late, "late")
	show(ev.Wrong > 0, "wrong at %d, want %#x", ev.Wrong, ev.Want)
	show(ev.Type != 0 || ev.Code != 0, "icmp %d/%d", ev.Type, ev.Code)
	show(ev.Info != 0, "info %d", ev.Info)
	show(ev.Reason != 0, "reason %v", ev.Reason)
	show(ev.Err != nil, "err %v", ev.Err)
	if ev.Stats != nil {
		show(true, "stats %d/%d", ev.Stats.Received, ev.Stats.Transmitted)
	}
	return b.String()
}

// icmpErr is an entry of the error queue.
func icmpErr(typ, code uint8, info uint32) *probe.Message {
	return &probe.Message{Kind: probe.ICMPError, Offender: router, Type: typ, Code: code, Info: info, Errno: unix.EHOSTUNREACH, TTL: -1}
}

// tooLong is what the kernel queues when it refuses a probe for its size.
func tooLong(mtu uint32) probe.Message {
	return probe.Message{Kind: probe.LocalError, Errno: unix.EMSGSIZE, Info: mtu, TTL: -1, From: host}
}
