package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// watchRun is a running gnet route watch.
type watchRun struct {
	t   *testing.T
	cmd *exec.Cmd
	out *os.File
}

// watchRoutesOf starts gnet route watch in a host that has d0, and returns when it listens: when it has told a route to 10.70.0.0/16.
func watchRoutesOf(t *testing.T, host *nstest.Host, words ...string) *watchRun {
	t.Helper()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	w := &watchRun{t, exec.Command(gnetCalled(t, "route"), append([]string{"watch"}, words...)...), out}
	w.cmd.Stdout, w.cmd.Stderr = out, out
	host.Start(t, w.cmd)
	ip, start := nstest.Peer(t, "ip"), time.Now()
	for n := 0; !strings.Contains(w.text(), "10.70."); n++ {
		host.Run(t, ip, "route", "add", fmt.Sprintf("10.70.%d.0/24", n&255), "dev", "d0")
		if time.Sleep(10 * time.Millisecond); time.Since(start) > time.Minute {
			t.Fatalf("it does not listen: %s", w.text())
		}
	}
	return w
}

func (w *watchRun) text() string {
	w.t.Helper()
	b, err := os.ReadFile(w.out.Name())
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// until waits for a text.
func (w *watchRun) until(what string) {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(w.text(), what); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("no %s in %s", what, w.text())
		}
	}
}

// end interrupts it and returns all that it said.
func (w *watchRun) end() string {
	w.t.Helper()
	if err := w.cmd.Process.Signal(unix.SIGINT); err != nil {
		w.t.Fatal(err)
	}
	if err := w.cmd.Wait(); err != nil {
		w.t.Errorf("ended with %v: %s", err, w.text())
	}
	return w.text()
}

// TestRouteWatch: changes with their protocol, a link that takes routes along in silence, and the end by a signal.
func TestRouteWatch(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, _ := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		watch := watchRoutesOf(t, host, "-4", "--root", "10.0.0.0/8", "--format", "jsonl")
		for _, line := range []string{"route add 10.71.0.0/16 via 10.50.0.2 proto static", "route replace 10.71.0.0/16 via 10.50.0.3 proto bird", "route add 192.0.2.0/24 dev d0", "route del 10.71.0.0/16", "link set d0 down"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
		watch.until(`"change":"deleted","found":true,"family":"inet","type":"unicast","destination":"10.50.0.0/24"`)
		text := watch.end()
		type change struct{ Kind, Change, Destination, Gateway, Protocol, Time string }
		var got []change
		for line := range strings.Lines(text) {
			var c change
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if _, err := time.Parse(time.RFC3339Nano, c.Time); err != nil {
				t.Error(err)
			}
			if c.Time = ""; strings.HasPrefix(c.Destination, "10.71.") || strings.HasPrefix(c.Destination, "192.") {
				got = append(got, c)
			}
		}
		want := []change{{"change", "added", "10.71.0.0/16", "10.50.0.2", "static", ""}, {"change", "replaced", "10.71.0.0/16", "10.50.0.3", "bird", ""},
			{"change", "deleted", "10.71.0.0/16", "10.50.0.3", "bird", ""}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestRouteWatch_rename: an interface that is up gets another name, and one that goes has its name to the end.
func TestRouteWatch_rename(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, _ := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		do := func(lines ...string) {
			t.Helper()
			for _, line := range lines {
				if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
					t.Fatal(line, r)
				}
			}
		}
		watch := watchRoutesOf(t, host)
		do("link set d0 down", "link set d0 name e0", "link set e0 up", "route add 10.71.0.0/16 dev e0")
		watch.until("10.71.0.0/16")
		do("link set e0 name f0", "route add 10.72.0.0/16 dev f0 metric 5 tos 0x10", "-6 route add 2001:db8:72::/48 dev f0")
		watch.until("2001:db8:72::/48")
		do("link del f0")
		watch.until("deleted  2001:db8:72::/48")
		watch.until("deleted  10.72.0.0/16")
		var got []string
		for line := range strings.Lines(watch.end()) {
			if _, change, _ := strings.Cut(line, " "); strings.Contains(change, "10.72.") || strings.Contains(change, "db8:72:") || strings.Contains(change, "10.71.") {
				// Whether a message or the reading after it tells is up to who is faster.
				got = append(got, strings.TrimSuffix(strings.TrimSuffix(change, "\n"), " (found)"))
			}
		}
		slices.Sort(got)
		want := []string{"added    10.71.0.0/16 dev e0 scope link proto boot", "added    10.72.0.0/16 tos 0x10 dev f0 metric 5 scope link proto boot",
			"added    2001:db8:72::/48 dev f0 metric 1024 proto boot", "deleted  10.71.0.0/16 dev f0 scope link proto boot",
			"deleted  10.72.0.0/16 tos 0x10 dev f0 metric 5 scope link proto boot", "deleted  2001:db8:72::/48 dev f0 metric 1024 proto boot"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
