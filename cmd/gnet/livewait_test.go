package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/nstest"
)

// waitingView shows a view of a name, until it says that it waits for the name server.
func waitingView(t *testing.T, args string) *nstest.Terminal {
	t.Helper()
	cmd := netns.Self(append([]string{"gnet"}, strings.Fields(args)...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	p := nstest.OnTerminal(t, cmd, 100, 24)
	p.Until("looking up ")
	return p
}

// TestLive_lookUp: a view whose name server does not answer is there nevertheless, says what it waits for, and ends at once by what ends a view. (The
// look-up would go on for longer than the test waits.)
func TestLive_lookUp(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		newPingLab(t)
		serveNames(t, "", func(string, uint16, []byte) []byte { return nil })
		mountText(t, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n")
		for _, args := range []string{"ping --live dead.example", "ping --live dead.example gone.example", "tracepath --live dead.example"} {
			for _, c := range []struct {
				end    func(*nstest.Terminal)
				status int
			}{
				{func(p *nstest.Terminal) { p.Write("q") }, statusNo}, {func(p *nstest.Terminal) { p.Write("\x03") }, statusNo},
				{func(p *nstest.Terminal) { p.Signal(unix.SIGINT) }, 130}, {func(p *nstest.Terminal) { p.Signal(unix.SIGTERM) }, 143},
				{func(p *nstest.Terminal) { p.Write("?"); p.Until("draw the screen anew"); p.Write("qq") }, statusNo},
			} {
				p := waitingView(t, args)
				c.end(p)
				if status := p.Wait(); status != c.status {
					t.Errorf("%s: status %d, want %d", args, status, c.status)
				}
				p.WantClean()
				if left := p.Seen()[bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")):]; bytes.Contains(left, []byte("\n")) {
					t.Errorf("%s: it leaves %q", args, left)
				}
			}
		}
	})
}

// TestLive_lookUpEnds: when the name server answers the run follows; its refusal is what the command says without a view.
func TestLive_lookUpEnds(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		newPingLab(t)
		cases := []struct {
			name, args, leaves string
			status             int
		}{
			{"one.example", "ping --live -4 -c 3 -i .05 one.example", "3 packets transmitted, 3 received", 0},
			{"two.example", "ping --live -4 -c 2 -i .05 two.example 10.77.3.2", "2 targets, 2 answered", 0},
			{"three.example", "tracepath --live -4 -n --rounds 2 three.example", "Resume: pmtu", 0},
			{"none.example", "ping --live -4 none.example", "ping: none.example: Name or service not known\r\n", statusCannot},
			{"gone.example", "tracepath --live -4 gone.example", "tracepath: gone.example: Name or service not known\r\n", statusNo},
		}
		shown := map[string]chan struct{}{}
		for _, c := range cases {
			shown[c.name] = make(chan struct{})
		}
		serveNames(t, "", func(name string, qtype uint16, query []byte) []byte {
			wait := shown[name]
			if wait == nil {
				return response(query, 3) // NXDOMAIN
			}
			<-wait
			if name == "none.example" || name == "gone.example" {
				return response(query, 3)
			}
			return response(query, 0, []byte{10, 77, 1, 2})
		})
		mountText(t, "/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
		for _, c := range cases {
			p := waitingView(t, c.args)
			close(shown[c.name])
			if status := p.Wait(); status != c.status {
				t.Errorf("%s: status %d, want %d", c.args, status, c.status)
			}
			p.WantClean()
			if left := p.Seen()[bytes.LastIndex(p.Seen(), []byte("\x1b[?1049l")):]; !bytes.Contains(left, []byte(c.leaves)) {
				t.Errorf("%s: it leaves %q", c.args, left)
			}
		}
	})
}

// TestIsName: what a view says that it looks up is a name.
func TestIsName(t *testing.T) {
	for host, want := range map[string]bool{"192.0.2.1": false, "fe80::1%eth0": false, "host.example": true, "192.0.2": true} {
		if got := isName(host); got != want {
			t.Errorf("%s is a name: %v", host, got)
		}
	}
}
