package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// TestTraceIP_nobody: an ordinary user whom /dev/net/tun is closed to gets the run in memory, with the reason; --link tun is
// status 2, with the reason and the way out that is left, and nothing is drawn.
func TestTraceIP_nobody(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	const closed = "/dev/net/tun: permission denied: only its owner may open it"
	runs := func(args ...string) (stdout, stderr string, status int) {
		cmd := exec.Command("/proc/self/exe", append([]string{"trace", "ip", "--width", "120"}, args...)...)
		cmd.Args[0] = "gnet"
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		nstest.AsNobody(t, cmd)
		_ = cmd.Run() // the status says it
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
	stdout, stderr, status := runs()
	if fi, err := os.Stat("/dev/net/tun"); err == nil && fi.Mode()&0o006 == 0o006 { // it is open to all
		if status != statusOK || !strings.HasPrefix(stdout, "world   tun, ") {
			t.Errorf("status %d, stderr %q\n%s", status, stderr, stdout)
		}
		return
	}
	if status != statusOK || stderr != "" || !strings.HasPrefix(stdout, "world   memory, virtual clock, seed 1\n        "+closed+"\n") ||
		!strings.Contains(stdout, "\nresult  every datagram arrived: 3972 octets of data, unchanged\n") {
		t.Errorf("auto: status %d, stderr %q\n%s", status, stderr, stdout)
	}
	stdout, stderr, status = runs("--link", "tun")
	if want := "gnet trace ip: " + closed + "\nhint: --link memory needs no rights\n"; status != statusCannot || stdout != "" || stderr != want {
		t.Errorf("tun: status %d, stderr %q, want %q\n%s", status, stderr, want, stdout)
	}
}

// TestTraceIP_ended ends a run in the middle, while a datagram waits for its fragments: what SIGINT ends is shown to its end, and
// neither of the signals leaves a process, a namespace or a link.
func TestTraceIP_ended(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, c := range []struct {
		signal unix.Signal
		status int
		stderr string
	}{
		{unix.SIGINT, statusNo, "gnet trace ip: interrupted\n"},
		{unix.SIGTERM, statusNo, "gnet trace ip: interrupted\n"},
		{unix.SIGKILL, -1, ""},
	} {
		t.Run(c.signal.String(), func(t *testing.T) {
			before := linksHere(t)
			cmd := netns.Self("gnet", "trace", "ip", "--path", "1500,1450,1400", "--fault", "drop frag 1")
			cmd.Env = append(os.Environ(), "LC_ALL=C")
			cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			pipe, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			out := bufio.NewReader(pipe)
			shown := ""
			for !strings.Contains(shown, "hole 0-") { // a fragment waits for the first
				line, err := out.ReadString('\n')
				if err != nil {
					t.Fatalf("%v after\n%s", err, shown)
				}
				shown += line
			}
			ours := namespacesOfSession(t, cmd.Process.Pid)
			if len(ours) == 0 {
				t.Error("no namespace of its own is seen: the test sees nothing")
			}
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Error(err)
			}
			rest, err := io.ReadAll(out)
			if err != nil {
				t.Error(err)
			}
			_ = cmd.Wait() // the status says it
			if status := cmd.ProcessState.ExitCode(); status != c.status || stderr.String() != c.stderr {
				t.Errorf("status %d, stderr %q, want %d, %q", status, stderr.String(), c.status, c.stderr)
			}
			if ended := strings.Contains(string(rest), "\nresult  failed: interrupted\n"); ended != (c.signal != unix.SIGKILL) {
				t.Errorf("an end is shown: %t\n%s", ended, rest)
			}
			expectNothingOf(t, cmd.Process.Pid, ours)
			if d := cmp.Diff(before, linksHere(t)); d != "" {
				t.Errorf("links of the host: %s", d)
			}
		})
	}
}

// linksHere lists the links of this namespace.
func linksHere(t *testing.T) (names []string) {
	t.Helper()
	links, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		names = append(names, l.Name())
	}
	return names
}

// sessionOf returns the session of a live process, 0 for one that has ended (proc_pid_stat(5)).
func sessionOf(pid string) int {
	b, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 4 || f[0] == "Z" {
		return 0
	}
	n, _ := strconv.Atoi(f[3])
	return n
}

// processes lists the numbers of all processes.
func processes(t *testing.T) (pids []string) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		pids = append(pids, filepath.Base(d))
	}
	return pids
}

// namespacesOfSession lists the network namespaces that the processes of a session are in, other than this one's. They stay open until
// the test ends: the kernel gives the number of one that is gone to the next one that anybody makes.
func namespacesOfSession(t *testing.T, session int) (names []string) {
	t.Helper()
	here, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range processes(t) {
		if sessionOf(pid) != session {
			continue
		}
		f, err := os.Open("/proc/" + pid + "/ns/net")
		if err != nil {
			continue // it has ended
		}
		t.Cleanup(func() { f.Close() })
		if name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); name != here {
			names = append(names, name)
		}
	}
	return names
}

// expectNothingOf waits until no process of the session is left, nor any that is in one of the namespaces: a killed process is gone
// a moment after its parent.
func expectNothingOf(t *testing.T, session int, namespaces []string) {
	t.Helper()
	var left []string
	for range 2000 {
		left = nil
		for _, pid := range processes(t) {
			name, _ := os.Readlink("/proc/" + pid + "/ns/net")
			if s := sessionOf(pid); s != 0 && (s == session || slices.Contains(namespaces, name)) {
				left = append(left, fmt.Sprintf("%s of session %d in %s", pid, s, name))
			}
		}
		if len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("processes are left: %v", left)
}
