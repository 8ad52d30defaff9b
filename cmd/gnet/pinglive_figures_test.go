package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/ping"
)

// answers plays n answers of a host, whose round trips grow from lo by step.
func (s *liveScript) answers(host, n int, lo, step time.Duration) {
	for i := range n {
		at := time.Duration(i) * time.Second
		s.put(host, at, ping.Event{Kind: ping.Sent, Seq: int64(i + 1)})
		s.put(host, at, ping.Event{Kind: ping.Reply, Seq: int64(i + 1), RTT: lo + time.Duration(i)*step, Source: ping.KernelKernel, From: s.record.tracks[host].addr})
	}
}

// screenOf shows a view on a screen of that size, after keys.
func screenOf(t *testing.T, v live.View, w, h int, keys ...string) []string {
	t.Helper()
	s, err := live.Simulate(v, live.Options{}, w, h)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Press(keys...)
	return strings.Split(s.Text(), "\n")
}

// addressed are n hosts without names.
func addressed(n int) (hosts []pingHost) {
	for i := range n {
		hosts = append(hosts, pingHost{addr: netip.AddrFrom4([4]byte{127, 0, 0, byte(i + 1)})})
	}
	return hosts
}

// TestPingLive_figuresWhole: no figure is cut where there is room for it, whatever its size: half a number is another one.
func TestPingLive_figuresWhole(t *testing.T) {
	one := func(lo, step time.Duration) *pingView {
		s := newLiveScript(addressed(1)...)
		s.answers(0, 30, lo, step)
		return newPingView(s.record, "56 data bytes, every 1 s")
	}
	for _, tt := range []struct {
		w, h int
		v    *pingView
		want []string
	}{
		{80, 24, one(2345, 1234), []string{
			"rtt ms  last 0.0381  min 0.0023  avg 0.0202  max 0.0381  mdev 0.0107",
			"p50 0.0196  p90 0.0346  p95 0.0371  p99 0.0381  p99.9 0.0381  jitter 0.0010"}},
		{40, 24, one(2345, 1234), []string{
			"rtt ms  last 0.0381  min 0.0023", "avg 0.0202  max 0.0381  mdev 0.0107",
			"p50 0.0196  p90 0.0346  p95 0.0371", "p99 0.0381  p99.9 0.0381  jitter 0.0010"}},
		{40, 10, one(2345, 1234), []string{"rtt ms  last 0.0381  min 0.0023"}},
		{40, 10, one(12*time.Millisecond, 0), []string{"rtt ms  last 12.0  min 12.0  avg 12.0"}},
	} {
		rows := screenOf(t, tt.v, tt.w, tt.h)
		if diff := cmp.Diff(tt.want, rows[2:2+len(tt.want)]); diff != "" {
			t.Errorf("%dx%d (-want +got)\n%s", tt.w, tt.h, diff)
		}
	}
}

// TestPingLive_worst: a host to which nothing can be sent is worse than one that loses little, and one that answers less is worse than one that
// answers more slowly. What has not left has no loss.
func TestPingLive_worst(t *testing.T) {
	s := newLiveScript(addressed(3)...)
	s.answers(0, 4, 5*time.Microsecond, 0)
	for seq := range int64(4) {
		s.put(1, 0, ping.Event{Kind: ping.NotSent, Seq: seq + 1, Err: unix.ENETUNREACH})
		s.put(2, 0, ping.Event{Kind: ping.Sent, Seq: seq + 1})
	}
	s.put(2, 0, ping.Event{Kind: ping.Reply, Seq: 1, RTT: time.Second, Source: ping.KernelKernel, From: s.record.tracks[2].addr})
	s.record.settle(time.Minute)
	want := []string{
		"host, worst first            sent  loss   last    avg    p99 trend",
		"127.0.0.2                       0     -      -      -      -                ----",
		"127.0.0.3                       4   75%   1000   1000   1000                ▅xxx",
		"127.0.0.1                       4    0% 0.0050 0.0050 0.0050                ▅▅▅▅",
	}
	if diff := cmp.Diff(want, screenOf(t, newPingView(s.record, "56 data bytes"), 80, 24)[2:6]); diff != "" {
		t.Error("(-want +got)\n" + diff)
	}
}

