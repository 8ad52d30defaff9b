package tracefs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Dir is where tracefs belongs.
const Dir = "/sys/kernel/tracing"

// prefix begins the names of our instances.
const prefix = "gnet-"

// maxCPUs keeps the descriptors of an instance within one message (SCM_MAX_FD is 253).
const maxCPUs = 200

// Event is a trace event and which of them are recorded.
type Event struct {
	// Name is its directory below events: "tcp/tcp_probe".
	Name string
	// Filter is in the language of Documentation/trace/events.rst, "" for all.
	Filter string
}

// Error says what the kernel or this machine's settings refused.
type Error struct {
	Op  string
	Err error
}

// Error names the operation and its cause.
func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Instance is a set of buffers of our own.
type Instance struct {
	// Formats are descriptors of the events' formats, in the order of New's events; Pipes those of the buffers, one per processor that is
	// online, which do not block. They are the caller's to close.
	Formats, Pipes []int
	path           string
}

// Mount makes tracefs visible at Dir if it is not. Its caller must be in a mount namespace of its own, whose mounts nobody else sees.
func Mount() error {
	if _, err := os.Stat(filepath.Join(Dir, "instances")); err == nil {
		return nil
	}
	if err := unix.Mount("tracefs", Dir, "tracefs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return &Error{Op: "mount tracefs", Err: err}
	}
	return nil
}

// New makes an instance below dir, which is Dir but in tests, with events that bear the time of CLOCK_MONOTONIC, and removes those that
// killed programs have left. Of an error nothing stays.
func New(dir string, events []Event) (*Instance, error) {
	dir = filepath.Join(dir, "instances")
	lock, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &Error{Op: "open " + dir, Err: err}
	}
	defer unix.Close(lock)
	// Nobody must take an instance for a forgotten one before its buffers are open.
	if err := unix.Flock(lock, unix.LOCK_EX); err != nil {
		return nil, &Error{Op: "lock " + dir, Err: err}
	}
	sweep(dir)
	var random [8]byte
	if _, err := unix.Getrandom(random[:], 0); err != nil {
		return nil, &Error{Op: "getrandom", Err: err}
	}
	i := &Instance{path: filepath.Join(dir, fmt.Sprintf("%s%x", prefix, random))}
	if err := os.Mkdir(i.path, 0o700); err != nil {
		return nil, &Error{Op: "make a tracing instance", Err: err}
	}
	if err := i.setUp(events); err != nil {
		closeAll(i.Formats)
		closeAll(i.Pipes)
		_ = i.Remove()
		return nil, err
	}
	return i, nil
}

// sweep removes the instances of ours that nobody reads.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, prefix+"*"))
	for _, path := range left {
		_ = unix.Rmdir(path) // EBUSY: another program works with it
	}
}

func (i *Instance) setUp(events []Event) error {
	if err := i.write("trace_clock", "mono"); err != nil {
		return err
	}
	cpus, err := online()
	if err != nil {
		return &Error{Op: "list processors", Err: err}
	}
	if len(cpus) > maxCPUs {
		return &Error{Op: "open buffers", Err: fmt.Errorf("%d processors are more than %d", len(cpus), maxCPUs)}
	}
	for _, n := range cpus {
		fd, err := i.open(filepath.Join("per_cpu", "cpu"+strconv.Itoa(n), "trace_pipe_raw"))
		if err != nil {
			return err
		}
		i.Pipes = append(i.Pipes, fd)
	}
	for _, e := range events {
		at := filepath.Join("events", e.Name)
		fd, err := i.open(filepath.Join(at, "format"))
		if err != nil {
			return err
		}
		i.Formats = append(i.Formats, fd)
		if e.Filter != "" {
			if err := i.write(filepath.Join(at, "filter"), e.Filter); err != nil {
				return err
			}
		}
	}
	for _, e := range events {
		if err := i.write(filepath.Join("events", e.Name, "enable"), "1"); err != nil {
			return err
		}
	}
	return nil
}

func (i *Instance) open(name string) (int, error) {
	fd, err := unix.Open(filepath.Join(i.path, name), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &Error{Op: "open " + name, Err: err}
	}
	return fd, nil
}

func (i *Instance) write(name, value string) error {
	if err := os.WriteFile(filepath.Join(i.path, name), []byte(value), 0); err != nil {
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = p.Err
		}
		return &Error{Op: "write " + value + " to " + name, Err: err}
	}
	return nil
}

// removeWithin is how long Remove waits for the descriptors of a process that is about to be gone.
const removeWithin = 5 * time.Second

// Remove takes the instance away, and with it what it has switched on. All its descriptors have to be closed; while another
// process still closes them, it waits.
func (i *Instance) Remove() error {
	for until := time.Now().Add(removeWithin); ; time.Sleep(time.Millisecond) {
		err := unix.Rmdir(i.path)
		switch {
		case err == nil || err == unix.ENOENT:
			return nil
		case err != unix.EBUSY && err != unix.EINTR || time.Now().After(until):
			return &Error{Op: "remove the tracing instance", Err: err}
		}
	}
}

// online lists the processors that run (Documentation/admin-guide/cputopology.rst: "0-3,6").
func online() ([]int, error) {
	b, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err != nil {
		return nil, err
	}
	return parseCPUs(strings.TrimSpace(string(b)))
}

func parseCPUs(list string) (cpus []int, err error) {
	for part := range strings.SplitSeq(list, ",") {
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			last = first
		}
		a, err1 := strconv.ParseUint(first, 10, 16)
		b, err2 := strconv.ParseUint(last, 10, 16)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		for n := a; n <= b; n++ {
			cpus = append(cpus, int(n))
		}
	}
	return cpus, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
