package link_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// fates sends n packets of 40 octets each way, a millisecond apart, and tells which of each end's were lost and how long
// the others were on their way.
func fates(t testing.TB, seed int64, n int, only event.Host, rules ...string) (lost [3][]bool, took [3][]time.Duration) {
	t.Helper()
	loop := vclock.NewVirtual()
	number := map[int]int{}
	var left [3][]time.Duration
	l := link.New(link.Config{Clock: loop, Rules: parseRules(t, rules...), Seed: seed, Sink: func(e *event.Event) {
		h := e.Host
		switch e.Kind {
		case event.KindTx:
			number[e.Seg.ID] = len(left[h])
			left[h] = append(left[h], time.Duration(e.T))
			lost[h], took[h] = append(lost[h], false), append(took[h], 0)
		case event.KindLost:
			lost[h][number[e.Seg.ID]] = true
		case event.KindRx:
			h = h.Peer()
			i := number[e.Seg.ID]
			took[h][i] = time.Duration(e.T) - left[h][i]
		}
	}})
	for h := event.Client; h <= event.Server; h++ {
		l.Attach(h, nowhere{})
	}
	there := packet(t, client, server, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, "")
	back := packet(t, server, client, wire.TCPFields{Seq: 1, Flags: wire.ACK}, wire.TCPOptions{}, "")
	b := bench{loop: loop}
	for i := range n {
		at := time.Duration(i) * time.Millisecond
		loop.At(at, func() {
			if only != event.Server {
				l.Send(event.Client, at, append([]byte(nil), there...), link.Sent{})
			}
			if only != event.Client {
				l.Send(event.Server, at, append([]byte(nil), back...), link.Sent{})
			}
		})
	}
	b.run()
	return lost, took
}

type nowhere struct{}

func (nowhere) Deliver([]byte) {}

// within fails the test if got is further from want than five standard deviations of a mean of n draws whose standard
// deviation is sigma: once in two million seeds.
func within(t *testing.T, what string, got, want, sigma float64, n int) {
	t.Helper()
	if bound := 5 * sigma / math.Sqrt(float64(n)); math.Abs(got-want) > bound {
		t.Errorf("%s: %v, want %v within %v", what, got, want, bound)
	}
}

func share(of []bool) float64 {
	n := 0
	for _, is := range of {
		if is {
			n++
		}
	}
	return float64(n) / float64(len(of))
}

func TestLossRate(t *testing.T) {
	const n = 50_000 // each way
	for text, p := range map[string]float64{"loss 0.5%": 0.005, "loss 5%": 0.05, "loss 50%": 0.5, "loss 99.9%": 0.999} {
		lost, _ := fates(t, 7, n, event.None, text)
		within(t, text+" of the client's", share(lost[event.Client]), p, math.Sqrt(p*(1-p)), n)
		within(t, text+" of the server's", share(lost[event.Server]), p, math.Sqrt(p*(1-p)), n)
		// The directions draw apart: that both are lost is the product of both.
		both := make([]bool, n)
		for i := range both {
			both[i] = lost[event.Client][i] && lost[event.Server][i]
		}
		within(t, text+" of both", share(both), p*p, math.Sqrt(p*p*(1-p*p)), n)
	}
}

// TestBursts: how many are lost, how many bursts there are, and how long they are, as the model says.
func TestBursts(t *testing.T) {
	const n, p, r = 100_000, 0.02, 0.25
	lost, _ := fates(t, 3, n, event.Client, "burst 2%,25%")
	bursts, length := 0, 0
	for i, is := range lost[event.Client] {
		if is {
			length++
			if i == 0 || !lost[event.Client][i-1] {
				bursts++
			}
		}
	}
	// A burst is a geometric variable of mean 1/r and deviation sqrt(1-r)/r.
	within(t, "length of a burst", float64(length)/float64(bursts), 1/r, math.Sqrt(1-r)/r, bursts)
	// The losses of a chain are not independent: the variance of their share is larger by (2-p-r)/(p+r).
	pi := p / (p + r)
	within(t, "share of lost packets", share(lost[event.Client]), pi, math.Sqrt(pi*(1-pi)*(2-p-r)/(p+r)), n)
}

