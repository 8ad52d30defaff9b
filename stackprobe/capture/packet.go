package capture

// LinkType says what the first octet of a packet is (the LINKTYPE_ values of tcpdump.org's list).
type LinkType uint16

// The link types that are read here; Raw, an IP packet of either version, is the one that is written.
const (
	Null     LinkType = 0   // BSD loopback: 4 octets of address family in the writer's byte order
	Ethernet LinkType = 1   // IEEE 802.3, perhaps with 802.1Q tags
	Raw      LinkType = 101 // IPv4 or IPv6
	Loop     LinkType = 108 // OpenBSD loopback: the address family in network byte order
	LinuxSLL LinkType = 113 // Linux "cooked": 16 octets
	IPv4     LinkType = 228
	IPv6     LinkType = 229
	LinuxSL2 LinkType = 276 // Linux "cooked", version 2: 20 octets
)

// Direction says which way a packet passed its interface.
type Direction uint8

// The directions, as in the flags of an Enhanced Packet Block (draft-ietf-opsawg-pcapng section 4.3.1).
const (
	Unknown Direction = iota
	Inbound
	Outbound
)

// Interface is where packets were seen.
type Interface struct {
	Name, Description string
	// OS is the system of the host that the interface belongs to.
	OS       string
	Link     LinkType
	Snap     uint32 // the most octets that are held of a packet, 0 for all
	Comments []string
}

// Packet is one packet as an interface saw it.
type Packet struct {
	// Number counts the packets that are read from 1, bad ones included; At is the interface. Nobody reads them of a packet
	// that is to be written.
	Number int
	At     *Interface
	// Interface is the index of its interface, from 0.
	Interface int
	// Time is nanoseconds since 1970, UTC; or since the start of a run that has no other time.
	Time int64
	// Data are its first octets, Length how many it had.
	Data   []byte
	Length int
	// ID is the same for the same packet at different interfaces, 0 if it has none.
	ID        uint64
	Direction Direction
	Comments  []string
	// Judged says that a wrong checksum of the packet is one; Partial that it had not been made yet where the packet was seen,
	// because a device does that. Both are false for packets that were read from files.
	Judged, Partial bool
}
