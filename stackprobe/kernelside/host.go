package kernelside

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// Name returns the kernel's name and release, as the first line of a run shows it.
func Name() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "linux"
	}
	return "linux " + unix.ByteSliceToString(u.Release[:])
}

// traffic is a Host at work. All of it but the poll runs on the clock's goroutine.
//
// The kernel transmits in the calls that make it transmit: when a packet is delivered, when an application writes, reads or closes.
// What it has transmitted is read right after each such call, all of it before the socket is asked, so what the socket says then
// belongs to the state behind all of these packets. What is found at any other moment a timer of the kernel has sent.
type traffic struct {
	clock vclock.Clock
	send  func(at time.Duration, packet []byte, sent link.Sent)
	poll  *poll
	buf   []byte
	batch []transmission
	free  []byte // room for the packets to come
	// provoked says that a call was made that may have made the kernel transmit, since the link was last found empty.
	provoked bool
	err      error // the first error of the link
}

// transmission is one packet that the kernel has transmitted, read at the moment at.
type transmission struct {
	at     time.Duration
	packet []byte
	seg    segment
	conn   *connection // nil: of none
}

// Start begins to pass on what the kernel transmits. send gets each packet with the moment of reading, on the clock's
// goroutine, which has to call all methods from now on.
func (h *Host) Start(clock vclock.Clock, send func(at time.Duration, packet []byte, sent link.Sent)) (err error) {
	h.clock, h.send, h.buf = clock, send, make([]byte, 1<<16)
	if h.tracer != nil {
		h.tracer.start(clock)
	}
	h.poll, err = newPoll(h.device.Fd(), func() { clock.At(clock.Now(), h.woken) })
	return err
}

// woken runs on the clock's goroutine when something has happened in the kernel that no call of ours has made happen. The world
// looks at its ends after every event, so there is nothing else to do than to see that each connection may have changed.
func (h *Host) woken() {
	select {
	case <-h.poll.done:
		h.fail(h.poll.err)
	default:
	}
	for _, c := range h.order {
		c.dirty = c.dirty || !c.gone
	}
}

// Settle passes on what the kernel has transmitted since the last call.
func (h *Host) Settle() {
	for h.read() {
		h.pass()
	}
	h.provoked = false
	h.poll.ready()
}

// after is for the calls of an application: what they made the kernel transmit belongs to the state before the next call.
func (h *Host) after(c *connection) {
	c.dirty, h.provoked = true, true
	for h.read() {
		h.pass()
	}
	h.provoked = false
}

// maxBatch bounds what is read before it is passed on.
const maxBatch = 256

// read fills the batch with what the kernel has transmitted, and reports whether there is anything.
func (h *Host) read() bool {
	h.batch = h.batch[:0]
	for len(h.batch) < maxBatch {
		n, ok, err := h.device.Read(h.buf)
		if err != nil {
			h.fail(err)
		}
		if !ok || err != nil {
			break
		}
		t := transmission{at: h.clock.Now(), packet: h.keep(h.buf[:n])}
		if seg, ok := readSegment(t.packet); ok {
			t.seg, t.conn = seg, h.sender(&seg)
		}
		h.batch = append(h.batch, t)
	}
	return len(h.batch) > 0
}

// keep copies a packet to memory that is the link's from now on.
func (h *Host) keep(packet []byte) []byte {
	if len(h.free) < len(packet) {
		h.free = make([]byte, max(1<<16, len(packet)))
	}
	n := copy(h.free, packet)
	kept := h.free[:n:n]
	h.free = h.free[n:]
	return kept
}

// pass samples the connections of the batch and hands its packets to the link.
func (h *Host) pass() {
	h.trace()
	own := !h.provoked
	news := h.movement(own)
	for i := range h.batch {
		t := &h.batch[i]
		sent := link.Sent{}
		if c := t.conn; c != nil {
			h.refresh(c)
			inTimer := h.inTimer(c, &t.seg, own)
			sent = link.Sent{State: c.state, Vars: c.vars, Evidence: c.evidence(&t.seg, inTimer, h.belongs(&t.seg, inTimer, news))}
			if sent.State != event.StateUnknown {
				sent.StateHow = event.Read
			}
			if sent.Vars.Has != 0 {
				sent.Vars.At = int64(c.sampled)
			}
			c.sends(&t.seg)
		}
		h.send(t.at, t.packet, sent)
	}
	for i := range h.batch {
		if c := h.batch[i].conn; c != nil {
			c.fresh = false
		}
	}
}

// refresh samples c unless that was done for this batch.
func (h *Host) refresh(c *connection) {
	if c.fresh {
		return
	}
	c.fresh, c.dirty = true, true
	h.sample(c)
}

// Deliver implements link.End: the packet comes out of the interface for the kernel.
func (h *Host) Deliver(packet []byte) {
	h.provoked = true
	if seg, ok := readSegment(packet); ok {
		if c := h.conns[event.Tuple{Local: seg.dst, Remote: seg.src}]; c != nil {
			c.known.since = h.clock.Now()
			c.dirty, c.odd, c.rst = true, seg.flags&(event.SYN|event.RST) != 0, seg.flags.Has(event.RST)
		}
	}
	if err := h.device.Write(packet); err != nil {
		h.fail(err)
	}
}

// fail keeps the first error of the link for Err.
func (h *Host) fail(err error) {
	if h.err == nil {
		h.err = err
	}
}

// Err returns the first error of the link itself, nil if there was none.
func (h *Host) Err() error { return h.err }

// Dropped returns how many packets the kernel wanted to transmit and lost before anybody read them: those of the interface
// (tun_net_xmit counts them in its statistics) and those of the packet socket.
func (h *Host) Dropped() (uint64, error) {
	var buf [4096]byte
	n, err := unix.Pread(h.devices, buf[:], 0)
	if err != nil {
		return 0, os.NewSyscallError("read /proc/net/dev", err)
	}
	lost, err := h.device.Dropped()
	return lost + findDropped(buf[:n], linkName), err
}

// Close ends the helper and closes everything; with the descriptors go the interface and the namespace. The kernel's connections
// end in silence.
func (h *Host) Close() { h.closing.Do(h.close) }

func (h *Host) close() {
	h.dismiss()
	if h.poll != nil {
		h.poll.close()
	}
	for _, c := range h.order {
		closeAll([]int{c.fd})
	}
	for _, l := range h.listening {
		unix.Close(l.fd)
	}
	if h.tracer != nil {
		h.tracer.close() // before the helper removes the instance
	}
	closeAll([]int{h.spare, h.control})
	if h.device != nil {
		h.device.Close()
	}
	if h.stats != nil {
		h.stats.close()
		h.diag.Close()
		unix.Close(h.devices)
	}
	_ = h.helper.Wait() // it ends with the control socket
}
