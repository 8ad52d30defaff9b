package event

// State is a TCP state (RFC 9293 section 3.3.2).
type State uint8

// The states; StateUnknown is absent. Reset is CLOSED reached by a RST or an abort instead of an orderly close.
const (
	StateUnknown State = iota
	Closed
	Listening
	SynSent
	SynReceived
	StateEstablished
	FinWait1
	FinWait2
	CloseWait
	Closing
	LastAck
	TimeWait
	ClosedReset
)

var stateNames = [...]string{"", "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
	"CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT", "CLOSED (reset)"}

// String returns the name as in RFC 9293, "" for StateUnknown.
func (s State) String() string { return name(stateNames[:], uint8(s)) }

// VarSet is a set of variables.
type VarSet uint32

// The variables of Vars.
const (
	HasISS VarSet = 1 << iota
	HasIRS
	HasUna
	HasNxt
	HasWnd
	HasCwnd
	HasSsthresh
	HasRTO
	HasSRTT
	HasRTTVar
	HasRcvNxt
	HasRcvWnd
	HasCongestion
	HasFlight
	HasSacked
	HasLost
	HasRetrans
	HasDupAcks
	HasReordering
	HasBackoff
	HasProbes
	HasBytesAcked
	HasBytesReceived
	HasSndMSS
	HasSndBuf
	HasRcvBuf
	HasScoreboard
	HasHeld
	HasNotSent
)

// InfiniteSsthresh is the slow start threshold before the first loss, as the kernel shows it
// (TCP_INFINITE_SSTHRESH in include/net/tcp.h).
const InfiniteSsthresh = 0x7fffffff

// Vars are the variables of one end (RFC 9293 section 3.3.1, RFC 5681, RFC 6298). Only those in Has are known. Sequence
// numbers are raw; Rel makes them relative.
type Vars struct {
	Has VarSet
	// How is the origin of the values but those in Computed, which come from the segments at this end's tap.
	How      How
	Computed VarSet

	ISS, IRS uint32
	Una, Nxt uint32 // SND.UNA, SND.NXT
	Wnd      uint32 // SND.WND in octets
	// Cwnd and Ssthresh count segments, as both stacks do.
	Cwnd, Ssthresh    uint32
	RTO, SRTT, RTTVar int64 // nanoseconds
	RcvNxt            uint32
	RcvWnd            uint32 // octets

	// At is when the values were sampled, in nanoseconds since the start of the run; 0 is the moment of the event.
	At int64
	// Congestion is the state of loss recovery.
	Congestion Congestion
	// Flight, Sacked, Lost and Retrans count segments: sent and not acknowledged, reported by SACK, taken for lost, and
	// repeated ones that are under way (tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans).
	Flight, Sacked, Lost, Retrans uint32
	// DupAcks counts duplicate acknowledgements since the last new one; Reordering is the degree of reordering that the
	// sender allows for, in segments.
	DupAcks, Reordering uint32
	// Backoff is how often the retransmission timeout was doubled, Probes how many probes are unanswered.
	Backoff, Probes uint32
	// BytesAcked and BytesReceived are a kernel's tcpi_bytes_acked and tcpi_bytes_received.
	BytesAcked, BytesReceived uint64
	SndMSS                    uint32 // octets
	SndBuf, RcvBuf            uint32 // octets that wait in the send buffer, octets that wait for the reader
	// NotSent are the octets of the send buffer that were not sent yet (tcpi_notsent_bytes); a FIN that waits counts as one.
	NotSent uint32
	// Scoreboard[:NScoreboard] are the first blocks that the peer's SACKs have reported and that are not acknowledged,
	// Held[:NHeld] those that this end holds beyond RCV.NXT. The numbers are raw.
	NScoreboard, NHeld uint8
	Scoreboard, Held   [MaxBlocks]Block
}

// Congestion is the state of a sender's loss recovery.
type Congestion uint8

// The states, in the kernel's words (enum tcp_ca_state in include/uapi/linux/tcp.h).
const (
	_ Congestion = iota
	CongestionOpen
	CongestionDisorder
	CongestionCWR
	CongestionRecovery
	CongestionLoss
)

// Rel returns una, nxt and rcvNxt relative to the initial numbers. A value is only valid if its bit and that of the
// initial number (HasISS, HasIRS) are in Has.
func (v *Vars) Rel() (una, nxt, rcvNxt uint32) { return v.Una - v.ISS, v.Nxt - v.ISS, v.RcvNxt - v.IRS }

