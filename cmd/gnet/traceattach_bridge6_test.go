package main

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// routers has the outside be a router of IPv6: it answers each solicitation as advert says.
func (l *attachLab) routers(advert []byte) {
	l.t.Helper()
	var fd int
	l.outside.Do(l.t, func() (err error) {
		if fd, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6); err != nil {
			return err
		}
		up0, err := net.InterfaceByName("up0")
		if err != nil {
			return err
		}
		all := netip.MustParseAddr("ff02::2").As16()
		if err := unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: all, Interface: uint32(up0.Index)}); err != nil {
			return err
		}
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 255)
	})
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := unix.Recvfrom(fd, b, 0)
			if err != nil {
				return
			}
			if n > 0 && b[0] == 133 {
				unix.Sendto(fd, advert, 0, from)
			}
		}
	}()
	l.t.Cleanup(func() {
		unix.Shutdown(fd, unix.SHUT_RDWR) // a raw socket is read no more
		unix.Close(fd)
	})
}

// advert is a router advertisement (RFC 4861 section 4.2) for 2001:db8:5::/64, of a default router for that many seconds.
func advert(lifetime byte) []byte {
	prefix := netip.MustParseAddr("2001:db8:5::").As16()
	b := []byte{134, 0, 0, 0, 64, 0, 0, lifetime, 0, 0, 0, 0, 0, 0, 0, 0}
	b = append(b, 5, 1, 0, 0, 0, 0, 0x05, 0x78) // MTU 1400
	b = append(b, 3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8, 0, 0, 0, 0)
	return append(b, prefix[:]...)
}

// snooping has the bridge pass groups only to those who have asked for them.
func (l *attachLab) snooping() {
	l.t.Helper()
	l.host.Sysctl(l.t, "net/ipv6/conf/br0/disable_ipv6", "0")
	l.ip("link set br0 type bridge mcast_query_response_interval 20 mcast_startup_query_interval 20")
	l.ip("addr add fe80::b/64 dev br0 nodad")
	l.ip("link set br0 type bridge mcast_querier 1")
}

