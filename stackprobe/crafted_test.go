package stackprobe_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/inject"
	"gnet/stackprobe/scenario"
)

// inserted reads lines of crafted segments that must be right.
func inserted(t testing.TB, texts ...string) []inject.Line {
	t.Helper()
	var lines []inject.Line
	for _, text := range texts {
		l, err := inject.ParseLine(text)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// scripted reads steps that must be right.
func scripted(t testing.TB, texts ...string) []inject.Step {
	t.Helper()
	var steps []inject.Step
	for _, text := range texts {
		s, err := inject.ParseStep(text)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return steps
}

// TestCraftedSameBytes: the lessons of what no stack does give the same bytes at any setting of the scheduler.
func TestCraftedSameBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, s := range allLessons(t) {
		if len(s.Inject)+len(s.Peers) == 0 && !strings.Contains(s.Ends[event.Client].Text+s.Ends[event.Server].Text, "restart") {
			continue
		}
		var want string
		for _, procs := range []int{1, 2, 8, 1, 2, 8} {
			runtime.GOMAXPROCS(procs)
			var b []byte
			for _, e := range collect(t, prepared(t, s, scenario.Memory)) {
				b = append(event.AppendJSON(b, &e), '\n')
			}
			if want == "" {
				want = string(b)
			}
			if want != string(b) {
				t.Fatalf("%s, GOMAXPROCS %d: %s", s.Name, procs, cmp.Diff(strings.Split(want, "\n"), strings.Split(string(b), "\n")))
			}
		}
	}
}

// TestInjectedCountsForNobody: a crafted segment meets no faults, and is in nobody's sums; only its receiver's answer is.
func TestInjectedCountsForNobody(t *testing.T) {
	c := config(t, 100, []string{"client> drop rst", "client> dup syn"})
	c.Inject = inserted(t, "at 10ms syn seq raw 5 port 99", "at 12ms rst seq raw 5 port 99")
	events := collect(t, c)
	var injected, lost []string
	segments := 0
	for _, e := range events {
		switch {
		case e.Kind == event.KindTx && e.Seg.Origin == event.Injected:
			injected = append(injected, e.Seg.Flags.String()+" "+e.Seg.Line)
		case e.Kind == event.KindTx && e.Host == event.Client:
			segments++
		case (e.Kind == event.KindLost || e.Kind == event.KindFault) && e.Seg.Origin == event.Injected:
			lost = append(lost, e.Fault.Rule)
		}
	}
	if d := cmp.Diff([]string{"SYN client> at 10ms syn seq raw 5 port 99", "RST client> at 12ms rst seq raw 5 port 99"}, injected); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string(nil), lost); d != "" {
		t.Errorf("crafted segments met faults: %s", d)
	}
	if end := outcome(t, events); !end.OK || end.Client.Segments != segments || end.Client.Retransmitted != 0 {
		t.Errorf("%d segments of the client: %+v", segments, end)
	}
}

// TestBlindData: octets that an attacker puts into a connection are found out by the receiver's comparison.
func TestBlindData(t *testing.T) {
	c := config(t, 300, nil)
	c.Ends[event.Client] = app.Options{Role: app.RoleSource, Write: 100, Pause: time.Second}
	c.Ends[event.Server] = app.Options{Role: app.RoleSink}
	c.Inject = inserted(t, "at 200ms data seq nxt len 10")
	if end := outcome(t, collect(t, c)); end.OK || !strings.Contains(end.Reason, app.ErrContent.Error()) {
		t.Errorf("%+v", end)
	}
}

// TestCraftedIPv6: crafted segments and scripts work over IPv6.
func TestCraftedIPv6(t *testing.T) {
	c := config(t, 100, nil)
	c.IPv6 = true
	c.Ends[event.Client] = app.Options{Role: app.RoleSource, End: app.EndNever}
	c.Peer = scripted(t, "server on syn send synack mss 1220 state ESTABLISHED", "server on data send ack", "server at 1s send rst state CLOSED")
	var states []string
	for _, e := range collect(t, c) {
		if e.Kind == event.KindState {
			states = append(states, e.Host.String()+" "+e.State.String()+" "+e.StateHow.String())
		}
	}
	want := []string{"client SYN-SENT read", "server ESTABLISHED told", "client ESTABLISHED read", "server CLOSED told", "client CLOSED (reset) read"}
	if d := cmp.Diff(want, states); d != "" {
		t.Error(d)
	}
}

// TestCraftedRefused: what leaves no stack to watch, and what the link cannot carry, is refused before anything begins.
func TestCraftedRefused(t *testing.T) {
	for name, set := range map[string]func(*stackprobe.Config){
		"peer client and server: want one end with a stack": func(c *stackprobe.Config) {
			c.Peer = scripted(t, "client at 0s send syn", "server at 0s send ack")
		},
		"inject 2001:db8::7: want an address of the link's version of IP": func(c *stackprobe.Config) {
			c.Inject = inserted(t, "at 0s syn seq raw 1 from 2001:db8::7")
		},
		"client kernel: want engine: this client follows a script": func(c *stackprobe.Config) {
			c.World, c.Client, c.Peer = stackprobe.Tun, stackprobe.Kernel, scripted(t, "client at 0s send syn")
		},
		"open passive: want a client that connects, or never does": func(c *stackprobe.Config) { c.Ends[event.Client].Open = app.OpenPassive },
		"reconnect 1s: want an end that connects":                  func(c *stackprobe.Config) { c.Ends[event.Server].Reconnect = time.Second },
	} {
		c := config(t, 100, nil)
		set(&c)
		err := c.Check()
		if _, ok := errors.AsType[*stackprobe.ConfigError](err); !ok || err.Error() != name {
			t.Errorf("%v, want %s", err, name)
		}
	}
}

// TestKernelCannotRestart: a kernel's end refuses to lose its memory.
func TestKernelCannotRestart(t *testing.T) {
	nstest.Require(t, nstest.TUN)
	c := config(t, 100, nil)
	c.World = stackprobe.Tun
	c.Ends[event.Client].Restart = time.Second
	for _, err := range stackprobe.Run(t.Context(), c) {
		if u, ok := errors.AsType[*app.Unsupported](err); !ok || u.Option != "restart" {
			t.Errorf("%v", err)
		}
	}
}
