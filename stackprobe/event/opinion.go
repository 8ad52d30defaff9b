package event

// Opinion is what Wireshark says of one packet, from what has passed the tap at which the packet was seen and nothing else: the
// flags of its TCP analysis (tcp.analysis in its reference of display filters). 0 is a packet that it was not asked about.
type Opinion uint32

// The flags; Asked alone is a packet of which it says nothing.
const (
	Asked Opinion = 1 << iota
	SaysRetransmission
	SaysFastRetransmission
	SaysSpuriousRetransmission
	SaysOutOfOrder
	SaysLostSegment
	SaysAckLostSegment
	SaysDuplicateAck
	SaysKeepAlive
	SaysKeepAliveAck
	SaysZeroWindow
	SaysZeroWindowProbe
	SaysZeroWindowProbeAck
	SaysWindowFull
	SaysWindowUpdate
	SaysReusedPorts
)

// opinionNames are the names of the flags behind tcp.analysis, in the order of the bits.
var opinionNames = [...]string{"none", "retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order", "lost_segment", "ack_lost_segment",
	"duplicate_ack", "keep_alive", "keep_alive_ack", "zero_window", "zero_window_probe", "zero_window_probe_ack", "window_full", "window_update",
	"reused_ports"}

// OpinionNames returns the names of the flags from SaysRetransmission on, in the order of their bits, as they stand behind
// "tcp.analysis." in Wireshark.
func OpinionNames() []string { return append([]string(nil), opinionNames[1:]...) }

// String returns the names of the flags with a blank between them, "none" where Wireshark says nothing, "" where it was not
// asked.
func (o Opinion) String() string {
	if o == Asked {
		return opinionNames[0]
	}
	return join(opinionNames[:], uint32(o&^Asked))
}

// Misreading is how a flag of Wireshark's differs from what happened, or what it has missed; package analyze finds it. Each has
// its causes there.
type Misreading uint8

// The misreadings; 0 is none. OtherMisreading is one that has no name.
const (
	_                Misreading = iota
	LateAsRepeat                // a first transmission that others have overtaken is taken for a retransmission
	CopyAsRepeat                // a copy made on the way is taken for a retransmission
	RepeatAsNew                 // a retransmission is taken for a first transmission
	RepeatAsLate                // a retransmission is taken for a first transmission that others have overtaken
	RepeatAsFast                // a retransmission that a timer or a router's message made is taken for a fast one
	NeedlessUnseen              // a retransmission of what had arrived is taken for one that was needed
	ProbeAsKeepalive            // a probe of a closed window is taken for a keepalive
	ProbeAsRepeat               // a probe of a closed window is taken for a retransmission
	LateAsLost                  // octets that others have overtaken are taken for missing
	LateAsKeepalive             // an acknowledgment that others have overtaken is taken for a keepalive
	DamagedAsGood               // a segment with a wrong checksum is taken for a good one
	InjectedAsSent              // a segment that somebody injected is taken for one of its source
	DupZeroWindow               // a duplicate acknowledgment that closes the window is not taken for one
	DupBehindGap                // one behind a gap in the numbers of its sender is not
	DupAsKeepalive              // one that is a keepalive is not
	DupNewWindow                // one whose SACK blocks are news, with another window, is not
	DupOvertaken                // one that came out of order is not
	DupOfNothing                // an acknowledgment that is no duplicate is taken for one
	OtherMisreading
)

var misreadingNames = [...]string{"", "late-as-repeat", "copy-as-repeat", "repeat-as-new", "repeat-as-late", "repeat-as-fast", "needless-unseen",
	"probe-as-keepalive", "probe-as-repeat", "late-as-lost", "late-as-keepalive", "damaged-as-good", "injected-as-sent",
	"dup-zero-window", "dup-behind-gap", "dup-as-keepalive", "dup-new-window", "dup-overtaken", "dup-of-nothing", "other"}

// String returns the word of the schema.
func (m Misreading) String() string { return name(misreadingNames[:], uint8(m)) }
