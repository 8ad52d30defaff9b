package stackprobe_test

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

var (
	soakRuns = flag.Int("soak", 0, "run so many soak runs with seeds of this moment, given up after 30 seconds each")
	soakSeed = flag.Uint64("soak-seed", 0, "the first seed of the soak runs")
)

// soakBytes go each way in every run.
const soakBytes = 64 << 10

// TestSoak transfers data over links with loss to 20 %, duplication, reordering and corruption in any mixture, in virtual
// time and with the kernel at either end. Every byte is right or the run says that it failed; and nothing is left:
// no goroutine, descriptor, process or mount. A namespace lives by one of the last three.
func TestSoak(t *testing.T) {
	kernels, virtuals, first, limit := 40, 400, uint64(1), 10*time.Second
	if *soakRuns > 0 {
		kernels, virtuals, first, limit = *soakRuns/2, *soakRuns-*soakRuns/2, *soakSeed, 30*time.Second
		if first == 0 {
			first = uint64(time.Now().UnixNano()) >> 20
		}
		t.Logf("seeds from %d", first)
	}
	t.Run("virtual", func(t *testing.T) { soak(t, first, virtuals, 2, func(c *stackprobe.Config, _ *rand.Rand) {}) })
	t.Run("kernel", func(t *testing.T) {
		nstest.Require(t, nstest.Netns, nstest.TUN)
		soak(t, first+1<<32, kernels, 8, func(c *stackprobe.Config, rng *rand.Rand) {
			c.World, c.Client = stackprobe.Tun, stackprobe.Kernel
			if rng.IntN(2) == 0 {
				c.Client = stackprobe.Engine
			}
			if rng.IntN(4) == 0 {
				c.World = stackprobe.Veth
			}
			c.Deadline = limit
		})
	})
}

// soak makes runs with the seeds from first on, some at once.
func soak(t *testing.T, first uint64, runs, atOnce int, world func(*stackprobe.Config, *rand.Rand)) {
	before := leftovers(t)
	goroutines := runtime.NumGoroutine()
	var delivered, next atomic.Int64
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(runs); i = next.Add(1) - 1 {
				rng := rand.New(rand.NewPCG(first+uint64(i), 0))
				c, faults := soakConfig(t, rng)
				world(&c, rng)
				ok, why, problem := soakOnce(c)
				if why != "" {
					t.Logf("seed %d, %v, client %v, IPv6 %t, %q: %s", first+uint64(i), c.World, c.Client, c.IPv6, faults, why)
				}
				if problem != "" {
					t.Errorf("seed %d, %v, client %v, IPv6 %t, %q: %s", first+uint64(i), c.World, c.Client, c.IPv6, faults, problem)
				}
				if ok {
					delivered.Add(1)
				}
			}
		})
	}
	workers.Wait()
	t.Logf("%d of %d runs delivered everything", delivered.Load(), runs)
	if delivered.Load() < int64(runs)/2 {
		t.Errorf("only %d of %d runs delivered everything", delivered.Load(), runs)
	}
	expectGoroutines(t, goroutines)
	if d := cmp.Diff(before, leftovers(t)); d != "" {
		t.Errorf("left by the runs: %s", d)
	}
}

// soakConfig draws a run.
func soakConfig(t *testing.T, rng *rand.Rand) (stackprobe.Config, []string) {
	pick := func(words ...string) string { return words[rng.IntN(len(words))] }
	var faults []string
	for _, f := range []string{
		fmt.Sprintf("loss %d%%", rng.IntN(21)),
		fmt.Sprintf("dup data %d-%d", 1+rng.IntN(20), 21+rng.IntN(20)),
		fmt.Sprintf("reorder by %d data %d-%d", 1+rng.IntN(5), 1+rng.IntN(20), 21+rng.IntN(20)),
		fmt.Sprintf("corrupt data %d", 1+rng.IntN(40)),
		fmt.Sprintf("delay %dms jitter %dms", 1+rng.IntN(3), rng.IntN(2)),
	} {
		if rng.IntN(2) == 0 {
			faults = append(faults, pick("client> ", "server> ", "")+f)
		}
	}
	c := config(t, soakBytes, faults)
	c.Seed, c.IPv6, c.Delay = rng.Int64(), rng.IntN(2) == 0, time.Duration(rng.IntN(3))*time.Millisecond
	for h := event.Client; h <= event.Server; h++ {
		if rng.IntN(2) == 0 {
			c.Ends[h].Socket = app.Socket{SACK: app.Off}
		} else {
			c.Ends[h].Socket = app.Socket{RACK: app.Switch(rng.IntN(3))}
		}
	}
	return c, faults
}

// soakOnce makes one run and returns whether it delivered everything, why not, and what is wrong with it: a failure that
// is not said, or one that no fault of the link can cause.
func soakOnce(c stackprobe.Config) (ok bool, why, problem string) {
	var end *event.End
	for e, err := range stackprobe.Run(context.Background(), c) {
		switch {
		case err != nil:
			return false, "", err.Error()
		case e.Kind == event.KindEnd:
			end = e.End
		}
	}
	if end == nil {
		return false, "", "no end"
	}
	right := fnv.New64a()
	right.Write(app.Sent(c.Seed, stackprobe.ClientPort, event.Client, soakBytes))
	want := event.Totals{Written: soakBytes, Received: soakBytes, Match: true, WrittenHash: right.Sum64(), ReceivedHash: right.Sum64()}
	for _, t := range []*event.Totals{&end.Client, &end.Server} {
		got := event.Totals{Written: t.Written, Received: t.Received, Match: t.Match, WrittenHash: t.WrittenHash, ReceivedHash: t.ReceivedHash}
		switch {
		case end.OK && got != want:
			return false, "", "called right: " + cmp.Diff(want, got)
		case !t.Match || strings.Contains(end.Reason, app.ErrContent.Error()):
			return false, "", end.Reason // TCP's checksum finds every single wrong bit
		case !end.OK && end.Reason == "":
			return false, "", "failed without a reason"
		}
	}
	if !end.OK {
		why = fmt.Sprintf("%s: client %s, server %s", end.Reason, sums(&end.Client), sums(&end.Server))
	}
	return end.OK, why, ""
}

// leftovers lists what a run could leave: descriptors, children, mounts.
func leftovers(t *testing.T) []string {
	t.Helper()
	var list []string
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil { // one is that of the directory itself
			list = append(list, "descriptor "+to)
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		children, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") // the thread may have ended
		for _, pid := range strings.Fields(string(children)) {
			list = append(list, "child "+pid)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, strings.Split(string(mounts), "\n")...)
	slices.Sort(list)
	return list
}
