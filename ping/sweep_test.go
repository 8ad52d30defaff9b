package ping

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

var (
	sweepA = netip.MustParseAddr("10.0.0.1")
	sweepB = netip.MustParseAddr("10.0.0.2")
	sweep6 = netip.MustParseAddr("2001:db8::1")
)

// answers is a host that answers after a time.
func answers(after time.Duration) sweepHost { return sweepHost{{after: after}} }

// allFigures are those of each target and of none.
func allFigures(s *Sweep) []figures {
	var list []figures
	for i := range s.Targets {
		list = append(list, figuresOf(s.Stats(i)))
	}
	return append(list, figuresOf(s.Common()))
}

func TestSweep(t *testing.T) {
	cookieOf := func(b []byte) []byte { return b[wire.ICMPHeader+cookieOffset:][:8] }
	one := figures{Transmitted: 1, Received: 1}
	silent := figures{Transmitted: 1}
	for _, tt := range []struct {
		name   string
		config func(c *SweepConfig)
		net    sweepNet
		want   []string
		stats  []figures
	}{
		{"two rounds", func(c *SweepConfig) { c.Count = 2 },
			sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(10 * ms), sweepB: answers(20 * ms)}}, []string{
				"reply 1 @10ms from 10.0.0.1 64 bytes ttl 61 rtt 10ms kernel of a",
				"reply 1 @20ms from 10.0.0.2 64 bytes ttl 61 rtt 20ms kernel of b",
				"reply 2 @1.01s from 10.0.0.1 64 bytes ttl 61 rtt 10ms kernel of a",
				"reply 2 @1.02s from 10.0.0.2 64 bytes ttl 61 rtt 20ms kernel of b",
			}, []figures{{Transmitted: 2, Received: 2}, {Transmitted: 2, Received: 2}, {}}},
		{"both families, and one target is silent", func(c *SweepConfig) { c.Targets = []netip.Addr{sweepA, sweep6} },
			sweepNet{targets: map[netip.Addr]sweepHost{sweep6: answers(10 * ms)}}, []string{
				"reply 1 @10ms from 2001:db8::1 64 bytes ttl 61 rtt 10ms kernel of b",
			}, []figures{silent, one, {}}},
		{"an answer from another address, and one of a target to the other's probe", nil,
			sweepNet{targets: map[netip.Addr]sweepHost{sweepA: {{after: ms, from: other}, {after: 2 * ms, from: sweepB}}, sweepB: answers(5 * ms)}}, []string{
				"foreign 1 @1ms from 192.0.2.77 64 bytes ttl 61 rtt 1ms kernel reason other_source of a",
				"foreign 1 @2ms from 10.0.0.2 64 bytes ttl 61 rtt 2ms kernel reason other_source of a",
				"reply 1 @5ms from 10.0.0.2 64 bytes ttl 61 rtt 5ms kernel of b",
			}, []figures{{Transmitted: 1, Foreign: 2}, one, {}}},
		{"a target that makes answers up", nil, sweepNet{targets: map[netip.Addr]sweepHost{sweepB: {
			{after: ms, mangle: func(b []byte) []byte { cookieOf(b)[0] ^= 1; return b }},                                   // another secret
			{after: 2 * ms, mangle: func(b []byte) []byte { cookieOf(b)[7] ^= 1; return b }},                               // another target's number
			{after: 3 * ms, mangle: func(b []byte) []byte { cookieOf(b)[5] = 0xff; return b }},                             // no target's number
			{after: 4 * ms, mangle: func(b []byte) []byte { binary.BigEndian.PutUint16(b[6:], 7); return b }},              // no such probe
			{after: 5 * ms, from: other, mangle: func(b []byte) []byte { binary.BigEndian.PutUint16(b[6:], 7); return b }}, // neither
			{after: 6 * ms, mangle: func(b []byte) []byte { binary.BigEndian.PutUint16(b[4:], 7); return b }},              // another program's
			{after: 7 * ms, from: other, mangle: func(b []byte) []byte { cookieOf(b)[0] ^= 1; return b }},                  // a target's number, another secret and host
		}}}, []string{
			"foreign 1 @1ms from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel reason other_data of b",
			"foreign 1 @2ms from 10.0.0.2 64 bytes ttl 61 rtt 2ms kernel reason other_data of b",
			"foreign 1 @3ms from 10.0.0.2 64 bytes ttl 61 rtt 3ms kernel reason other_data of b",
			"foreign 7 @4ms from 10.0.0.2 64 bytes ttl 61 reason not_asked of b",
			"foreign 7 @5ms from 192.0.2.77 64 bytes ttl 61 reason not_asked of none",
			"foreign 1 @7ms from 192.0.2.77 64 bytes ttl 61 reason not_asked of none",
		}, []figures{silent, {Transmitted: 1, Foreign: 4}, {Foreign: 2}}},
		{"late, twice, corrupted, short, altered", func(c *SweepConfig) { c.Wait, c.Count = 500*ms, 2 }, sweepNet{targets: map[netip.Addr]sweepHost{
			sweepA: {{after: 700 * ms, only: 1}, {after: ms, only: 2}, {after: 2 * ms, only: 2}},
			sweepB: {{after: ms, badSum: true}, {after: 2 * ms, only: 1, mangle: func(b []byte) []byte { return b[:40] }},
				{after: 2 * ms, only: 2, mangle: func(b []byte) []byte { b[60] ^= 1; return b }}}}}, []string{
			"corrupted 1 @1ms from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
			"reply 1 @2ms from 10.0.0.2 40 bytes ttl 61 rtt 2ms kernel truncated of b",
			"reply 1 @700ms from 10.0.0.1 64 bytes ttl 61 rtt 700ms kernel late of a",
			"reply 2 @1.001s from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
			"corrupted 2 @1.001s from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
			"duplicate 2 @1.002s from 10.0.0.1 64 bytes ttl 61 rtt 2ms kernel of a",
			"reply 2 @1.002s from 10.0.0.2 64 bytes ttl 61 rtt 2ms kernel wrong at 52, want 0x34 of b",
		}, []figures{{Transmitted: 2, Received: 2, Late: 1, Duplicates: 1}, {Transmitted: 2, Received: 2, Corrupted: 2, Truncated: 1, Altered: 1}, {}}},
		{"errors of routers end the wait", nil, sweepNet{targets: map[netip.Addr]sweepHost{
			sweepA: {{after: ms, err: icmpErr(3, 1, 0)}}, sweepB: {{after: 2 * ms, err: icmpErr(11, 0, 0)}, {after: 2 * ms, err: icmpErr(11, 0, 0)}}}}, []string{
			"icmp_error 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/1 of a",
			"icmp_error 1 @2ms from 198.51.100.1 64 bytes rtt 2ms kernel icmp 11/0 of b",
			"icmp_error 1 @2ms from 198.51.100.1 64 bytes rtt 2ms kernel icmp 11/0 of b",
		}, []figures{{Transmitted: 1, Errors: 1, Explained: 1}, {Transmitted: 1, Errors: 2, Explained: 1}, {}}},
		{"a forged error ends no wait", nil, sweepNet{targets: map[netip.Addr]sweepHost{
			sweepA: {{after: ms, err: icmpErr(3, 1, 0), mangle: func(b []byte) []byte { cookieOf(b)[0] ^= 1; return b }}, {after: 3 * ms}}, sweepB: answers(2 * ms)}}, []string{
			"foreign 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/1 reason other_data of a",
			"reply 1 @2ms from 10.0.0.2 64 bytes ttl 61 rtt 2ms kernel of b",
			"reply 1 @3ms from 10.0.0.1 64 bytes ttl 61 rtt 3ms kernel of a",
		}, []figures{{Transmitted: 1, Received: 1, Foreign: 1}, one, {}}},
		{"a firewall refuses one", nil, sweepNet{refused: map[netip.Addr][]sendResult{sweepB: {{unix.EPERM, nil}}},
			targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}, []string{
			"not_sent 1 @0s err operation not permitted of b",
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
		}, []figures{one, {NotSent: 1}, {}}},
		{"one is too long, and the kernel says so at each attempt", nil, sweepNet{refused: map[netip.Addr][]sendResult{
			sweepB: {{unix.EMSGSIZE, []probe.Message{tooLong(1500), tooLong(1500)}}}}, targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}, []string{
			"too_long 1 @0s info 1500 err message too long of b",
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
		}, []figures{one, {NotSent: 1}, {}}},
		{"an error of an earlier probe fails a call: the probe goes out all the same", func(c *SweepConfig) { c.Count = 2 }, sweepNet{
			refused: map[netip.Addr][]sendResult{sweepB: {{}, {unix.EHOSTUNREACH, nil}}},
			targets: map[netip.Addr]sweepHost{sweepA: answers(ms), sweepB: answers(ms)}}, []string{
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a", "reply 1 @1ms from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
			"reply 2 @1.001s from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a", "reply 2 @1.001s from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
		}, []figures{{Transmitted: 2, Received: 2}, {Transmitted: 2, Received: 2}, {}}},
		{"and another one whose report was read before", func(c *SweepConfig) { c.Count = 2 }, sweepNet{
			refused: map[netip.Addr][]sendResult{sweepB: {{}, {unix.EHOSTUNREACH, []probe.Message{{Kind: probe.ICMPError, From: sweepB, Offender: router, Type: 3, Code: 1, TTL: -1}}}, {unix.EHOSTUNREACH, nil}}},
			targets: map[netip.Addr]sweepHost{sweepA: answers(ms), sweepB: answers(ms)}}, []string{
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a", "reply 1 @1ms from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
			"reply 2 @1.001s from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a", "reply 2 @1.001s from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
		}, []figures{{Transmitted: 2, Received: 2}, {Transmitted: 2, Received: 2}, {}}},
		{"a full queue puts the rest off", nil, sweepNet{refused: map[netip.Addr][]sendResult{sweepB: {{unix.ENOBUFS, nil}, {unix.EAGAIN, nil}}},
			targets: map[netip.Addr]sweepHost{sweepA: answers(ms), sweepB: answers(ms)}}, []string{
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
			"reply 1 @4ms from 10.0.0.2 64 bytes ttl 61 rtt 1ms kernel of b",
		}, []figures{one, one, {BackOffs: 2}}},
		{"a queue that stays full", func(c *SweepConfig) { c.Wait = ms / 2; c.Targets = c.Targets[1:] },
			sweepNet{refused: map[netip.Addr][]sendResult{sweepB: {{unix.ENOBUFS, nil}, {unix.ENOBUFS, nil}}}}, []string{
				"not_sent 1 @1ms err no buffer space available of a",
			}, []figures{{NotSent: 1}, {BackOffs: 2}}},
		{"no answer yet", func(c *SweepConfig) { c.ReportUnanswered, c.Count = true, 2 },
			sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}, []string{
				"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
				"unanswered 1 @1s of b",
				"reply 2 @1.001s from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
			}, []figures{{Transmitted: 2, Received: 2}, {Transmitted: 2}, {}}},
		{"many hosts answer for one target", func(c *SweepConfig) { c.AnySource = []int{1} }, sweepNet{targets: map[netip.Addr]sweepHost{
			sweepB: {{after: ms, from: sweepA}, {after: 2 * ms, from: other}}}}, []string{
			"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of b",
			"duplicate 1 @2ms from 192.0.2.77 64 bytes ttl 61 rtt 2ms kernel of b",
		}, []figures{silent, {Transmitted: 1, Received: 1, Duplicates: 1}, {}}},
		{"without room for a cookie the address decides", func(c *SweepConfig) { c.Size, c.AnySource = 8, []int{1} }, sweepNet{targets: map[netip.Addr]sweepHost{
			sweepA: {{after: ms}}, sweepB: {{after: 2 * ms, from: other}}}}, []string{
			"reply 1 @1ms from 10.0.0.1 16 bytes ttl 61 rtt 1ms kernel of a",
			"reply 1 @2ms from 192.0.2.77 16 bytes ttl 61 rtt 2ms kernel of b",
		}, []figures{one, one, {}}},
		{"a deadline ends what has no end", func(c *SweepConfig) { c.Count, c.Deadline = 0, 1500*ms },
			sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}, []string{
				"reply 1 @1ms from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
				"reply 2 @1.001s from 10.0.0.1 64 bytes ttl 61 rtt 1ms kernel of a",
			}, []figures{{Transmitted: 2, Received: 2}, {Transmitted: 2}, {}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := sweepConfig(1, sweepA, sweepB)
			if tt.config != nil {
				tt.config(&c)
			}
			lines, s := runSweep(t, c, &tt.net)
			if diff := cmp.Diff(tt.want, lines); diff != "" {
				t.Errorf("events (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.stats, allFigures(s)); diff != "" {
				t.Errorf("figures (-want +got)\n%s", diff)
			}
		})
	}
}

