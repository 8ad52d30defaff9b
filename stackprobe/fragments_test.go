package stackprobe_test

import (
	"testing"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestFragmentsAreReassembled: what both ends allow to be cut is cut on a narrow link, and put together by the stack at the other end:
// nothing is lost, nobody learns an MTU, and every octet arrives. Without a fragment the segment is lost and repeated.
func TestFragmentsAreReassembled(t *testing.T) {
	for name, c := range map[string]struct {
		config stackprobe.Config
		tun    bool
	}{
		"memory":         {config(t, 30_000, nil), false},
		"kernel client":  {tunConfig(t, 30_000), true},
		"kernel server":  {tunConfig(t, 30_000), true},
		"loss in memory": {config(t, 30_000, []string{"client> drop any 9"}), false},
		"loss on TUN":    {tunConfig(t, 30_000, "client> drop any 9"), true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.tun {
				nstest.Require(t, nstest.Netns, nstest.TUN)
			}
			cfg := c.config
			if name == "kernel server" {
				cfg.Client = stackprobe.Engine
			}
			cfg.Faults = append(rules(t, "mtu 600"), cfg.Faults...)
			for h := range cfg.Ends {
				cfg.Ends[h].DF = app.Off
			}
			var cut [3]int
			lost := 0
			events := collect(t, cfg)
			for _, e := range events {
				switch e.Kind {
				case event.KindFault:
					if e.Fault.Fragments != (e.Seg.Size-20+575)/576 {
						t.Errorf("%d: %d octets in %d fragments", e.N, e.Seg.Size, e.Fault.Fragments)
					}
					cut[e.Host]++
				case event.KindLost:
					lost++
				case event.KindICMP:
					t.Errorf("%d: %v is told an MTU", e.N, e.Host)
				}
			}
			end := outcome(t, events)
			if !end.OK || cut[event.Client] == 0 || cut[event.Server] == 0 {
				t.Errorf("ok is %t (%s), cut %v", end.OK, end.Reason, cut)
			}
			want := 0
			if len(c.config.Faults) > 0 {
				want = 1
			}
			if lost != want || end.Client.Lost != want || want == 1 && end.Client.Retransmitted == 0 {
				t.Errorf("%d lost, want %d; %d repeated", lost, want, end.Client.Retransmitted)
			}
		})
	}
}
