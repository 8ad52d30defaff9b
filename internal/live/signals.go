package live

import (
	"os"
	"os/signal"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Signals while a view is shown: SIGINT, SIGTERM, SIGHUP, SIGQUIT and SIGABRT end it, the terminal being itself again before anything
// else happens; what would be Go's dump of goroutines for the last two is left out, as it belongs on no picture. SIGTSTP and SIGCONT
// are job control's. SIGPIPE, which Go makes of a broken pipe at descriptor 1 or 2, is an error of that write alone.

// ending are the signals that end a view.
func ending() []os.Signal {
	return []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGABRT}
}

// signals are those that a view gets, until release.
type signals struct {
	end, stop, cont, pipe chan os.Signal
	late                  chan struct{} // closed at release
	unstopped             bool          // SIGTSTP was ignored when the program started
	undo                  func()
}

// catchSignals takes the signals. A SIGINT, SIGHUP or SIGTSTP that was ignored when the program started stays ignored, as nohup(1) and
// shells want it. hurry is called at each that ends the view: who draws may wait for a terminal that takes nothing.
func catchSignals(hurry func()) *signals {
	s := &signals{end: make(chan os.Signal, 4), stop: make(chan os.Signal, 1), cont: make(chan os.Signal, 1), pipe: make(chan os.Signal, 1),
		late: make(chan struct{})}
	first := make(chan os.Signal, 4)
	for _, e := range ending() {
		if !signal.Ignored(e) {
			signal.Notify(first, e)
		}
	}
	if s.unstopped = startedIgnoring(unix.SIGTSTP); !s.unstopped {
		signal.Notify(s.stop, unix.SIGTSTP)
	}
	signal.Notify(s.cont, unix.SIGCONT)
	signal.Notify(s.pipe, unix.SIGPIPE)
	s.undo = dispose(unix.SIGTTIN, ignored) // or a read would stop the process again whom a shell has just woken to end it
	go func() {
		defer signal.Stop(first)
		for {
			select {
			case e := <-first:
				hurry()
				select {
				case s.end <- e:
				default: // four wait already
				}
			case <-s.late:
				return
			}
		}
	}()
	return s
}

// release gives the signals back.
func (s *signals) release() {
	close(s.late)
	for _, c := range []chan os.Signal{s.stop, s.cont, s.pipe} {
		signal.Stop(c)
	}
	s.undo()
}

// moment is how long a process that was woken looks for the signal for whose sake it was: kill(1) of a shell sends a stopped job
// SIGTERM and then SIGCONT.
const moment = 50 * time.Millisecond

// sleep stops the process, with group all of its process group, as the terminal does at Ctrl-Z, and returns when it goes on. woken
// says that it was stopped; the kernel ignores the signal where no shell could wake the process again (an orphaned process group).
func (s *signals) sleep(group bool) (woken bool) {
	select {
	case <-s.cont:
	default:
	}
	runtime.LockOSThread()
	if group {
		restore := dispose(unix.SIGTSTP, ignored) // this process stops below, when it has told the others
		_ = unix.Kill(0, unix.SIGTSTP)
		restore()
	}
	restore := dispose(unix.SIGTSTP, byDefault)
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGTSTP)
	restore()
	runtime.UnlockOSThread()
	select {
	case <-s.cont:
		return true
	case <-time.After(moment):
		return false
	}
}

// The dispositions SIG_DFL and SIG_IGN (sigaction(2)).
const (
	byDefault uintptr = 0
	ignored   uintptr = 1
)

// disposition is the kernel's struct sigaction, which begins with the handler.
type disposition [8]uintptr

// sigaction sets what a signal does where to is not nil, and reads into old, where that is not nil, what it did (sigaction(2)).
func sigaction(s unix.Signal, to, old *disposition) unix.Errno {
	const set = 8 // the octets of its set of signals
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(to)), uintptr(unsafe.Pointer(old)), set, 0, 0)
	return errno
}

// startedIgnoring reports whether a signal was ignored when the program started, before anything is told of it: signal.Ignored does not
// know that of one whose default is to stop.
func startedIgnoring(s unix.Signal) bool {
	var now disposition
	return sigaction(s, nil, &now) == 0 && now[0] == ignored
}

// dispose sets what a signal does, and returns what sets it back. Go's own Reset leaves a signal whose default is to stop with the
// handler that Notify has installed, which makes nothing of it.
func dispose(s unix.Signal, handler uintptr) (restore func()) {
	var before disposition
	if sigaction(s, nil, &before) != 0 {
		return func() {}
	}
	now := before
	now[0] = handler
	sigaction(s, &now, nil)
	return func() { sigaction(s, &before, nil) }
}

// suspend gives the terminal back, stops the process and takes the terminal again when it goes on.
func (l *Loop) suspend(group bool) {
	if l.tty == nil || l.signals.unstopped { // a simulation has no process
		return
	}
	l.leave()
	l.signals.sleep(group)
	if l.rejoin() {
		l.resume()
	}
}

// leave gives the terminal back, while pump goes on to take what tcell has read: it waits for that.
func (l *Loop) leave() {
	l.tty.mute()
	_ = l.screen.Suspend()
}

// resume takes the terminal.
func (l *Loop) resume() {
	if err := l.screen.Resume(); err != nil {
		l.Quit(&LostError{err})
		return
	}
	l.anew = true
	l.draw()
}

// rejoin waits until the process is in the foreground, and reports whether it is: the view may have been ended meanwhile. To set the
// terminal in the background would stop the process with the signal that ends it unseen.
func (l *Loop) rejoin() bool {
	for !l.tty.foreground() {
		select {
		case s := <-l.signals.end:
			l.Quit(&Signaled{s})
			return false
		case <-time.After(moment):
		}
		if !l.signals.sleep(false) {
			l.Quit(&LostError{unix.EIO}) // there is no job control
			return false
		}
	}
	return true
}

// woken takes the terminal again after a stop that came without a word (SIGSTOP): the shell has given it settings of its own.
func (l *Loop) woken() {
	if l.tty == nil || !l.rejoin() {
		return
	}
	l.tty.asleep = true
	l.leave()
	l.resume()
	l.tty.asleep = false
}
