package procnet

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// Both ways to a path agree for every control group of this machine; none is made for the test, since they belong to the host.
func TestCgroupPaths_bothWays(t *testing.T) {
	nstest.Require(t, nstest.Root)
	asked := openCgroupPaths(t)
	walked := openCgroupPaths(t)
	if asked.mount < 0 { // a host of cgroup v1 alone knows no ids
		if got := asked.Of(1); got != "" {
			t.Errorf("1 is %q without cgroup v2", got)
		}
		return
	}
	walked.walk()
	if got := asked.Of(inode(t, asked.root)); got != "/" {
		t.Errorf("the root is %q", got)
	}
	for id, want := range walked.known {
		if got, err := asked.byHandle(id); got != want || err != nil {
			if _, err := os.Stat(filepath.Join(walked.root, want)); err == nil { // it was not removed meanwhile
				t.Errorf("%d: %q by handle, error %v; %q by inode", id, got, err, want)
			}
		}
	}
	for _, id := range []uint64{0, 1 << 40} {
		if got := asked.Of(id) + walked.Of(id); got != "" {
			t.Errorf("%d is %q", id, got)
		}
	}
	if asked.walked {
		t.Error("the tree was walked although the kernel answers")
	}
	asNobody(t, func() error {
		c := OpenCgroupPaths()
		defer c.Close()
		if got := c.Of(inode(t, c.root)); got != "/" || !c.walked {
			t.Errorf("nobody: the root is %q, walked %v", got, c.walked)
		}
		return nil
	})
}

func openCgroupPaths(t *testing.T) *CgroupPaths {
	t.Helper()
	c := OpenCgroupPaths()
	t.Cleanup(func() { c.Close() })
	return c
}

// A walk over a tree like that of the control groups.
func TestCgroupPaths_walk(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a:b", "c")
	closed := filepath.Join(root, "closed", "inner")
	for _, dir := range []string{deep, closed} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "cgroup.procs"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c := &CgroupPaths{root: root, known: make(map[uint64]string)}
	c.walk()
	want := map[uint64]string{
		inode(t, root): "/", inode(t, filepath.Dir(deep)): "/a:b", inode(t, deep): "/a:b/c",
		inode(t, filepath.Dir(closed)): "/closed", inode(t, closed): "/closed/inner",
	}
	if diff := cmp.Diff(want, c.known); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func inode(t *testing.T, path string) uint64 {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func TestCgroupPaths_below(t *testing.T) {
	c := &CgroupPaths{mount: -1, root: "/sys/fs/cgroup"}
	if got := c.Of(1); got != "" || c.Close() != nil {
		t.Errorf("%q, want nothing", got)
	}
	for path, want := range map[string]string{"/sys/fs/cgroup": "/", "/sys/fs/cgroup/a": "/a", "/sys/fs/cgroup2/a": "", "/elsewhere": ""} {
		if got := c.below(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// The id of each control group is found by its path from the root of the mount and by that of its directory.
func TestCgroupID(t *testing.T) {
	c := openCgroupPaths(t)
	for _, path := range []string{"", "cgroup.procs", "relative", "/no/such/group", "/etc/passwd"} {
		if id, err := CgroupID(path); err != ErrNoCgroup {
			t.Errorf("%q is %d, error %v", path, id, err)
		}
	}
	if c.mount < 0 {
		return // a host of cgroup v1 alone
	}
	c.walk()
	for id, path := range c.known {
		for _, at := range []string{path, filepath.Join(c.root, path)} {
			got, err := CgroupID(at)
			if _, gone := os.Stat(filepath.Join(c.root, path)); gone == nil && (got != id || err != nil) {
				t.Errorf("%s is %d, error %v; want %d", at, got, err, id)
			}
		}
	}
	if _, err := CgroupID(filepath.Join(c.root, "cgroup.procs")); err != ErrNoCgroup {
		t.Errorf("a file is a control group: %v", err)
	}
}
