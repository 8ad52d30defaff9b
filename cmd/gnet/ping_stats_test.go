package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/ping"
)

func TestAppendDistribution(t *testing.T) {
	var few, wide ping.Distribution
	for _, us := range []int{41, 42, 42, 43, 44, 44, 44, 45, 62, 1200} {
		few.Add(time.Duration(us)*time.Microsecond, ping.KernelKernel)
	}
	few.Add(70*time.Microsecond, ping.UserUser)
	for d := time.Microsecond; d < time.Hour; d *= 1024 {
		wide.Add(d, ping.Device)
	}
	for _, tt := range []struct {
		name  string
		stats ping.Stats
		d     *ping.Distribution
		want  string
	}{
		{"nothing", ping.Stats{}, new(ping.Distribution), "lost 0\n"},
		{"nothing came back", ping.Stats{Transmitted: 3, Explained: 2}, new(ping.Distribution), "lost 3, with an ICMP error 2\n"},
		{"some", ping.Stats{Transmitted: 13, Received: 11, Late: 1}, &few, `rtt p50/p90/p95/p99/p99.9 = 0.0438/0.0701/1.20/1.20/1.20 ms
rtt jitter = 0.138 ms
rtt measured: 10 by the kernel, out and in, 1 by this program
lost 2, answered late 1
  0.0410 to   0.0492 ms         8 ########################################
  0.0492 to   0.0573 ms         0
  0.0573 to   0.0655 ms         1 #####
  0.0655 to   0.0819 ms         1 #####
  0.0819 to   0.0983 ms         0
  0.0983 to    0.115 ms         0
   0.115 to    0.131 ms         0
   0.131 to    0.164 ms         0
   0.164 to    0.197 ms         0
   0.197 to    0.229 ms         0
   0.229 to    0.262 ms         0
   0.262 to    0.328 ms         0
   0.328 to    0.393 ms         0
   0.393 to    0.459 ms         0
   0.459 to    0.524 ms         0
   0.524 to    0.655 ms         0
   0.655 to    0.786 ms         0
   0.786 to    0.918 ms         0
   0.918 to     1.05 ms         0
    1.05 to     1.31 ms         1 #####
`},
	} {
		got := string(appendDistribution(nil, &tt.stats, tt.d))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.name, diff)
		}
	}
	// From half a microsecond to a quarter of an hour, one line for each doubling.
	got := strings.Split(string(appendDistribution(nil, &ping.Stats{}, &wide)), "\n")[4:]
	first, last := "0.000512 to  0.00102 ms         1 "+strings.Repeat("#", 40), "  549756 to  1099512 ms         1 "+strings.Repeat("#", 40)
	if len(got) != 32 || got[0] != first || got[30] != last || got[31] != "" {
		t.Errorf("wide: %d lines, %q", len(got), got)
	}
}

func TestThreeDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.00", 1: "0.00000100", 4517: "0.00452", 45120: "0.0451", 1234567: "1.23",
		99 * time.Millisecond: "99.0", 123456789: "123", 12 * time.Second: "12000"} {
		if got := threeDigits(d); got != want {
			t.Errorf("threeDigits(%d) = %s, want %s", d, got, want)
		}
	}
}

// --stats in the text and in the machine format, of a real run; each probe is
// stamped when it leaves, though it floods.
func TestPingStats(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		lab := newPingLab(t)
		gnet := publicDir(t) + "/ping"
		copyExecutable(t, gnet)
		digits := regexp.MustCompile(`\d+(\.\d+)?`)
		// A packet that waits for the neighbour's address does not leave within the send call: its stamp may come after the
		// look for stamps and the reply before the look for replies.
		holdStamps(t)
		lab.client.Run(t, gnet, "-q", "-c1", labServer4)
		text := lab.client.Run(t, gnet, strings.Fields("-q -f -c 20 --stats "+labServer4)...)
		lines := strings.Split(digits.ReplaceAllString(text.Stdout, "N"), "\n")
		if len(lines) < 10 {
			t.Fatalf("output %q", text.Stdout)
		}
		want := []string{"rtt pN/pN/pN/pN/pN = N/N/N/N/N ms", "rtt jitter = N ms", "rtt measured: N by the kernel, out and in", "lost N"}
		if diff := cmp.Diff(want, lines[5:9]); diff != "" || !strings.Contains(text.Stdout, "measured: 20 by") || !strings.Contains(lines[9], " ms ") {
			t.Errorf("text (-want +got)\n%s\nin %s", diff, text.Stdout)
		}
		row := lab.client.Run(t, gnet, strings.Fields("-q -f -c 1 --stats --format jsonl "+labServer4)...)
		_, keys, _ := strings.Cut(digits.ReplaceAllString(row.Stdout, "N"), `"rtt_mdev_ns":N,`)
		wantKeys := `"rtt_pN_ns":N,"rtt_pN_ns":N,"rtt_pN_ns":N,"rtt_pN_ns":N,"rtt_pN_ns":N,"loss_runs":N,"loss_run_max":N,` +
			`"rtt_sources":[{"source":"kernel","count":N,"min_ns":N,"avg_ns":N,"max_ns":N}],"rtt_histogram":[{"from_ns":N,"to_ns":N,"count":N}]}` + "\n"
		if diff := cmp.Diff(wantKeys, keys); diff != "" {
			t.Errorf("keys (-want +got)\n%s", diff)
		}
	})
}

// holdStamps keeps the kernel stamping what it receives until the test is over: it begins some time after the first socket asks
// (net/core/dev.c, net_enable_timestamp), and twenty echoes can be over before that.
func holdStamps(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		t.Fatal(err)
	}
}
