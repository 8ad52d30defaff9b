package attach

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// The values of EtherType, and the length of a message of ARP for IPv4 (RFC 826).
const (
	typeIPv4 = 0x0800
	typeARP  = 0x0806

	arpLen = 28

	arpRequest = 1
	arpReply   = 2
)

// arpHead is how every message of ARP for IPv4 over Ethernet begins.
func arpHead() []byte { return []byte{0, 1, 8, 0, 6, 4} }

// arp makes a message; an invalid sender's address is that of a probe (RFC 5227).
func arp(op uint16, mac MAC, addr netip.Addr, toMAC MAC, to netip.Addr) []byte {
	b := binary.BigEndian.AppendUint16(arpHead(), op)
	b = append(b, mac[:]...)
	if addr.IsValid() {
		b = append(b, addr.AsSlice()...)
	} else {
		b = append(b, 0, 0, 0, 0)
	}
	b = append(b, toMAC[:]...)
	return append(b, to.AsSlice()...)
}

// readARP reads a message.
func readARP(b []byte) (op uint16, mac MAC, from, to netip.Addr, ok bool) {
	if len(b) < arpLen || !bytes.Equal(b[:6], arpHead()) {
		return 0, mac, from, to, false
	}
	return binary.BigEndian.Uint16(b[6:]), MAC(b[8:14]), netip.AddrFrom4([4]byte(b[14:18])), netip.AddrFrom4([4]byte(b[24:28])), true
}
