package stackprobe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// kernelSYN returns the client's first segment in a run with these options, and the run's header.
func kernelSYN(t *testing.T, s app.Socket) (*event.Run, event.Segment, []event.Event) {
	t.Helper()
	c := tunConfig(t, 3000)
	c.Ends[event.Client].Socket = s
	events := collect(t, c)
	if end := outcome(t, events); !end.OK {
		t.Fatal(end.Reason)
	}
	for _, e := range events {
		if e.Kind == event.KindTx && e.Host == event.Client {
			return events[0].Run, e.Seg, events
		}
	}
	t.Fatal("the client has sent nothing")
	return nil, event.Segment{}, nil
}

// TestKernelOptions: what a kernel's socket and its namespace are asked for is on the wire.
func TestKernelOptions(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	const all = event.OptMSS | event.OptWScale | event.OptSackPermitted | event.OptTimestamps
	for _, tt := range []struct {
		name   string
		socket app.Socket
		has    event.OptionSet
		mss    uint16
		cc     string
		repair string
	}{
		{"none", app.Socket{}, all, 1460, "reno", "RACK-TLP"},
		{"mss", app.Socket{MSS: 500}, all, 500, "reno", "RACK-TLP"},
		{"scaling off", app.Socket{WindowScaling: app.Off}, all &^ event.OptWScale, 1460, "reno", "RACK-TLP"},
		{"sack off", app.Socket{SACK: app.Off}, all &^ event.OptSackPermitted, 1460, "reno", "RFC 6582"},
		{"timestamps off, cubic", app.Socket{Timestamps: app.Off, Congestion: "cubic"}, all &^ event.OptTimestamps, 1460, "cubic", "RACK-TLP"},
		{"rack off, buffers, keepalive", app.Socket{RACK: app.Off, RcvBuf: 20000, SndBuf: 20000, Nagle: app.Off, DelayedAck: app.Off,
			Keepalive: 10 * time.Second, KeepaliveEvery: time.Second, KeepaliveCount: 3, UserTimeout: time.Minute}, all, 1460, "reno", "RFC 6675"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run, syn, _ := kernelSYN(t, tt.socket)
			if syn.Opts.Has != tt.has || syn.Opts.MSS != tt.mss || run.Client.CC != tt.cc || run.Client.Recovery != tt.repair || len(run.Unpinned) > 0 {
				t.Errorf("options %b, MSS %d, %+v, unpinned %v", syn.Opts.Has, syn.Opts.MSS, run.Client, run.Unpinned)
			}
		})
	}
}

// TestKernelRefusesOptions: what a kernel cannot do is refused at creation, by the option's word.
func TestKernelRefusesOptions(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, tt := range []struct {
		option string
		socket app.Socket
		why    string
	}{
		{"time-wait", app.Socket{TimeWait: time.Second}, "60 seconds"},
		{"keepalive", app.Socket{Keepalive: 1500 * time.Millisecond}, "whole seconds"},
		{"user-timeout", app.Socket{UserTimeout: time.Microsecond}, "milliseconds"},
		{"cc", app.Socket{Congestion: "nosuch"}, "nosuch is not in this kernel; it has "},
		{"rcvbuf", app.Socket{RcvBuf: 1 << 29}, "SO_RCVBUF takes at most "},
	} {
		c := tunConfig(t, 0)
		c.Client = stackprobe.Engine
		c.Ends[event.Server].Socket = tt.socket
		var got error
		for _, err := range stackprobe.Run(context.Background(), c) {
			got = err
		}
		refused, ok := errors.AsType[*app.Unsupported](got)
		end, at := errors.AsType[*stackprobe.EndError](got)
		if !ok || !at || refused.Option != tt.option || !strings.Contains(refused.Why, tt.why) || end.Host != event.Server {
			t.Errorf("%s: %v", tt.option, got)
		}
	}
}

// TestKernelTimersAndCounters: a run in which nothing is lost tells of the timers that ran and what the kernel counted.
func TestKernelTimersAndCounters(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	_, _, events := kernelSYN(t, app.Socket{})
	armed, counted := make(map[event.TimerKind]bool), make(map[string]uint64)
	for _, e := range events {
		switch {
		case e.Host != event.Client:
		case e.Kind == event.KindTimer && e.Timer.Op == event.Armed:
			armed[e.Timer.Kind] = true
			if e.Timer.At <= e.T-int64(10*time.Millisecond) || e.Timer.How == 0 {
				t.Errorf("event %d: %+v", e.N, e.Timer)
			}
		case e.Kind == event.KindCounters:
			for _, c := range e.Counters {
				counted[c.Name] = c.Value
			}
		}
	}
	if !armed[event.TimerSyn] || !armed[event.TimerTimeWait] {
		t.Errorf("timers %v", armed)
	}
	if counted["TcpActiveOpens"] != 1 || counted["TcpOutSegs"] == 0 || counted["TcpRetransSegs"] != 0 {
		t.Errorf("counters %v", counted)
	}
}

// TestKernelWithoutDelayedAck: each segment of data that arrives alone is acknowledged at once, on IPv4 and IPv6, and no timer of
// delayed acknowledgements ever sends.
func TestKernelWithoutDelayedAck(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, ipv6 := range []bool{false, true} {
		for _, delayed := range []app.Switch{app.On, app.Off} {
			c := tunConfig(t, 0)
			c.Client, c.IPv6 = stackprobe.Engine, ipv6
			c.Ends[event.Client] = app.Options{Role: app.RoleSource, Bytes: 100, HasBytes: true, EndAfter: 300 * time.Millisecond}
			c.Ends[event.Server] = app.Options{Role: app.RoleSink, Socket: app.Socket{DelayedAck: delayed}}
			late := false
			for _, e := range collect(t, c) {
				late = late || e.Kind == event.KindTx && e.Host == event.Server && e.Evidence&event.DelayedAck != 0
			}
			if late != (delayed == app.On) {
				t.Errorf("IPv6 %t, delayed %v: a timer has sent an acknowledgment: %t", ipv6, delayed, late)
			}
		}
	}
}
