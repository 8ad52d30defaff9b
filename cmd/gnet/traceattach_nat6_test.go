package main

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// before617 hides what no kernel before Linux 6.17 has: force_forwarding.
func (l *attachLab) before617() {
	l.t.Helper()
	const all = "/proc/sys/net/ipv6/conf/all"
	hidden := l.t.TempDir()
	if err := os.WriteFile(filepath.Join(hidden, "forwarding"), nil, 0o600); err != nil {
		l.t.Fatal(err)
	}
	if err := unix.Mount(filepath.Join(all, "forwarding"), filepath.Join(hidden, "forwarding"), "", unix.MS_BIND, ""); err != nil {
		l.t.Fatal(err)
	}
	if err := unix.Mount(hidden, all, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		for _, at := range []string{all, filepath.Join(hidden, "forwarding")} {
			if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
				l.t.Error(err)
			}
		}
	})
}

// announce has the outside say to all nodes that it is a default router.
func (l *attachLab) announce() {
	l.t.Helper()
	l.outside.Do(l.t, func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		up0, err := net.InterfaceByName("up0")
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 255); err != nil {
			return err
		}
		return unix.Sendto(fd, advert(60)[:16], 0, &unix.SockaddrInet6{Addr: netip.MustParseAddr("ff02::1").As16(), ZoneId: uint32(up0.Index)})
	})
}

// withoutULA replaces the random part of networks.
func withoutULA(text string) string {
	fields := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n;|", r) })
	for _, f := range fields {
		if i := strings.Index(f, "::"); i > 0 && strings.HasPrefix(f, "fd") {
			text = strings.ReplaceAll(text, f[:i], "fdXX")
		}
	}
	return text
}

// TestAttach_nat6: IPv6 is forwarded and translated, and however a run ends, the host is what it was.
func TestAttach_nat6(t *testing.T) {
	listen := []string{"trace", "listen", "7777", "-6", "--attach", "nat", "--ascii"}
	interrupted := func(l *attachLab, off string) {
		before := l.snapshot()
		r := l.start("seconds", listen...)
		if l.snapshot() == before {
			l.t.Error("the run has changed nothing: the test would see nothing undone either")
		}
		if got := l.echo(l.dial("[2001:db8:5::1]:7777"), "hello"); got != "hello" {
			l.t.Errorf("the engine answers %q", got)
		}
		r.Process.Signal(unix.SIGINT)
		if status := r.end(); status != 0 || !strings.Contains(r.err.String(), off) {
			l.t.Errorf("status %d: %s", status, r.err)
		}
	}
	killed := func(l *attachLab) {
		r := l.start("seconds", listen...)
		for _, pid := range keepers(l.t) {
			unix.Kill(pid, unix.SIGKILL)
		}
		keepersGone(l.t)
		r.Process.Kill()
		r.end()
		again := l.host.Run(l.t, l.program, "trace", "connect", "[2001:db8:5::2]:9", "--attach", "nat")
		if again.Status != statusNo || !strings.Contains(again.Stderr, " was left behind by gnet trace listen 7777 -6 --attach nat --ascii: undone now\n") {
			l.t.Errorf("%+v", again)
		}
	}
	for name, end := range map[string]func(l *attachLab){
		"success": func(l *attachLab) {
			from := l.serve("[2001:db8:5::2]:8080", "hello")
			r := l.host.Run(l.t, l.program, "trace", "connect", "[2001:db8:5::2]:8080", "--attach", "nat", "--get", "/", "--view", "summary")
			if r.Status != 0 || !strings.Contains(r.Stdout, "over") || <-from != "2001:db8:5::1" {
				l.t.Errorf("%+v", r)
			}
		},
		"refused": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, "trace", "connect", "[2001:db8:5::2]:9", "--attach", "nat")
			if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") {
				l.t.Errorf("%+v", r)
			}
		},
		"SIGINT": func(l *attachLab) { interrupted(l, "undone: net.ipv6.conf.up0.force_forwarding is off again\n") },
		"SIGKILL": func(l *attachLab) {
			r := l.start("seconds", listen...)
			r.Process.Kill()
			r.end()
			keepersGone(l.t)
		},
		"SIGKILL of both, and the next start": killed,
		"before Linux 6.17": func(l *attachLab) {
			interrupted(l, "undone: net.ipv6.conf.all.forwarding is off again\n")
		},
		"before Linux 6.17: SIGKILL of both, and the next start": func(l *attachLab) {
			killed(l)
		},
		"before Linux 6.17: an interface forwards, and the default route is a router's": func(l *attachLab) {
			l.ip("link add v0 type veth peer name v1")
			for _, device := range []string{"v0", "default"} {
				l.host.Sysctl(l.t, "net/ipv6/conf/"+device+"/forwarding", "1")
			}
			defaults := func() string { return l.host.Run(l.t, nstest.Peer(l.t, "ip"), "-6", "route", "show", "default").Stdout }
			before := l.snapshot()
			l.announce()
			waitFor(l.t, "the router's route", func() bool { return defaults() != "" })
			r := l.start("seconds", listen...)
			r.Process.Signal(unix.SIGINT)
			r.end()
			if !strings.HasPrefix(defaults(), "default via fe80::2 dev up0 proto ra") {
				l.t.Errorf("the router's route is gone: %q", defaults())
			}
			l.ip("-6 route del default")
			l.unchanged(before)
			l.ip("link del v0")
			l.host.Sysctl(l.t, "net/ipv6/conf/default/forwarding", "0")
		},
		"all forward anyway": func(l *attachLab) {
			l.host.Sysctl(l.t, "net/ipv6/conf/all/forwarding", "1")
			before := l.snapshot()
			r := l.host.Run(l.t, l.program, "trace", "connect", "[2001:db8:5::2]:9", "--attach", "nat")
			if r.Status != statusNo || !strings.Contains(r.Stderr, "gnet trace connect: net.ipv6.conf.all.forwarding is on already, and stays so\n") {
				l.t.Errorf("%+v", r)
			}
			l.unchanged(before)
			l.host.Sysctl(l.t, "net/ipv6/conf/all/forwarding", "0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				if strings.HasPrefix(name, "before Linux 6.17") {
					l.before617()
				}
				before := l.snapshot()
				end(l)
				l.unchanged(before)
			})
		})
	}
}

