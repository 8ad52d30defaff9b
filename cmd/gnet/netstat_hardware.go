package main

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"golang.org/x/sys/unix"

	"gnet/internal/safe"
)

// hardware is how netstat shows one kind of link.
type hardware struct {
	word, title string
	append      func(text, addr []byte) []byte // nil when it shows no address
	size        int                            // of the address, which is padded with zeros
	compresses  bool                           // there are counters of compressed packets
}

// hardwareOf returns the kind of link of an ARPHRD_ number (linux/if_arp.h). The
// words are those of net-tools 2.10, found by giving it each number.
func hardwareOf(arpType uint16) hardware {
	upper, dashes := hexPairs(":", true), hexPairs("-", true)
	switch arpType {
	case unix.ARPHRD_NETROM:
		return hardware{word: "netrom", title: "AMPR NET/ROM", append: appendCallsign, size: 7}
	case unix.ARPHRD_ETHER:
		return hardware{word: "ether", title: "Ethernet", append: hexPairs(":", false), size: 6}
	case unix.ARPHRD_AX25:
		return hardware{word: "ax25", title: "AMPR AX.25", append: appendCallsign, size: 7}
	case unix.ARPHRD_ARCNET:
		return hardware{word: "arcnet", title: "ARCnet", append: upper, size: 1}
	case unix.ARPHRD_DLCI:
		return hardware{word: "dlci", title: "Frame Relay DLCI", append: appendDLCI, size: 2}
	case unix.ARPHRD_EUI64:
		return hardware{word: "eui64", title: "Generic EUI-64", append: upper, size: 8}
	case unix.ARPHRD_SLIP:
		return hardware{word: "slip", title: "Serial Line IP"}
	case unix.ARPHRD_CSLIP:
		return hardware{word: "cslip", title: "VJ Serial Line IP", compresses: true}
	case unix.ARPHRD_SLIP6:
		return hardware{word: "slip6", title: "6-bit Serial Line IP"}
	case unix.ARPHRD_CSLIP6:
		return hardware{word: "cslip6", title: "VJ 6-bit Serial Line IP", compresses: true}
	case unix.ARPHRD_ADAPT:
		return hardware{word: "adaptive", title: "Adaptive Serial Line IP"}
	case unix.ARPHRD_ROSE:
		return hardware{word: "rose", title: "AMPR ROSE", append: hexPairs("", false), size: 5}
	case unix.ARPHRD_X25:
		return hardware{word: "x25", title: "generic X.25", append: appendAddressText}
	case unix.ARPHRD_PPP:
		return hardware{word: "ppp", title: "Point-to-Point Protocol"}
	case unix.ARPHRD_CISCO:
		return hardware{word: "hdlc", title: "(Cisco)-HDLC"}
	case unix.ARPHRD_LAPB:
		return hardware{word: "lapb", title: "LAPB"}
	case unix.ARPHRD_TUNNEL:
		return hardware{word: "tunnel", title: "IPIP Tunnel", append: func(text, _ []byte) []byte { return text }}
	case unix.ARPHRD_FRAD:
		return hardware{word: "frad", title: "Frame Relay Access Device"}
	case unix.ARPHRD_LOOPBACK:
		return hardware{word: "loop", title: "Local Loopback"}
	case unix.ARPHRD_FDDI:
		return hardware{word: "fddi", title: "Fiber Distributed Data Interface", append: dashes, size: 6}
	case unix.ARPHRD_SIT:
		return hardware{word: "sit", title: "IPv6-in-IPv4"}
	case unix.ARPHRD_HIPPI:
		return hardware{word: "hippi", title: "HIPPI", append: upper, size: 6}
	case unix.ARPHRD_ASH:
		return hardware{word: "ash", title: "Ash", append: appendAsh}
	case unix.ARPHRD_ECONET:
		return hardware{word: "ec", title: "Econet"}
	case unix.ARPHRD_IRDA:
		return hardware{word: "irda", title: "IrLAP", append: appendIrDA, size: 4}
	}
	return hardware{word: "unspec", title: "UNSPEC", append: dashes, size: 16}
}

// hexPairs returns a writer of an address as bytes in hexadecimal.
func hexPairs(separator string, upper bool) func(text, addr []byte) []byte {
	digits := "0123456789abcdef"
	if upper {
		digits = "0123456789ABCDEF"
	}
	return func(text, addr []byte) []byte {
		for i, b := range addr {
			if i > 0 {
				text = append(text, separator...)
			}
			text = append(text, digits[b>>4], digits[b&15])
		}
		return text
	}
}

// appendCallsign appends an AX.25 address: six characters, shifted by one bit
// and padded with blanks, and the number of the station.
func appendCallsign(text, addr []byte) []byte {
	var call []byte
	for _, b := range addr[:6] {
		if b>>1 == ' ' || b>>1 == 0 {
			break
		}
		call = append(call, b>>1)
	}
	text = append(text, safe.String(string(call))...)
	if ssid := addr[6] >> 1 & 15; ssid != 0 {
		text = strconv.AppendUint(append(text, '-'), uint64(ssid), 10)
	}
	return text
}

func appendDLCI(text, addr []byte) []byte {
	return strconv.AppendUint(text, uint64(binary.NativeEndian.Uint16(addr)), 10)
}

// appendAddressText appends an address that is text, as X.25's.
func appendAddressText(text, addr []byte) []byte {
	return append(text, safe.String(unix.ByteSliceToString(addr))...)
}

func appendAsh(text, addr []byte) []byte {
	return append(hex.AppendEncode(append(text, '['), addr), ']')
}

// appendIrDA appends a device address of IrLAP, whose low byte comes first.
func appendIrDA(text, addr []byte) []byte {
	return hexPairs(":", false)(text, []byte{addr[3], addr[2], addr[1], addr[0]})
}
