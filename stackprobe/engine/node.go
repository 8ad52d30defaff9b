package engine

import (
	"bytes"
	"fmt"
	"math/rand"
	"net/netip"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"

	"gnet/stackprobe/vclock"
)

// NodeConfig says how a node of a path is made.
type NodeConfig struct {
	Clock vclock.Clock
	// Interfaces are one for an end, two for a router, which Forward makes it.
	Interfaces []Interface
	Routes     []Route
	Forward    bool
	// Options are those of the IPv4 headers of what Send sends, padded.
	Options []byte
	// Seed fixes identifications.
	Seed int64
	// Send gets each packet that the node transmits at its interface i. The packet belongs to the receiver.
	Send func(i int, at time.Duration, packet []byte)
}

// Interface is a node's interface to a link.
type Interface struct {
	Addr netip.Addr
	MTU  int
}

// Route sends what is for Dst to the interface with that number.
type Route struct {
	Dst       netip.Prefix
	Interface int
}

// Datagram is what an end sends.
type Datagram struct {
	Local, Remote netip.AddrPort
	TTL, TOS      uint8
	DF            bool
	Data          []byte
}

// Node is a host or a router of a path: netstack's IP, ICMP and UDP. All methods belong to the goroutine of the clock.
type Node struct {
	cfg   NodeConfig
	six   bool
	stack *stack.Stack
	ports []*port
	queue waiter.Queue
	ends  map[uint16]tcpip.Endpoint // of UDP, by local port
	ident uint32
	// whole has netstack believe that everything fits its links: the interface cuts it.
	whole bool
	// now is the packet that is being delivered, nil while the node sends of its own accord; lowered says that netstack got
	// it with a TTL of 0 in the place of 1.
	now     []byte
	lowered bool
	// pathMTU is what ICMP has told of the path to the other end, 0 if nothing.
	pathMTU int
}

// NewNode returns a running node. Close ends it.
func NewNode(c NodeConfig) (*Node, error) {
	quiet()
	n := &Node{cfg: c, six: c.Interfaces[0].Addr.Is6(), ends: make(map[uint16]tcpip.Endpoint)}
	n.ident = uint32(c.Seed*257 + 1)
	network, version := ipv4.NewProtocol, tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if n.six {
		network, version = ipv6.NewProtocol, ipv6.ProtocolNumber
	}
	n.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{network},
		TransportProtocols: []stack.TransportProtocolFactory{udp.NewProtocol},
		Clock:              nodeClock{c.Clock},
		SecureRNG:          rand.New(rand.NewSource(c.Seed)),
		RandSource:         rand.NewSource(c.Seed + 1),
	})
	if err := n.setUp(version); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// setUp gives the node its interfaces, addresses and routes.
func (n *Node) setUp(version tcpip.NetworkProtocolNumber) error {
	for i, f := range n.cfg.Interfaces {
		p := &port{node: n, number: i, mtu: f.MTU}
		n.ports = append(n.ports, p)
		id := tcpip.NICID(i + 1)
		if err := n.stack.CreateNIC(id, p); err != nil {
			return fmt.Errorf("engine: interface: %w", sysError(err))
		}
		if err := n.stack.AddProtocolAddress(id, whole(version, tcpip.AddrFromSlice(f.Addr.AsSlice())), stack.AddressProperties{}); err != nil {
			return fmt.Errorf("engine: address: %w", sysError(err))
		}
	}
	var table []tcpip.Route
	for _, r := range n.cfg.Routes {
		addr := tcpip.AddrFromSlice(r.Dst.Masked().Addr().AsSlice())
		table = append(table, tcpip.Route{Destination: tcpip.AddressWithPrefix{Address: addr, PrefixLen: r.Dst.Bits()}.Subnet(), NIC: tcpip.NICID(r.Interface + 1)})
	}
	n.stack.SetRouteTable(table)
	if n.cfg.Forward {
		if err := n.stack.SetForwardingDefaultAndAllNICs(version, true); err != nil {
			return fmt.Errorf("engine: forwarding: %w", sysError(err))
		}
	}
	return nil
}

// Listen opens a port of UDP, from which Receive takes what arrives.
func (n *Node) Listen(local netip.AddrPort) error {
	_, err := n.endpoint(local)
	return err
}

