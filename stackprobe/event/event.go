// Package event holds the one type that every part of the laboratory produces and every view reads: what was seen at
// one moment at one end of a TCP connection, or on the link between the two ends.
//
// An Event carries facts. What is read from a stack, what is computed from the segments at a tap and what is inferred
// from counters is told apart by How; what could not be known is absent (see Vars.Has), never zero.
//
// An Event holds no pointer into a buffer: a plain copy (e2 := *e) stays valid for ever. Run, End, Packet and Reassembly are
// written once and never changed. The package knows no other package of this program.
package event

// Kind says what happened, and with it which parts of an Event are filled.
type Kind uint8

// The kinds.
const (
	_               Kind = iota
	KindRun              // the first event: how this run was made (Event.Run)
	KindTx               // Host transmitted Seg; it is at the head of the link now
	KindRx               // Seg has arrived at Host, which has not processed it yet
	KindLost             // the link took Seg that Host had sent; Event.Rule says why
	KindState            // the TCP state of Host changed from From to State
	KindVars             // variables of Host were sampled outside a transmission (Event.Vars)
	KindApp              // the application of Host called its stack (Event.App)
	KindTimer            // a timer of Host was armed, stopped or fired (Event.Timer)
	KindNote             // a sentence about the run (Event.Level, Event.Text)
	KindEnd              // the last event: what was delivered (Event.End)
	KindFault            // the link changed the way of Seg that Host had sent, without taking it (Event.Fault)
	KindICMP             // Host got an ICMP message about Seg, which it had sent (Event.ICMP)
	KindCheck            // a value computed for Host does not agree with what its kernel says (Event.Check)
	KindCounters         // the counters of Host's stack at the end of the run, of Conn alone if that is not 0 (Event.Counters)
	KindExpectation      // what came of an expectation of the run's scenario (Event.Expectation); they stand before the end
	KindDiscard          // a router took Packet, which had reached it: Text says why
	KindReassembly       // a fragment reached the buffer of its datagram, or the time was up (Event.Reassembly)
	KindFrame            // Host sent or got a frame that is of its network and of no connection (Event.Frame)
)

// Host names one end of the connection; None is the run as a whole.
type Host uint8

// The ends. Client is the end that opens the connection.
const (
	None Host = iota
	Client
	Server
)

// Peer returns the other end; the peer of None is None.
func (h Host) Peer() Host {
	switch h {
	case Client:
		return Server
	case Server:
		return Client
	}
	return None
}

// Clock says what the times of a run mean.
type Clock uint8

// The clocks.
const (
	_       Clock = iota
	Virtual       // simulated: equal seeds give equal times
	Mono          // CLOCK_MONOTONIC: the scheduler's delays are in it
)

// How says where a value comes from.
type How uint8

// The origins of a value.
const (
	_        How = iota
	Read         // read from the stack itself at the moment of the event
	Computed     // computed from the segments at this end's own tap
	Inferred     // concluded from counters that moved between two moments
	Told         // said by the script of an end that has no stack
)

// Level is the weight of a note.
type Level uint8

// The levels, as in the notes of every other command.
const (
	Info Level = iota
	Warning
)

// Event is one observation. The zero value of a part means that the part is absent; Kind says which parts are filled:
// Seg for tx, rx and lost; State for tx and state (and for rx, the state before the segment is processed) where known;
// Vars where known.
type Event struct {
	// T is the time since the start of the run in nanoseconds. N is the running number, from 1. The order of events is
	// (T, N), and a run yields them in this order.
	T     int64
	N     int
	Clock Clock
	Kind  Kind
	// Host is the end at whose tap this was seen. A lost segment has its sender here.
	Host Host
	// Conn numbers the connections of the run from 1, as the link met them; 0 is none in particular. A new incarnation of
	// the same two sockets is a new connection.
	Conn int

	Seg Segment
	// Derived is what follows from this event and those before; see there.
	Derived Derived
	// Evidence is what the sender's stack showed at a transmission that speaks for a reason.
	Evidence Evidence

	// State is the state of Host: at the moment of transmission for tx, before processing for rx, the new one for
	// state. From is the former state of a state change.
	State, From State
	StateHow    How
	Vars        Vars

	// Rule is the fault rule that took a lost segment, in the words of the command line.
	Rule string

	App   App
	Timer Timer
	// Fault is what a rule did to Seg (fault and lost).
	Fault Fault
	ICMP  ICMP
	Frame Frame
	Check Check
	// Counters are sorted by name: those of a stack that are not zero, all that it has for a connection. Nobody changes them
	// once they are here.
	Counters []Counter

	Level Level
	Text  string

	Run         *Run
	End         *End
	Expectation *Expectation
	// Packet stands in the place of Seg in a run of datagrams: for tx, rx, lost, fault, icmp and discard.
	Packet     *Packet
	Reassembly *Reassembly
}

// Call is what an application asks of its stack.
type Call uint8

// The calls. Accept is the moment when the listening application gets its connection; Established the moment when
// connect has succeeded; EOF when reading met the peer's FIN.
const (
	_ Call = iota
	Listen
	Connect
	Established
	Accept
	Write
	Receive
	EOF
	Shutdown
	Close
	Failed
	Abort
)

// App is one call of an application.
type App struct {
	Call Call
	// Bytes is the number of bytes that the call moved, for Write and Receive.
	Bytes int
	// Err is the error of a Failed call in the words of the kernel's errno, such as "connection timed out".
	Err string
}