// What goes out: each target's own numbers, one identifier for each family, and
// a checksum where the kernel makes none.
func TestSweep_messages(t *testing.T) {
	for _, size := range []int{0, 8, 15, 16, 17, 56} {
		c := sweepConfig(2, sweepA, sweep6, sweepB)
		c.Size = size
		n := &sweepNet{}
		runSweep(t, c, n)
		var got []string
		for _, d := range n.sent {
			sum := "no sum"
			if wire.Checksum(d.Data) == 0 {
				sum = "sum"
			}
			got = append(got, fmt.Sprintf("%v type %d id %#x seq %d %d bytes %s", d.To, d.Data[0], binary.BigEndian.Uint16(d.Data[4:]),
				binary.BigEndian.Uint16(d.Data[6:]), len(d.Data), sum))
		}
		var want []string
		for seq := 1; seq <= 2; seq++ {
			want = append(want, fmt.Sprintf("10.0.0.1 type 8 id 0x1234 seq %d %d bytes sum", seq, size+8),
				fmt.Sprintf("2001:db8::1 type 128 id 0x1235 seq %d %d bytes no sum", seq, size+8),
				fmt.Sprintf("10.0.0.2 type 8 id 0x1234 seq %d %d bytes sum", seq, size+8))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("size %d (-want +got)\n%s", size, diff)
		}
	}
}

