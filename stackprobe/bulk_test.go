package stackprobe_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
)

// bulkBytes is no multiple of anything that is a buffer somewhere.
const bulkBytes = 20<<20 + 12345

// TestBulk moves data both ways over IPv4 and IPv6, small and large segments, with and without options of the sockets.
func TestBulk(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	collect(t, tunConfig(t, 100)) // the first run may open what the runtime keeps
	for name, c := range map[string]stackprobe.BulkConfig{
		"IPv4": {Bytes: bulkBytes}, "IPv6": {Bytes: bulkBytes, IPv6: true}, "MTU 9000": {Bytes: bulkBytes, MTU: 9000},
		"one octet": {Bytes: 1},
		"options": {Bytes: bulkBytes, Sockets: [3]app.Socket{event.Client: {Congestion: "reno", MSS: 1000, RcvBuf: 100_000},
			event.Server: {SACK: app.Off, RcvBuf: 100_000, SndBuf: 100_000}}},
	} {
		t.Run(name, func(t *testing.T) { testBulk(t, c) })
	}
}

func testBulk(t *testing.T, c stackprobe.BulkConfig) {
	before, files := runtime.NumGoroutine(), openFiles(t)
	b, err := stackprobe.OpenBulk(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var got []stackprobe.Transfer
	for tr, err := range b.Transfers() {
		if err != nil {
			t.Fatal(err)
		}
		if tr.Elapsed <= 0 || tr.CPU < 0 || tr.Goodput() <= 0 {
			t.Errorf("no measure: %+v", tr)
		}
		tr.Elapsed, tr.CPU = 0, 0
		tr.Retransmitted = 0 // a stack that the machine has kept waiting probes for a loss (RFC 8985 section 7)
		got = append(got, *tr)
	}
	b.Close()
	want := []stackprobe.Transfer{{From: event.Client, To: event.Server, Bytes: c.Bytes}, {From: event.Server, To: event.Client, Bytes: c.Bytes}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	expectGoroutines(t, before)
	if n := openFiles(t); n != files {
		t.Errorf("%d open files, %d before", n, files)
	}
}

// TestBulk_time: what is asked for in time ends after it, and what it is made of is said.
func TestBulk_time(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	b, err := stackprobe.OpenBulk(t.Context(), stackprobe.BulkConfig{Time: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := 0
	for tr, err := range b.Transfers() {
		if err != nil || tr.Reason != "" || tr.Bytes == 0 || tr.Elapsed < 50*time.Millisecond {
			t.Errorf("%+v, %v", tr, err)
		}
		n++
	}
	r := b.Run
	want := [2]event.Stack{{Name: r.Client.Name, Kernel: true, CC: "cubic", Recovery: "RACK-TLP", Addr: "192.0.2.1", Options: "sndbuf 262144 cc cubic"},
		{Name: "gvisor 20260905", CC: "cubic", Recovery: "RFC 6675", Addr: "192.0.2.2", Options: "cc cubic"}}
	if d := cmp.Diff(want, [2]event.Stack{r.Client, r.Server}); d != "" || !strings.HasPrefix(r.Client.Name, "linux ") || n != 2 {
		t.Errorf("%d transfers, %s", n, d)
	}
	if pinned := strings.Join(r.Pinned, ", "); r.World != "tun" || !strings.Contains(pinned, "offloads on") || strings.Contains(pinned, "offloads off") {
		t.Errorf("%s, %s", r.World, pinned)
	}
}

// TestBulk_givenUp: a run that does not come to its end within its deadline says so in the row of the direction that was under
// way, and one whose context ends has an error.
func TestBulk_givenUp(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	b, err := stackprobe.OpenBulk(t.Context(), stackprobe.BulkConfig{Time: time.Hour, Deadline: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	n := 0
	for tr, err := range b.Transfers() {
		if err != nil || tr.From != event.Client || tr.Reason != "given up after 2s" {
			t.Errorf("%+v, %v", tr, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d steps", n)
	}
}

// TestBulk_canceled: a context that ends is an error, whichever end is waiting.
func TestBulk_canceled(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for whole := range 2 { // directions that come to their end before
		ctx, cancel := context.WithCancel(t.Context())
		c := stackprobe.BulkConfig{Time: time.Hour}
		if whole > 0 {
			c = stackprobe.BulkConfig{Bytes: 1 << 30}
		}
		b, err := stackprobe.OpenBulk(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		if whole == 0 {
			time.AfterFunc(50*time.Millisecond, cancel)
		}
		n := 0
		for tr, err := range b.Transfers() {
			if n++; n <= whole {
				cancel()
				continue
			}
			if tr != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("%+v, %v", tr, err)
			}
		}
		b.Close()
		cancel()
		if n != whole+1 {
			t.Errorf("%d steps, want %d", n, whole+1)
		}
	}
}

// TestBulk_refused: what cannot be is refused before anything is moved, with the end and the option.
func TestBulk_refused(t *testing.T) {
	for want, c := range map[string]stackprobe.BulkConfig{
		"time -1s: want more than 0s, at most 1h0m0s":                    {Time: -time.Second},
		"bytes -1: want 1 to 17592186044416":                             {Bytes: -1},
		fmt.Sprintf("mtu 10: want %d to 65535", stackprobe.MinMTUKernel): {MTU: 10},
		"mtu 1279: want 1280 to 65535":                                   {MTU: 1279, IPv6: true},
	} {
		_, err := stackprobe.OpenBulk(t.Context(), c)
		if _, ok := errors.AsType[*stackprobe.ConfigError](err); !ok || err.Error() != want {
			t.Errorf("%+v: %v, want %s", c, err, want)
		}
	}
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for h := event.Client; h <= event.Server; h++ {
		var c stackprobe.BulkConfig
		c.Sockets[h].Congestion = "nonesuch"
		_, err := stackprobe.OpenBulk(t.Context(), c)
		refused, ok := errors.AsType[*app.Unsupported](err)
		if !ok || refused.Option != "cc" || !strings.HasPrefix(err.Error(), h.String()+": cc: ") {
			t.Errorf("%s: %v", h, err)
		}
	}
}
