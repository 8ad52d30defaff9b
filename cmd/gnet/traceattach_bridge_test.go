package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// bridged makes the lab's uplink a port of a bridge, which has the host's address.
func (l *attachLab) bridged() {
	l.t.Helper()
	for _, line := range []string{"link add br0 type bridge", "addr del 198.51.100.1/24 dev up0", "addr del 2001:db8:5::1/64 dev up0", "link set up0 master br0", "link set br0 addrgenmode none up", "addr add 198.51.100.1/24 dev br0"} {
		l.ip(line)
	}
	l.host.Sysctl(l.t, "net/ipv6/conf/br0/disable_ipv6", "1")
}

// TestAttach_bridge: the engine is a host of the bridge's network, and the host is afterwards what it was.
func TestAttach_bridge(t *testing.T) {
	bridge := []string{"--attach", "bridge:br0", "--address", "198.51.100.9/24", "--ascii"}
	for name, end := range map[string]func(l *attachLab){
		"a neighbour": func(l *attachLab) {
			from := l.serve("198.51.100.2:8080", "hello")
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "198.51.100.2:8080", "--get", "/"}, bridge...)...)
			if r.Status != 0 || !strings.Contains(r.Stdout, "ARP: 198.51.100.2 is at ") || <-from != "198.51.100.9" {
				l.t.Errorf("%+v", r)
			}
			if !strings.Contains(r.Stderr, "gnet trace connect: will: make the TAP interface gnet0, a port of the bridge br0; the engine has 198.51.100.9/24 and the MAC address ") {
				l.t.Errorf("%s", r.Stderr)
			}
		},
		"by way of a gateway": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "203.0.113.5:9", "--gateway", "198.51.100.2"}, bridge...)...)
			if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") {
				l.t.Errorf("%+v", r)
			}
		},
		"nobody there": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "198.51.100.77:9", "--deadline", "4s"}, bridge...)...)
			if r.Status != statusNo || !strings.Contains(r.Stdout, "ARP: nobody answers for") {
				l.t.Errorf("%+v", r)
			}
		},
		"no gateway": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "203.0.113.5:9"}, bridge...)...)
			if want := "gnet trace connect: 203.0.113.5 is not in 198.51.100.0/24: want a --gateway\n"; r.Status != statusUsage || r.Stderr != want {
				l.t.Errorf("%d, %s", r.Status, cmp.Diff(want, r.Stderr))
			}
		},
		"the address is in use": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, "trace", "listen", "80", "--attach", "bridge:br0", "--address", "198.51.100.2/24")
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "make the interface gnet0: 198.51.100.2: the address is in use, by ") {
				l.t.Errorf("%+v", r)
			}
		},
		"it is no bridge": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, "trace", "listen", "80", "--attach", "bridge:up0", "--address", "198.51.100.9/24")
			if want := "gnet trace listen: look at the host: up0: it is no bridge\n"; r.Status != statusCannot || r.Stderr != want {
				l.t.Errorf("%d, %s", r.Status, cmp.Diff(want, r.Stderr))
			}
		},
		"SIGINT": func(l *attachLab) {
			r := l.start("seconds", append([]string{"trace", "listen", "7777"}, bridge...)...)
			if got := l.echo(l.dial("198.51.100.9:7777"), "hello"); got != "hello" {
				l.t.Errorf("the engine answers %q", got)
			}
			r.Process.Signal(unix.SIGINT)
			if status := r.end(); status != 0 {
				l.t.Errorf("status %d: %s", status, r.err)
			}
		},
		"SIGKILL": func(l *attachLab) {
			r := l.start("seconds", append([]string{"trace", "listen", "7777"}, bridge...)...)
			r.Process.Kill()
			r.end()
			keepersGone(l.t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				l.bridged()
				l.outsideAlias()
				before := l.snapshot()
				end(l)
				l.unchanged(before)
			})
		})
	}
}

// outsideAlias has the outside answer for 203.0.113.5 and 2001:db8:77::5.
func (l *attachLab) outsideAlias() {
	l.t.Helper()
	for _, addr := range []string{"203.0.113.5/32", "2001:db8:77::5/128"} {
		if r := l.outside.Run(l.t, nstest.Peer(l.t, "ip"), "addr", "add", addr, "dev", "lo"); r.Status != 0 {
			l.t.Fatal(r.Stderr)
		}
	}
}

// TestAttach_replicateState: when the uplink loses its carrier so does the engine's port, and the trace shows both that and its return.
func TestAttach_replicateState(t *testing.T) {
	inAttachLab(t, func(l *attachLab) {
		l.bridged()
		before := l.snapshot()
		r := l.start("seconds", "trace", "listen", "7777", "--attach", "bridge:br0", "--address", "198.51.100.9/24", "--ascii", "--replicate-state")
		set := func(how string) {
			if r := l.outside.Run(t, nstest.Peer(t, "ip"), "link", "set", "up0", how); r.Status != 0 {
				t.Fatal(r.Stderr)
			}
		}
		carrier := func() string {
			return strings.TrimSpace(l.host.Run(t, nstest.Peer(t, "ip"), "-br", "link", "show", "gnet0").Stdout)
		}
		set("down")
		waitFor(t, "the port's carrier to go", func() bool { return strings.Contains(carrier(), "NO-CARRIER") })
		r.seen(t, "the uplink of br0 (up0) has lost its carrier, and so has gnet0")
		set("up")
		waitFor(t, "the port's carrier to return", func() bool { return !strings.Contains(carrier(), "NO-CARRIER") })
		r.seen(t, "the uplink of br0 (up0) has its carrier again, and so has gnet0")
		conn := l.dial("198.51.100.9:7777")
		if got := l.echo(conn, "again"); got != "again" {
			t.Errorf("the engine answers %q", got)
		}
		conn.Close()
		r.Process.Signal(unix.SIGINT)
		if status := r.end(); status != 0 {
			t.Errorf("status %d: %s", status, r.err)
		}
		waitFor(t, "the host to be as before", func() bool { return l.snapshot() == before })
		l.unchanged(before)
	})
}
