package path

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// traced tells what a Trace over a simulated path finds, one word for each event.
func traced(t *testing.T, n *simPath, c HopConfig) (string, *Trace) {
	t.Helper()
	c.Target, c.Method, c.Random = n.host(), UDP, rand.New(rand.NewPCG(1, 2)).Uint64
	if c.Size == 0 {
		c.Size = 65535
	}
	if c.MaxHops == 0 {
		c.MaxHops = 12
	}
	trace := NewTrace(n, n, c)
	var words []string
	for ev, err := range trace.Run(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		switch ev.Kind {
		case HopAnswer:
			words = append(words, fmt.Sprintf("%d:%v", ev.TTL, ev.Probe.Fate))
		case HopSilent:
			words = append(words, fmt.Sprintf("%d:silent", ev.TTL))
		case HopNotSent:
			words = append(words, fmt.Sprintf("%d:not_sent", ev.TTL))
		default:
			words = append(words, fmt.Sprintf("%d:%s=%d", ev.TTL, map[HopKind]string{OwnMTU: "own", RouterMTU: "router", SilentMTU: "silence", DoubtfulMTU: "doubtful"}[ev.Kind], ev.MTU))
		}
	}
	return strings.Join(words, " "), trace
}

const steps = "1:own=1500 1:time_exceeded 1:time_exceeded 2:router=1450 2:time_exceeded 3:router=1400 3:time_exceeded 4:answered"

