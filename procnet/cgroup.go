package procnet

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Cgroup says where a process stands in the tree of control groups, and which container that is.
type Cgroup struct {
	// Path is the control group's path from the root of the hierarchy, as the reader's cgroup namespace shows it; empty
	// when unknown. The bytes are raw.
	Path string
	// Container is the id or the name by which the program that made the container knows it, empty when the path does not
	// tell: most processes are in none.
	Container string
}

// Cgroup returns the control group of a process; the zero value when it has ended, is hidden, or the kernel has none. The error is any
// other.
func (f FS) Cgroup(pid int) (Cgroup, error) {
	path := f.root.Path(strconv.Itoa(pid), "cgroup")
	text, err := readAll(path)
	if err != nil && !unseen(err) {
		return Cgroup{}, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return parseCgroup(text), nil
}

// readAll reads a small file without an os.File, which would be offered to the runtime's poller first: that is fatal to a program
// that may open next to nothing.
func readAll(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	text := make([]byte, 0, 4096)
	for {
		n, err := unix.Read(fd, text[len(text):cap(text)])
		if n <= 0 {
			return text, err
		}
		if text = text[:len(text)+n]; len(text) == cap(text) {
			text = slices.Grow(text, len(text))
		}
	}
}

// unseen reports whether err says that a process is gone, or hidden from us.
func unseen(err error) bool {
	for _, known := range []error{unix.EACCES, unix.EPERM, fs.ErrNotExist, unix.ESRCH} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// parseCgroup reads /proc/<pid>/cgroup (cgroups(7), proc_cgroup_show in kernel/cgroup/cgroup.c), one line for each hierarchy:
//
//	hierarchy-ID:controller-list:cgroup-path
//
// The line of cgroup v2 is "0::" and the path. Hosts that run v1 beside it may leave every process at the root of v2: then the
// hierarchy of systemd counts, and then the first in which the process is not at the root, since the controllers move together.
// A path can hold colons but no newline.
func parseCgroup(text []byte) Cgroup {
	var path string
	rank := 0
	for line := range bytes.Lines(text) {
		id, rest, ok := bytes.Cut(bytes.TrimSuffix(line, []byte{'\n'}), []byte{':'})
		controllers, p, ok2 := bytes.Cut(rest, []byte{':'})
		if !ok || !ok2 || len(p) == 0 {
			continue
		}
		if r := hierarchyRank(string(id), string(controllers), string(p)); r > rank {
			path, rank = string(p), r
		}
	}
	return Cgroup{path, containerOf(path)}
}

// hierarchyRank says how well a hierarchy tells where a process belongs.
func hierarchyRank(id, controllers, path string) int {
	unified := id == "0" && controllers == ""
	switch {
	case path == "/" && unified:
		return 2
	case path == "/":
		return 1
	case unified:
		return 5
	case controllers == "name=systemd":
		return 4
	}
	return 3
}

// containerOf returns the id or name of the innermost container in a cgroup path, "" when there is none. The forms are those
// that the programs document:
//
//	.../docker-<id>.scope, .../cri-containerd-<id>.scope, .../crio-<id>.scope, .../libpod-<id>.scope   systemd driver
//	/docker/<id>, /kubepods/.../pod<uid>/<id>, /ecs/<task>/<id>, /libpod_parent/libpod-<id>            cgroupfs driver
//	/lxc.payload.NAME, /lxc.payload/NAME, /lxc/NAME                                                    lxc
//	/machine.slice/machine-NAME.scope, /machine.slice/systemd-nspawn@NAME.service                      systemd-machined
//
// An <id> is 64 hexadecimal digits. The scopes of monitors (crio-conmon-, libpod-conmon-, lxc.monitor.) are no container.
func containerOf(path string) string {
	container, parent := "", ""
	for name := range strings.SplitSeq(path, "/") {
		if c := containerName(parent, name); c != "" {
			container = c
		}
		parent = name
	}
	return container
}

// containerName is containerOf for one control group and the one above it.
func containerName(parent, name string) string {
	if c := runtimeID(name); c != "" {
		return c
	}
	if c, ok := strings.CutPrefix(name, "lxc.payload."); ok {
		return c
	}
	switch parent {
	case "lxc", "lxc.payload":
		return name
	case "machine.slice":
		if c, ok := cutBoth(name, "machine-", ".scope"); ok {
			return unescapeUnit(c)
		}
		if c, ok := cutBoth(name, "systemd-nspawn@", ".service"); ok {
			return unescapeUnit(c)
		}
	}
	return ""
}

// runtimeID returns the 64 digits of a container runtime's control group, alone or behind the runtime's name.
func runtimeID(name string) string {
	name = strings.TrimSuffix(name, ".scope")
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		switch name[:i] {
		case "docker", "cri-containerd", "crio", "libpod":
		default:
			return ""
		}
		name = name[i+1:]
	}
	if len(name) != 64 || strings.Trim(name, "0123456789abcdef") != "" {
		return ""
	}
	return name
}

func cutBoth(s, prefix, suffix string) (string, bool) {
	s, ok := strings.CutPrefix(s, prefix)
	s, ok2 := strings.CutSuffix(s, suffix)
	return s, ok && ok2
}

// unescapeUnit undoes the \xNN by which systemd writes bytes that a unit's name may not hold (systemd.unit(5), systemd-escape(1)).
func unescapeUnit(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\x`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n, err := strconv.ParseUint(after[:min(2, len(after))], 16, 8)
		if len(after) < 2 || err != nil {
			b.WriteString(`\x`)
			s = after
			continue
		}
		b.WriteByte(byte(n))
		s = after[2:]
	}
}
