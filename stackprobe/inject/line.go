package inject

import (
	"net/netip"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// Line is a crafted segment and the moment at which it is put on the link.
type Line struct {
	// Text is the line with one blank between its words.
	Text string
	// From is the end whose address the segment bears.
	From    event.Host
	When    When
	Segment Segment
	// Source is the address of a client that does not exist, invalid for that of From.
	Source netip.Addr
	// Low and High are the client's ports, one segment for each; both are 0 for that of the run's first connection. Every is the
	// time between two of them.
	Low, High uint16
	Every     time.Duration
}

// Step is one thing that a scripted end does: it sends a segment, or says in which state it believes to be, or both.
type Step struct {
	Text string
	// End is the one that follows the script.
	End     event.Host
	When    When
	Sends   bool
	Segment Segment
	// State is what the end believes from then on, StateUnknown for no change.
	State event.State
}

// When says when something happens: at a moment, or when a segment is seen.
type When struct {
	// At is the moment, valid if On is false.
	At time.Duration
	On bool
	// Of is the end that transmitted the segment; for a Step it is always the other end, and the segment counts when it
	// arrives. N is the number of the segment among those that match, 0 for each of them. After is the time from then on.
	Of    event.Host
	Match Match
	N     int
	After time.Duration
}

// Match is a class of segments, by the word of the fault rules: any, syn, synack, ack, data, fin or rst.
type Match string

func matchNames() []string { return []string{"any", "syn", "synack", "ack", "data", "fin", "rst"} }

// has reports whether a segment with those flags and that many octets of data is in the class.
func (m Match) has(f event.Flags, data int) bool {
	switch m {
	case "syn":
		return f&(event.SYN|event.ACK) == event.SYN
	case "synack":
		return f.Has(event.SYN | event.ACK)
	case "ack":
		return data == 0 && f&(event.SYN|event.FIN|event.RST) == 0
	case "data":
		return data > 0
	case "fin":
		return f.Has(event.FIN)
	case "rst":
		return f.Has(event.RST)
	}
	return true
}

// Segment is a crafted segment.
type Segment struct {
	// Kind is its word: syn, synack, ack, data, fin or rst.
	Kind string
	// Seq and Ack are its numbers.
	Seq, Ack Number
	// Win is the window field, valid if HasWin; MSS the option, 0 for none; Len the octets of data.
	Win    uint16
	HasWin bool
	MSS    uint16
	Len    int
}

// The values of a segment that says nothing else.
const (
	DefaultWindow = 65535
	DefaultData   = 100
)

func segmentNames() []string { return []string{"syn", "synack", "ack", "data", "fin", "rst"} }

// flags are the control bits. A RST has ACK only with a number to acknowledge (RFC 9293 section 3.5.2).
func (s *Segment) flags() wire.TCPFlags {
	switch s.Kind {
	case "syn":
		return wire.SYN
	case "synack":
		return wire.SYN | wire.ACK
	case "data":
		return wire.PSH | wire.ACK
	case "fin":
		return wire.FIN | wire.ACK
	case "rst":
		if s.Ack.Base != Natural {
			return wire.RST | wire.ACK
		}
		return wire.RST
	}
	return wire.ACK
}

// Number is a sequence number.
type Number struct {
	Base Base
	// N is added to what Base stands for, modulo 2 to the 32.
	N int64
}

// Base is what a number counts from.
type Base uint8

// The bases. Natural is the number that the end would use: the next it has to send, or all that it has got. Initial counts
// from the initial number of the end that the number belongs to, Next from the number behind all that this end has sent.
const (
	Natural Base = iota
	Initial
	Next
	Raw
)
