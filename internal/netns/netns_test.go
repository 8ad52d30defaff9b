package netns_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// roleEnv makes the test binary play a part in fresh namespaces instead of
// testing.
const roleEnv = "GNET_NETNS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(nstest.Interruptible{M: m}.Run())
	case "show":
		show()
	case "parent":
		parent()
	case "sleeper":
		sleeper()
	case "limited":
		limited()
	}
}

// self is this test binary in a role.
func self(role string) *exec.Cmd {
	cmd := netns.Self("netns-" + role)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// show settles and prints what a program sees in fresh namespaces.
func show() {
	fmt.Println("name", filepath.Base(os.Args[0]))
	fmt.Println("pid", os.Getpid(), "uid", os.Geteuid())
	fmt.Println("settled", netns.Settle() == nil)
	comm, err := os.ReadFile("/proc/1/cmdline")
	fmt.Printf("process 1 %q %v\n", bytes.TrimRight(comm, "\x00"), err)
	dev, err := os.ReadFile("/proc/net/dev")
	fmt.Println("devices", strings.Count(string(dev), ":"), err)
}

func TestStart_freshNamespaces(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	var out bytes.Buffer
	cmd := self("show")
	cmd.Stdout = &out
	netns.Isolate(cmd)
	p, err := netns.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	want := "name netns-show\npid 1 uid 0\nsettled true\nprocess 1 \"netns-show\" <nil>\ndevices 1 <nil>\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

// parent starts an isolated sleeper whose output is ours, and waits.
func parent() {
	cmd := self("sleeper")
	cmd.Stdout = os.Stdout
	netns.Isolate(cmd)
	p, err := netns.Start(cmd)
	if err == nil {
		err = p.Wait()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// sleeper starts a program of its own, says that both run, and sleeps.
func sleeper() {
	grandchild := exec.Command("sleep", "100")
	grandchild.Stdout = os.Stdout
	if err := grandchild.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	grandchild.Wait()
	os.Exit(1)
}

// TestStart_diesWithTheParent: each process holds the write end of one pipe, so
// its end is the end of the last of them, grandchildren included. Whether the
// parent gets a chance to clean up makes no difference.
func TestStart_diesWithTheParent(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	for _, signal := range []unix.Signal{unix.SIGKILL, unix.SIGINT, unix.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			// Only a guard: without it a survivor would keep this test waiting.
			if err := r.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			cmd := self("parent")
			cmd.Stdout = w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			lines := bufio.NewReader(r)
			if line, err := lines.ReadString('\n'); line != "ready\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if rest, err := lines.ReadString('\n'); rest != "" || err != io.EOF {
				t.Errorf("after the parent's end: %q, %v", rest, err)
			}
		})
	}
}

func TestStart_missingProgram(t *testing.T) {
	cmd := exec.Command("/no/such/program")
	_, err := netns.Start(cmd)
	var own *netns.Error
	if !errors.As(err, &own) || !errors.Is(err, unix.ENOENT) {
		t.Errorf("got %T %v, want *Error that is ENOENT", err, err)
	}
}

func TestDo_socketsBelongToTheNamespace(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		other := nstest.NewHost(t, "other")
		home := mustID(t, nstest.Here(t).NS)
		var inside uint64
		var l net.Listener
		other.Do(t, func() (err error) {
			current, err := netns.Current()
			if err != nil {
				return err
			}
			defer current.Close()
			inside = mustID(t, current)
			l, err = net.Listen("tcp", "127.0.0.1:0")
			return err
		})
		defer l.Close()
		if inside != mustID(t, other.NS) || inside == home {
			t.Errorf("inside Do: %d; the namespace: %d; ours: %d", inside, mustID(t, other.NS), home)
		}
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			c.Close()
			t.Error("the listener of the other namespace answers here")
		}
		other.Do(t, func() error {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return err
			}
			return c.Close()
		})
	})
}

func mustID(t *testing.T, ns *netns.NS) uint64 {
	t.Helper()
	id, err := ns.ID()
	if err != nil {
		t.Error(err)
	}
	return id
}

// TestDo_noThreadIsLeftInside runs goroutines on every thread the runtime has
// after many entries, also ones that ended badly, and looks where they are.
func TestDo_noThreadIsLeftInside(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		other := nstest.NewHost(t, "other")
		home := mustID(t, nstest.Here(t).NS)
		boom := errors.New("boom")
		for range 50 {
			if err := other.NS.Do(func() error { return boom }); err != boom {
				t.Fatalf("got %v, want the function's own error", err)
			}
		}
		tasks, err := filepath.Glob("/proc/self/task/*/ns/net")
		if err != nil || len(tasks) == 0 {
			t.Fatal(tasks, err)
		}
		want := fmt.Sprintf("net:[%d]", home)
		for _, task := range tasks {
			// A thread that ended since then is no thread left inside.
			if got, err := os.Readlink(task); err == nil && got != want {
				t.Errorf("%s is %s, want %s", task, got, want)
			}
		}
	})
}

func TestOpen_whatIsNoNamespace(t *testing.T) {
	for path, want := range map[string]error{
		"/no/such/file":       unix.ENOENT,
		"/proc/self/status":   unix.EINVAL,
		"/proc/self/ns/mnt":   unix.EINVAL,
		"/proc/999999999/net": unix.ENOENT,
	} {
		ns, err := netns.Open(path)
		var own *netns.Error
		if ns != nil || !errors.As(err, &own) || !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
}

func TestOfProcess_isOurOwn(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		ns, err := netns.OfProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		defer ns.Close()
		if mustID(t, ns) != mustID(t, nstest.Here(t).NS) {
			t.Error("another namespace")
		}
	})
}

// limited lowers the limit of the user namespace that it runs in and prints what
// Start says to that.
func limited() {
	if err := os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	cmd := self("show")
	netns.Isolate(cmd)
	_, err := netns.Start(cmd)
	fmt.Println(err, errors.Is(err, unix.ENOSPC))
}

// TestStart_limitIsNamed makes a user namespace for the limit, also as root:
// each has its own below the machine's.
func TestStart_limitIsNamed(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	cmd := self("limited")
	cmd.SysProcAttr = &unix.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "start in fresh namespaces: fork/exec /proc/self/exe: no space left on device (user.max_net_namespaces is 0) true\n"
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Error(diff)
	}
}
