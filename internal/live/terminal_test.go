package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// asView is the variable that makes this test's binary show a view, for the tests below.
const asView = "GNET_TEST_LIVE"

func TestMain(m *testing.M) {
	if mode, ok := os.LookupEnv(asView); ok {
		os.Exit(showView(mode))
	}
	os.Exit(m.Run())
}

// ender is a view that ends in the way of its key.
type ender struct{ counter }

func (v *ender) Key(l *Loop, k Key) {
	switch k.Rune {
	case 'p':
		panic("panic of the view")
	case 'g':
		l.Go(func() { panic("panic beside the view") })
	default:
		v.counter.Key(l, k)
	}
}

func showView(mode string) int {
	v := &ender{}
	err := Run(context.Background(), v, Options{Mono: mode == "mono", Every: 10 * time.Millisecond, Tick: func(time.Time) { v.ticks++ }})
	fmt.Printf("ended: %v\n", err)
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(*Signaled)):
		return 3
	case errors.As(err, new(*LostError)):
		return 4
	case errors.As(err, new(*TerminalError)):
		return 5
	}
	return 6
}

// terminal is a pseudo terminal with a process that shows a view.
type terminal struct {
	t      *testing.T
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	output chan []byte // closed at the end
	seen   []byte
	before *unix.Termios
}

// startView shows the view on a pseudo terminal of 40 columns and 6 rows, which is the controlling one of the process.
func startView(t *testing.T, mode string, env ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 40, Row: 6}); err != nil {
		t.Fatal(err)
	}
	before, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", asView+"="+mode), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	p := &terminal{t: t, master: master, slave: slave, cmd: cmd, output: make(chan []byte, 1024), before: before}
	go func() {
		defer close(p.output)
		for {
			buf := make([]byte, 4096)
			n, err := master.Read(buf)
			if n > 0 {
				p.output <- buf[:n]
			}
			if err != nil {
				return
			}
		}
	}()
	return p
}

// until waits for text from the terminal.
func (p *terminal) until(text string) {
	p.t.Helper()
	end := time.After(20 * time.Second)
	for !bytes.Contains(p.seen, []byte(text)) {
		select {
		case b, ok := <-p.output:
			if !ok {
				p.t.Fatalf("no %q in %q", text, p.seen)
			}
			p.seen = append(p.seen, b...)
		case <-end:
			p.t.Fatalf("no %q in %q", text, p.seen)
		}
	}
}

func (p *terminal) write(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, keys); err != nil {
		p.t.Fatal(err)
	}
}

// wait waits for the end, and returns the status.
func (p *terminal) wait() int {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("does not end: %q", p.seen)
	}
	return p.cmd.ProcessState.ExitCode()
}

// clean checks that the terminal is what it was: its settings, the main screen, the cursor shown.
func (p *terminal) clean() {
	p.t.Helper()
	after, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatal(err)
	}
	if *after != *p.before {
		p.t.Errorf("settings %+v, were %+v", after, p.before)
	}
	for _, pair := range [][2]string{{"\x1b[?1049h", "\x1b[?1049l"}, {"\x1b[?25l", "\x1b[?25h"}} {
		on, off := bytes.LastIndex(p.seen, []byte(pair[0])), bytes.LastIndex(p.seen, []byte(pair[1]))
		if on < 0 || off < on {
			p.t.Errorf("%q at %d, %q at %d", pair[0], on, pair[1], off)
		}
	}
}

// TestRun_ends: whatever ends a view, the terminal is as before, and what is printed then stands on the main screen.
func TestRun_ends(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(p *terminal)
		says   string
		status int
	}{
		{"q", func(p *terminal) { p.write("q") }, "ended: <nil>", 0},
		{"Ctrl-C", func(p *terminal) { p.write("\x03") }, "ended: <nil>", 0},
		{"x", func(p *terminal) { p.write("x") }, "ended: x", 6},
		{"SIGINT", func(p *terminal) { p.cmd.Process.Signal(unix.SIGINT) }, "ended: ended by signal: interrupt", 3},
		{"SIGTERM", func(p *terminal) { p.cmd.Process.Signal(unix.SIGTERM) }, "ended: ended by signal: terminated", 3},
		{"SIGHUP", func(p *terminal) { p.cmd.Process.Signal(unix.SIGHUP) }, "ended: ended by signal: hangup", 3},
		{"panic", func(p *terminal) { p.write("p") }, "panic: panic of the view", 2},
		{"panic beside", func(p *terminal) { p.write("g") }, "panic: panic beside the view", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startView(t, "")
			p.until("row 1")
			c.end(p)
			p.until(c.says)
			if status := p.wait(); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if at := bytes.LastIndex(p.seen, []byte("\x1b[?1049l")); at > bytes.Index(p.seen, []byte(c.says)) {
				t.Errorf("said before the main screen came back: %q", p.seen)
			}
			p.clean()
		})
	}
}

// TestRun_terminalGone: where the terminal is gone, as when an SSH connection drops, the view ends.
func TestRun_terminalGone(t *testing.T) {
	p := startView(t, "")
	p.until("row 1")
	p.slave.Close()
	p.master.Close()
	if status := p.wait(); status != 3 && status != 4 {
		t.Errorf("status %d, want that of a hangup or of a lost terminal", status)
	}
}

// TestRun_resize: the picture follows the terminal's size.
func TestRun_resize(t *testing.T) {
	p := startView(t, "")
	p.until("row 3")
	if bytes.Contains(p.seen, []byte("row 4")) {
		t.Errorf("more rows than there are: %q", p.seen)
	}
	if err := unix.IoctlSetWinsize(int(p.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: 60, Row: 12}); err != nil {
		t.Fatal(err)
	}
	p.until("row 9")
	p.write("q")
	p.until("ended")
	p.wait()
	p.clean()
}

// TestRun_suspend: Ctrl-Z where no shell could wake the process again gives the terminal back for a moment and goes on.
func TestRun_suspend(t *testing.T) {
	p := startView(t, "")
	p.until("row 1")
	p.write("\x1a")
	p.until("\x1b[?1049l")
	p.write("G")
	p.until("row 99")
	p.write("q")
	p.until("ended")
	p.wait()
	p.clean()
}

// TestRun_mono: without colours none is set.
func TestRun_mono(t *testing.T) {
	p := startView(t, "mono")
	p.until("漢")
	p.write("q")
	p.until("ended")
	p.wait()
	if sgr := regexp.MustCompile("\x1b\\[[0-9;]*([34][0-8]|9[0-7]|10[0-7])[0-9;:]*m").Find(p.seen); sgr != nil {
		t.Errorf("a colour: %q", sgr)
	}
}

// TestRun_unusable: a terminal that is not known, and a process without one.
func TestRun_unusable(t *testing.T) {
	p := startView(t, "", "TERM=no-such-terminal")
	p.until("the terminal's kind is not known: TERM=no-such-terminal")
	if status := p.wait(); status != 5 {
		t.Errorf("status %d", status)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), asView+"=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	out, err := cmd.CombinedOutput()
	if e := new(exec.ExitError); !errors.As(err, &e) || e.ExitCode() != 5 || !strings.Contains(string(out), "no terminal: ") {
		t.Errorf("%v: %s", err, out)
	}
}