func TestTrace(t *testing.T) {
	measured := func(context.Context) (int, error) { return 1400, nil }
	for _, tt := range []struct {
		name string
		set  func(n *simPath)
		c    HopConfig
		want string
	}{
		{"two steps", nil, HopConfig{}, steps},
		{"twice each, out of order", func(n *simPath) { n.twins, n.jitter = true, 5*ms }, HopConfig{Size: 1500},
			strings.Replace(steps, "1:own=1500 1:time_exceeded ", "", 1)},
		{"a length of one's own", nil, HopConfig{Size: 1000}, "1:time_exceeded 2:time_exceeded 3:time_exceeded 4:answered"},
		{"few hops", nil, HopConfig{MaxHops: 2}, "1:own=1500 1:time_exceeded 1:time_exceeded 2:router=1450 2:time_exceeded"},
		{"a mute router", func(n *simPath) { n.routers[2].mute = true }, HopConfig{}, strings.Replace(steps, "3:time_exceeded", "3:silent", 1)},
		{"black hole, measured", func(n *simPath) { n.routers[1].blind = true }, HopConfig{Measure: measured}, strings.Replace(steps, "3:router", "3:silence", 1)},
		{"black hole, searched", func(n *simPath) { n.routers[1].blind = true }, HopConfig{}, strings.Replace(steps, "3:router", "3:silence", 1)},
		{"black hole, another path measured", func(n *simPath) { n.routers[1].blind = true },
			HopConfig{Measure: func(context.Context) (int, error) { return 1450, nil }}, strings.Replace(steps, "3:router", "3:silence", 1)},
		{"black hole, a wider path measured", func(n *simPath) { n.routers[0].blind, n.routers[1].blind = true, true },
			HopConfig{Measure: func(context.Context) (int, error) { return 1430, nil }},
			"1:own=1500 1:time_exceeded 1:time_exceeded 2:silence=1430 2:time_exceeded 3:silence=1400 3:time_exceeded 4:answered"},
		{"no MTU named", func(n *simPath) { n.routers[1].says = -1 }, HopConfig{}, strings.Replace(steps, "3:router", "3:doubtful=0 3:silence", 1)},
		{"an MTU below all", func(n *simPath) { n.routers[1].says = 20 }, HopConfig{}, strings.Replace(steps, "3:router", "3:doubtful=20 3:silence", 1)},
		{"few errors a second", func(n *simPath) {
			for i := range n.routers {
				n.routers[i].rate = true
			}
		}, HopConfig{}, steps},
		{"a host that is silent", func(n *simPath) { n.deaf = [3]bool{true, true, true} }, HopConfig{MaxHops: 6},
			strings.Replace(steps, "4:answered", "4:silent 5:silent 6:silent", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newSim(probe.IPv4, 1, mtus(1500, 1450, 1400, 1500))
			if tt.set != nil {
				tt.set(n)
			}
			got, _ := traced(t, n, tt.c)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestTrace_loss: one in twenty packets is lost each way. Three probes to a hop are
// lost once in a thousand.
func TestTrace_loss(t *testing.T) {
	wrong := 0
	for seed := range uint64(200) {
		n := newSim(probe.IPv6, seed, mtus(1500, 1500, 1500, 1500))
		n.loss = 0.05
		if got, _ := traced(t, n, HopConfig{Measure: func(context.Context) (int, error) { return 1500, nil }}); !strings.HasSuffix(got, "4:answered") || strings.Contains(got, "silen") {
			wrong++
			t.Log(seed, got)
		}
	}
	if wrong > 2 {
		t.Errorf("%d of 200 runs are wrong", wrong)
	}
}

// TestTrace_lossSteps: what routers say of their links is lost now and then, and what
// comes out is right none the less, MTU and hops.
func TestTrace_lossSteps(t *testing.T) {
	wrong := 0
	for seed := range uint64(200) {
		n := newSim(probe.IPv4, seed, mtus(1500, 1450, 1400, 1300))
		n.loss = 0.05
		got, trace := traced(t, n, HopConfig{Measure: func(context.Context) (int, error) { return 1300, nil }})
		if !strings.HasSuffix(got, "4:answered") || trace.MTU() != 1300 {
			wrong++
			t.Log(seed, trace.MTU(), got)
		}
	}
	if wrong > 2 {
		t.Errorf("%d of 200 runs are wrong", wrong)
	}
}

// TestTrace_lossAlone: without the sockets of ping, a hop that lost the long probes by chance
// is not taken for a black hole.
func TestTrace_lossAlone(t *testing.T) {
	wrong := 0
	for seed := range uint64(400) {
		n := newSim(probe.IPv4, seed, mtus(1500, 1500, 1500, 1500))
		n.loss = 0.08
		got, trace := traced(t, n, HopConfig{})
		if trace.MTU() != 1500 || strings.Contains(got, "silence") {
			wrong++
			t.Log(seed, trace.MTU(), got)
		}
	}
	if wrong > 0 {
		t.Errorf("%d of 400 runs are wrong", wrong)
	}
}

// TestTrace_change: a link that becomes narrower in mid-run is told where that is seen
// first, whether its router says so or not.
func TestTrace_change(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(n *simPath)
		want   string
	}{
		{"a router's link", func(n *simPath) { n.links[1].forward = 1300 }, "1:own=1500 1:time_exceeded 1:time_exceeded 2:time_exceeded 3:time_exceeded " +
			"4:time_exceeded 5:time_exceeded 6:router=1300 6:time_exceeded 7:time_exceeded 8:answered"},
		{"our own link", func(n *simPath) { n.links[0].forward = 1300 }, "1:own=1500 1:time_exceeded 1:time_exceeded 2:time_exceeded 3:time_exceeded " +
			"4:time_exceeded 5:time_exceeded 6:time_exceeded 7:own=1300 7:time_exceeded 8:answered"},
		{"in silence", func(n *simPath) { n.links[1].takes = 1300 }, "1:own=1500 1:time_exceeded 1:time_exceeded 2:time_exceeded 3:time_exceeded " +
			"4:time_exceeded 5:time_exceeded 6:silence=1300 6:time_exceeded 7:time_exceeded 8:answered"},
	} {
		n := newSim(probe.IPv4, 1, mtus(1500, 1500, 1500, 1500, 1500, 1500, 1500, 1500))
		change := 0
		n.forge = func(n *simPath, p *Packet) {
			if p.TTL == 6 && change == 0 {
				change++
				tt.change(n)
			}
		}
		got, trace := traced(t, n, HopConfig{Measure: func(context.Context) (int, error) { return 1300, nil }})
		if diff := cmp.Diff(tt.want, got); diff != "" || trace.MTU() != 1300 {
			t.Errorf("%s: MTU %d (-want +got)\n%s", tt.name, trace.MTU(), diff)
		}
	}
}

// TestTrace_leftErrors: an error that fails a send, and whose report was read before, is not
// our own kernel's refusal. One that comes again is.
func TestTrace_leftErrors(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EHOSTUNREACH, unix.ECONNREFUSED, unix.EMSGSIZE} {
		n := newSim(probe.IPv4, 1, mtus(1500, 1450, 1400, 1500))
		failed := make(map[uint16]bool)
		n.left = func(p *Packet) unix.Errno {
			if failed[p.Number] {
				return 0
			}
			failed[p.Number] = true
			return errno
		}
		if got, _ := traced(t, n, HopConfig{}); got != steps {
			t.Errorf("%v once for each probe: %s", errno, got)
		}
	}
	n := newSim(probe.IPv4, 1, mtus(1500, 1500, 1500))
	n.left = func(p *Packet) unix.Errno {
		if p.TTL == 2 {
			return unix.EHOSTUNREACH
		}
		return 0
	}
	if got, _ := traced(t, n, HopConfig{Size: 1500}); got != "1:time_exceeded 2:not_sent" {
		t.Errorf("no route: %s", got)
	}
}

// TestTrace_gentle: no router is asked more than five times in the first second
// where nothing is lost.
func TestTrace_gentle(t *testing.T) {
	n := newSim(probe.IPv4, 1, mtus(1500, 1450, 1400, 1500, 1500, 1500, 1500, 1500))
	_, trace := traced(t, n, HopConfig{})
	asked := make(map[string]int)
	for _, s := range trace.prober.Probes() {
		if s.From.IsValid() {
			asked[s.From.String()]++
		}
	}
	for host, times := range asked {
		if times > 5 {
			t.Errorf("%s was asked %d times", host, times)
		}
	}
	if trace.Rounds() > 6 {
		t.Errorf("%d rounds for 8 hops", trace.Rounds())
	}
}

// TestProber_numbers: numbers of 16 bits tell more probes apart than there are numbers;
// what comes too late for the probe before is no answer to the one that has its number.
func TestProber_numbers(t *testing.T) {
	n := newSim(probe.IPv4, 1, mtus(1500, 1500))
	cookie := uint64(0)
	p := NewProber(n, n, n.host(), func() uint64 { cookie++; return cookie })
	const each, rounds = 256, 257
	answered := 0
	for range rounds {
		probes, err := p.Round(context.Background(), slices.Repeat([]Packet{{Size: 100}}, each))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range probes {
			if s.Fate == Answered {
				answered++
			}
		}
	}
	n.deliver(0, Answer{Kind: Reply, Number: 7, Cookie: 8, HasCookie: true, From: n.host()})
	if _, err := p.Round(context.Background(), []Packet{{Size: 100}}); err != nil {
		t.Fatal(err)
	}
	if answered != each*rounds || p.Counts().Foreign != 1 || p.Counts().Duplicates != 0 {
		t.Errorf("%d of %d answered, %+v", answered, each*rounds, p.Counts())
	}
}
