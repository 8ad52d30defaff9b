package stackprobe_test

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

var update = flag.Bool("update", false, "rewrite the golden traces")

// lesson is a run whose trace is kept.
type lesson struct {
	name           string
	bytes          int
	faults         []string
	ok             bool
	client, server string // the words of the ends
	set            func(*stackprobe.Config)
}

// lessons are the runs whose traces are kept: each fault where it hurts, each ending, each option of an end.
var lessons = []lesson{
	{name: "plain", bytes: 3000, ok: true},
	{name: "no-data", bytes: 0, ok: true},
	{name: "syn-lost", bytes: 100, faults: []string{"client> drop syn 1"}, ok: true},
	{name: "synack-lost", bytes: 100, faults: []string{"server> drop synack 1"}, ok: true},
	{name: "handshake-ack-lost", bytes: 100, faults: []string{"client> drop ack 1"}, ok: true},
	{name: "data-1-lost", bytes: 3000, faults: []string{"client> drop data 1"}, ok: true},
	{name: "fast-retransmit", bytes: 12000, faults: []string{"client> drop data 3"}, ok: true},
	{name: "two-of-window-lost", bytes: 12000, faults: []string{"client> drop data 2", "client> drop data 5"}, ok: true},
	{name: "retransmission-lost-too", bytes: 12000, faults: []string{"client> drop data 3", "client> drop data 9"}, ok: true},
	{name: "server-data-lost", bytes: 3000, faults: []string{"server> drop data 2"}, ok: true},
	{name: "data-acks-lost", bytes: 3000, faults: []string{"server> drop ack 1-2"}, ok: true},
	{name: "fin-lost", bytes: 0, faults: []string{"client> drop fin 1"}, ok: true},
	{name: "server-fin-lost", bytes: 0, faults: []string{"server> drop fin 1"}, ok: true},
	{name: "last-ack-lost", bytes: 0, faults: []string{"client> drop ack 2"}, ok: true},
	{name: "both-directions-first", bytes: 3000, faults: []string{"drop any first 1"}, ok: true},
	{name: "syn-always-lost", bytes: 100, faults: []string{"client> drop syn"}},
	{name: "synack-always-lost", bytes: 100, faults: []string{"server> drop synack"}},
	{name: "data-always-lost", bytes: 100, faults: []string{"client> drop data"}},
	{name: "everything-lost", bytes: 100, faults: []string{"drop"}},
	{name: "fault-takes-nothing", bytes: 100, faults: []string{"client> drop data 7", "drop rst"}, ok: true},

	{name: "dup", bytes: 6000, faults: []string{"client> dup data 2", "server> dup ack 2"}, ok: true},
	{name: "corrupt", bytes: 6000, faults: []string{"client> corrupt data 2"}, ok: true},
	{name: "reorder", bytes: 9000, faults: []string{"client> reorder by 3 data 2"}, ok: true},
	{name: "delay", bytes: 6000, faults: []string{"client> delay 30ms jitter 10ms data 2-3"}, ok: true},
	{name: "rate", bytes: 20000, faults: []string{"client> rate 1M queue 6"}, ok: true},
	{name: "loss", bytes: 20000, faults: []string{"loss 10%"}, ok: true},
	{name: "burst", bytes: 20000, faults: []string{"client> burst 5%,50%"}, ok: true},
	{name: "mtu-icmp", bytes: 6000, faults: []string{"client> mtu 1000"}, ok: true},
	{name: "mtu-silent", bytes: 3000, faults: []string{"client> mtu 1000 silent"}},
	{name: "old-duplicate", bytes: 100, faults: []string{"client> delay 500ms data 1"}, ok: true},
	{name: "down", bytes: 20000, faults: []string{"down 100ms..1s"}, ok: true},

	{name: "half-close", bytes: 3000, ok: true, client: "close half"},
	{name: "reset", bytes: 3000, ok: true, client: "close reset"},
	{name: "reset-in-transfer", bytes: 30000, client: "close reset at 30ms"},
	{name: "abrupt", bytes: 3000, client: "close abrupt"},
	{name: "server-resets", bytes: 3000, ok: true, client: "role source", server: "role sink close reset"},
	{name: "close-late", bytes: 100, ok: true, client: "close fin after 2s"},
	{name: "keepalive", bytes: 100, ok: true, client: "close never keepalive 1s,200ms,3",
		set: func(c *stackprobe.Config) { c.Deadline = 4 * time.Second }},
	{name: "keepalive-dead-peer", bytes: 100, faults: []string{"down 1s..1h"}, client: "close never keepalive 1s,200ms,3"},
	{name: "user-timeout", bytes: 3000, faults: []string{"down 50ms..1h"}, client: "user-timeout 3s"},
	{name: "time-wait", ok: true, client: "time-wait 500ms", set: func(c *stackprobe.Config) { c.Until = stackprobe.Closed }},

	{name: "slow-reader", bytes: 12000, ok: true, client: "role source", server: "role sink rcvbuf 4096 read 1000 every 100ms read-start 1s"},
	{name: "slow-writer", bytes: 900, ok: true, client: "role source write 300 pause 50ms start 10ms", server: "role sink"},
	{name: "nagle", bytes: 400, ok: true, client: "role source write 100 pause 1ms nagle on", server: "role sink"},
	{name: "nodelay", bytes: 400, ok: true, client: "role source write 100 pause 1ms nagle off", server: "role sink"},
	{name: "both-send", bytes: 3000, ok: true, client: "role source", server: "role source bytes 4000"},
	{name: "mss-536", bytes: 3000, ok: true, client: "mss 536"},
	{name: "no-sack", bytes: 12000, faults: []string{"client> drop data 3"}, ok: true, client: "sack off"},
	{name: "small-window", bytes: 12000, ok: true, server: "rcvbuf 8000 scaling off"},
	{name: "cubic", bytes: 30000, faults: []string{"client> drop data 5"}, ok: true, client: "cc cubic"},
	{name: "rack-tail-loss", bytes: 6000, faults: []string{"client> drop data 5"}, ok: true, client: "rack on"},
	{name: "cookies", bytes: 100, ok: true, server: "cookies on"},
	{name: "ipv6", bytes: 3000, faults: []string{"client> drop data 1"}, ok: true, set: func(c *stackprobe.Config) { c.IPv6 = true }},
	{name: "ipv6-mtu-icmp", bytes: 6000, faults: []string{"client> mtu 1280"}, ok: true, set: func(c *stackprobe.Config) { c.IPv6 = true }},
	{name: "two-connections", bytes: 2000, faults: []string{"client> drop data 2"}, ok: true, set: func(c *stackprobe.Config) { c.Conns = 2 }},
	{name: "two-delays", bytes: 100, ok: true, set: func(c *stackprobe.Config) {
		c.Delay, c.DelayServer = 5*time.Millisecond, new(80*time.Millisecond)
	}},
	{name: "mtu-576", bytes: 3000, ok: true, set: func(c *stackprobe.Config) { c.MTU = 576 }},
}