func TestJitter(t *testing.T) {
	const n = 20_000
	_, took := fates(t, 5, n, event.Client, "delay 50ms jitter 20ms")
	low, high, sum := time.Hour, time.Duration(0), 0.0
	overtaken := 0
	for i, d := range took[event.Client] {
		low, high, sum = min(low, d), max(high, d), sum+d.Seconds()
		if i > 0 && d+time.Millisecond < took[event.Client][i-1] {
			overtaken++
		}
	}
	within(t, "mean", sum/n, 0.050, 0.040/math.Sqrt(12), n)
	// With n draws the extremes are nearer to the bounds than 1/1000 of the range, but for one run in 10^8.
	if low < 30*time.Millisecond || low > 30040*time.Microsecond || high > 70*time.Millisecond || high < 69960*time.Microsecond {
		t.Errorf("from %v to %v, want 30ms to 70ms", low, high)
	}
	if overtaken == 0 {
		t.Error("jitter above the distance of packets reorders none")
	}
}

// TestDrawsAreOfTheSeed: equal seeds give equal faults; another seed, another direction's packets or another rule before
// gives others, or the same, as it should.
func TestDrawsAreOfTheSeed(t *testing.T) {
	const n = 2000
	const rule = "loss 30%"
	lost, _ := fates(t, 1, n, event.None, rule)
	again, _ := fates(t, 1, n, event.None, rule)
	if d := cmp.Diff(lost, again); d != "" {
		t.Errorf("same seed: %s", d)
	}
	alone, _ := fates(t, 1, n, event.Client, rule)
	if d := cmp.Diff(lost[event.Client], alone[event.Client]); d != "" {
		t.Errorf("the server's packets move what the client's meet: %s", d)
	}
	behind, _ := fates(t, 1, n, event.None, rule, "delay 1ms jitter 1ms", "burst 1%,50% fin")
	if d := cmp.Diff(lost, behind); d != "" {
		t.Errorf("rules behind move the draws of one before: %s", d)
	}
	for name, other := range map[string][]bool{"the other direction": lost[event.Server], "another seed": first(fates(t, 2, n, event.None, rule))[event.Client],
		"another place": first(fates(t, 1, n, event.None, "corrupt fin", rule))[event.Client]} {
		same := 0
		for i := range other {
			if other[i] == lost[event.Client][i] {
				same++
			}
		}
		within(t, "agreement with "+name, float64(same)/n, 0.3*0.3+0.7*0.7, 0.5, n)
	}
}

func first[A, B any](a A, _ B) A { return a }

// TestRateIsArithmetic compares what a queue does with a list of the moments at which its packets are done.
func TestRateIsArithmetic(t *testing.T) {
	const n, queue = 2000, 7
	// 40 octets take 1.28 ms at 250 kbit/s, and one comes every millisecond: the queue fills, then loses.
	lost, took := fates(t, 1, n, event.Client, "rate 250k queue 7")
	var done []time.Duration
	for i := range n {
		at := time.Duration(i) * time.Millisecond
		waiting := 0
		for _, d := range done {
			if d > at {
				waiting++
			}
		}
		if full := waiting > queue; full != lost[event.Client][i] {
			t.Fatalf("packet %d: lost is %t with %d in the queue", i, lost[event.Client][i], waiting)
		} else if full {
			continue
		}
		end := at
		if len(done) > 0 {
			end = max(at, done[len(done)-1])
		}
		end += 1280 * time.Microsecond
		done = append(done, end)
		if took[event.Client][i] != end-at {
			t.Fatalf("packet %d took %v, want %v", i, took[event.Client][i], end-at)
		}
	}
	if share(lost[event.Client]) < 0.2 {
		t.Error("nothing to speak of was lost")
	}
}
