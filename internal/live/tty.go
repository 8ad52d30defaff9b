package live

import (
	"bytes"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"time"

	"github.com/gdamore/tcell/v2"
	"golang.org/x/sys/unix"
)

// tty is the controlling terminal of the process, as tcell wants one. Unlike tcell's own it tells when a write fails, never waits for
// output that a stalled terminal does not take, and gives the settings back where only some of it still works.
type tty struct {
	file *os.File
	conn rawConn
	lost chan error // the first write that failed

	mu      sync.Mutex
	before  unix.Termios // the settings to give back
	asleep  bool         // Start begins where a stop that nobody announced ended: before stays
	resized func()
	winch   chan os.Signal
	over    sync.WaitGroup
	reading *reading

	out  sync.Mutex
	held *bytes.Buffer // what opens the screen, until the picture that comes with it; else nil
}

// reading is what Read does from a Start to the next Stop.
type reading struct {
	quiet chan struct{} // closed when there shall be no more keys
	idle  chan struct{} // closed when Read gives no more
	once  sync.Once     // of idle
	stop  chan struct{} // closed by Drain
}

// ends closes idle.
func (r *reading) ends() { r.once.Do(func() { close(r.idle) }) }

// rawConn is the part of syscall.RawConn that is needed; a descriptor that is taken out of an os.File would block from then on.
type rawConn interface{ Control(func(fd uintptr)) error }

// openTTY opens the terminal, and stops as job control wants it where the process is in the background.
func openTTY() (*tty, error) {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	conn, err := file.SyscallConn()
	if err == nil {
		err = file.SetDeadline(time.Time{}) // or nothing would end a read
	}
	t := &tty{file: file, conn: conn, lost: make(chan error, 1)}
	if err == nil {
		err = t.get(&t.before)
	}
	if err == nil {
		err = t.set(&t.before) // the kernel stops a process in the background here, until it comes to the foreground (SIGTTOU, termios(3))
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return t, nil
}

// control runs f on the descriptor.
func (t *tty) control(f func(fd int) error) error {
	var err error
	if closed := t.conn.Control(func(fd uintptr) { err = f(int(fd)) }); closed != nil {
		return closed
	}
	return err
}

func (t *tty) get(settings *unix.Termios) error {
	return t.control(func(fd int) error {
		now, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			*settings = *now
		}
		return err
	})
}

// set sets the settings without a wait for the output.
func (t *tty) set(settings *unix.Termios) error {
	return t.control(func(fd int) error { return unix.IoctlSetTermios(fd, unix.TCSETS, settings) })
}

// foreground reports whether the process may change the terminal without being stopped. It may where nobody can tell.
func (t *tty) foreground() bool {
	group := 0
	err := t.control(func(fd int) (err error) {
		group, err = unix.IoctlGetInt(fd, unix.TIOCGPGRP)
		return err
	})
	return err != nil || group == unix.Getpgrp()
}

// Start makes the terminal raw.
func (t *tty) Start() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	if !t.asleep {
		if err := t.get(&t.before); err != nil {
			return err
		}
	}
	raw := t.before // termios(3), cfmakeraw
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	if err := t.set(&raw); err != nil {
		return err
	}
	t.out.Lock()
	t.held = new(bytes.Buffer)
	t.out.Unlock()
	t.reading = &reading{quiet: make(chan struct{}), idle: make(chan struct{}), stop: make(chan struct{})}
	t.winch = make(chan os.Signal, 1)
	signal.Notify(t.winch, unix.SIGWINCH)
	t.over.Add(1)
	go t.watch(t.winch)
	return nil
}

// watch tells of new sizes.
func (t *tty) watch(winch <-chan os.Signal) {
	defer t.over.Done()
	for range winch {
		t.mu.Lock()
		resized := t.resized
		t.mu.Unlock()
		if resized != nil {
			resized()
		}
	}
}

// mute ends the keys: it returns when tcell has taken what was read. Were it to stop with some under way, it could wait for itself for
// ever, its reader for a place in the queue of the one who has stopped.
func (t *tty) mute() {
	t.mu.Lock()
	r := t.reading
	if r == nil {
		t.mu.Unlock()
		return
	}
	close(r.quiet)
	_ = t.file.SetReadDeadline(time.Unix(1, 0))
	t.mu.Unlock()
	<-r.idle
}

// Drain ends the read that waits for keys.
func (t *tty) Drain() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.reading.stop)
	return t.file.SetReadDeadline(time.Unix(1, 0))
}

// Stop gives the settings back. In the background the terminal is another's.
func (t *tty) Stop() error {
	t.flush()
	t.mu.Lock()
	var err error
	if t.foreground() {
		err = t.set(&t.before)
	}
	t.reading = nil
	signal.Stop(t.winch)
	close(t.winch)
	t.mu.Unlock()
	t.over.Wait()
	return err
}

// NotifyResize has f called at each new size.
func (t *tty) NotifyResize(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.resized = f
}

// WindowSize returns the size, and that of a VT100 where a terminal does not know its own.
func (t *tty) WindowSize() (tcell.WindowSize, error) {
	var size tcell.WindowSize
	err := t.control(func(fd int) error {
		now, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
		if err == nil {
			size = tcell.WindowSize{Width: int(now.Col), Height: int(now.Row), PixelWidth: int(now.Xpixel), PixelHeight: int(now.Ypixel)}
		}
		return err
	})
	size.Width, size.Height = orSize(size.Width, "COLUMNS", 80), orSize(size.Height, "LINES", 24)
	return size, err
}

// orSize is n, or what the variable says, or usual.
func orSize(n int, variable string, usual int) int {
	if n == 0 {
		n, _ = strconv.Atoi(os.Getenv(variable))
	}
	if n <= 0 {
		return usual
	}
	return n
}

// Read reads keys, until mute or Drain.
func (t *tty) Read(p []byte) (int, error) {
	t.mu.Lock()
	r := t.reading
	t.mu.Unlock()
	for {
		select {
		case <-r.quiet:
			r.ends()
			<-r.stop
			return 0, os.ErrDeadlineExceeded
		case <-r.stop:
			return 0, os.ErrDeadlineExceeded
		default:
		}
		n, err := t.file.Read(p)
		switch {
		case n > 0 || err == nil:
			return n, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, unix.EIO) && !t.foreground(): // SIGTTIN is ignored: these keys are another's
			select {
			case <-r.quiet:
			case <-r.stop:
			}
		default:
			r.ends() // tcell reads no more
			return 0, err
		}
	}
}

// Write writes to the screen.
func (t *tty) Write(p []byte) (int, error) {
	t.out.Lock()
	defer t.out.Unlock()
	if t.held != nil {
		return t.held.Write(p)
	}
	return t.write(p)
}

// flush writes what was held back. What opens a screen is a dozen of strings, each of which would wake the terminal.
func (t *tty) flush() {
	t.out.Lock()
	defer t.out.Unlock()
	if held := t.held; held != nil {
		t.held = nil
		_, _ = t.write(held.Bytes())
	}
}

// write writes to the terminal. tcell does not look at the error, which is why it is kept.
func (t *tty) write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		select {
		case t.lost <- err:
		default:
		}
	}
	return n, err
}

// lastWord is how long a terminal that takes no output can delay the end of a view.
const lastWord = time.Second

// hurry bounds the writes from now on: the end of a view does not wait for a terminal that takes nothing.
func (t *tty) hurry() { _ = t.file.SetWriteDeadline(time.Now().Add(lastWord)) }

// Close closes the terminal.
func (t *tty) Close() error { return t.file.Close() }
