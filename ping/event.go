package ping

import (
	"net/netip"
	"time"
)

// Kind is what an Event is about.
type Kind uint8

// The kinds of event.
const (
	// Reply is the first answer to a probe.
	Reply Kind = iota + 1
	// Duplicate is a further answer to a probe. On a multicast or broadcast
	// destination that is how other hosts answer.
	Duplicate
	// Corrupted is an answer with a wrong ICMP checksum. It does not count.
	Corrupted
	// Foreign is an echo reply that does not answer a probe, or, with Type and Code,
	// an ICMP error that quotes one that was not sent so; Reason says why.
	Foreign
	// ICMPError is an ICMP error about a probe.
	ICMPError
	// Advice is an ICMP message about a probe that was delivered all the same:
	// source quench and redirect.
	Advice
	// TooLong is our own kernel's refusal to send a probe that exceeds the MTU.
	TooLong
	// NotSent is any other failure to send a probe; Err says which.
	NotSent
	// Unanswered says, just before the next probe is sent, that the last one has
	// no answer yet.
	Unanswered
	// Sent says that a probe was sent. Only with Config.ReportSent.
	Sent
	// Status answers Pinger.RequestStatus.
	Status
	// Notice is what Pinger.Notify was given, in its place among the rest.
	Notice
)

// String returns the word for the kind in machine formats.
func (k Kind) String() string {
	names := [...]string{"", "reply", "duplicate", "corrupted", "foreign", "icmp_error", "icmp_advice", "too_long", "not_sent",
		"unanswered", "sent", "status", "notice"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Reason says why an echo reply or an error is foreign.
type Reason uint8

// The reasons.
const (
	// NotAsked: no probe with this sequence number was sent, or too long ago.
	NotAsked Reason = iota + 1
	// OtherCookie: it does not carry, or quote, what we sent.
	OtherCookie
	// OtherSource: the reply is to our probe, but another host sent it.
	OtherSource
)

// String returns the word for the reason in machine formats.
func (r Reason) String() string {
	names := [...]string{"", "not_asked", "other_data", "other_source"}
	if int(r) < len(names) {
		return names[r]
	}
	return "unknown"
}

// TimeSource says how a round-trip time was measured.
type TimeSource uint8

// The sources, best first.
const (
	// Device: from the network device's transmit stamp to its receive stamp, on
	// its own clock.
	Device TimeSource = iota + 1
	// KernelKernel: from the kernel's transmit stamp to its receive stamp.
	KernelKernel
	// UserKernel: from just before the send call to the kernel's receive stamp.
	UserKernel
	// UserUser: by the monotonic clock around the calls, because the kernel gave
	// no stamp.
	UserUser
	// ClockStepped: by the monotonic clock, because the kernel's stamps do not
	// lie within the calls: the time of day was set in between.
	ClockStepped
)

// String returns the word for the source in machine formats.
func (s TimeSource) String() string {
	switch s {
	case Device:
		return "device"
	case KernelKernel:
		return "kernel"
	case UserKernel:
		return "kernel_receive"
	case UserUser:
		return "user"
	case ClockStepped:
		return "user_clock_stepped"
	}
	return "unknown"
}

// Event is one thing that happened. It is valid until the next one.
type Event struct {
	Kind Kind
	// Target is the index of the host that the probe was for: 0 when there is one.
	Target int
	// Seq is the probe's number, from 1. On the wire it has 16 bits; for a
	// Foreign event with reason NotAsked it is the number on the wire.
	Seq int64
	// At is when it happened: the kernel's time of arrival if there is one.
	At time.Time
	// From is the host that answered or complained.
	From netip.Addr
	// Bytes is the length of the ICMP message that arrived.
	Bytes int
	// TTL is that of the packet that arrived, -1 when unknown.
	TTL int
	// RTT is the round-trip time and Source how it was measured; 0 when none is
	// known.
	RTT    time.Duration
	Source TimeSource
	// Truncated and Longer: the answer has less or more data than the probe.
	Truncated, Longer bool
	// Late: the answer came after Config.Wait.
	Late bool
	// Wrong is the offset of the first data byte that differs from what was sent,
	// 0 when none does; Want and Data are what it should be and all the data. With
	// Config.Node Data is the answer from its ICMPv6 header on; of a redirect it is
	// the packet that was redirected, from its IPv4 header on.
	Wrong int
	Want  byte
	Data  []byte
	// Options are the options of the IPv4 header of an answer, as on the wire.
	Options []byte
	// Type, Code and Info are those of an ICMP error or advice, Foreign ones too;
	// Info is the MTU of TooLong too.
	Type, Code uint8
	Info       uint32
	// Reason is that of a Foreign event.
	Reason Reason
	// Err is that of a NotSent event.
	Err error
	// Stats are the figures so far, in a Status event.
	Stats *Stats
	// Text is that of a Notice.
	Text string
}
