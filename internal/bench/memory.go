package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// errNoPeak: the program ended without stopping first.
var errNoPeak = errors.New("its end was not seen")

// peak runs a program and returns its largest resident size in KiB. It is read
// (VmHWM, proc_pid_status(5)) when the program is about to end, where ptrace(2)
// stops it: getrusage(2) would count our own size too.
func peak(argv []string) (int, error) {
	runtime.LockOSThread() // the tracer is a thread
	defer runtime.UnlockOSThread()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	size, err := traceToEnd(cmd.Process.Pid)
	if err != nil {
		cmd.Process.Kill()
		return 0, fmt.Errorf("%v: %w", argv, err)
	}
	cmd.Process.Release()
	return size, nil
}

// traceToEnd passes on every signal until the program has ended. The first stop
// is that of its start.
func traceToEnd(pid int) (size int, err error) {
	for started := false; ; started = true {
		var status unix.WaitStatus
		if _, err := unix.Wait4(pid, &status, unix.WALL, nil); err != nil {
			return 0, err
		}
		signal := 0
		switch {
		case status.Exited() || status.Signaled():
			if size == 0 {
				return 0, errNoPeak
			}
			return size, nil
		case !started:
			err = unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACEEXIT|unix.PTRACE_O_EXITKILL)
		case status.TrapCause() == unix.PTRACE_EVENT_EXIT:
			size, err = highWater(pid)
		default:
			signal = int(status.StopSignal())
		}
		if err != nil {
			return 0, err
		}
		if err := unix.PtraceCont(pid, signal); err != nil {
			return 0, err
		}
	}
}

func highWater(pid int) (int, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if value, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			return strconv.Atoi(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(value), []byte("kB")))))
		}
	}
	return 0, errors.New("no VmHWM in its status")
}
