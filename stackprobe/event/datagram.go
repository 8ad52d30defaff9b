package event

import "net/netip"

// Packet is one IP packet on one link of a path, whole datagram or fragment: what its header says (RFC 791 section 3.1,
// RFC 8200 sections 3 and 4.5) and where it was seen. It is written once and never changed.
type Packet struct {
	// ID numbers the transmissions of the run from 1: the events tx and rx (or lost) of the same packet on the same link
	// share it. On the next link it has a new one.
	ID int
	// Link is the link's place on the path from 1, Node that of the node which transmitted the packet (tx, fault, lost) or
	// which it has reached (rx, icmp): 0 is the client, routers follow, the last is the server.
	Link, Node int
	// Datagram numbers the datagrams of the run from 1, each ICMP message one of its own; all fragments have that of their
	// whole. It is 0 where the link does not know: for a packet that no node sent.
	Datagram int
	// Parent is the ID that the packet, or the one it was cut from, had on the link before; 0 at its source.
	Parent int
	// About is the ID of the packet that an ICMP error quotes, 0 for all others.
	About int

	Src, Dst netip.Addr
	// Header is the length of the IP header in octets: with options for IPv4, with extension headers up to the Fragment
	// header for IPv6. Data is how many octets of the datagram's data follow.
	Header, Data int
	// TOS is the type of service (DSCP and ECN) or traffic class, Flow the flow label of IPv6.
	TOS  uint8
	Flow uint32
	// Size is the length of the whole packet in octets.
	Size int
	// Ident is the identification, of 16 bits for IPv4, of 32 for IPv6, where HasIdent tells whether there is one: without
	// a Fragment header IPv6 has none.
	Ident    uint32
	HasIdent bool
	// DF is IPv4's alone. MF and Offset (in octets) are the fragment's; a whole datagram has neither.
	DF, MF bool
	Offset int
	// TTL is the time to live or hop limit, Protocol that of the data.
	TTL, Protocol uint8
	// Checksum is that of the IPv4 header, BadSum that it is wrong.
	Checksum uint16
	BadSum   bool
	// Options are those of the IPv4 header as on the wire.
	Options string
	// Wire are the packet's first bytes (Run.Snap of them).
	Wire string
}

// Fragment reports whether p is a part of a datagram.
func (p *Packet) Fragment() bool { return p.MF || p.Offset > 0 }

// Step is what happened to the buffer in which a datagram is put together.
type Step uint8

// The steps. Added: a fragment found its place. Duplicate: the same octets were there, nothing changed. Overlapped: some of
// the octets were there, so the datagram is given up (RFC 5722; Linux and netstack do it for IPv4 too). Whole: the last hole is
// filled. TimedOut: it was not, within the time (RFC 1122 section 3.3.2, RFC 8200 section 4.5).
const (
	_ Step = iota
	Added
	Duplicate
	Overlapped
	Whole
	TimedOut
)

// Reassembly is the buffer of one datagram at its destination after one step. It is computed from the packets that arrived: no
// stack shows its own. It is written once and never changed.
type Reassembly struct {
	Step Step
	// Node is whose buffer it is, Datagram whose fragments, Packet the ID of the one that came, 0 for TimedOut.
	Node, Datagram, Packet int
	// Held are the pieces that are there, in octets of the datagram's data, in their order and joined where they meet.
	Held []Range
	// Octets is how many are there, Total how many there will be, 0 while the last fragment has not come.
	Octets, Total int
	// Since is when the first fragment came, in nanoseconds of the run; Until when the datagram will be given up.
	Since, Until int64
}

// Path is what a run of datagrams was made of beside what every Run has.
type Path struct {
	// Size is the length of each datagram in octets with its header, Count how many were asked for.
	Size, Count int
	TTL, TOS    uint8
	DF          bool
	// Loop says that the last two routers point at each other.
	Loop bool
	// Options are the header's, in the words of the command line.
	Options []string
	Nodes   []Node
	Links   []Hop
}

// Node is the client, a router or the server.
type Node struct {
	Name string // "client", "router 1", "server"
	// Stack is the name of its IP, Kernel tells a kernel from an engine.
	Stack  string
	Kernel bool
}

// Hop is one link of a path: its MTU, and the addresses of the node before it and of the one behind it.
type Hop struct {
	MTU       int
	Near, Far string
}
