package stackprobe_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
)

// victimEnv makes the test binary the program that the leftover tests start and end: its value is the world. It prints
// the world and its reason, then a line when the connection is established; then the exchange goes on for long.
const victimEnv = "GNET_TEST_VICTIM"

// victimTracefs has it read trace events, victimBytes says how much it sends, victimFilter forbids it to make namespaces.
const (
	victimTracefs = "GNET_TEST_TRACEFS"
	victimBytes   = "GNET_TEST_BYTES"
	victimFilter  = "GNET_TEST_FILTER"
)

func victim() int {
	world, _ := stackprobe.ParseWorld(os.Getenv(victimEnv))
	if os.Getenv(victimFilter) != "" {
		if err := denyNamespaces(); err != nil {
			fmt.Println("filter", err)
			return 1
		}
	}
	ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT)
	defer cancel()
	c := stackprobe.Config{World: world, Bytes: 100}
	if n, err := strconv.Atoi(os.Getenv(victimBytes)); err == nil {
		c.Bytes, c.Delay = n, 50*time.Millisecond
	}
	c.Tracefs = os.Getenv(victimTracefs) != ""
	for e, err := range stackprobe.Run(ctx, c) {
		switch {
		case err != nil:
			fmt.Println("error", err)
			return 1
		case e.Kind == event.KindRun:
			fmt.Printf("world %s: %s\n", e.Run.World, e.Run.Why)
		case e.Kind == event.KindApp && e.App.Call == event.Established:
			fmt.Println("established")
		case e.Kind == event.KindNote:
			fmt.Printf("note %s: %s\n", e.Level, e.Text)
		}
	}
	return 0
}

// cutWorld reads the victim's first line.
func cutWorld(out string) (world, why string, ok bool) {
	first, _, _ := strings.Cut(out, "\n")
	return strings.Cut(strings.TrimPrefix(first, "world "), ": ")
}

// TestNothingIsLeftOnTheHost ends the program in the middle of an exchange with the kernel, in every way in which a
// program ends, and looks for processes, links, namespaces and files.
func TestNothingIsLeftOnTheHost(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	for _, world := range []stackprobe.World{stackprobe.Tun, stackprobe.Veth} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
			for _, when := range []string{"established", "world", "start"} {
				t.Run(fmt.Sprintf("%v, %v at %s", world, sig, when), func(t *testing.T) { leavesNothing(t, world, sig, when) })
			}
		}
	}
}

func leavesNothing(t *testing.T, world stackprobe.World, sig syscall.Signal, when string) {
	dir := t.TempDir()
	before := hostState(t)
	var ours []string
	session := endVictim(t, world, dir, sig, when, func(session int) { ours = namespacesOf(t, session) })
	if when == "established" && len(ours) < 3 {
		t.Errorf("namespaces %v: want a net, a pid and a mnt of its own", ours)
	}
	expectNoSession(t, session)
	if d := cmp.Diff(before, hostState(t)); d != "" {
		t.Errorf("the host has changed: %s", d)
	}
	if users := usersOf(t, ours); len(users) > 0 {
		t.Errorf("namespaces are left: %v", users)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// namespacesOf lists the namespaces of a session's processes that are not this process's: "net:[4026532201]". They stay open until the
// test ends: the kernel gives the number of one that is gone to the next one that anybody makes.
func namespacesOf(t *testing.T, session int) (names []string) {
	t.Helper()
	for _, stat := range inSession(t, session) {
		pid, _, _ := strings.Cut(stat, " ")
		for _, kind := range []string{"net", "pid", "mnt", "user"} {
			here, _ := os.Readlink("/proc/self/ns/" + kind)
			link := filepath.Join("/proc", pid, "ns", kind)
			f, err := os.Open(link)
			if err != nil {
				continue // it has ended
			}
			t.Cleanup(func() { f.Close() })
			if there, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); there != here {
				names = append(names, there)
			}
		}
	}
	return names
}

// usersOf lists what keeps the namespaces: live processes in them, and descriptors of them but this process's. A dead process that nobody has waited for
// yet, its parent being gone, keeps nothing else.
func usersOf(t *testing.T, names []string) (users []string) {
	t.Helper()
	for _, pattern := range []string{"/proc/[0-9]*/ns/*", "/proc/[0-9]*/fd/*"} {
		links, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if strings.HasPrefix(link, fmt.Sprintf("/proc/%d/fd/", os.Getpid())) {
				continue
			}
			if to, err := os.Readlink(link); err == nil && slices.Contains(names, to) && !dead(link) {
				users = append(users, link+" -> "+to)
			}
		}
	}
	return users
}

// dead reports whether the process that a link below /proc belongs to has ended.
func dead(link string) bool {
	b, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(link)), "stat"))
	s := string(b)
	return err != nil || strings.HasPrefix(s[strings.LastIndexByte(s, ')')+1:], " Z")
}

// endVictim starts the victim in a session of its own, sends it sig when it has said a line that starts with when
// ("start": at once), waits for it, and returns the session's number. It calls look before.
func endVictim(t *testing.T, world stackprobe.World, dir string, sig syscall.Signal, when string, look func(session int)) int {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), victimEnv+"="+world.String(), victimBytes+"=100000000", "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for when != "start" && lines.Scan() && !strings.HasPrefix(lines.Text(), when) {
	}
	look(cmd.Process.Pid)
	if err := cmd.Process.Signal(sig); err != nil {
		t.Errorf("the victim ended by itself: %v", err)
	}
	for lines.Scan() {
	}
	cmd.Wait()
	return cmd.Process.Pid
}

// expectNoSession waits until no process of the session is left: a killed process is gone a moment after its parent, on a busy machine
// a longer one.
func expectNoSession(t *testing.T, session int) {
	t.Helper()
	var left []string
	for range 2000 {
		if left = inSession(t, session); len(left) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("processes are left: %v", left)
}

// inSession lists the live processes of a session (proc_pid_stat(5): state and session are the third and sixth field).
func inSession(t *testing.T, session int) []string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		s := string(b)
		f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
		if len(f) > 3 && f[0] != "Z" && f[3] == strconv.Itoa(session) {
			found = append(found, s)
		}
	}
	return found
}

// hostState is what a leftover would show in: links and routes of this namespace, named namespaces, mounts.
func hostState(t *testing.T) []string {
	t.Helper()
	var state []string
	links, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		state = append(state, "link "+l.Name())
	}
	for _, name := range []string{"/proc/self/mountinfo", "/proc/net/route"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		state = append(state, strings.Split(string(b), "\n")...)
	}
	named, _ := filepath.Glob("/run/netns/*") // absent where nobody has used ip netns
	state = append(state, named...)
	slices.Sort(state)
	return state
}

// TestNothingIsLeftAfterSuccessAndFailure: the same for runs that end by themselves, in this process.
func TestNothingIsLeftAfterSuccessAndFailure(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	before := hostState(t)
	if end := outcome(t, collect(t, tunConfig(t, 3000))); !end.OK {
		t.Errorf("%+v", end)
	}
	c := tunConfig(t, 100, "drop")
	c.Deadline = 50 * time.Millisecond
	if end := outcome(t, collect(t, c)); end.OK || end.Reason != "not finished after 50ms" {
		t.Errorf("%+v", end)
	}
	if d := cmp.Diff(before, hostState(t)); d != "" {
		t.Errorf("the host has changed: %s", d)
	}
}
