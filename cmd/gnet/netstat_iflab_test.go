package main

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// interfaces gives the namespace of the lab links of every kind and state that
// netstat -i and -g show: names that sort by their numbers, labels, several
// addresses of both families, a link that is down, one point to point.
func (lab *socketLab) interfaces() {
	for _, line := range []string{
		"link add e0 type veth peer name e2", "link add e10 type veth peer name e9", "link add averylongifnam type veth peer name lone",
		"link set dev e0 addrgenmode none", "link set dev e2 addrgenmode none",
		"link set dev averylongifnam addrgenmode none", "link set dev lone addrgenmode none",
		"addr add 10.0.1.1/24 broadcast 10.0.1.255 dev e0", "addr add 10.0.2.1/24 dev e0 label e0:1",
		"addr add 10.0.3.1/32 dev e0 label e0:10", "addr add 10.0.4.1/24 dev e0 label e0:2", "addr add 10.0.5.1/24 dev e0",
		"addr add 10.0.6.1 peer 10.0.6.2/32 dev e2", "addr add 2001:db8:1::1/64 dev e0 nodad", "addr add fd00::1/8 dev e0 nodad",
		"addr add fe80::1/64 dev e0 nodad", "addr add fec0::5/64 dev e0 nodad", "addr add 10.0.7.1/24 dev averylongifnam",
		"link set e0 up", "link set e2 up", "link set e2 arp off", "link set e10 addrgenmode none", "link set e9 addrgenmode none",
		"link set e10 up", "link set e10 promisc on", "link set e10 allmulticast on", "link set averylongifnam up",
		"link set averylongifnam mtu 9000", "link set e9 txqueuelen 17",
	} {
		lab.ip(line)
	}
}

func (lab *socketLab) ip(line string) {
	lab.t.Helper()
	if r := lab.host.Run(lab.t, nstest.Peer(lab.t, "ip"), strings.Fields(line)...); r.Status != 0 {
		lab.t.Fatalf("ip %s: %s", line, r.Stderr)
	}
}

// memberships joins groups of both families, one of them twice.
func (lab *socketLab) memberships() {
	for range 2 {
		fd := lab.socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		lab.must(unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{239, 1, 2, 3}, Interface: [4]byte{10, 0, 1, 1}}))
	}
	fd := lab.socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	lab.must(unix.SetsockoptIPMreq(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &unix.IPMreq{Multiaddr: [4]byte{224, 0, 0, 251}, Interface: [4]byte{10, 0, 7, 1}}))
	fd = lab.socket(unix.AF_INET6, unix.SOCK_DGRAM, 0)
	for _, group := range [][16]byte{{0: 0xff, 1: 0x02, 15: 0xfb}, {0: 0xff, 1: 0x05, 2: 0x12, 3: 0x34, 4: 0x56, 5: 0x78, 6: 0x9a, 7: 0xbc, 14: 1, 15: 3}} {
		lab.must(unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, &unix.IPv6Mreq{Multiaddr: group, Interface: 1}))
	}
}

// newInterfaceLab is the lab of -i, -g and -s: links, groups, sockets that moved
// counters, and names for groups.
func newInterfaceLab(t *testing.T) *socketLab {
	t.Helper()
	lab := newSocketLab(t)
	lab.interfaces()
	lab.memberships()
	lab.tcp()
	lab.datagrams()
	return lab
}
