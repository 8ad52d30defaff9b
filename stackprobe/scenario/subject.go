package scenario

import "gnet/stackprobe/event"

// Subject is what an expectation is about.
type Subject uint8

// The subjects. The first are counted, the next are sums of octets, the next change in time.
const (
	_ Subject = iota
	Segments
	Retransmissions
	Spurious
	Arrivals
	Losses
	Faults
	Messages
	DupAcks
	Duplicates
	Corrupted
	Timers
	Sent
	Delivered
	State
	States
	Window
	Cwnd
	Ssthresh
	RTO
	SRTT
	Flight
	Backoff
	SndUna
	SndNxt
	SndWnd
	RcvNxt
	RcvWnd
	SndMSS
	CongestionState
	Gap
	Failure
	Result
	Knowledge
)

// shape is how a subject is written.
type shape uint8

const (
	counted shape = iota // "segments client"
	ofEnd                // "client.state"
	ofRun                // "result"
)

// description is a subject's word and what it takes.
type description struct {
	subject Subject
	name    string
	shape   shape
	value   ValueKind
	// matches says that a class of segments may follow; reasons and causes that these conditions make sense.
	matches, reasons, causes bool
	// sums says that it can be compared with another subject of the kind.
	sums bool
	doc  string
}

// subjects are all of them, in the order of the constants.
func subjects() []description {
	return []description{
		{Segments, "segments", counted, NumberValue, true, true, false, true, "Segments that the end transmitted."},
		{Retransmissions, "retransmissions", counted, NumberValue, true, true, false, true, "Those of them that repeat sequence numbers."},
		{Spurious, "spurious", counted, NumberValue, true, true, false, true, "Those that repeat what had arrived already."},
		{Arrivals, "arrivals", counted, NumberValue, true, true, false, true, "Segments that arrived at the end."},
		{Losses, "lost", counted, NumberValue, true, true, false, true, "Segments of the end that the link took."},
		{Faults, "faults", counted, NumberValue, true, false, false, true, "Segments of the end that a fault lost or changed."},
		{Messages, "icmp", counted, NumberValue, false, false, false, true, "ICMP messages that the end got."},
		{DupAcks, "duplicate-acks", counted, NumberValue, false, false, true, true, "Duplicate acknowledgments that arrived at the end."},
		{Duplicates, "duplicates", counted, NumberValue, true, false, false, true, "Segments that arrived at the end and brought only what it had."},
		{Corrupted, "corrupted", counted, NumberValue, true, false, false, true, "Segments that arrived at the end with a wrong checksum."},
		{Timers, "timers", counted, NumberValue, false, false, false, false, "Timers of the end that fired; at a moment, those that run."},
		{Sent, "sent", counted, NumberValue, false, false, false, true, "Octets that the application wrote."},
		{Delivered, "delivered", counted, NumberValue, false, false, false, true, "Octets that the application read."},
		{State, "state", ofEnd, StateValue, false, false, false, false, "The TCP state."},
		{States, "states", ofEnd, StatesValue, false, false, false, false, "All states, one after the other."},
		{Window, "window", ofEnd, NumberValue, false, false, false, false, "The window that the end announced last, in octets."},
		{Cwnd, "cwnd", ofEnd, NumberValue, false, false, false, false, "The congestion window, in segments."},
		{Ssthresh, "ssthresh", ofEnd, NumberValue, false, false, false, false, "The slow start threshold, in segments."},
		{RTO, "rto", ofEnd, TimeValue, false, false, false, false, "The retransmission timeout."},
		{SRTT, "srtt", ofEnd, TimeValue, false, false, false, false, "The smoothed round-trip time."},
		{Flight, "flight", ofEnd, NumberValue, false, false, false, false, "Segments that are sent and not acknowledged."},
		{Backoff, "backoff", ofEnd, NumberValue, false, false, false, false, "How often the timeout was doubled."},
		{SndUna, "snd-una", ofEnd, NumberValue, false, false, false, false, "SND.UNA, from the initial number."},
		{SndNxt, "snd-nxt", ofEnd, NumberValue, false, false, false, false, "SND.NXT, from the initial number."},
		{SndWnd, "snd-wnd", ofEnd, NumberValue, false, false, false, false, "SND.WND, in octets."},
		{RcvNxt, "rcv-nxt", ofEnd, NumberValue, false, false, false, false, "RCV.NXT, from the initial number."},
		{RcvWnd, "rcv-wnd", ofEnd, NumberValue, false, false, false, false, "RCV.WND, in octets."},
		{SndMSS, "snd-mss", ofEnd, NumberValue, false, false, false, false, "The largest segment that the end sends."},
		{CongestionState, "congestion", ofEnd, NumberValue, false, false, false, false, "The state of loss recovery."},
		{Gap, "gap", counted, TimeValue, true, true, false, false, "The time between two segments that the end transmitted."},
		{Failure, "error", counted, TextValue, false, false, false, false, "The error that the application met."},
		{Result, "result", ofRun, NumberValue, false, false, false, false, "Whether every byte arrived and both ends closed."},
		{Knowledge, "knows", ofRun, TextValue, false, false, false, false, "What an end knows of the other."},
	}
}

// about describes s.
func (s Subject) about() description { return subjects()[s-Segments] }

// Subjects returns the words of the subjects as a file has them: END stands for client or server.
func Subjects() []string {
	var names []string
	for _, d := range subjects() {
		names = append(names, d.written())
	}
	return names
}

func (d *description) written() string {
	switch d.shape {
	case ofEnd:
		return "END." + d.name
	case counted:
		return d.name + " END"
	}
	return d.name
}

// inTime reports whether the subject has a value at each moment.
func (s Subject) inTime() bool { return s == State || s >= Window && s <= CongestionState }

// isCount reports whether the subject is a number that grows.
func (s Subject) isCount() bool { return s >= Segments && s <= Delivered }

// hosts are the words of the two ends.
func hosts() []string { return []string{event.Client.String(), event.Server.String()} }
