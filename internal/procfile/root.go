package procfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Live is the proc tree of the running kernel as this process sees it.
const Live = "/proc"

// Root is a proc tree. The zero value is the live one, /proc.
type Root struct {
	dir string // empty: Live
	net string // empty: dir/net
}

// At returns the proc tree in dir; "" and "/proc" mean the live one.
//
// The net files of another tree are taken from dir/1/net when that exists, else from dir/net. In a mounted proc of another
// host or container, dir/net leads to self/net, which is the network namespace of the reader and not of that tree
// (fs/proc/proc_net.c, get_proc_task_net); its process 1 has the right one. A captured tree has a plain directory net.
func At(dir string) Root {
	if dir == "" || filepath.Clean(dir) == Live {
		return Root{}
	}
	r := Root{dir: dir, net: filepath.Join(dir, "net")}
	init := filepath.Join(dir, "1", "net")
	if _, err := os.Stat(init); !errors.Is(err, fs.ErrNotExist) {
		r.net = init
	}
	return r
}

// IsLive reports whether this is the running kernel's own tree, and the reader's own network namespace: only then may its rows be
// mixed with what netlink says.
func (r Root) IsLive() bool { return r.dir == "" && r.net == "" }

// WithNet returns the same tree with the files of another network namespace: those in the directory net, such as
// /proc/<pid>/net.
func (r Root) WithNet(net string) Root {
	r.net = net
	return r
}

// Path returns the path of a file in the tree, for example Path("42", "cmdline").
func (r Root) Path(elem ...string) string {
	dir := r.dir
	if dir == "" {
		dir = Live
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// Net returns the path of a file of the tree's network namespace, for example Net("tcp").
func (r Root) Net(name string) string {
	if r.net == "" {
		return r.Path("net", name)
	}
	return filepath.Join(r.net, name)
}

// OpenNet opens a file of the tree's network namespace. The error is an *fs.PathError; errors.Is tells fs.ErrNotExist (the
// kernel does not have this protocol) from fs.ErrPermission.
//
// It is not os.Open, which offers each file to the runtime's poller: files of a proc tree never wait, the first offer
// makes three descriptors more, and a process that may not open them dies of it.
func (r Root) OpenNet(name string) (*os.File, error) {
	path := r.Net(name)
	for {
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case err != unix.EINTR:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
