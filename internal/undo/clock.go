package undo

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// clock is what deadlines are measured by.
type clock struct {
	// now is the time since the boot, sleep included (CLOCK_BOOTTIME).
	now func() time.Duration
	// boot identifies the boot (random(4), boot_id).
	boot func() (string, error)
}

func machineClock() clock { return clock{now: bootTime, boot: bootID} }

// bootTime reads CLOCK_BOOTTIME, which cannot fail on a kernel that Go runs on.
func bootTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", &Error{Op: "identify the boot", Err: err}
	}
	return strings.TrimSpace(string(b)), nil
}

// alarm returns a timer that can be read from at the deadline (timerfd_create(2)). It counts the time that the machine sleeps and
// goes off at once if the deadline is over.
func alarm(deadline time.Duration) (*os.File, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, &Error{Op: "make a timer", Err: err}
	}
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(max(int64(deadline), 1))} // 0 would disarm it
	if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME, &at, nil); err != nil {
		unix.Close(fd)
		return nil, &Error{Op: "arm the timer", Err: err}
	}
	return os.NewFile(uintptr(fd), "timer"), nil
}