// The rate holds for all targets together, and a burst is what it says.
func TestSweep_rate(t *testing.T) {
	for _, tt := range []struct {
		name        string
		rate, burst int
		targets     int
		at          map[int]time.Duration // of some probes
	}{
		{"one at a time", 100, 1, 5, map[int]time.Duration{0: 0, 1: 10 * ms, 2: 20 * ms, 4: 40 * ms}},
		{"a burst first", 100, 3, 5, map[int]time.Duration{0: 0, 2: 0, 3: 10 * ms, 4: 20 * ms}},
		{"by the millisecond", 10000, 1, 1001, map[int]time.Duration{0: 0, 500: 50 * ms, 1000: 100 * ms}},
		{"no bound", 0, 1, 1000, map[int]time.Duration{0: 0, 999: 5 * ms}},
	} {
		c := sweepConfig(1, addrs(tt.targets)...)
		c.Rate, c.Burst = tt.rate, tt.burst
		n := &sweepNet{}
		runSweep(t, c, n)
		if len(n.at) != tt.targets {
			t.Fatalf("%s: %d probes", tt.name, len(n.at))
		}
		for i, want := range tt.at {
			if late := n.at[i] - want; late < -ms || late > 2*ms {
				t.Errorf("%s: probe %d at %v, want %v", tt.name, i, n.at[i], want)
			}
		}
	}
}

