package probe

import "golang.org/x/sys/unix"

// Family is the IP version of a socket.
type Family uint8

// The two IP versions.
const (
	IPv4 Family = 4
	IPv6 Family = 6
)

// String returns the name of the address family as the C library spells it.
func (f Family) String() string {
	if f == IPv6 {
		return "AF_INET6"
	}
	return "AF_INET"
}

func (f Family) domain() int {
	if f == IPv6 {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func (f Family) protocol() int {
	if f == IPv6 {
		return unix.IPPROTO_ICMPV6
	}
	return unix.IPPROTO_ICMP
}

// Mode is the kind of socket.
type Mode uint8

// The two kinds of ICMP socket of Linux.
const (
	// Datagram is a ping socket (net/ipv4/ping.c): no privilege, if a group of
	// the caller lies in net.ipv4.ping_group_range.
	Datagram Mode = iota
	// Raw needs CAP_NET_RAW (raw(7)).
	Raw
)

// String returns the socket type as socket(2) spells it.
func (m Mode) String() string {
	if m == Raw {
		return "SOCK_RAW"
	}
	return "SOCK_DGRAM"
}

func (m Mode) sockType() int {
	if m == Raw {
		return unix.SOCK_RAW
	}
	return unix.SOCK_DGRAM
}

// MTUDiscovery is how the kernel treats packets that are larger than the path
// allows: IP_MTU_DISCOVER and IPV6_MTU_DISCOVER.
type MTUDiscovery uint8

// The kernel's modes, in its own words (include/uapi/linux/in.h), and Default,
// which leaves the socket as the host's configuration makes it.
const (
	MTUDefault MTUDiscovery = iota
	MTUDont
	MTUWant
	MTUDo
	MTUProbe
)

// value returns the socket option's value. MTUDefault has none.
func (d MTUDiscovery) value() (int, bool) {
	switch d {
	case MTUDont:
		return unix.IP_PMTUDISC_DONT, true
	case MTUWant:
		return unix.IP_PMTUDISC_WANT, true
	case MTUDo:
		return unix.IP_PMTUDISC_DO, true
	case MTUProbe:
		return unix.IP_PMTUDISC_PROBE, true
	}
	return 0, false
}
