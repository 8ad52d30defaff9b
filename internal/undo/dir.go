package undo

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Path is where gnet keeps its plans: a file system that a reboot empties.
const Path = "/run/gnet"

// Dir is a directory of plans, held open: what is found in it later is in this one, whatever its name comes to mean. It is for one
// goroutine.
type Dir struct {
	f     *os.File
	path  string
	clock clock
}

// Make opens the directory and makes it first if it is not there, with mode 0700.
func Make(path string) (*Dir, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		e := &Error{Op: "make the directory of plans", Err: err}
		if os.Geteuid() != 0 {
			e.Why = fmt.Sprintf("user id %d; only root can have a change undone", os.Geteuid())
		}
		return nil, e
	}
	return Open(path)
}

// Open opens the directory. It must be ours and nobody else may enter it; os.ErrNotExist when there is none.
func Open(path string) (*Dir, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) {
		return nil, unsafeError(path, "it is no directory")
	}
	if err != nil {
		return nil, &Error{Op: "open the directory of plans", Err: &os.PathError{Op: "open", Path: path, Err: err}}
	}
	f := os.NewFile(uintptr(fd), path)
	d, err := adopt(f, path)
	if err != nil {
		f.Close()
	}
	return d, err
}

// adopt makes a Dir of an open directory, if it is safe.
func adopt(f *os.File, path string) (*Dir, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, &Error{Op: "look at the directory of plans", Err: err}
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFDIR:
		return nil, unsafeError(path, "it is no directory")
	case int(st.Uid) != os.Geteuid():
		return nil, unsafeError(path, fmt.Sprintf("it belongs to user id %d, not to %d", st.Uid, os.Geteuid()))
	case st.Mode&0o777 != 0o700:
		return nil, unsafeError(path, fmt.Sprintf("its mode is %#o, not 0700", st.Mode&0o777))
	}
	return &Dir{f: f, path: path, clock: machineClock()}, nil
}

func unsafeError(name, why string) error {
	return &Error{Op: "open", ID: name, Err: ErrUnsafe, Why: why}
}

// Close lets go of the directory.
func (d *Dir) Close() error { return d.f.Close() }

func (d *Dir) fd() int { return int(d.f.Fd()) }

// create makes a file of data that appears under its name whole or not at all; unix.EEXIST if the name is taken. before is called
// when it has no name yet.
func (d *Dir) create(name string, data []byte, before func(*os.File) error) (*os.File, error) {
	if len(data) > MaxPlan {
		return nil, &Error{Op: "write", ID: name, Err: unix.EFBIG, Why: fmt.Sprintf("%d bytes, at most %d", len(data), MaxPlan)}
	}
	fd, err := unix.Openat(d.fd(), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &Error{Op: "write", ID: name, Err: err}
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if path := (*os.PathError)(nil); errors.As(err, &path) {
		err = path.Err // which file it is, the error below says
	}
	if err == nil && before != nil {
		err = before(f)
	}
	if err == nil {
		err = unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), d.fd(), name, unix.AT_SYMLINK_FOLLOW)
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		f.Close()
		return nil, &Error{Op: "write", ID: name, Err: err}
	}
	return f, nil
}

// sync makes the names last.
func (d *Dir) sync() error { return d.f.Sync() }

// rename moves a file to a name that is free. It is the deciding step of several: exactly one of those who rename or remove the same
// name succeeds, the others get unix.ENOENT.
func (d *Dir) rename(from, to string) error {
	if err := unix.Renameat2(d.fd(), from, d.fd(), to, unix.RENAME_NOREPLACE); err != nil {
		return err
	}
	return d.sync()
}

// remove removes a name, whatever it is, as rename.
func (d *Dir) remove(name string) error {
	if err := unix.Unlinkat(d.fd(), name, 0); err != nil {
		return err
	}
	return d.sync()
}

// open opens a file that must be ours alone: regular, of one name, readable by nobody else.
func (d *Dir) open(name string) (*os.File, error) {
	fd, err := unix.Openat(d.fd(), name, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, unsafeError(name, "it is a symbolic link")
	}
	if err != nil {
		return nil, &Error{Op: "open", ID: name, Err: err}
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil {
		err = safeFile(name, &st)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func safeFile(name string, st *unix.Stat_t) error {
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return unsafeError(name, "it is no regular file")
	case int(st.Uid) != os.Geteuid():
		return unsafeError(name, fmt.Sprintf("it belongs to user id %d, not to %d", st.Uid, os.Geteuid()))
	case st.Mode&0o077 != 0:
		return unsafeError(name, fmt.Sprintf("its mode is %#o: others may touch it", st.Mode&0o777))
	case st.Nlink > 1:
		return unsafeError(name, "it has another name")
	}
	return nil
}

// read reads the whole of an open file.
func read(f *os.File) ([]byte, error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, MaxPlan+1))
	if err != nil {
		return nil, &Error{Op: "read", ID: f.Name(), Err: err}
	}
	if len(b) > MaxPlan {
		return nil, damaged("it is too long")
	}
	return b, nil
}

// exists reports whether the name is taken, by whatever.
func (d *Dir) exists(name string) bool {
	var st unix.Stat_t
	return unix.Fstatat(d.fd(), name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}

// names lists the directory in order.
func (d *Dir) names() ([]string, error) {
	fd, err := unix.Openat(d.fd(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: "list the plans", Err: err}
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, &Error{Op: "list the plans", Err: err}
	}
	slices.Sort(names)
	return names, nil
}

// State is what became of a change: the last part of its file's name.
type State string

// The states. A confirmed change has no file any more.
const (
	// Waiting: it will be undone at its deadline.
	Waiting State = "plan"
	// Undoing: its time is over, and it is being undone.
	Undoing State = "undoing"
	// Undone: what was there before is there again.
	Undone State = "undone"
	// Conflict: what could be put back was put back; what others had changed was left alone.
	Conflict State = "conflict"
	// Failed: it could not be undone.
	Failed State = "failed"
)

// What is kept beside a plan.
const (
	leftNote   = "left"
	resultNote = "result"
	shortNote  = "short" // the plan without its body, before it changes places with that of an undone change
)

func states() []State { return []State{Waiting, Undoing, Undone, Conflict, Failed} }

// file is the name of a change's file in a state.
func (s State) file(id string) string { return id + "." + string(s) }

// parseName takes the name of a file apart.
func parseName(name string) (id, kind string, ok bool) {
	id, kind, ok = strings.Cut(name, ".")
	known := kind == leftNote || kind == resultNote || kind == shortNote || slices.Contains(states(), State(kind))
	return id, kind, ok && known && validID(id)
}
