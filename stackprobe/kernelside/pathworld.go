package kernelside

import (
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/rtnl"
	"gnet/stackprobe/link"
)

// pathSysctls4 and pathSysctls6 make a namespace a node whose conduct does not depend on the machine: routers answer each packet
// that they take, and nobody sends anything of its own accord.
var (
	pathSysctls4 = [...]sysctl{
		{"ipv6/conf/all/disable_ipv6", "1"}, {"ipv6/conf/default/disable_ipv6", "1"},
		{"ipv4/conf/all/rp_filter", "0"}, {"ipv4/conf/default/rp_filter", "0"},
		{"ipv4/conf/all/send_redirects", "0"}, {"ipv4/conf/default/send_redirects", "0"},
		{"ipv4/icmp_ratelimit", "0"}, {"ipv4/icmp_msgs_per_sec", "100000"}, {"ipv4/icmp_msgs_burst", "100000"},
		{"ipv4/ipfrag_time", "30"}, {"ipv4/ip_no_pmtu_disc", "0"},
	}
	pathSysctls6 = [...]sysctl{{"ipv6/icmp/ratelimit", "0"}, {"ipv6/ip6frag_time", "60"}}
)

// servePath makes the nodes of a path, hands their descriptors over, and waits for the end of the control socket. The namespaces
// live as long as the descriptors.
func servePath(nodes []PathNode, buf []byte) int {
	runtime.LockOSThread()
	signal.Ignore(unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	_ = netns.Settle()
	w := &world{}
	var fds []int
	var err error
	for i := range nodes {
		var made []int
		if made, err = w.node(&nodes[i], i > 0); err != nil {
			break
		}
		fds = append(fds, made...)
	}
	if !answer(fds, err, w) || err != nil {
		return 1
	}
	for {
		n, _, err := unix.Recvfrom(controlFD, buf, 0)
		if err != unix.EINTR && (err != nil || n == 0) {
			return 0
		}
	}
}

// node makes one node in a namespace of its own: the first has ours, for the others the thread moves on.
func (w *world) node(n *PathNode, fresh bool) ([]int, error) {
	if fresh {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return nil, &Error{Step: StepNamespaces, Err: os.NewSyscallError("unshare", err)}
		}
	}
	six := n.Interfaces[0].Addr.Is6()
	list := append([]sysctl(nil), pathSysctls4[:]...)
	if six {
		list = append(append([]sysctl(nil), quiet6[:]...), pathSysctls6[:]...)
		list = append(list, sysctl{"ipv6/conf/all/forwarding", flag(n.Forward)})
	} else {
		list = append(list, sysctl{"ipv4/ip_forward", flag(n.Forward)})
	}
	if w.pinned != nil { // the nodes' sysctls are said once
		saved := w.pinned
		defer func() { w.pinned = saved }()
	}
	w.pin(list)
	c, err := rtnl.Dial()
	if err != nil {
		return nil, &Error{Step: StepAddress, Err: err}
	}
	defer c.Close()
	var fds, indexes []int
	for i, f := range n.Interfaces {
		fd, index, err := w.tap(c, fmt.Sprintf("gnet%d", i), f)
		if err != nil {
			return nil, err
		}
		fds, indexes = append(fds, fd), append(indexes, index)
	}
	for _, r := range n.Routes {
		if err := route(c, r, indexes[r.Interface]); err != nil {
			return nil, &Error{Step: StepAddress, Err: err}
		}
	}
	if err := n.await(c); err != nil {
		return nil, &Error{Step: StepAddress, Err: err}
	}
	if n.Socket.IsValid() {
		fd, err := datagramSocket(n.Socket)
		if err != nil {
			return nil, &Error{Step: StepSocket, Err: err}
		}
		fds = append(fds, fd)
	}
	return fds, nil
}

// await waits until the kernel uses the node's addresses and routes. Over IPv6 it does neither before the interfaces' carriers were
// noticed (see awaitRoute): an address is tentative until then, and what comes for it is dropped.
func (n *PathNode) await(c *rtnl.Conn) error {
	for _, r := range n.Routes {
		if err := awaitRoute(r.Dst.Addr().Next()); err != nil {
			return err
		}
	}
	for until := time.Now().Add(readyWithin); n.Interfaces[0].Addr.Is6(); time.Sleep(time.Millisecond) {
		tentative := false
		for a, err := range c.Addrs(unix.AF_INET6) {
			if err != nil {
				return err
			}
			tentative = tentative || a.Flags&unix.IFA_F_TENTATIVE != 0
		}
		if !tentative || time.Now().After(until) {
			return nil
		}
	}
	return nil
}

func flag(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// tap makes a TUN interface with its address and brings it up.
func (w *world) tap(c *rtnl.Conn, name string, f PathInterface) (fd, index int, err error) {
	if fd, err = link.OpenTUN(name); err != nil {
		return -1, 0, &Error{Step: StepTUN, Text: refused(err.Error(), err), Err: err}
	}
	l, err := c.LinkByName(name)
	if err == nil {
		err = c.SetLink(l.Index, new(rtnl.LinkChange).MTU(uint32(f.MTU)).TxQueueLen(txQueue).Up())
	}
	if err == nil {
		flags := uint32(0)
		if f.Addr.Is6() {
			flags = unix.IFA_F_NODAD
		}
		err = c.AddAddr(l.Index, netip.PrefixFrom(f.Addr, f.Addr.BitLen()), flags)
	}
	if err != nil {
		unix.Close(fd)
		return -1, 0, &Error{Step: StepAddress, Err: err}
	}
	return fd, l.Index, nil
}

// route adds one route by an interface.
func route(c *rtnl.Conn, r PathRoute, index int) error {
	out := rtnl.Route{Family: unix.AF_INET, Dst: r.Dst, Oif: index, Scope: unix.RT_SCOPE_LINK, Protocol: unix.RTPROT_STATIC}
	if r.Dst.Addr().Is6() {
		out.Family, out.Scope = unix.AF_INET6, unix.RT_SCOPE_UNIVERSE
	}
	return c.AddRoute(&out, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
}

// datagramSocket makes a UDP socket with that local address. It hears of ICMP errors, as the stack does.
func datagramSocket(local netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1<<20)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
	if err := unix.Bind(fd, sockaddr(local)); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, nil
}
