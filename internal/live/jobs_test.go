package live

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// A shell with job control, of which the view is a job: without one the kernel ignores what stops a process.

// runShell starts the view as a job in the foreground and then does what its words say, one after the other.
func runShell(words []string) int {
	signal.Ignore(unix.SIGTTOU)
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGUSR1)
	own, _ := unix.IoctlGetTermios(0, unix.TCGETS)
	job := exec.Command("/proc/self/exe")
	job.Env = append(os.Environ(), asView+"=")
	job.Stdin, job.Stdout, job.Stderr = os.Stdin, os.Stdout, os.Stderr
	job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: 0}
	if err := job.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	pid := job.Process.Pid
	keys := bufio.NewReader(os.Stdin)
	for _, word := range words {
		switch word {
		case "wait": // until the test has seen the view
			<-asked
		case "tstp":
			unix.Kill(pid, unix.SIGTSTP)
		case "sigstop":
			unix.Kill(pid, unix.SIGSTOP)
		case "stopped": // waits until it is
			var ws unix.WaitStatus
			if _, err := unix.Wait4(pid, &ws, unix.WUNTRACED, nil); err != nil || !ws.Stopped() {
				fmt.Printf("not stopped: %v %v\n", err, ws)
				return 1
			}
			settings, err := unix.IoctlGetTermios(0, unix.TCGETS)
			if err != nil {
				fmt.Println(err)
				return 1
			}
			unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp())
			fmt.Printf("stopped by %d, cooked %v\n", ws.StopSignal(), settings.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) == unix.ICANON|unix.ECHO|unix.ISIG)
		case "line": // waits for one
			line, err := keys.ReadString('\n')
			fmt.Printf("read %q %v\n", line, err)
		case "fg":
			unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, pid)
			unix.Kill(-pid, unix.SIGCONT)
		case "bg":
			unix.Kill(-pid, unix.SIGCONT)
		case "kill":
			unix.Kill(-pid, unix.SIGTERM)
			unix.Kill(-pid, unix.SIGCONT)
		case "cook": // as a shell makes the terminal for itself
			unix.IoctlSetTermios(0, unix.TCSETS, own)
		}
	}
	err := job.Wait()
	unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp())
	fmt.Printf("shell: %v\n", err)
	return job.ProcessState.ExitCode()
}

// startShell starts the shell of those words.
func startShell(t *testing.T, words ...string) *nstest.Terminal {
	t.Helper()
	p := startView(t, "shell "+strings.Join(words, " "))
	p.Until("row 1")
	return p
}

// TestSuspend: what stops the view gives the shell its terminal, fg draws all anew, and the end is as clean as without.
func TestSuspend(t *testing.T) {
	for name, words := range map[string]string{"Ctrl-Z": "wait", "SIGTSTP": "wait tstp", "SIGTSTP twice": "wait tstp stopped bg"} {
		t.Run(name, func(t *testing.T) {
			p := startShell(t, append(strings.Fields(words), "stopped", "line", "fg")...)
			if name == "Ctrl-Z" {
				p.Write("\x1a")
			}
			p.Signal(unix.SIGUSR1)
			p.Until("stopped by 20, cooked true")
			p.Write("a line\n")
			p.Until(`read "a line\n"`)
			p.UntilFrom(bytes.Index(p.Seen(), []byte("read")), "row 1")
			wantEnd(t, p)
		})
	}
}

// wantEnd quits, and wants the end of a view that nothing has happened to.
func wantEnd(t *testing.T, p *nstest.Terminal) {
	t.Helper()
	p.Write("q")
	p.Until("shell: <nil>")
	if status := p.Wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	p.WantClean()
}

// TestSuspend_killed: a job that is stopped ends by the signal of kill, and takes nothing of the shell's terminal.
func TestSuspend_killed(t *testing.T) {
	for _, words := range []string{"wait tstp stopped kill", "wait tstp stopped bg stopped kill", "wait sigstop stopped cook kill"} {
		p := startShell(t, strings.Fields(words)...)
		p.Signal(unix.SIGUSR1)
		p.Until("ended: ended by signal: terminated")
		p.Until("shell: exit status 3")
		if status := p.Wait(); status != 3 {
			t.Errorf("%s: status %d", words, status)
		}
		p.WantSettings()
	}
}

// TestSuspend_stop: after SIGSTOP, of which no program is told, and whatever the shell has made of the terminal, fg draws all anew.
func TestSuspend_stop(t *testing.T) {
	p := startShell(t, "wait", "sigstop", "stopped", "cook", "line", "fg")
	p.Signal(unix.SIGUSR1)
	p.Until("stopped by 19")
	p.Write("a line\n")
	p.Until(`read "a line\n"`)
	p.UntilFrom(bytes.Index(p.Seen(), []byte("read")), "row 1")
	wantEnd(t, p)
}
