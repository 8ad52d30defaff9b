package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// asView is the variable that makes this test's binary show a view, for the tests below.
const asView = "GNET_TEST_LIVE"

func TestMain(m *testing.M) {
	if mode, ok := os.LookupEnv(asView); ok {
		if words := strings.Fields(mode); len(words) > 0 && words[0] == "shell" {
			os.Exit(runShell(words[1:]))
		}
		if mode == "beside" {
			os.Exit(runBeside())
		}
		os.Exit(showView(mode))
	}
	os.Exit(nstest.Interruptible{M: m}.Run())
}

// ender is a view that ends in the way of its key.
type ender struct {
	counter
	full bool // each picture is another everywhere
	// processors has the picture say how many there are.
	processors bool
}

func (v *ender) Draw(c *Canvas) {
	v.counter.Draw(c)
	w, h := c.Size()
	if v.processors {
		c.Text(0, h-1, Plain, fmt.Sprintf("on:%d", runtime.GOMAXPROCS(0)))
	}
	for y := range h {
		if v.full {
			c.Text(0, y, Plain, strings.Repeat(string(rune('a'+v.ticks%26)), w))
		}
	}
}

func (v *ender) Key(l *Loop, k Key) {
	switch k.Rune {
	case 'p':
		panic("panic of the view")
	case 'g':
		l.Go(func() { panic("panic beside the view") })
	case 'h':
		v.last = "waits"
		l.Go(func() {
			<-l.Done()
			panic("panic behind the end")
		})
		l.Quit(nil)
	case 'o': // as of a pipe whose reader has gone
		_, err := os.Stdout.WriteString("x")
		v.last = fmt.Sprintf("wrote: %v", err)
	case 'f':
		v.full = true
	case 't':
		panic("keys after the end")
	default:
		v.counter.Key(l, k)
	}
}

func showView(mode string) int {
	v := &ender{processors: mode == "processors"}
	if mode == "nohup" {
		signal.Ignore(unix.SIGHUP)
	}
	o := Options{Mono: mode == "mono", Every: 10 * time.Millisecond, Tick: func(time.Time) bool { v.ticks++; return true }}
	if mode == "still" {
		o.Every = 0
	}
	err := Run(context.Background(), v, o)
	if v.last == "waits" {
		select {}
	}
	if v.processors {
		fmt.Printf("then on %d\n", runtime.GOMAXPROCS(0))
	}
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

// startView shows the view on a pseudo terminal of 40 columns and 6 rows, which is the controlling one of the process.
func startView(t *testing.T, mode string, env ...string) *nstest.Terminal {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", asView+"="+mode), env...)
	return nstest.OnTerminal(t, cmd, 40, 6)
}

// TestRun_ends: whatever ends a view, the terminal is as before, and what is printed then stands on the main screen.
func TestRun_ends(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(p *nstest.Terminal)
		says   string
		status int
	}{
		{"q", func(p *nstest.Terminal) { p.Write("q") }, "ended: <nil>", 0},
		{"Ctrl-C", func(p *nstest.Terminal) { p.Write("\x03") }, "ended: <nil>", 0},
		{"x", func(p *nstest.Terminal) { p.Write("x") }, "ended: x", 6},
		{"SIGINT", func(p *nstest.Terminal) { p.Signal(unix.SIGINT) }, "ended: ended by signal: interrupt", 3},
		{"SIGTERM", func(p *nstest.Terminal) { p.Signal(unix.SIGTERM) }, "ended: ended by signal: terminated", 3},
		{"SIGHUP", func(p *nstest.Terminal) { p.Signal(unix.SIGHUP) }, "ended: ended by signal: hangup", 3},
		{"Ctrl-\\", func(p *nstest.Terminal) { p.Write("\x1c") }, "ended: <nil>", 0},
		{"SIGQUIT", func(p *nstest.Terminal) { p.Signal(unix.SIGQUIT) }, "ended: ended by signal: quit", 3},
		{"SIGABRT", func(p *nstest.Terminal) { p.Signal(unix.SIGABRT) }, "ended: ended by signal: aborted", 3},
		{"more keys than are taken", func(p *nstest.Terminal) { p.Write("q" + strings.Repeat("t", 3000)) }, "ended: <nil>", 0},
		{"panic behind the end", func(p *nstest.Terminal) { p.Write("h") }, "panic: panic behind the end", 2},
		{"panic", func(p *nstest.Terminal) { p.Write("p") }, "panic: panic of the view", 2},
		{"panic beside", func(p *nstest.Terminal) { p.Write("g") }, "panic: panic beside the view", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := startView(t, "")
			p.Until("row 1")
			c.end(p)
			p.Until(c.says)
			if status := p.Wait(); status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if at := bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")); at > bytes.Index(p.Seen(), []byte(c.says)) {
				t.Errorf("said before the main screen came back: %q", p.Seen())
			}
			p.WantClean()
		})
	}
}

// TestRun_terminalGone: where the terminal is gone, as when an SSH connection drops, the view ends, also where the signal is ignored.
func TestRun_terminalGone(t *testing.T) {
	for mode, statuses := range map[string][]int{"": {3, 4}, "nohup": {4}} {
		p := startView(t, mode)
		p.Until("row 1")
		p.Hangup()
		if status := p.Wait(); !slices.Contains(statuses, status) {
			t.Errorf("%s: status %d, want that of a hangup or of a lost terminal", mode, status)
		}
	}
}

