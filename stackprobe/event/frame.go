package event

// Frame is a frame of Ethernet with which an end that is a host of a network finds its neighbours, or is found by them: ARP (RFC 826),
// neighbour discovery (RFC 4861), and reports of groups (RFC 3810). No packet of a connection is one.
type Frame struct {
	// Sent says that the end sent it; it got all others.
	Sent bool
	// Size is its length without its check sequence, Wire its first bytes (Run.Snap of them).
	Size int
	Wire string
}

// Way is "sent" or "received".
func (f *Frame) Way() string {
	if f.Sent {
		return "sent"
	}
	return "received"
}
