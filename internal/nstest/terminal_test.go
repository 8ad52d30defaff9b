package nstest

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestOnTerminal: a process has the terminal as its controlling one, with its size, and its output comes whole.
func TestOnTerminal(t *testing.T) {
	p := OnTerminal(t, exec.Command("sh", "-c", `trap 'stty size </dev/tty; exit 7' WINCH; stty size; echo ready; while :; do read line && echo "got $line"; done`), 40, 6)
	p.Until("6 40\r\nready")
	p.Write("keys\n")
	p.Until("got keys")
	p.Write("more\n")
	for !strings.Contains(string(p.Seen()), "got more") { // or the test's own time ends it
		p.For(time.Millisecond)
	}
	p.Resize(80, 24)
	if status := p.Wait(); status != 7 || !strings.Contains(string(p.Seen()), "24 80") {
		t.Errorf("status %d: %q", status, p.Seen())
	}
}

// TestOnTerminal_signal: a signal and a hangup reach the process.
func TestOnTerminal_signal(t *testing.T) {
	p := OnTerminal(t, exec.Command("sh", "-c", "trap 'exit 8' TERM; echo up; while :; do read line; done"), 40, 6)
	p.Until("up")
	p.Signal(unix.SIGTERM)
	if status := p.Wait(); status != 8 {
		t.Errorf("status %d", status)
	}
	p = OnTerminal(t, exec.Command("sh", "-c", "trap 'exit 9' HUP; echo up; while :; do read line || sleep 1; done"), 40, 6)
	p.Until("up")
	p.Hangup()
	if status := p.Wait(); status != 9 {
		t.Errorf("status %d", status)
	}
}

// TestTerminal_wantClean: what a program leaves behind is seen.
func TestTerminal_wantClean(t *testing.T) {
	for script, clean := range map[string]bool{
		`printf '\033[?1049h\033[?25l\033[?25h\033[?1049l'`:           true,
		`printf '\033[?1049h\033[?25l\033[?1049l'`:                    false,
		`printf '\033[?1049h\033[?25l\033[?25h\033[?1049l'; stty raw`: false,
		`printf '\033[?1049h\033[?1049l'; printf '\033[>1u'`:          false,
		`printf '\033[?1049h\033[?1049l'; printf '\033[?2004h'`:       false,
		`printf '\033[?1049h\033[31mred\033[?1049l'`:                  false,
		`printf '\033[?1049h\033[31mred\033[m\033[>4;0m\033[?1049l'`:  true,
		`printf 'no view'`: false,
	} {
		told := &told{TB: t}
		p := OnTerminal(t, exec.Command("sh", "-c", script), 40, 6)
		p.Wait()
		p.t = told
		p.WantClean()
		if told.failed == clean {
			t.Errorf("%q: failed %v", script, told.failed)
		}
	}
}

// TestTerminal_stall: a process that writes to a stalled terminal waits, until a signal ends it.
func TestTerminal_stall(t *testing.T) {
	p := OnTerminal(t, exec.Command("sh", "-c", "stty -opost; echo up; exec yes >/dev/tty"), 40, 6)
	p.Until("up")
	p.Stall()
	before := len(p.Seen())
	p.For(time.Second)
	p.Signal(unix.SIGKILL)
	if status := p.Wait(); status != -1 || len(p.Seen()) != before {
		t.Errorf("status %d, %d bytes more", status, len(p.Seen())-before)
	}
	told := &told{TB: t}
	p.t = told
	p.WantSettings()
	if !told.failed {
		t.Error("the settings are called the same after stty")
	}
}

// told is a test that notes that it fails.
type told struct {
	testing.TB
	failed bool
}

func (t *told) Errorf(string, ...any) { t.failed = true }
