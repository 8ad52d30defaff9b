package engine

import (
	"encoding/binary"
	"iter"
	"net/netip"
	"time"

	"gnet/internal/wire"
)

// routeHead is the length of a record route or timestamp option before its first entry: type, length, pointer, and for
// timestamps a fourth octet (RFC 791 section 3.1).
const (
	routeHead     = 3
	timestampHead = 4
)

// record writes into ip what its source records of itself, as Linux does (net/ipv4/ip_options.c ip_options_build): its address
// into a record route, the milliseconds since midnight into timestamps.
func (n *Node) record(ip wire.IPv4, addr netip.Addr) {
	now := time.Unix(epoch, 0).Add(n.cfg.Clock.Now()).UTC()
	midnight := now.Truncate(24 * time.Hour)
	for _, option := range entries(ip.Options()) {
		next := int(option[2]) - 1
		if next < routeHead || next+4 > len(option) {
			continue // it has no room
		}
		if option[0] == wire.IPv4OptRecordRoute {
			copy(option[next:], addr.AsSlice())
		} else {
			binary.BigEndian.PutUint32(option[next:], uint32(now.Sub(midnight)/time.Millisecond))
		}
		option[2] += 4
	}
	mend(ip)
}

// recorded puts the address of the interface out into the place where netstack has recorded that of the interface by which
// the packet came: "as known in the environment into which this datagram is being forwarded" (RFC 791 section 3.1).
func (n *Node) recorded(ip wire.IPv4, out int) {
	was := wire.IPv4(n.now).Options()
	for at, option := range entries(ip.Options()) {
		if option[0] != wire.IPv4OptRecordRoute || at+len(option) > len(was) || option[2] == was[at+2] {
			continue
		}
		if end := int(option[2]) - 1; end >= routeHead+4 && end <= len(option) {
			copy(option[end-4:end], n.cfg.Interfaces[out].Addr.AsSlice())
		}
	}
	mend(ip)
}

// entries are the record route and timestamp options among options, each with its place. They share their memory.
func entries(options []byte) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for rest := options; len(rest) > 0 && rest[0] != wire.IPv4OptEnd; {
			option, behind, err := wire.NextIPv4Option(rest)
			if err != nil {
				return
			}
			recording := option[0] == wire.IPv4OptRecordRoute || option[0] == wire.IPv4OptTimestamp
			if recording && len(option) >= timestampHead && !yield(len(options)-len(rest), option) {
				return
			}
			rest = behind
		}
	}
}

// mend calculates the checksum of ip's header anew.
func mend(ip wire.IPv4) {
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], wire.Checksum(ip[:ip.HeaderLen()]))
}

// signed gives an ICMP error of a router the address of the interface by which it leaves (RFC 1812 section 4.3.2.4, RFC 4443
// section 2.2): netstack takes that of the interface by which the packet came.
func (n *Node) signed(packet []byte, out int) {
	addr := n.cfg.Interfaces[out].Addr.AsSlice()
	if ip, err := wire.CheckIPv4(packet); err == nil {
		copy(ip[12:16], addr)
		mend(ip)
		return
	}
	ip := wire.IPv6(packet)
	copy(ip[8:24], addr)
	if u, err := ip.Upper(); err == nil && u.Protocol == wire.ProtoICMPv6 && len(u.Data) >= 4 {
		binary.BigEndian.PutUint16(u.Data[2:], 0)
		binary.BigEndian.PutUint16(u.Data[2:], wire.Pseudo(ip.Src(), ip.Dst(), wire.ProtoICMPv6, len(u.Data)).Bytes(u.Data).Checksum())
	}
}