// TestAttach_nat6_twoAtOnce: the last one puts back what the first had found, on a kernel that forwards as a whole too.
func TestAttach_nat6_twoAtOnce(t *testing.T) {
	for name, old := range map[string]bool{"Linux 6.17": false, "before": true} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				if old {
					l.before617()
				}
				before := l.snapshot()
				first := l.start("seconds", "trace", "listen", "7001", "-6", "--attach", "nat")
				second := l.start("seconds", "trace", "listen", "7002", "-6", "--attach", "nat")
				first.Process.Signal(unix.SIGTERM)
				if status := first.end(); status != 0 || !strings.Contains(first.err.String(), "forwarding stays on: another run needs it\n") {
					t.Errorf("the first: status %d: %s", status, first.err)
				}
				if got := l.echo(l.dial("[2001:db8:5::1]:7002"), "still there"); got != "still there" {
					t.Errorf("the second answers %q", got)
				}
				second.Process.Signal(unix.SIGTERM)
				if status := second.end(); status != 0 || !strings.Contains(second.err.String(), "forwarding is off again\n") {
					t.Errorf("the second: status %d: %s", status, second.err)
				}
				l.unchanged(before)
			})
		})
	}
}

// TestAttach_nat6_plan: what is said before the host is changed, on a kernel of each sort, and the picture.
func TestAttach_nat6_plan(t *testing.T) {
	for name, c := range map[string]struct {
		old           bool
		switched, off string
	}{
		"Linux 6.17": {false, `gnet trace connect: will: switch on net.ipv6.conf.gnet0.force_forwarding
gnet trace connect: will: switch on net.ipv6.conf.up0.force_forwarding
`, `gnet trace connect: undone: net.ipv6.conf.up0.force_forwarding is off again
`},
		"before": {true, `gnet trace connect: will: set net.ipv6.conf.up0.accept_ra to 2, so that up0 heeds router advertisements while this host forwards
gnet trace connect: will: switch on net.ipv6.conf.all.forwarding: this kernel has no other way to forward IPv6
`, `gnet trace connect: undone: net.ipv6.conf.all.forwarding is off again
gnet trace connect: undone: net.ipv6.conf.up0.accept_ra is 1 again
`},
	} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				if c.old {
					l.before617()
				}
				r := l.host.Run(t, l.program, "trace", "connect", "[2001:db8:5::2]:9", "--attach", "nat", "--ascii")
				want := `gnet trace connect: will: make the TUN interface gnet0 with fdXX::1/64; the engine has fdXX::2, in a network that this host had no way to
gnet trace connect: will: make the nftables table ip6 gnet_X, which masquerades fdXX::2
` + c.switched + `gnet trace connect: undone: the nftables table ip6 gnet_X is deleted
` + c.off + `gnet trace connect: client: connection refused
`
				if diff := cmp.Diff(want, tableName(withoutULA(r.Stderr))); diff != "" || r.Status != statusNo {
					t.Errorf("status %d (-want +got):\n%s", r.Status, diff)
				}
				if line := "the engine's fdXX::2  becomes  2001:db8:5::1 beyond up0\n"; !strings.Contains(withoutULA(r.Stdout), line) {
					t.Errorf("no %q in the picture:\n%s", line, r.Stdout)
				}
			})
		})
	}
}
