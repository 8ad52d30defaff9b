package app

import "time"

// Options say what one end of a connection does and how its socket is made. The zero value is the default for that end:
// a client plays RoleExchange, a server RoleEcho.
//
// Where two names stand beside a field's text, the second is its word on the command line (ParseOptions).
type Options struct {
	Socket
	Role Role // role
	// Open says whether the end opens connections: by default a client connects and a server listens. OpenAt is when it does,
	// counted from the start of the run.
	Open   Opening       // open
	OpenAt time.Duration // open-at
	// Restart is when the host of the end loses its memory: its stack is gone without a word, and a new one takes its place. A
	// server listens again at once; Reconnect is when a client connects again, from the same port. Both count from the start of
	// the run, 0 is never. Reconnect alone has a client connect a second time.
	Restart, Reconnect time.Duration // restart, reconnect
	// Bytes is what the end sends of its own accord, 0 to MaxBytes; HasBytes tells 0 from nothing said.
	Bytes    int64 // bytes
	HasBytes bool
	// Repeat is after how many octets what the end sends begins again, 0 for never: two writes of that size are equal.
	Repeat int // repeat
	// Write is the size of one write, 0 for as much as the send buffer takes. Pause is the time between two writes, Start
	// that between the connection's standing and the first write.
	Write        int           // write
	Pause, Start time.Duration // pause, start
	// Read is the size of one read, 0 for as much as there is. ReadPause is the time between two reads, ReadStart that
	// between the connection's standing and the first.
	Read                 int           // read
	ReadPause, ReadStart time.Duration // every, read-start
	// End is how this end closes. It does so EndAfter its work is done, or EndAt after the connection stands, whatever is
	// under way then; only one of the two is set.
	End             Ending        // close
	EndAfter, EndAt time.Duration // close ... after, close ... at
}

// MaxBytes keeps one direction within half a round of the sequence numbers, so that a relative number has one meaning.
const MaxBytes = 1 << 30

// Role is the part that an end plays.
type Role uint8

// The roles. RoleExchange sends Bytes and expects them back; RoleEcho sends back what arrives (RFC 862); RoleSink reads
// and sends nothing (RFC 863); RoleSource sends Bytes and reads what comes. RoleHTTP answers requests for files and generated octets;
// it is a server's. RoleProgram is the part of a program that is not ours: what it sends nobody knows before.
const (
	RoleDefault Role = iota
	RoleExchange
	RoleEcho
	RoleSink
	RoleSource
	RoleHTTP
	RoleProgram
)

// Opening says whether an end opens connections.
type Opening uint8

// The openings. OpenActive at both ends is a simultaneous open (RFC 9293 section 3.5).
const (
	OpenDefault Opening = iota
	OpenActive
	OpenPassive
	OpenNever
)

// Ending is how an end closes.
type Ending uint8

// The endings. EndClose shuts down for writing when its work is done, reads to the peer's FIN and closes; the work of
// RoleExchange is to send everything and to get it back. EndHalf shuts down as soon as everything is sent, and goes on
// reading for as long as the peer sends. EndReset closes with a linger time of 0, which sends a RST. EndAbrupt closes
// when everything is sent, without reading what has arrived. EndNever leaves the connection open.
const (
	EndClose Ending = iota
	EndHalf
	EndReset
	EndAbrupt
	EndNever
)

// Switch is an option that is left to the stack, on or off.
type Switch uint8

// The values of a Switch.
const (
	Default Switch = iota
	On
	Off
)

// Socket says how a socket and the stack below it are set up. The zero value is the laboratory's default for that stack;
// what a stack cannot do, it refuses by the option's word (Unsupported).
type Socket struct {
	// MSS bounds the segments (TCP_MAXSEG), 88 to 32767 octets, 0 for that of the link.
	MSS int // mss
	// RcvBuf and SndBuf are the sizes of the buffers in octets as the application asks for them, 0 for the default.
	RcvBuf, SndBuf int // rcvbuf, sndbuf
	// WindowScaling, SACK, Timestamps and Nagle are RFC 7323, RFC 2018, RFC 7323 and RFC 1122 section 4.2.3.4. DelayedAck
	// is a kernel's alone (TCP_QUICKACK).
	WindowScaling, SACK, Timestamps, Nagle, DelayedAck Switch // scaling, sack, timestamps, nagle, delayed-ack
	// DF is off for IPv4 packets that routers may fragment (IP_MTU_DISCOVER).
	DF Switch // df
	// Congestion is the name of the congestion control, "" for reno.
	Congestion string // cc
	// RACK is RACK-TLP (RFC 8985): off by default for an engine, on for a kernel.
	RACK Switch // rack
	// Keepalive is the idle time before the first probe, KeepaliveEvery that between two, KeepaliveCount how many go
	// unanswered (TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT); no probes if Keepalive is 0. The other two are the stack's
	// own if they are 0.
	Keepalive, KeepaliveEvery time.Duration // keepalive
	KeepaliveCount            int
	// UserTimeout ends a connection whose data are not acknowledged for that long (RFC 5482), 0 for the stack's limit.
	UserTimeout time.Duration // user-timeout
	// TimeWait is the length of TIME-WAIT, 0 for the stack's own. A kernel's is fixed.
	TimeWait time.Duration // time-wait
	// Listen is off for a server that opens no port: who connects is refused.
	Listen Switch // listen
	// Backlog is the length of the listener's queue, 0 for 16. Cookies has it answer every SYN with a cookie.
	Backlog int    // backlog
	Cookies Switch // cookies
}

// Unsupported is an option that a stack cannot do.
type Unsupported struct {
	// Option is its word, Stack the stack's name, Why the reason.
	Option, Stack, Why string
}

// Error names the option, the stack and the reason.
func (e *Unsupported) Error() string { return e.Option + ": " + e.Stack + " cannot do that: " + e.Why }
