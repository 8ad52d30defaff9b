package wire

import "encoding/binary"

// IPv6Upper is where the walk over the extension headers ended: the upper-layer header, or, in a
// fragment other than the first, the middle of the datagram's data.
type IPv6Upper struct {
	Protocol   uint8  // of the upper-layer header; ProtoNoNext when there is none
	Data       []byte // from the upper-layer header on; shares the packet's memory
	Fragmented bool   // a Fragment header was there (RFC 8200 4.5), "atomic" ones (RFC 6946) included
	Offset     int    // fragment offset in bytes; unless 0, Data does not start with a header
	MF         bool   // more fragments follow
	ID         uint32 // identification of the datagram, when Fragmented
}

// Upper walks the extension headers to the upper-layer header (RFC 8200 4). It ends at the first
// header that it cannot look behind: an upper layer, ESP, an unknown number, a fragment that is not
// the first. When a header is cut, it gives what was read so far and ErrIPv6Extension.
func (p IPv6) Upper() (IPv6Upper, error) { return walkIPv6(p.NextHeader(), p.Payload()) }

// walkIPv6 is the walk from the first header after the fixed one. Each header that it steps over has
// at least 8 bytes, so the walk ends.
func walkIPv6(next uint8, b []byte) (IPv6Upper, error) {
	u := IPv6Upper{Protocol: next, Data: b}
	for {
		n := 0
		switch u.Protocol {
		case ProtoHopByHop, ProtoRouting, ProtoDestOptions, ProtoMobility, ProtoHIP, ProtoShim6:
			n = extensionLen(u.Data, 8, 8)
		case ProtoAH:
			n = extensionLen(u.Data, 4, 8)
		case ProtoFragment:
			n = 8
		default:
			return u, nil
		}
		if n == 0 || n > len(u.Data) {
			return u, ErrIPv6Extension
		}
		if u.Protocol == ProtoFragment {
			u.fragment(u.Data)
		}
		u.Protocol, u.Data = u.Data[0], u.Data[n:]
		if u.Offset > 0 {
			return u, nil
		}
	}
}

// extensionLen is a header's length in bytes: its second byte counts units beyond the first bytes
// (RFC 6564 4; RFC 4302 2.2 for AH, whose unit is 4). It is 0 when that byte is missing.
func extensionLen(b []byte, unit, first int) int {
	if len(b) < 2 {
		return 0
	}
	return first + int(b[1])*unit
}

// fragment reads a whole Fragment header (RFC 8200 4.5).
func (u *IPv6Upper) fragment(b []byte) {
	w := binary.BigEndian.Uint16(b[2:])
	u.Fragmented, u.Offset, u.MF = true, int(w&0xfff8), w&1 != 0
	u.ID = binary.BigEndian.Uint32(b[4:])
}

// AppendFragmentHeader writes a Fragment header (RFC 8200 4.5) to the end of dst. offset is in bytes
// and a multiple of 8.
func AppendFragmentHeader(dst []byte, next uint8, offset int, mf bool, id uint32) ([]byte, error) {
	if offset < 0 || offset%8 != 0 || offset > 0xfff8 {
		return dst, ErrFragmentOffset
	}
	w := uint16(offset)
	if mf {
		w |= 1
	}
	dst = append(dst, next, 0)
	dst = binary.BigEndian.AppendUint16(dst, w)
	return binary.BigEndian.AppendUint32(dst, id), nil
}
