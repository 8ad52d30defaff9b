package link

import (
	"time"

	"gnet/stackprobe/event"
)

// Rule is one fault of the link. Its words are
//
//	rule   = [ "client>" | "server>" ] action [ match [ list ] ] [ when ]
//	action = "drop" | "dup" | "corrupt" | "delay" D [ "jitter" D ] | "reorder" "by" N | "rate" R "queue" N
//	       | "loss" P | "burst" P "," P | "mtu" N [ "icmp" | "silent" ] | "down"
//	match  = "syn" | "synack" | "ack" | "data" | "fin" | "rst" | "any" | "seq" A "-" B | "len>=" N
//	list   = N | N "-" N | "first" N
//	when   = "at" T | T ".." T | T ".."
//
// D and T are durations as Go writes them, T counted from the start of the run, P a percentage, R bits per second.
//
// A rule without a direction holds for both and counts them apart. Without a match it is about every packet, without a
// list about every one that matches. The list counts what the rule matched in its direction and its time,
// retransmissions included; "first" counts first transmissions only.
//
// After "at" the rule begins at that moment. What happens to single packets (drop, dup, corrupt, reorder) then happens
// once, unless a list says how often; what the link is like (delay, rate, loss, burst, mtu, down) stays so. T1..T2 is
// from T1 up to, not including, T2, and T1.. has no end. A packet belongs to the moment at which it leaves its sender.
type Rule struct {
	// Text is the rule with one blank between its words.
	Text string
	// From is the end whose packets are concerned, None for both.
	From   event.Host
	Action event.Action

	// Link is the place of the link on a path of several that is meant, from 1; 0 for a rule of TCP.
	Link int

	// Delay and Jitter are Delay's: the wait is drawn evenly from Delay-Jitter to Delay+Jitter.
	Delay, Jitter time.Duration
	// By is the number of later packets that Reorder lets pass.
	By int
	// Rate is in bits per second, Queue the number of packets that can wait for it.
	Rate, Queue int64
	// Chance is that of a Loss, or of a Burst to begin; Leave is the chance of a Burst to end.
	Chance, Leave Chance
	// MTU is the longest IP packet that passes, in octets. Silent says that nobody tells the sender.
	MTU    int
	Silent bool

	Match Match
	// SeqLow and SeqHigh are MatchSeq's, both included, relative to the sender's initial number; MinLen is MatchLen's.
	SeqLow, SeqHigh int64
	MinLen          int
	// Low and High bound the numbers of the matches that are concerned, from 1; both are 0 for every match.
	Low, High int
	// First says that retransmissions do not match.
	First bool
	// The rule holds from Since up to, not including, Until; an Until of 0 is no end.
	Since, Until time.Duration
}

// Takes reports whether the rule can take packets: whether a packet that meets it may be lost.
func (r *Rule) Takes() bool {
	switch r.Action {
	case event.Drop, event.Loss, event.Burst, event.Down, event.Rate, event.MTU:
		return true
	}
	return false
}

// Match is a class of segments.
type Match uint8

// The classes. MatchAck is a segment without data, SYN, FIN and RST; MatchSeq one that occupies a number of a range;
// MatchLen one with at least so many octets of data. MatchFrag is a fragment and MatchICMP an ICMP message, on a path.
const (
	MatchAny Match = iota
	MatchSyn
	MatchSynAck
	MatchAck
	MatchData
	MatchFin
	MatchRst
	MatchSeq
	MatchLen
	MatchFrag
	MatchICMP
)

// matches reports whether the segment s with the numbers n is in the rule's class; s is nil for a packet that is no TCP
// segment.
func (r *Rule) matches(s *event.Segment, n *event.Numbers) bool {
	if r.Match == MatchAny {
		return true
	}
	if s == nil {
		return false
	}
	switch f := s.Flags; r.Match {
	case MatchSyn:
		return f&(event.SYN|event.ACK) == event.SYN
	case MatchSynAck:
		return f.Has(event.SYN | event.ACK)
	case MatchAck:
		return s.Len == 0 && f&(event.SYN|event.FIN|event.RST) == 0
	case MatchData:
		return s.Len > 0
	case MatchFin:
		return f.Has(event.FIN)
	case MatchRst:
		return f.Has(event.RST)
	case MatchSeq:
		return n.HasRelSeq && n.RelSeq <= r.SeqHigh && r.SeqLow < n.RelEnd
	case MatchLen:
		return s.Len >= r.MinLen
	}
	return false
}
