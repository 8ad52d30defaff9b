package stackprobe

import (
	"context"
	"errors"
	"net/netip"

	"gnet/stackprobe/engine"
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// node is the client, a router or the server of a path.
type node interface {
	// Deliver gives the node a packet that has arrived at its interface i: 0 is towards the client, but the client's only one is
	// 0 too.
	Deliver(i int, packet []byte)
	Close()
}

// pathEnd is a node that sends and receives.
type pathEnd interface {
	node
	Send(engine.Datagram) error
	Listen(netip.AddrPort) error
	Receive(port uint16) ([]byte, bool)
}

// place is a node's place at a link.
type place struct {
	run    *pathRun
	node   int
	number int // of the interface
}

// Deliver implements link.End.
func (s place) Deliver(packet []byte) { s.run.deliver(s.node, s.number, packet) }

// routes are those of node k: to the client by the interface 0, all else onward. Nobody sends to a router.
func (c *DatagramConfig) routes(k int) []engine.Route {
	all := netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	if c.IPv6 {
		all = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	last := len(c.mtus())
	if k == 0 || k == last || c.Loop && k == last-1 {
		return []engine.Route{{Dst: all, Interface: 0}}
	}
	return []engine.Route{{Dst: c.network(1), Interface: 0}, {Dst: all, Interface: 1}}
}

// interfaces are those of node k, towards the client first.
func (c *DatagramConfig) interfaces(k int) []engine.Interface {
	links := c.mtus()
	var list []engine.Interface
	if k > 0 {
		list = append(list, engine.Interface{Addr: c.address(k, 2), MTU: links[k-1]})
	}
	if k < len(links) {
		list = append(list, engine.Interface{Addr: c.address(k+1, 1), MTU: links[k]})
	}
	return list
}

// newPathRun returns a run without nodes, and with its links.
func newPathRun(cfg *DatagramConfig, w World, why string, loop *vclock.Loop, clock event.Clock) *pathRun {
	last := len(cfg.mtus())
	x := &pathRun{cfg: cfg, loop: loop, run: cfg.run(w, clock), nodes: make([]node, last+1), ledger: link.Ledger{Last: last},
		waiting: make(map[int]*event.Packet), left: make(map[int]*event.Packet), datagrams: make(map[int]int), parents: make(map[int]int)}
	x.run.Why, x.run.Start = why, startOf(loop)
	for n := 1; n <= last; n++ {
		l := link.New(link.Config{Clock: loop, Client: link.Path{Delay: cfg.Delay}, Server: link.Path{Delay: cfg.Delay}, Rules: cfg.Faults, Seed: cfg.Seed,
			Snap: x.run.Snap, Sink: x.saw, Number: n, Ledger: &x.ledger})
		// A node's interface 0 is towards the client; the client has that one only.
		l.Attach(event.Client, place{x, n - 1, min(n-1, 1)})
		l.Attach(event.Server, place{x, n, 0})
		x.links = append(x.links, l)
	}
	return x
}

// engineNode makes node k an engine.
func (x *pathRun) engineNode(k int) error {
	n, err := engine.NewNode(engine.NodeConfig{Clock: x.loop, Interfaces: x.cfg.interfaces(k), Routes: x.cfg.routes(k), Forward: k > 0 && k < len(x.links),
		Options: x.cfg.options(), Seed: x.cfg.Seed<<8 + int64(k), Send: x.sender(k)})
	if err != nil {
		return err
	}
	x.nodes[k] = n
	x.run.Path.Nodes[k].Stack = engine.Name
	return nil
}

// pathMemory builds the world of engines.
func pathMemory(cfg *DatagramConfig, why string) (*pathRun, error) {
	x := newPathRun(cfg, Memory, why, vclock.NewVirtual(), event.Virtual)
	x.run.Pinned = []string{"identifications and data from the seed"}
	for k := range x.nodes {
		if err := x.engineNode(k); err != nil {
			x.close()
			return nil, err
		}
	}
	x.stacks()
	return x, nil
}

// stacks names the stacks of the two ends.
func (x *pathRun) stacks() {
	nodes := x.run.Path.Nodes
	first, last := &nodes[0], &nodes[len(nodes)-1]
	x.run.Client.Name, x.run.Client.Kernel = first.Stack, first.Kernel
	x.run.Server.Name, x.run.Server.Kernel = last.Stack, last.Kernel
}

// buildPath makes the world that c asks for, as build does.
func buildPath(ctx context.Context, c *DatagramConfig) (*pathRun, error) {
	switch c.World {
	case Memory:
		return pathMemory(c, "")
	case Tun, Veth:
		return pathKernel(ctx, c, c.World, "")
	}
	x, err := pathKernel(ctx, c, Tun, "this machine allows TUN interfaces in namespaces of its own")
	refusal, ok := errors.AsType[*kernelside.Error](err)
	if !ok {
		return x, err
	}
	if c.Client == Kernel {
		return nil, refusal
	}
	return pathMemory(c, refusal.Error())
}

// pathKernel builds a world in which one end is this machine's kernel and the routers are further namespaces of it.
func pathKernel(ctx context.Context, cfg *DatagramConfig, world World, why string) (*pathRun, error) {
	last := len(cfg.mtus())
	far := last // the engine's
	if cfg.Client == Engine {
		far = 0
	}
	var nodes []kernelside.PathNode
	for k := range last + 1 {
		if k != far {
			nodes = append(nodes, cfg.namespace(k))
		}
	}
	path, err := kernelside.OpenPath(ctx, nodes, cfg.Helper)
	if err != nil {
		return nil, err
	}
	median, worst := clockError() // before the run's clock begins
	x := newPathRun(cfg, world, why, vclock.NewReal(), event.Mono)
	x.kernels = path
	x.run.Pinned, x.run.Unpinned = path.Pinned, path.Unpinned
	x.run.ClockError, x.run.ClockErrorMax = median, worst
	if err := x.engineNode(far); err != nil {
		path.Close()
		return nil, err
	}
	for k, i := 0, 0; k <= last; k++ {
		if k == far {
			continue
		}
		path.Nodes[i].Transmits(x.sender(k))
		x.nodes[k] = &namespace{Namespace: path.Nodes[i], options: cfg.options()}
		x.run.Path.Nodes[k].Stack, x.run.Path.Nodes[k].Kernel = kernelside.Name(), true
		i++
	}
	x.stacks()
	if err := path.Start(x.loop); err != nil {
		x.close()
		return nil, err
	}
	return x, nil
}

// namespace is what node k is as a namespace.
func (c *DatagramConfig) namespace(k int) kernelside.PathNode {
	last := len(c.mtus())
	n := kernelside.PathNode{Forward: k > 0 && k < last}
	for _, i := range c.interfaces(k) {
		n.Interfaces = append(n.Interfaces, kernelside.PathInterface{Addr: i.Addr, MTU: i.MTU})
	}
	for _, r := range c.routes(k) {
		n.Routes = append(n.Routes, kernelside.PathRoute{Dst: r.Dst, Interface: r.Interface})
	}
	switch k {
	case 0:
		n.Socket = netip.AddrPortFrom(c.address(1, 1), ClientPort)
	case last:
		n.Socket = netip.AddrPortFrom(c.address(last, 2), ServerPort)
	}
	return n
}

// namespace is a kernel's node of a path.
type namespace struct {
	*kernelside.Namespace
	options []byte
}

// Send implements pathEnd.
func (n *namespace) Send(d engine.Datagram) error {
	return n.Namespace.Send(&kernelside.Packet{Remote: d.Remote, TTL: d.TTL, TOS: d.TOS, DF: d.DF, Options: n.options, Data: d.Data})
}

// Listen implements pathEnd: the socket was made with its namespace.
func (n *namespace) Listen(netip.AddrPort) error { return nil }

// Receive implements pathEnd.
func (n *namespace) Receive(uint16) ([]byte, bool) { return n.Namespace.Receive() }

// Close implements node: the path is closed as a whole.
func (n *namespace) Close() {}
