package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// isDeciding reports whether it matters that a process dies before a system call and not behind it: those on files and locks, messages to
// the kernel, and its answers.
func isDeciding(nr, second uint64) bool {
	switch nr {
	case unix.SYS_MKDIRAT, unix.SYS_LINKAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT2, unix.SYS_SENDTO, unix.SYS_RECVFROM, unix.SYS_WRITE:
		return true
	}
	return nr == unix.SYS_FCNTL && second == unix.F_OFD_SETLK
}

// tracer traces a process and its threads (ptrace(2)), and kills it at the n-th of the deciding calls.
type tracer struct {
	t      *testing.T
	n      int
	keeper bool // the keeper that the process starts is meant, and the calls count from the SIGTERM that makes it undo the change at once

	first  int // the process that was started
	target int // that is to be killed; 0: the keeper, when the first has ended
	count  int
	killed bool
	armed  bool
	late   bool // the time was over before the keeper could be found: a busy machine
}

// run returns whether the target was killed before it came to its end.
func (k *tracer) run(cmd *exec.Cmd) bool {
	k.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // the tracer is a thread; it ends with the goroutine
		done <- k.trace(cmd)
	}()
	if err := <-done; err != nil {
		k.t.Fatal(err)
	}
	return k.killed
}

func (k *tracer) trace(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	k.first = cmd.Process.Pid
	if !k.keeper {
		k.target, k.armed = k.first, true
	}
	var ws unix.WaitStatus
	if _, err := unix.Wait4(k.first, &ws, unix.WALL, nil); err != nil {
		return err
	}
	options := unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_EXITKILL
	if k.keeper {
		options |= unix.PTRACE_O_TRACEVFORK
	}
	if err := unix.PtraceSetOptions(k.first, options); err != nil {
		return err
	}
	for pid := k.first; ; {
		if pid != 0 {
			if err := unix.PtraceSyscall(pid, k.signal(pid, ws)); err != nil && err != unix.ESRCH {
				return err
			}
		}
		var err error
		if pid, err = unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD, nil); err == unix.EINTR {
			pid = 0
			continue
		} else if err != nil {
			return err
		}
		if ws.Exited() || ws.Signaled() {
			if pid == k.target {
				return nil
			}
			if pid == k.first && k.keeper {
				for _, k.target = range keepers(k.t) {
				}
				if k.late = k.target == 0; k.late {
					return nil
				}
				if err := unix.Kill(k.target, unix.SIGTERM); err != nil {
					return err
				}
			}
			pid = 0
		}
	}
}

// signal looks at a stop and returns the signal that the process is to get when it goes on.
func (k *tracer) signal(pid int, ws unix.WaitStatus) int {
	switch sig := ws.StopSignal(); {
	case !ws.Stopped():
		return 0
	case sig == unix.SIGTRAP|0x80:
		k.call(pid)
	case sig == unix.SIGTRAP, sig == unix.SIGSTOP: // a new thread or process, or a new program in it
	default:
		if sig == unix.SIGTERM {
			k.armed = true
		}
		return int(sig)
	}
	return 0
}

// call counts a system call of the target at its entry, and kills at the n-th: it is not made any more.
func (k *tracer) call(pid int) {
	if !k.armed || processOf(pid) != k.target {
		return
	}
	var info [88]byte // struct ptrace_syscall_info
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(pid), uintptr(len(info)),
		uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 || info[0] != unix.PTRACE_SYSCALL_INFO_ENTRY {
		return
	}
	if !isDeciding(binary.NativeEndian.Uint64(info[24:]), binary.NativeEndian.Uint64(info[40:])) {
		return
	}
	if k.count++; k.count == k.n {
		k.killed = unix.Kill(k.target, unix.SIGKILL) == nil
	}
}

// processOf is the process that a thread is of.
func processOf(tid int) (pid int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	for line := range strings.Lines(string(b)) {
		if _, err := fmt.Sscanf(line, "Tgid: %d", &pid); err == nil {
			return pid
		}
	}
	return 0
}

// TestTrial_killed: gnet is killed at each of its deciding calls, between plan and change, change and answer, and behind; whatever it came to, in
// time all is as before.
func TestTrial_killed(t *testing.T) {
	const most = 120
	for name, tc := range map[string]struct {
		routes []string // of the place n
		line   string   // that changes them
		left   string   // what shows that it did not
	}{
		"replace": {[]string{"10.%d.0.0/16 via 10.50.0.2 mtu 1400"}, "replace -net 10.%d.0.0/16 gw 10.50.0.3 --confirm 2s", "10.%d.0.0/16 via 10.50.0.2 "},
		"flush":   {[]string{"10.%d.1.0/24 via 10.50.0.2", "10.%d.2.0/24 via 10.50.0.2 metric 9"}, "flush --root 10.%d.0.0/16 --yes --confirm 2s", "10.%d.2.0/24 "},
	} {
		t.Run(name, func(t *testing.T) {
			nstest.InNetns(t, func(t *testing.T) {
				l := newTrialLab(t)
				for n := range most {
					for _, route := range tc.routes {
						l.ip("route add " + fmt.Sprintf(route, n))
					}
				}
				before := tables(t, l.host)
				n, changed := 0, 0
				for killed := true; killed; n++ {
					if n == most {
						t.Fatal("it is never finished")
					}
					k := tracer{t: t, n: n + 1}
					killed = k.run(exec.Command(l.program, strings.Fields(fmt.Sprintf(tc.line, n))...))
					if !strings.Contains(tables(t, l.host), fmt.Sprintf(tc.left, n)) {
						changed++
					}
				}
				t.Logf("killed at %d calls, %d times behind the change", n-1, changed)
				if changed < 2 || changed > n-10 {
					t.Error("it was not killed on both sides of the change")
				}
				for id, row := range l.settled() {
					l.equal(id+" "+row.Change, pendingRow{ID: id, State: "undone", Change: row.Change, Lines: row.Lines}, row)
				}
				l.equal("tables", before, tables(t, l.host))
			})
		})
	}
}

// TestTrial_keeperKilled: the keeper is killed at each of its calls while it undoes a change; the next gnet finishes that, once.
func TestTrial_keeperKilled(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := newTrialLab(t)
		before := tables(t, l.host)
		halfway := 0
		n := 1
		for killed := true; killed; n++ {
			if n > 250 {
				t.Fatal("it is never finished")
			}
			k := tracer{t: t, n: n, keeper: true}
			for late := 0; ; late++ {
				killed = k.run(exec.Command(l.program, "replace", "default", "gw", "10.50.0.3", "--confirm", "3s"))
				if !k.late {
					break
				}
				if late == 10 {
					t.Fatal("it is always too late")
				}
				for id := range l.settled() {
					l.run("dismiss " + id)
				}
				k = tracer{t: t, n: n, keeper: true}
			}
			for end := time.Now().Add(time.Minute); len(keepers(t)) > 0 && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			if now := tables(t, l.host); strings.Contains(now, "via 10.50.0.3 ") && strings.Contains(now, "via 10.50.0.2 ") {
				halfway++
			}
			rows := l.settled()
			l.equal("tables", before, tables(t, l.host))
			for id, row := range rows {
				l.equal(id, "undone", row.State)
				if r := l.run("dismiss " + id); r.Status != 0 {
					t.Errorf("%+v", r)
				}
			}
			if len(rows) != 1 || t.Failed() {
				t.Fatalf("killed at call %d: %+v", n, rows)
			}
		}
		t.Logf("killed at %d calls, %d times with both routes there", n-2, halfway)
		if n < 10 || halfway == 0 {
			t.Error("it was not killed in the middle")
		}
	})
}
