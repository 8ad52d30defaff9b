package stackprobe_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
)

// tunConfig is a run against this machine's kernel. A busy machine may take its time.
func tunConfig(t testing.TB, bytes int, faults ...string) stackprobe.Config {
	c := config(t, bytes, faults)
	c.World, c.Deadline = stackprobe.Tun, 5*time.Minute
	return c
}

// kernelRuns are the faults that are tried against the kernel, with the reason by which the loss must be repaired.
var kernelRuns = []struct {
	name   string
	bytes  int
	faults []string
	repair map[event.Host]event.Reason
}{
	{"plain", 3000, nil, nil},
	{"no-data", 0, nil, nil},
	{"large", 300_000, nil, nil},
	{"syn-lost", 100, []string{"client> drop syn 1"}, map[event.Host]event.Reason{event.Client: event.Timeout}},
	{"synack-lost", 100, []string{"server> drop synack 1"}, map[event.Host]event.Reason{event.Client: event.Timeout}},
	{"fast", 20_000, []string{"client> drop data 3"}, map[event.Host]event.Reason{event.Client: event.Fast}},
	{"server-fast", 20_000, []string{"server> drop data 3"}, map[event.Host]event.Reason{event.Server: event.Fast}},
	{"only-data-lost", 100, []string{"client> drop data 1"}, map[event.Host]event.Reason{event.Client: event.TailProbe}},
	{"fin-lost", 100, []string{"client> drop fin 1"}, nil},
	{"last-ack-lost", 0, []string{"client> drop ack 2"}, map[event.Host]event.Reason{event.Server: event.Timeout}},
}

// TestKernelAndEngineAgree runs exchanges on a TUN link and compares four accounts of each: the segments at the taps, the
// engine's own variables, the kernel's own counters, and the applications.
func TestKernelAndEngineAgree(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, r := range kernelRuns {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			c := tunConfig(t, r.bytes, r.faults...)
			if r.repair != nil {
				c.Delay = longDelay
			}
			events := collect(t, c)
			checkLaws(t, events)
			checkAccounts(t, events, uint64(r.bytes))
			if d := stall(events); d > maxStall {
				t.Logf("the machine stood still for %v, so timers may have expired: reasons are not compared", d)
				return
			}
			for h, why := range r.repair {
				// A starved machine can be too late for a tail loss probe or a duplicate ACK without a stall that the events
				// show: then the retransmission timer does the work, and nothing else may.
				if got := repairs(events, h); got[why] == 0 && got[event.Timeout] == 0 {
					t.Errorf("%v repaired by %v, want %v", h, got, why)
				}
			}
		})
	}
}

// With longDelay every timeout of both stacks is at least 200 ms behind what makes it needless; a machine that stands still
// for maxStall cannot turn one reason into another.
const (
	longDelay = 150 * time.Millisecond
	maxStall  = 100 * time.Millisecond
)

// stall returns by how much the latest segment arrived behind its delay.
func stall(events []event.Event) time.Duration {
	sent := make(map[int]int64)
	var worst int64
	for _, e := range events {
		switch e.Kind {
		case event.KindTx:
			sent[e.Seg.ID] = e.T
		case event.KindRx:
			worst = max(worst, e.T-sent[e.Seg.ID]-events[0].Run.DelayClient)
		}
	}
	return time.Duration(worst)
}

// repairs counts h's retransmissions by reason.
func repairs(events []event.Event, h event.Host) map[event.Reason]int {
	got := make(map[event.Reason]int)
	for _, e := range events {
		if e.Kind == event.KindTx && e.Host == h && e.Derived.Attempt > 1 {
			got[e.Derived.Why]++
		}
	}
	return got
}

func checkAccounts(t *testing.T, events []event.Event, bytes uint64) {
	t.Helper()
	end := outcome(t, events)
	if !end.OK {
		t.Fatalf("%s", end.Reason)
	}
	var fresh, arrived [3]uint64 // payload transmitted for the first time; highest octet that arrived, by host
	var last [3]event.Vars
	for _, e := range events {
		switch {
		case e.Kind == event.KindTx && e.Derived.Attempt == 1:
			fresh[e.Host] += uint64(e.Seg.Len)
		case e.Kind == event.KindRx && e.Seg.Len > 0:
			arrived[e.Host] = max(arrived[e.Host], uint64(e.Derived.RelSeq-1)+uint64(e.Seg.Len))
		}
		if e.Vars.Has != 0 {
			last[e.Host] = e.Vars
		}
	}
	una, nxt, rcvNxt := last[event.Server].Rel()
	for _, account := range []struct {
		what string
		got  uint64
	}{
		{"client's tap: new payload sent", fresh[event.Client]},
		{"client's tap: payload arrived", arrived[event.Client]},
		{"server's tap: new payload sent", fresh[event.Server]},
		{"server's tap: payload arrived", arrived[event.Server]},
		{"client's application", uint64(end.Client.Received)},
		{"server's application", uint64(end.Server.Received)},
		// The engine's numbers count the SYN, and the FIN where it has been sent, received, acknowledged: its last sample
		// is in LAST-ACK, where its own FIN is not acknowledged yet.
		{"engine: SND.UNA", uint64(una) - 1},
		{"engine: SND.NXT", uint64(nxt) - 2},
		{"engine: RCV.NXT", uint64(rcvNxt) - 2},
		// The kernel counts its SYN and FIN as acknowledged, and the peer's FIN as received.
		{"kernel: bytes_acked", end.Client.KernelAcked - 2},
		{"kernel: bytes_received", end.Client.KernelReceived - 1},
	} {
		if account.got != bytes {
			t.Errorf("%s: %d bytes, want %d", account.what, account.got, bytes)
		}
	}
}

