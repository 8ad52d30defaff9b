package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv6Header is the length in bytes of the fixed IPv6 header (RFC 8200 3).
const IPv6Header = 40

// IPv6 is a checked view of an IPv6 packet (RFC 8200 3), from its first header byte on.
type IPv6 []byte

// IPv6Fields are the values of the fixed IPv6 header; the payload length follows when it is written.
type IPv6Fields struct {
	TrafficClass uint8
	FlowLabel    uint32 // 20 bits
	NextHeader   uint8  // what follows the fixed header
	HopLimit     uint8
	Src, Dst     netip.Addr // both IPv6, without zone
}

// CheckIPv6 says whether b starts with a whole fixed IPv6 header and gives the view. Data may be
// missing (Truncated) and bytes may follow the packet (Payload leaves them out).
func CheckIPv6(b []byte) (IPv6, error) {
	if len(b) > 0 && b[0]>>4 != 6 {
		return nil, ErrIPv6Version
	}
	if len(b) < IPv6Header {
		return nil, ErrIPv6Short
	}
	return IPv6(b), nil
}

// TrafficClass is DSCP and ECN (RFC 2474 3, RFC 3168 5).
func (p IPv6) TrafficClass() uint8 { return p[0]<<4 | p[1]>>4 }

// FlowLabel is the 20-bit flow label (RFC 6437).
func (p IPv6) FlowLabel() uint32 { return binary.BigEndian.Uint32(p) & 0xfffff }

// PayloadLength is the length in bytes of all that follows the fixed header, as the header says.
func (p IPv6) PayloadLength() int { return int(binary.BigEndian.Uint16(p[4:])) }

// NextHeader is what follows the fixed header.
func (p IPv6) NextHeader() uint8 { return p[6] }

// HopLimit is the number of hops left.
func (p IPv6) HopLimit() uint8 { return p[7] }

// Src is the source address, without zone.
func (p IPv6) Src() netip.Addr { return netip.AddrFrom16([16]byte(p[8:24])) }

// Dst is the destination address, without zone.
func (p IPv6) Dst() netip.Addr { return netip.AddrFrom16([16]byte(p[24:40])) }

// Payload is what follows the fixed header and is there, extension headers included.
func (p IPv6) Payload() []byte { return p[IPv6Header:min(IPv6Header+p.PayloadLength(), len(p))] }

// Truncated says that bytes of the packet are missing at its end.
func (p IPv6) Truncated() bool { return len(p) < IPv6Header+p.PayloadLength() }

// SetHopLimit changes the hops left; no checksum covers them.
func (p IPv6) SetHopLimit(hops uint8) { p[7] = hops }

// Fields are the fixed header's values.
func (p IPv6) Fields() IPv6Fields {
	return IPv6Fields{
		TrafficClass: p.TrafficClass(), FlowLabel: p.FlowLabel(), NextHeader: p.NextHeader(),
		HopLimit: p.HopLimit(), Src: p.Src(), Dst: p.Dst(),
	}
}

// Append writes the fixed header of a packet with payload bytes after it to the end of dst. It fails,
// with dst unchanged, when a value does not fit its field.
func (f *IPv6Fields) Append(dst []byte, payload int) ([]byte, error) {
	switch {
	case payload < 0 || payload > 0xffff:
		return dst, ErrIPv6PayloadLength
	case f.FlowLabel > 0xfffff:
		return dst, ErrIPv6FlowLabel
	case !f.Src.Is6() || !f.Dst.Is6():
		return dst, ErrAddressFamily
	}
	dst = binary.BigEndian.AppendUint32(dst, 6<<28|uint32(f.TrafficClass)<<20|f.FlowLabel)
	dst = binary.BigEndian.AppendUint16(dst, uint16(payload))
	dst = append(dst, f.NextHeader, f.HopLimit)
	src, to := f.Src.As16(), f.Dst.As16()
	return append(append(dst, src[:]...), to[:]...), nil
}
