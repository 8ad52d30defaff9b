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
	// Sack[:NSack] are the blocks.
	NSack uint8
	Sack  [MaxBlocks]Block
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
	// Seq and Ack are the numbers in the header, Win its window field.
	Seq, Ack uint32
	Win      uint16
	// Len is the number of payload octets, Hash the FNV-1a 64 of them.
	Len  int
	Hash uint64
	// Size is the length of the IP packet, Wire its first bytes as they were on the wire (Run.Snap of them).
	Size int
	Wire string

	Opts Options

	// BadSum is true if the checksum in the TCP header is wrong.
	BadSum bool

	// Origin says who made the segment, Line in which words the run was asked for one that no stack made.
	Origin Origin
	Line   string
}

// Origin says who made a segment.
type Origin uint8

// The origins. FromStack: the stack of the end that has it as source. Injected: somebody between the two ends, who gives
// that end as its source; the end itself knows nothing of it. Scripted: an end that has no stack and follows a script.
const (
	FromStack Origin = iota
	Injected
	Scripted
)

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
