package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// endedView is a view, what it shows when it is there, and what stands on the main screen when it is over.
type endedView struct {
	name, args, shows, leaves string
	// polite is the status after SIGINT and SIGTERM where that is not the signal's.
	polite bool
}

func endedViews() []endedView {
	return []endedView{
		{"watch", "netstat -n --watch", "Proto", "", false},
		{"ping", "ping --live -i .05 " + labServer4, "jitter", "packets transmitted", true},
		{"tracepath", "tracepath --live -n " + labServer4, "path MTU", "Resume: pmtu", false},
		{"step", "trace tcp --link memory --step", "begins", "every byte arrived", false},
	}
}

// start shows the view.
func (v *endedView) start(t *testing.T, stdout *os.File) *nstest.Terminal {
	t.Helper()
	cmd := netns.Self(append([]string{"gnet"}, strings.Fields(v.args)...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	if stdout != nil {
		cmd.Stdout = stdout
	}
	p := nstest.OnTerminal(t, cmd, 100, 24)
	p.Until(v.shows)
	return p
}

// TestLive_ends: whatever ends a view, the terminal is as before, the result stands on it, nothing else, and the status tells why.
func TestLive_ends(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		newPingLab(t)
		key := func(k string) func(p *nstest.Terminal) { return func(p *nstest.Terminal) { p.Write(k) } }
		signal := func(s unix.Signal) func(p *nstest.Terminal) { return func(p *nstest.Terminal) { p.Signal(s) } }
		for _, v := range endedViews() {
			for _, c := range []struct {
				name   string
				end    func(p *nstest.Terminal)
				status int
				polite bool
			}{
				{"q", key("q"), 0, false}, {"Ctrl-C", key("\x03"), 0, false}, {"Ctrl-\\", key("\x1c"), 0, false},
				{"SIGINT", signal(unix.SIGINT), 130, true}, {"SIGTERM", signal(unix.SIGTERM), 143, true},
				{"SIGHUP", signal(unix.SIGHUP), 129, false}, {"SIGQUIT", signal(unix.SIGQUIT), 131, false}, {"SIGABRT", signal(unix.SIGABRT), 134, false},
			} {
				p := v.start(t, nil)
				c.end(p)
				want := c.status
				if c.polite && v.polite {
					want = 0
				}
				if status := p.Wait(); status != want {
					t.Errorf("%s, %s: status %d, want %d", v.name, c.name, status, want)
				}
				p.WantClean()
				left := p.Seen()[bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")):]
				if !bytes.Contains(left, []byte(v.leaves)) || v.leaves == "" && bytes.Contains(left, []byte("\n")) || bytes.Contains(left, []byte("goroutine")) {
					t.Errorf("%s, %s: it leaves %q", v.name, c.name, left)
				}
			}
		}
	})
}

// TestLive_lost: where the terminal is taken away, as when an SSH connection drops, every view ends with the status of SIGHUP, its result
// stands where it was to go, and no process is left in the namespace.
func TestLive_lost(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		newPingLab(t)
		dir := t.TempDir()
		plot := filepath.Join(dir, "plot.svg")
		for _, v := range endedViews() {
			p := v.start(t, nil)
			p.Hangup()
			if status := p.Wait(); status != 129 {
				t.Errorf("%s: status %d", v.name, status)
			}
			if v.name != "ping" && v.name != "tracepath" {
				continue // they need a terminal as standard output
			}
			out, err := os.Create(filepath.Join(dir, v.name))
			if err != nil {
				t.Fatal(err)
			}
			if v.name == "ping" {
				v.args += " --plot " + plot
			}
			p = v.start(t, out)
			p.Hangup()
			if status := p.Wait(); status != 129 {
				t.Errorf("%s to a file: status %d", v.name, status)
			}
			if text, err := os.ReadFile(out.Name()); err != nil || !bytes.Contains(text, []byte(v.leaves)) {
				t.Errorf("%s: %v, %q", v.name, err, text)
			}
			out.Close()
		}
		wantPlot(t, plot, "</svg>")
	})
}

// TestLive_finished: a run that ends by itself ends its view, unless somebody has pressed a key and looks; then the view stays.
func TestLive_finished(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		newPingLab(t)
		for _, c := range []struct{ args, leaves string }{
			{"ping --live -c 20 -i .1 " + labServer4, "20 packets transmitted, 20 received"},
			{"ping --live -w 2 -i .05 " + labServer4, "packet loss"},
			{"ping --live -c 3 -i 1 " + labServer4 + " 10.77.1.2", "2 targets, 2 answered"},
			{"tracepath --live -n --rounds 3 " + labServer4, "Resume: pmtu"},
		} {
			for _, looked := range []bool{false, true} {
				v := endedView{args: c.args, shows: "any key: stay at the end"}
				p := v.start(t, nil)
				if looked {
					for !bytes.Contains(p.Seen(), []byte(finishedWords)) {
						if bytes.Contains(p.Seen(), []byte("\x1b[?1049l")) {
							t.Fatalf("%s: the view did not stay", c.args)
						}
						p.Write("\x0c") // the whole picture
						p.For(100 * time.Millisecond)
					}
					p.Write("q")
				}
				if status := p.Wait(); status != 0 || !bytes.Contains(p.Seen(), []byte(c.leaves)) {
					t.Errorf("%s, %v: status %d, %q", c.args, looked, status, p.Seen()[bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")):])
				}
				p.WantClean()
			}
		}
	})
}
