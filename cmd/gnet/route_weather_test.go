package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
)

// weatherRoutes is so many that a signal sent at the first of them arrives long before the last.
const weatherRoutes = 200_000

// weatherFile writes a save file of n routes inside of 20.0.0.0/6 over way, which are keys of JSON.
func weatherFile(t *testing.T, n int, way string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "saved")
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"destination":"%d.%d.%d.0/24",%s,"iface":"d0"}`+"\n", 20+i>>16, i>>8&255, i&255, way)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// weatherCount is how many of those routes the kernel has; without all it stops at the first.
func weatherCount(t *testing.T, host *nstest.Host, all bool) (n uint64) {
	t.Helper()
	host.Netlink(t, func(c *rtnl.Conn) error {
		for r, err := range c.Routes(rtnl.RouteFilter{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN}) {
			if err != nil {
				return err
			}
			if a := r.Dst.Addr().As4(); a[0] >= 20 && a[0] < 24 {
				n++
			}
			if n > 0 && !all {
				break
			}
		}
		return nil
	})
	return n
}

// weatherOutcome is the summary of a restore or a flush.
type weatherOutcome struct {
	Kind                                           string
	Added, Present, Deleted, Failed, Gone, Untried uint64
	Replaced, Bad, Unknown                         uint64
	Interrupted                                    bool
}

// disturbed runs gnet route with words and does something when begun says that it has begun.
func disturbed(t *testing.T, host *nstest.Host, begun func() bool, disturb func(*os.Process), words ...string) (status int, o weatherOutcome) {
	t.Helper()
	cmd := exec.Command(gnetCalled(t, "route"), append(words, "--format", "jsonl")...)
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = out
	host.Start(t, cmd)
	for deadline := time.Now().Add(time.Minute); !begun(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not begin")
		}
	}
	disturb(cmd.Process)
	_ = cmd.Wait()
	text, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &o); err != nil || o.Kind != "summary" {
		t.Fatalf("the last line is no summary: %v: %q", err, lines[len(lines)-1])
	}
	return cmd.ProcessState.ExitCode(), o
}

func interrupt(p *os.Process) { _ = p.Signal(unix.SIGINT) }

// TestRouteBatch_interrupted: SIGINT to a running restore and to a running flush; what they say was done is what the kernel has, and
// a second restore finishes the work.
func TestRouteBatch_interrupted(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		file := weatherFile(t, weatherRoutes, `"gateway":"10.50.0.2"`)
		status, o := disturbed(t, host, func() bool { return weatherCount(t, host, false) > 0 }, interrupt, "restore", file)
		has := weatherCount(t, host, true)
		if want := (weatherOutcome{Kind: "summary", Added: has, Untried: weatherRoutes - has, Interrupted: true}); status != 1 || o != want || o.Untried == 0 {
			t.Errorf("restore: status %d, the kernel has %d, %+v", status, has, o)
		}
		if r := run("restore", file); r.Status != 0 || r.Stdout != fmt.Sprintf("%d added, %d there already\n", weatherRoutes-has, has) {
			t.Errorf("the second restore: %+v", r)
		}
		ip := nstest.Peer(t, "ip")
		begun := func() bool { return host.Run(t, ip, "route", "show", "20.0.0.0/24").Stdout == "" }
		status, o = disturbed(t, host, begun, interrupt, "flush", "-4", "--root", "20.0.0.0/6", "--yes")
		has = weatherCount(t, host, true)
		if want := (weatherOutcome{Kind: "summary", Deleted: weatherRoutes - has, Untried: has, Interrupted: true}); status != 1 || o != want || has == 0 {
			t.Errorf("flush: status %d, the kernel has %d, %+v", status, has, o)
		}
	})
}

// TestRouteRestore_interfaceGoes: the interface is deleted while routes over it are restored; each route is accounted for.
func TestRouteRestore_interfaceGoes(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		const n = weatherRoutes / 4
		ip := nstest.Peer(t, "ip")
		for _, way := range []string{`"scope":"link"`, `"gateway":"10.50.0.2"`} {
			t.Run(way, func(t *testing.T) {
				host := nstest.Here(t)
				for _, line := range []string{"link add d0 type veth peer name d1", "addr add 10.50.0.1/24 dev d0", "link set d1 up", "link set d0 up"} {
					if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
						t.Fatal(line, r)
					}
				}
				status, o := disturbed(t, host, func() bool { return weatherCount(t, host, false) > 0 }, func(*os.Process) {
					if r := host.Run(t, ip, "link", "del", "d0"); r.Status != 0 {
						t.Error(r)
					}
				}, "restore", weatherFile(t, n, way))
				if want := (weatherOutcome{Kind: "summary", Added: o.Added, Failed: n - o.Added}); status != 1 || o != want || o.Added == 0 || o.Failed == 0 {
					t.Errorf("status %d, %+v", status, o)
				}
				if has := weatherCount(t, host, true); has != 0 {
					t.Errorf("the kernel has %d", has)
				}
			})
		}
	})
}

// TestRouteList_churn: while others add and delete routes, every listing has each route that stays, and has it once.
func TestRouteList_churn(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		const stay = 3000
		if r := run("restore", weatherFile(t, stay, `"gateway":"10.50.0.2"`)); r.Status != 0 {
			t.Fatal(r)
		}
		end, ended := make(chan struct{}), make(chan error, 1)
		go func() { ended <- routeChurn(host, end) }()
		for _, words := range [][]string{{"-n"}, {"-n", "--proc"}, {"--details"}, {"--format", "csv"}, {"--all-tables", "--format", "jsonl"}} {
			for range 5 {
				r := run(words...)
				seen := make(map[string]int, stay)
				for line := range strings.Lines(r.Stdout) {
					for _, word := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t\n,\":/", c) }) {
						if strings.HasPrefix(word, "20.") {
							seen[word]++
							break
						}
					}
				}
				if r.Status != 0 || len(seen) != stay {
					t.Errorf("%q: status %d, %d of %d routes: %s", words, r.Status, len(seen), stay, r.Stderr)
				}
				for dst, n := range seen {
					if n != 1 {
						t.Errorf("%q: %s is there %d times", words, dst, n)
					}
				}
			}
		}
		close(end)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// routeChurn adds and deletes routes in front of and behind those that stay, until end is closed.
func routeChurn(host *nstest.Host, end <-chan struct{}) error {
	return host.NS.Do(func() error {
		c, err := rtnl.Dial()
		if err != nil {
			return err
		}
		defer c.Close()
		for i := 0; ; i++ {
			select {
			case <-end:
				return nil
			default:
			}
			r := rtnl.Route{Family: unix.AF_INET, Table: unix.RT_TABLE_MAIN, Type: unix.RTN_BLACKHOLE, Protocol: unix.RTPROT_STATIC}
			for _, first := range []byte{19, 200} {
				r.Dst = netip.PrefixFrom(netip.AddrFrom4([4]byte{first, byte(i / 2)}), 16)
				change := c.DelRoute
				if i%512 < 256 {
					change = func(r *rtnl.Route) error { return c.AddRoute(r, unix.NLM_F_CREATE|unix.NLM_F_REPLACE) }
				}
				if err := change(&r); err != nil && !errors.Is(err, unix.ESRCH) {
					return err
				}
			}
		}
	})
}

// TestRouteRestore_deadHop: a route that the kernel keeps while one of its interfaces is down, and would refuse now, is there already.
func TestRouteRestore_deadHop(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		host, run := routeListLab(t)
		ip := nstest.Peer(t, "ip")
		for _, line := range []string{"link add e0 type veth peer name e1", "addr add 10.60.0.1/24 dev e0", "link set e1 up", "link set e0 up",
			"route add 10.61.0.0/16 nexthop via 10.50.0.2 nexthop via 10.60.0.2", "link set e0 down"} {
			if r := host.Run(t, ip, strings.Fields(line)...); r.Status != 0 {
				t.Fatal(line, r)
			}
		}
		file := filepath.Join(t.TempDir(), "saved")
		saved := run("save", "--exact", "10.61.0.0/16").Stdout
		refused := `{"destination":"10.62.0.0/16","gateway":"10.60.0.2"}` + "\n"
		if err := os.WriteFile(file, []byte(saved+refused), 0o600); err != nil || saved == "" {
			t.Fatal(err, saved)
		}
		r := run("restore", file)
		if r.Status != 1 || r.Stdout != "1 there already, 1 failed\n" || strings.Count(r.Stderr, "\n") != 1 || !strings.HasPrefix(r.Stderr, "route: line 2: 10.62.0.0/16 ") {
			t.Errorf("%+v", r)
		}
	})
}
