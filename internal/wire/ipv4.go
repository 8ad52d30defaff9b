package wire

import (
	"encoding/binary"
	"net/netip"
)

// IPv4MinHeader is the length in bytes of an IPv4 header without options (RFC 791 3.1).
const IPv4MinHeader = 20

// IPv4 is a checked view of an IPv4 packet (RFC 791 3.1), from its first header byte on.
type IPv4 []byte

// IPv4Fields are the values of an IPv4 header; lengths and checksum follow when it is written.
type IPv4Fields struct {
	TOS      uint8      // DSCP and ECN (RFC 2474 3, RFC 3168 5)
	ID       uint16     // identification
	DF, MF   bool       // don't fragment, more fragments
	Offset   int        // fragment offset in bytes, a multiple of 8
	TTL      uint8      // hops left
	Protocol uint8      // what the payload is
	Src, Dst netip.Addr // both IPv4
	Options  []byte     // as on the wire, padded to a multiple of 4; shares the packet's memory
}

// CheckIPv4 says whether b starts with a whole IPv4 header whose lengths agree, and gives the view.
// Data may be missing (Truncated) and bytes may follow the packet (Payload leaves them out).
func CheckIPv4(b []byte) (IPv4, error) {
	if len(b) < IPv4MinHeader {
		if len(b) > 0 && b[0]>>4 != 4 {
			return nil, ErrIPv4Version
		}
		return nil, ErrIPv4Short
	}
	p := IPv4(b)
	switch {
	case b[0]>>4 != 4:
		return nil, ErrIPv4Version
	case p.HeaderLen() < IPv4MinHeader:
		return nil, ErrIPv4HeaderLength
	case p.HeaderLen() > len(b):
		return nil, ErrIPv4Short
	case p.TotalLength() < p.HeaderLen():
		return nil, ErrIPv4TotalLength
	}
	return p, nil
}

// HeaderLen is the header's length in bytes, options included (IHL times 4).
func (p IPv4) HeaderLen() int { return int(p[0]&0x0f) * 4 }

// TOS is the second byte: DSCP and ECN.
func (p IPv4) TOS() uint8 { return p[1] }

// TotalLength is the length of header and data in bytes, as the header says.
func (p IPv4) TotalLength() int { return int(binary.BigEndian.Uint16(p[2:])) }

// ID is the identification that the fragments of one datagram share.
func (p IPv4) ID() uint16 { return binary.BigEndian.Uint16(p[4:]) }

// DF says that routers must not fragment the packet.
func (p IPv4) DF() bool { return p[6]&0x40 != 0 }

// MF says that more fragments follow.
func (p IPv4) MF() bool { return p[6]&0x20 != 0 }

// Offset is the fragment offset in bytes (the field counts units of 8).
func (p IPv4) Offset() int { return int(binary.BigEndian.Uint16(p[6:])&0x1fff) * 8 }

// TTL is the number of hops left.
func (p IPv4) TTL() uint8 { return p[8] }

// Protocol is what the payload is (ProtoTCP ...).
func (p IPv4) Protocol() uint8 { return p[9] }

// Checksum is the header checksum as it is in the packet.
func (p IPv4) Checksum() uint16 { return binary.BigEndian.Uint16(p[10:]) }

// ChecksumOK says whether the header checksum is right.
func (p IPv4) ChecksumOK() bool { return Checksum(p[:p.HeaderLen()]) == 0 }

// Src is the source address.
func (p IPv4) Src() netip.Addr { return netip.AddrFrom4([4]byte(p[12:16])) }

// Dst is the destination address.
func (p IPv4) Dst() netip.Addr { return netip.AddrFrom4([4]byte(p[16:20])) }

// Options are the option bytes, padding included; empty without options.
func (p IPv4) Options() []byte { return p[IPv4MinHeader:p.HeaderLen()] }

// Payload is the data that is there: up to the total length, less when the packet is cut.
func (p IPv4) Payload() []byte { return p[p.HeaderLen():min(p.TotalLength(), len(p))] }

// Truncated says that bytes of the packet are missing at its end.
func (p IPv4) Truncated() bool { return len(p) < p.TotalLength() }

// SetID changes the identification and mends the checksum by RFC 1624.
func (p IPv4) SetID(id uint16) { p.setWord(4, id) }

// SetTTL changes the hops left and mends the checksum by RFC 1624.
func (p IPv4) SetTTL(ttl uint8) { p.setWord(8, uint16(ttl)<<8|uint16(p[9])) }

// SetTOS changes DSCP and ECN and mends the checksum by RFC 1624.
func (p IPv4) SetTOS(tos uint8) { p.setWord(0, uint16(p[0])<<8|uint16(tos)) }

// setWord changes the header word at an even offset other than that of the checksum.
func (p IPv4) setWord(at int, v uint16) {
	old := binary.BigEndian.Uint16(p[at:])
	binary.BigEndian.PutUint16(p[at:], v)
	binary.BigEndian.PutUint16(p[10:], UpdateChecksum(p.Checksum(), old, v))
}

// Fields are the header's values. Options share the packet's memory.
func (p IPv4) Fields() IPv4Fields {
	return IPv4Fields{
		TOS: p.TOS(), ID: p.ID(), DF: p.DF(), MF: p.MF(), Offset: p.Offset(),
		TTL: p.TTL(), Protocol: p.Protocol(), Src: p.Src(), Dst: p.Dst(), Options: p.Options(),
	}
}

// Append writes the header of a packet with payload bytes of data to the end of dst, checksum
// included. It fails, with dst unchanged, when a value does not fit its field.
func (f *IPv4Fields) Append(dst []byte, payload int) ([]byte, error) {
	total := IPv4MinHeader + len(f.Options) + payload
	switch {
	case len(f.Options) > 40 || len(f.Options)%4 != 0:
		return dst, ErrIPv4Options
	case payload < 0 || total > 0xffff:
		return dst, ErrIPv4TotalLength
	case f.Offset < 0 || f.Offset%8 != 0 || f.Offset/8 > 0x1fff:
		return dst, ErrFragmentOffset
	case !f.Src.Is4() || !f.Dst.Is4():
		return dst, ErrAddressFamily
	}
	at := len(dst)
	dst = append(dst, 4<<4|uint8((IPv4MinHeader+len(f.Options))/4), f.TOS)
	dst = binary.BigEndian.AppendUint16(dst, uint16(total))
	dst = binary.BigEndian.AppendUint16(dst, f.ID)
	dst = binary.BigEndian.AppendUint16(dst, f.fragmentWord())
	dst = append(dst, f.TTL, f.Protocol, 0, 0)
	src, to := f.Src.As4(), f.Dst.As4()
	dst = append(append(dst, src[:]...), to[:]...)
	dst = append(dst, f.Options...)
	binary.BigEndian.PutUint16(dst[at+10:], Checksum(dst[at:]))
	return dst, nil
}

// fragmentWord is flags and offset: bit 0 reserved, DF, MF, 13 bits of offset (RFC 791 3.1).
func (f *IPv4Fields) fragmentWord() uint16 {
	w := uint16(f.Offset / 8)
	if f.DF {
		w |= 0x4000
	}
	if f.MF {
		w |= 0x2000
	}
	return w
}
