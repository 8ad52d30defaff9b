package netns

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// errAborted: the function ended without returning (runtime.Goexit).
var errAborted = errors.New("the function ended without returning")

// Self is a command that runs this program again with the given arguments
// (args[0] is what it sees as its own name). It works also if the file of
// the running program was replaced or removed.
func Self(args ...string) *exec.Cmd {
	return &exec.Cmd{Path: "/proc/self/exe", Args: args}
}

// Isolate makes cmd start in fresh network, process and mount namespaces, and
// in a fresh user namespace if the caller lacks CAP_SYS_ADMIN: there the
// caller's user and group are root, and no other ids exist. The program is
// process 1 of its process namespace: when it ends, the kernel kills
// everything that it started; and it is killed when we die, by whatever signal
// (PR_SET_PDEATHSIG). Run it with Start. The loopback interface is down and
// /proc still shows the old processes until it calls Settle.
func Isolate(cmd *exec.Cmd) {
	attr := cmd.SysProcAttr
	if attr == nil {
		attr = new(syscall.SysProcAttr)
		cmd.SysProcAttr = attr
	}
	attr.Pdeathsig = syscall.SIGKILL
	attr.Cloneflags |= syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS
	if CanAdminister() {
		return
	}
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// CanAdminister reports whether this thread has CAP_SYS_ADMIN, with which
// namespaces can be made without a user namespace around them.
func CanAdminister() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[0].Effective&(1<<unix.CAP_SYS_ADMIN) != 0
}

// Process is a started program; Wait must be called on it, not on its Cmd.
type Process struct {
	Cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts cmd and keeps the thread that did so until it ends: the kernel
// sends the death signal when the parent's thread dies, not the process
// (prctl(2), PR_SET_PDEATHSIG), and Go ends threads on its own. A refusal is an
// *Error with the reason.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, refusal("start in fresh namespaces", "/proc", err)
	}
	return p, nil
}

// Done is closed when the program has ended and its output is copied.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end and returns what exec.Cmd.Wait returned.
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Settle is for the isolated program: it takes the mounts apart from the
// host's and mounts a /proc that shows the fresh process namespace. Where the
// kernel refuses (a container whose own /proc is masked), the error says so:
// the old /proc stays, in which /proc/self and /proc/net are right and the
// list of processes is the host's.
func Settle() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return refusal("make mounts private", "/proc", err)
	}
	flags := uintptr(unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC)
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return refusal("mount /proc", "/proc", err)
	}
	return nil
}
