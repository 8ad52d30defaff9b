package nstest

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/rtnl"
)

// childEnv names the test whose body the process is to run; reportFd is where
// it says how that ended.
const (
	childEnv = "GNET_NSTEST_CHILD"
	reportFd = 3
)

// InNetns runs body in a child process: this test again, alone, in fresh
// network, process and mount namespaces (and a user namespace when not root),
// with the loopback interface up. The child's output is logged line by line; a failure,
// a skip or a death of the child is one of t. What stands before InNetns in the
// test runs twice, once in each process; nothing should stand after it.
func InNetns(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		runBody(t, body)
		return
	}
	Require(t, Netns)
	outcome, reason, err := runChild(t)
	switch {
	case outcome == "pass" && err == nil:
	case outcome == "skip" && err == nil:
		t.Skip(reason)
	case outcome == "":
		t.Fatalf("the child ended without running the test: %v", err)
	default:
		t.Fatalf("the child's outcome: %s, %v", outcome, err)
	}
}

// runBody is the child's side.
func runBody(t *testing.T, body func(t *testing.T)) {
	report := os.NewFile(reportFd, "report")
	t.Cleanup(func() {
		outcome := "pass"
		if t.Failed() {
			outcome = "fail"
		} else if t.Skipped() {
			outcome = "skip"
		}
		fmt.Fprintln(report, outcome)
		report.Close()
	})
	if err := netns.Settle(); err != nil {
		t.Logf("%v; the list of processes is the host's", err)
	}
	if err := loopbackUp(); err != nil {
		t.Fatal(err)
	}
	body(t)
}

func loopbackUp() error {
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	lo, err := c.LinkByName("lo")
	if err != nil {
		return err
	}
	return c.SetLink(lo.Index, new(rtnl.LinkChange).Up())
}

// runChild is the parent's side: the outcome that the child reported ("" if it
// came to none), the line that gave the reason of a skip, and how the process ended.
func runChild(t *testing.T) (outcome, reason string, err error) {
	t.Helper()
	report, reportW := mustPipe(t)
	output, outputW := mustPipe(t)
	heed := heedSignals()
	p, err := netns.Start(childCommand(t, outputW, reportW))
	heed()
	reportW.Close()
	outputW.Close()
	if err != nil {
		return "", "", err
	}
	reason = logLines(t, output)
	word, readErr := io.ReadAll(report)
	err = p.Wait()
	if err == nil {
		err = readErr
	}
	return strings.TrimSpace(string(word)), reason, err
}

// heedSignals makes the programs that are started until done obey the signals that this
// one ignores: a shell ignores SIGINT for what it runs in the background (POSIX, Shell
// Command Language, section 2.11), nohup(1) SIGHUP, and that is handed on. A signal
// that is caught, not ignored, has its usual effect on a new program (execve(2)). What
// comes meanwhile has its effect on this program when it is done.
func heedSignals() (done func()) {
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, unix.SIGINT, unix.SIGHUP)
	return func() {
		signal.Stop(caught)
		close(caught)
		for s := range caught {
			if s, ok := s.(unix.Signal); ok {
				unix.Kill(os.Getpid(), s)
			}
		}
	}
}

func mustPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

func childCommand(t *testing.T, output, report *os.File) *exec.Cmd {
	cmd := netns.Self(os.Args[0], "-test.run="+exactly(t.Name()), "-test.v", "-test.count=1")
	if deadline, ok := t.Deadline(); ok {
		// A little earlier than the parent, so that the child's goroutines are the ones shown.
		left := time.Until(deadline) * 9 / 10
		cmd.Args = append(cmd.Args, "-test.timeout="+left.String())
	}
	if dir := flag.Lookup("test.gocoverdir"); dir != nil && dir.Value.String() != "" {
		// go test -cover gathers the counters of all processes that write here.
		cmd.Args = append(cmd.Args, "-test.gocoverdir="+dir.Value.String())
	}
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name())
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{report}
	netns.Isolate(cmd)
	return cmd
}

// exactly is the -test.run pattern for one test or subtest.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// logLines logs the child's output and returns its last line before the first
// "--- SKIP", which is the reason of the skip.
func logLines(t *testing.T, output io.Reader) (reason string) {
	t.Helper()
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	last := ""
	for lines.Scan() {
		line := lines.Text()
		t.Logf("child: %s", line)
		if reason == "" && strings.HasPrefix(strings.TrimSpace(line), "--- SKIP") {
			reason = strings.TrimSpace(last)
		}
		last = line
	}
	if err := lines.Err(); err != nil {
		t.Errorf("reading the child's output: %v", err)
	}
	return reason
}

// nobody is the user and group that own nothing.
const nobody = 65534

// AsNobody makes cmd run as an ordinary user (65534) without capabilities. It
// needs Root.
func AsNobody(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	Require(t, Root)
	cmd.SysProcAttr = &unix.SysProcAttr{Credential: credential(nobody)}
}
