package kernelside

import (
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/rtnl"
	"gnet/internal/tracefs"
	"gnet/stackprobe/link"
)

// world is what the helper makes in its namespace.
type world struct {
	req              *request
	program          *program // nil: none is to be started
	pinned, unpinned []string
	// instance is that of the trace events; if there is none though one was asked for, untraced says why.
	instance *tracefs.Instance
	untraced string
}

// The names of the interfaces: the kernel's, and the far end of a veth pair.
const (
	linkName = "gnet0"
	farName  = "gnet1"
)

// tables are the files below /proc/net that a run reads. Open files of /proc/net stay with the namespace, as sockets do.
var tables = [...]string{"dev", "netstat", "snmp"}

// fixedFDs are the descriptors that come with the first answer: device, tables, socket diagnosis.
const fixedFDs = 1 + len(tables) + 1

// maxFDs is how many descriptors one message may carry (SCM_MAX_FD in include/net/scm.h).
const maxFDs = 253

func (w *world) build() ([]int, error) {
	// A /proc of our own is writable where that of a container is not; without it the old one may do.
	_ = netns.Settle()
	w.pin(w.req.sysctls)
	if w.req.guests {
		w.furnish()
	}
	device, err := w.device()
	if err != nil {
		return nil, err
	}
	fds := []int{device}
	for _, name := range tables {
		fd, err := unix.Open("/proc/thread-self/net/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, &Error{Step: StepSocket, Err: os.NewSyscallError("open /proc/net/"+name, err)}
		}
		fds = append(fds, fd)
	}
	diag, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err == nil {
		err = unix.Bind(diag, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	if err != nil {
		return nil, &Error{Step: StepSocket, Err: os.NewSyscallError("socket diagnosis", err)}
	}
	offloads := "offloads off"
	if w.req.offload {
		offloads = "offloads on"
	}
	w.pinned = append(w.pinned, "MPTCP off", offloads)
	fds = append(fds, diag)
	if w.req.watch != 0 {
		if err := w.watch(); err != nil {
			w.untraced = err.Error()
		} else {
			fds = slices.Concat(fds, w.instance.Formats, w.instance.Pipes)
		}
	}
	return fds, nil
}

// device makes the interface and returns the descriptor of its far end.
func (w *world) device() (int, error) {
	c, err := rtnl.Dial()
	if err != nil {
		return -1, &Error{Step: StepAddress, Err: err}
	}
	defer c.Close()
	var fd int
	if w.req.veth {
		if fd, err = w.veth(c); err != nil {
			return -1, &Error{Step: StepVeth, Text: refused("veth pair: "+err.Error(), err), Err: err}
		}
	} else if fd, err = w.tun(); err != nil {
		return -1, &Error{Step: StepTUN, Text: refused(err.Error(), err), Err: err}
	}
	if err := w.configure(c); err != nil {
		return -1, &Error{Step: StepAddress, Err: err}
	}
	if err := awaitRoute(w.req.peer); err != nil {
		return -1, &Error{Step: StepAddress, Err: err}
	}
	return fd, nil
}

// tun makes the TUN interface.
func (w *world) tun() (int, error) {
	if w.req.offload {
		return link.OpenVnetTUN(linkName)
	}
	return link.OpenTUN(linkName)
}

// veth makes the pair and brings its far end up, which has no address: nobody but the packet socket is there.
func (w *world) veth(c *rtnl.Conn) (int, error) {
	if err := c.AddLink(rtnl.NewLink{Name: linkName, Kind: "veth", MTU: uint32(w.req.mtu), PeerName: farName}); err != nil {
		return -1, err
	}
	for name, addr := range map[string]string{linkName: link.VethKernel, farName: link.VethEngine} {
		l, err := c.LinkByName(name)
		if err != nil {
			return -1, err
		}
		if err := c.SetLink(l.Index, new(rtnl.LinkChange).Hardware([]byte(addr)).NoARP()); err != nil {
			return -1, err
		}
		if err := link.Plain(name); err != nil {
			return -1, err
		}
	}
	far, err := c.LinkByName(farName)
	if err != nil {
		return -1, err
	}
	// The far end's own IPv6 has nothing to say.
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+farName+"/disable_ipv6", []byte("1"), 0)
	if err := c.SetLink(far.Index, new(rtnl.LinkChange).Up()); err != nil {
		return -1, err
	}
	return link.OpenVeth(far.Index, w.req.local.Is6())
}

// txQueue is the number of packets that a TUN interface holds while we do something else; the default of 500 is less than
// a fast sender's window.
const txQueue = 10000

// configure gives the interface its addresses and brings it up.
func (w *world) configure(c *rtnl.Conn) error {
	l, err := c.LinkByName(linkName)
	if err != nil {
		return err
	}
	index := l.Index
	change := new(rtnl.LinkChange).MTU(uint32(w.req.mtu)).Up()
	if !w.req.veth {
		change.TxQueueLen(txQueue)
	}
	if err := c.SetLink(index, change); err != nil {
		return err
	}
	flags := uint32(0)
	if w.req.local.Is6() {
		flags = unix.IFA_F_NODAD
	}
	if err := c.AddPeerAddr(index, w.req.local, w.req.peer, flags); err != nil {
		return err
	}
	if !w.req.quickAck {
		return nil
	}
	// A route of our own in the place of the address's, which has no such property.
	r := rtnl.Route{Family: unix.AF_INET, Dst: netip.PrefixFrom(w.req.peer, w.req.peer.BitLen()), Oif: index, PrefSrc: w.req.local, Metrics: rtnl.Metrics{QuickAck: 1}}
	if w.req.local.Is6() {
		r.Family, r.Priority = unix.AF_INET6, 1 // before the address's, of 256
	} else {
		r.Scope = unix.RT_SCOPE_LINK
	}
	return c.AddRoute(&r, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
}

// socket makes a socket: plain TCP (never MPTCP), its congestion control fixed.
func (w *world) socket() ([]int, error) {
	family := unix.AF_INET
	if w.req.local.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return nil, &Error{Step: StepSocket, Err: os.NewSyscallError("socket", err)}
	}
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, w.req.cc); err != nil {
		unix.Close(fd)
		return nil, &Error{Step: StepCongestion, Text: os.NewSyscallError("setsockopt TCP_CONGESTION "+w.req.cc, err).Error(), Err: err}
	}
	return []int{fd}, nil
}
