package path

import (
	"net/netip"
	"time"
)

// Fate is what became of a probe.
type Fate uint8

// The fates.
const (
	// Pending: its round is not over.
	Pending Fate = iota
	// Silent: nothing came back in time.
	Silent
	// Answered: the host itself answered.
	Answered
	// TooBig: a router said that the next link does not carry it.
	TooBig
	// Exceeded: its time to live ended at a router, which said so.
	Exceeded
	// Unreachable: a router or the host refused it for another reason.
	Unreachable
	// Refused: our own kernel did not send it; Probe.Err says why.
	Refused
)

// String returns the word for the fate in machine formats.
func (f Fate) String() string {
	names := [...]string{"pending", "silent", "answered", "too_big", "time_exceeded", "unreachable", "not_sent"}
	return names[min(int(f), len(names)-1)]
}

// Probe is one probe and what is known of it.
type Probe struct {
	Packet
	// Round is the round it was sent in, from 1.
	Round int
	// Sent is when, on the Prober's monotonic clock, and At on the wall's.
	Sent time.Duration
	At   time.Time
	Fate Fate
	// From is the host that answered or complained, RTT the time until then; of a
	// refused one, until our kernel had refused it.
	From netip.Addr
	RTT  time.Duration
	// TTL that the answer had left is ReplyTTL, -1 when unknown.
	ReplyTTL int
	// ReplyFragment is the largest fragment in which the reply came, 0 when it came
	// whole.
	ReplyFragment int
	// ReplySize is the length of the reply's IP packet.
	ReplySize int
	// Claims are the messages that a link is too narrow for it. There may be
	// some although the probe was answered.
	Claims []Claim
	// Type and Code are those of the ICMP error that decided its Fate.
	Type, Code uint8
	// Means is how the host answered, 0 unless it did.
	Means Means
	// Extensions are what the ICMP error said beyond its code, nil without any.
	// BadExtensions says that some of it could not be read.
	Extensions    *Extensions
	BadExtensions bool
	// Late: the answer came after its round.
	Late bool
	// Err is why our kernel refused it, MTU the link's own if that was the reason.
	Err error
	MTU int
}

// Claim is a router's word that the next link carries no more than MTU bytes.
type Claim struct {
	MTU  int
	From netip.Addr
}

// whole reports whether the probe measures the forward path to the host.
func (p *Probe) whole() bool { return p.TTL == 0 && !p.Fragment && !p.Pieces }
