package event

// TimerKind names a timer of TCP.
type TimerKind uint8

// The timers. Syn and SynAck are the retransmission timer before the connection stands; Persist probes a closed window
// (RFC 9293 section 3.8.6.1); TLP is the probe timeout and Reorder the reordering window of RACK-TLP (RFC 8985).
const (
	_   TimerKind = iota
	RTO           // retransmission timeout, RFC 6298
	TimerSyn
	TimerSynAck
	TimerTLP
	TimerReorder
	TimerPersist
	TimerKeepalive
	TimerDelayedAck
	TimerTimeWait
	TimerFinWait2
	TimerUser // user timeout, RFC 5482
)

// TimerOp says what happened to a timer.
type TimerOp uint8

// The operations.
const (
	Fired TimerOp = iota
	Armed
	Stopped
)

// Timer is what happened to a timer of an end.
type Timer struct {
	Kind TimerKind
	Op   TimerOp
	// At is the moment of an armed timer's expiry in nanoseconds since the start of the run.
	At  int64
	How How
}
