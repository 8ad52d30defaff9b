package kernelside

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
)

// guests is what a Host knows of the programs in its namespace.
type guests struct {
	exited chan struct{} // closed when nothing more is heard of the program; nil if none was started
	// acked and received are the sums of the connections that are forgotten; summed says that there are any.
	acked, received uint64
	summed          bool
}

// Exit is how a program ended.
type Exit struct {
	// Status is its exit status, -1 if a signal ended it, which Signal then is.
	Status int
	Signal unix.Signal
	// Left says that processes which it has started still run.
	Left bool
	// Err says that how it ended is not known, because the helper ended too.
	Err error
}

// Code is the status that a shell gives (128 and the number of a signal).
func (e Exit) Code() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Status
}

// String says how it ended: "exit status 1", "killed by signal 9 (SIGKILL)".
func (e Exit) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("killed by signal %d (%s)", int(e.Signal), unix.SignalName(e.Signal))
	}
	return fmt.Sprintf("exit status %d", e.Status)
}

// decodeExit reads what encodeExit has written.
func decodeExit(b []byte) Exit {
	f := strings.Split(string(b), "\n")
	if len(f) != 4 || f[0] != exitMagic {
		return Exit{Status: -1, Err: errSilent}
	}
	status, err1 := strconv.Atoi(f[1])
	number, err2 := strconv.Atoi(f[2])
	if err1 != nil || err2 != nil {
		return Exit{Status: -1, Err: errSilent}
	}
	return Exit{Status: status, Signal: unix.Signal(number), Left: f[3] == "true"}
}

// StartProgram starts Config.Program, once, and has ended called on another goroutine when it has ended, or when it can not be known
// any more. The remarks say what it does not find as promised. The error is an *Error of StepProgram with the kernel's errno if
// there is no such program or it cannot be executed.
func (h *Host) StartProgram(ended func(Exit)) (remarks []string, err error) {
	if err := unix.Send(h.control, []byte(startMagic), unix.MSG_NOSIGNAL); err != nil {
		return nil, &Error{Step: StepHelper, Err: err}
	}
	r, fds, err := receive(h.control)
	closeAll(fds)
	if err == nil {
		err = r.failure()
	}
	if err != nil {
		return nil, err
	}
	h.exited = make(chan struct{})
	go func() {
		defer close(h.exited)
		buf := make([]byte, maxMessage)
		for {
			n, _, err := unix.Recvfrom(h.control, buf, 0)
			if err == unix.EINTR {
				continue
			}
			ended(decodeExit(buf[:max(n, 0)]))
			return
		}
	}()
	return r.unpinned, nil
}

// Signal sends s to the program, unless s has reached the whole process group and with it the program.
func (h *Host) Signal(s unix.Signal) error {
	return unix.Send(h.control, []byte(signalMagic+strconv.Itoa(int(s))), unix.MSG_NOSIGNAL)
}

// Process returns the number of the process that keeps the namespace, by which others can enter it.
func (h *Host) Process() int { return h.helper.Cmd.Process.Pid }

// dismiss ends the helper, and with it every program in the namespace, and waits until nothing more is heard of them.
func (h *Host) dismiss() {
	if h.exited != nil {
		unix.Shutdown(h.control, unix.SHUT_RDWR)
		<-h.exited
	}
}

// Look has the next Sample ask for every connection, also where no packet tells that it has changed.
func (h *Host) Look() {
	for _, c := range h.order {
		c.dirty = c.dirty || !c.gone
	}
}

// Listens reports whether a program in the namespace waits for connections at port.
func (h *Host) Listens(port uint16) (bool, error) {
	for _, family := range [...]uint8{unix.AF_INET, unix.AF_INET6} { // a socket of IPv6 may serve both
		for row, err := range h.diag.Inet(sockdiag.Request{Family: family, Protocol: unix.IPPROTO_TCP, States: 1 << tcpListen}) {
			if err != nil {
				return false, err
			}
			if row.Local.Port() == port {
				return true, nil
			}
		}
	}
	return false, nil
}

// inTimer reports whether a timer of the kernel has sent s, a segment of c. own says that no packet that we delivered has provoked
// it. A program may have sent what is new; what is sent again without a cause from outside is the work of a timer.
func (h *Host) inTimer(c *connection, s *segment, own bool) bool {
	return own && !h.cfg.Veth && (!h.cfg.Guests || c.repeats(s))
}

// forget drops those of the connections that the kernel has dropped: a namespace may see more of them than fit.
func (h *Host) forget(changed []*connection) {
	if !h.cfg.Guests {
		return
	}
	gone := false
	for _, c := range changed {
		if !c.gone {
			continue
		}
		gone = true
		h.acked, h.received = h.acked+c.info.BytesAcked, h.received+c.info.BytesReceived
		h.summed = h.summed || c.info.Has(sockdiag.InfoBytesReceived)
		if h.conns[c.tuple] == c {
			delete(h.conns, c.tuple)
		}
	}
	if gone {
		h.order = slices.DeleteFunc(h.order, func(c *connection) bool { return c.gone && c.tuple.Remote.IsValid() })
	}
}
