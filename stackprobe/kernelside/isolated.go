package kernelside

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"gnet/internal/netns"
	"gnet/internal/rtnl"
	"gnet/stackprobe/link"
)

// HelperWord is the only argument of this program when it is started as helper.
const HelperWord = "__world"

// controlFD is where the helper finds its end of the socket pair (the first of exec.Cmd.ExtraFiles).
const controlFD = 3

// Helper does the helper's work if this process was started as one, and reports whether it was; then its caller has to
// end the process with status. It must be called first of all in main. A person who types the word gets false: without
// a SOCK_SEQPACKET socket at descriptor 3 from which a request can be read at once, the word means nothing.
func Helper(args []string) (status int, ok bool) {
	if len(args) != 2 || args[1] != HelperWord || !isControl(controlFD) {
		return 0, false
	}
	buf := make([]byte, maxMessage)
	n, _, err := unix.Recvfrom(controlFD, buf, unix.MSG_DONTWAIT)
	if err != nil {
		return 0, false
	}
	req, ok := decodeRequest(buf[:n])
	if !ok {
		return 0, false
	}
	unix.CloseOnExec(controlFD)
	return serve(&req), true
}

// isControl reports whether fd is one end of a SOCK_SEQPACKET pair.
func isControl(fd int) bool {
	domain, err1 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	kind, err2 := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err1 == nil && err2 == nil && domain == unix.AF_UNIX && kind == unix.SOCK_SEQPACKET
}

// serve makes what the request wants and hands it over.
func serve(req *request) int {
	runtime.LockOSThread()
	var w world
	r := reply{}
	if err := w.build(req); err != nil {
		r.step, r.text = "world helper", err.Error()
		if e, ok := errors.AsType[*Error](err); ok {
			r.step = e.Step
		}
		if errno, ok := errors.AsType[unix.Errno](err); ok {
			r.errno = int(errno)
		}
		w.fds = nil
	}
	r.pinned, r.unpinned = w.pinned, w.unpinned
	if err := unix.Sendmsg(controlFD, r.encode(), unix.UnixRights(w.fds...), nil, unix.MSG_NOSIGNAL); err != nil {
		return 1
	}
	return 0
}

// world is what the helper makes in its namespace.
type world struct {
	fds              []int // TUN, socket, /proc/net/tcp, /proc/net/dev
	pinned, unpinned []string
}

// tunName is the name of the interface in its namespace.
const tunName = "gnet0"

func (w *world) build(req *request) error {
	// A /proc of our own is writable where that of a container is not; without it the old one may do.
	_ = netns.Settle()
	w.pin()
	tun, err := link.OpenTUN(tunName)
	if err != nil {
		return &Error{Step: "tun", Text: err.Error(), Err: err}
	}
	if err := configure(req); err != nil {
		return &Error{Step: "address", Err: err}
	}
	sock, err := w.socket(req)
	if err != nil {
		return &Error{Step: "socket", Err: err}
	}
	w.fds = []int{tun, sock}
	// Open files of /proc/net stay with the namespace, as sockets do.
	for _, name := range []string{"tcp", "dev"} {
		fd, err := unix.Open("/proc/thread-self/net/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return &Error{Step: "socket", Err: os.NewSyscallError("open /proc/net/"+name, err)}
		}
		w.fds = append(w.fds, fd)
	}
	return nil
}

// sysctls of the fresh namespace. IPv6 would send router solicitations through the link; the metrics cache would let
// one connection change the next; buffer sizes depend on the machine's memory otherwise.
var sysctls = [...]struct{ name, value string }{
	{"ipv6/conf/all/disable_ipv6", "1"},
	{"ipv6/conf/default/disable_ipv6", "1"},
	{"ipv4/tcp_no_metrics_save", "1"},
	{"ipv4/tcp_rmem", "4096 131072 6291456"},
	{"ipv4/tcp_wmem", "4096 16384 4194304"},
}

// pin writes the sysctls. One that cannot be written is said, and not fatal.
func (w *world) pin() {
	for _, s := range sysctls {
		if err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0); err != nil {
			w.unpinned = append(w.unpinned, fmt.Sprintf("sysctl %s: %v", s.name, err))
			continue
		}
		w.pinned = append(w.pinned, "sysctl "+s.name+"="+s.value)
	}
}

// txQueue is the number of packets that the interface holds while we do something else; the default of 500 is less than
// a fast sender's window.
const txQueue = 10000

// configure gives the interface its addresses and brings it up.
func configure(req *request) error {
	client, err := netip.ParseAddr(req.client)
	if err != nil {
		return err
	}
	server, err := netip.ParseAddr(req.server)
	if err != nil {
		return err
	}
	c, err := rtnl.Dial()
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := c.LinkByName(tunName)
	if err != nil {
		return err
	}
	index := l.Index
	if err := c.AddPeerAddr(index, client, server, 0); err != nil {
		return err
	}
	return c.SetLink(index, new(rtnl.LinkChange).MTU(uint32(req.mtu)).TxQueueLen(txQueue).Up())
}

// socket makes the client's socket: plain TCP (never MPTCP), congestion control and local port fixed.
func (w *world) socket(req *request) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, req.cc); err != nil {
		return -1, os.NewSyscallError("setsockopt TCP_CONGESTION "+req.cc, err)
	}
	addr, err := netip.ParseAddr(req.client)
	if err != nil {
		return -1, err
	}
	// A run may follow another whose connection is still in TIME-WAIT only in a namespace of its own, so the fixed port
	// is always free.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(req.port), Addr: addr.As4()}); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	w.pinned = append(w.pinned, "MPTCP off", "offloads off")
	return fd, nil
}
