package event

import "net/netip"

// Flags are the control bits of a TCP header (RFC 9293 section 3.1; AE from RFC 9768), FIN in the lowest bit.
type Flags uint16

// The control bits.
const (
	FIN Flags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

var flagNames = [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"}

// Has reports whether all bits of m are set.
func (f Flags) Has(m Flags) bool { return f&m == m }

// flagOrder is the order in which people say the flags: SYN,ACK and PSH,ACK and FIN,ACK.
var flagOrder = [...]uint8{1, 0, 2, 3, 4, 5, 6, 7, 8}

// Append appends the names of the set bits, comma between them, SYN first and ACK after FIN, RST and PSH.
func (f Flags) Append(dst []byte) []byte {
	start := len(dst)
	for _, i := range flagOrder {
		if f&(1<<i) == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, flagNames[i]...)
	}
	return dst
}

// String returns the names as Append writes them.
func (f Flags) String() string { return string(f.Append(nil)) }

// Block is one SACK block: the octets from Left up to, not including, Right (RFC 2018 section 3).
type Block struct{ Left, Right uint32 }

// MaxBlocks is the number of SACK blocks that fit into the option space of a header.
const MaxBlocks = 4

// Options are the TCP options of a segment that matter here. An option that is absent has its Has bit clear.
type Options struct {
	Has    OptionSet
	MSS    uint16
	WScale uint8
	TSVal  uint32
	TSEcr  uint32
	// Sack[:NSack] are the blocks with raw sequence numbers, RelSack the same relative to the initial number of the
	// end that receives this segment (whose octets they are); zero while that number is unknown.
	NSack   uint8
	Sack    [MaxBlocks]Block
	RelSack [MaxBlocks]Block
}

// OptionSet is a set of TCP options.
type OptionSet uint8

// The options.
const (
	OptMSS OptionSet = 1 << iota
	OptWScale
	OptSackPermitted
	OptTimestamps
	OptSack
)

// Reason says why an end transmitted a segment.
type Reason uint8

// The reasons. New is the first transmission of its octets, SYN and FIN included; Ack a segment that occupies no
// sequence numbers; Fast a retransmission by duplicate acknowledgements or SACK recovery; Retransmit one whose cause
// is not known.
const (
	_ Reason = iota
	New
	Ack
	Timeout
	Fast
	TailProbe
	WindowProbe
	Keepalive
	Reset
	Retransmit
)

// Tuple names a connection as one end sees it.
type Tuple struct{ Local, Remote netip.AddrPort }

// Segment is one TCP segment on its way.
type Segment struct {
	// ID numbers the transmissions on the link from 1: the events tx and rx (or lost) of the same packet share it, a
	// retransmission has a new one.
	ID       int
	Src, Dst netip.AddrPort
	// IPID is the identification of the IPv4 header, Hop its TTL or hop limit.
	IPID uint16
	Hop  uint8

	Flags Flags
	// Seq and Ack are the numbers in the header. RelSeq and RelAck count from the initial numbers, so that the SYN has
	// 0 and the first octet of data 1; HasRelSeq and HasRelAck are false while the initial number has not been seen on
	// the link (and RelAck of a segment without ACK).
	Seq, Ack             uint32
	RelSeq, RelAck       uint32
	HasRelSeq, HasRelAck bool
	// Win is the window field. Window is the same in octets, scaled as the two SYNs agreed (never for a SYN itself,
	// RFC 7323 section 2.2); HasWindow is false if the SYNs were not seen.
	Win       uint16
	Window    uint32
	HasWindow bool
	// Len is the number of payload octets, Hash the FNV-1a 64 of them.
	Len  int
	Hash uint64
	// Size is the length of the IP packet, Wire its first bytes as they were on the wire (Run.Snap of them).
	Size int
	Wire string

	Opts Options

	// BadSum is true if the checksum in the TCP header is wrong.
	BadSum bool
	// Attempt counts the transmissions of these sequence numbers by their sender: 1 for the first, 0 for a segment that
	// occupies none. It is taken from the link, so it is a fact. A segment that repeats any octet counts as a repetition.
	Attempt int
	// Why is the reason of the transmission and WhyHow how it is known.
	Why    Reason
	WhyHow How
}

// Space returns the length of the segment in sequence numbers: payload, SYN and FIN (SEG.LEN, RFC 9293 section 3.4).
func (s *Segment) Space() uint32 {
	n := uint32(s.Len)
	if s.Flags&SYN != 0 {
		n++
	}
	if s.Flags&FIN != 0 {
		n++
	}
	return n
}
