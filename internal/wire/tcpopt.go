package wire

import "encoding/binary"

// TCP option kinds, decimal as in IANA's "TCP Option Kind Numbers".
const (
	TCPOptEnd           uint8 = 0 // RFC 9293 3.2
	TCPOptNOP           uint8 = 1 // RFC 9293 3.2
	TCPOptMSS           uint8 = 2 // RFC 9293 3.2
	TCPOptWindowScale   uint8 = 3 // RFC 7323 2.2
	TCPOptSACKPermitted uint8 = 4 // RFC 2018 2
	TCPOptSACK          uint8 = 5 // RFC 2018 3
	TCPOptTimestamps    uint8 = 8 // RFC 7323 3.2
)

// MaxWindowScale is the largest shift that counts; a larger one is taken as this (RFC 7323 2.3).
const MaxWindowScale = 14

// SACKBlock is one block of received data: Left is its first sequence number, Right the one behind
// its last (RFC 2018 3). The first block may report a duplicate (RFC 2883).
type SACKBlock struct {
	Left, Right uint32
}

// TCPOptions are the options of one segment. The zero value is a segment without options.
type TCPOptions struct {
	MSS           uint16 // maximum segment size, when HasMSS
	WindowScale   uint8  // shift as on the wire, when HasScale; above MaxWindowScale it counts as that
	HasMSS        bool
	HasScale      bool // the window scale option is there
	SACKPermitted bool
	HasTimestamps bool
	TSVal, TSEcr  uint32 // timestamp value and echo reply, when HasTimestamps
	SACKBlocks    [4]SACKBlock
	SACKCount     int // how many of SACKBlocks are there, at most 4: the header has no room for more
	Unknown       int // how many options of other kinds are there
}

// ParseTCPOptions reads the option bytes of a header (TCP.Options). When an option is malformed it
// gives what was read before it and the error; bytes behind the end-of-list option do not count.
func ParseTCPOptions(b []byte) (TCPOptions, error) {
	var o TCPOptions
	for len(b) > 0 {
		kind, data, rest, err := NextTCPOption(b)
		if err != nil {
			return o, err
		}
		if kind == TCPOptEnd {
			return o, nil
		}
		if err := o.set(kind, data); err != nil {
			return o, err
		}
		b = rest
	}
	return o, nil
}

// NextTCPOption splits the first option from b, which must not be empty: its kind, its data without
// kind and length, and what follows. The two kinds of a single byte have no data.
func NextTCPOption(b []byte) (kind uint8, data, rest []byte, err error) {
	kind = b[0]
	if kind == TCPOptEnd || kind == TCPOptNOP {
		return kind, nil, b[1:], nil
	}
	if len(b) < 2 {
		return kind, nil, nil, ErrTCPOptionShort
	}
	n := int(b[1])
	if n < 2 {
		return kind, nil, nil, ErrTCPOptionLength
	}
	if n > len(b) {
		return kind, nil, nil, ErrTCPOptionShort
	}
	return kind, b[2:n], b[n:], nil
}

// set takes the value of one option. Of an option that is there twice the last counts.
func (o *TCPOptions) set(kind uint8, data []byte) error {
	switch kind {
	case TCPOptNOP:
	case TCPOptMSS:
		if len(data) != 2 {
			return ErrTCPOptionLength
		}
		o.MSS, o.HasMSS = binary.BigEndian.Uint16(data), true
	case TCPOptWindowScale:
		if len(data) != 1 {
			return ErrTCPOptionLength
		}
		o.WindowScale, o.HasScale = data[0], true
	case TCPOptSACKPermitted:
		if len(data) != 0 {
			return ErrTCPOptionLength
		}
		o.SACKPermitted = true
	case TCPOptSACK:
		return o.setSACK(data)
	case TCPOptTimestamps:
		if len(data) != 8 {
			return ErrTCPOptionLength
		}
		o.TSVal, o.TSEcr = binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
		o.HasTimestamps = true
	default:
		o.Unknown++
	}
	return nil
}

// setSACK reads one to four blocks of 8 bytes (RFC 2018 3).
func (o *TCPOptions) setSACK(data []byte) error {
	n := len(data) / 8
	if len(data)%8 != 0 || n == 0 || n > len(o.SACKBlocks) {
		return ErrTCPOptionLength
	}
	for i := range n {
		o.SACKBlocks[i] = SACKBlock{binary.BigEndian.Uint32(data[8*i:]), binary.BigEndian.Uint32(data[8*i+4:])}
	}
	o.SACKCount = n
	return nil
}

// SACK are the blocks that are there.
func (o *TCPOptions) SACK() []SACKBlock { return o.SACKBlocks[:o.SACKCount] }

// Append writes the options to the end of dst, each behind as many NOPs as bring its values to a
// 4-byte boundary (RFC 7323 appendix A). It fails, with dst unchanged, when they need more than 40
// bytes or SACKCount is above 4.
func (o *TCPOptions) Append(dst []byte) ([]byte, error) {
	if o.SACKCount < 0 || o.SACKCount > len(o.SACKBlocks) || o.length() > 40 {
		return dst, ErrTCPOptionsLength
	}
	if o.HasMSS {
		dst = append(dst, TCPOptMSS, 4)
		dst = binary.BigEndian.AppendUint16(dst, o.MSS)
	}
	dst = o.appendSACKPermitted(dst)
	if o.HasTimestamps {
		dst = binary.BigEndian.AppendUint32(dst, o.TSVal)
		dst = binary.BigEndian.AppendUint32(dst, o.TSEcr)
	}
	if o.HasScale {
		dst = append(dst, TCPOptNOP, TCPOptWindowScale, 3, o.WindowScale)
	}
	if o.SACKCount == 0 {
		return dst, nil
	}
	dst = append(dst, TCPOptNOP, TCPOptNOP, TCPOptSACK, uint8(2+8*o.SACKCount))
	for _, s := range o.SACK() {
		dst = binary.BigEndian.AppendUint32(dst, s.Left)
		dst = binary.BigEndian.AppendUint32(dst, s.Right)
	}
	return dst, nil
}

// appendSACKPermitted writes SACK-permitted and the head of the timestamps: the first stands in the
// place of the other's two NOPs when both are there, as stacks send them.
func (o *TCPOptions) appendSACKPermitted(dst []byte) []byte {
	switch {
	case o.SACKPermitted:
		dst = append(dst, TCPOptSACKPermitted, 2)
	case o.HasTimestamps:
		dst = append(dst, TCPOptNOP, TCPOptNOP)
	}
	switch {
	case o.HasTimestamps:
		return append(dst, TCPOptTimestamps, 10)
	case o.SACKPermitted:
		return append(dst, TCPOptNOP, TCPOptNOP)
	}
	return dst
}

// length is the number of bytes that Append writes.
func (o *TCPOptions) length() int {
	n := 0
	if o.HasMSS {
		n += 4
	}
	if o.HasTimestamps {
		n += 12
	} else if o.SACKPermitted {
		n += 4
	}
	if o.HasScale {
		n += 4
	}
	if o.SACKCount > 0 {
		n += 4 + 8*o.SACKCount
	}
	return n
}
