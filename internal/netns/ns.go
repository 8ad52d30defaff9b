package netns

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// NS is an open network namespace. It lives at least as long as it is open.
type NS struct {
	f *os.File
}

// threadNS is the calling thread's own namespace: /proc/self is the main thread's.
const threadNS = "/proc/thread-self/ns/net"

// Current opens the namespace of the calling thread.
func Current() (*NS, error) { return Open(threadNS) }

// OfProcess opens the namespace of a process (its main thread).
func OfProcess(pid int) (*NS, error) { return Open(fmt.Sprintf("/proc/%d/ns/net", pid)) }

// Open opens the namespace that a file such as /run/netns/NAME refers to. A
// file that is no network namespace is unix.EINVAL.
func Open(path string) (*NS, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Op: "open namespace", Err: err}
	}
	kind, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
	if err != nil || kind != unix.CLONE_NEWNET {
		f.Close()
		return nil, &Error{Op: "open namespace", Err: &os.PathError{Op: "open", Path: path, Err: unix.EINVAL}, Why: "it is no network namespace"}
	}
	return &NS{f: f}, nil
}

// New makes a fresh, empty network namespace. It ends when the NS is closed
// and nothing else is in it.
func New() (*NS, error) {
	var fresh *NS
	err := onThread(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return refusal("make network namespace", "/proc", err)
		}
		fresh, err = Current()
		return err
	})
	return fresh, err
}

// Fd is the open file descriptor, for IFLA_NET_NS_FD and setns; it stays owned
// by the NS.
func (n *NS) Fd() int { return int(n.f.Fd()) }

// Close lets go of the namespace.
func (n *NS) Close() error { return n.f.Close() }

// ID tells namespaces apart: the inode of the namespace file, the number in
// net:[4026531840].
func (n *NS) ID() (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(n.Fd(), &st); err != nil {
		return 0, &Error{Op: "identify namespace", Err: err}
	}
	return st.Ino, nil
}

// Do runs fn inside the namespace, on a thread that runs nothing else
// meanwhile and is not the main one, and waits for it. Sockets made and programs started by fn belong
// to the namespace for good; goroutines that fn starts run outside. fn must
// not start programs with Pdeathsig: the signal comes when their thread ends,
// and this one may.
func (n *NS) Do(fn func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.Fd(), unix.CLONE_NEWNET); err != nil {
			return refusal("enter namespace", "/proc", err)
		}
		return fn()
	})
}

// onThread runs fn on a locked thread and puts the thread back into its network
// namespace. If that fails the goroutine ends locked, and the runtime ends
// the thread with it, so that no other goroutine ever runs in the wrong one. The
// same happens if fn panics or calls runtime.Goexit.
//
// It is never the main thread: /proc/self and /proc/net show what the main
// thread sees, and everybody reads those.
func onThread(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			defer runtime.UnlockOSThread() // until then nobody else gets the main thread
			done <- onThread(fn)
			return
		}
		err := error(&Error{Op: "run in namespace", Err: errAborted})
		defer func() { done <- err }()
		home, openErr := Current()
		if openErr != nil {
			runtime.UnlockOSThread()
			err = openErr
			return
		}
		defer home.Close()
		err = fn()
		if unix.Setns(home.Fd(), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
	}()
	return <-done
}
