package nstest

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is a pseudo terminal with a process on it, whose controlling terminal it is.
type Terminal struct {
	t      Reporter
	master *os.File
	slave  *os.File
	cmd    *exec.Cmd
	output chan []byte // closed when the terminal is gone
	seen   []byte
	screen *Emulator
	before unix.Termios
}

// terminalPatience is how long a test waits for what a terminal must show before it fails.
const terminalPatience = 20 * time.Second

// OnTerminal starts cmd on a pseudo terminal of that size, in a session of its own. Its standard streams are the terminal where cmd
// has none; its environment, unless it has one, is this process's with TERM=xterm-256color in UTF-8. The process is killed at the end of the test.
func OnTerminal(t Reporter, cmd *exec.Cmd, columns, rows int) *Terminal {
	t.Helper()
	p := &Terminal{t: t, cmd: cmd, output: make(chan []byte, 1024), screen: NewEmulator(columns, rows)}
	p.open()
	p.Resize(columns, rows)
	before, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p.before = *before
	if cmd.Env == nil {
		cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=")
	}
	if cmd.Stdin == nil {
		cmd.Stdin = p.slave
	}
	if cmd.Stdout == nil {
		cmd.Stdout = p.slave
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.slave
	}
	// The controlling terminal is named by the number of a descriptor in the child.
	cmd.ExtraFiles = append(cmd.ExtraFiles, p.slave)
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, true, 2+len(cmd.ExtraFiles)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v", err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	go p.read()
	return p
}

// open makes the two ends.
func (p *Terminal) open() {
	p.t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0) // so that closing ends a read
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	p.master = os.NewFile(uintptr(fd), "/dev/ptmx")
	p.t.Cleanup(func() { p.master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		p.t.Fatalf("%v", err)
	}
	// By the master and not by a path: a mount namespace may have another /dev/pts.
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		p.t.Fatalf("TIOCGPTPEER: %v", errno)
	}
	p.slave = os.NewFile(peer, "pty")
	p.t.Cleanup(func() { p.slave.Close() })
}

// read gathers what the process writes.
func (p *Terminal) read() {
	defer close(p.output)
	for {
		buf := make([]byte, 4096)
		n, err := p.master.Read(buf)
		if n > 0 {
			p.output <- buf[:n]
		}
		if err != nil {
			return
		}
	}
}

// take keeps what the process wrote, and shows it.
func (p *Terminal) take(b []byte) {
	p.seen = append(p.seen, b...)
	p.screen.Write(b)
}

// Screen returns what is seen on the terminal once Until, For and Wait have read what they did.
func (p *Terminal) Screen() *Emulator { return p.screen }

// UntilShown waits until is holds of the screen, and reports whether it ever did; a screen that is as it should be already counts.
func (p *Terminal) UntilShown(is func(*Emulator) bool) bool {
	end := time.After(terminalPatience)
	for !is(p.screen) {
		select {
		case b, ok := <-p.output:
			if !ok {
				return false
			}
			p.take(b)
		case <-end:
			return false
		}
	}
	return true
}

// Until waits for text from the process, anywhere in what it has written, and fails the test where it does not come.
func (p *Terminal) Until(text string) {
	p.t.Helper()
	p.UntilFrom(0, text)
}

// UntilFrom is Until for text behind the first from bytes of Seen.
func (p *Terminal) UntilFrom(from int, text string) {
	p.t.Helper()
	end := time.After(terminalPatience)
	for from > len(p.seen) || !bytes.Contains(p.seen[from:], []byte(text)) {
		select {
		case b, ok := <-p.output:
			if !ok {
				p.t.Fatalf("no %q in %q", text, p.seen)
			}
			p.take(b)
		case <-end:
			p.t.Fatalf("no %q in %q", text, p.seen)
		}
	}
}

// For reads the process's output for that long, or until the terminal is gone.
func (p *Terminal) For(d time.Duration) {
	end := time.After(d)
	for {
		select {
		case b, ok := <-p.output:
			if !ok {
				return
			}
			p.take(b)
		case <-end:
			return
		}
	}
}

// Seen returns what has been read of the process's output by Until, For and Wait. It is valid until the next of them.
func (p *Terminal) Seen() []byte { return p.seen }

// Write types keys.
func (p *Terminal) Write(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.master, keys); err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Stall takes no more of what the process writes, as a connection that is stuck: what it writes waits, and when the kernel keeps no
// more of it the process does. Only Signal, Hangup, Wait and WantSettings may follow.
func (p *Terminal) Stall() {
	p.t.Helper()
	if err := p.master.SetReadDeadline(time.Unix(1, 0)); err != nil {
		p.t.Fatalf("%v", err)
	}
	for range p.output { // what came until then
	}
}

