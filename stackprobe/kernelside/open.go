package kernelside

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netns"
	"gnet/internal/sockdiag"
	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
)

// Config says what to make.
type Config struct {
	// Local is the kernel's address, Peer that of the other end: both IPv4 or both IPv6.
	Local, Peer netip.Addr
	MTU         int
	// Veth has the link be a veth pair instead of a TUN interface.
	Veth bool
	// Offload has the TUN interface carry packets of up to 64 KiB that stand for many segments (link.OpenVnetTUN). Then its
	// descriptor is for somebody else to read (Host.TUN), Start must not be called, and Dial makes the connection.
	Offload bool
	// Watch is the server's port, whose connections the kernel's trace events are read of; 0 for none. What prevents that is no error
	// (Host.Untraced).
	Watch uint16
	// Socket says how every socket and the namespace are set up.
	Socket app.Socket
	// Helper is the command that runs Helper; nil stands for this program.
	Helper []string
	// Guests says that the kernel's connections are those of programs in the namespace and not of this process: their sockets are
	// known by inet_diag alone.
	Guests bool
	// Program is what StartProgram starts in the namespace, with its arguments; it gets the three files as its own 0, 1 and 2.
	Program               []string
	Stdin, Stdout, Stderr *os.File
}

// congestion is the name of the congestion control.
func (c *Config) congestion() string { return cmp.Or(c.Socket.Congestion, CC) }

// Host is a kernel's network namespace with an interface, seen from outside. All methods but Close belong to the goroutine of
// the clock that Start gets.
type Host struct {
	cfg Config
	// Pinned says what was fixed in the namespace, Unpinned what could not be.
	Pinned, Unpinned []string
	// Untraced says why no trace events are read, "" if they are or if nobody asked for them.
	Untraced string

	device  *link.Device
	devices int // /proc/net/dev of the namespace
	stats   *counters
	tracer  *tracer // nil without trace events
	diag    *sockdiag.Conn
	row     sockdiag.InetRow

	control int
	helper  *netns.Process
	closing sync.Once
	spare   int // a socket that was made and is not used yet, -1 if there is none

	conns     map[event.Tuple]*connection
	order     []*connection // as they came
	listening []*listener

	guests
	traffic
}

// Open makes a Host. It starts the helper and returns when the namespace is ready. If the machine refuses, the error is an
// *Error; if the kernel cannot do what Socket asks, it is an *app.Unsupported.
func Open(ctx context.Context, c Config) (*Host, error) {
	if err := refuse(&c.Socket); err != nil {
		return nil, err
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, &Error{Step: StepHelper, Err: err}
	}
	req := request{local: c.Local, peer: c.Peer, mtu: c.MTU, veth: c.Veth, offload: c.Offload, quickAck: c.Socket.DelayedAck == app.Off, watch: c.Watch,
		cc: c.congestion(), guests: c.Guests, uid: os.Geteuid(), gid: os.Getegid(), sysctls: sysctlsOf(&c.Socket, c.Local.Is6())}
	if c.Guests {
		req.sysctls = append(req.sysctls, sysctl{"ipv4/tcp_congestion_control", c.congestion()})
	}
	if err := unix.Send(ours, req.encode(), unix.MSG_NOSIGNAL); err != nil {
		unix.Close(ours)
		theirs.Close()
		return nil, &Error{Step: StepHelper, Err: os.NewSyscallError("send", err)}
	}
	p, err := start(&c, theirs)
	theirs.Close()
	if err != nil {
		unix.Close(ours)
		return nil, &Error{Step: StepNamespaces, Text: err.Error(), Err: err}
	}
	h := &Host{cfg: c, control: ours, helper: p, spare: -1, conns: make(map[event.Tuple]*connection)}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		if c.Watch == 0 {
			p.Cmd.Process.Kill()
		}
		_ = unix.Shutdown(ours, unix.SHUT_RDWR) // which ends one that has to clean up
	})
	err = h.take()
	if !stop() {
		<-ended
	}
	if err != nil {
		h.Close()
		return nil, h.explain(ctx, err)
	}
	return h, nil
}

