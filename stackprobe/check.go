package stackprobe

import "gnet/stackprobe/event"

// synchronized reports whether both ends have told their numbers in state s and the connection's variables still exist
// (RFC 9293 section 3.3.2, without TIME-WAIT, of which the kernel keeps less).
func synchronized(s event.State) bool {
	switch s {
	case event.StateEstablished, event.FinWait1, event.FinWait2, event.CloseWait, event.Closing, event.LastAck:
		return true
	}
	return false
}

// check compares what t has computed with what the kernel says in v, a sample between whose taking and that of the last segment at
// this tap nothing has happened. It returns how many comparisons it made, and yields those that do not agree; t goes on from the
// kernel's numbers then, so that one fault is told once.
//
// The kernel counts what was acknowledged from its own SYN on if it opened the connection, else from behind it, and what it has
// received from behind its peer's SYN; a FIN counts in both (net/ipv4/tcp_input.c, tcp_snd_una_update and tcp_rcv_nxt_update).
func (t *tap) check(v *event.Vars, state event.State, yield func(event.Check)) (made int) {
	if !synchronized(state) {
		return 0
	}
	compare := func(has event.VarSet, name string, computed, read int64) bool {
		if v.Has&has != has {
			return true
		}
		made++
		if computed != read {
			yield(event.Check{Name: name, Computed: computed, Read: read})
		}
		return computed == read
	}
	first := t.ISS
	if t.passive {
		first++
	}
	flight := t.Nxt - t.Una
	if t.Has&(event.HasISS|event.HasUna|event.HasNxt) == event.HasISS|event.HasUna|event.HasNxt {
		if !compare(event.HasBytesAcked, "bytes_acked", int64(t.Una-first), int64(uint32(v.BytesAcked))) {
			t.Una = first + uint32(v.BytesAcked)
		}
		// tcpi_unacked counts segments, whose borders the kernel moves when it repeats them: whether there are any is the same.
		compare(event.HasFlight, "unacked", min(int64(flight), 1), min(int64(v.Flight), 1))
		if !compare(event.HasSndBuf|event.HasNotSent, "outq - notsent_bytes", int64(flight), int64(v.SndBuf-v.NotSent)) {
			t.Nxt = t.Una + v.SndBuf - v.NotSent
		}
	}
	if t.Has&(event.HasIRS|event.HasRcvNxt) == event.HasIRS|event.HasRcvNxt &&
		!compare(event.HasBytesReceived, "bytes_received", int64(t.RcvNxt-t.IRS-1), int64(uint32(v.BytesReceived))) {
		t.RcvNxt, t.ahead = t.IRS+1+uint32(v.BytesReceived), nil
	}
	if t.Has&event.HasWnd != 0 && !compare(event.HasWnd, "snd_wnd", int64(t.Wnd), int64(v.Wnd)) {
		t.Wnd = v.Wnd
	}
	rcvWnd := v.RcvWnd
	if t.full {
		rcvWnd = min(rcvWnd, t.RcvWnd) // the kernel keeps what it would have announced (tcp_select_window)
	}
	if t.Has&event.HasRcvWnd != 0 && !compare(event.HasRcvWnd, "rcv_wnd", int64(t.RcvWnd), int64(rcvWnd)) {
		t.RcvWnd = v.RcvWnd
	}
	return made
}

// verified counts the comparisons at one end, and those that did not agree.
type verified struct{ made, wrong int }

// check compares a sample of a kernel's end with what its tap has computed, and records what does not agree; r.mu is held. An
// engine, which tells its numbers itself, has no bytes_acked.
func (r *recorder) check(at int64, h event.Host, conn int, k *known, state event.State, v *event.Vars) {
	if v.Has&event.HasBytesAcked == 0 {
		return
	}
	r.verified[h].made += k.tap.check(v, state, func(c event.Check) {
		r.verified[h].wrong++
		r.append(&event.Event{T: at, Kind: event.KindCheck, Host: h, Conn: conn, State: state, StateHow: event.Read, Check: c})
	})
}
