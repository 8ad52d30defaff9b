package routes

import (
	"errors"
	"strconv"

	"golang.org/x/sys/unix"
)

// ErrNoVRF: an interface that was named as a VRF is none.
var ErrNoVRF = errors.New("the interface is no VRF")

// typeWords are the words for RTN_ (linux/rtnetlink.h) in the order of their numbers, as iproute2 spells them.
func typeWords() []string {
	return []string{"none", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit",
		"throw", "nat", "xresolve"}
}

// TypeName returns the word for a route's type (RTN_, linux/rtnetlink.h) that iproute2 and rt_names use, or the number.
func TypeName(typ uint8) string { return word(typ, typeWords()) }

// ParseType returns the type that a word or a number from 1 to 255 means.
func ParseType(text string) (uint8, bool) {
	for i, w := range typeWords() {
		if i > 0 && w == text {
			return uint8(i), true
		}
	}
	n, err := strconv.ParseUint(text, 10, 8)
	return uint8(n), err == nil && n > 0
}

// TableName returns the word for a table that the kernel itself has, else the number. Names of rt_tables(5) are not read.
func TableName(table uint32) string {
	switch table {
	case unix.RT_TABLE_DEFAULT:
		return "default"
	case unix.RT_TABLE_MAIN:
		return "main"
	case unix.RT_TABLE_LOCAL:
		return "local"
	}
	return strconv.FormatUint(uint64(table), 10)
}

// ProtocolName returns the word for who made a route (RTPROT_, linux/rtnetlink.h), or the number.
func ProtocolName(protocol uint8) string {
	switch protocol {
	case unix.RTPROT_UNSPEC:
		return "unspec"
	case unix.RTPROT_REDIRECT:
		return "redirect"
	case unix.RTPROT_KERNEL:
		return "kernel"
	case unix.RTPROT_BOOT:
		return "boot"
	case unix.RTPROT_STATIC:
		return "static"
	case unix.RTPROT_GATED:
		return "gated"
	case unix.RTPROT_RA:
		return "ra"
	case unix.RTPROT_MRT:
		return "mrt"
	case unix.RTPROT_ZEBRA:
		return "zebra"
	case unix.RTPROT_BIRD:
		return "bird"
	case unix.RTPROT_DNROUTED:
		return "dnrouted"
	case unix.RTPROT_XORP:
		return "xorp"
	case unix.RTPROT_NTK:
		return "ntk"
	case unix.RTPROT_DHCP:
		return "dhcp"
	case unix.RTPROT_MROUTED:
		return "mrouted"
	case unix.RTPROT_KEEPALIVED:
		return "keepalived"
	case unix.RTPROT_BABEL:
		return "babel"
	case unix.RTPROT_OPENR:
		return "openr"
	case unix.RTPROT_BGP:
		return "bgp"
	case unix.RTPROT_ISIS:
		return "isis"
	case unix.RTPROT_OSPF:
		return "ospf"
	case unix.RTPROT_RIP:
		return "rip"
	case unix.RTPROT_EIGRP:
		return "eigrp"
	}
	return strconv.Itoa(int(protocol))
}

// ParseProtocol returns the protocol that a word or a number from 0 to 255 means.
func ParseProtocol(text string) (uint8, bool) {
	for n := range 256 {
		if ProtocolName(uint8(n)) == text {
			return uint8(n), true
		}
	}
	return 0, false
}

// PreferenceName returns the word for a router preference (RFC 4191 section 2.1), or the number.
func PreferenceName(pref uint8) string { return word(pref, []string{"medium", "high", "2", "low"}) }

// ScopeName returns the word for a scope (RT_SCOPE_, linux/rtnetlink.h), or the number.
func ScopeName(scope uint8) string {
	switch scope {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	case unix.RT_SCOPE_NOWHERE:
		return "nowhere"
	}
	return strconv.Itoa(int(scope))
}

// ParseScope returns the scope that a word or a number from 0 to 255 means.
func ParseScope(text string) (uint8, bool) {
	for n := range 256 {
		if ScopeName(uint8(n)) == text {
			return uint8(n), true
		}
	}
	return 0, false
}

func word(n uint8, words []string) string {
	if int(n) < len(words) {
		return words[n]
	}
	return strconv.Itoa(int(n))
}
