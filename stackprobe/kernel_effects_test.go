package stackprobe_test

import (
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// effects are what a run has shown of one end.
type effects struct {
	end      *event.End
	counted  map[string]uint64
	evidence map[event.Evidence]int // by each single kind
	flags    map[event.Flags]int
	repeated int
	errors   map[string]int
	armed    []event.Event
}

func effectsOf(t *testing.T, c stackprobe.Config, h event.Host) *effects {
	t.Helper()
	events := collect(t, c)
	f := &effects{end: outcome(t, events), counted: make(map[string]uint64), evidence: make(map[event.Evidence]int), flags: make(map[event.Flags]int), errors: make(map[string]int)}
	for _, e := range events {
		switch {
		case e.Host != h:
		case e.Kind == event.KindCounters:
			for _, c := range e.Counters {
				f.counted[c.Name] = c.Value
			}
		case e.Kind == event.KindApp && e.App.Err != "":
			f.errors[e.App.Err]++
		case e.Kind == event.KindTimer && e.Timer.Op == event.Armed:
			f.armed = append(f.armed, e)
		case e.Kind == event.KindTx:
			for bit := event.Evidence(1); bit <= e.Evidence; bit <<= 1 {
				if e.Evidence&bit != 0 {
					f.evidence[bit]++
				}
			}
			f.flags[e.Seg.Flags]++
			if e.Derived.Repeat {
				f.repeated++
			}
		}
	}
	return f
}

// kernelServer is a run whose server is the kernel, set up so.
func kernelServer(t *testing.T, s app.Socket, conns int) stackprobe.Config {
	c := tunConfig(t, 1000)
	c.Client, c.Conns = stackprobe.Engine, conns
	c.Ends[event.Server].Socket = s
	return c
}

// TestKernelCookies: with cookies a listener answers every SYN with one; without them it never does, and a SYN that finds the queue full is
// dropped.
func TestKernelCookies(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	const sent, received, drops, instead = "TcpExtSyncookiesSent", "TcpExtSyncookiesRecv", "TcpExtTCPReqQFullDrop", "TcpExtTCPReqQFullDoCookies"
	for _, tt := range []struct {
		name    string
		socket  app.Socket
		conns   int
		cookies bool
		drops   bool
	}{
		{"always", app.Socket{Cookies: app.On}, 2, true, false},
		{"when the queue is full", app.Socket{Backlog: 1}, 6, true, false},
		{"never", app.Socket{Backlog: 1, Cookies: app.Off}, 6, false, true},
		{"a long queue", app.Socket{Backlog: 50}, 6, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := effectsOf(t, kernelServer(t, tt.socket, tt.conns), event.Server)
			if !f.end.OK {
				t.Error(f.end.Reason)
			}
			if got := f.counted[sent] > 0 && f.counted[received] > 0 && f.evidence[event.SentCookie] > 0 && f.counted[instead] > 0; got != tt.cookies {
				t.Errorf("cookies: %t; counters %v", got, f.counted)
			}
			if f.counted[drops] > 0 != tt.drops || !tt.cookies && f.evidence[event.SentCookie] > 0 {
				t.Errorf("counters %v, evidence of %d cookies", f.counted, f.evidence[event.SentCookie])
			}
		})
	}
}

// TestKernelAborts: a linger time of 0 ends a connection with one RST and no FIN, and the state says so.
func TestKernelAborts(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, world := range []stackprobe.World{stackprobe.Tun, stackprobe.Veth} {
		c := tunConfig(t, 1000)
		c.World = world
		c.Ends[event.Client].End = app.EndReset
		f := effectsOf(t, c, event.Client)
		fins := 0
		for flags, n := range f.flags {
			if flags.Has(event.FIN) {
				fins += n
			}
		}
		if resets := f.flags[event.RST|event.ACK] + f.flags[event.RST]; !f.end.OK || resets != 1 || fins != 0 || f.end.Client.State != event.ClosedReset || f.end.Server.State != event.ClosedReset {
			t.Errorf("%v: %d RST, %d FIN, %+v", world, resets, fins, f.end)
		}
		if f.counted["TcpEstabResets"] != 1 || f.counted["TcpExtTCPAbortOnTimeout"] != 0 {
			t.Errorf("%v: counters %v", world, f.counted)
		}
	}
}

// TestKernelKeepalive: an idle connection is probed, and given up when as many probes as were asked for have found nobody.
func TestKernelKeepalive(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	c := tunConfig(t, 100, "down 2s..")
	c.Ends[event.Client] = app.Options{End: app.EndNever, Socket: app.Socket{Keepalive: time.Second, KeepaliveEvery: time.Second, KeepaliveCount: 2}}
	f := effectsOf(t, c, event.Client)
	if f.end.OK || f.errors["connection timed out"] != 1 || f.end.Client.State != event.Closed {
		t.Errorf("%+v, errors %v", f.end, f.errors)
	}
	if f.evidence[event.SentKeepalive] < 2 || f.evidence[event.SentKeepalive] > 4 || f.counted["TcpExtTCPKeepAlive"] != uint64(f.evidence[event.SentKeepalive]) || f.counted["TcpExtTCPAbortOnTimeout"] != 1 {
		t.Errorf("%d keepalives, counters %v", f.evidence[event.SentKeepalive], f.counted)
	}
	if !armed(f, event.TimerKeepalive) {
		t.Errorf("timers %v", f.armed)
	}
}

func armed(f *effects, kind event.TimerKind) bool {
	for _, e := range f.armed {
		if e.Timer.Kind == kind {
			return true
		}
	}
	return false
}

// TestKernelUserTimeout: data that nobody acknowledges end the connection after that time, not after the retransmissions of a quarter of
// an hour.
func TestKernelUserTimeout(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	c := tunConfig(t, 0, "down 2s..")
	c.Ends[event.Client] = app.Options{Role: app.RoleSource, Bytes: 1000, HasBytes: true, Start: 3 * time.Second, Socket: app.Socket{UserTimeout: 800 * time.Millisecond}}
	c.Ends[event.Server] = app.Options{Role: app.RoleSink}
	f := effectsOf(t, c, event.Client)
	if f.end.OK || f.errors["connection timed out"] != 1 || f.counted["TcpExtTCPAbortOnTimeout"] != 1 || f.repeated == 0 || f.repeated > 5 {
		t.Errorf("%+v, errors %v, %d repeated, counters %v", f.end, f.errors, f.repeated, f.counted)
	}
}

// TestKernelTimeWait: what is left of a connection waits for a minute, as inet_diag tells.
func TestKernelTimeWait(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	const length, grain = 60 * time.Second, 10 * time.Millisecond
	found := false
	for _, e := range effectsOf(t, tunConfig(t, 100), event.Client).armed {
		if e.Timer.Kind != event.TimerTimeWait {
			continue
		}
		found = true
		if left := time.Duration(e.Timer.At - e.T); left < length/2 || left > length+grain || e.Timer.How != event.Read {
			t.Errorf("TIME-WAIT for %v more: %+v", left, e.Timer)
		}
	}
	if !found {
		t.Error("no timer of TIME-WAIT")
	}
}
