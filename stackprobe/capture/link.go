package capture

import (
	"encoding/binary"
	"fmt"
)

// The values of EtherType (IEEE 802, IANA's list of IEEE 802 numbers).
const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	tagC     = 0x8100
	tagS     = 0x88a8
	tagOld   = 0x9100
)

// IP returns the IP packet in p and how long it was, nil where p holds something else. The error is a *PacketError.
func (p *Packet) IP() (data []byte, length int, err error) {
	link := Raw
	if p.At != nil {
		link = p.At.Link
	}
	kind, head := uint16(0), 0
	switch link {
	case Raw, IPv4, IPv6:
	case Ethernet:
		kind, head = tagged(p.Data, 12)
	case LinuxSLL:
		kind, head = tagged(p.Data, 14)
	case LinuxSL2:
		if kind, head = tagged(p.Data, 0); head == 2 {
			head = 20
		} else {
			head += 18 // the tags follow the header
		}
	case Null, Loop:
		kind, head = family(p.Data)
	default:
		return nil, 0, &PacketError{p.Number, fmt.Sprintf("link type %d is not read here", link)}
	}
	switch {
	case head > len(p.Data) || head < 0:
		return nil, 0, &PacketError{p.Number, "it ends in the header of its link"}
	case head > 0 && kind != typeIPv4 && kind != typeIPv6:
		return nil, 0, nil
	}
	return p.Data[head:], p.Length - head, nil
}

// tagged reads the EtherType at that place and passes tags of IEEE 802.1Q behind it; head is -1 where the packet ends before
// one.
func tagged(b []byte, at int) (kind uint16, head int) {
	for ; at+2 <= len(b); at += 4 {
		kind = binary.BigEndian.Uint16(b[at:])
		if kind != tagC && kind != tagS && kind != tagOld {
			return kind, at + 2
		}
	}
	return 0, -1
}

// family reads the address family before a packet of a loopback interface, whose byte order is not known: 2 is IPv4 everywhere,
// the values of IPv6 are those of the BSDs, Darwin and Linux.
func family(b []byte) (kind uint16, head int) {
	if len(b) < 4 {
		return 0, -1
	}
	f := binary.BigEndian.Uint32(b)
	if f > 0xffff {
		f = binary.LittleEndian.Uint32(b)
	}
	switch f {
	case 2:
		return typeIPv4, 4
	case 10, 24, 28, 30:
		return typeIPv6, 4
	}
	return 0, 4
}
