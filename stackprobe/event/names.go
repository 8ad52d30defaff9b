package event

var (
	kindNames = [...]string{"", "run", "tx", "rx", "lost", "state", "vars", "app", "timer", "note", "end", "fault", "icmp", "check", "counters", "expectation",
		"discard", "reassembly", "frame"}
	hostNames   = [...]string{"", "client", "server"}
	clockNames  = [...]string{"", "virtual", "mono"}
	howNames    = [...]string{"", "read", "computed", "inferred", "told"}
	levelNames  = [...]string{"info", "warning"}
	callNames   = [...]string{"", "listen", "connect", "established", "accept", "write", "receive", "eof", "shutdown", "close", "failed", "abort"}
	timerNames  = [...]string{"", "rto", "syn", "synack", "tlp", "reorder", "persist", "keepalive", "delayed-ack", "time-wait", "fin-wait-2", "user"}
	opNames     = [...]string{"fired", "armed", "stopped"}
	actionNames = [...]string{"", "drop", "dup", "corrupt", "delay", "reorder", "rate", "loss", "burst", "mtu", "down", "overlap"}
	congNames   = [...]string{"", "open", "disorder", "cwr", "recovery", "loss"}
	reasonNames = [...]string{"", "new", "ack", "rto", "fast", "tlp", "window-probe", "keepalive", "reset", "retransmit", "challenge-ack",
		"delayed-ack", "pmtu"}
	originNames = [...]string{"", "inject", "peer"}
	stepNames   = [...]string{"", "added", "duplicate", "overlapped", "whole", "timed-out"}
	causeNames  = [...]string{"", "loss", "reordering", "duplicate"}
)

// String returns the word of the schema: "tx", "rx", "lost", ...
func (k Kind) String() string { return name(kindNames[:], uint8(k)) }

// String returns "client", "server" or "".
func (h Host) String() string { return name(hostNames[:], uint8(h)) }

// String returns "virtual" or "mono".
func (c Clock) String() string { return name(clockNames[:], uint8(c)) }

// String returns "read", "computed", "inferred" or "told".
func (h How) String() string { return name(howNames[:], uint8(h)) }

// String returns "info" or "warning".
func (l Level) String() string { return name(levelNames[:], uint8(l)) }

// String returns the word of the schema: "connect", "write", ...
func (c Call) String() string { return name(callNames[:], uint8(c)) }

// String returns the word of the schema: "rto", "tlp", "persist", ...
func (t TimerKind) String() string { return name(timerNames[:], uint8(t)) }

// String returns "fired", "armed" or "stopped".
func (o TimerOp) String() string { return name(opNames[:], uint8(o)) }

// String returns the word of the rules: "drop", "dup", ...
func (a Action) String() string { return name(actionNames[:], uint8(a)) }

// String returns the word of the schema: "open", "disorder", "cwr", "recovery" or "loss".
func (c Congestion) String() string { return name(congNames[:], uint8(c)) }

// String returns the word of the schema: "new", "rto", "fast", ...
func (r Reason) String() string { return name(reasonNames[:], uint8(r)) }

// String returns "inject", "peer" or "".
func (o Origin) String() string { return name(originNames[:], uint8(o)) }

// String returns "loss", "reordering" or "duplicate".
func (c Cause) String() string { return name(causeNames[:], uint8(c)) }

// String returns "added", "duplicate", "overlapped", "whole" or "timed-out".
func (s Step) String() string { return name(stepNames[:], uint8(s)) }

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return ""
}
