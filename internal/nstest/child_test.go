package nstest

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestInNetns_ownNamespaceWithLoopback(t *testing.T) {
	InNetns(t, func(t *testing.T) {
		if os.Getpid() != 1 {
			t.Errorf("process id is %d, want 1", os.Getpid())
		}
		ifs, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, i := range ifs {
			names = append(names, i.Name)
		}
		if diff := cmp.Diff([]string{"lo"}, names); diff != "" {
			t.Error(diff)
		}
		l, err := net.Listen("tcp", "127.0.0.1:80")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	})
}

// TestInNetns_signals: what a background job ignores, the programs of a test obey, and
// those of the next test too.
func TestInNetns_signals(t *testing.T) {
	Require(t, Netns)
	background := `trap "" INT HUP; exec "$0" "$@"`
	cmd := exec.Command("/bin/sh", "-c", background, os.Args[0], "-test.run=^TestScenario$/^signals$", "-test.v", "-test.count=2")
	cmd.Env = append(os.Environ(), "GNET_NSTEST_SCENARIO=1")
	out, _ := cmd.CombinedOutput()
	if n := strings.Count(string(out), "\n    --- PASS: TestScenario/signals"); n != 2 {
		t.Errorf("%d of 2 tests passed:\n%s", n, out)
	}
}

// signalsEnd runs programs that the signals end which a background job ignores.
func signalsEnd(t *testing.T) {
	for _, s := range []unix.Signal{unix.SIGINT, unix.SIGHUP} {
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		cmd.Process.Signal(unix.SIGTERM) // comes later, and has a higher number
		cmd.Wait()
		if got := cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != s {
			t.Errorf("%v: a program ended by %v", s, got)
		}
	}
}

// TestInNetns_outcomes runs the tests named scenario in a child go test and
// looks at what a user would see.
func TestInNetns_outcomes(t *testing.T) {
	Require(t, Netns)
	for _, tc := range []struct{ name, status, shows string }{
		{"pass", "--- PASS: TestScenario/pass", "child:         --- PASS: TestScenario/pass/inner"},
		{"fail", "--- FAIL: TestScenario/fail", "the child's outcome: fail, exit status 1"},
		{"skip", "--- SKIP: TestScenario/skip", "no such thing here"},
		{"exit", "--- FAIL: TestScenario/exit", "the child ended without running the test: exit status 5"},
		{"panic", "--- FAIL: TestScenario/panic", "oops"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestScenario$/^"+tc.name+"$", "-test.v")
			cmd.Env = append(os.Environ(), "GNET_NSTEST_SCENARIO=1")
			out, _ := cmd.CombinedOutput()
			for _, want := range []string{tc.status, tc.shows} {
				if !strings.Contains(string(out), want) {
					t.Errorf("output lacks %q:\n%s", want, out)
				}
			}
		})
	}
}

// TestScenario is the subject of TestInNetns_outcomes and TestInNetns_signals; by itself it does nothing.
func TestScenario(t *testing.T) {
	if os.Getenv("GNET_NSTEST_SCENARIO") == "" {
		return
	}
	t.Run("pass", func(t *testing.T) {
		InNetns(t, func(t *testing.T) { t.Run("inner", func(t *testing.T) {}) })
	})
	t.Run("fail", func(t *testing.T) {
		InNetns(t, func(t *testing.T) { t.Run("inner", func(t *testing.T) { t.Error("no") }) })
	})
	t.Run("skip", func(t *testing.T) {
		InNetns(t, func(t *testing.T) { t.Skip("no such thing here") })
	})
	t.Run("exit", func(t *testing.T) {
		InNetns(t, func(t *testing.T) { os.Exit(5) })
	})
	t.Run("panic", func(t *testing.T) {
		InNetns(t, func(t *testing.T) { panic("oops") })
	})
	t.Run("signals", func(t *testing.T) { InNetns(t, signalsEnd) })
}

