package nstest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// Capability is something that a machine may not allow.
type Capability string

// The capabilities, by their names in GNET_REQUIRE.
const (
	// Netns: fresh network and process namespaces, with or without root.
	Netns Capability = "netns"
	// Raw: raw sockets, here or in a namespace of our own.
	Raw Capability = "raw"
	// TUN: /dev/net/tun can be opened.
	TUN Capability = "tun"
	// Peers: the original tools are installed; asked for with Peer.
	Peers Capability = "peers"
	// Userns: a fresh user namespace, made by whoever we are.
	Userns Capability = "userns"
	// Root: user id 0 with other user ids beside it, for tests that become nobody.
	Root Capability = "root"
	// Tracefs: the kernel's trace events, in a mount namespace of our own.
	Tracefs Capability = "tracefs"
)

// Require skips the test with the reason if the machine lacks one of the
// capabilities, or fails it if GNET_REQUIRE names that capability.
func Require(t testing.TB, capabilities ...Capability) {
	t.Helper()
	for _, c := range capabilities {
		if err := Probe(c); err != nil {
			lacking(t, c, err)
		}
	}
}

func lacking(t testing.TB, c Capability, err error) {
	t.Helper()
	if required(os.Getenv("GNET_REQUIRE"), c) {
		t.Fatalf("GNET_REQUIRE names %s, but: %v", c, err)
	}
	t.Skipf("needs %s: %v", c, err)
}

func required(list string, c Capability) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(name string) bool {
		return strings.TrimSpace(name) == string(c)
	})
}

// Probe tries the harmless thing that shows whether the machine has the
// capability. It never goes by the user id alone, and changes nothing.
func Probe(c Capability) error {
	switch c {
	case Netns:
		return probeNetns()
	case Raw:
		return probeRaw()
	case TUN:
		return probeTUN()
	case Peers:
		return nil // each tool is asked for by name, with Peer
	case Userns:
		return probeUserns()
	case Root:
		return probeRoot()
	case Tracefs:
		return probeTracefs()
	}
	return fmt.Errorf("unknown capability %q", string(c))
}

// probeNetns starts a program in fresh namespaces: true, or this test with no
// test to run where there is no true.
func probeNetns() error {
	cmd := netns.Self("probe", "-test.run=^$")
	if path, err := exec.LookPath("true"); err == nil {
		cmd = exec.Command(path)
	}
	netns.Isolate(cmd)
	p, err := netns.Start(cmd)
	if err != nil {
		return err
	}
	return p.Wait()
}

// probeUserns starts a program in a fresh user namespace in which nobody is mapped.
func probeUserns() error {
	cmd := netns.Self("probe", "-test.run=^$")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("user namespace: %w", err)
	}
	return nil
}

// probeRaw opens a raw socket; where this process may not, one that is root in
// namespaces of its own may, so then namespaces decide.
func probeRaw() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err == nil {
		return unix.Close(fd)
	}
	if nsErr := probeNetns(); nsErr != nil {
		return fmt.Errorf("raw socket: %w, and %w", err, nsErr)
	}
	return nil
}

func probeTUN() error {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open /dev/net/tun: %w", err)
	}
	return unix.Close(fd)
}

// probeRoot wants a process that may become another user: root with user ids
// other than its own, as it is outside of user namespaces.
func probeRoot() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("user id is %d", os.Geteuid())
	}
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil && strings.Fields(string(b))[2] == "1" {
		return fmt.Errorf("no user id but 0 in this user namespace")
	}
	return nil
}

// probeTracefs wants root and a kernel that has tracefs.
func probeTracefs() error {
	if err := probeRoot(); err != nil {
		return err
	}
	if !netns.CanAdminister() {
		return fmt.Errorf("no CAP_SYS_ADMIN")
	}
	b, err := os.ReadFile("/proc/filesystems")
	if err == nil && !strings.Contains(string(b), "\ttracefs\n") {
		err = fmt.Errorf("this kernel has no tracefs")
	}
	return err
}

// Peer is the path of an installed original such as "netstat". It skips or
// fails as Require does with Peers, naming the tool. /sbin and /usr/sbin are
// searched also if PATH lacks them.
//
// gnet is never taken for an original: testscript puts the test binary under
// the names of our commands first in PATH, and a link installed under such a
// name leads to gnet.
func Peer(t testing.TB, name string) string {
	t.Helper()
	path, err := FindPeer(name)
	if err != nil {
		lacking(t, Peers, err)
	}
	return path
}

// FindPeer is Peer for programs that are no tests: the path, or an error that
// names the tool.
func FindPeer(name string) (string, error) {
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin", "/usr/local/sbin")
	for _, dir := range dirs {
		path, err := exec.LookPath(filepath.Join(dir, name))
		if err == nil && filepath.IsAbs(path) && !isGnet(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// isGnet reports whether path is this test binary, a copy of it, or leads to a
// program called gnet.
func isGnet(path string) bool {
	target, err := filepath.EvalSymlinks(path)
	if err != nil || filepath.Base(target) == "gnet" {
		return true
	}
	file, err := os.Stat(target)
	if err != nil {
		return true
	}
	self, err := os.Stat("/proc/self/exe")
	return err == nil && (os.SameFile(file, self) || file.Size() == self.Size())
}
