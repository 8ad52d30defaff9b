package nstest

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/rtnl"
)

// Path is a row of hosts that are linked one to the next, both IP versions:
//
//	client -- router 1 -- router 2 -- ... -- server
//
// Link n, from 1, has the networks 10.77.n.0/24 and fd77:n::/64; the host to its
// left, nearer to the client, is .1 there and calls its end "right", the other
// is .2 and "left". The routers put no limit on the ICMP errors that they send.
type Path struct {
	// Hosts are the client, the routers in their order, and the server.
	Hosts []*Host
}

// PathMTUs are those of the usual path of five hosts: it narrows twice.
func PathMTUs() []uint32 { return []uint32{1500, 1450, 1400, 1500} }

// NewPath makes a path with one link for each MTU, of which there are at least
// two and at most nine. The client is the namespace of the caller.
func NewPath(t TB, mtus ...uint32) *Path {
	t.Helper()
	p := &Path{Hosts: []*Host{Here(t)}}
	for n := 1; n < len(mtus); n++ {
		p.Hosts = append(p.Hosts, NewHost(t, fmt.Sprintf("r%d", n)))
	}
	p.Hosts = append(p.Hosts, NewHost(t, "server"))
	for i, mtu := range mtus {
		Connect(t, mtu, p.end(i, i+1, "right", 1), p.end(i+1, i+1, "left", 2))
	}
	for i, h := range p.Hosts {
		h.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
		h.Sysctl(t, "net/ipv6/icmp/ratelimit", "0")
		if i > 0 && i < len(mtus) {
			h.Forward(t)
		}
		p.routes(t, i)
	}
	return p
}

func (p *Path) end(host, link int, name string, side int) End {
	return End{Host: p.Hosts[host], Name: name, Addrs: []string{
		fmt.Sprintf("10.77.%d.%d/24", link, side), fmt.Sprintf("fd77:%d::%d/64", link, side)}}
}

// routes gives host i a route to each network that it is not on.
func (p *Path) routes(t TB, i int) {
	t.Helper()
	for n := 1; n < len(p.Hosts); n++ {
		gateway, side := i+1, 2
		if n < i {
			gateway, side = i, 1
		} else if n == i || n == i+1 {
			continue
		}
		p.Hosts[i].AddRoute(t, fmt.Sprintf("10.77.%d.0/24", n), fmt.Sprintf("10.77.%d.%d", gateway, side))
		p.Hosts[i].AddRoute(t, fmt.Sprintf("fd77:%d::/64", n), fmt.Sprintf("fd77:%d::%d", gateway, side))
	}
}

// Client returns the first host, which is the caller's namespace.
func (p *Path) Client() *Host { return p.Hosts[0] }

// Server returns the last host.
func (p *Path) Server() *Host { return p.Hosts[len(p.Hosts)-1] }

// Router returns router n, from 1.
func (p *Path) Router(n int) *Host { return p.Hosts[n] }

// ServerAddr returns the server's address on the last link.
func (p *Path) ServerAddr(six bool) netip.Addr { return p.HopAddr(len(p.Hosts)-1, six) }

// HopAddr returns the address with which host n, from 1, answers the client: that
// of its left end.
func (p *Path) HopAddr(n int, six bool) netip.Addr {
	if six {
		return netip.MustParseAddr(fmt.Sprintf("fd77:%d::2", n))
	}
	return netip.MustParseAddr(fmt.Sprintf("10.77.%d.2", n))
}

// Blind makes router n drop the messages by which it would say that a packet is
// too big: it becomes a black hole for path MTU discovery. It needs nft(8), so
// the caller asks for that first, with Peer.
func (p *Path) Blind(t TB, n int) {
	t.Helper()
	p.Hosts[n].Nft(t, `add table inet blind
add chain inet blind out { type filter hook output priority 0; }
add rule inet blind out icmp type destination-unreachable icmp code frag-needed drop
add rule inet blind out icmpv6 type packet-too-big drop`)
}

