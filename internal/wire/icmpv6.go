package wire

import (
	"encoding/binary"
	"net/netip"
)

// ICMPv6 types, decimal as in IANA's "ICMPv6 Parameters". Below 128 are errors (RFC 4443 2.1).
const (
	ICMPv6Unreachable  uint8 = 1
	ICMPv6TooBig       uint8 = 2
	ICMPv6TimeExceeded uint8 = 3
	ICMPv6ParamProblem uint8 = 4
	ICMPv6EchoRequest  uint8 = 128
	ICMPv6EchoReply    uint8 = 129
)

// ICMPv6 is a checked view of an ICMPv6 message (RFC 4443 2.1), from its type on.
type ICMPv6 []byte

// CheckICMPv6 says whether b holds the 8 bytes that every message used here has, and gives the view.
func CheckICMPv6(b []byte) (ICMPv6, error) {
	if len(b) < ICMPHeader {
		return nil, ErrICMPShort
	}
	return ICMPv6(b), nil
}

// Type is the message's type (ICMPv6EchoReply ...).
func (m ICMPv6) Type() uint8 { return m[0] }

// Code refines the type.
func (m ICMPv6) Code() uint8 { return m[1] }

// Checksum is the checksum as it is in the message.
func (m ICMPv6) Checksum() uint16 { return binary.BigEndian.Uint16(m[2:]) }

// ChecksumOK says whether the checksum over pseudo header and message is right (RFC 4443 2.3).
// m must not be cut.
func (m ICMPv6) ChecksumOK(src, dst netip.Addr) bool {
	return Pseudo(src, dst, ProtoICMPv6, len(m)).Bytes(m).Checksum() == 0
}

// ID is the identifier of an echo message (RFC 4443 4.1).
func (m ICMPv6) ID() uint16 { return binary.BigEndian.Uint16(m[4:]) }

// Seq is the sequence number of an echo message (RFC 4443 4.1).
func (m ICMPv6) Seq() uint16 { return binary.BigEndian.Uint16(m[6:]) }

// MTU is the next hop's MTU in a Packet Too Big message (RFC 4443 3.2). It is whatever the router
// wrote, 32 bits wide.
func (m ICMPv6) MTU() uint32 { return binary.BigEndian.Uint32(m[4:]) }

// Pointer is the offset of the wrong field in a parameter problem (RFC 4443 3.4).
func (m ICMPv6) Pointer() uint32 { return binary.BigEndian.Uint32(m[4:]) }

// Body is what follows the first 8 bytes: echo data or the quoted packet with what stands behind it.
func (m ICMPv6) Body() []byte { return m[ICMPHeader:] }

// IsError says that the message reports on a packet and quotes it: the high bit of the type is clear
// (RFC 4443 2.1).
func (m ICMPv6) IsError() bool { return m.Type() < 128 }

// Quoted are the bytes of the packet that an error message is about, extensions left out: with a
// length in the fifth byte (in 8-byte words, RFC 4884 4.4 and 4.5) that many; without one, all.
func (m ICMPv6) Quoted() []byte {
	switch m.Type() {
	case ICMPv6Unreachable, ICMPv6TimeExceeded:
		return quoted(m.Body(), int(m[4])*8)
	}
	return m.Body()
}

// Extensions are the bytes behind the quoted packet (RFC 4884 7), empty when there are none.
func (m ICMPv6) Extensions() []byte { return m.Body()[len(m.Quoted()):] }

// Quote reads the packet that an error message is about. It fails with ErrICMPNoQuote for a message
// that is no error.
func (m ICMPv6) Quote() (Quote, error) {
	if !m.IsError() {
		return Quote{}, ErrICMPNoQuote
	}
	return ParseQuoteIPv6(m.Quoted())
}

// AppendICMPv6Echo writes an echo message of type ICMPv6EchoRequest or ICMPv6EchoReply with its data to
// the end of dst, checksum included. A raw ICMPv6 socket has the kernel overwrite that checksum
// (RFC 3542 3.1), so its sender may pass any addresses.
func AppendICMPv6Echo(dst []byte, src, to netip.Addr, typ uint8, id, seq uint16, data []byte) []byte {
	return AppendICMPv6(dst, src, to, typ, 0, uint32(id)<<16|uint32(seq), data)
}

// AppendICMPv6 writes any message to the end of dst, checksum included. rest is the second word of
// the header: for an echo the identifier and the number, for Packet Too Big the MTU.
func AppendICMPv6(dst []byte, src, to netip.Addr, typ, code uint8, rest uint32, body []byte) []byte {
	at := len(dst)
	dst = append(dst, typ, code, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, rest)
	dst = append(dst, body...)
	sum := Pseudo(src, to, ProtoICMPv6, len(dst)-at).Bytes(dst[at:])
	binary.BigEndian.PutUint16(dst[at+2:], sum.Checksum())
	return dst
}
