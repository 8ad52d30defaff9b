package kernelside

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/wire"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Path is a row of network namespaces, each a node of a path of links whose ends are TUN interfaces. All methods but Close belong to
// the goroutine of the clock that Start gets.
type Path struct {
	// Pinned says what was fixed in the namespaces, Unpinned what could not be.
	Pinned, Unpinned []string
	Nodes            []*Namespace
	// Groups counts the packets of the nodes that are for groups of their links and are left out.
	Groups int

	control int
	helper  *netns.Process
	poll    *poll
	closing sync.Once
	clock   vclock.Clock
}

// Namespace is a node of a Path.
type Namespace struct {
	devices []*link.Device
	socket  int // -1 for a router
	six     bool
	send    func(i int, at time.Duration, packet []byte)
	path    *Path
	buf     []byte
	err     error
}

// OpenPath makes the nodes, in a second process (see Helper). If the machine refuses, the error is an *Error.
func OpenPath(ctx context.Context, nodes []PathNode, helper []string) (*Path, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, &Error{Step: StepHelper, Err: err}
	}
	if err := unix.Send(ours, encodePath(nodes), unix.MSG_NOSIGNAL); err != nil {
		unix.Close(ours)
		theirs.Close()
		return nil, &Error{Step: StepHelper, Err: os.NewSyscallError("send", err)}
	}
	p, err := start(&Config{Helper: helper}, theirs)
	theirs.Close()
	if err != nil {
		unix.Close(ours)
		return nil, &Error{Step: StepNamespaces, Text: err.Error(), Err: err}
	}
	out := &Path{control: ours, helper: p}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		p.Cmd.Process.Kill()
		_ = unix.Shutdown(ours, unix.SHUT_RDWR)
	})
	err = out.take(nodes)
	if !stop() {
		<-ended
	}
	if err != nil {
		out.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if waitErr := p.Wait(); errors.Is(err, errSilent) && waitErr != nil {
			return nil, &Error{Step: StepHelper, Text: errSilent.Text + ": " + waitErr.Error(), Err: waitErr}
		}
		return nil, err
	}
	return out, nil
}

// take receives what the helper made.
func (p *Path) take(nodes []PathNode) error {
	r, fds, err := receive(p.control)
	if err == nil {
		err = r.failure()
	}
	want := 0
	for _, n := range nodes {
		want += len(n.Interfaces)
		if n.Socket.IsValid() {
			want++
		}
	}
	if err == nil && len(fds) != want {
		err = &Error{Step: StepHelper, Text: "the helper handed over too few descriptors"}
	}
	if err != nil {
		closeAll(fds)
		return err
	}
	p.Pinned, p.Unpinned = r.pinned, r.unpinned
	for _, n := range nodes {
		s := &Namespace{socket: -1, path: p, six: n.Interfaces[0].Addr.Is6(), buf: make([]byte, 1<<16)}
		for range n.Interfaces {
			s.devices, fds = append(s.devices, link.TUN(fds[0])), fds[1:]
		}
		if n.Socket.IsValid() {
			s.socket, fds = fds[0], fds[1:]
		}
		p.Nodes = append(p.Nodes, s)
	}
	return nil
}

// Start begins to read what the nodes transmit; each node's send must be set (Namespace.Transmits).
func (p *Path) Start(clock vclock.Clock) error {
	p.clock = clock
	var all []int
	for _, n := range p.Nodes {
		for _, d := range n.devices {
			all = append(all, d.Fd())
		}
	}
	var err error
	p.poll, err = newPoll(all[0], func() {
		clock.At(clock.Now(), func() {
			p.drain()
			p.poll.ready()
		})
	})
	for _, fd := range all[1:] {
		if err == nil {
			err = p.poll.add(fd, unix.EPOLLIN)
		}
	}
	if err != nil {
		return &Error{Step: StepHelper, Err: err}
	}
	p.poll.ready()
	return nil
}

// drain takes what all nodes have transmitted.
func (p *Path) drain() {
	for _, n := range p.Nodes {
		n.drain()
	}
}

