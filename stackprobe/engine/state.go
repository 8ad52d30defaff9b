package engine

import (
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// flow follows the connection of a stack for what only its past tells.
type flow struct {
	mu sync.Mutex
	// ep is the connection that transmitted last, or that the application opened.
	ep *tcp.Endpoint
	// tuple names it; a closed connection no longer knows its peer.
	tuple event.Tuple
	// timeouts is the stack's counter at the last transmission. high is SND.NXT at the last timeout: what is repeated
	// below it is repeated because of that timeout, even if an acknowledgement and not the timer set it off.
	timeouts uint64
	high     uint32
	hasHigh  bool
	// reset tells that a RST was sent or received: netstack's state ERROR alone does not say why the connection ended.
	reset bool
}

// sees takes note of a RST in either direction.
func (f *flow) sees(packet []byte) {
	if _, flags, ok := segment(packet); ok && flags&header.TCPFlagRst != 0 {
		f.mu.Lock()
		f.reset = true
		f.mu.Unlock()
	}
}

// state gives netstack's state its RFC name. Its states before LISTEN and SYN-SENT are CLOSED, and so is ERROR, where a
// RST, an abort or a timeout left the connection.
func (f *flow) state(s tcp.EndpointState) event.State {
	if s != tcp.StateError {
		return stateOf(s)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.reset {
		return event.ClosedReset
	}
	return event.Closed
}

// watch makes ep the connection whose state Sample returns.
func (f *flow) watch(ep *tcp.Endpoint, t event.Tuple) {
	f.mu.Lock()
	f.ep = ep
	f.tuple = t
	f.mu.Unlock()
}

func (f *flow) watched() (*tcp.Endpoint, event.Tuple) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ep, f.tuple
}

// sent returns what the stack knows at the transmission of packet. The caller is inside that transmission.
func (f *flow) sent(s *Stack, packet []byte) link.Sent {
	f.sees(packet)
	ep, tuple, flags := find(s.stack, packet)
	if ep == nil {
		return link.Sent{}
	}
	state := tcp.EndpointState(ep.State())
	out := link.Sent{State: f.state(state), StateHow: event.Read}
	if state == tcp.StateListen {
		// A SYN cookie or a RST for nobody: no connection stands behind it.
		return out
	}
	f.watch(ep, tuple)
	if flags&header.TCPFlagSyn != 0 && s.clock.inTimer.Load() {
		out.Evidence = event.Expired
	}
	// A RST may leave for a connection whose lock is not held; its variables no longer matter.
	if !connected(state) || flags&header.TCPFlagRst != 0 {
		return out
	}
	var es tcp.TCPEndpointState
	completeState(ep, &es)
	out.Vars = varsOf(&es)
	out.Evidence = f.evidence(&es, s.stack.Stats().TCP.Timeouts.Value())
	return out
}

// evidence says what speaks for a reason of a retransmission, if this is one.
func (f *flow) evidence(es *tcp.TCPEndpointState, timeouts uint64) event.Evidence {
	f.mu.Lock()
	defer f.mu.Unlock()
	snd := &es.Sender
	switch {
	case timeouts != f.timeouts:
		f.timeouts = timeouts
		f.high, f.hasHigh = uint32(snd.SndNxt), true
		if snd.SndWnd == 0 {
			// Netstack counts its persist timer among the timeouts.
			return event.Probing
		}
		return event.Expired
	case snd.FastRecovery.Active:
		return event.Recovering
	case f.hasHigh && int32(uint32(snd.SndUna)-f.high) < 0:
		return event.Resending
	}
	f.hasHigh = false
	return 0
}

// segment returns the connection's name and the flags of the TCP segment in packet, as its sender sees them.
func segment(packet []byte) (stack.TransportEndpointID, header.TCPFlags, bool) {
	ip := header.IPv4(packet)
	if !ip.IsValid(len(packet)) || ip.TransportProtocol() != tcp.ProtocolNumber || len(ip.Payload()) < header.TCPMinimumSize {
		return stack.TransportEndpointID{}, 0, false
	}
	t := header.TCP(ip.Payload())
	return stack.TransportEndpointID{LocalPort: t.SourcePort(), LocalAddress: ip.SourceAddress(),
		RemotePort: t.DestinationPort(), RemoteAddress: ip.DestinationAddress()}, t.Flags(), true
}

// find returns the connection that sends packet, nil if there is none, its name, and the flags of its segment.
func find(s *stack.Stack, packet []byte) (*tcp.Endpoint, event.Tuple, header.TCPFlags) {
	id, flags, ok := segment(packet)
	if !ok {
		return nil, event.Tuple{}, 0
	}
	ep, _ := s.FindTransportEndpoint(ipv4.ProtocolNumber, tcp.ProtocolNumber, id, nicID).(*tcp.Endpoint)
	return ep, event.Tuple{Local: addrPort(id.LocalAddress, id.LocalPort), Remote: addrPort(id.RemoteAddress, id.RemotePort)}, flags
}

// Sample yields state and variables of the stack's connection, or of its listener before there is one. Call it after
// Settle.
func (s *Stack) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	ep, tuple := s.nic.flow.watched()
	if ep == nil {
		return
	}
	ep.LockUser()
	defer ep.UnlockUser()
	state := tcp.EndpointState(ep.State())
	if !connected(state) {
		yield(tuple, s.nic.flow.state(state), event.Vars{})
		return
	}
	var es tcp.TCPEndpointState
	completeState(ep, &es)
	yield(tuple, stateOf(state), varsOf(&es))
}

// connected reports whether the connection has its sender and receiver variables.
func connected(s tcp.EndpointState) bool {
	switch s {
	case tcp.StateEstablished, tcp.StateFinWait1, tcp.StateFinWait2, tcp.StateTimeWait, tcp.StateCloseWait, tcp.StateLastAck, tcp.StateClosing:
		return true
	}
	return false
}

// stateOf translates all states but ERROR.
func stateOf(s tcp.EndpointState) event.State {
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
	}
	return event.Closed
}

// varsOf translates netstack's snapshot. Its unlimited slow start threshold is the largest int.
func varsOf(es *tcp.TCPEndpointState) event.Vars {
	snd, rcv := &es.Sender, &es.Receiver
	v := event.Vars{
		How: event.Read,
		Has: event.HasUna | event.HasNxt | event.HasWnd | event.HasCwnd | event.HasSsthresh | event.HasRTO | event.HasRcvNxt | event.HasRcvWnd,
		Una: uint32(snd.SndUna), Nxt: uint32(snd.SndNxt), Wnd: uint32(snd.SndWnd),
		Cwnd: uint32(snd.SndCwnd), Ssthresh: uint32(min(snd.Ssthresh, event.InfiniteSsthresh)), RTO: int64(snd.RTO),
		RcvNxt: uint32(rcv.RcvNxt), RcvWnd: uint32(rcv.RcvNxt.Size(rcv.RcvAcc)),
	}
	if snd.RTTState.SRTTInited {
		v.Has |= event.HasSRTT | event.HasRTTVar
		v.SRTT, v.RTTVar = int64(snd.RTTState.SRTT), int64(snd.RTTState.RTTVar)
	}
	return v
}

// addr makes netstack's form of a socket address.
func addr(ip tcpip.Address, port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nicID, Addr: ip, Port: port}
}
