package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gnet/internal/nstest"
)

// demoEnv makes the test binary be the demo.
const demoEnv = "GNET_DEMO_TEST"

func TestMain(m *testing.M) {
	if os.Getenv(demoEnv) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(nstest.Interruptible{M: m}.Run())
}

// demo is the command `make demo` runs, on a gnet built for this test.
func demo(t *testing.T) *exec.Cmd {
	t.Helper()
	nstest.Require(t, nstest.Netns)
	gnet := filepath.Join(t.TempDir(), "gnet")
	build := exec.Command("go", "build", "-o", gnet, "gnet/cmd/gnet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command("/proc/self/exe", gnet)
	cmd.Env = append(os.Environ(), demoEnv+"=1")
	return cmd
}

func TestDemo_showsAllFourCommandsOnRealData(t *testing.T) {
	out, err := demo(t).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rest := string(out)
	for _, want := range []string{
		"$ gnet netstat -an\n", " LISTEN ", " ESTABLISHED", " TIME_WAIT ", "udp6 ", "@gnet-demo\n",
		"$ gnet route -n\n", "0.0.0.0         10.0.0.2 ",
		"$ gnet route del default\n", "connect: Network is unreachable\n",
		"$ gnet route add default gw 10.0.0.2\n", "$ gnet route -n\n", "0.0.0.0         10.0.0.2 ",
		"-s 1000 10.0.1.1\n", " 0% packet loss,",
		"-s 3000 10.0.1.1\n", "message too long, mtu=1500\n",
		"-s 1450 10.0.1.1\n", "Frag needed and DF set (mtu = 1400)\n",
		"$ gnet trace tcp\n", "world", "SYN-SENT", "TIME-WAIT", "result",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is missing or not in its place:\n%s", want, out)
		}
		rest = after
	}
}

// TestDemo_leavesNothingBehind: all processes of the demo hold the pipe, so
// that its end is the end of the last of them, and the namespaces end with them.
func TestDemo_leavesNothingBehind(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			cmd := demo(t)
			cmd.Stdout, cmd.Stderr = w, w
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			w.Close()
			// Only a guard: a survivor would keep this test waiting.
			if err := r.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewReader(r)
			for line := ""; line != "$ gnet ping -c 2 -i 0.2 -M do -s 1000 10.0.1.1\n"; {
				if line, err = lines.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			rest, err := io.ReadAll(lines)
			if err != nil || strings.Contains(string(rest), "result") {
				t.Errorf("after the signal: %v\n%s", err, rest)
			}
		})
	}
}

// TestRun_withoutNamespacesSaysWhy takes the right to make namespaces away.
func TestRun_withoutNamespacesSaysWhy(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	cmd := demo(t)
	// Limits of zero in a user namespace of its own are what a hardened machine has.
	script := `for kind in user net pid mnt; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$0" "$@"`
	limited := exec.Command("/bin/sh", append([]string{"-c", script}, os.Args[0], cmd.Args[1])...)
	limited.Env = cmd.Env
	limited.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	out, err := limited.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"allows no namespaces", "user.max_user_namespaces is 0", "$ gnet netstat -an\n", "$ gnet trace tcp --link memory\n", "result"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing:\n%s", want, out)
		}
	}
}
