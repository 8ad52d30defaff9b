package live

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	beside, told, err := startBeside(pid)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer beside.Wait()
	defer beside.Process.Kill()
	fmt.Println(shellReady)
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
			unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp())
			fmt.Printf("stopped by %d, %s\n", ws.StopSignal(), terminalMode())
		case "look": // once the test has seen the view again
			<-asked
			fmt.Println("seen,", terminalMode())
		case "beside": // waits until the other process of the job has been told to stop
			told.Read(make([]byte, 1))
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
	err = job.Wait()
	unix.IoctlSetPointerInt(0, unix.TIOCSPGRP, unix.Getpgrp())
	fmt.Printf("shell: %v\n", err)
	return job.ProcessState.ExitCode()
}

// shellReady is what the shell says when the whole job runs: the view alone is on the screen before the process beside it heeds signals.
const shellReady = "the job runs"

// terminalMode says how the terminal is set.
func terminalMode() string {
	settings, err := unix.IoctlGetTermios(0, unix.TCGETS)
	const cooked = unix.ICANON | unix.ECHO | unix.ISIG
	switch {
	case err != nil:
		return err.Error()
	case settings.Lflag&cooked == cooked:
		return "cooked"
	case settings.Lflag&cooked == 0:
		return "raw"
	}
	return fmt.Sprintf("%#x", settings.Lflag)
}

// startBeside starts another process in the group of a job, as a shell does for a pipe. What it reads tells that it was told to stop.
func startBeside(group int) (*exec.Cmd, *os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	beside := exec.Command("/proc/self/exe")
	beside.Env = append(os.Environ(), asView+"=beside")
	beside.Stdin, beside.Stdout, beside.ExtraFiles = os.Stdin, os.Stdout, []*os.File{w}
	beside.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group}
	if err := beside.Start(); err != nil {
		return nil, nil, err
	}
	_, err = r.Read(make([]byte, 1)) // it is ready
	return beside, r, err
}

// runBeside says when it is told to stop, and does not.
func runBeside() int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTSTP)
	told := os.NewFile(3, "told")
	told.WriteString("r")
	for range stop {
		fmt.Println("beside told to stop,", terminalMode())
		told.WriteString("t")
	}
	return 0
}

// startShell starts the shell of those words.
func startShell(t *testing.T, words ...string) *nstest.Terminal {
	t.Helper()
	p := startView(t, "shell "+strings.Join(words, " "))
	p.Until("row 1")
	p.Until(shellReady)
	return p
}

// wantOrder compares what came to the terminal with what is wanted, in that order: that the view took the screen (+) and gave it back (-), and
// what the others said of the terminal.
func wantOrder(t *testing.T, p *nstest.Terminal, want ...string) {
	t.Helper()
	var got []string
	for _, what := range regexp.MustCompile(`\x1b\[\?1049[hl]|stopped by [^\r\n]*|seen, \w+|beside told to stop, \w+|read "|ended: [^\r\n]*`).FindAllString(string(p.Seen()), -1) {
		switch what {
		case "\x1b[?1049h":
			what = "+"
		case "\x1b[?1049l":
			what = "-"
		}
		got = append(got, what)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the order of what happened (-want +got)\n%s%q", diff, p.Seen())
	}
}

// TestSuspend: what stops the view gives the shell its terminal, fg draws all anew, and the end is as clean as without. The screen and the
// settings are given back before anybody stops, and are taken again in the foreground alone.
func TestSuspend(t *testing.T) {
	for _, c := range []struct{ name, words, stops string }{
		{"Ctrl-Z", "wait beside stopped", "beside told to stop, cooked; stopped by 20, cooked"},
		{"SIGTSTP", "wait tstp stopped", "stopped by 20, cooked"},
		{"bg", "wait tstp stopped bg stopped bg stopped", "stopped by 20, cooked; stopped by 20, cooked; stopped by 20, cooked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startShell(t, append(strings.Fields(c.words), "line", "fg", "look")...)
			if c.name == "Ctrl-Z" {
				p.Write("\x1a")
			}
			p.Signal(unix.SIGUSR1)
			p.Until("stopped by 20, cooked")
			p.Write("a line\n")
			p.Until(`read "a line\n"`)
			p.UntilFrom(bytes.Index(p.Seen(), []byte("read")), "row 1")
			p.Signal(unix.SIGUSR1)
			p.Until("seen,")
			wantEnd(t, p)
			wantOrder(t, p, slices.Concat([]string{"+", "-"}, strings.Split(c.stops, "; "), []string{`read "`, "+", "seen, raw", "-", "ended: <nil>"})...)
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
	const ended = "ended: ended by signal: terminated"
	for _, c := range []struct {
		words string
		order []string
	}{
		{"wait tstp stopped kill", []string{"+", "-", "stopped by 20, cooked", ended}},
		{"wait tstp stopped bg stopped kill", []string{"+", "-", "stopped by 20, cooked", "stopped by 20, cooked", ended}},
		{"wait sigstop stopped cook kill", []string{"+", "stopped by 19, raw", "-", ended}}, // nobody else would give the screen back
	} {
		words := c.words
		p := startShell(t, strings.Fields(words)...)
		p.Signal(unix.SIGUSR1)
		p.Until("ended: ended by signal: terminated")
		p.Until("shell: exit status 3")
		if status := p.Wait(); status != 3 {
			t.Errorf("%s: status %d", words, status)
		}
		p.WantSettings()
		wantOrder(t, p, c.order...)
	}
}

// TestSuspend_stop: after SIGSTOP, of which no program is told, and whatever the shell has made of the terminal, fg draws all anew.
func TestSuspend_stop(t *testing.T) {
	p := startShell(t, "wait", "sigstop", "stopped", "cook", "line", "fg", "look")
	p.Signal(unix.SIGUSR1)
	p.Until("stopped by 19")
	p.Write("a line\n")
	p.Until(`read "a line\n"`)
	p.UntilFrom(bytes.Index(p.Seen(), []byte("read")), "row 1")
	p.Signal(unix.SIGUSR1)
	p.Until("seen,")
	wantEnd(t, p)
	wantOrder(t, p, "+", "stopped by 19, raw", `read "`, "-", "+", "seen, raw", "-", "ended: <nil>")
}
