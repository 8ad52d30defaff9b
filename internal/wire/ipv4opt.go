package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv4 option types, decimal as in IANA's "IP Option Numbers".
const (
	IPv4OptEnd         uint8 = 0   // RFC 791 3.1
	IPv4OptNOP         uint8 = 1   // RFC 791 3.1
	IPv4OptRecordRoute uint8 = 7   // RFC 791 3.1
	IPv4OptTimestamp   uint8 = 68  // RFC 791 3.1, RFC 781
	IPv4OptLooseRoute  uint8 = 131 // RFC 791 3.1
	IPv4OptStrictRoute uint8 = 137 // RFC 791 3.1
)

// MaxIPv4Options is the room for options in an IPv4 header, in bytes (RFC 791 3.1).
const MaxIPv4Options = 40

// NextIPv4Option splits the first option from b, which must not be empty: the whole option, its type
// first, and what follows. The two types of a single byte have neither length nor data.
func NextIPv4Option(b []byte) (option, rest []byte, err error) {
	if b[0] == IPv4OptEnd || b[0] == IPv4OptNOP {
		return b[:1], b[1:], nil
	}
	if len(b) < 2 || int(b[1]) > len(b) {
		return nil, nil, ErrIPv4OptionShort
	}
	if b[1] < 2 {
		return nil, nil, ErrIPv4OptionLength
	}
	return b[:b[1]], b[b[1]:], nil
}

// RouteOption is a checked view of a record route or source route option, from its type on (RFC 791
// 3.1): a row of addresses, and a pointer to the next one to be used, counted from 1.
type RouteOption []byte

// routeHead is type, length and pointer; the first address follows, so that a pointer of 4 means it.
const routeHead = 3

// CheckRouteOption says whether b, an option as NextIPv4Option splits it, has room for its pointer.
func CheckRouteOption(b []byte) (RouteOption, error) {
	if len(b) < routeHead {
		return nil, ErrIPv4OptionLength
	}
	return RouteOption(b), nil
}

// Slots is how many addresses the option has room for.
func (r RouteOption) Slots() int { return (len(r) - routeHead) / 4 }

// Used is how many addresses lie before the pointer: those that were recorded, or passed. It is at
// most Slots, whatever the pointer says.
func (r RouteOption) Used() int { return min(max(int(r[2])-routeHead-1, 0)/4, r.Slots()) }

// Addr is the address in slot i, which is below Slots.
func (r RouteOption) Addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte(r[routeHead+4*i:]))
}

// The flags of the timestamp option: what a slot holds (RFC 791 3.1).
const (
	TimestampsOnly       uint8 = 0
	TimestampsAddrs      uint8 = 1 // address and time, each as it comes
	TimestampsPrescribed uint8 = 3 // addresses given by the sender: only those write a time
)

// TimestampOption is a checked view of a timestamp option, from its type on (RFC 791 3.1).
type TimestampOption []byte

// timestampHead is type, length, pointer, and overflow with flag.
const timestampHead = 4

// CheckTimestampOption says whether b, an option as NextIPv4Option splits it, has room for its flags.
func CheckTimestampOption(b []byte) (TimestampOption, error) {
	if len(b) < timestampHead {
		return nil, ErrIPv4OptionLength
	}
	return TimestampOption(b), nil
}

// Flag says what a slot holds (TimestampsOnly ...).
func (t TimestampOption) Flag() uint8 { return t[3] & 15 }

// Overflow is how many hosts found no room for their time; it counts no further than 15.
func (t TimestampOption) Overflow() int { return int(t[3] >> 4) }

// HasAddrs says whether each time stands behind an address.
func (t TimestampOption) HasAddrs() bool { return t.Flag() != TimestampsOnly }

func (t TimestampOption) slot() int {
	if t.HasAddrs() {
		return 8
	}
	return 4
}

// Used is how many slots lie before the pointer, so were written. It is at most what the option has
// room for, whatever the pointer says.
func (t TimestampOption) Used() int {
	return min(max(int(t[2])-timestampHead-1, 0), len(t)-timestampHead) / t.slot()
}

// Addr is the address in slot i, which is below Used. Only with HasAddrs.
func (t TimestampOption) Addr(i int) netip.Addr {
	return netip.AddrFrom4([4]byte(t[timestampHead+8*i:]))
}

// Time is the time in slot i, which is below Used: milliseconds since midnight UTC when standard, else
// whatever the host counts.
func (t TimestampOption) Time(i int) (ms uint32, standard bool) {
	v := binary.BigEndian.Uint32(t[timestampHead+t.slot()*(i+1)-4:])
	return v &^ (1 << 31), v>>31 == 0
}

// AppendRecordRoute writes an option that asks for the addresses of the next hops, behind a NOP that
// puts them on a 4-byte boundary: 9 fit, more are left out.
func AppendRecordRoute(dst []byte, slots int) []byte {
	slots = min(max(slots, 0), 9)
	dst = append(dst, IPv4OptNOP, IPv4OptRecordRoute, uint8(routeHead+4*slots), routeHead+1)
	return append(dst, make([]byte, 4*slots)...)
}

// AppendTimestamps writes an option that asks for the times of the next hops: 9 with TimestampsOnly, 4
// with TimestampsAddrs, one for each of addrs with TimestampsPrescribed, of which 4 fit. It fails, with
// dst unchanged, when an address is not IPv4.
func AppendTimestamps(dst []byte, flag uint8, addrs []netip.Addr) ([]byte, error) {
	room := 36
	switch flag {
	case TimestampsAddrs:
		room = 32
	case TimestampsPrescribed:
		addrs = addrs[:min(len(addrs), 4)]
		room = 8 * len(addrs)
	}
	at := len(dst)
	dst = append(dst, IPv4OptTimestamp, uint8(timestampHead+room), timestampHead+1, flag)
	dst = append(dst, make([]byte, room)...)
	if flag != TimestampsPrescribed {
		return dst, nil
	}
	for i, a := range addrs {
		if !a.Is4() {
			return dst[:at], ErrAddressFamily
		}
		b := a.As4()
		copy(dst[at+timestampHead+8*i:], b[:])
	}
	return dst, nil
}
