package engine

import (
	"cmp"
	"slices"
	"sync"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// table holds the connections of a stack and its listeners, each with what only its past tells.
type table struct {
	stack *stack.Stack
	at    *layout
	quiet bool

	// mu may be taken with a connection's lock held, never the other way round.
	mu    sync.Mutex
	last  int
	conns map[stack.TransportEndpointID]*connection
	// touched are those to which something may have happened since they were looked at; ready those that were looked at
	// and not yielded.
	touched, ready []*connection
	// slowStart is the stack's counter at the last transmission.
	slowStart uint64
	// log is what has happened to the timers since Timers was called, if ever.
	log    []timerEvent
	wanted bool
}

// connection is one connection or listener. Its fields are guarded by table.mu but for those that never change.
type connection struct {
	n     int // in order of appearance
	id    stack.TransportEndpointID
	ep    *tcp.Endpoint
	tuple event.Tuple

	touched, ready, gone bool
	state                event.State
	vars                 event.Vars

	kept bool // the keepalive timer was started, read and written by the application's calls

	// reset tells that a RST was sent or received: netstack's state ERROR alone does not say why the connection ended.
	reset bool
	// arrived are the flags of the last segment that came in.
	arrived header.TCPFlags
	past    past
	slots   [numSlots]slot
	// firing is the timer of which the function runs, 0 if none.
	firing event.TimerKind
}

// watch makes ep a connection or listener of the table, whatever stood there before.
func (t *table) watch(id stack.TransportEndpointID, ep *tcp.Endpoint) *connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watchLocked(id, ep)
}

func (t *table) watchLocked(id stack.TransportEndpointID, ep *tcp.Endpoint) *connection {
	if c := t.conns[id]; c != nil {
		if c.ep == ep {
			t.touch(c)
			return c
		}
		c.gone = true // a new incarnation has its name
	}
	t.last++
	c := &connection{n: t.last, id: id, ep: ep, tuple: event.Tuple{Local: addrPort(id.LocalAddress, id.LocalPort)}}
	if id.RemotePort != 0 {
		c.tuple.Remote = addrPort(id.RemoteAddress, id.RemotePort)
	}
	t.conns[id] = c
	t.touch(c)
	return c
}

// touch notes that something may have happened to c; t.mu is held.
func (t *table) touch(c *connection) {
	if !c.touched {
		c.touched = true
		t.touched = append(t.touched, c)
	}
}

// touchAll touches every connection; t.mu is held.
func (t *table) touchAll() {
	for _, c := range t.conns {
		t.touch(c)
	}
}

// called notes that the application has called its stack about ep.
func (t *table) called(c *connection) {
	t.mu.Lock()
	t.touch(c)
	t.mu.Unlock()
}

// arrives notes a packet that the stack gets. What is no segment, such as an ICMP message, may be for anybody.
func (t *table) arrives(packet []byte) {
	id, flags, tcp := segment(packet)
	// The sender's name of the connection is the mirror of ours.
	id.LocalAddress, id.RemoteAddress, id.LocalPort, id.RemotePort = id.RemoteAddress, id.LocalAddress, id.RemotePort, id.LocalPort
	t.mu.Lock()
	defer t.mu.Unlock()
	if !tcp {
		t.touchAll()
		return
	}
	c := t.conns[id]
	if c == nil {
		return // a listener's, which sends if something comes of it
	}
	c.arrived = flags
	c.reset = c.reset || flags&header.TCPFlagRst != 0
	t.touch(c)
}