// Signal sends the process a signal.
func (p *Terminal) Signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Resize gives the terminal another size, as a window does.
func (p *Terminal) Resize(columns, rows int) {
	p.t.Helper()
	p.screen.Resize(columns, rows)
	if err := unix.IoctlSetWinsize(int(p.slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(columns), Row: uint16(rows)}); err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Hangup takes the terminal away, as the end of an SSH connection does.
func (p *Terminal) Hangup() {
	p.slave.Close()
	p.master.Close()
}

// Wait waits for the end of the process, reads what it wrote and returns its status, -1 for one that a signal ended.
func (p *Terminal) Wait() int {
	p.t.Helper()
	done := make(chan struct{})
	go func() {
		p.cmd.Wait()
		close(done)
	}()
	end := time.After(terminalPatience)
	for {
		select {
		case b, ok := <-p.output: // or a full terminal would keep the process
			p.take(b)
			if !ok {
				p.output = nil
			}
		case <-done:
			p.rest()
			return p.cmd.ProcessState.ExitCode()
		case <-end:
			p.t.Fatalf("does not end: %q", p.seen)
		}
	}
}

// rest reads what stands in the terminal still: a mark that comes through it is behind all else.
func (p *Terminal) rest() {
	if p.output == nil {
		return
	}
	const mark = "\x00end\x00"
	if _, err := p.slave.WriteString(mark); err != nil {
		return // hung up
	}
	shown := len(p.seen)
	end := time.After(terminalPatience)
	for !bytes.HasSuffix(p.seen, []byte(mark)) {
		select {
		case b, ok := <-p.output:
			p.seen = append(p.seen, b...)
			if !ok {
				return
			}
		case <-end:
			p.t.Fatalf("no end of the output: %q", p.seen)
		}
	}
	p.seen = p.seen[:len(p.seen)-len(mark)]
	p.screen.Write(p.seen[min(shown, len(p.seen)):])
}

// WantSettings fails the test unless the settings of the terminal are what they were before the process.
func (p *Terminal) WantSettings() {
	p.t.Helper()
	after, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	if err != nil {
		p.t.Fatalf("%v", err)
	}
	if *after != p.before {
		p.t.Errorf("settings %+v, were %+v", *after, p.before)
	}
}

// WantClean fails the test unless the terminal is what it was before the process, after Wait: its settings, the main screen, the
// cursor shown, and no mode, rendition, keyboard protocol or title that was set left behind.
func (p *Terminal) WantClean() {
	p.t.Helper()
	p.WantSettings()
	if !bytes.Contains(p.seen, []byte("\x1b[?1049h")) {
		p.t.Errorf("the alternate screen was never shown: %q", p.seen)
	}
	for _, left := range leftBehind(p.seen) {
		p.t.Errorf("left behind: %s", left)
	}
}

// leftBehind returns what the bytes of a program leave set in a terminal that had the modes of a new one.
func leftBehind(seen []byte) (left []string) {
	for _, pair := range [...]struct{ set, reset, what string }{
		{"\x1b[?25l", "\x1b[?25h", "a hidden cursor"}, {"\x1b[?7l", "\x1b[?7h", "lines that do not wrap"},
		{"\x1b[?1049h", "\x1b[?1049l", "the alternate screen"}, {"\x1b[?1h", "\x1b[?1l", "application cursor keys"},
		{"\x1b=", "\x1b>", "the application keypad"}, {"\x1b[?2026h", "\x1b[?2026l", "held output"},
		{"\x1b[?9001h", "\x1b[?9001l", "win32 keys"}, {"\x1b[>1u", "\x1b[<u", "kitty keys"}, {"\x1b[>4;2m", "\x1b[>4;0m", "xterm's modified keys"},
		{"\x1b[?1000h", "\x1b[?1000l", "mouse buttons"}, {"\x1b[?1002h", "\x1b[?1002l", "mouse drags"}, {"\x1b[?1003h", "\x1b[?1003l", "mouse motion"},
		{"\x1b[?1006h", "\x1b[?1006l", "SGR mouse"}, {"\x1b[?1004h", "\x1b[?1004l", "focus reports"}, {"\x1b[?2004h", "\x1b[?2004l", "bracketed paste"},
		{"\x1b[22;2t", "\x1b[23;2t", "the title"},
	} {
		on, off := bytes.LastIndex(seen, []byte(pair.set)), bytes.LastIndex(seen, []byte(pair.reset))
		if on > off {
			left = append(left, fmt.Sprintf("%s: %q at %d, %q at %d", pair.what, pair.set, on, pair.reset, off))
		}
	}
	last := "" // of SGR (ECMA-48, 8.3.117), and not of the keyboard's protocols
	for _, part := range bytes.Split(seen, []byte("\x1b["))[1:] {
		if end := bytes.IndexFunc(part, func(r rune) bool { return r >= 0x40 }); end >= 0 && part[end] == 'm' && part[0] != '>' {
			last = string(part[:end])
		}
	}
	if last != "" && last != "0" {
		left = append(left, "the rendition "+last)
	}
	return left
}