// Run says how a run was made: everything that another run needs to give the same result, and the first line of a view.
type Run struct {
	// World is "tun", "veth", "memory", that of a world that is attached to a network ("nat", "bridge"), CaptureWorld or TapWorld.
	World string
	// Why is the sentence that says why this world was taken, "" if it was asked for.
	Why   string
	Clock Clock
	// Start is when the times of the run are zero, in nanoseconds since 1970; 0 where no clock of the world says, as in virtual time.
	Start int64
	// Version is the program's.
	Version string
	Seed    int64
	Bytes   int
	// Snap is how many bytes of each packet the events hold.
	Snap int
	// IPv6 says which version of IP the link carries.
	IPv6 bool
	// Delay is the one-way delay of the link in nanoseconds, for each direction.
	DelayClient, DelayServer int64
	MTU                      int
	// Deadline is when the run is given up, in nanoseconds.
	Deadline int64
	Client   Stack
	Server   Stack
	Faults   []string
	// Crafted lists the segments that no stack makes and what a scripted end does, in the words of the command line.
	Crafted []string
	// Pinned lists what was fixed so that runs can be compared: "sysctl tcp_no_metrics_save=1", "MPTCP off".
	Pinned []string
	// Unpinned lists what should have been fixed and could not be, with the cause.
	Unpinned []string
	// Scenario is the name of the scenario, Title and Look are what it says of itself; all are "" for a plain run.
	Scenario, Title, Look string
	// Programs are the commands of programs that are not ours and that are the application of an end, by Host, "" where that is ours.
	Programs [3]string
	// ClockError is how late the machine woke this program when it had asked for a moment, measured before the run: the
	// median and the worst, in nanoseconds. Both are 0 with a virtual clock.
	ClockError, ClockErrorMax int64
	// Conns are the connections of the run that were chosen, in the words of the command line: "2,4-6"; "" for all. The events of the
	// others are not there, nor what is told of all connections together but the end.
	Conns string
	// Path is that of a run of datagrams, nil for one of TCP.
	Path *Path
}

// The worlds of a run that was no run of ours but a capture that was read: it has neither link nor seed nor end. CaptureWorld has
// seen both ends. TapWorld has seen one tap: when a segment passed it stands for its departure and for its arrival, and
// nobody knows whether it arrived.
const (
	CaptureWorld = "capture"
	TapWorld     = "tap"
)

// Captured reports whether r is a capture that was read.
func (r *Run) Captured() bool { return r.World == CaptureWorld || r.World == TapWorld }

// BridgeWorld is the world of an engine that is at a port of a bridge: a host of its network, with an Ethernet of its own.
const BridgeWorld = "bridge"

// NotOurs is the name of the stack at the end of a run of which nothing is known but its segments, where they enter and leave this host.
const NotOurs = "not ours"

// Outside is the end with a stack that is NotOurs, None if there is no such end. What has arrived there nobody knows: a segment that this
// host has passed on may be lost beyond.
func (r *Run) Outside() Host {
	switch NotOurs {
	case r.Client.Name:
		return Client
	case r.Server.Name:
		return Server
	}
	return None
}

// Stack is one end's TCP implementation.
type Stack struct {
	// Name is "linux 6.18.44" or "gvisor 20260905".
	Name string
	// CC is the congestion control, Recovery what repairs losses: "reno", "RFC 6675".
	CC, Recovery string
	Addr         string
	// Kernel tells a kernel from an engine.
	Kernel bool
	// Options are what its application and its socket were asked for, in the words of the command line.
	Options string
}

// End says what came of a run.
type End struct {
	// OK is true if every byte reached the other end unchanged, each way, and both ends closed.
	OK bool
	// Reason is the sentence for a run that failed.
	Reason string
	Client Totals
	Server Totals
}

// Totals are one end's sums over the run.
type Totals struct {
	State State
	// Program is true if the application is not ours, a program's or that of another machine: Written, Received, Match and the hashes are not known.
	Program bool
	// Written and Received count the bytes that the application handed over and got. Match is true if those received
	// are those that the peer wrote.
	Written, Received int64
	Match             bool
	// Segments, Retransmitted and Lost count transmissions at this end's tap, repetitions among them, and those that
	// the link took.
	Segments, Retransmitted, Lost int
	// KernelAcked and KernelReceived are a kernel's own counters (tcpi_bytes_acked, tcpi_bytes_received): sequence
	// numbers, so a SYN or FIN counts where the kernel counts it. HasKernel is false for an engine.
	KernelAcked, KernelReceived uint64
	HasKernel                   bool
	// WrittenHash and ReceivedHash are FNV-1a 64 of all bytes that the application handed over and got.
	WrittenHash, ReceivedHash uint64
	// Checks counts the comparisons of computed values with the kernel's, Wrong those that did not agree (each a check
	// event).
	Checks, Wrong int
}