// sends returns what the stack knows at the transmission of packet. The caller is inside that transmission and holds the
// connection's lock.
func (t *table) sends(packet []byte) link.Sent {
	id, flags, ok := segment(packet)
	if !ok {
		return link.Sent{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c, listener := t.find(id, flags)
	if listener {
		// A SYN cookie or a RST for nobody: no connection stands behind it.
		out := link.Sent{State: event.Listening, StateHow: event.Read}
		if flags&(header.TCPFlagSyn|header.TCPFlagRst) == header.TCPFlagSyn {
			out.Evidence = event.SentCookie
		}
		return out
	}
	if c == nil {
		return link.Sent{}
	}
	t.touch(c)
	c.reset = c.reset || flags&header.TCPFlagRst != 0
	state := tcp.EndpointState(c.ep.State())
	out := link.Sent{State: stateOf(state, c.reset), StateHow: event.Read}
	// A RST may leave for a connection whose lock is not held; its variables no longer matter.
	if flags&header.TCPFlagRst == 0 && !t.quiet {
		out.Vars = t.at.vars(c.ep, state)
		c.past.backedOff(&out.Vars)
		out.Evidence = t.evidence(c, &out.Vars, state)
	}
	return out
}

// find returns the connection that sends a segment, or reports that a listener does; t.mu is held.
func (t *table) find(id stack.TransportEndpointID, flags header.TCPFlags) (c *connection, listener bool) {
	c = t.conns[id]
	if c != nil && !over(tcp.EndpointState(c.ep.State())) {
		return c, false
	}
	net := ipv4.ProtocolNumber
	if id.LocalAddress.Len() == header.IPv6AddressSize {
		net = ipv6.ProtocolNumber
	}
	ep, _ := t.stack.FindTransportEndpoint(net, tcp.ProtocolNumber, id, nicID).(*tcp.Endpoint)
	switch {
	case ep == nil:
		return c, false
	case tcp.EndpointState(ep.State()) == tcp.StateListen:
		// The last word of a connection that is over may leave when only the listener has its port.
		return c, c == nil || flags&header.TCPFlagSyn != 0
	}
	return t.watchLocked(id, ep), false
}

// look reads all that was touched.
func (t *table) look() {
	t.mu.Lock()
	touched := t.touched
	t.touched = nil
	for _, c := range touched {
		c.touched = false
	}
	t.mu.Unlock()
	if len(touched) > 1 {
		slices.SortFunc(touched, func(a, b *connection) int { return cmp.Compare(a.n, b.n) })
	}
	for _, c := range touched {
		t.read(c)
	}
	t.mu.Lock()
	if len(t.touched) == 0 {
		clear(touched)
		t.touched = touched[:0]
	}
	t.mu.Unlock()
}

func (t *table) read(c *connection) {
	c.ep.LockUser()
	state := tcp.EndpointState(c.ep.State())
	t.mu.Lock()
	c.state = stateOf(state, c.reset)
	if !t.quiet {
		c.vars = t.at.vars(c.ep, state)
		c.past.backedOff(&c.vars)
		t.compare(c, t.at.slots(c.ep))
	}
	if over(state) && t.conns[c.id] == c {
		delete(t.conns, c.id)
	}
	if !c.ready && !c.gone {
		c.ready = true
		t.ready = append(t.ready, c)
	}
	t.mu.Unlock()
	c.ep.UnlockUser()
}

// Sample yields state and variables of each connection to which something may have happened since the call before, the
// last time when it is over, and likewise of the listeners. Call it after Settle.
func (s *Stack) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	t := s.nic.table
	t.look()
	t.mu.Lock()
	ready := t.ready
	t.ready = nil
	t.mu.Unlock()
	for _, c := range ready {
		c.ready = false
		if !c.gone {
			yield(c.tuple, c.state, c.vars)
		}
	}
	clear(ready)
	t.mu.Lock()
	if t.ready == nil {
		t.ready = ready[:0]
	}
	t.mu.Unlock()
}

// segment returns the connection's name and the flags of the TCP segment in packet, as its sender sees them.
func segment(packet []byte) (id stack.TransportEndpointID, flags header.TCPFlags, ok bool) {
	var payload []byte
	switch header.IPVersion(packet) {
	case header.IPv4Version:
		ip := header.IPv4(packet)
		if !ip.IsValid(len(packet)) || ip.TransportProtocol() != tcp.ProtocolNumber {
			return id, 0, false
		}
		id.LocalAddress, id.RemoteAddress, payload = ip.SourceAddress(), ip.DestinationAddress(), ip.Payload()
	case header.IPv6Version:
		ip := header.IPv6(packet)
		if !ip.IsValid(len(packet)) || ip.TransportProtocol() != tcp.ProtocolNumber {
			return id, 0, false
		}
		id.LocalAddress, id.RemoteAddress, payload = ip.SourceAddress(), ip.DestinationAddress(), ip.Payload()
	}
	if len(payload) < header.TCPMinimumSize {
		return id, 0, false
	}
	h := header.TCP(payload)
	id.LocalPort, id.RemotePort = h.SourcePort(), h.DestinationPort()
	return id, h.Flags(), true
}

// connectionID names the connection between two sockets in netstack's way.
func connectionID(local, remote tcpip.FullAddress) stack.TransportEndpointID {
	return stack.TransportEndpointID{LocalPort: local.Port, LocalAddress: local.Addr, RemotePort: remote.Port, RemoteAddress: remote.Addr}
}
