package engine

import (
	"fmt"
	"io"
	"math/rand"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/app"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Name is the engine's name and version, as the first line of a run shows it. The version is that of go.mod.
const Name = "gvisor 20260905"

// Congestion control and loss recovery of a stack that is asked for none: what textbooks show. RACK and tail loss probes
// are off.
const (
	CC       = "reno"
	Recovery = "RFC 6675"
)

// Config says how a stack is made.
type Config struct {
	Clock vclock.Clock
	Addr  netip.Addr // IPv4 or IPv6
	MTU   int
	// Socket holds for every connection of the stack. What netstack cannot do, New refuses (CheckSocket).
	Socket app.Socket
	// Seed fixes initial sequence numbers, timestamps and ports. Two stacks of one run need different seeds.
	Seed int64
	// Quiet reads no variables and no evidence, only states: the stack as fast as it is when nobody watches.
	Quiet bool
	// Send gets each packet that the stack transmits, with its moment. The packet belongs to the receiver. Send is
	// called with a lock of the stack held and must not call the stack.
	Send func(at time.Duration, packet []byte, sent link.Sent)
}

// Stack is one end's TCP/IP.
type Stack struct {
	clock *clock
	addr  tcpip.Address
	net   tcpip.NetworkProtocolNumber
	stack *stack.Stack
	// tcp is the stack's TCP, whose goroutines Settle waits for.
	tcp    stack.TransportProtocol
	nic    *nic
	socket socket
	// busy says that the stack got something to do since the last Settle.
	busy bool
}

const nicID = 1

// quiet keeps netstack's log off the terminal; what matters in it is in the events.
var quiet = sync.OnceFunc(func() { log.SetTarget(&log.Writer{Next: io.Discard}) })

// New returns a running stack. Close ends it. The error is *app.Unsupported for an option that netstack cannot do.
func New(c Config) (*Stack, error) {
	quiet()
	if err := CheckSocket(&c.Socket); err != nil {
		return nil, err
	}
	at, err := netstack()
	if err != nil {
		return nil, err
	}
	s := &Stack{addr: tcpip.AddrFromSlice(c.Addr.AsSlice()), net: ipv4.ProtocolNumber, socket: socket(c.Socket), busy: true}
	network := ipv4.NewProtocol
	if c.Addr.Is6() {
		s.net, network = ipv6.ProtocolNumber, ipv6.NewProtocol
	}
	s.clock = &clock{Clock: c.Clock, stack: s}
	s.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{network},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              s.clock,
		SecureRNG:          rand.New(rand.NewSource(c.Seed)),
		RandSource:         rand.NewSource(c.Seed + 1),
	})
	s.tcp = s.stack.TransportProtocolInstance(tcp.ProtocolNumber)
	s.nic = &nic{stack: s, mtu: uint32(c.MTU), send: c.Send,
		table: &table{stack: s.stack, at: at, quiet: c.Quiet, conns: make(map[stack.TransportEndpointID]*connection)}}
	if err := setUp(s.stack, s.socket.protocol(), s.nic, whole(s.net, s.addr)); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// setUp sets the options and gives the stack its interface, address and route. For IPv6 netstack neither solicits
// routers nor probes its address nor reports its groups unless it is told to, so the link carries nothing but TCP.
func setUp(s *stack.Stack, options []tcpip.SettableTransportProtocolOption, nic stack.LinkEndpoint, addr tcpip.ProtocolAddress) error {
	for _, o := range options {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("engine: option %T: %w", o, sysError(err))
		}
	}
	if err := s.CreateNIC(nicID, nic); err != nil {
		return fmt.Errorf("engine: interface: %w", sysError(err))
	}
	if err := s.AddProtocolAddress(nicID, addr, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("engine: address: %w", sysError(err))
	}
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nicID}, {Destination: header.IPv6EmptySubnet, NIC: nicID}})
	return nil
}

// whole is addr alone as the address of an interface.
func whole(network tcpip.NetworkProtocolNumber, addr tcpip.Address) tcpip.ProtocolAddress {
	return tcpip.ProtocolAddress{Protocol: network, AddressWithPrefix: addr.WithPrefix()}
}

// Deliver implements link.End.
func (s *Stack) Deliver(packet []byte) {
	s.busy = true
	s.nic.deliver(packet)
}

// Settle returns when the stack has done all that follows from what it got so far. Netstack works on goroutines of its
// own; pausing them waits until their queues are empty. Twice, because one goroutine may have given work to another
// that was already found idle. A stack that got nothing since the last time is at rest: its goroutines only work after a
// packet, a timer or a call, all of which come from the clock's goroutine.
func (s *Stack) Settle() {
	if !s.busy {
		return
	}
	s.busy = false
	for range 2 {
		s.tcp.Pause()
		s.tcp.Resume()
	}
}

// Close ends the stack and returns when its goroutines have ended. It transmits nothing any more.
func (s *Stack) Close() {
	s.nic.close()
	s.stack.Destroy()
}
