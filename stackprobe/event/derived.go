package event

// Derived is what follows from the events of a run up to this one; package analyze computes it, also anew when a stored
// run is read. Nothing in it was observed. The zero value is right for an event from which nothing follows.
type Derived struct {
	// Numbers are those of the event's segment.
	Numbers
	// Why is the reason of a transmission (tx, and the same at its rx and lost), WhyHow how it is known.
	Why    Reason
	WhyHow How
	// SentN and SentT are the number and the time of the departure of a segment that arrives or is lost, 0 where that was
	// not seen.
	SentN int
	SentT int64
	// Repeat says that a departing segment takes sequence numbers that have left before. Spurious says that all of them had
	// arrived at the other end when it left.
	Repeat, Spurious bool
	// Copy says that an arriving segment's transmission had arrived, or was lost, before.
	Copy bool
	// Stale says that all octets of an arriving segment had been covered by others that arrived before.
	Stale bool
	// NewlyAcked counts the sequence numbers that an arriving acknowledgment covers for the first time.
	NewlyAcked int64
	// DupAck numbers the duplicate acknowledgments since the last that was none, 0 for any other segment. DupCause is what
	// made the receiver send this one.
	DupAck   int
	DupCause Cause
	// Gap is why octets right before those of an arriving segment have not arrived: a loss, or that they are still on their
	// way. It is 0 where they have.
	Gap Cause
	// Wireshark is what it says of the packet from what has passed this end's tap, 0 where it was not asked. Misread is how that
	// differs from what happened.
	Wireshark Opinion
	Misread   Misreading
}

// Numbers are a segment's numbers counted from the initial ones, without wrap: the SYN has 0 and the first octet of data
// 1.
type Numbers struct {
	// RelSeq is the segment's first number, RelEnd the one behind its last, RelAck what it acknowledges. A keepalive's can
	// be below 0. HasRelSeq and HasRelAck are false while the initial number has not been seen on the link.
	RelSeq, RelEnd, RelAck int64
	HasRelSeq, HasRelAck   bool
	// RelSack are the SACK blocks, as many as Options.NSack; valid if HasRelAck.
	RelSack [MaxBlocks]Range
	// Window is the window in octets, scaled as the two SYNs agreed; HasWindow is false if they were not seen.
	Window    uint32
	HasWindow bool
	// Attempt counts the transmissions of these sequence numbers by their sender: 1 for the first, 0 for a segment that
	// occupies none. A segment that repeats any octet counts as a repetition.
	Attempt int
}

// Range is a piece of sequence space in relative numbers: from First up to, not including, Last.
type Range struct{ First, Last int64 }

// Reason says why an end transmitted a segment.
type Reason uint8

// The reasons. New is the first transmission of its octets, SYN and FIN included; Ack a segment that occupies no
// sequence numbers; Fast a retransmission by duplicate acknowledgements or SACK recovery; Retransmit one whose cause
// is not known; ChallengeAck an acknowledgment by RFC 5961, LateAck one that a delayed-ACK timer sent; PathMTU a
// retransmission in shorter segments after a router's message that the ones before were too long (RFC 1191, RFC 8201).
const (
	_ Reason = iota
	New
	Ack
	Timeout
	Fast
	TailProbe
	WindowProbe
	Keepalive
	Reset
	Retransmit
	ChallengeAck
	LateAck
	PathMTU
)

// Cause says what made a receiver send a duplicate acknowledgment.
type Cause uint8

// The causes. CauseLoss: a segment arrived behind one that the link took. CauseReordering: it arrived behind one that was
// still on its way. CauseDuplicate: all of it had arrived before.
const (
	_ Cause = iota
	CauseLoss
	CauseReordering
	CauseDuplicate
)
