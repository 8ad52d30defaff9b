package procnet

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CgroupPaths turns the ids of control groups of cgroup v2, which sockets carry (inet_diag's INET_DIAG_CGROUP_ID), into paths. An id
// is what the file handle of the control group's directory holds (fs/kernfs/mount.c, kernfs_encode_fh), and where a long has 64
// bits also its inode. It is not safe for concurrent use.
type CgroupPaths struct {
	mount  int    // descriptor of the file system's root; -1 when there is none
	root   string // its path
	known  map[uint64]string
	walked bool
	err    error
}

// OpenCgroupPaths returns the paths of the running kernel's cgroup v2, which is mounted at /sys/fs/cgroup, or beside v1 at
// /sys/fs/cgroup/unified. Where it is not, no path is known. Close lets go of it.
func OpenCgroupPaths() *CgroupPaths {
	for _, dir := range cgroupMounts() {
		if !isCgroup(dir) {
			continue
		}
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &CgroupPaths{mount: -1, err: &fs.PathError{Op: "open", Path: dir, Err: err}}
		}
		return &CgroupPaths{mount: fd, root: dir, known: make(map[uint64]string)}
	}
	return &CgroupPaths{mount: -1}
}

// Err returns the first failure for which a path stayed unknown that has nothing to do with its control group.
func (c *CgroupPaths) Err() error { return c.err }

func cgroupMounts() []string { return []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} }

// isCgroup reports whether path is a directory of cgroup v2.
func isCgroup(path string) bool {
	var fs unix.Statfs_t
	var st unix.Stat_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.CGROUP2_SUPER_MAGIC && unix.Stat(path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// ErrNoCgroup: there is no control group of cgroup v2 at a path.
var ErrNoCgroup = errors.New("no such control group of cgroup v2")

// CgroupID returns the id of the control group at path: of the file system, or from the root of the mount as in /proc/<pid>/cgroup.
func CgroupID(path string) (uint64, error) {
	candidates := []string{path}
	if filepath.IsAbs(path) {
		for _, mount := range cgroupMounts() {
			candidates = append(candidates, filepath.Join(mount, path))
		}
	}
	for _, dir := range candidates {
		if !isCgroup(dir) {
			continue
		}
		handle, _, err := unix.NameToHandleAt(unix.AT_FDCWD, dir, 0)
		if err == nil && handle.Size() == 8 {
			return binary.NativeEndian.Uint64(handle.Bytes()), nil
		}
		if err != nil {
			return 0, &os.PathError{Op: "name_to_handle_at", Path: dir, Err: err}
		}
	}
	return 0, ErrNoCgroup
}

// Close closes the mount.
func (c *CgroupPaths) Close() error {
	if c.mount < 0 {
		return nil
	}
	return unix.Close(c.mount)
}

// Of returns the path of the control group with that id from the root of the mount, as in /proc/<pid>/cgroup; "" when it was removed
// or stands outside of the caller's cgroup namespace.
func (c *CgroupPaths) Of(id uint64) string {
	if c.mount < 0 || id == 0 {
		return ""
	}
	path, ok := c.known[id]
	if ok {
		return path
	}
	path, err := c.byHandle(id)
	switch {
	case err == unix.EPERM || err == unix.EOPNOTSUPP:
		c.walk()
		path = c.known[id]
	case err != nil && err != unix.ESTALE:
		c.err = cmp.Or(c.err, error(&fs.PathError{Op: "open by handle", Path: c.root, Err: err}))
	}
	c.known[id] = path
	return path
}

// fileidKernfs is FILEID_KERNFS (include/linux/exportfs.h).
const fileidKernfs = 0xfe

// byHandle asks the kernel. It needs CAP_DAC_READ_SEARCH (open_by_handle_at(2)).
func (c *CgroupPaths) byHandle(id uint64) (string, error) {
	handle := unix.NewFileHandle(fileidKernfs, binary.NativeEndian.AppendUint64(nil, id))
	fd, err := unix.OpenByHandleAt(c.mount, handle, unix.O_PATH|unix.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", unix.ESTALE // the tree of /proc is not there
	}
	return c.below(path), nil
}

// walk learns the ids of all control groups that can be seen by their inodes.
func (c *CgroupPaths) walk() {
	if c.walked {
		return
	}
	c.walked = true
	// A directory that cannot be read, or has gone, hides those below it: they stay unknown.
	_ = filepath.WalkDir(c.root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		var st unix.Stat_t
		if unix.Stat(path, &st) == nil {
			c.known[st.Ino] = c.below(path)
		}
		return nil
	})
}

// below cuts the mount's own path off.
func (c *CgroupPaths) below(path string) string {
	rest, ok := strings.CutPrefix(path, c.root)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return ""
	case rest == "":
		return "/"
	}
	return rest
}
