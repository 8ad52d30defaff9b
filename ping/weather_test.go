package ping

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/wire"
	"gnet/ping/probe"
)

// What a hostile peer or a troubled host of our own does to the figures: each row
// goes wrong when one condition of the engine is taken away.
func TestPinger_weather(t *testing.T) {
	full := sendResult{unix.ENOBUFS, nil}
	earlier := probe.Message{Kind: probe.ICMPError, Data: []byte{8, 0, 0, 0, 0x12, 0x34, 0, 1}, From: host, Offender: router, Type: 3, Code: 1, TTL: -1}
	pending := sendResult{unix.EHOSTUNREACH, []probe.Message{earlier}}
	raw := func(typ, code uint8, change func(quoted []byte)) func([]byte) []byte {
		return func(request []byte) []byte {
			quoted := slices.Clone(request)
			if change != nil {
				change(quoted)
			}
			return quoting(quoted, typ, code, 0)
		}
	}
	reply1 := "reply 1 @2ms from 192.0.2.1 64 bytes ttl 61 rtt 2ms kernel"
	one := figures{Transmitted: 1, Received: 1, Pipe: 1}
	for _, tt := range []struct {
		name   string
		config func(c *Config)
		count  int64
		script script
		events []string
		want   figures
	}{
		{"a call fails three times for what came of an earlier probe", nil, 2, script{answers: map[int][]answer{1: {}, 2: {{after: ms}}},
			sends: map[int][]sendResult{2: {pending}, 3: {pending}, 4: {pending}}}, []string{
			"icmp_error 1 @200ms from 198.51.100.1 8 bytes rtt 200ms user icmp 3/1", "icmp_error 1 @200ms from 198.51.100.1 8 bytes rtt 200ms user icmp 3/1",
			"icmp_error 1 @200ms from 198.51.100.1 8 bytes rtt 200.1ms user icmp 3/1", "reply 2 @201ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 2, Received: 1, Errors: 3, Explained: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"and then for one whose report was read before", nil, 2, script{answers: map[int][]answer{1: {}, 2: {{after: ms}}},
			sends: map[int][]sendResult{2: {pending}, 3: {{unix.EHOSTUNREACH, nil}}, 4: {pending}}}, []string{
			"icmp_error 1 @200ms from 198.51.100.1 8 bytes rtt 200ms user icmp 3/1", "icmp_error 1 @200ms from 198.51.100.1 8 bytes rtt 200.1ms user icmp 3/1",
			"reply 2 @201ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 2, Received: 1, Errors: 2, Explained: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"an error that comes twice is of the probe itself", nil, 1, script{echo: true, sends: map[int][]sendResult{
			1: {{unix.EHOSTUNREACH, nil}}, 2: {{unix.EHOSTUNREACH, nil}}}}, []string{
			"not_sent 1 @0s err no route to host",
		}, figures{NotSent: 1}},
		{"the pause after a full queue begins anew", nil, 2, script{echo: true, sends: map[int][]sendResult{1: {full}, 2: {full}, 4: {full}}}, []string{
			"reply 1 @40ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel", "reply 2 @250ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 2, Received: 2, BackOffs: 3, Pipe: 1, Elapsed: 240 * ms}},
		{"and has a bound", nil, 1, script{echo: true, sends: map[int][]sendResult{
			1: {full}, 2: {full}, 3: {full}, 4: {full}, 5: {full}, 6: {full}, 7: {full}, 8: {full}}}, []string{
			"reply 1 @1.64s from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 1, Received: 1, BackOffs: 8, Pipe: 1, Elapsed: 1630 * ms}},
		{"who waits for ever waits for a queue too", func(c *Config) { c.Wait = 0 }, 1, script{echo: true, sends: map[int][]sendResult{1: {full}}}, []string{
			"reply 1 @20ms from 192.0.2.1 64 bytes ttl 61 rtt 10ms kernel",
		}, figures{Transmitted: 1, Received: 1, BackOffs: 1, Pipe: 1, Elapsed: 10 * ms}},
		{"no answer yet is said once, however full the queue", func(c *Config) { c.ReportUnanswered = true }, 2, script{
			answers: map[int][]answer{1: {}, 2: {{after: ms}}}, sends: map[int][]sendResult{2: {full}, 3: {full}}}, []string{
			"unanswered 1 @200ms", "reply 2 @231ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 2, Received: 1, BackOffs: 2, Pipe: 1, Elapsed: 230 * ms}},
		{"an error after the answer explains no loss", nil, 2, script{answers: map[int][]answer{
			1: {{after: ms}, {after: 2 * ms, err: icmpErr(3, 1, 0)}}, 2: {{after: ms}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			"icmp_error 1 @2ms from 198.51.100.1 64 bytes rtt 2ms kernel icmp 3/1",
			"reply 2 @201ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 2, Received: 2, Errors: 1, Pipe: 1, Elapsed: 200 * ms}},
		{"adaptive, not below the shortest interval", func(c *Config) { c.Adaptive, c.MinInterval = true, 2*ms }, 3, script{answers: map[int][]answer{
			1: {{after: ms}}, 2: {{after: ms}}, 3: {{after: ms}}}}, []string{
			"reply 1 @1ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel", "reply 2 @3ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
			"reply 3 @5ms from 192.0.2.1 64 bytes ttl 61 rtt 1ms kernel",
		}, figures{Transmitted: 3, Received: 3, Pipe: 1, Elapsed: 4 * ms}},
		{"a packet about another program's probe", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, from: router, raw: raw(wire.ICMPv4TimeExceeded, 1, func(quoted []byte) { quoted[4] ^= 1 })}, {after: 2 * ms}}}}, []string{reply1}, one},
		{"a damaged packet about ours", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, from: router, badSum: true, raw: raw(wire.ICMPv4TimeExceeded, 1, nil)}, {after: 2 * ms}}}}, []string{reply1}, one},
		{"packets of which the error queue tells", nil, 1, script{answers: map[int][]answer{1: {
			{after: ms, from: router, raw: raw(wire.ICMPv4TimeExceeded, 0, nil)}, {after: ms, from: router, raw: raw(wire.ICMPv4Unreachable, 13, nil)},
			{after: ms, from: router, raw: raw(wire.ICMPv4Unreachable, 15, nil)}, {after: 2 * ms}}}}, []string{reply1}, one},
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

// Several answers came while this program was stopped, until the wait for them had
// passed.
func TestPinger_stoppedWithSeveral(t *testing.T) {
	c := testConfig(3)
	c.Preload = 3
	n := &simNet{t: t, s: script{echo: true}}
	n.onWait = func() { n.now += time.Minute }
	p := New(n, n, c)
	for _, err := range p.Run(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if s := p.Stats(); s.Received != 3 || s.Late != 0 {
		t.Errorf("received %d, late %d", s.Received, s.Late)
	}
}

// A stamp is believed if it lies between the call and the answer.
func TestDeparture_roundTrip(t *testing.T) {
	wall := epoch.UnixNano()
	at := func(d time.Duration) int64 { return wall + int64(d) }
	now := Instant{Mono: 10 * ms, Wall: epoch.Add(10 * ms)}
	for _, tt := range []struct {
		name                           string
		sent, arrived, deviceOut, back int64
		want                           time.Duration
		source                         TimeSource
	}{
		{"both stamps", at(ms), at(5 * ms), 0, 0, 4 * ms, KernelKernel},
		{"a transmit stamp of before the call", at(-ms), at(5 * ms), 0, 0, 5 * ms, UserKernel},
		{"an arrival after it was handled", at(ms), at(12 * ms), 0, 0, 10 * ms, UserUser},
		{"an arrival before the probe", at(ms), at(-ms), 0, 0, 10 * ms, UserUser},
		{"no arrival", at(ms), 0, 0, 0, 10 * ms, UserUser},
		{"the device's", at(ms), at(5 * ms), 77, 77 + int64(3*ms), 3 * ms, Device},
		{"the device's, longer than it all took", at(ms), at(5 * ms), 77, 77 + int64(11*ms), 4 * ms, KernelKernel},
		{"half of the device's", at(ms), at(5 * ms), 0, int64(3 * ms), 4 * ms, KernelKernel},
		{"the other half", at(ms), at(5 * ms), 77, 0, 4 * ms, KernelKernel},
	} {
		d := departure{wall: wall, stamp: tt.sent, device: tt.deviceOut}
		if got, source := d.roundTrip(tt.arrived, tt.back, now); got != tt.want || source != tt.source {
			t.Errorf("%s: %v by %v, want %v by %v", tt.name, got, source, tt.want, tt.source)
		}
	}
}

// When all have answered the last round, an earlier loss is waited for as long as
// ping waits for a single host.
func TestSweep_endOfWait(t *testing.T) {
	c := sweepConfig(2, sweepA, sweepB)
	c.Wait = 10 * time.Second
	n := &sweepNet{}
	n.targets = map[netip.Addr]sweepHost{sweepA: {{after: ms, only: 2}}, sweepB: answers(ms)}
	runSweep(t, c, n)
	if got := n.now.Round(10 * ms); got != 2*time.Second {
		t.Errorf("ended at %v, want 2s: an interval after the last round", got)
	}
	c.Wait, n = 500*ms, &sweepNet{targets: n.targets}
	runSweep(t, c, n)
	if got := n.now.Round(10 * ms); got != 1500*ms {
		t.Errorf("ended at %v, want 1.5s: the wait is shorter than the interval", got)
	}
}

// Without stamps the time of a probe is that before its own call.
func TestSweep_unstamped(t *testing.T) {
	c := sweepConfig(1, addrs(5)...)
	c.Stamped = false
	n := &sweepNet{}
	runSweep(t, c, n)
	if n.calls != 5 {
		t.Errorf("%d calls for 5 probes", n.calls)
	}
}

// An error explains a loss, and only a loss.
func TestSweep_explained(t *testing.T) {
	n := &sweepNet{targets: map[netip.Addr]sweepHost{
		sweepA: {{after: ms, only: 1, err: icmpErr(3, 1, 0)}, {after: 2 * ms}},
		sweepB: {{after: ms}, {after: 2 * ms, only: 1, err: icmpErr(3, 1, 0)}}}}
	_, s := runSweep(t, sweepConfig(2, sweepA, sweepB), n)
	want := []figures{{Transmitted: 2, Received: 2, Errors: 1}, {Transmitted: 2, Received: 2, Errors: 1}, {}}
	if diff := cmp.Diff(want, allFigures(s)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A node information message belongs to the probe whose nonce it has.
func TestPinger_nonce(t *testing.T) {
	c := testConfig(1)
	c.Node = &NodeQuery{}
	p := &Pinger{Config: c}
	s := &sent{cookie: 0x1122334455667788}
	for nonce, want := range map[uint32]bool{0x55667788: true, 0x11223344: false, 0: false} {
		e := &echo{nonce: nonce}
		if p.carries(e, s) != want || p.mayQuote(e, s) != want {
			t.Errorf("nonce %#x: carries %v, may quote %v, want %v", nonce, p.carries(e, s), p.mayQuote(e, s), want)
		}
	}
}
