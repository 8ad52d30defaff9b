package wire

import (
	"encoding/binary"
	"net/netip"
)

// TCPMinHeader is the length in bytes of a TCP header without options (RFC 9293 3.1).
const TCPMinHeader = 20

// TCPFlags are the control bits of a TCP header (RFC 9293 3.1; IANA "TCP Header Flags"), the twelve
// bits after the data offset without the three that are reserved.
type TCPFlags uint16

// The control bits.
const (
	FIN TCPFlags = 0x001 // no more data from the sender
	SYN TCPFlags = 0x002 // synchronise sequence numbers
	RST TCPFlags = 0x004 // reset the connection
	PSH TCPFlags = 0x008 // push
	ACK TCPFlags = 0x010 // the acknowledgment field counts
	URG TCPFlags = 0x020 // the urgent pointer counts
	ECE TCPFlags = 0x040 // RFC 3168 6.1
	CWR TCPFlags = 0x080 // RFC 3168 6.1
	AE  TCPFlags = 0x100 // accurate ECN (RFC 9768); the former NS of RFC 3540
)

// String names the bits that are set, SYN first and ACK last as one reads them: "SYN,ACK"; "" if none.
func (f TCPFlags) String() string { return string(f.Append(nil)) }

// Append writes what String gives to the end of dst.
func (f TCPFlags) Append(dst []byte) []byte {
	at := len(dst)
	for _, n := range [...]struct {
		bit  TCPFlags
		name string
	}{{SYN, "SYN"}, {FIN, "FIN"}, {RST, "RST"}, {URG, "URG"}, {PSH, "PSH"}, {AE, "AE"}, {CWR, "CWR"}, {ECE, "ECE"}, {ACK, "ACK"}} {
		if f&n.bit == 0 {
			continue
		}
		if len(dst) > at {
			dst = append(dst, ',')
		}
		dst = append(dst, n.name...)
	}
	return dst
}

// TCP is a checked view of a TCP segment (RFC 9293 3.1), from its source port on.
type TCP []byte

// TCPFields are the values of a TCP header without options; data offset and checksum follow when it
// is written.
type TCPFields struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	Flags            TCPFlags
	Window           uint16 // as in the header, not scaled
	Urgent           uint16 // urgent pointer
}

// CheckTCP says whether b starts with a whole TCP header, options included, and gives the view. Data
// may be missing: TCP has no length of its own.
func CheckTCP(b []byte) (TCP, error) {
	if len(b) < TCPMinHeader {
		return nil, ErrTCPShort
	}
	s := TCP(b)
	switch {
	case s.HeaderLen() < TCPMinHeader:
		return nil, ErrTCPDataOffset
	case s.HeaderLen() > len(b):
		return nil, ErrTCPShort
	}
	return s, nil
}

// SrcPort is the source port.
func (s TCP) SrcPort() uint16 { return binary.BigEndian.Uint16(s) }

// DstPort is the destination port.
func (s TCP) DstPort() uint16 { return binary.BigEndian.Uint16(s[2:]) }

// Seq is the sequence number of the first byte, or of the SYN.
func (s TCP) Seq() uint32 { return binary.BigEndian.Uint32(s[4:]) }

// Ack is the next sequence number that the sender expects; it counts when ACK is set.
func (s TCP) Ack() uint32 { return binary.BigEndian.Uint32(s[8:]) }

// HeaderLen is the header's length in bytes, options included (data offset times 4).
func (s TCP) HeaderLen() int { return int(s[12]>>4) * 4 }

// Flags are the control bits.
func (s TCP) Flags() TCPFlags { return TCPFlags(binary.BigEndian.Uint16(s[12:])) & 0x1ff }

// Window is the receive window as in the header, not scaled (RFC 7323 2.2).
func (s TCP) Window() uint16 { return binary.BigEndian.Uint16(s[14:]) }

// Checksum is the checksum as it is in the segment.
func (s TCP) Checksum() uint16 { return binary.BigEndian.Uint16(s[16:]) }

// ChecksumOK says whether the checksum over pseudo header and segment is right. s must be the whole
// segment and nothing behind it.
func (s TCP) ChecksumOK(src, dst netip.Addr) bool {
	return Pseudo(src, dst, ProtoTCP, len(s)).Bytes(s).Checksum() == 0
}

// Urgent is the urgent pointer; it counts when URG is set.
func (s TCP) Urgent() uint16 { return binary.BigEndian.Uint16(s[18:]) }

// Options are the option bytes, padding included; ParseTCPOptions reads them.
func (s TCP) Options() []byte { return s[TCPMinHeader:s.HeaderLen()] }

// Payload is the data that is there.
func (s TCP) Payload() []byte { return s[s.HeaderLen():] }

// SeqLen is the sequence space that the segment takes: its data, plus one each for SYN and FIN
// (RFC 9293 3.4). s must be the whole segment.
func (s TCP) SeqLen() int {
	n := len(s.Payload())
	if s.Flags()&SYN != 0 {
		n++
	}
	if s.Flags()&FIN != 0 {
		n++
	}
	return n
}

// SetChecksum computes the checksum over pseudo header and segment and writes it.
func (s TCP) SetChecksum(src, dst netip.Addr) {
	s[16], s[17] = 0, 0
	binary.BigEndian.PutUint16(s[16:], Pseudo(src, dst, ProtoTCP, len(s)).Bytes(s).Checksum())
}

// Fields are the header's values.
func (s TCP) Fields() TCPFields {
	return TCPFields{
		SrcPort: s.SrcPort(), DstPort: s.DstPort(), Seq: s.Seq(), Ack: s.Ack(),
		Flags: s.Flags(), Window: s.Window(), Urgent: s.Urgent(),
	}
}

// Append writes a segment to the end of dst, checksum included. options are bytes as on the wire
// (TCPOptions.Append), filled up with end-of-list bytes to a multiple of 4 (RFC 9293 3.1). It fails,
// with dst unchanged, when the options do not fit.
func (f *TCPFields) Append(dst []byte, src, to netip.Addr, options, data []byte) ([]byte, error) {
	header := TCPMinHeader + (len(options)+3)&^3
	if header > 60 {
		return dst, ErrTCPOptionsLength
	}
	if src.Is4() != to.Is4() || !src.IsValid() || !to.IsValid() {
		return dst, ErrAddressFamily
	}
	at := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, f.SrcPort)
	dst = binary.BigEndian.AppendUint16(dst, f.DstPort)
	dst = binary.BigEndian.AppendUint32(dst, f.Seq)
	dst = binary.BigEndian.AppendUint32(dst, f.Ack)
	dst = binary.BigEndian.AppendUint16(dst, uint16(header/4)<<12|uint16(f.Flags&0x1ff))
	dst = binary.BigEndian.AppendUint16(dst, f.Window)
	dst = binary.BigEndian.AppendUint16(dst, 0)
	dst = binary.BigEndian.AppendUint16(dst, f.Urgent)
	dst = append(dst, options...)
	for len(dst)-at < header {
		dst = append(dst, 0)
	}
	dst = append(dst, data...)
	TCP(dst[at:]).SetChecksum(src, to)
	return dst, nil
}

// SeqLess says whether a comes before b in sequence space, which wraps (RFC 9293 3.4).
func SeqLess(a, b uint32) bool { return int32(a-b) < 0 }
