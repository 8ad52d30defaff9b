package engine

import (
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/event"
)

// past is what a connection's counters and variables were at its last transmission.
type past struct {
	recovering  bool
	outOfWindow tcpip.MonotonicTime
	// high is SND.NXT at the last expiry: what is repeated below it is repeated because of that, even if an
	// acknowledgement and not the timer set it off.
	high    uint32
	hasHigh bool
	// expiries counts how often the retransmission timeout was doubled; netstack keeps only the timeout itself. rto is
	// what it came to, before what it was; fresh is set between an expiry and the next look at it.
	expiries    uint32
	rto, before int64
	fresh       bool
}

// expired notes that the retransmission timer has expired, before netstack acts on it.
func (p *past) expired() { p.fresh, p.before = true, p.rto }

// backedOff adds the back-off to v: the number of expiries as long as the timeout is what the last of them made it.
func (p *past) backedOff(v *event.Vars) {
	if v.Has&event.HasCwnd == 0 {
		return
	}
	switch {
	case p.fresh && (v.RTO != p.before || v.RTO == int64(tcp.MaxRTO)):
		p.expiries++
	case v.RTO != p.rto:
		p.expiries = 0
	}
	p.fresh, p.rto = false, v.RTO
	v.Has |= event.HasBackoff
	v.Computed |= event.HasBackoff
	v.Backoff = p.expiries
}

// evidence says what speaks for a reason of a transmission of c: the timer of which the function runs, the state of
// recovery, and the counters that have moved since the one before. t.mu and the connection's lock are held.
func (t *table) evidence(c *connection, v *event.Vars, state tcp.EndpointState) event.Evidence {
	e := byTimer(c.firing)
	if !connected(state) {
		return e
	}
	p := &c.past
	if e&event.Expired != 0 {
		p.high, p.hasHigh = v.Nxt, true
	}
	p.hasHigh = p.hasHigh && int32(v.Una-p.high) < 0
	recovering := t.at.sender.in(*t.at.snd.in(unsafe.Pointer(c.ep))).FastRecovery.Active
	switch {
	case e&(event.Expired|event.Probing) != 0:
	case recovering:
		e |= event.Recovering
	case p.hasHigh:
		e |= event.Resending
	}
	// Netstack counts a fast retransmission only when it has left.
	if recovering && !p.recovering {
		e |= event.FastRetransmitted
	}
	p.recovering = recovering
	if n := t.stack.Stats().TCP.SlowStartRetransmits.Value(); n != t.slowStart {
		t.slowStart = n
		e |= event.SlowStartRetrans
	}
	// Netstack notes when it answered a segment outside of the window; a challenge is such an answer to a RST or a SYN
	// (RFC 5961 sections 3 and 4).
	if at := *t.at.outOfWindowAck.in(unsafe.Pointer(c.ep)); at != p.outOfWindow {
		p.outOfWindow = at
		if c.arrived&(header.TCPFlagRst|header.TCPFlagSyn) != 0 {
			e |= event.Challenged
		}
	}
	return e
}

// byTimer is the evidence of a transmission from within a timer's function.
func byTimer(k event.TimerKind) event.Evidence {
	switch k {
	case 0:
		return 0
	case event.RTO:
		return event.InTimer | event.Expired
	case event.TimerSyn, event.TimerSynAck:
		return event.InTimer | event.Expired | event.SynRetransmitted
	case event.TimerPersist:
		return event.InTimer | event.Probing | event.SentWindowProbe
	case event.TimerTLP:
		return event.InTimer | event.TailLoss | event.ProbedTail
	case event.TimerKeepalive:
		return event.InTimer | event.SentKeepalive
	}
	return event.InTimer
}