// endpoint returns the socket with that local address, which it makes if there is none.
func (n *Node) endpoint(local netip.AddrPort) (tcpip.Endpoint, error) {
	if ep := n.ends[local.Port()]; ep != nil {
		return ep, nil
	}
	version := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if n.six {
		version = ipv6.ProtocolNumber
	}
	ep, err := n.stack.NewEndpoint(udp.ProtocolNumber, version, &n.queue)
	if err != nil {
		return nil, fmt.Errorf("engine: socket: %w", sysError(err))
	}
	ep.SocketOptions().SetReceiveBufferSize(1<<20, false)
	if err := ep.Bind(tcpip.FullAddress{Addr: tcpip.AddrFromSlice(local.Addr().AsSlice()), Port: local.Port()}); err != nil {
		ep.Close()
		return nil, fmt.Errorf("engine: bind: %w", sysError(err))
	}
	n.ends[local.Port()] = ep
	return ep, nil
}

// Send sends a datagram. The error is that of a system call: EMSGSIZE where it must not be cut and does not fit.
func (n *Node) Send(d Datagram) error {
	ep, err := n.endpoint(d.Local)
	if err != nil {
		return err
	}
	size := header.IPv4MinimumSize + len(n.cfg.Options) + header.UDPMinimumSize + len(d.Data)
	ttl, tos, hidden := tcpip.IPv4TTLOption, tcpip.IPv4TOSOption, tcpip.PMTUDiscoveryDont
	if n.six {
		size = header.IPv6MinimumSize + header.UDPMinimumSize + len(d.Data)
		ttl, tos = tcpip.IPv6HopLimitOption, tcpip.IPv6TrafficClassOption
	}
	if d.DF {
		hidden = tcpip.PMTUDiscoveryDo
		// Netstack would send fragments with DF.
		if size > n.room(n.out(d.Remote.Addr())) {
			return syscall.EMSGSIZE
		}
	}
	for option, value := range map[tcpip.SockOptInt]int{ttl: int(d.TTL), tos: int(d.TOS), tcpip.MTUDiscoverOption: int(hidden)} {
		if err := ep.SetSockOptInt(option, value); err != nil {
			return sysError(err)
		}
	}
	_ = ep.LastError() // what ICMP has told of a datagram before belongs to that
	n.whole = true
	defer func() { n.whole = false }()
	to := tcpip.FullAddress{Addr: tcpip.AddrFromSlice(d.Remote.Addr().AsSlice()), Port: d.Remote.Port()}
	if _, err := ep.Write(bytes.NewReader(d.Data), tcpip.WriteOptions{To: &to}); err != nil {
		return sysError(err)
	}
	return nil
}

// Receive returns the data of the next datagram at a port that listens, false if there is none.
func (n *Node) Receive(local uint16) ([]byte, bool) {
	ep := n.ends[local]
	if ep == nil {
		return nil, false
	}
	var b bytes.Buffer
	if _, err := ep.Read(&b, tcpip.ReadOptions{}); err != nil {
		return nil, false
	}
	return b.Bytes(), true
}

// PathMTU returns what the node has learnt of the path from ICMP, 0 if nothing.
func (n *Node) PathMTU() int { return n.pathMTU }

// room returns the longest packet for interface i: that of the link, or of the path as far as it is known.
func (n *Node) room(i int) int {
	if n.pathMTU > 0 && !n.cfg.Forward {
		return min(n.pathMTU, n.ports[i].mtu)
	}
	return n.ports[i].mtu
}

// out returns the interface to dst.
func (n *Node) out(dst netip.Addr) int {
	for _, r := range n.cfg.Routes {
		if r.Dst.Contains(dst) {
			return r.Interface
		}
	}
	return 0
}

// Close ends the node. It transmits nothing any more.
func (n *Node) Close() {
	for _, p := range n.ports {
		p.closed = true
	}
	for _, ep := range n.ends {
		ep.Close()
	}
	n.stack.Destroy()
}

// nodeClock gives netstack the time of the run.
type nodeClock struct{ vclock.Clock }

func (c nodeClock) Now() time.Time { return time.Unix(epoch, 0).Add(c.Clock.Now()) }

func (c nodeClock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(c.Clock.Now() + time.Second) // its zero is "never"
}

func (c nodeClock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	return &timer{Timer: c.Clock.After(d, f)}
}