// Drop makes host n drop the packets of IPv4 and IPv6 that it receives for
// itself or forwards and that match an expression of nft(8), as Blind does.
func (p *Path) Drop(t TB, n int, match string) {
	t.Helper()
	p.Hosts[n].Nft(t, fmt.Sprintf(`add table inet lab
add chain inet lab in { type filter hook prerouting priority -450; }
add rule inet lab in %s drop`, match))
}

// AnswerFrom makes router n send its ICMP errors from other addresses, as a router
// on a private network does that nobody can reach. It needs nft(8).
func (p *Path) AnswerFrom(t TB, n int, four, six netip.Addr) {
	t.Helper()
	p.Hosts[n].Nft(t, fmt.Sprintf(`add table inet masked
add chain inet masked out { type filter hook output priority 0; }
add rule inet masked out icmp type { destination-unreachable, time-exceeded } ip saddr set %v
add rule inet masked out icmpv6 type { destination-unreachable, packet-too-big, time-exceeded } ip6 saddr set %v`, four, six))
}

// LimitErrors gives host n the kernel's usual limit on ICMP errors: six at once to one
// host, then one a second (net/ipv4/inetpeer.c, inet_peer_xrlim_allow).
func (p *Path) LimitErrors(t TB, n int) {
	t.Helper()
	p.Hosts[n].Sysctl(t, "net/ipv4/icmp_ratelimit", "1000")
	p.Hosts[n].Sysctl(t, "net/ipv6/icmp/ratelimit", "1000")
}

// SetMTU gives the two ends of link n other MTUs. Ends that differ are a link that
// drops in silence what its far end does not take; a veth device takes 4
// bytes more than its MTU, the room of a VLAN tag (is_skb_forwardable,
// net/core/dev.c).
func (p *Path) SetMTU(t TB, n int, left, right uint32) {
	t.Helper()
	p.Hosts[n-1].setMTU(t, "right", left)
	p.Hosts[n].setMTU(t, "left", right)
}

func (h *Host) setMTU(t TB, name string, mtu uint32) {
	t.Helper()
	h.Netlink(t, func(c *rtnl.Conn) error {
		link, err := c.LinkByName(name)
		if err != nil {
			return err
		}
		return c.SetLink(link.Index, new(rtnl.LinkChange).MTU(mtu))
	})
}

// ReturnMTU makes router n, which is not the first, send no larger packets back
// towards the client, by the metric of its route: the two directions differ.
func (p *Path) ReturnMTU(t TB, n int, mtu uint32) {
	t.Helper()
	for _, six := range []bool{false, true} {
		dst, family := "10.77.1.0/24", uint8(unix.AF_INET)
		gateway := netip.MustParseAddr(fmt.Sprintf("10.77.%d.1", n))
		if six {
			dst, family = "fd77:1::/64", unix.AF_INET6
			gateway = netip.MustParseAddr(fmt.Sprintf("fd77:%d::1", n))
		}
		route := &rtnl.Route{Family: family, Dst: netip.MustParsePrefix(dst), Gateway: gateway,
			Protocol: unix.RTPROT_STATIC, Metrics: rtnl.Metrics{MTU: mtu}}
		p.Hosts[n].Netlink(t, func(c *rtnl.Conn) error {
			return c.AddRoute(route, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
		})
	}
}

// Nft loads a ruleset of nft(8) into the host's namespace.
func (h *Host) Nft(t TB, ruleset string) {
	t.Helper()
	path, err := FindPeer("nft")
	if err != nil {
		t.Fatalf("host %s: %v", h.Name, err)
	}
	cmd := exec.Command(path, "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset + "\n")
	if r := h.Output(t, cmd); r.Status != 0 {
		t.Fatalf("host %s: nft: %s%s", h.Name, r.Stdout, r.Stderr)
	}
}
