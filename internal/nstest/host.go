package nstest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"gnet/internal/netns"
	"gnet/internal/rtnl"
)

// TB is the part of testing.TB that topologies need; make demo and make bench
// bring their own.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Host is one network namespace of a topology, with its loopback interface up.
type Host struct {
	Name string
	// NS is the namespace, closed at the end of the test.
	NS *netns.NS
}

// NewHost makes a host in a fresh network namespace that ends with the test.
func NewHost(t TB, name string) *Host {
	t.Helper()
	ns, err := netns.New()
	return adopt(t, name, ns, err)
}

// Here is the namespace of the calling thread as a host: inside InNetns, the
// test's own.
func Here(t TB) *Host {
	t.Helper()
	ns, err := netns.Current()
	return adopt(t, "here", ns, err)
}

func adopt(t TB, name string, ns *netns.NS, err error) *Host {
	t.Helper()
	if err != nil {
		t.Fatalf("host %s: %v", name, err)
	}
	t.Cleanup(func() { ns.Close() })
	h := &Host{Name: name, NS: ns}
	h.Do(t, loopbackUp)
	return h
}

// Do runs fn inside the host's namespace and fails the test with its error.
// netns.NS.Do has the conditions: /proc/net is that of the test.
func (h *Host) Do(t TB, fn func() error) {
	t.Helper()
	if err := h.NS.Do(fn); err != nil {
		t.Fatalf("host %s: %v", h.Name, err)
	}
}

// Netlink runs fn with an rtnetlink connection into the host's namespace.
func (h *Host) Netlink(t TB, fn func(*rtnl.Conn) error) {
	t.Helper()
	h.Do(t, func() error {
		c, err := rtnl.Dial()
		if err != nil {
			return err
		}
		defer c.Close()
		return fn(c)
	})
}

// Sysctl writes a value below /proc/sys, as "net/ipv4/ip_forward", in the
// host's namespace.
func (h *Host) Sysctl(t TB, name, value string) {
	t.Helper()
	h.Do(t, func() error {
		return os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0)
	})
}

// AllowPing lets every group open unprivileged echo sockets in the host's
// namespace (icmp(7), ping_group_range); a fresh namespace allows none.
func (h *Host) AllowPing(t TB) {
	t.Helper()
	groups := "0 2147483647"
	if probeRoot() != nil {
		groups = "0 0" // the only group that exists in this user namespace
	}
	h.Sysctl(t, "net/ipv4/ping_group_range", groups)
}

// Start starts cmd inside the host's namespace. The program is killed at the
// end of the test if it still runs then.
func (h *Host) Start(t TB, cmd *exec.Cmd) {
	t.Helper()
	h.Do(t, cmd.Start)
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
}

// Result is what a program did.
type Result struct {
	Stdout, Stderr string
	// Status is the exit status, or 128 and the signal's number.
	Status int
}

// Run runs a program inside the host's namespace with LC_ALL=C and an empty
// standard input, and waits for it.
func (h *Host) Run(t TB, name string, args ...string) Result {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	return h.Output(t, cmd)
}

// Output runs cmd inside the host's namespace and returns what it did. Streams
// that cmd has set already are left alone.
func (h *Host) Output(t TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	setIfNil(&cmd.Stdout, &stdout)
	setIfNil(&cmd.Stderr, &stderr)
	h.Do(t, cmd.Start)
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("host %s: %s: %v", h.Name, cmd.Path, err)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Status: status(cmd.ProcessState)}
}

func setIfNil(stream *io.Writer, w io.Writer) {
	if *stream == nil {
		*stream = w
	}
}

func status(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return state.ExitCode()
}

func credential(id uint32) *syscall.Credential {
	return &syscall.Credential{Uid: id, Gid: id, Groups: []uint32{}}
}
