package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/live"
	"gnet/internal/netns"
	"gnet/internal/nstest"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/capture"
	"gnet/stackprobe/view"
)

// TestStep_afterProgram: the terminal is the program's until it has ended; then the screen shows the run, and the status is the program's.
func TestStep_afterProgram(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN)
	cmd := netns.Self("gnet", "trace", "run", "--step", "--bytes", "5000", "--server", "7000", "--", self(t))
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", guestEnv+"=serve")
	p := nstest.OnTerminal(t, cmd, 100, 30)
	p.Until("\x1b[?1049h")
	p.Until("begins")
	before := len(p.Seen())
	p.Write("G")
	p.UntilFrom(before, "exit status 5")
	p.Write("q")
	p.Until("\x1b[?1049l")
	p.Until("ends in CLOSED")
	if status := p.Wait(); status != 5 {
		t.Errorf("status %d: %q", status, p.Seen())
	}
	p.WantClean()
}

// TestStep_afterInterrupt: what waits for others says how it ends; then the screen shows the run.
func TestStep_afterInterrupt(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "serve", "--step"), 100, 30)
	p.Until("the screen opens when the run has ended; Ctrl-C ends it\r\n")
	p.Until("start programs with: nsenter")
	if bytes.Contains(p.Seen(), []byte("\x1b[?1049h")) {
		t.Errorf("the screen covers what is said: %q", p.Seen())
	}
	p.Signal(unix.SIGINT)
	p.Until("begins")
	p.Write("q")
	p.Until("\x1b[?1049l")
	p.Wait()
	p.WantClean()
}

// TestStep_afterTerm: who ends a process that waits for others gets no screen, which would wait for a key.
func TestStep_afterTerm(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.TUN, nstest.Root)
	p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "serve", "--step"), 100, 30)
	p.Until("start programs with: nsenter")
	p.Signal(unix.SIGTERM)
	if status := p.Wait(); status != statusOK {
		t.Errorf("status %d: %q", status, p.Seen())
	}
	if bytes.Contains(p.Seen(), []byte("\x1b[?1049h")) {
		t.Errorf("there was a screen: %q", p.Seen())
	}
	p.WantSettings()
}

// TestStep_signalBeforeScreen: a signal that comes before the screen ends the command as one behind it does, and not the run alone.
func TestStep_signalBeforeScreen(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "run")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(fifo, os.O_RDWR, 0) // or its reader would wait for a writer
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "show", "--step", "--html", page, fifo), 100, 30)
	for unread := 1; unread > 0; { // until it reads: then it takes signals
		if unread, err = unix.IoctlGetInt(int(file.Fd()), unix.TIOCINQ); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	p.Signal(unix.SIGTERM)
	if status := p.Wait(); status != 128+int(unix.SIGTERM) {
		t.Errorf("status %d: %q", status, p.Seen())
	}
	p.WantSettings()
}

// TestStep_signalAtStart: nor does one that comes while the screen begins.
func TestStep_signalAtStart(t *testing.T) {
	for wait := range 12 {
		p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "tcp", "--step", "--link", "memory"), 100, 30)
		time.Sleep(time.Duration(wait) * 4 * time.Millisecond)
		p.Signal(unix.SIGTERM)
		if status := p.Wait(); status != 128+int(unix.SIGTERM) && status != -1 { // -1: before anybody took it
			t.Errorf("status %d: %q", status, p.Seen())
		}
		if p.WantSettings(); bytes.Contains(p.Seen(), []byte("\x1b[?1049h")) {
			p.WantClean()
		}
	}
}

// TestStep_afterCapture: a capture is shown when it has ended. Its variables are unknown, not 0.
func TestStep_afterCapture(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		p := nstest.OnTerminal(t, netns.Self("gnet", "trace", "capture", "lo", "--step", "--filter", "tcp", "--count", "3"), 100, 30)
		p.Until("Ctrl-C ends it\r\n")
		stop := talkOnLoopback(t)
		p.Until("begins")
		stop()
		before := len(p.Seen())
		p.Write("j\t\t\t")
		p.UntilFrom(before, "[variables]")
		p.Write("q")
		p.Until("\x1b[?1049l")
		if status := p.Wait(); status != 0 {
			t.Errorf("status %d: %q", status, p.Seen())
		}
		p.WantClean()
	})
}

// talkOnLoopback opens one connection after another to an address of the loopback, until stop is called.
func talkOnLoopback(t *testing.T) (stop func()) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer l.Close()
		for {
			select {
			case <-over:
				return
			default:
			}
			if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
				c.Close()
			}
			if c, err := l.Accept(); err == nil {
				c.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	return sync.OnceFunc(func() { close(over) })
}

// TestStep_capturedVariables: of a capture no variable is shown, rather than one that is 0, and of the ends what their segments tell.
func TestStep_capturedVariables(t *testing.T) {
	dir := t.TempDir()
	packets := filepath.Join(dir, "run.pcapng")
	gnetSays(t, "trace", "tcp", "loss-fast-retransmit", "--pcap", packets)
	f, err := os.Open(packets)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := newStepView(view.Options{})
	track := analyze.New()
	for e, err := range capture.NewReplay(f).Events() {
		if err != nil {
			t.Fatal(err)
		}
		track.Add(e)
		v.add(e)
	}
	v.ends(nil)
	s, err := live.Simulate(v, live.Options{}, 80, 24)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Press("Tab", "Tab", "Tab")
	for range v.rec.Len() {
		s.Press("j")
		_, pane, _ := strings.Cut(s.Text(), "─ [variables]")
		pane, _, _ = strings.Cut(pane, "\n─ ")
		if strings.Contains(pane, " 0\n") || strings.Contains(pane, "cwnd") || strings.Contains(pane, "shown at") {
			t.Fatalf("variables that nobody saw:\n%s", s.Text())
		}
	}
	s.Press("Home", "r")
	if e := v.event(v.cursor); !e.Derived.Repeat {
		t.Errorf("no retransmission: %s", v.message)
	}
}
