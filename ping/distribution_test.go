package ping

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/ping/probe"
)

// Every time lies in its bucket, buckets follow each other without a gap, and
// none is wider than was promised.
func TestDistribution_buckets(t *testing.T) {
	for i := range buckets - 1 {
		from, to := bucketStart(i), bucketStart(i+1)
		if to <= from || from >= 128 && 64*(to-from) > from || from < 128 && to != from+1 {
			t.Fatalf("bucket %d is from %d to %d", i, from, to)
		}
		for _, ns := range []time.Duration{from, to - 1} {
			if got := bucketOf(int64(ns)); got != i {
				t.Fatalf("%d ns is in bucket %d, want %d", ns, got, i)
			}
		}
	}
	if got := bucketOf(longest + 1000); got != buckets-1 || bucketStart(buckets) != longest+1 {
		t.Errorf("the last bucket is %d and ends at %d, want %d and %d", got, bucketStart(buckets), buckets-1, longest+1)
	}
	if got := bucketOf(-5); got != 0 {
		t.Errorf("a negative time is in bucket %d", got)
	}
}

// Quantiles are those of the sorted times, within the bound.
func TestDistribution_Quantile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var d Distribution
	if got, ok := d.Quantile(0.5); ok {
		t.Errorf("the median of nothing is %v", got)
	}
	var all []time.Duration
	for range 10001 {
		rtt := time.Duration(random.ExpFloat64() * 3e6)
		all = append(all, rtt)
		d.Add(rtt, KernelKernel)
	}
	slices.Sort(all)
	for _, q := range []float64{0, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
		want := all[max(1, ceil(q*float64(len(all))))-1]
		got, ok := d.Quantile(q)
		if off := (got - want).Abs(); !ok || float64(off) > 0.008*float64(want)+1 {
			t.Errorf("quantile %v is %v, %v; want %v", q, got, ok, want)
		}
	}
	for _, q := range []float64{-0.1, 1.1} {
		if got, ok := d.Quantile(q); ok {
			t.Errorf("quantile %v is %v", q, got)
		}
	}
}

// The rank of a percentile is not one too many because 0.95 is no binary number.
func TestDistribution_rank(t *testing.T) {
	var d Distribution
	for i := range 100 {
		d.Add(time.Duration(i+1), UserUser)
	}
	var got []time.Duration
	for _, q := range []float64{0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1} {
		rtt, _ := d.Quantile(q)
		got = append(got, rtt)
	}
	if diff := cmp.Diff([]time.Duration{1, 7, 50, 90, 95, 99, 100, 100}, got); diff != "" {
		t.Errorf("quantiles (-want +got)\n%s", diff)
	}
}

func TestDistribution_Jitter(t *testing.T) {
	var d Distribution
	want := 0.0
	last := 0.0
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 2000 {
		rtt := time.Duration(5e6 + random.Float64()*1e6)
		d.Add(rtt, KernelKernel)
		if i > 0 {
			apart := float64(rtt) - last
			want += (max(apart, -apart) - want) / 16 // RFC 3550, section 6.4.1
		}
		last = float64(rtt)
		got, ok := d.Jitter()
		if off := float64(got) - want; ok != (i > 0) || max(off, -off) > 2 {
			t.Fatalf("after %d answers: jitter %d, %v; want %.1f", i+1, got, ok, want)
		}
	}
}

func TestDistribution_Histogram(t *testing.T) {
	var d Distribution
	for _, rtt := range []time.Duration{1000, 1100, 1100, 2500, 5000} {
		d.Add(rtt, KernelKernel)
	}
	for _, tt := range []struct {
		perOctave int
		want      []Bucket
	}{
		{1, []Bucket{{512, 1024, 1}, {1024, 2048, 2}, {2048, 4096, 1}, {4096, 8192, 1}}},
		{3, []Bucket{{768, 1024, 1}, {1024, 1536, 2}, {1536, 2048, 0}, {2048, 3072, 1}, {3072, 4096, 0}, {4096, 6144, 1}}},
		{0, []Bucket{{512, 1024, 1}, {1024, 2048, 2}, {2048, 4096, 1}, {4096, 8192, 1}}},
	} {
		if diff := cmp.Diff(tt.want, slices.Collect(d.Histogram(tt.perOctave))); diff != "" {
			t.Errorf("%d parts (-want +got)\n%s", tt.perOctave, diff)
		}
	}
	if got := slices.Collect(new(Distribution).Histogram(4)); got != nil {
		t.Errorf("of nothing: %v", got)
	}
}

