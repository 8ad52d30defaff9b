package link_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// parseRules reads rules that must be right.
func parseRules(t testing.TB, texts ...string) []link.Rule {
	t.Helper()
	var rules []link.Rule
	for _, text := range texts {
		r, err := link.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// segment is one of a conversation.
type segment struct {
	from  event.Host
	at    time.Duration
	flags wire.TCPFlags
	seq   uint32 // relative: the SYN has 0
	data  int
}

const (
	clientISS = 1<<32 - 50 // the numbers wrap soon
	serverISS = 7000
)

// play sends segments when they are due.
func (b *bench) play(t testing.TB, segments []segment) {
	t.Helper()
	for _, s := range segments {
		from, to, iss := client, server, uint32(clientISS)
		if s.from == event.Server {
			from, to, iss = server, client, serverISS
		}
		p := packet(t, from, to, wire.TCPFields{Seq: iss + s.seq, Flags: s.flags}, wire.TCPOptions{}, strings.Repeat("x", s.data))
		b.loop.At(s.at, func() { b.link.Send(s.from, s.at, p, link.Sent{}) })
	}
	b.run()
}

// story tells faults, losses, arrivals and messages, one line each; arrivals that came as they should, 10 ms after they
// left and in order, are told by their numbers alone.
func (b *bench) story() []string {
	var lines []string
	left := map[int]int64{}
	for _, e := range b.events {
		t := time.Duration(e.T)
		line := fmt.Sprintf("%v %v %v #%d", t, e.Kind, e.Host, e.Seg.ID)
		switch e.Kind {
		case event.KindTx:
			left[e.Seg.ID] = e.T
			continue
		case event.KindRx:
			if at, ok := left[e.Seg.ID]; ok && t-time.Duration(at) == 10*time.Millisecond {
				line = fmt.Sprintf("#%d", e.Seg.ID)
			}
		case event.KindFault, event.KindLost:
			line += fmt.Sprintf(" by %d %v", e.Fault.Number, e.Fault.Action)
			if e.Fault.Wait > 0 {
				line += fmt.Sprintf(" wait %v", time.Duration(e.Fault.Wait))
			}
			if e.Fault.Copy > 0 {
				line += fmt.Sprintf(" copy #%d", e.Fault.Copy)
			}
		case event.KindICMP:
			line += fmt.Sprintf(" %d/%d mtu %d", e.ICMP.Type, e.ICMP.Code, e.ICMP.MTU)
		case event.KindNote:
			line = fmt.Sprintf("%v note %s", t, e.Text)
		}
		lines = append(lines, line)
	}
	return lines
}

// talk is a SYN and six segments of 100, 200 ... octets, every 20 ms; the fourth is a repetition of the third. The packets
// are 40 octets longer.
func talk() []segment {
	s := []segment{{event.Client, 0, wire.SYN, 0, 0}}
	seq := uint32(1)
	for i := 1; i <= 6; i++ {
		if i == 4 {
			s = append(s, segment{event.Client, 80 * time.Millisecond, wire.ACK, 301, 300})
			continue
		}
		s = append(s, segment{event.Client, time.Duration(i) * 20 * time.Millisecond, wire.ACK, seq, 100 * i})
		seq += uint32(100 * i)
	}
	return s
}

// TestFaults: what each rule does to talk. The segments are #1 (SYN) to #7.
func TestFaults(t *testing.T) {
	tests := []struct {
		rules string // separated by ", "
		want  string // separated by "; "
	}{
		{"drop data 2", "#1; #2; 40ms lost client #3 by 1 drop; #4; #5; #6; #7"},
		{"drop data 4", "#1; #2; #3; #4; 80ms lost client #5 by 1 drop; #6; #7"},
		{"drop data first 4", "#1; 20ms lost client #2 by 1 drop; 40ms lost client #3 by 1 drop; 60ms lost client #4 by 1 drop; #5; 100ms lost client #6 by 1 drop; #7"},
		{"server> drop", "#1; #2; #3; #4; #5; #6; #7"},
		{"drop seq 0-0", "0s lost client #1 by 1 drop; #2; #3; #4; #5; #6; #7"},
		{"drop seq 1-1", "#1; 20ms lost client #2 by 1 drop; #3; #4; #5; #6; #7"},
		{"drop seq 100-101", "#1; 20ms lost client #2 by 1 drop; 40ms lost client #3 by 1 drop; #4; #5; #6; #7"},
		{"drop seq 301-600 2", "#1; #2; #3; #4; 80ms lost client #5 by 1 drop; #6; #7"},
		{"drop len>=500", "#1; #2; #3; #4; #5; 100ms lost client #6 by 1 drop; 120ms lost client #7 by 1 drop"},
		{"drop len>=501", "#1; #2; #3; #4; #5; #6; 120ms lost client #7 by 1 drop"},
		{"drop at 40ms", "#1; #2; 40ms lost client #3 by 1 drop; #4; #5; #6; #7"},
		{"drop data 2 at 40ms", "#1; #2; #3; 60ms lost client #4 by 1 drop; #5; #6; #7"},
		{"drop data 40ms..80ms", "#1; #2; 40ms lost client #3 by 1 drop; 60ms lost client #4 by 1 drop; #5; #6; #7"},
		{"drop data 2 40ms..80ms", "#1; #2; #3; 60ms lost client #4 by 1 drop; #5; #6; #7"},
		{"drop 100ms..", "#1; #2; #3; #4; #5; 100ms lost client #6 by 1 drop; 120ms lost client #7 by 1 drop"},
		{"down 100ms..110ms", "#1; #2; #3; #4; #5; 100ms lost client #6 by 1 down; #7"},
		{"down at 90ms", "#1; #2; #3; #4; #5; 100ms lost client #6 by 1 down; 120ms lost client #7 by 1 down"},
		{"dup data 2", "#1; #2; 40ms fault client #3 by 1 dup copy #4; #3; 50ms rx server #4; #5; #6; #7; #8"},
		{"dup data 2, drop data 2", "#1; #2; 40ms fault client #3 by 1 dup copy #4; 40ms lost client #3 by 2 drop; 50ms rx server #4; #5; #6; #7; #8"},
		{"dup data 2, drop data 3", "#1; #2; 40ms fault client #3 by 1 dup copy #4; 40ms lost client #4 by 2 drop; #3; #5; #6; #7; #8"},
		{"dup data 2, dup data 2", "#1; #2; 40ms fault client #3 by 1 dup copy #4; 40ms fault client #3 by 2 dup copy #5; #3; 50ms rx server #4; 50ms rx server #5; #6; #7; #8; #9"},
		// The third data segment is the copy, and a copy is not copied.
		{"dup data 2, dup data 3", "#1; #2; 40ms fault client #3 by 1 dup copy #4; #3; 50ms rx server #4; #5; #6; #7; #8"},
		{"delay 7ms data 1", "#1; 20ms fault client #2 by 1 delay wait 7ms; 37ms rx server #2; #3; #4; #5; #6; #7"},
		{"delay 45ms data 1", "#1; 20ms fault client #2 by 1 delay wait 45ms; #3; #4; 75ms rx server #2; #5; #6; #7"},
		{"delay 7ms at 110ms", "#1; #2; #3; #4; #5; #6; 120ms fault client #7 by 1 delay wait 7ms; 137ms rx server #7"},
		{"delay 0s", "#1; #2; #3; #4; #5; #6; #7"},
		{"delay 3ms data 6, delay 4ms data 6", "#1; #2; #3; #4; #5; #6; 120ms fault client #7 by 1 delay wait 3ms; 120ms fault client #7 by 2 delay wait 4ms; 137ms rx server #7"},
		{"reorder by 2 data 1", "#1; 20ms fault client #2 by 1 reorder; #3; #4; 70ms rx server #2; #5; #6; #7"},
		// The one that is to pass is lost, and does not count.
		{"reorder by 2 data 1, drop data 2", "#1; 20ms fault client #2 by 1 reorder; 40ms lost client #3 by 2 drop; #4; #5; 90ms rx server #2; #6; #7"},
		// The first that passes is slow: the held one is behind it all the same.
		{"reorder by 1 data 1, delay 45ms data 2", "#1; 20ms fault client #2 by 1 reorder; 40ms fault client #3 by 2 delay wait 45ms; #4; #5; 95ms rx server #3; 95ms rx server #2; #6; #7"},
		{"reorder by 2 data 1, reorder by 1 data 1", "#1; 20ms fault client #2 by 1 reorder; 20ms fault client #2 by 2 reorder; #3; #4; #5; 90ms rx server #2; #6; #7"},
		// The one that is released passes the other.
		{"reorder by 2 data 1, reorder by 1 data 2", "#1; 20ms fault client #2 by 1 reorder; 40ms fault client #3 by 2 reorder; #4; 70ms rx server #3; 70ms rx server #2; #5; #6; #7"},
		// The second that is held does not count the first, which is not behind it.
		{"reorder by 1 data 1, reorder by 2 data 2", "#1; 20ms fault client #2 by 1 reorder; 40ms fault client #3 by 2 reorder; #4; 70ms rx server #2; #5; 90ms rx server #3; #6; #7"},
		{"delay 5ms data 6, reorder by 1 data 6", "#1; #2; #3; #4; #5; #6; 120ms fault client #7 by 1 delay wait 5ms; 120ms fault client #7 by 2 reorder; " +
			"220ms note segment 7 of client went on after 100ms: of 1 packets that were to pass it, 0 did; 235ms rx server #7"},
		{"drop data 3, dup data 2", "#1; #2; 40ms fault client #3 by 2 dup copy #4; #3; 50ms rx server #4; 60ms lost client #5 by 1 drop; #6; #7; #8"},
		{"delay 7ms data 6, mtu 639", "#1; #2; #3; #4; #5; #6; 120ms fault client #7 by 1 delay wait 7ms; 120ms lost client #7 by 2 mtu; 137ms icmp client #7 3/4 mtu 639"},
		// The first comes to the queue 50 ms after the start, and the second, which was to come before it, keeps behind it.
		{"delay 30ms data 1, rate 64k queue 9 data 1-2", "#1; 20ms fault client #2 by 1 delay wait 30ms; 20ms fault client #2 by 2 rate wait 17.5ms; 40ms fault client #3 by 2 rate wait 57.5ms; #4; 77.5ms rx server #2; #5; 107.5ms rx server #3; #6; #7"},
		{"reorder by 9 data 4", "#1; #2; #3; #4; 80ms fault client #5 by 1 reorder; #6; #7; 180ms note segment 5 of client went on after 100ms: of 9 packets that were to pass it, 2 did; 190ms rx server #5"},
		// 640 octets at 640 kbit/s take 8 ms, and 40 octets 500 us.
		{"rate 640k queue 1", "0s fault client #1 by 1 rate wait 500µs; 10.5ms rx server #1; 20ms fault client #2 by 1 rate wait 1.75ms; 31.75ms rx server #2; " +
			"40ms fault client #3 by 1 rate wait 3ms; 53ms rx server #3; 60ms fault client #4 by 1 rate wait 4.25ms; 74.25ms rx server #4; " +
			"80ms fault client #5 by 1 rate wait 4.25ms; 94.25ms rx server #5; 100ms fault client #6 by 1 rate wait 6.75ms; 116.75ms rx server #6; 120ms fault client #7 by 1 rate wait 8ms; 138ms rx server #7"},
		{"rate 64k queue 1 data", "#1; 20ms fault client #2 by 1 rate wait 17.5ms; 40ms fault client #3 by 1 rate wait 30ms; 47.5ms rx server #2; 60ms fault client #4 by 1 rate wait 52.5ms; " +
			"80ms fault client #5 by 1 rate wait 75ms; 80ms rx server #3; 100ms lost client #6 by 1 rate; 120ms fault client #7 by 1 rate wait 115ms; 122.5ms rx server #4; 165ms rx server #5; 245ms rx server #7"},
		{"mtu 540 silent", "#1; #2; #3; #4; #5; #6; 120ms lost client #7 by 1 mtu"},
		{"mtu 539", "#1; #2; #3; #4; #5; 100ms lost client #6 by 1 mtu; 110ms icmp client #6 3/4 mtu 539; 120ms lost client #7 by 1 mtu; 130ms icmp client #7 3/4 mtu 539"},
		{"mtu 539 at 110ms", "#1; #2; #3; #4; #5; #6; 120ms lost client #7 by 1 mtu; 130ms icmp client #7 3/4 mtu 539"},
		{"loss 100% data 2", "#1; #2; 40ms lost client #3 by 1 loss; #4; #5; #6; #7"},
		{"loss 0%", "#1; #2; #3; #4; #5; #6; #7"},
		{"burst 100%,100%", "0s lost client #1 by 1 burst; #2; 40ms lost client #3 by 1 burst; #4; 80ms lost client #5 by 1 burst; #6; 120ms lost client #7 by 1 burst"},
		{"drop data 1, loss 100% data 1", "#1; 20ms lost client #2 by 1 drop; 40ms lost client #3 by 2 loss; #4; #5; #6; #7"},
	}
	for _, tt := range tests {
		path := link.Path{Delay: 10 * time.Millisecond}
		b := newBench(path, path, parseRules(t, strings.Split(tt.rules, ", ")...)...)
		b.play(t, talk())
		if d := cmp.Diff(strings.Split(tt.want, "; "), b.story()); d != "" {
			t.Errorf("%s: %s", tt.rules, d)
		}
		if n := b.link.InFlight(); n != 0 {
			t.Errorf("%s: %d on their way at the end", tt.rules, n)
		}
	}
}

// TestIdle: rules that did nothing are told, with what they matched.
func TestIdle(t *testing.T) {
	b := newBench(link.Path{}, link.Path{}, parseRules(t, "drop data 7", "server> dup", "mtu 9000", "drop data 1", "dup data 1", "corrupt data 1",
		"delay 1ms data 1", "delay 0s", "reorder by 1 data 1", "rate 1M queue 1 data 1", "loss 0%", "loss 100% data 3", "drop rst", "down 1s..2s")...)
	b.play(t, talk())
	var got []string
	b.link.Idle(func(r *link.Rule, matched int) bool {
		got = append(got, fmt.Sprintf("%s: %d, takes %t", r.Text, matched, r.Takes()))
		return true
	})
	want := []string{"drop data 7: 6, takes true", "server> dup: 0, takes false", "mtu 9000: 7, takes true", "delay 0s: 7, takes false", "loss 0%: 7, takes true",
		"drop rst: 0, takes true", "down 1s..2s: 0, takes true"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	n := 0
	b.link.Idle(func(*link.Rule, int) bool { n++; return false })
	if n != 1 {
		t.Errorf("went on after the end of the iteration: %d", n)
	}
}

// TestWithoutSink: a link that nobody watches does the same.
func TestWithoutSink(t *testing.T) {
	rules := parseRules(t, "dup data 2", "corrupt data 3", "drop data 5", "mtu 600", "reorder by 9 data 1")
	b := newBench(link.Path{}, link.Path{}, rules...)
	b.play(t, talk())
	quiet := bench{loop: vclock.NewVirtual()}
	quiet.link = link.New(link.Config{Clock: quiet.loop, Rules: rules, Seed: 3, Snap: -1})
	quiet.link.Attach(event.Client, sink{&quiet, event.Client})
	quiet.link.Attach(event.Server, sink{&quiet, event.Server})
	quiet.play(t, talk())
	if d := cmp.Diff(b.arrived, quiet.arrived); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(b.link.Count(event.Client), quiet.link.Count(event.Client)); d != "" {
		t.Error(d)
	}
	if len(b.arrived[event.Client]) == 0 || len(b.arrived[event.Server]) != 6 {
		t.Errorf("%d messages, %d arrived", len(b.arrived[event.Client]), len(b.arrived[event.Server]))
	}
}