// TestRun_nohup: a signal that was ignored when the program started ends nothing.
func TestRun_nohup(t *testing.T) {
	p := startView(t, "nohup")
	p.Until("row 1")
	p.Signal(unix.SIGHUP)
	p.Write("G")
	p.Until("row 99")
	p.Write("q")
	p.Until("ended: <nil>")
	if status := p.Wait(); status != 0 {
		t.Errorf("status %d", status)
	}
	p.WantClean()
}

// TestRun_stalled: a terminal that takes nothing does not keep a process that is told to end.
func TestRun_stalled(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", asView+"=")
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cmd.Stdout = said
	p := nstest.OnTerminal(t, cmd, 200, 60)
	p.Until("row 1")
	p.Write("f")
	p.Until("aaaa")
	p.Stall()
	time.Sleep(time.Second) // until a picture does not fit any more; For would not wait, as there is nothing to read
	p.Signal(unix.SIGTERM)
	if status := p.Wait(); status != 3 {
		t.Errorf("status %d", status)
	}
	p.WantSettings()
}

// TestRun_brokenPipe: SIGPIPE, which Go makes of a write to a pipe that nobody reads, is an error of that write, and ends no view.
func TestRun_brokenPipe(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", asView+"=")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	cmd.Stdout = w
	p := nstest.OnTerminal(t, cmd, 60, 6)
	w.Close()
	p.Until("row 1")
	p.Write("o")
	p.Until("broken pipe")
	p.Write("q")
	p.Wait() // what is printed then ends it by SIGPIPE, as any program
	p.WantClean()
}

// TestRun_resize: the picture follows the terminal's size.
func TestRun_resize(t *testing.T) {
	p := startView(t, "")
	shows := func(want string) {
		t.Helper()
		if !p.UntilShown(func(e *nstest.Emulator) bool { return regexp.MustCompile(want).MatchString(e.Text()) }) {
			t.Fatalf("not the screen that was wanted, %s:\n%s", want, p.Screen().Text())
		}
	}
	shows(`^ticks \d+ +\\x1b\[31mred\\xe2\\x80\\xae\n(row [0-3] 漢字…\n){4}\n$`)
	p.Resize(60, 12)
	shows(`^ticks \d+ {25,}\\x1b\[31mred\\xe2\\x80\\xae\n(row [0-9] 漢字…\n){10}\n$`)
	p.Write("q")
	p.Until("ended")
	p.Wait()
	p.WantClean()
}

// TestRun_suspend: Ctrl-Z where no shell could wake the process again gives the terminal back for a moment and goes on.
func TestRun_suspend(t *testing.T) {
	p := startView(t, "")
	p.Until("row 1")
	p.Write("\x1a")
	p.Until("\x1b[?1049l")
	p.Write("G")
	p.Until("row 99")
	p.Write("q")
	p.Until("ended")
	p.Wait()
	p.WantClean()
}

// TestRun_notSuspended: where SIGTSTP was ignored when the program started, it and Ctrl-Z stop nothing.
func TestRun_notSuspended(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `trap "" TSTP; exec "$0"`, self)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", asView+"=")
	p := nstest.OnTerminal(t, cmd, 40, 6)
	p.Until("row 1")
	p.Signal(unix.SIGTSTP)
	p.Write("\x1aG")
	p.Until("row 99")
	if bytes.Contains(p.Seen(), []byte("\x1b[?1049l")) {
		t.Errorf("the terminal was given back: %q", p.Seen())
	}
	p.Write("q")
	p.Until("ended: <nil>")
	p.Wait()
	p.WantClean()
}

// TestRun_first: a view in which nothing happens is drawn once.
func TestRun_first(t *testing.T) {
	p := startView(t, "still")
	p.Until("row 1")
	p.Write("q")
	p.Until("ended")
	p.Wait()
	if n := bytes.Count(p.Seen(), []byte("row 1 ")); n != 1 {
		t.Errorf("drawn %d times: %q", n, p.Seen())
	}
}

// TestRun_rest: a view at rest has one processor; neither its first picture waits for that change, nor what comes behind the view.
func TestRun_rest(t *testing.T) {
	p := startView(t, "processors", "GOMAXPROCS=3")
	p.Until("on:3")
	p.Until("on:1")
	p.Write("q")
	p.Until("then on 3")
	p.Wait()
}

// TestTTY_held: what opens the screen is one write with the first picture.
func TestTTY_held(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0) // which keeps writes apart
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(pair[0]), "terminal")
	defer file.Close()
	defer unix.Close(pair[1])
	terminal := &tty{file: file, held: new(bytes.Buffer)}
	for _, words := range []string{"opening ", "picture "} {
		if _, err := terminal.Write([]byte(words)); err != nil {
			t.Fatal(err)
		}
	}
	terminal.flush()
	terminal.flush()
	if _, err := terminal.Write([]byte("next")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 2 {
		b := make([]byte, 100)
		n, err := unix.Read(pair[1], b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(b[:n]))
	}
	if diff := cmp.Diff([]string{"opening picture ", "next"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestRun_mono: without colours none is set.
func TestRun_mono(t *testing.T) {
	p := startView(t, "mono")
	p.Until("漢")
	p.Write("q")
	p.Until("ended")
	p.Wait()
	if sgr := regexp.MustCompile("\x1b\\[[0-9;]*([34][0-8]|9[0-7]|10[0-7])[0-9;:]*m").Find(p.Seen()); sgr != nil {
		t.Errorf("a colour: %q", sgr)
	}
}

// TestRun_unusable: a terminal that is not known, and a process without one.
func TestRun_unusable(t *testing.T) {
	p := startView(t, "", "TERM=no-such-terminal")
	p.Until("the terminal's kind is not known: TERM=no-such-terminal")
	if status := p.Wait(); status != 5 {
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