// TestPingLive_scaleKeys: z shows the linear scale at once, also where the logarithmic one is shown.
func TestPingLive_scaleKeys(t *testing.T) {
	screen := func(keys ...string) []string {
		s := newLiveScript(addressed(1)...)
		s.answers(0, 40, 30*time.Millisecond, time.Millisecond)
		return screenOf(t, newPingView(s.record, "56 data bytes"), 80, 24, keys...)
	}
	if diff := cmp.Diff(screen("z"), screen("l", "z")); diff != "" {
		t.Errorf("z (-in the linear scale +in the logarithmic one)\n%s", diff)
	}
	if diff := cmp.Diff(screen(), screen("z", "l", "z")); diff != "" {
		t.Errorf("z from the logarithmic scale does not begin at zero again (-want +got)\n%s", diff)
	}
}

// TestPingLive_shortHistogram: where the doublings have no room for all, the last row says so, and nothing else.
func TestPingLive_shortHistogram(t *testing.T) {
	s := newLiveScript(addressed(1)...)
	s.answers(0, 9, 50*time.Microsecond, 3*time.Millisecond)
	rows := screenOf(t, newPingView(s.record, "56 data bytes"), 60, 10, "h")
	last := slices.IndexFunc(rows, func(row string) bool { return strings.Contains(row, "longer") })
	if last < 0 || rows[last] != "the longer ones have no room here" {
		t.Errorf("the histogram is\n%s", strings.Join(rows, "\n"))
	}
}

// TestDrawingHead: the head of the view and of the picture says when probes leave.
func TestDrawingHead(t *testing.T) {
	for _, tt := range []struct {
		set  func(*pingOptions)
		want string
	}{
		{func(o *pingOptions) {}, "56 data bytes, every 1 s"},
		{func(o *pingOptions) { o.Interval = 2 * time.Millisecond }, "56 data bytes, every 0.002 s"},
		{func(o *pingOptions) { o.Adaptive = true }, "56 data bytes, as answers come"},
		{func(o *pingOptions) { o.Flood = true }, "56 data bytes, as answers come"},
	} {
		o := defaultPing()
		tt.set(&o)
		if got := drawingHead(&o); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// TestPingDrawing_missing: names without an address are counted where the hosts are.
func TestPingDrawing_missing(t *testing.T) {
	o := defaultPing()
	o.Live = true
	r := &manyRun{o: &o, targets: &targetList{found: []manyTarget{{Addr: netip.MustParseAddr("127.0.0.1")}}, missing: make([]manyTarget, 2)}}
	d, err := r.drawing()
	if err != nil || d.head != "56 data bytes, every 1 s, 2 not found" {
		t.Errorf("%q, %v", d.head, err)
	}
}

// TestWatch_detailScreens: PgDn and PgUp move the details of a socket by a screen but one row.
func TestWatch_detailScreens(t *testing.T) {
	shows := func(keys ...string) string {
		x := newWatchScript(fixedSockets())
		x.read()
		x.view.openDetail(x.view.current())
		x.read()
		return strings.Join(screenOf(t, x.view, 20, 6, keys...), "\n")
	}
	down := []string{"Down", "Down", "Down"} // of four rows
	for _, tt := range []struct{ keys, same []string }{
		{[]string{"PgDn"}, down},
		{[]string{"PgDn", "PgDn"}, append(down, down...)},
		{[]string{"G", "PgUp"}, []string{"G", "Up", "Up", "Up"}},
		{[]string{"PgDn", "PgUp"}, nil},
	} {
		if diff := cmp.Diff(shows(tt.same...), shows(tt.keys...)); diff != "" {
			t.Errorf("%v (-%v +got)\n%s", tt.keys, tt.same, diff)
		}
	}
	if shows("G") == shows(append(down, down...)...) {
		t.Error("the details end after two screens: the test tells nothing")
	}
}
