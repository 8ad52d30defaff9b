package kernelside

import (
	"errors"
	"net/netip"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// connection is what is known of one connection of the kernel.
type connection struct {
	tuple event.Tuple
	// fd is its socket, -1 as long as nobody has accepted it and after it was closed.
	fd      int
	passive bool
	// dirty says that it may have changed since the last Sample, fresh that it was sampled for this batch, gone that the kernel has
	// no trace of it any more.
	dirty, fresh, gone bool
	// odd says that what arrived last had SYN or RST, rst that a RST was the last to arrive or to leave.
	odd, rst bool

	state   event.State
	vars    event.Vars
	sampled time.Duration
	info    sockdiag.TCPInfo // the last one that the kernel gave

	hasNxt bool
	nxt    uint32 // SND.NXT as sent

	timer timer
	known traces
}

// traces is what the trace events say of a connection.
type traces struct {
	sk     uint64 // the kernel's address of its socket, 0 if none is known
	cookie uint64 // its number, 0 if it was not asked for
	// since is when we began to connect it or last handed it a segment, 0 before either, until when the call to connect was over.
	since, until time.Duration
	barred       bool // it has had its socket, or another's was taken for it
	reset        bool // it has accepted a RST
	// ca is the state of loss recovery if hasCA, resentIn that in which it repeated a segment since the last Sample, if resent.
	ca, resentIn  uint8
	hasCA, resent bool
}

// add begins a connection.
func (h *Host) add(t event.Tuple, fd int) *connection {
	c := &connection{tuple: t, fd: fd, dirty: true}
	h.conns[t] = c
	h.order = append(h.order, c)
	return c
}

// sender returns the connection that a transmitted segment belongs to, nil for a RST to nobody's. The first SYN,ACK to a peer is the
// first sign of a passive connection: a listener's socket does not show it.
func (h *Host) sender(s *segment) *connection {
	t := event.Tuple{Local: s.src, Remote: s.dst}
	c := h.conns[t]
	if s.flags.Has(event.SYN) && (c == nil || c.gone) && (h.cfg.Guests || s.flags.Has(event.ACK)) {
		c = h.add(t, -1)
		c.passive = s.flags.Has(event.ACK)
	}
	return c
}

// sends notes a transmitted segment.
func (c *connection) sends(s *segment) {
	c.odd, c.rst = false, s.flags.Has(event.RST)
	if end := s.seq + s.space; s.space > 0 && (!c.hasNxt || before(c.nxt, end)) {
		c.hasNxt, c.nxt = true, end
	}
}

// repeats reports whether a segment that is about to leave has sequence numbers that were sent before.
func (c *connection) repeats(s *segment) bool {
	return s.space > 0 && c.hasNxt && before(s.seq, c.nxt)
}

// readInfo asks the socket for its TCP_INFO.
func (c *connection) readInfo() error {
	var buf [maxInfo]byte
	n := uint32(len(buf))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(c.fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return errno
	}
	c.info.Decode(buf[:n])
	return nil
}

// maxInfo is more than any kernel's struct tcp_info.
const maxInfo = 512

// sample reads state and variables of c: from its socket, or by inet_diag where there is none or where the socket has been left
// behind, as in TIME-WAIT.
func (h *Host) sample(c *connection) {
	c.sampled = h.clock.Now()
	if c.gone {
		return
	}
	if c.fd >= 0 && c.readInfo() == nil && c.info.State != tcpClose {
		queued, errOut := unix.IoctlGetInt(c.fd, unix.SIOCOUTQ)
		waiting, errIn := unix.IoctlGetInt(c.fd, unix.SIOCINQ)
		c.state, c.vars = stateOf(c.info.State), varsOf(&c.info)
		c.queues(uint32(queued), errOut, uint32(waiting), errIn)
		return
	}
	c.vars = event.Vars{}
	err := h.diag.Find(c.tuple.Local, c.tuple.Remote, sockdiag.ExtInfo, &h.row)
	switch {
	case err == nil && sameSocket(h.row.Remote, c.tuple.Remote):
		c.found(&h.row)
	case err == nil && c.passive && c.state == event.StateUnknown:
		c.state = event.Listening // a cookie: the listener keeps nothing of it (RFC 4987 section 3.6)
	case err == nil || errors.Is(err, unix.ENOENT):
		c.vanished()
	default:
		c.state = event.StateUnknown
		h.fail(os.NewSyscallError("socket diagnosis", err))
	}
}

// sameSocket reports whether a row's socket is that of a segment: one of IPv6 that serves IPv4 has a mapped address.
func sameSocket(row, segment netip.AddrPort) bool {
	return row.Port() == segment.Port() && row.Addr().Unmap() == segment.Addr()
}

// found takes a row of inet_diag.
func (c *connection) found(row *sockdiag.InetRow) {
	c.state = stateOf(row.State)
	if row.Has&sockdiag.ExtInfo != 0 {
		c.info = row.Info
		c.vars = varsOf(&c.info)
		c.queues(row.WQueue, nil, row.RQueue, nil)
	}
}

// vanished is a connection of which the kernel has no trace any more.
func (c *connection) vanished() {
	if c.passive && c.state == event.Listening && !c.rst {
		return // still a cookie
	}
	c.gone, c.state = true, event.Closed
	if c.rst {
		c.state = event.ClosedReset
	}
}

// queues adds the lengths of the socket's queues.
func (c *connection) queues(out uint32, errOut error, in uint32, errIn error) {
	if c.info.State == tcpSynSent {
		return
	}
	if errOut == nil {
		c.vars.SndBuf, c.vars.Has = out, c.vars.Has|event.HasSndBuf
	}
	if errIn == nil {
		c.vars.RcvBuf, c.vars.Has = in, c.vars.Has|event.HasRcvBuf
	}
}

// maxTries bounds how often a sample is taken again because the kernel transmitted meanwhile.
const maxTries = 10

// Sample yields the listeners' state once, and state and variables of each connection that may have changed since the last call.
//
// No packet leaves between the sample and what was passed on before it: if one is found afterwards, it is passed on and the sample
// taken again. So what is computed from the segments and what is yielded are of one moment, and can be compared.
func (h *Host) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	for _, l := range h.listening {
		if !l.told {
			l.told = true
			yield(l.tuple, event.Listening, event.Vars{})
		}
	}
	var changed []*connection
	for _, c := range h.order {
		if c.dirty {
			changed = append(changed, c)
		}
	}
	h.trace()
	for range maxTries {
		for _, c := range changed {
			h.sample(c)
		}
		if len(changed) == 0 || !h.read() {
			break
		}
		h.pass()
	}
	for _, c := range changed {
		c.dirty, c.timer.due, c.known.resent = false, true, false
		if c.state != event.StateUnknown {
			yield(c.tuple, c.state, c.vars)
		}
	}
	h.forget(changed)
}

// Sums returns what the kernel itself counted, over all connections: the sequence numbers that were acknowledged and those that were
// received. ok is false if the kernel does not tell.
func (h *Host) Sums() (acked, received uint64, ok bool) {
	for _, c := range h.order {
		if c.fd >= 0 {
			_ = c.readInfo()
		}
		acked, received = acked+c.info.BytesAcked, received+c.info.BytesReceived
		ok = ok || c.info.Has(sockdiag.InfoBytesReceived)
	}
	return acked + h.acked, received + h.received, ok || h.summed
}
