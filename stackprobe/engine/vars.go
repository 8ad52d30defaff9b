package engine

import (
	"math/bits"
	"time"
	"unsafe"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/event"
)

// dupThresh is how many duplicate acknowledgements make netstack retransmit without RACK (nDupAckThreshold in
// transport/tcp/snd.go, RFC 5681 section 3.2).
const dupThresh = 3

// vars reads the variables of a connection whose lock the caller holds; nothing before a handshake and after the end.
func (l *layout) vars(ep *tcp.Endpoint, state tcp.EndpointState) (v event.Vars) {
	e := unsafe.Pointer(ep)
	switch {
	case connected(state):
		v.How = event.Read
		l.senderVars(*l.snd.in(e), &v)
		l.receiverVars(e, &v)
		l.sackVars(ep, &v)
		l.bufferVars(ep, &v)
	case state == tcp.StateSynSent || state == tcp.StateSynRecv:
		if h := *l.handshake.in(e); h != nil {
			v.How = event.Read
			l.handshakeVars(h, state, &v)
		}
	}
	return v
}

// senderVars reads the sender. Its unlimited slow start threshold is the largest int.
func (l *layout) senderVars(s unsafe.Pointer, v *event.Vars) {
	snd, rtt := l.sender.in(s), l.rtt.in(s)
	v.Has |= event.HasUna | event.HasNxt | event.HasWnd | event.HasCwnd | event.HasSsthresh | event.HasRTO | event.HasCongestion |
		event.HasFlight | event.HasDupAcks | event.HasProbes | event.HasSndMSS
	v.Una, v.Nxt, v.Wnd = uint32(snd.SndUna), uint32(snd.SndNxt), uint32(snd.SndWnd)
	v.Cwnd, v.Ssthresh = uint32(snd.SndCwnd), uint32(min(snd.Ssthresh, event.InfiniteSsthresh))
	v.RTO = int64(snd.RTO)
	if rtt.SRTTInited {
		v.Has |= event.HasSRTT | event.HasRTTVar
		v.SRTT, v.RTTVar = int64(rtt.SRTT), int64(rtt.RTTVar)
	}
	v.Congestion = congestion(*l.congestion.in(s))
	v.Flight, v.DupAcks = uint32(snd.Outstanding), uint32(snd.DupAckCount)
	v.Probes, v.SndMSS = *l.unansweredProbes.in(s), uint32(snd.MaxPayloadSize)
}

func congestion(c tcpip.CongestionControlState) event.Congestion {
	switch c {
	case tcpip.RTORecovery:
		return event.CongestionLoss
	case tcpip.FastRecovery, tcpip.SACKRecovery:
		return event.CongestionRecovery
	case tcpip.Disorder:
		return event.CongestionDisorder
	}
	return event.CongestionOpen
}

func (l *layout) receiverVars(e unsafe.Pointer, v *event.Vars) {
	rcv := l.receiver.in(*l.rcv.in(e))
	v.Has |= event.HasRcvNxt | event.HasRcvWnd
	v.RcvNxt, v.RcvWnd = uint32(rcv.RcvNxt), uint32(rcv.RcvNxt.Size(rcv.RcvAcc))
	// Keepalive probes are only sent when nothing is in flight, window probes only when something is.
	v.Probes += uint32(*l.unansweredKeepalives.in(e))
}

// sackVars reads what both ends have told each other by SACK. With RACK the sender counts segments and its allowance for
// reordering is a time; without, it counts duplicates to a fixed number.
func (l *layout) sackVars(ep *tcp.Endpoint, v *event.Vars) {
	e := unsafe.Pointer(ep)
	rack := *l.connectionRecovery.in(e)&tcpip.TCPRACKLossDetection != 0
	if !rack || !ep.SACKPermitted {
		v.Has |= event.HasReordering
		v.Reordering = dupThresh
	}
	if !ep.SACKPermitted {
		return
	}
	v.Has |= event.HasScoreboard | event.HasHeld
	if rack {
		v.Has |= event.HasSacked
		v.Sacked = uint32(l.sender.in(*l.snd.in(e)).SackedOut)
	}
	if board := *l.scoreboard.in(e); !board.Empty() {
		reported, _ := board.Copy()
		v.NScoreboard = blocks(&v.Scoreboard, reported)
	}
	held := l.sack.in(e)
	v.NHeld = blocks(&v.Held, held.Blocks[:held.NumBlocks])
}

