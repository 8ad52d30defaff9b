package stackprobe_test

import (
	"runtime"
	"testing"

	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// TestSameBytesFiftyTimes: whole runs with random losses, several connections and either way to find losses give the same
// bytes at any number of processors, however often, over either version of IP.
func TestSameBytesFiftyTimes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, change := range map[string]func(*stackprobe.Config){
		"plain":           func(*stackprobe.Config) {},
		"RACK":            func(c *stackprobe.Config) { c.Ends[event.Client].RACK, c.Ends[event.Server].RACK = app.On, app.On },
		"two connections": func(c *stackprobe.Config) { c.Conns = 2 },
		"IPv6":            func(c *stackprobe.Config) { c.IPv6, c.Conns = true, 2 },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t, 20_000, []string{"loss 3%", "client> delay 5ms jitter 5ms", "server> drop synack 1"})
			change(&c)
			var want []byte
			for i := range 50 {
				runtime.GOMAXPROCS([...]int{1, 2, 8}[i%3])
				var b []byte
				for _, e := range collect(t, c) {
					b = append(event.AppendJSON(b, &e), '\n')
				}
				if i == 0 {
					want = b
				}
				if string(b) != string(want) {
					t.Fatalf("run %d has other bytes: %d and %d", i, len(b), len(want))
				}
			}
		})
	}
}