// With -f the next round begins when all have answered, and else after 10 ms.
func TestSweep_flood(t *testing.T) {
	c := sweepConfig(3, sweepA, sweepB)
	c.Interval = 0
	n := &sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(ms), sweepB: {{after: 2 * ms, only: 1}, {after: 2 * ms, only: 3}}}}
	runSweep(t, c, n)
	var got []time.Duration
	for _, at := range n.at {
		got = append(got, at.Round(ms))
	}
	want := []time.Duration{0, 0, 2 * ms, 2 * ms, 12 * ms, 12 * ms}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Where our own kernel refuses everything, rounds are 10 ms apart.
	n = &sweepNet{refused: map[netip.Addr][]sendResult{sweepA: make([]sendResult, 0)}}
	for range 3 {
		n.refused[sweepA] = append(n.refused[sweepA], sendResult{err: unix.EPERM})
		n.refused[sweepB] = append(n.refused[sweepB], sendResult{err: unix.EPERM})
	}
	lines, _ := runSweep(t, c, n)
	if diff := cmp.Diff("not_sent 3 @20ms err operation not permitted of b", lines[len(lines)-1]); diff != "" {
		t.Errorf("refused (-want +got)\n%s", diff)
	}
}

// More probes are under way than the 16 bits on the wire tell apart, over one
// identifier, and all answers find their targets.
func TestSweep_inFlight(t *testing.T) {
	const count = 100000
	c := sweepConfig(1, addrs(count)...)
	c.Stamped = true
	n := &sweepNet{targets: map[netip.Addr]sweepHost{}}
	for _, a := range c.Targets {
		n.targets[a] = answers(time.Second)
	}
	s := NewSweep(n, n, c)
	for ev, err := range s.Run(context.Background()) {
		if err != nil || ev.Kind != Reply || ev.From != c.Targets[ev.Target] {
			t.Fatalf("%+v, %v", ev, err)
		}
	}
	for i := range c.Targets {
		if st := s.Stats(i); st.Received != 1 {
			t.Fatalf("target %d received %d", i, st.Received)
		}
	}
	if n.inside < count {
		t.Errorf("%d were under way at most, want %d", n.inside, count)
	}
}

