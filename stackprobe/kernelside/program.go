package kernelside

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// program is the helper's view of the program that it runs. The helper is process 1 of the namespace: it starts the program, reaps
// whatever it leaves behind, and everything ends with it.
type program struct {
	argv []string

	mu  sync.Mutex
	pid int // 0: none runs
	// own are the moments at which the helper itself was sent a signal. It is in the process group of the run and of the program, so
	// the program was sent that signal too.
	own map[unix.Signal]time.Time
}

// newProgram notes from now on which signals reach the whole process group. Those that are ignored stay so, for the program too;
// those that are caught have their default action in it.
func newProgram(argv []string) *program {
	p := &program{argv: argv, own: make(map[unix.Signal]time.Time)}
	caught := make(chan os.Signal, 16)
	for _, s := range [...]unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2} {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	go func() {
		for s := range caught {
			p.mu.Lock()
			p.own[s.(unix.Signal)] = time.Now()
			p.mu.Unlock()
		}
	}()
	return p
}

// start starts the program. In a user namespace of ours, in which we are root, it gets one of its own in which it is who called us;
// where that is refused it is root too, which a remark says.
func (p *program) start(req *request) (remarks []string, err error) {
	path, err := exec.LookPath(p.argv[0])
	if err != nil {
		return nil, startError(p.argv[0], err)
	}
	attr := &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{}}
	if os.Geteuid() != req.uid || os.Getegid() != req.gid {
		attr.Sys.Cloneflags = syscall.CLONE_NEWUSER
		attr.Sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: req.uid, HostID: os.Geteuid(), Size: 1}}
		attr.Sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: req.gid, HostID: os.Getegid(), Size: 1}}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	pid, _, err := syscall.StartProcess(path, p.argv, attr)
	if attr.Sys.Cloneflags != 0 && policyRefusal(err) {
		remarks = append(remarks, "the program sees itself as root: a user namespace of its own: "+err.Error())
		attr.Sys = &syscall.SysProcAttr{}
		pid, _, err = syscall.StartProcess(path, p.argv, attr)
	}
	if err != nil {
		return nil, startError(p.argv[0], err)
	}
	p.pid = pid
	return remarks, nil
}

// policyRefusal reports whether err may be the refusal of a user namespace and not of the program's file.
func policyRefusal(err error) bool {
	return errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) || errors.Is(err, unix.EINVAL)
}

// startError names the program and the kernel's reason.
func startError(name string, err error) error {
	errno := unix.EACCES
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		errno = unix.ENOENT
	case errors.As(err, &errno):
	}
	return &Error{Step: StepProgram, Text: name + ": " + errno.Error(), Err: errno}
}

// reap waits for everything that ends in the namespace and tells how the program ended.
func (p *program) reap() {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, 0, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return // nothing is left that could end
		case pid == p.pid:
			p.ended(ws)
		}
	}
}

// ended tells how the program ended, and whether others still run that it has started.
func (p *program) ended(ws unix.WaitStatus) {
	p.mu.Lock()
	p.pid = 0
	p.mu.Unlock()
	left := false
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if left = err == nil && pid == 0; err != unix.EINTR && pid <= 0 {
			break
		}
	}
	b := encodeExit(Exit{Status: ws.ExitStatus(), Signal: signalOf(ws), Left: left})
	_ = unix.Send(controlFD, b, unix.MSG_NOSIGNAL) // if nobody is there any more, nobody wants to know
}

func signalOf(ws unix.WaitStatus) unix.Signal {
	if ws.Signaled() {
		return ws.Signal()
	}
	return 0
}

// passing is how long a signal that the run was sent may take until it is known that the whole process group was sent it.
const passing = 50 * time.Millisecond

// signal passes a signal of the run's on to the program, unless it was sent to the process group and so has reached the program
// already, as those of a terminal's keys do.
func (p *program) signal(s unix.Signal) {
	asked := time.Now()
	time.AfterFunc(passing, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if at, ok := p.own[s]; ok && at.After(asked.Add(-passing)) || p.pid == 0 {
			return
		}
		_ = unix.Kill(p.pid, s)
	})
}

// encodeExit is the message that tells how a program ended.
func encodeExit(e Exit) []byte {
	return []byte(exitMagic + "\n" + strconv.Itoa(e.Status) + "\n" + strconv.Itoa(int(e.Signal)) + "\n" + strconv.FormatBool(e.Left))
}
