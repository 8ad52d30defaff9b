package nstest

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// NameHosts gives hosts the names that ip-netns(8) knows them by, files under /run/netns. It covers /run with an empty file
// system in the mount namespace of the caller, which must be the test's own (InNetns); call it once, with all of them.
func NameHosts(t TB, hosts ...*Host) {
	t.Helper()
	if err := nameHosts(hosts); err != nil {
		t.Fatalf("names under /run/netns: %v", err)
	}
	t.Cleanup(func() { unix.Unmount("/run", unix.MNT_DETACH) })
}

func nameHosts(hosts []*Host) error {
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	if err := os.Mkdir("/run/netns", 0o755); err != nil {
		return err
	}
	// As ip-netns(8) leaves it, whatever the umask of the tests: other users read it.
	if err := os.Chmod("/run/netns", 0o755); err != nil {
		return err
	}
	for _, h := range hosts {
		if err := h.MountAt(filepath.Join("/run/netns", h.Name)); err != nil {
			return err
		}
	}
	return nil
}

// MountAt mounts the host's namespace over a file, which it makes.
func (h *Host) MountAt(path string) error {
	if err := os.WriteFile(path, nil, 0o444); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", h.NS.Fd()), path, "", unix.MS_BIND, ""); err != nil {
		return &os.PathError{Op: "mount", Path: path, Err: err}
	}
	return nil
}