// What a Sweep keeps for each target does not grow with the run.
func TestSweep_memory(t *testing.T) {
	const count = 10000
	measure := func(rounds int64) uint64 {
		c := sweepConfig(rounds, addrs(count)...)
		c.Interval, c.Wait = 20*ms, time.Minute
		n := &quietNet{}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := NewSweep(n, n, c)
		for range s.Run(context.Background()) {
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(s)
		return (after.HeapAlloc - before.HeapAlloc) / count
	}
	if a, b := measure(20), measure(200); b > a+a/10 || b > 1500 {
		t.Errorf("%d bytes for each target after 20 rounds, %d after 200", a, b)
	}
}

// quietNet takes everything and answers nothing.
type quietNet struct{ now time.Duration }

func (n *quietNet) Now() Instant { return Instant{Mono: n.now, Wall: epoch.Add(n.now)} }
func (n *quietNet) Send(datagrams []probe.Outgoing) (int, error) {
	n.now += time.Microsecond
	return len(datagrams), nil
}
func (n *quietNet) Receive() (*probe.Received, error) { return nil, nil }
func (n *quietNet) Wait(d time.Duration) error        { n.now += d; return nil }
func (n *quietNet) Wake()                             {}

// A target's numbers wrap on the wire and go on in the events.
func TestSweep_wrap(t *testing.T) {
	c := sweepConfig(1<<16+3, sweepA)
	c.Interval = 0
	n := &sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}
	s := NewSweep(n, n, c)
	var seq int64
	for ev, err := range s.Run(context.Background()) {
		seq++
		if err != nil || ev.Kind != Reply || ev.Seq != seq {
			t.Fatalf("%+v, %v, want reply %d", ev, err, seq)
		}
	}
	if seq != 1<<16+3 {
		t.Errorf("%d replies", seq)
	}
}

// Figures on request, and the end when the context ends or nobody listens.
func TestSweep_control(t *testing.T) {
	c := sweepConfig(0, sweepA)
	n := &sweepNet{targets: map[netip.Addr]sweepHost{sweepA: answers(ms)}}
	s := NewSweep(n, n, c)
	n.wait = func(now time.Duration) {
		switch {
		case now > 2500*ms:
			s.cancelled.Store(true) // what the context does, without its goroutine
		case now > 1500*ms && now < 1900*ms:
			s.RequestStatus()
		}
	}
	var got []string
	for ev, err := range s.Run(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ev.Kind.String())
		if len(got) == 1 {
			s.RequestStatus()
		}
	}
	if diff := cmp.Diff([]string{"reply", "status", "reply", "reply"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	n = &sweepNet{targets: n.targets}
	s = NewSweep(n, n, sweepConfig(0, sweepA))
	for range s.Run(context.Background()) {
		break
	}
	if st := s.Stats(0); st.Received != 1 || st.Transmitted > 2 {
		t.Errorf("after the consumer left: %+v", st)
	}
}
