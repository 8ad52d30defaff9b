package wire

import (
	"encoding/binary"
	"net/netip"
)

// UDPHeader is the length in bytes of a UDP header (RFC 768).
const UDPHeader = 8

// UDP is a checked view of a UDP datagram (RFC 768), from its source port on.
type UDP []byte

// UDPFields are the values of a UDP header; length and checksum follow when it is written.
type UDPFields struct {
	SrcPort, DstPort uint16
}

// CheckUDP says whether b starts with a whole UDP header with a possible length, and gives the view.
// Data may be missing (Truncated) and bytes may follow the datagram (Payload leaves them out).
func CheckUDP(b []byte) (UDP, error) {
	if len(b) < UDPHeader {
		return nil, ErrUDPShort
	}
	u := UDP(b)
	if u.Length() < UDPHeader {
		return nil, ErrUDPLength
	}
	return u, nil
}

// SrcPort is the source port.
func (u UDP) SrcPort() uint16 { return binary.BigEndian.Uint16(u) }

// DstPort is the destination port.
func (u UDP) DstPort() uint16 { return binary.BigEndian.Uint16(u[2:]) }

// Length is the length of header and data in bytes, as the header says.
func (u UDP) Length() int { return int(binary.BigEndian.Uint16(u[4:])) }

// Checksum is the checksum as it is in the datagram; 0 says that there is none (RFC 768).
func (u UDP) Checksum() uint16 { return binary.BigEndian.Uint16(u[6:]) }

// ChecksumOK says whether the checksum over pseudo header and datagram is right. A missing one is
// right over IPv4 (RFC 768) and wrong over IPv6 (RFC 8200 8.1). A cut datagram's is never right.
func (u UDP) ChecksumOK(src, dst netip.Addr) bool {
	if u.Truncated() {
		return false
	}
	if u.Checksum() == 0 {
		return src.Is4()
	}
	return Pseudo(src, dst, ProtoUDP, u.Length()).Bytes(u[:u.Length()]).Checksum() == 0
}

// Payload is the data that is there: up to the length, less when the datagram is cut.
func (u UDP) Payload() []byte { return u[UDPHeader:min(u.Length(), len(u))] }

// Truncated says that bytes of the datagram are missing at its end.
func (u UDP) Truncated() bool { return len(u) < u.Length() }

// Fields are the header's values.
func (u UDP) Fields() UDPFields { return UDPFields{SrcPort: u.SrcPort(), DstPort: u.DstPort()} }

// Append writes a datagram to the end of dst, checksum included. A checksum of 0 is sent as all ones,
// as 0 means that there is none (RFC 768). It fails, with dst unchanged, when the data do not fit.
func (f *UDPFields) Append(dst []byte, src, to netip.Addr, data []byte) ([]byte, error) {
	length := UDPHeader + len(data)
	if length > 0xffff {
		return dst, ErrUDPLength
	}
	if src.Is4() != to.Is4() || !src.IsValid() || !to.IsValid() {
		return dst, ErrAddressFamily
	}
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, f.SrcPort)
	dst = binary.BigEndian.AppendUint16(dst, f.DstPort)
	dst = binary.BigEndian.AppendUint16(dst, uint16(length))
	dst = append(append(dst, 0, 0), data...)
	check := Pseudo(src, to, ProtoUDP, length).Bytes(dst[at:]).Checksum()
	if check == 0 {
		check = 0xffff
	}
	binary.BigEndian.PutUint16(dst[at+6:], check)
	return dst, nil
}
