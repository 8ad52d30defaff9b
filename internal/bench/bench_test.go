package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gnet/internal/nstest"
)

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) == "holder" {
		if err := hold(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestMeasureAll_everySectionOnce runs the whole in small.
func TestMeasureAll_everySectionOnce(t *testing.T) {
	for _, peer := range []string{"netstat", "route", "ping"} {
		nstest.Peer(t, peer)
	}
	nstest.InNetns(t, func(t *testing.T) {
		gnet := filepath.Join(t.TempDir(), "gnet")
		build := exec.Command("go", "build", "-o", gnet, "gnet/cmd/gnet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("go build: %v\n%s", err, out)
		}
		var out strings.Builder
		small := sizes{holders: 2, socketsEach: 11, routeCount: 1002, echoCount: 20, rounds: 1, starts: 1}
		if err := measureAll(&lab{gnet: gnet, out: &out, sizes: small}); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		var got []string
		for line := range strings.Lines(out.String()) {
			if cells := strings.Split(line, "|"); len(cells) > 4 && strings.HasPrefix(cells[1], " `") {
				got = append(got, strings.TrimSpace(cells[1]))
			}
		}
		want := []string{
			"`netstat -an`, 22 sockets", "`netstat -tanp`, 22 sockets in 2 processes",
			"`route -n`, 1,002 routes", "`ping -q -i 0 127.0.0.1`, per echo",
			"`hello`", "`gnet --version`", "`gnet netstat -h`", "`gnet route -n`", "`gnet ping -V`", "`netstat -h`",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, out.String())
		}
		for _, want := range []string{"Measured 20", "| runtime |", "| all "} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is missing:\n%s", want, out.String())
			}
		}
	})
}

func TestMedian_ofEachFigureByItself(t *testing.T) {
	got := median([]sample{{wall: 9, cpu: 1}, {wall: 3, cpu: 7}, {wall: 5, cpu: 4}})
	if want := (sample{wall: 5, cpu: 4}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3240 * time.Nanosecond: "3.24 µs", 104 * time.Millisecond: "104 ms", 39700 * time.Microsecond: "39.7 ms", 1500 * time.Millisecond: "1.50 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%d ns: %q, want %q", d, got, want)
		}
	}
}

func TestParseTrace_costliestFirst(t *testing.T) {
	got := parseTrace("init errors @0.1 ms, 0.002 ms clock, 0 bytes, 0 allocs\nnoise\ninit net @1.25 ms, 0.010 ms clock, 1768 bytes, 23 allocs\n")
	want := []packageCost{{name: "net", ms: 0.010, bytes: 1768, objects: 23}, {name: "errors", ms: 0.002}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(packageCost{})); diff != "" {
		t.Error(diff)
	}
}
