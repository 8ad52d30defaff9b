package stackprobe

import (
	"gnet/stackprobe/event"
	"gnet/stackprobe/kernelside"
)

// arrival is what was computed for an end before the segment that has arrived last was taken.
type arrival struct {
	event.Vars
	length int
	// waiting counts the segments that have arrived since the last trace event about one.
	waiting int
}

// arrives keeps what is known before a segment is taken.
func (k *known) arrives(s *event.Segment) {
	k.arrival.Vars, k.arrival.length = k.tap.Vars, s.Len
	k.arrival.waiting++
}

// traced takes what a kernel's trace event says of a connection, at its own time. A change from a state that the end is not in was
// told already, by a sample that was quicker. A sample of variables is compared with what was computed, and recorded if it is news.
func (r *recorder) traced(h event.Host, conn int, t kernelside.Traced) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(h, conn)
	if t.State != event.StateUnknown && t.From == k.state {
		r.changed(int64(t.At), h, conn, t.State, event.Read)
	}
	if t.Vars.Has == 0 {
		return
	}
	if t.Len >= 0 {
		r.compare(h, conn, k, &t)
		k.arrival.waiting = 0
	}
	if told := &k.traced[min(t.Len, 0)+1]; t.Vars != *told {
		*told = t.Vars
		r.append(&event.Event{T: int64(t.At), Kind: event.KindVars, Host: h, Conn: conn, State: k.state, StateHow: event.Read, Vars: t.Vars})
	}
}

// compare checks what was computed before the segment that t is about: the one that has arrived last, if only one has. What a
// transmission may have moved that is not seen yet is counted only if it agrees.
func (r *recorder) compare(h event.Host, conn int, k *known, t *kernelside.Traced) {
	a := &k.arrival
	if a.waiting != 1 || a.length != t.Len || k.state != event.StateEstablished {
		return
	}
	for _, v := range [...]struct {
		bit            event.VarSet
		name           string
		computed, read uint32
		sure           bool
	}{
		{event.HasUna, "tcp_probe snd_una", a.Una, t.Vars.Una, true},
		{event.HasNxt, "tcp_probe snd_nxt", a.Nxt, t.Vars.Nxt, t.Sure},
		{event.HasWnd, "tcp_probe snd_wnd", a.Wnd, t.Vars.Wnd, true},
		{event.HasRcvWnd, "tcp_probe rcv_wnd", a.RcvWnd, t.Vars.RcvWnd, t.Sure},
	} {
		if a.Has&v.bit == 0 || v.computed != v.read && !v.sure {
			continue
		}
		r.verified[h].made++
		if v.computed != v.read {
			r.verified[h].wrong++
			r.append(&event.Event{T: int64(t.At), Kind: event.KindCheck, Host: h, Conn: conn, State: k.state, StateHow: event.Read,
				Check: event.Check{Name: v.name, Computed: int64(v.computed), Read: int64(v.read)}})
		}
	}
}

// watch has the exchange record what the trace events of host, the end k, tell. If there are none, a note says why.
func (x *exchange) watch(k event.Host, host *kernelside.Host) {
	host.Watch(func(t event.Tuple, s kernelside.Traced) { x.rec.traced(k, x.link.Conn(k, t), s) })
	x.untraced = host.Untraced
}