// blocks copies as many blocks as an event has room for.
func blocks(to *[event.MaxBlocks]event.Block, from []header.SACKBlock) uint8 {
	n := min(len(from), len(to))
	for i, b := range from[:n] {
		to[i] = event.Block{Left: uint32(b.Start), Right: uint32(b.End)}
	}
	return uint8(n)
}

func (l *layout) bufferVars(ep *tcp.Endpoint, v *event.Vars) {
	v.Has |= event.HasSndBuf | event.HasRcvBuf
	// netstack takes an acknowledged FIN off too, which it never put in.
	v.SndBuf = uint32(max(l.sndBuf.in(unsafe.Pointer(ep)).SndBufUsed, 0))
	v.RcvBuf = uint32(ep.TCPRcvBufState.RcvBufUsed)
}

// handshakeVars reads what a connection knows before it stands (RFC 9293 sections 3.10.1 and 3.10.7.2). Its timeout is
// doubled from one second at each repetition. The peer's window it keeps only with the segment that completes the
// handshake.
func (l *layout) handshakeVars(h unsafe.Pointer, state tcp.EndpointState, v *event.Vars) {
	v.Has |= event.HasISS | event.HasUna | event.HasNxt | event.HasRcvWnd
	v.ISS = uint32(*l.iss.in(h))
	v.Una, v.Nxt, v.RcvWnd = v.ISS, v.ISS+1, uint32(*l.handRcvWnd.in(h))
	if state == tcp.StateSynRecv {
		v.Has |= event.HasIRS | event.HasRcvNxt
		v.RcvNxt = uint32(*l.ackNum.in(h))
		v.IRS = v.RcvNxt - 1
	}
	if t := *l.handTimer.in(h); t != nil {
		v.Has |= event.HasRTO
		v.RTO = *l.handTimeout.in(t)
		if n := time.Duration(v.RTO) / tcp.InitialRTO; n > 0 {
			v.Has |= event.HasBackoff
			v.Backoff = uint32(bits.Len64(uint64(n)) - 1)
		}
	}
}

// connected reports whether the connection has its sender and receiver variables.
func connected(s tcp.EndpointState) bool {
	switch s {
	case tcp.StateEstablished, tcp.StateFinWait1, tcp.StateFinWait2, tcp.StateTimeWait, tcp.StateCloseWait, tcp.StateLastAck, tcp.StateClosing:
		return true
	}
	return false
}

// over reports whether nothing more will become of the connection.
func over(s tcp.EndpointState) bool { return s == tcp.StateClose || s == tcp.StateError }

// stateOf translates netstack's state. Those before LISTEN and SYN-SENT are CLOSED, and so is ERROR, where a RST, an
// abort or a timeout left the connection; reset tells which.
func stateOf(s tcp.EndpointState, reset bool) event.State {
	switch s {
	case tcp.StateListen:
		return event.Listening
	case tcp.StateSynSent:
		return event.SynSent
	case tcp.StateSynRecv:
		return event.SynReceived
	case tcp.StateEstablished:
		return event.StateEstablished
	case tcp.StateFinWait1:
		return event.FinWait1
	case tcp.StateFinWait2:
		return event.FinWait2
	case tcp.StateCloseWait:
		return event.CloseWait
	case tcp.StateClosing:
		return event.Closing
	case tcp.StateLastAck:
		return event.LastAck
	case tcp.StateTimeWait:
		return event.TimeWait
	case tcp.StateError:
		if reset {
			return event.ClosedReset
		}
	}
	return event.Closed
}
