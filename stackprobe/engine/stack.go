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
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Name is the engine's name and version, as the first line of a run shows it. The version is that of go.mod.
const Name = "gvisor 20260905"

// Congestion control and loss recovery as every stack is set up: what textbooks show. RACK and tail loss probes are off.
const (
	CC       = "reno"
	Recovery = "RFC 6675"
)

// Config says how a stack is made.
type Config struct {
	Clock vclock.Clock
	Addr  netip.Addr // IPv4
	MTU   int
	// Seed fixes initial sequence numbers, timestamps and ports. Two stacks of one run need different seeds.
	Seed int64
	// Send gets each packet that the stack transmits, with its moment. The packet belongs to the receiver. Send is
	// called with a lock of the stack held and must not call the stack.
	Send func(at time.Duration, packet []byte, sent link.Sent)
}

// Stack is one end's TCP/IP.
type Stack struct {
	clock *clock
	addr  tcpip.Address
	stack *stack.Stack
	nic   *nic
	// busy says that the stack got something to do since the last Settle.
	busy bool
}

const nicID = 1

// quiet keeps netstack's log off the terminal; what matters in it is in the events.
var quiet = sync.OnceFunc(func() { log.SetTarget(&log.Writer{Next: io.Discard}) })

// New returns a running stack. Close ends it.
func New(c Config) (*Stack, error) {
	quiet()
	s := &Stack{addr: tcpip.AddrFromSlice(c.Addr.AsSlice()), busy: true}
	s.clock = &clock{Clock: c.Clock, stack: s}
	s.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              s.clock,
		SecureRNG:          rand.New(rand.NewSource(c.Seed)),
		RandSource:         rand.NewSource(c.Seed + 1),
	})
	s.nic = &nic{stack: s, mtu: uint32(c.MTU), send: c.Send}
	if err := s.setUp(c.Addr.BitLen()); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// setUp sets the options and gives the stack its interface, address and route.
func (s *Stack) setUp(bits int) error {
	cc, recovery, sack := tcpip.CongestionControlOption(CC), tcpip.TCPRecovery(0), tcpip.TCPSACKEnabled(true)
	for _, o := range []tcpip.SettableTransportProtocolOption{&cc, &recovery, &sack} {
		if err := s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fmt.Errorf("engine: option %T: %w", o, sysError(err))
		}
	}
	if err := s.stack.CreateNIC(nicID, s.nic); err != nil {
		return fmt.Errorf("engine: interface: %w", sysError(err))
	}
	addr := tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: tcpip.AddressWithPrefix{Address: s.addr, PrefixLen: bits}}
	if err := s.stack.AddProtocolAddress(nicID, addr, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("engine: address: %w", sysError(err))
	}
	s.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nicID}})
	return nil
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
	p := s.stack.TransportProtocolInstance(tcp.ProtocolNumber)
	for range 2 {
		p.Pause()
		p.Resume()
	}
}

// Close ends the stack and returns when its goroutines have ended. It transmits nothing any more.
func (s *Stack) Close() {
	s.nic.close()
	s.stack.Destroy()
}
