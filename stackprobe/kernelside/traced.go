package kernelside

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

// Watch has yield called with what the trace events tell, on the clock's goroutine, before what is transmitted after it is passed on. It
// must be called before Start. Host.Untraced says why there are no trace events.
func (h *Host) Watch(yield func(event.Tuple, Traced)) {
	if h.tracer != nil {
		h.tracer.yield = yield
	}
}

// trace takes what the trace events have told since the last call.
func (h *Host) trace() {
	t := h.tracer
	if t == nil {
		return
	}
	records := t.read()
	for i := range records {
		r := &records[i]
		if c := h.owner(r); c != nil {
			h.told(c, r)
		}
	}
}

// owner returns the connection that a record is about, nil if that is of none of ours. The records bear addresses of this run alone, but
// another run has the same: a socket is ours if it left CLOSED during our call, or was established after we had handed it
// a segment, as the first to do so, and its cookie is ours where it tells one.
func (h *Host) owner(r *traceRecord) *connection {
	c := h.tracer.sockets[r.sk]
	if r.what == traceProbe && c != nil && c.cookie() != 0 && c.cookie() != r.probe.cookie {
		c.known.sk, c.known.barred = 0, true
		delete(h.tracer.sockets, r.sk)
		h.tracer.strange++
		return nil
	}
	if c != nil || r.what != traceState {
		return c
	}
	// A child of a listener bears its peer's port only when it is established (net/ipv4/inet_connection_sock.c, inet_csk_clone_lock).
	begins := r.old == tcpClose && r.new == tcpSynSent || r.old == tcpSynRecv && r.new == tcpEstablished
	c = h.conns[event.Tuple{Local: netip.AddrPortFrom(r.src, r.sport), Remote: netip.AddrPortFrom(r.dst, r.dport)}]
	if c == nil || !begins || c.gone || c.known.barred || c.known.sk != 0 || !c.known.begins(r) {
		return nil
	}
	c.known.sk = r.sk
	h.tracer.sockets[r.sk] = c
	return c
}

// begins reports whether r can be about c's socket by its time: none is ours before we have done anything for it. A child of the
// listener is known here from its SYN,ACK on, a round trip before it can be established; another run's may be in that time.
func (k *traces) begins(r *traceRecord) bool {
	at := time.Duration(r.at)
	return k.since > 0 && at >= k.since && (r.new != tcpSynSent || at <= k.until)
}

// cookie returns the number that the kernel gave the socket (SO_COOKIE), 0 while there is no descriptor to ask.
func (c *connection) cookie() uint64 {
	if c.known.cookie == 0 && c.fd >= 0 {
		c.known.cookie, _ = unix.GetsockoptUint64(c.fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	}
	return c.known.cookie
}

// told takes a record about c.
func (h *Host) told(c *connection, r *traceRecord) {
	// No event of the kernel's is later than now, whatever a time namespace makes of its clock.
	news := Traced{At: min(max(time.Duration(r.at), 0), h.clock.Now()), Len: -1}
	switch r.what {
	case traceState:
		news.From, news.State = stateOf(r.old), c.becomes(r)
		if r.new == tcpClose {
			delete(h.tracer.sockets, c.known.sk)
			c.known.sk, c.known.barred = 0, true
		}
		if news.State == event.StateUnknown {
			return
		}
	case traceProbe:
		p := &r.probe
		news.Len, news.Sure = int(p.length), !h.onItsWay(c)
		news.Vars = event.Vars{How: event.Read, Has: event.HasNxt | event.HasUna | event.HasCwnd | event.HasWnd | event.HasRcvWnd,
			Nxt: p.nxt, Una: p.una, Cwnd: p.cwnd, Wnd: p.wnd, RcvWnd: p.rcvWnd}
		if p.srtt > 0 {
			news.Vars.SRTT, news.Vars.Has = int64(p.srtt)*int64(time.Microsecond), news.Vars.Has|event.HasSRTT
		}
	case traceCongestion:
		if int(r.new) >= len(congestion) {
			return
		}
		c.known.ca, c.known.hasCA = r.new, true
		news.Vars = event.Vars{How: event.Read, Has: event.HasCongestion, Congestion: congestion[r.new]}
	case traceRetransmit:
		if c.known.hasCA {
			c.known.resentIn, c.known.resent = c.known.ca, true
		}
		return
	case traceReset:
		c.known.reset = true
		return
	}
	if h.tracer.yield != nil {
		h.tracer.yield(c.tuple, news)
	}
}

// onItsWay reports whether c has transmitted something that nobody has seen yet: a timer may have, before the segment arrived.
func (h *Host) onItsWay(c *connection) bool {
	return slices.ContainsFunc(h.batch, func(t transmission) bool { return t.conn == c })
}

// becomes returns the state that a change leads to as far as it is told here. The first state of a connection is told by its SYN; CLOSED
// is what a socket becomes also where TIME-WAIT begins, which another one takes over (net/ipv4/tcp_minisocks.c, tcp_time_wait):
// that is left to inet_diag, unless a RST or the acknowledgment of our FIN has ended it.
func (c *connection) becomes(r *traceRecord) event.State {
	switch {
	case r.new == tcpSynSent:
		return event.StateUnknown
	case r.new != tcpClose:
		return stateOf(r.new)
	case c.known.reset:
		return event.ClosedReset
	case stateOf(r.old) == event.LastAck:
		return event.Closed
	}
	return event.StateUnknown
}

// TraceLosses says what is missing of the trace events, "" if nothing is.
func (h *Host) TraceLosses() string {
	t := h.tracer
	switch {
	case t == nil:
	case t.uncounted:
		return fmt.Sprintf("the tracing buffers lost more than %d events", t.lost)
	case t.lost > 0:
		return fmt.Sprintf("the tracing buffers lost %d events", t.lost)
	case t.strange > 0:
		return "another run on this machine has the same addresses: trace events of a connection were given up"
	}
	return ""
}
