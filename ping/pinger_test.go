package ping

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// figures are the counters of Stats, for whole comparison.
type figures struct {
	Transmitted, NotSent, Received, Duplicates, Corrupted, Truncated, Longer, Altered int64
	Errors, Explained, Foreign, Late, BackOffs, Pipe, Steps                           int64
	Elapsed                                                                           time.Duration
}

func figuresOf(s *Stats) figures {
	return figures{s.Transmitted, s.NotSent, s.Received, s.Duplicates, s.Corrupted, s.Truncated, s.Longer, s.Altered,
		s.Errors, s.Explained, s.Foreign, s.Late, s.BackOffs, s.Pipe, s.ClockSteps, s.Elapsed.Round(ms)}
}

func TestPinger(t *testing.T) {
	wrongByte := func(b []byte) []byte { b[8+32] ^= 0xff; return b }
	for _, tt := range []struct {
		name   string
		config func(*Config)
		count  int64
		script script
		events []string
		want   figures
	}{
		{"answers", nil, 3, script{echo: true}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 3 @410ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 3, Received: 3, Pipe: 1, Elapsed: 400 * ms}},
		{"loss in the middle", nil, 3, script{echo: true, answers: map[int][]answer{2: {}}}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 3 @410ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 3, Received: 2, Pipe: 1, Elapsed: 400 * ms}},
		{"duplicates", nil, 2, script{echo: true, answers: map[int][]answer{1: {{after: 3 * ms}, {after: 4 * ms}, {after: 5 * ms}}}}, []string{
			"reply 1 @3ms from 192.0.2.1 64 bytes ttl 61 rtt 3ms kernel",
			"duplicate 1 @4ms from 192.0.2.1 64 bytes ttl 61 rtt 4ms kernel",
			"duplicate 1 @5ms from 192.0.2.1 64 bytes ttl 61 rtt 5ms kernel",
			"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 2, Received: 2, Duplicates: 2, Pipe: 1, Elapsed: 200 * ms}},
		{"crossed answers", nil, 2, script{answers: map[int][]answer{1: {{after: 700 * ms}}, 2: {{after: ms}}}}, []string{
			"reply 2 @201ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			"reply 1 @700ms from 192.0.2.1 64 bytes ttl 61 rtt 700ms kernel",
		}, figures{Transmitted: 2, Received: 2, Pipe: 2, Elapsed: 200 * ms}},
		{"late answer still counts", func(c *Config) { c.Wait = 300 * ms }, 3,
			script{echo: true, answers: map[int][]answer{1: {{after: 390 * ms}}}}, []string{
				"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
				"reply 1 @390ms from 192.0.2.1 64 bytes ttl 61 rtt 390ms kernel late",
				"reply 3 @410ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			}, figures{Transmitted: 3, Received: 3, Late: 1, Pipe: 2, Elapsed: 400 * ms}},
		{"another host answers", nil, 1, script{answers: map[int][]answer{1: {{after: ms, from: other}, {after: 2 * ms}}}}, []string{
			"foreign 1 @1ms from 192.0.2.77 64 bytes ttl 61 rtt 1ms kernel reason other_source",
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Foreign: 1, Pipe: 1}},
		{"any host of a multicast group may answer", func(c *Config) { c.AnySource = true }, 1,
			script{answers: map[int][]answer{1: {{after: ms, from: other}}}}, []string{
				"reply 1 @1ms from 192.0.2.77 64 bytes ttl 61 rtt 1ms kernel",
			}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
		{"a probe that was not sent", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, mangle: func(b []byte) []byte { b[7] += 100; return b }}, {after: 2 * ms}}}}, []string{
			"foreign 101 @1ms from 192.0.2.1 64 bytes ttl 61 reason not_asked",
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Foreign: 1, Pipe: 1}},
		{"another program's identifier", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, mangle: func(b []byte) []byte { b[4] ^= 1; return b }}, {after: 2 * ms}}}}, []string{
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
		{"forged time and cookie", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, mangle: func(b []byte) []byte {
				copy(b[8:24], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
				return b
			}},
			{after: 2 * ms}}}}, []string{
			"foreign 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel reason other_data",
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Foreign: 1, Pipe: 1}},
		{"truncated, longer, wrong data", nil, 3, script{answers: map[int][]answer{
			1: {{after: ms, mangle: func(b []byte) []byte { return b[:44] }}},
			2: {{after: ms, mangle: func(b []byte) []byte { return append(b, 1, 2, 3) }}},
			3: {{after: ms, mangle: wrongByte}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 44 bytes ttl 61 rtt 1ms kernel truncated",
			"reply 2 @201ms from 192.0.2.1 67 bytes ttl 61 rtt 1ms kernel longer",
			"reply 3 @401ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel wrong at 32, want 0x20",
		}, figures{Transmitted: 3, Received: 3, Truncated: 1, Longer: 1, Altered: 1, Pipe: 1, Elapsed: 400 * ms}},
		{"wrong checksum", nil, 1, script{answers: map[int][]answer{1: {{after: ms, badSum: true}, {after: 2 * ms}}}}, []string{
			"corrupted 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Corrupted: 1, Pipe: 1}},
		{"errors of routers end the run", nil, 2, script{answers: map[int][]answer{
			1: {{after: ms, err: icmpErr(3, 4, 1450)}}, 2: {{after: ms, err: icmpErr(11, 0, 0)}}}}, []string{
			"icmp_error 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/4 info 1450",
			"icmp_error 2 @201ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 11/0",
		}, figures{Transmitted: 2, Errors: 2, Explained: 2, Pipe: 1, Elapsed: 200 * ms}},
		{"a forged error ends no wait", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, err: icmpErr(3, 1, 0), mangle: func(b []byte) []byte { b[20] ^= 1; return b }},
			{after: 2 * ms, from: router, raw: func(q []byte) []byte {
				q = slices.Clone(q)
				q[20] ^= 1
				return quoting(q, wire.ICMPv4TimeExceeded, 1, 0)
			}},
			{after: 3 * ms}}}}, []string{
			"foreign 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/1 reason other_data",
			"foreign 1 @2ms from 198.51.100.1 92 bytes ttl 61 rtt 2ms kernel icmp 11/1 reason other_data",
			"reply 1 @3ms from 192.0.2.1 64 bytes ttl 61 rtt 3ms kernel",
		}, figures{Transmitted: 1, Received: 1, Foreign: 2, Pipe: 1}},
		{"an error that quotes little, or zeros for the rest", nil, 2, script{answers: map[int][]answer{
			1: {{after: ms, err: icmpErr(3, 1, 0), mangle: func(b []byte) []byte { return b[:8] }}},
			2: {{after: ms, err: icmpErr(3, 1, 0), mangle: func(b []byte) []byte { clear(b[8:]); return b }}}}}, []string{
			"icmp_error 1 @1ms from 198.51.100.1 8 bytes rtt 1ms kernel icmp 3/1",
			"icmp_error 2 @201ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/1",
		}, figures{Transmitted: 2, Errors: 2, Explained: 2, Pipe: 1, Elapsed: 200 * ms}},
		{"an error about another host's probe", nil, 1, script{answers: map[int][]answer{
			1: {{after: ms, err: icmpErr(3, 1, 0), from: other}, {after: 2 * ms}}}}, []string{
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
		{"redirect and reassembly timeout come as packets", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, from: router, raw: func(q []byte) []byte { return quoting(q, wire.ICMPv4Redirect, 1, 0x0a4d0102) }},
			{after: 2 * ms, from: router, raw: func(q []byte) []byte { return quoting(q, wire.ICMPv4TimeExceeded, 1, 0) }},
		}}}, []string{
			"icmp_advice 1 @1ms from 198.51.100.1 92 bytes ttl 61 rtt 1ms kernel icmp 5/1 info 172818690",
			"icmp_error 1 @2ms from 198.51.100.1 92 bytes ttl 61 rtt 2ms kernel icmp 11/1",
		}, figures{Transmitted: 1, Errors: 1, Explained: 1, Pipe: 1}},
		{"an error that also comes through the queue is not counted twice", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, from: router, raw: func(q []byte) []byte { return quoting(q, wire.ICMPv4Unreachable, 1, 0) }},
			{after: 2 * ms}}}}, []string{
			"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
		{"too long for the link", nil, 2, script{sends: map[int][]sendResult{
			1: {{unix.EMSGSIZE, []probe.Message{tooLong(1500)}}}, 2: {{unix.EMSGSIZE, []probe.Message{tooLong(1500)}}}}}, []string{
			"too_long 1 @0s info 1500 err message too long", "too_long 2 @200ms info 1500 err message too long",
		}, figures{NotSent: 2, Elapsed: 200 * ms}},
		{"a firewall refuses", nil, 2, script{echo: true, sends: map[int][]sendResult{1: {{unix.EPERM, nil}}}}, []string{
			"not_sent 1 @0s err operation not permitted",
			"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 1, NotSent: 1, Received: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"a pending error makes the next send fail: read it and send again", func(c *Config) { c.Mode = probe.Datagram }, 2, script{
			echo: true, answers: map[int][]answer{1: {{after: 199 * ms, err: icmpErr(3, 1, 0)}}},
			sends: map[int][]sendResult{2: {{unix.EHOSTUNREACH, []probe.Message{}}}}}, []string{
			"icmp_error 1 @199ms from 198.51.100.1 64 bytes rtt 199ms kernel icmp 3/1",
			"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 2, Received: 1, Errors: 1, Explained: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"a full queue puts the probe off", nil, 1, script{echo: true, sends: map[int][]sendResult{
			1: {{unix.ENOBUFS, nil}}, 2: {{unix.ENOBUFS, nil}}}}, []string{
			"reply 1 @40ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 1, Received: 1, BackOffs: 2, Pipe: 1, Elapsed: 30 * ms}},
		{"a queue that stays full", func(c *Config) { c.Wait = 25 * ms }, 1, script{sends: map[int][]sendResult{
			1: {{unix.ENOBUFS, nil}}, 2: {{unix.ENOBUFS, nil}}, 3: {{unix.ENOBUFS, nil}}}}, []string{
			"not_sent 1 @30ms err no buffer space available",
		}, figures{NotSent: 1, BackOffs: 3, Elapsed: 30 * ms}},
		{"no answer yet", func(c *Config) { c.ReportUnanswered = true }, 3, script{echo: true, answers: map[int][]answer{2: {}}}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"unanswered 2 @400ms",
			"reply 3 @410ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 3, Received: 2, Pipe: 1, Elapsed: 400 * ms}},
		{"the clock is set forward", nil, 2, script{echo: true, steps: map[time.Duration]time.Duration{5 * ms: time.Hour}}, []string{
			"reply 1 @1h0m0.01s from 192.0.2.1 64 bytes ttl 61 rtt 10ms user_clock_stepped",
			"reply 2 @1h0m0.21s from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 2, Received: 2, Pipe: 1, Steps: 1, Elapsed: 200 * ms}},
		{"the clock is set back", nil, 1, script{echo: true, steps: map[time.Duration]time.Duration{5 * ms: -time.Hour}}, []string{
			"reply 1 @-59m59.99s from 192.0.2.1 64 bytes ttl 61 rtt 10ms user_clock_stepped",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1, Steps: 1}},
		{"replies are omitted but for the first", func(c *Config) { c.OmitReplies = true }, 4,
			script{echo: true, answers: map[int][]answer{2: {{after: ms}, {after: 2 * ms}}, 3: {{after: ms, badSum: true}, {after: 2 * ms}}}}, []string{
				"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
				"duplicate 2 @202ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
				"corrupted 3 @401ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			}, figures{Transmitted: 4, Received: 4, Duplicates: 1, Corrupted: 1, Pipe: 1, Elapsed: 600 * ms}},
		{"no stamps", nil, 1, script{answers: map[int][]answer{1: {{after: ms, noStamps: true}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms user",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
		{"preload", func(c *Config) { c.Preload = 3 }, 4, script{echo: true}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 2 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 3 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 4 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 4, Received: 4, Pipe: 3, Elapsed: 200 * ms}},
		{"a deadline", func(c *Config) { c.Deadline = time.Second; c.Interval = 300 * ms }, 0, script{echo: true}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 2 @310ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 3 @610ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"reply 4 @910ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 4, Received: 4, Pipe: 1, Elapsed: 900 * ms}},
		{"with a deadline errors do not end it", func(c *Config) { c.Deadline = 500 * ms }, 2,
			script{answers: map[int][]answer{1: {{after: ms, err: icmpErr(3, 0, 0)}}, 2: {{after: ms, err: icmpErr(3, 0, 0)}}, 3: {{after: ms}}}}, []string{
				"icmp_error 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/0",
				"icmp_error 2 @201ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/0",
				"reply 3 @401ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			}, figures{Transmitted: 3, Received: 1, Errors: 2, Explained: 2, Pipe: 1, Elapsed: 400 * ms}},
		{"two errors about one probe end the wait for that one alone", nil, 2,
			script{answers: map[int][]answer{1: {{after: ms, err: icmpErr(3, 0, 0)}, {after: 2 * ms, err: icmpErr(3, 0, 0)}}, 2: {{after: ms}}}}, []string{
				"icmp_error 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/0",
				"icmp_error 1 @2ms from 198.51.100.1 64 bytes rtt 2ms kernel icmp 3/0",
				"reply 2 @201ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			}, figures{Transmitted: 2, Received: 1, Errors: 2, Explained: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"an answer after an error", nil, 2,
			script{echo: true, answers: map[int][]answer{1: {{after: ms, err: icmpErr(3, 0, 0)}, {after: 2 * ms}}}}, []string{
				"icmp_error 1 @1ms from 198.51.100.1 64 bytes rtt 1ms kernel icmp 3/0",
				"reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel",
				"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			}, figures{Transmitted: 2, Received: 2, Errors: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"with a deadline probes go on until enough are answered", func(c *Config) { c.Deadline = time.Second }, 2,
			script{echo: true, answers: map[int][]answer{1: {}, 2: {}}}, []string{
				"reply 3 @410ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
				"reply 4 @610ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			}, figures{Transmitted: 4, Received: 2, Pipe: 1, Elapsed: 600 * ms}},
		{"an interrupt", nil, 0, script{echo: true, cancel: 250 * ms, status: 100 * ms}, []string{
			"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
			"status 0 @100ms stats 1/1",
			"reply 2 @210ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 2, Received: 2, Pipe: 1, Elapsed: 200 * ms}},
		{"paced by the answers", func(c *Config) { c.Interval = 0 }, 3, script{
			echo: true, answers: map[int][]answer{1: {{after: ms}}, 2: {}, 3: {{after: ms}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			"reply 3 @12ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 3, Received: 2, Pipe: 1, Elapsed: 11 * ms}},
		{"nothing is said of probes too small for a cookie", func(c *Config) { c.Size = 15 }, 1, script{answers: map[int][]answer{1: {
			{after: ms, mangle: func(b []byte) []byte { b[10] ^= 1; return b }}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 23 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 1, Received: 1, Pipe: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := testConfig(tt.count)
			if tt.config != nil {
				tt.config(&c)
			}
			events, stats, _ := run(t, c, tt.script)
			if diff := cmp.Diff(tt.events, events); diff != "" {
				t.Errorf("events (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, figuresOf(stats)); diff != "" {
				t.Errorf("figures (-want +got)\n%s", diff)
			}
		})
	}
}

// quoting returns an ICMP error message that quotes the packet of an echo
// request from us to host.
func quoting(request []byte, typ, code uint8, rest uint32) []byte {
	header := wire.IPv4Fields{TTL: 62, Protocol: wire.ProtoICMP, Src: other, Dst: host}
	packet, err := header.Append(nil, len(request))
	if err != nil {
		panic(err)
	}
	return wire.AppendICMPv4(nil, typ, code, rest, append(packet, request...))
}

// How long the wait for the last replies lasts depends on what has come.
func TestPinger_waitForLast(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wait   time.Duration
		script script
		want   time.Duration
	}{
		{"nothing came: -W", 500 * ms, script{}, 700 * ms},
		{"something came: twice the longest time", 10 * time.Second, script{answers: map[int][]answer{1: {{after: 150 * ms}}}}, 500 * ms},
		{"something came fast: the interval", 10 * time.Second, script{answers: map[int][]answer{1: {{after: ms}}}}, 400 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := testConfig(2)
			c.Wait = tt.wait
			_, _, n := run(t, c, tt.script)
			if got := n.now.Round(ms); got != tt.want {
				t.Errorf("ended at %v, want %v", got, tt.want)
			}
		})
	}
	c := testConfig(1)
	c.Wait = 0
	events, _, _ := run(t, c, script{})
	if diff := cmp.Diff([]string{"end: " + errDone.Error()}, events); diff != "" {
		t.Errorf("without limit: events (-want +got)\n%s", diff)
	}
}

// Probes leave on the beat, however late each one is.
func TestPinger_noDrift(t *testing.T) {
	c := testConfig(1000)
	c.Interval = 10 * ms
	_, stats, n := run(t, c, script{echo: true})
	if stats.Received != 1000 {
		t.Fatalf("received %d of 1000", stats.Received)
	}
	for i, at := range n.at {
		beat := time.Duration(i) * c.Interval
		if late := at - beat; late < 0 || late > 200*time.Microsecond {
			t.Fatalf("probe %d left at %v, %v after its beat", i+1, at, late)
		}
	}
}

// A pause of the whole machine is not made up for by a burst.
func TestPinger_afterStall(t *testing.T) {
	c := testConfig(4)
	n := &simNet{t: t, s: script{echo: true}}
	p := New(n, n, c)
	stalled := false
	n.onWait = func() {
		if !stalled && n.now > 150*ms {
			stalled = true
			n.now += time.Second
		}
	}
	for _, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var at []time.Duration
	for _, d := range n.at {
		at = append(at, d.Round(ms))
	}
	if diff := cmp.Diff([]time.Duration{0, 1200 * ms, 1400 * ms, 1600 * ms}, at); diff != "" {
		t.Errorf("times (-want +got)\n%s", diff)
	}
}

// What arrived in time is not lost because this program did not get to run until
// the wait for the last replies, or the deadline, had passed.
func TestPinger_lateToLook(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   figures
	}{
		{"after the last probe", func(*Config) {}, figures{Transmitted: 2, Received: 2, Pipe: 1, Elapsed: 200 * ms}},
		{"after the deadline", func(c *Config) { c.Deadline, c.Count = 300*ms, 0 }, figures{Transmitted: 2, Received: 2, Pipe: 1, Elapsed: 200 * ms}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := testConfig(2)
			tt.change(&c)
			n := &simNet{t: t, s: script{echo: true}}
			p := New(n, n, c)
			n.onWait = func() {
				if n.now > 205*ms {
					n.now += time.Second
				}
			}
			for _, err := range p.Run(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, figuresOf(p.Stats())); diff != "" {
				t.Errorf("figures (-want +got)\n%s", diff)
			}
		})
	}
}

// An answer that came in time is not late because this program was stopped.
func TestPinger_stopped(t *testing.T) {
	n := &simNet{t: t, s: script{echo: true}}
	p := New(n, n, testConfig(1))
	n.onWait = func() { n.now += time.Minute }
	var got []string
	for ev, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, eventLine(ev))
	}
	if diff := cmp.Diff([]string{"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Who asks for the figures and ends the run at once gets both.
func TestPinger_statusAtTheEnd(t *testing.T) {
	events, _, _ := run(t, testConfig(0), script{echo: true, cancel: 100 * ms, status: 100 * ms})
	want := []string{"reply 1 @10ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel", "status 0 @100ms stats 1/1"}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}

// The sequence number on the wire has 16 bits; the engine's does not wrap, and a
// duplicate from before the wrap is not taken for an answer after it.
func TestPinger_wrap(t *testing.T) {
	c := testConfig(window + 2)
	c.Interval, c.Distribution = 20*ms, new(Distribution)
	answers := map[int][]answer{window + 1: {{after: ms / 2}}, 2: {}} // the second is lost, and forgotten
	var old []byte
	answers[1] = []answer{{after: ms / 2, mangle: func(b []byte) []byte { old = slices.Clone(b); return b }}}
	answers[window+2] = []answer{{after: ms / 4, mangle: func([]byte) []byte { return old }}, {after: ms / 2}}
	events, stats, _ := run(t, c, script{echo: true, answers: answers})
	want := []string{
		"reply 65537 @21m50.721s from 192.0.2.1 64 bytes ttl 61 rtt 500µs kernel",
		"foreign 65537 @21m50.74s from 192.0.2.1 64 bytes ttl 61 rtt 20.3ms kernel reason other_data",
		"reply 65538 @21m50.741s from 192.0.2.1 64 bytes ttl 61 rtt 500µs kernel",
	}
	if diff := cmp.Diff(want, events[len(events)-3:]); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	runs, longest := c.Distribution.LossRuns()
	if stats.Received != window+1 || stats.Foreign != 1 || runs != 1 || longest != 1 {
		t.Errorf("received %d, foreign %d, %d runs of losses, the longest of %d", stats.Received, stats.Foreign, runs, longest)
	}
}

func TestPinger_wireBytes(t *testing.T) {
	c := testConfig(1)
	c.Size = 24
	c.Pattern = []byte{0xff, 0x00, 0xa5}
	_, _, n := run(t, c, script{echo: true})
	want := []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}
	want = binary.NativeEndian.AppendUint64(want, uint64(epoch.Unix())) // seconds, where others have them
	want = append(want, 0xc0, 0x0c, 0x1e, 0, 0, 0, 0, 1)                // cookie
	want = append(want, 0x00, 0xa5, 0xff, 0x00, 0xa5, 0xff, 0x00, 0xa5) // pattern, from the start of the data on
	binary.BigEndian.PutUint16(want[2:], wire.Checksum(want))
	if diff := cmp.Diff([][]byte{want}, n.sent); diff != "" {
		t.Errorf("IPv4 (-want +got)\n%s", diff)
	}
	c = testConfig(1)
	c.Family, c.Size, c.Target = probe.IPv6, 4, host
	_, _, n = run(t, c, script{echo: true})
	if diff := cmp.Diff([][]byte{{128, 0, 0, 0, 0x12, 0x34, 0, 1, 0, 1, 2, 3}}, n.sent); diff != "" {
		t.Errorf("IPv6 (-want +got)\n%s", diff)
	}
}

// A socket that does not work any more ends the run with its error.
func TestPinger_brokenSocket(t *testing.T) {
	broken := errors.New("broken")
	p := New(brokenConn{err: broken}, NewSystemClock(), testConfig(1))
	var got []error
	for ev, err := range p.Run(t.Context()) {
		if ev != nil {
			t.Errorf("event %v", eventLine(ev))
		}
		got = append(got, err)
	}
	if len(got) != 1 || !errors.Is(got[0], broken) {
		t.Errorf("errors %v, want one: %v", got, broken)
	}
}

type brokenConn struct{ err error }

func (c brokenConn) Send([]byte) error                { return nil }
func (c brokenConn) Receive() (*probe.Message, error) { return nil, c.err }
func (c brokenConn) Wait(time.Duration) error         { return nil }
func (c brokenConn) Wake()                            {}

// The consumer may leave at any event.
func TestPinger_consumerLeaves(t *testing.T) {
	n := &simNet{t: t, s: script{echo: true}}
	p := New(n, n, testConfig(0))
	for range p.Run(t.Context()) {
		break
	}
	if p.stats.Received != 1 {
		t.Errorf("received %d, want 1", p.stats.Received)
	}
}

// countingNet is a network that knows at the end what was dropped.
type countingNet struct {
	*simNet
	drops uint32
}

func (n countingNet) Drops() (probe.Drops, bool) { return probe.Drops{Full: n.drops, Damaged: 1}, true }

// Nobody says with a packet what was dropped after the last one.
func TestPinger_dropsAtTheEnd(t *testing.T) {
	n := &simNet{t: t, s: script{echo: true, answers: map[int][]answer{2: {}, 3: {}}}}
	p := New(countingNet{n, 1}, n, testConfig(4))
	for _, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if s := p.Stats(); s.Dropped != 1 || s.Damaged != 1 || s.Lost() != 1 || s.Received != 2 {
		t.Errorf("received %d, dropped %d, damaged %d, lost %d", s.Received, s.Dropped, s.Damaged, s.Lost())
	}
}
