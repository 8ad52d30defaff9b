package stackprobe_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gnet/internal/nstest"
	"gnet/internal/tracefs"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
)

// ofProbe are the variables that a trace event tells of which TCP_INFO knows nothing.
const ofProbe = event.HasUna | event.HasNxt

// TestTraceEvents: with the kernel's trace events its sequence variables are read, its states change at their own times, and every state
// of loss recovery is seen.
func TestTraceEvents(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Tracefs)
	for _, ipv6 := range []bool{false, true} {
		for _, client := range []stackprobe.Kind{stackprobe.Kernel, stackprobe.Engine} {
			c := tunConfig(t, 20000, "drop data 3")
			c.Client, c.IPv6, c.Tracefs = client, ipv6, true
			events := collect(t, c)
			host := event.Client
			if client == stackprobe.Engine {
				host = event.Server
			}
			if end := outcome(t, events); !end.OK {
				t.Error(end.Reason)
			}
			read, repairs := 0, make(map[event.Congestion]bool)
			for i, e := range events {
				switch {
				case e.Kind == event.KindCheck, e.Kind == event.KindNote && e.Level == event.Warning:
					t.Errorf("event %d: %+v %s", e.N, e.Check, e.Text)
				case e.Host != host:
				case e.Kind == event.KindVars && e.Vars.Has == event.HasCongestion:
					repairs[e.Vars.Congestion] = true
				case e.Kind == event.KindVars && e.Vars.Has&ofProbe == ofProbe && e.Vars.Computed == 0:
					if read++; e.Vars.How != event.Read || e.Vars.Has&(event.HasWnd|event.HasRcvWnd|event.HasCwnd) == 0 {
						t.Errorf("event %d: %+v", e.N, e.Vars)
					}
				case e.Kind == event.KindState && e.State == event.StateEstablished:
					ownTime(t, events, i)
				}
			}
			if read < 10 || !repairs[event.CongestionDisorder] || !repairs[event.CongestionRecovery] || !repairs[event.CongestionOpen] {
				t.Errorf("IPv6 %t, client %v: %d samples, states of recovery %v", ipv6, client, read, repairs)
			}
		}
	}
}

// ownTime expects the i-th event, a change of state, behind the arrival that caused it and before the segment that follows from it, at a
// time of its own.
func ownTime(t *testing.T, events []event.Event, i int) {
	t.Helper()
	e, before, behind := &events[i], i-1, i+1
	for before > 0 && (events[before].Host != e.Host || events[before].Kind != event.KindRx) {
		before--
	}
	for behind < len(events)-1 && (events[behind].Host != e.Host || events[behind].Kind != event.KindTx) {
		behind++
	}
	if e.StateHow != event.Read || events[before].T >= e.T || e.T >= events[behind].T {
		t.Errorf("event %d at %d, between %d and %d", e.N, e.T, events[before].T, events[behind].T)
	}
}

// TestTraceEventsOfAnotherRun: two runs at once have the same addresses and ports, and each has its own events alone.
func TestTraceEventsOfAnotherRun(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Tracefs)
	var all sync.WaitGroup
	for seed := range 3 {
		all.Go(func() {
			c := tunConfig(t, 50000, "loss 3%")
			c.Tracefs, c.Seed, c.Conns = true, int64(seed), 2
			iss, read := make(map[int]uint32), 0
			for e, err := range stackprobe.Run(t.Context(), c) {
				switch {
				case err != nil:
					t.Error(err)
				case e.Kind == event.KindTx && e.Host == event.Client && e.Seg.Flags.Has(event.SYN):
					iss[e.Conn] = e.Seg.Seq
				case e.Kind == event.KindCheck, e.Kind == event.KindNote && e.Level == event.Warning:
					t.Errorf("%+v %s", e.Check, e.Text)
				case e.Kind == event.KindVars && e.Host == event.Client && e.Vars.Has&ofProbe == ofProbe && e.Vars.Computed == 0:
					if read++; e.Vars.Nxt-iss[e.Conn] > 50002 {
						t.Errorf("event %d of connection %d: SND.NXT %d, ISS %d", e.N, e.Conn, e.Vars.Nxt, iss[e.Conn])
					}
				}
			}
			if read < 20 {
				t.Errorf("%d samples", read)
			}
		})
	}
	all.Wait()
}

// instances lists the tracing instances of this machine.
func instances(t *testing.T) map[string]bool {
	t.Helper()
	list, err := os.ReadDir(filepath.Join(tracefs.Dir, "instances"))
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]bool)
	for _, e := range list {
		m[e.Name()] = true
	}
	return m
}

// TestNoInstanceIsLeft: however a run ends, its tracing instance goes with it.
func TestNoInstanceIsLeft(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Tracefs)
	nstest.InNetns(t, func(t *testing.T) {
		if err := tracefs.Mount(); err != nil {
			t.Fatal(err)
		}
		t.Setenv(victimTracefs, "1")
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
			for _, when := range []string{"established", "world"} {
				before, during := instances(t), 0
				session := endVictim(t, stackprobe.Tun, t.TempDir(), sig, when, func(int) { during = len(instances(t)) })
				expectNoSession(t, session)
				if during <= len(before) {
					t.Errorf("%v at %s: there was no instance", sig, when)
				}
				gone(t, before)
			}
		}
	})
}

// gone waits until no instance is left that was not there before: those of other runs come and go.
func gone(t *testing.T, before map[string]bool) {
	t.Helper()
	var left []string
	for range 1000 {
		left = left[:0]
		for name := range instances(t) {
			if !before[name] {
				left = append(left, name)
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("instances are left: %v", left)
}

// TestTracefsRefused: without the right the run goes on, and says once what it does without.
func TestTracefsRefused(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root, nstest.Userns)
	setpriv, unshare := nstest.Peer(t, "setpriv"), nstest.Peer(t, "unshare")
	t.Setenv(victimTracefs, "1")
	for world, want := range map[string]string{
		"tun":  "note warning: no trace events of the kernel: mount tracefs: operation not permitted",
		"auto": "note warning: no trace events of the kernel: mount tracefs: operation not permitted",
	} {
		// Some machines have it mounted already; not in this namespace of mounts.
		got := victimSays(t, world, unshare, "-m", "sh", "-c", `umount -q /sys/kernel/tracing; exec "$@"`, "sh",
			setpriv, "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")
		if strings.Count(got, "no trace events") != 1 || !strings.Contains(got, want) || !strings.Contains(got, "world tun: ") {
			t.Errorf("%s: %s, want %s", world, got, want)
		}
	}
}