func TestRequire_environmentTurnsSkipIntoFailure(t *testing.T) {
	for _, tc := range []struct {
		list string
		want verdict
	}{
		{"", verdict{skipped: true}},
		{"netns,raw", verdict{skipped: true}},
		{"netns, peers", verdict{failed: true}},
	} {
		t.Setenv("GNET_REQUIRE", tc.list)
		got := judge(func(t testing.TB) { Peer(t, "no-such-tool") })
		if got != tc.want {
			t.Errorf("GNET_REQUIRE=%q: %+v, want %+v", tc.list, got, tc.want)
		}
	}
}

// verdict is how a test ended that was told to stop.
type verdict struct{ skipped, failed bool }

// recorder stands in for a test whose end is looked at.
type recorder struct {
	testing.TB
	verdict verdict
}

func (r *recorder) Helper()               {}
func (r *recorder) Skipf(string, ...any)  { r.verdict.skipped = true; panic(r) }
func (r *recorder) Fatalf(string, ...any) { r.verdict.failed = true; panic(r) }

func judge(body func(testing.TB)) (v verdict) {
	r := new(recorder)
	defer func() {
		if recover() == r {
			v = r.verdict
		}
	}()
	body(r)
	return r.verdict
}

func TestConnect_routerBetweenTwoHosts(t *testing.T) {
	InNetns(t, func(t *testing.T) {
		client, router, server := Here(t), NewHost(t, "router"), NewHost(t, "server")
		Connect(t, 1400,
			End{client, "eth0", []string{"10.1.0.1/24", "fd01::1/64"}},
			End{router, "left", []string{"10.1.0.2/24", "fd01::2/64"}})
		Connect(t, 1300,
			End{router, "right", []string{"10.2.0.2/24", "fd02::2/64"}},
			End{server, "eth0", []string{"10.2.0.1/24", "fd02::1/64"}})
		client.AddRoute(t, "default", "10.1.0.2")
		client.AddRoute(t, "fd02::/64", "fd01::2")
		server.AddRoute(t, "10.1.0.0/24", "10.2.0.2")
		server.AddRoute(t, "default", "fd02::2")
		router.Forward(t)
		for _, addr := range []string{"10.2.0.1", "fd02::1"} {
			if got := exchange(t, client, server, addr); got != "hello" {
				t.Errorf("%s: server got %q", addr, got)
			}
		}
	})
}

// exchange sends one word over TCP from one host to another.
func exchange(t *testing.T, from, to *Host, addr string) string {
	t.Helper()
	var l net.Listener
	to.Do(t, func() (err error) {
		l, err = net.Listen("tcp", net.JoinHostPort(addr, "0"))
		return err
	})
	defer l.Close()
	from.Do(t, func() error {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("hello"))
		return err
	})
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	buf := make([]byte, 16)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestHostRun_insideNamespace(t *testing.T) {
	InNetns(t, func(t *testing.T) {
		h := NewHost(t, "other")
		Connect(t, 0, End{Host: Here(t), Name: "here0"}, End{Host: h, Name: "there0"})
		got := h.Run(t, "sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1; echo warn >&2; exit 3")
		want := Result{Stdout: "    lo\nthere0\n", Stderr: "warn\n", Status: 3}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAsNobody_hasNoRights(t *testing.T) {
	Require(t, Root)
	InNetns(t, func(t *testing.T) {
		cmd := exec.Command("/bin/sh", "-c", "id -u; id -g; grep CapEff /proc/self/status")
		AsNobody(t, cmd)
		got := Here(t).Output(t, cmd)
		want := Result{Stdout: "65534\n65534\nCapEff:\t0000000000000000\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAllowPing(t *testing.T) {
	InNetns(t, func(t *testing.T) {
		if err := echoSocket(); !errors.Is(err, unix.EACCES) {
			t.Errorf("in a fresh namespace: %v, want EACCES", err)
		}
		Here(t).AllowPing(t)
		if err := echoSocket(); err != nil {
			t.Errorf("once allowed: %v", err)
		}
	})
}

func echoSocket() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}
