package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// watchOn starts the program itself on a pseudo terminal.
func watchOn(t *testing.T, line ...string) *nstest.Terminal {
	t.Helper()
	gnet := filepath.Join(t.TempDir(), "netstat")
	copyExecutable(t, gnet)
	return nstest.OnTerminal(t, exec.Command(gnet, line...), 100, 24)
}

// TestNetstatWatch_terminal: the program itself, on sockets of its own namespace: what it shows, a socket that it ends, and what it leaves.
func TestNetstatWatch_terminal(t *testing.T) {
	nstest.Require(t, nstest.Root)
	nstest.InNetns(t, func(t *testing.T) {
		l := newKillLab(t)
		listener := l.listen("127.0.0.1:5000")
		one, server := l.connect("127.0.0.1:40001", "127.0.0.1:5000", listener)
		two, _ := l.connect("127.0.0.1:40002", "127.0.0.1:5000", listener)
		p := watchOn(t, "-tn", "--watch=0.2", "--filter", "sport = 40001")
		p.Until("127.0.0.1:40001")
		if strings.Contains(string(p.Seen()), "40002") {
			t.Errorf("the filter lets more pass: %q", p.Seen())
		}
		unix.Write(server, make([]byte, 1234))
		p.Write("\r")
		p.Until("1234") // octets that have come in
		p.Until("TCP_INFO")
		p.Write("\x1b[DK") // Left, which no letter behind it makes another key
		p.Until("[y/N]")
		p.Write("n")
		p.Until("nothing was done")
		if err := read(two); err != unix.EAGAIN {
			t.Errorf("the other socket: %v", err)
		}
		unix.Recvfrom(one, make([]byte, 4096), unix.MSG_DONTWAIT)
		if err := read(one); err != unix.EAGAIN {
			t.Errorf("before the answer: %v", err)
		}
		p.Write("Ky")
		p.Until("killed")
		if err := read(one); err != unix.ECONNABORTED {
			t.Errorf("after it: %v", err)
		}
		p.Write("q")
		if status := p.Wait(); status != 0 {
			t.Errorf("status %d", status)
		}
		p.WantClean()
	})
}

// TestNetstatWatch_ends: a signal ends it with the status of shells, and the terminal as it was.
func TestNetstatWatch_ends(t *testing.T) {
	for _, c := range []struct {
		signal os.Signal
		status int
	}{{unix.SIGTERM, 143}, {unix.SIGHUP, 129}, {unix.SIGINT, 130}} {
		p := watchOn(t, "-n", "--watch")
		p.Until("Proto")
		p.Signal(c.signal)
		if status := p.Wait(); status != c.status {
			t.Errorf("%v: status %d, want %d", c.signal, status, c.status)
		}
		p.WantClean()
	}
	p := watchOn(t, "-n", "--watch")
	p.Until("Proto")
	p.Hangup()
	if status := p.Wait(); status != 129 {
		t.Errorf("hangup: status %d", status)
	}
}
