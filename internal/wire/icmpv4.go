package wire

import (
	"encoding/binary"
	"net/netip"
)

// ICMPHeader is the length in bytes of the part of an ICMP message that all types share (RFC 792;
// RFC 4443 2.1, with the four bytes that every message used here has).
const ICMPHeader = 8

// ICMPv4 types, decimal as in IANA's "ICMP Type Numbers".
const (
	ICMPv4EchoReply    uint8 = 0
	ICMPv4Unreachable  uint8 = 3
	ICMPv4SourceQuench uint8 = 4 // deprecated by RFC 6633
	ICMPv4Redirect     uint8 = 5
	ICMPv4EchoRequest  uint8 = 8
	ICMPv4TimeExceeded uint8 = 11
	ICMPv4ParamProblem uint8 = 12
)

// ICMPv4FragNeeded is the code of ICMPv4Unreachable for "fragmentation needed and DF set" (RFC 792).
const ICMPv4FragNeeded uint8 = 4

// ICMPv4 is a checked view of an ICMP message (RFC 792), from its type on.
type ICMPv4 []byte

// CheckICMPv4 says whether b holds the 8 bytes that every message has, and gives the view.
func CheckICMPv4(b []byte) (ICMPv4, error) {
	if len(b) < ICMPHeader {
		return nil, ErrICMPShort
	}
	return ICMPv4(b), nil
}

// Type is the message's type (ICMPv4EchoReply ...).
func (m ICMPv4) Type() uint8 { return m[0] }

// Code refines the type.
func (m ICMPv4) Code() uint8 { return m[1] }

// Checksum is the checksum as it is in the message.
func (m ICMPv4) Checksum() uint16 { return binary.BigEndian.Uint16(m[2:]) }

// ChecksumOK says whether the checksum over the whole message is right. m must not be cut.
func (m ICMPv4) ChecksumOK() bool { return Checksum(m) == 0 }

// ID is the identifier of an echo message (RFC 792, Echo).
func (m ICMPv4) ID() uint16 { return binary.BigEndian.Uint16(m[4:]) }

// Seq is the sequence number of an echo message (RFC 792, Echo).
func (m ICMPv4) Seq() uint16 { return binary.BigEndian.Uint16(m[6:]) }

// MTU is the next hop's MTU in a "fragmentation needed" message; 0 from routers older than RFC 1191 4.
func (m ICMPv4) MTU() int { return int(binary.BigEndian.Uint16(m[6:])) }

// Gateway is the address of the better first hop in a redirect (RFC 792, Redirect).
func (m ICMPv4) Gateway() netip.Addr { return netip.AddrFrom4([4]byte(m[4:8])) }

// Pointer is the offset of the wrong byte in a parameter problem (RFC 792, Parameter Problem).
func (m ICMPv4) Pointer() int { return int(m[4]) }

// Body is what follows the first 8 bytes: echo data or the quoted packet with what stands behind it.
func (m ICMPv4) Body() []byte { return m[ICMPHeader:] }

// IsError says that the message reports on a packet and quotes it (RFC 1122 3.2.2).
func (m ICMPv4) IsError() bool {
	switch m.Type() {
	case ICMPv4Unreachable, ICMPv4SourceQuench, ICMPv4Redirect, ICMPv4TimeExceeded, ICMPv4ParamProblem:
		return true
	}
	return false
}

// Quoted are the bytes of the packet that an error message is about, extensions left out: with a
// length in the sixth byte (in 4-byte words, RFC 4884 4.1 to 4.3) that many; without one, all.
func (m ICMPv4) Quoted() []byte {
	switch m.Type() {
	case ICMPv4Unreachable, ICMPv4TimeExceeded, ICMPv4ParamProblem:
		return quoted(m.Body(), int(m[5])*4)
	}
	return m.Body()
}

// Extensions are the bytes behind the quoted packet (RFC 4884 7), empty when there are none.
func (m ICMPv4) Extensions() []byte { return m.Body()[len(m.Quoted()):] }

// Quote reads the packet that an error message is about. It fails with ErrICMPNoQuote for a message
// that is no error.
func (m ICMPv4) Quote() (Quote, error) {
	if !m.IsError() {
		return Quote{}, ErrICMPNoQuote
	}
	return ParseQuoteIPv4(m.Quoted())
}

// quoted cuts a quotation to the length that the message gives; 0 means that it gives none.
func quoted(body []byte, length int) []byte {
	if length == 0 {
		return body
	}
	return body[:min(length, len(body))]
}

// AppendICMPv4Echo writes an echo message of type ICMPv4EchoRequest or ICMPv4EchoReply with its data to
// the end of dst, checksum included.
func AppendICMPv4Echo(dst []byte, typ uint8, id, seq uint16, data []byte) []byte {
	return AppendICMPv4(dst, typ, 0, uint32(id)<<16|uint32(seq), data)
}

// AppendICMPv4 writes any message to the end of dst, checksum included. rest is the second word of
// the header: for an echo the identifier and the number, for "fragmentation needed" the MTU.
func AppendICMPv4(dst []byte, typ, code uint8, rest uint32, body []byte) []byte {
	at := len(dst)
	dst = append(dst, typ, code, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, rest)
	dst = append(dst, body...)
	binary.BigEndian.PutUint16(dst[at+2:], Checksum(dst[at:]))
	return dst
}
