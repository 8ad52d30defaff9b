package wire

import (
	"encoding/binary"
	"net/netip"
)

// Types of ICMPv6 node information messages (RFC 4620 4).
const (
	ICMPv6NodeQuery uint8 = 139
	ICMPv6NodeReply uint8 = 140
)

// What a node information query is about, its code (RFC 4620 4).
const (
	NodeSubjectIPv6 uint8 = 0
	NodeSubjectName uint8 = 1
	NodeSubjectIPv4 uint8 = 2
)

// How a node information reply answers, its code (RFC 4620 4).
const (
	NodeSuccess uint8 = 0
	NodeRefused uint8 = 1
	NodeUnknown uint8 = 2 // the type of the query is unknown
)

// What a node information query asks for, its Qtype (RFC 4620 6).
const (
	NodeName  uint16 = 2
	NodeIPv6  uint16 = 3
	NodeIPv4  uint16 = 4
	nodeTTL          = 4  // bytes before a name and before each address
	NodeFixed        = 16 // bytes of the message before subject or answer
)

// NodeTruncated is the flag of a reply with addresses that says that there are more (RFC 4620 6.3, 6.4).
const NodeTruncated uint16 = 1

// NodeInfo is a checked view of an ICMPv6 node information message, from its ICMPv6 header on (RFC 4620 4).
type NodeInfo []byte

// CheckNodeInfo says whether b has room for what is in front of subject or answer, and gives the view.
// It does not look at the type.
func CheckNodeInfo(b []byte) (NodeInfo, error) {
	if len(b) < NodeFixed {
		return nil, ErrNodeInfoShort
	}
	return NodeInfo(b), nil
}

// Type is ICMPv6NodeQuery or ICMPv6NodeReply.
func (n NodeInfo) Type() uint8 { return n[0] }

// Code is the kind of a query's subject, or how a reply answers.
func (n NodeInfo) Code() uint8 { return n[1] }

// Qtype is what is asked for.
func (n NodeInfo) Qtype() uint16 { return binary.BigEndian.Uint16(n[4:]) }

// Flags are those of the Qtype.
func (n NodeInfo) Flags() uint16 { return binary.BigEndian.Uint16(n[6:]) }

// Nonce is what a reply repeats from its query. It shares the view's memory.
func (n NodeInfo) Nonce() []byte { return n[8:16] }

// Data is the subject or the answer. It shares the view's memory.
func (n NodeInfo) Data() []byte { return n[NodeFixed:] }

// NextName reads the name at Data()[at:] of a reply to NodeName, appended to dst as ReadDNSName does; the
// first one is at NodeNames. full says that it is whole, and not one label that lacks its domain (RFC 4620
// 6.2: two empty labels end it). next is where the next name begins.
func (n NodeInfo) NextName(dst []byte, at int) (name []byte, next int, full bool, err error) {
	data := n.Data()
	name, next, err = ReadDNSName(dst, data, at)
	if err != nil {
		return name, 0, false, err
	}
	if next < len(data) && data[next] == 0 {
		return name, next + 1, false, nil
	}
	return name, next, true, nil
}

// NodeNames is where names begin in the data of a reply: behind a time to live, which is no longer used.
const NodeNames = nodeTTL

// AddrCount is how many whole addresses the answer holds, and whether a part of another one follows. It
// is of replies to NodeIPv4 and NodeIPv6.
func (n NodeInfo) AddrCount() (count int, cut bool) {
	data, size := len(n.Data()), nodeTTL+n.addrLen()
	return data / size, data%size != 0
}

// Addr is address i of the answer, which is below AddrCount.
func (n NodeInfo) Addr(i int) netip.Addr {
	size := n.addrLen()
	b := n.Data()[i*(nodeTTL+size)+nodeTTL:][:size]
	a, _ := netip.AddrFromSlice(b) // 4 or 16 bytes: cannot fail
	return a
}

// AddrTTL is the time to live in front of address i of the answer, which is below AddrCount: seconds (RFC
// 4620 6.3, 6.4).
func (n NodeInfo) AddrTTL(i int) uint32 {
	return binary.BigEndian.Uint32(n.Data()[i*(nodeTTL+n.addrLen()):])
}

func (n NodeInfo) addrLen() int {
	if n.Qtype() == NodeIPv4 {
		return 4
	}
	return 16
}

// AppendNodeQuery writes a query without nonce and checksum, which the kernel fills in: what is asked for,
// the flags of that, and the subject as it is on the wire.
func AppendNodeQuery(dst []byte, qtype, flags uint16, code uint8, subject []byte) []byte {
	dst = append(dst, ICMPv6NodeQuery, code, 0, 0)
	dst = binary.BigEndian.AppendUint16(dst, qtype)
	dst = binary.BigEndian.AppendUint16(dst, flags)
	dst = append(dst, make([]byte, 8)...)
	return append(dst, subject...)
}