// TestAttach_bridge6: the engine is a host of the bridge's network of IPv6, with an address that was given or that follows from a prefix.
func TestAttach_bridge6(t *testing.T) {
	bridge := []string{"--attach", "bridge:br0", "--ascii"}
	given := append(bridge[:len(bridge):len(bridge)], "--address", "2001:db8:5::9/64")
	auto := append(bridge[:len(bridge):len(bridge)], "--address", "auto")
	for name, end := range map[string]func(l *attachLab){
		"a neighbour": func(l *attachLab) {
			from := l.serve("[2001:db8:5::2]:8080", "hello")
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:5::2]:8080", "--get", "/"}, given...)...)
			if r.Status != 0 || !strings.Contains(r.Stdout, "NDP: 2001:db8:5::2 is at ") || <-from != "2001:db8:5::9" {
				l.t.Errorf("%+v", r)
			}
			if !strings.Contains(r.Stderr, "gnet trace connect: will: make the TAP interface gnet0, a port of the bridge br0; the engine has 2001:db8:5::9/64 and the MAC address ") {
				l.t.Errorf("%s", r.Stderr)
			}
		},
		"by way of a gateway": func(l *attachLab) {
			for _, gateway := range []string{"2001:db8:5::2", "fe80::2"} {
				r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:77::5]:9", "--gateway", gateway}, given...)...)
				if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") || !strings.Contains(r.Stdout, "NDP: "+gateway+" is at ") {
					l.t.Errorf("%+v", r)
				}
			}
		},
		"nobody there": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:5::77]:9", "--deadline", "4s"}, given...)...)
			if r.Status != statusNo || !strings.Contains(r.Stdout, "NDP: nobody answers for") {
				l.t.Errorf("%+v", r)
			}
		},
		"no gateway": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:77::5]:9"}, given...)...)
			if want := "gnet trace connect: 2001:db8:77::5 is not in 2001:db8:5::/64: want a --gateway\n"; r.Status != statusUsage || r.Stderr != want {
				l.t.Errorf("%d, %s", r.Status, cmp.Diff(want, r.Stderr))
			}
		},
		"the address is in use": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, "trace", "listen", "80", "--attach", "bridge:br0", "--address", "2001:db8:5::2/64")
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "make the interface gnet0: 2001:db8:5::2: the address is in use, by ") {
				l.t.Errorf("%+v", r)
			}
		},
		"a prefix that a router announces": func(l *attachLab) {
			l.routers(advert(30))
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:77::5]:9", "--json"}, auto...)...)
			if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") ||
				!strings.Contains(r.Stderr, "gnet trace connect: the router fe80::2 announces 2001:db8:5::/64: the engine has 2001:db8:5:0:") ||
				!strings.Contains(r.Stderr, "gnet trace connect: the router fe80::2 is the engine's gateway\ngnet trace connect: the router fe80::2 says an MTU of 1400\n") ||
				!strings.Contains(r.Stdout, `"mtu":1400`) {
				l.t.Errorf("%+v", r)
			}
		},
		"a prefix without a way out": func(l *attachLab) {
			l.routers(advert(0))
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:77::5]:9"}, auto...)...)
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "make the interface gnet0: 2001:db8:77::5: it is beyond the bridge's network, and there is no gateway\n") {
				l.t.Errorf("%+v", r)
			}
		},
		"a router for a given address": func(l *attachLab) {
			l.routers(advert(30))
			r := l.host.Run(l.t, l.program, append([]string{"trace", "connect", "[2001:db8:77::5]:9", "--gateway", "auto"}, given...)...)
			if r.Status != statusNo || !strings.HasSuffix(r.Stderr, "gnet trace connect: client: connection refused\n") || !strings.Contains(r.Stdout, "by way of fe80::2") {
				l.t.Errorf("%+v", r)
			}
		},
		"no router": func(l *attachLab) {
			r := l.host.Run(l.t, l.program, append([]string{"trace", "listen", "80"}, auto...)...)
			if r.Status != statusCannot || !strings.Contains(r.Stderr, "make the interface gnet0: no router of the bridge's network announces a prefix for addresses (RFC 4862)\n") {
				l.t.Errorf("%+v", r)
			}
		},
		"SIGINT while a router is asked": func(l *attachLab) {
			r := l.begin(append([]string{"trace", "listen", "80"}, auto...)...)
			waitFor(l.t, "the port", func() bool {
				return l.host.Run(l.t, nstest.Peer(l.t, "ip"), "link", "show", "gnet0").Status == 0
			})
			r.Process.Signal(unix.SIGINT)
			if status := r.end(); status != statusCannot || !strings.Contains(r.err.String(), "make the interface gnet0: ") {
				l.t.Errorf("status %d: %s", status, r.err)
			}
		},
		"SIGINT": func(l *attachLab) {
			r := l.start("seconds", append([]string{"trace", "listen", "7777"}, given...)...)
			if got := l.echo(l.dial("[2001:db8:5::9]:7777"), "hello"); got != "hello" {
				l.t.Errorf("the engine answers %q", got)
			}
			r.Process.Signal(unix.SIGINT)
			if status := r.end(); status != 0 {
				l.t.Errorf("status %d: %s", status, r.err)
			}
		},
		"SIGKILL": func(l *attachLab) {
			r := l.start("seconds", append([]string{"trace", "listen", "7777"}, given...)...)
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

// TestAttach_bridge_pcap: what finds the neighbours stands in the capture of the run, as others read it, and its packets are whole.
func TestAttach_bridge_pcap(t *testing.T) {
	for name, c := range map[string]struct{ server, address, want string }{
		"ARP": {"198.51.100.2:9", "198.51.100.9/24", "bridge\t1\t\t\t\nbridge\t2\t\t\t\n"},
		"NDP": {"[2001:db8:5::2]:9", "2001:db8:5::9/64", "bridge\t\t135\t1\t\nbridge\t\t136\t1\t\n"},
	} {
		t.Run(name, func(t *testing.T) {
			inAttachLab(t, func(l *attachLab) {
				l.bridged()
				file := filepath.Join(t.TempDir(), "run.pcapng")
				r := l.host.Run(t, l.program, "trace", "connect", c.server, "--attach", "bridge:br0", "--address", c.address, "--pcap", file)
				if r.Status != statusNo {
					t.Fatalf("%+v", r)
				}
				got := l.host.Run(t, nstest.Peer(t, "tshark"), "-r", file, "-Y", "frame.interface_name == bridge && (arp.dst.proto_ipv4 == 198.51.100.9 || arp.src.proto_ipv4 == 198.51.100.9 ||"+
					" icmpv6.nd.ns.target_address == 2001:db8:5::2 || icmpv6.nd.na.target_address == 2001:db8:5::2)",
					"-T", "fields", "-e", "frame.interface_name", "-e", "arp.opcode", "-e", "icmpv6.type", "-e", "icmpv6.checksum.status", "-e", "_ws.malformed")
				if diff := cmp.Diff(c.want, got.Stdout); diff != "" || got.Status != 0 {
					t.Errorf("%s (-want +got):\n%s", got.Stderr, diff)
				}
			})
		})
	}
}

// TestAttach_bridge6_snooping: a bridge that passes groups only to those who asked for them passes the engine's solicitations.
func TestAttach_bridge6_snooping(t *testing.T) {
	inAttachLab(t, func(l *attachLab) {
		l.bridged()
		l.snooping()
		r := l.start("seconds", "trace", "listen", "7777", "--attach", "bridge:br0", "--ascii", "--address", "2001:db8:5::9/64")
		groups := func() string { return l.host.Run(t, nstest.Peer(t, "bridge"), "mdb", "show", "dev", "br0").Stdout }
		waitFor(t, "the bridge to know the engine's group", func() bool { return strings.Contains(groups(), "port gnet0 grp ff02::1:ff00:9") })
		if got := l.echo(l.dial("[2001:db8:5::9]:7777"), "hello"); got != "hello" {
			t.Errorf("the engine answers %q", got)
		}
		r.Process.Signal(unix.SIGINT)
		if status := r.end(); status != 0 {
			t.Errorf("status %d: %s", status, r.err)
		}
	})
}