// take receives what the helper made, and tries the options on a first socket.
func (h *Host) take() error {
	r, fds, err := receive(h.control)
	if err == nil {
		err = r.failure()
	}
	if err == nil && len(fds) < fixedFDs {
		err = &Error{Step: StepHelper, Text: "the helper handed over too few descriptors"}
	}
	if err != nil {
		closeAll(fds)
		return err
	}
	h.Pinned, h.Unpinned, h.Untraced = r.pinned, r.unpinned, r.untraced
	h.devices, h.stats = fds[1], newCounters(fds[2], fds[3])
	h.diag = sockdiag.New(netlink.Over(fds[4]))
	if !h.cfg.Veth {
		h.device = link.TUN(fds[0])
	} else if h.device, err = link.Veth(fds[0]); err != nil {
		unix.Close(fds[0])
		return &Error{Step: StepVeth, Err: err}
	}
	if len(fds) > fixedFDs {
		if h.tracer, err = newTracer(fds[fixedFDs:]); err != nil {
			h.Untraced = err.Error()
		}
	}
	fd, err := h.socket()
	if err != nil {
		return congestionError(err, h.cfg.congestion())
	}
	h.spare = fd
	return nil
}

// socket returns a socket of the namespace with all options set.
func (h *Host) socket() (int, error) {
	if fd := h.spare; fd >= 0 {
		h.spare = -1
		return fd, nil
	}
	if err := unix.Send(h.control, []byte(socketMagic), unix.MSG_NOSIGNAL); err != nil {
		return -1, &Error{Step: StepHelper, Err: os.NewSyscallError("send", err)}
	}
	r, fds, err := receive(h.control)
	if err == nil {
		err = r.failure()
	}
	if err == nil && len(fds) != 1 {
		err = &Error{Step: StepHelper, Text: "the helper handed over no socket"}
	}
	if err == nil {
		err = applyOptions(fds[0], &h.cfg.Socket)
	}
	if err != nil {
		closeAll(fds)
		return -1, err
	}
	return fds[0], nil
}

// pair makes the two ends of the control socket, the second as a file for the helper.
func pair() (int, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, nil, os.NewSyscallError("socketpair", err)
	}
	return fds[0], os.NewFile(uintptr(fds[1]), "world helper"), nil
}

// start runs the helper in fresh namespaces that die with us: at once, or if trace events are read when it finds that the control socket
// is closed, for it has something to clean up then.
func start(c *Config, control *os.File) (*netns.Process, error) {
	cmd := netns.Self(append([]string{"gnet", HelperWord}, c.Program...)...)
	if n := len(c.Helper); n > 0 {
		cmd = &exec.Cmd{Path: c.Helper[0], Args: append(append(c.Helper[:n:n], HelperWord), c.Program...)}
	}
	if c.Stdin != nil {
		cmd.Stdin = c.Stdin
	}
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	if c.Stderr != nil {
		cmd.Stderr = c.Stderr
	}
	cmd.ExtraFiles = []*os.File{control}
	netns.Isolate(cmd)
	if c.Watch != 0 {
		cmd.SysProcAttr.Pdeathsig = 0
	}
	return netns.Start(cmd)
}

// receive reads an answer of the helper and the descriptors with it.
func receive(fd int) (reply, []int, error) {
	buf, oob := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*maxFDs))
	var n, oobn int
	var err error
	for {
		n, oobn, _, _, err = unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	switch {
	case err == unix.ECONNRESET || err == nil && n == 0:
		// It ended; if it had not even read the request, the socket says reset.
		return reply{}, nil, errSilent
	case err != nil:
		return reply{}, nil, &Error{Step: StepHelper, Err: os.NewSyscallError("recvmsg", err)}
	}
	var fds []int
	if msgs, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil {
		for i := range msgs {
			if got, err := unix.ParseUnixRights(&msgs[i]); err == nil {
				fds = append(fds, got...)
			}
		}
	}
	r, err := decodeReply(buf[:n])
	return r, fds, err
}

// errSilent is a helper that ended without an answer.
var errSilent = &Error{Step: StepHelper, Text: "the helper ended without an answer"}

// explain adds how the helper ended to an error that it did not explain itself.
func (h *Host) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if waitErr := h.helper.Wait(); errors.Is(err, errSilent) && waitErr != nil {
		return &Error{Step: StepHelper, Text: strings.Join([]string{errSilent.Text, waitErr.Error()}, ": "), Err: waitErr}
	}
	return err
}

func closeAll(fds []int) {
	for _, fd := range fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}