// What a run puts into it: first answers, by source, and losses in runs, of which
// a late answer takes one apart and a refusal of our own kernel ends none.
func TestPinger_distribution(t *testing.T) {
	var d Distribution
	c := testConfig(16)
	c.Distribution, c.Wait = &d, time.Second
	_, stats, _ := run(t, c, script{echo: true, answers: map[int][]answer{
		1: {{after: ms}, {after: 3 * ms}}, // the second is a duplicate
		2: {}, 3: {},
		4: {{after: 5 * ms, noStamps: true}},
		5: {}, 6: {{after: 1500 * ms}}, 7: {}, 8: {}, 9: {},
	}, sends: map[int][]sendResult{8: {{err: unix.EPERM}}}})
	type figures struct {
		Received, Count, NotSent, Late      int64
		Runs, Longest                       int64
		Kernel, User, ByDevice, FromTheCall int64
	}
	runs, most := d.LossRuns()
	got := figures{stats.Received, d.Count(), stats.NotSent, stats.Late, runs, most, d.Source(KernelKernel).N, d.Source(UserUser).N,
		d.Source(Device).N, d.Source(UserKernel).N}
	// Probe 8 was not sent: what the script answers as 8 and 9 were probes 9 and 10.
	want := figures{Received: 9, Count: 9, NotSent: 1, Late: 1, Runs: 3, Longest: 3, Kernel: 8, User: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures (-want +got)\n%s", diff)
	}
	if got := d.Source(99); got != (Spread{}) {
		t.Errorf("an unknown source has %+v", got)
	}
}

// The stamps of the network device come first, if they are possible.
func TestPinger_deviceStamps(t *testing.T) {
	stamp := func(ns int64) time.Time { return time.Unix(0, ns) }
	for _, tt := range []struct {
		name              string
		departed, arrived int64
		want              TimeSource
		rtt               time.Duration
	}{
		{"both", 5_000_000_000, 5_009_000_000, Device, 9 * ms},
		{"no transmit stamp", 0, 5_009_000_000, KernelKernel, 10 * ms},
		{"no receive stamp", 5_000_000_000, 0, KernelKernel, 10 * ms},
		{"a clock that runs back", 5_009_000_000, 5_000_000_000, KernelKernel, 10 * ms},
		{"a clock that jumps", 5_000_000_000, 9_000_000_000, KernelKernel, 10 * ms},
	} {
		n := &simNet{t: t, s: script{echo: true}}
		p := New(&stampedNet{simNet: n, departed: stamp(tt.departed), arrived: stamp(tt.arrived)}, n, testConfig(1))
		for ev, err := range p.Run(t.Context()) {
			if err != nil || ev.Source != tt.want || ev.RTT.Round(100*time.Microsecond) != tt.rtt {
				t.Errorf("%s: %v by %v, %v; want %v by %v", tt.name, ev.RTT, ev.Source, err, tt.rtt, tt.want)
			}
		}
	}
}

// stampedNet is a network behind a device that stamps.
type stampedNet struct {
	*simNet
	departed, arrived time.Time
}

func (n *stampedNet) Receive() (*probe.Message, error) {
	m, err := n.simNet.Receive()
	if m == nil {
		return m, err
	}
	at := n.arrived
	if m.Kind == probe.TransmitStamp {
		at = n.departed
	}
	if at.UnixNano() != 0 {
		m.Hardware = at
	}
	return m, err
}