// Transmits has send get each packet that the node transmits at its interface i. The packet belongs to the receiver.
func (n *Namespace) Transmits(send func(i int, at time.Duration, packet []byte)) { n.send = send }

// drain takes what the node has transmitted.
func (n *Namespace) drain() {
	for i, d := range n.devices {
		for n.err == nil {
			size, ok, err := d.Read(n.buf)
			if err != nil {
				n.err = err
			}
			if !ok || err != nil {
				break
			}
			if isGroup(n.buf[:size]) {
				n.path.Groups++
				continue
			}
			n.send(i, n.path.clock.Now(), append([]byte(nil), n.buf[:size]...))
		}
	}
}

// isGroup reports whether a packet is for a group of the link, as the reports of a router's memberships are, which no setting of
// the kernel prevents.
func isGroup(packet []byte) bool {
	ip, err := wire.CheckIPv6(packet)
	return err == nil && ip.Dst().IsMulticast()
}

// Deliver gives the node a packet that has arrived at its interface i. The kernel has processed it when the call returns, so what
// it transmits in answer is read at once.
func (n *Namespace) Deliver(i int, packet []byte) {
	if err := n.devices[i].Write(packet); err != nil && n.err == nil && !errors.Is(err, unix.EINVAL) {
		n.err = err // a packet that is none is refused as EINVAL, and lost
	}
	n.drain()
}

// Err returns the first error of an interface, nil if there was none.
func (n *Namespace) Err() error { return n.err }

// Packet says how a datagram is sent.
type Packet struct {
	Remote   netip.AddrPort
	TTL, TOS uint8
	DF       bool
	// Options are those of the IPv4 header, padded.
	Options []byte
	Data    []byte
}

// Send sends a datagram from the node's socket. The error is that of the system call.
func (n *Namespace) Send(p *Packet) error {
	if err := n.options(p); err != nil {
		return err
	}
	// What ICMP has told of a datagram before would fail this one.
	_, _ = unix.GetsockoptInt(n.socket, unix.SOL_SOCKET, unix.SO_ERROR)
	err := unix.Sendto(n.socket, p.Data, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, sockaddr(p.Remote))
	n.drain()
	return err
}

// options sets what stands in the header.
func (n *Namespace) options(p *Packet) error {
	type option struct{ level, name, value int }
	discover := unix.IP_PMTUDISC_DONT
	if p.DF {
		discover = unix.IP_PMTUDISC_DO
	}
	list := []option{{unix.IPPROTO_IP, unix.IP_TTL, int(p.TTL)}, {unix.IPPROTO_IP, unix.IP_TOS, int(p.TOS)}, {unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, discover}}
	if n.six {
		list = []option{{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, int(p.TTL)}, {unix.IPPROTO_IPV6, unix.IPV6_TCLASS, int(p.TOS)}}
		if p.DF {
			list = append(list, option{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO}, option{unix.IPPROTO_IPV6, unix.IPV6_DONTFRAG, 1})
		}
	}
	for _, o := range list {
		if err := unix.SetsockoptInt(n.socket, o.level, o.name, o.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	if len(p.Options) > 0 {
		if err := unix.SetsockoptString(n.socket, unix.IPPROTO_IP, unix.IP_OPTIONS, string(p.Options)); err != nil {
			return os.NewSyscallError("setsockopt IP_OPTIONS", err)
		}
	}
	return nil
}

// Receive returns the data of the next datagram at the node's socket, false if there is none.
func (n *Namespace) Receive() ([]byte, bool) {
	for {
		size, _, err := unix.Recvfrom(n.socket, n.buf, unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, false
		}
		return append([]byte(nil), n.buf[:size]...), true
	}
}

// Close ends the helper and closes everything; with the descriptors go the interfaces and the namespaces.
func (p *Path) Close() { p.closing.Do(p.close) }

func (p *Path) close() {
	if p.poll != nil {
		p.poll.close()
	}
	for _, n := range p.Nodes {
		for _, d := range n.devices {
			d.Close()
		}
		closeAll([]int{n.socket})
	}
	unix.Close(p.control)
	_ = p.helper.Wait() // it ends with the control socket
}
