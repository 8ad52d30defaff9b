package undo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
)

// KeeperWord is the word after the program's name that makes it a keeper. It is not for people: without the descriptors that Begin
// gives it means nothing.
const KeeperWord = "__keeper"

// Domain undoes the changes of one part of the program.
type Domain interface {
	// Undo puts back what was there before. It is called in the plan's network namespace, and once more with the same plan if a
	// process died meanwhile or an error was returned: what is as it was before must be left as it is.
	Undo(ctx context.Context, p *Plan) (Result, error)
}

// Domains are the domains by the names that plans call them.
type Domains map[string]Domain

// keeper is the process that undoes one change.
type keeper struct {
	dir     *Dir
	id      string
	ns      *netns.NS
	changer int // a pidfd of the process that makes the change
	heard   *os.File

	f     *os.File // the plan
	plan  *Plan
	timer *os.File
	gone  chan struct{}  // closed when the plan's file has another name or none
	term  chan os.Signal // whoever ends a session or the machine asks first
}

// Keep is the life of a keeper, if argv and the descriptors say that this process is one. It returns when the change is confirmed or
// undone, with the status to exit with; ok is false for every other process.
func Keep(argv []string, domains Domains) (status int, ok bool) {
	k := born(argv)
	if k == nil {
		return 0, false
	}
	if err := k.prepare(); err != nil {
		k.heard.WriteString(err.Error())
		return 1, true
	}
	k.heard.WriteString(heardWord) // when nobody listens any more, the change is not made or not ours to judge
	k.heard.Close()
	if !k.wait() {
		return 0, true
	}
	k.endChanger()
	defer k.f.Close() // not before: a file that nothing refers to is closed by the collector, and the lock goes with it
	if _, err := k.dir.undo(context.Background(), k.f, k.plan.ID, Waiting, k.ns, domains); err != nil {
		return 1, true
	}
	return 0, true
}

// born takes up what Begin gave; nil if this is no keeper.
func born(argv []string) *keeper {
	if len(argv) != 3 || argv[1] != KeeperWord || !validID(argv[2]) {
		return nil
	}
	var st unix.Stat_t
	if unix.Fstat(heardFd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFIFO {
		return nil
	}
	ns, err := netns.Open(fmt.Sprintf("/proc/self/fd/%d", netnsFd))
	if err != nil {
		return nil
	}
	d, err := adopt(os.NewFile(dirFd, Path), Path)
	if err != nil {
		return nil
	}
	letGo()
	return &keeper{dir: d, id: argv[2], ns: ns, changer: changerFd, heard: os.NewFile(heardFd, "heard")}
}

// letGo closes what came from whoever started gnet, such as the lock of a script that waits for gnet's end. What this process opened by
// itself has FD_CLOEXEC, what it was born with cannot have it.
func letGo() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil || fd < dirFd {
			continue
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		if fd > changerFd {
			unix.Close(fd)
		} else {
			unix.CloseOnExec(fd)
		}
	}
}

// prepare does all that can go wrong before anything is changed.
func (k *keeper) prepare() (err error) {
	signal.Ignore(unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGPIPE, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU)
	k.term = make(chan os.Signal, 1)
	signal.Notify(k.term, unix.SIGTERM)
	if k.f, err = k.dir.open(Waiting.file(k.id)); err != nil {
		return err
	}
	if ok, err := keeping.take(k.f); err != nil || !ok {
		return errors.Join(err, &Error{Op: "keep the plan", ID: k.id, Err: ErrBusy})
	}
	if k.plan, err = k.dir.plan(k.f, k.id); err != nil {
		return err
	}
	if id, err := identify(k.ns); err != nil || id != k.plan.Netns {
		return errors.Join(err, &Error{Op: "keep the plan", ID: k.id, Err: ErrNetns})
	}
	if k.timer, err = alarm(k.plan.Deadline); err != nil {
		return err
	}
	k.plan.Before, k.plan.Change, k.plan.Left = nil, nil, nil // they are read again; until then there is nothing to hold them for
	debug.FreeOSMemory()
	k.gone = make(chan struct{})
	go k.watch()
	return nil
}

// watch sees the plan confirmed. Where the kernel refuses another watch the keeper finds out at the deadline.
func (k *keeper) watch() {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify")
	defer events.Close()
	if _, err := unix.InotifyAddWatch(fd, fmt.Sprintf("/proc/self/fd/%d", dirFd), unix.IN_DELETE|unix.IN_MOVED_FROM); err != nil {
		return
	}
	var b [4096]byte
	for k.dir.exists(Waiting.file(k.id)) {
		if _, err := events.Read(b[:]); err != nil {
			return
		}
	}
	close(k.gone)
}

// wait returns true when the time is over, or when somebody asks the keeper to end: it could not keep its promise later, so it keeps
// it now. Of a lasting change the time is over too when the process that made it has ended. It returns false when the plan is gone.
func (k *keeper) wait() bool {
	over, ended := make(chan struct{}), make(chan struct{})
	if k.plan.Lasting {
		go func() {
			awaitEnd(k.changer)
			close(ended)
		}()
	}
	go func() {
		var b [8]byte
		k.timer.Read(b[:]) // after an error it is better to undo too early than never
		close(over)
	}()
	select {
	case <-over:
	case <-ended:
	case <-k.term:
	case <-k.gone:
		return false
	}
	return true
}

// awaitEnd returns when the process of pidfd has ended (pidfd_open(2): it is readable then), or when that cannot be known.
func awaitEnd(pidfd int) {
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
			return
		}
	}
}

// The times that a process has which is in the way of undoing.
const (
	grace    = 2 * time.Second // to end its change by itself
	patience = 5 * time.Second // to be gone, or to finish a decision
)

// endChanger makes sure that nothing is changed after it was undone: a process that is still making its change is given time to
// notice that the time is over, then killed.
func (k *keeper) endChanger() {
	if ok, err := changing.await(k.f, grace); !ok && err == nil {
		unix.PidfdSendSignal(k.changer, unix.SIGKILL, nil, 0) // ESRCH: it just ended
		changing.await(k.f, patience)
	}
	changing.give(k.f)
}
