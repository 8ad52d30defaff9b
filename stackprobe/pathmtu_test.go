package stackprobe_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe/event"
)

// TestEngineLearnsThePathMTU: after a router's message (RFC 1191) the engine sends what fits, and the exchange goes on;
// also when the path becomes narrower in mid-run, and again.
func TestEngineLearnsThePathMTU(t *testing.T) {
	for name, tt := range map[string]struct {
		faults []string
		ipv6   bool
		mtu    []int // of the messages, each run of equal ones once
	}{
		"from the start":   {[]string{"mtu 1000"}, false, []int{1000}},
		"one direction":    {[]string{"server> mtu 600"}, false, []int{600}},
		"in mid-run":       {[]string{"mtu 1000 at 150ms"}, false, []int{1000}},
		"narrower, slowly": {[]string{"mtu 1200 at 100ms", "mtu 800 at 250ms"}, false, []int{1200, 800}},
		"IPv6":             {[]string{"mtu 1280 at 100ms"}, true, []int{1280}},
	} {
		t.Run(name, func(t *testing.T) {
			limit := [3]int{1500, 1500, 1500}
			var seen []int
			c := config(t, 200_000, tt.faults)
			c.IPv6 = tt.ipv6
			events := collect(t, c)
			for _, e := range events {
				switch e.Kind {
				case event.KindICMP:
					limit[e.Host] = e.ICMP.MTU
					if len(seen) == 0 || seen[len(seen)-1] != e.ICMP.MTU {
						seen = append(seen, e.ICMP.MTU)
					}
				case event.KindTx:
					if e.Seg.Size > limit[e.Host] {
						t.Errorf("%d: %v sends %d octets after a message with MTU %d", e.N, e.Host, e.Seg.Size, limit[e.Host])
					}
				case event.KindLost:
					if e.Fault.Action != event.MTU || e.Seg.Size <= 600 {
						t.Errorf("%d: lost %+v of %d octets", e.N, e.Fault, e.Seg.Size)
					}
				}
			}
			if end := outcome(t, events); !end.OK {
				t.Errorf("failed: %s", end.Reason)
			}
			if d := cmp.Diff(tt.mtu, seen); d != "" {
				t.Errorf("MTUs that were told: %s", d)
			}
		})
	}
}

// TestKernelLearnsThePathMTU: a kernel believes the link's router, over both versions of IP. Its full segments do not
// pass, so the exchange ends well only if it does.
func TestKernelLearnsThePathMTU(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for name, ipv6 := range map[string]bool{"IPv4": false, "IPv6": true} {
		t.Run(name, func(t *testing.T) {
			c := tunConfig(t, 30_000, "client> mtu 1300")
			c.IPv6 = ipv6
			messages := 0
			events := collect(t, c)
			for _, e := range events {
				if e.Kind == event.KindICMP && e.Host == event.Client && e.ICMP.MTU == 1300 {
					messages++
				}
			}
			if end := outcome(t, events); !end.OK || messages == 0 || end.Client.Lost != messages {
				t.Errorf("ok is %t (%s), %d lost, %d messages", end.OK, end.Reason, end.Client.Lost, messages)
			}
		})
	}
}
