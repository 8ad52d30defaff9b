package procnet

// State is the st column of an inet socket. For TCP it is a TCP state of include/net/tcp_states.h; UDP and raw sockets
// borrow two of those numbers, Established for a connected socket and Close for any other.
type State uint8

// The states of include/net/tcp_states.h. TCP_NEW_SYN_RECV (12) is never in the files: they show it as SynRecv (get_openreq4).
const (
	Established State = 1 + iota
	SynSent
	SynRecv
	FinWait1
	FinWait2
	TimeWait
	Close
	CloseWait
	LastAck
	Listen
	Closing
)

// String returns the word that netstat(8) has for a TCP state; UNKNOWN for a number that has none.
func (s State) String() string {
	switch s {
	case Established:
		return "ESTABLISHED"
	case SynSent:
		return "SYN_SENT"
	case SynRecv:
		return "SYN_RECV"
	case FinWait1:
		return "FIN_WAIT1"
	case FinWait2:
		return "FIN_WAIT2"
	case TimeWait:
		return "TIME_WAIT"
	case Close:
		return "CLOSE"
	case CloseWait:
		return "CLOSE_WAIT"
	case LastAck:
		return "LAST_ACK"
	case Listen:
		return "LISTEN"
	case Closing:
		return "CLOSING"
	}
	return "UNKNOWN"
}

// TimerKind is the tr column: which timer of the socket is pending.
type TimerKind uint8

// The timers that get_tcp4_sock, get_openreq4 and get_timewait4_sock write (net/ipv4/tcp_ipv4.c).
const (
	TimerOff        TimerKind = 0
	TimerRetransmit TimerKind = 1 // retransmission, and also reordering and loss probe
	TimerKeepalive  TimerKind = 2 // keepalive; for the sockets that have it, FIN_WAIT2
	TimerTimeWait   TimerKind = 3
	TimerProbe      TimerKind = 4 // probing a zero window
)

// Timer is the pending timer of an inet socket.
type Timer struct {
	Kind TimerKind
	// Remaining is the time until it fires, in clock ticks of 1/100 s (USER_HZ).
	Remaining uint64
	// Retransmits counts the unanswered retransmissions of the oldest segment.
	Retransmits uint32
	// Probes counts the unanswered zero-window or keepalive probes (the column is called timeout).
	Probes int32
}
