package undo

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// role is who holds a plan: a lock on one byte of its file, which moves along when the file is renamed and ends with the process
// that holds it (fcntl(2), open file description locks).
type role int64

const (
	deciding role = iota // whoever confirms the change or takes it to be undone
	changing             // whoever makes the change
	keeping              // whoever will undo it
)

func (r role) flock(typ int16) *unix.Flock_t {
	return &unix.Flock_t{Type: typ, Whence: io.SeekStart, Start: int64(r), Len: 1}
}

// take takes a role, false if another has it.
func (r role) take(f *os.File) (bool, error) {
	err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, r.flock(unix.F_WRLCK))
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
		return false, nil
	}
	if err != nil {
		return false, &Error{Op: "lock the plan", Err: err}
	}
	return true, nil
}

// await is take that waits for some time: the others hold what they need for moments, unless they were stopped.
func (r role) await(f *os.File, patience time.Duration) (bool, error) {
	const pause = 5 * time.Millisecond
	for ; ; patience -= pause {
		ok, err := r.take(f)
		if ok || err != nil || patience <= 0 {
			return ok, err
		}
		time.Sleep(pause)
	}
}

// give gives a role back.
func (r role) give(f *os.File) error {
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, r.flock(unix.F_UNLCK)); err != nil {
		return &Error{Op: "unlock the plan", Err: err}
	}
	return nil
}

// held reports whether somebody with the file open elsewhere has the role.
func (r role) held(f *os.File) (bool, error) {
	l := r.flock(unix.F_WRLCK)
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, l); err != nil {
		return false, &Error{Op: "ask for the lock", Err: err}
	}
	return l.Type != unix.F_UNLCK, nil
}
