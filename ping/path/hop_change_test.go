package path

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/ping/probe"
)

// rounds asks the hops of a trace n times more.
func rounds(t *testing.T, trace *Trace, n int) {
	t.Helper()
	for _, err := range trace.Repeat(context.Background(), n) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hopsNow tells of each hop who answered how many of how many probes.
func hopsNow(trace *Trace) string {
	var words []string
	for _, h := range trace.Hops() {
		word := fmt.Sprintf("%d:", h.TTL)
		for _, host := range h.Hosts {
			word += fmt.Sprintf("%v=%d@%v ", host.Addr, host.Answered, host.Mean.Round(ms))
		}
		word += fmt.Sprintf("%d/%d", h.Answered, h.Sent)
		if h.Beyond {
			word += " beyond"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// TestRepeat_pathChanges: hops that are new are asked, also behind a silent one; those behind the end of a path that has become shorter are
// not, and their losses are those of the time when they were on it.
func TestRepeat_pathChanges(t *testing.T) {
	n := newSim(probe.IPv4, 1, mtus(1500, 1500, 1500))
	_, trace := traced(t, n, HopConfig{Size: 1500})
	rounds(t, trace, 4)
	links, routers := n.links, n.routers
	n.links = mtus(1500, 1500, 1500, 1500, 1500)
	n.routers = append(slices.Clone(routers), simRouter{}, simRouter{mute: true})
	rounds(t, trace, 5)
	const longer = "1:198.51.100.1=10@4ms 10/10, 2:198.51.100.2=10@8ms 10/10, 3:192.0.2.9=5@12ms 198.51.100.3=5@12ms 10/10, 4:0/4, 5:192.0.2.9=4@20ms 4/4"
	if diff := cmp.Diff(longer, strings.Replace(hopsNow(trace), ", 6:192.0.2.9=1@20ms 1/1 beyond", "", 1)); diff != "" {
		t.Errorf("longer (-want +got):\n%s", diff)
	}
	if r := trace.Reached(); r == nil || r.TTL != 5 {
		t.Errorf("the host is reached at %+v", r)
	}
	n.links, n.routers = links, routers
	rounds(t, trace, 3)
	const shorter = "1:198.51.100.1=13@4ms 13/13, 2:198.51.100.2=13@8ms 13/13, 3:192.0.2.9=8@12ms 198.51.100.3=5@12ms 13/13, 4:192.0.2.9=1@12ms 1/5 beyond, 5:192.0.2.9=5@18ms 5/5 beyond"
	if diff := cmp.Diff(shorter, strings.Replace(hopsNow(trace), ", 6:192.0.2.9=1@20ms 1/1 beyond", "", 1)); diff != "" {
		t.Errorf("shorter (-want +got):\n%s", diff)
	}
}

// TestRepeat_folds: after many rounds little is kept, and nothing is lost of the figures.
func TestRepeat_folds(t *testing.T) {
	n := newSim(probe.IPv4, 1, mtus(1500, 1500, 1500, 1500))
	_, trace := traced(t, n, HopConfig{Size: 1500})
	first := trace.Reached()
	n.loss = 0.1
	answered := make([]int, 5)
	for range 7 {
		rounds(t, trace, 1000)
		for _, probes := range trace.hops {
			if len(probes) > 2*keptOfHop {
				t.Fatalf("%d probes of one hop are kept", len(probes))
			}
		}
		if kept := len(trace.prober.table); kept > 2*keptInAll {
			t.Fatalf("%d probes are kept", kept)
		}
	}
	for _, h := range trace.Hops() {
		sent := 0
		for i := range n.sent {
			if n.sent[i].TTL == h.TTL {
				sent++
			}
		}
		answered[h.TTL] = h.Answered
		if h.Sent != sent || h.Hosts[0].Answered != h.Answered || h.Mean != time.Duration(h.TTL)*4*ms+13*time.Microsecond {
			t.Errorf("%d probes were sent: %+v", sent, h)
		}
	}
	for ttl, n := range answered[1:] {
		if n < 5500 || n > 5800 {
			t.Errorf("hop %d answered %d of 7001, of which a tenth was lost on each way", ttl+1, n)
		}
	}
	if got := trace.Reached(); got != first || !trace.Heard() {
		t.Errorf("reached %+v, before %+v", got, first)
	}
	if late := trace.prober.numbered(first.Number); late == first {
		t.Error("a probe that is forgotten is found")
	}
}

// TestHop_manyHosts: of a hop where ever new hosts answer not all are kept, and none is lost.
func TestHop_manyHosts(t *testing.T) {
	h := foldedHop{}
	for i := range 1000 {
		h.take(&Probe{Fate: Exceeded, From: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Round: i}, 1500)
	}
	if len(h.Hosts) != maxHopHosts || len(h.From) != maxHopHosts || h.Others != 1000-maxHopHosts || h.Answered != 1000 {
		t.Errorf("%d hosts, %d others of %d", len(h.Hosts), h.Others, h.Answered)
	}
}
