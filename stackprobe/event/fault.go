package event

// Action is what a fault of the link does to a packet.
type Action uint8

// The actions, in the words of the rules. Drop, Loss, Burst, Down and the overflow of a Rate's queue take the packet, and
// so does MTU for one that is too long. Overlap has a fragment begin where the one before it has not ended.
const (
	_ Action = iota
	Drop
	Dup
	Corrupt
	Delay
	Reorder
	Rate
	Loss
	Burst
	MTU
	Down
	Overlap
)

// Fault is what one rule did to one packet.
type Fault struct {
	Action Action
	// Rule is the rule in the words of the command line, Number its place in the run's list from 1.
	Rule   string
	Number int
	// Wait is what Delay, Reorder or Rate added to the packet's way in nanoseconds, as far as it is known when the packet
	// leaves: a reordered one waits for others.
	Wait int64
	// Copy is the number of the second transmission that Dup made (Segment.ID).
	Copy int
	// Bit is the place of the bit that Corrupt turned, counted from the first of the IP packet.
	Bit int
	// Fragments is into how many a router has cut a packet that was longer than an MTU, 0 if it has not.
	Fragments int
}

// ICMP is a message about a packet that its sender got (RFC 792, RFC 4443).
type ICMP struct {
	Type, Code uint8
	// MTU is that of the next hop, for fragmentation needed and packet too big.
	MTU int
	// Size is the length of the IP packet with the message, Wire its first bytes (Run.Snap of them). They are empty for a message
	// that is itself a packet of the run (Event.Packet).
	Size int
	Wire string
}

// Check is a disagreement between what was computed from the segments at an end's tap and what its kernel says.
type Check struct {
	// Name is the kernel's word for what was compared, such as "bytes_acked".
	Name string
	// Computed and Read are the two values.
	Computed, Read int64
}

// Counter is one counter of a stack in its own name: a kernel's from /proc/net/snmp and netstat, an engine's own.
type Counter struct {
	Name  string
	Value uint64
}