// config returns the configuration of l.
func (l *lesson) config(t testing.TB) stackprobe.Config {
	t.Helper()
	c := config(t, l.bytes, l.faults)
	for h, text := range map[event.Host]string{event.Client: l.client, event.Server: l.server} {
		o, err := app.ParseOptions(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Ends[h] = o
	}
	if l.set != nil {
		l.set(&c)
	}
	return c
}

// config returns the memory world's configuration of a lesson.
func config(t testing.TB, bytes int, faults []string) stackprobe.Config {
	return stackprobe.Config{World: stackprobe.Memory, Bytes: bytes, Seed: stackprobe.DefaultSeed, Delay: stackprobe.DefaultDelay, Faults: rules(t, faults...)}
}

// TestGoldenTraces compares the lessons' events as people read them. What the lines leave out, TestSameSeedSameBytes and
// the tests of the schema hold.
func TestGoldenTraces(t *testing.T) {
	for _, l := range lessons {
		t.Run(l.name, func(t *testing.T) {
			var got strings.Builder
			events := collect(t, l.config(t))
			for i := range events {
				if events[i].Kind != event.KindVars {
					got.WriteString(strings.TrimRight(line(&events[i]), " ") + "\n")
				}
			}
			if end := outcome(t, events); end.OK != l.ok {
				t.Errorf("ok is %t: %s", end.OK, end.Reason)
			}
			compareFile(t, filepath.Join("testdata", l.name+".txt"), got.String())
		})
	}
}

func compareFile(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Error(d)
	}
}

// TestSameSeedSameBytes runs every lesson, and transfers with faults in every phase, at several settings of the
// scheduler: the events are the same in every byte.
func TestSameSeedSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runs := append(slices.Clone(lessons),
		lesson{name: "losses", bytes: 100_000, faults: []string{"client> drop data 3-5", "client> drop data 40", "server> drop data 20-22", "server> drop ack 30-60", "drop fin 1"}},
		lesson{name: "crowd", bytes: 8000, faults: []string{"loss 5%", "client> reorder by 2 data 3"}, client: "rack on", server: "rack on cc cubic",
			set: func(c *stackprobe.Config) { c.Conns = 8 }})
	for _, l := range runs {
		var want string
		for _, procs := range []int{1, 2, 8, 1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			var b []byte
			for _, e := range collect(t, l.config(t)) {
				b = append(event.AppendJSON(b, &e), '\n')
			}
			if want == "" {
				want = string(b)
			}
			if want != string(b) {
				t.Fatalf("%s, GOMAXPROCS %d: %s", l.name, procs, cmp.Diff(strings.Split(want, "\n"), strings.Split(string(b), "\n")))
			}
		}
	}
}

// TestSeedChangesTheRun: another seed has other numbers and the same story.
func TestSeedChangesTheRun(t *testing.T) {
	story := func(seed int64) (story []string, iss uint32) {
		c := config(t, 3000, []string{"client> drop data 1"})
		c.Seed = seed
		for _, e := range collect(t, c) {
			if e.Kind == event.KindTx || e.Kind == event.KindLost {
				story = append(story, strings.TrimLeft(line(&e), "0123456789. "))
			}
			if e.Kind == event.KindTx && iss == 0 {
				iss = e.Seg.Seq
			}
		}
		return story, iss
	}
	one, iss1 := story(1)
	two, iss2 := story(2)
	if iss1 == iss2 {
		t.Errorf("both seeds have the initial number %d", iss1)
	}
	if d := cmp.Diff(one, two); d != "" {
		t.Error(d)
	}
}