// TestKernelsVariablesAreThoseOnTheWire compares the kernel's windows with those that the segments announce.
func TestKernelsVariablesAreThoseOnTheWire(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	checked := 0
	var announced uint32
	for _, e := range collect(t, tunConfig(t, 20_000)) {
		switch {
		case e.Kind == event.KindRx && e.Host == event.Client:
			announced = e.Derived.Window
		case e.Kind == event.KindVars && e.Host == event.Client && e.Vars.Has&event.HasWnd != 0 && e.Vars.Computed&event.HasWnd == 0:
			checked++
			if e.Vars.Wnd != announced {
				t.Errorf("event %d: the kernel says SND.WND %d, the last segment announced %d", e.N, e.Vars.Wnd, announced)
			}
		}
	}
	if checked == 0 {
		t.Error("the kernel told no SND.WND")
	}
}

// TestKernelRuns_leaveNothingInTheProcess counts descriptors, goroutines and children.
func TestKernelRuns_leaveNothingInTheProcess(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	collect(t, tunConfig(t, 100)) // the first run may open what the runtime keeps
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 3 {
		collect(t, tunConfig(t, 3000))
		for e := range stackprobe.Run(context.Background(), tunConfig(t, 3000)) {
			if e.N == 12 {
				break
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		for e, err := range stackprobe.Run(ctx, tunConfig(t, 3000)) {
			if err == nil && e.N == 5 {
				cancel()
			}
		}
		cancel()
	}
	expectGoroutines(t, goroutines)
	if n := openFiles(t); n != files {
		t.Errorf("%d open files before, %d after", files, n)
	}
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("a child is left: wait4 says %d, %v", pid, err)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

// TestAuto takes the kernel's world where it can be had, and says why.
func TestAuto(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	c := config(t, 0, nil)
	c.World = stackprobe.Auto
	run := collect(t, c)[0].Run
	if run.World != "tun" || run.Clock != event.Mono || run.Why == "" {
		t.Errorf("%+v", run)
	}
}

// TestNoHelper: a program that does not answer as helper is a refusal, and auto runs in memory.
func TestNoHelper(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	for _, helper := range [][]string{{"/bin/true"}, {"/bin/false"}, {"/proc/none"}} {
		c := config(t, 0, nil)
		c.Helper, c.World = helper, stackprobe.Tun
		for _, err := range stackprobe.Run(context.Background(), c) {
			if _, ok := errors.AsType[*kernelside.Error](err); !ok {
				t.Errorf("%v: %v", helper, err)
			}
		}
		c.World = stackprobe.Auto
		if run := collect(t, c)[0].Run; run.World != "memory" || run.Why == "" {
			t.Errorf("%v: %+v", helper, run)
		}
	}
}

// TestTUNErrors: the three ways in which a machine refuses a TUN interface are told apart.
func TestTUNErrors(t *testing.T) {
	texts := make(map[string]bool)
	for _, e := range []*link.TUNError{{Step: "open", Err: unix.ENOENT}, {Step: "open", Err: unix.EACCES}, {Step: "TUNSETIFF", Err: unix.EPERM}} {
		if !errors.Is(e, e.Err) {
			t.Errorf("%v does not lead to %v", e, e.Err)
		}
		texts[e.Error()] = true
	}
	if len(texts) != 3 {
		t.Errorf("not told apart: %v", texts)
	}
}

// TestAsOrdinaryUser runs in the world that the machine's permissions leave: TUN if /dev/net/tun is open to all, a veth pair
// otherwise, with the reason.
func TestAsOrdinaryUser(t *testing.T) {
	nstest.Require(t, nstest.Root, nstest.Netns, nstest.Userns)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), victimEnv+"=auto")
	nstest.AsNobody(t, cmd)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	world := "veth"
	if fi, err := os.Stat(link.TUNPath); err == nil && fi.Mode()&0o006 == 0o006 {
		world = "tun"
	}
	t.Logf("%s", out)
	if got, _, _ := cutWorld(string(out)); got != world {
		t.Errorf("world %q, want %q: %s", got, world, out)
	}
}

// TestAsOrdinaryUserWithTUN gives an ordinary user a /dev/net/tun that is open to all, as many distributions have it: the
// kernel's world needs no other right.
func TestAsOrdinaryUserWithTUN(t *testing.T) {
	nstest.Require(t, nstest.Root, nstest.Netns, nstest.TUN)
	nstest.InNetns(t, func(t *testing.T) {
		node := t.TempDir() + "/tun"
		if err := unix.Mknod(node, unix.S_IFCHR|0o666, int(unix.Mkdev(10, 200))); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(node, 0o666); err != nil {
			t.Fatal(err)
		}
		// The mounts of this process are its own, and end with it.
		if err := unix.Mount(node, link.TUNPath, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), victimEnv+"=auto")
		nstest.AsNobody(t, cmd)
		out, err := cmd.CombinedOutput()
		if world, _, _ := cutWorld(string(out)); err != nil || world != "tun" {
			t.Errorf("%v: %s", err, out)
		}
	})
}
