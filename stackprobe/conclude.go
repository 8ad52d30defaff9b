package stackprobe

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"gnet/stackprobe/app"
	"gnet/stackprobe/event"
	"gnet/stackprobe/link"
	"gnet/stackprobe/vclock"
)

// conclude records the last events: what the run did not show, and what came of it.
func (x *exchange) conclude(last vclock.Outcome) {
	if x.guest != nil {
		defer x.guest.concluded()
	}
	for h := event.Client; h <= event.Server; h++ {
		x.remarks(h)
	}
	x.link.Idle(func(rule *link.Rule, matched int) bool {
		did := "changed"
		if rule.Takes() {
			did = "took"
		}
		x.note(event.Warning, fmt.Sprintf("fault %q %s nothing: %d segments matched", rule.Text, did, matched))
		return true
	})
	x.unmet()
	for h := event.Client; h <= event.Server; h++ {
		if c, ok := x.ends[h].(counted); ok {
			x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindCounters, Host: h, Counters: c.Counters()})
		}
		if k, ok := x.ends[h].(kernel); ok {
			k.Infos(func(t event.Tuple, counters []event.Counter) {
				if conn := x.link.Conn(h, t); conn != 0 {
					x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindCounters, Host: h, Conn: conn, Counters: counters})
				}
			})
		}
	}
	e := x.totals()
	e.Reason = x.reason(last)
	e.OK = e.Reason == ""
	x.rec.put(&event.Event{T: int64(x.loop.Now()), Kind: event.KindEnd, End: e})
}

// remarks notes what end h has left or lost that the events do not show.
func (x *exchange) remarks(h event.Host) {
	in := map[int]bool{} // sessions may have used the same sockets one after the other
	for _, s := range x.apps[h].Sessions() {
		if conn := x.link.Conn(h, s.Tuple()); x.rec.state(h, conn) == event.TimeWait {
			in[conn] = true
		}
	}
	switch waiting := len(in); {
	case x.cfg.Until == Closed:
	case waiting == 1:
		x.note(event.Info, h.String()+" stays in TIME-WAIT; the run does not wait for its end")
	case waiting > 1:
		x.note(event.Info, fmt.Sprintf("%d connections of %s stay in TIME-WAIT; the run does not wait for their end", waiting, h))
	}
	if c := x.link.Count(h); c.Other > 0 {
		x.note(event.Info, fmt.Sprintf("%s sent %d packets that are no TCP segments; the faults took %d of them, none is shown", h, c.Other, c.OtherLost))
	}
	k, ok := x.ends[h].(kernel)
	if !ok {
		return
	}
	if k.Err() != nil {
		x.note(event.Warning, k.Err().Error())
	}
	if text := k.TraceLosses(); text != "" {
		x.note(event.Warning, text)
	}
	switch n, err := k.Dropped(); {
	case err != nil:
		x.note(event.Warning, "how many packets the kernel's queue to the link lost is not known: "+err.Error())
	case n > 0:
		x.note(event.Warning, fmt.Sprintf("the kernel's queue to the link lost %d packets that are not in the events", n))
	}
}

func (x *exchange) totals() *event.End {
	e := &event.End{}
	for h, t := range [...]*event.Totals{event.Client: &e.Client, event.Server: &e.Server} {
		h := event.Host(h)
		if h == event.None {
			continue
		}
		a, c := x.apps[h].Totals(), x.link.Count(h)
		if x.guest != nil && h != x.cfg.programAt() {
			a = x.guest.totals()
		}
		*t = event.Totals{State: x.rec.lastState(h), Written: a.Written, Received: a.Received, Match: a.Match, WrittenHash: a.WrittenHash,
			ReceivedHash: a.ReceivedHash, Segments: c.Segments, Retransmitted: c.Retransmitted, Lost: c.Lost}
		t.Program = x.outside != nil && h != x.cfg.Attach.end()
		if k, ok := x.ends[h].(kernel); ok {
			t.KernelAcked, t.KernelReceived, t.HasKernel = k.Sums()
			t.Program = x.guest != nil
			t.Checks, t.Wrong = x.rec.verified[h].made, x.rec.verified[h].wrong
		}
	}
	return e
}

// reason says why the exchange failed, "" if it did not.
func (x *exchange) reason(last vclock.Outcome) string {
	if x.guest != nil {
		return x.guest.reason(last)
	}
	if x.broken != nil {
		return x.broken.Error()
	}
	if x.outside != nil {
		return x.attachedReason(last)
	}
	for h := event.Client; h <= event.Server; h++ {
		if err := x.apps[h].Err(); err != nil {
			return h.String() + ": " + err.Error()
		}
		for _, s := range x.apps[h].Sessions() {
			if err := s.Err(); err != nil && !x.wanted(h, err) {
				return h.String() + ": " + err.Error()
			}
		}
	}
	switch {
	case last == vclock.Cancelled:
		return "interrupted"
	case last == vclock.Late && !x.settled():
		return "not finished after " + time.Duration(x.run.Deadline).String()
	case last == vclock.Idle && !x.settled():
		return "both ends wait for ever"
	}
	if h := x.restarted(); h != event.None {
		return h.String() + " restarted and lost its connections"
	}
	if x.honest() != event.None {
		return "" // nobody knows what a script should have sent
	}
	return x.missing()
}

// wanted reports whether err at h is what its peer was asked to cause: a reset.
func (x *exchange) wanted(h event.Host, err error) bool {
	return x.cfg.abrupt(h.Peer()) && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED))
}

// settled reports whether all work was done though a connection is still open: an end that never closes leaves it so.
func (x *exchange) settled() bool {
	if h := x.honest(); h != event.None || x.cfg.opening(event.Client) == app.OpenNever {
		return x.idle()
	}
	if x.cfg.Ends[event.Client].End != app.EndNever && x.cfg.Ends[event.Server].End != app.EndNever {
		return false
	}
	for _, c := range x.apps[event.Client].Sessions() {
		s := x.peer(c)
		if s == nil || !c.Ready() && x.cfg.Ends[event.Server].End != app.EndNever || !s.Ready() && x.cfg.Ends[event.Client].End != app.EndNever {
			return false
		}
	}
	return true
}

// missing says which bytes did not arrive, "" if all did.
func (x *exchange) missing() string {
	for _, c := range x.apps[event.Client].Sessions() {
		var got app.Totals
		if s := x.peer(c); s != nil {
			got = s.Totals()
		}
		sent := c.Totals()
		if text := shortfall(event.Client, sent, got); text != "" {
			return text
		}
		if text := shortfall(event.Server, got, sent); text != "" {
			return text
		}
	}
	return ""
}

// shortfall compares what end h has written on a connection with what its peer has received.
func shortfall(h event.Host, sent, got app.Totals) string {
	switch {
	case sent.Written != got.Received:
		return fmt.Sprintf("%s received %d of the %d bytes that %s wrote", h.Peer(), got.Received, sent.Written, h)
	case sent.WrittenHash != got.ReceivedHash && sent.Written > 0:
		return fmt.Sprintf("%s: %v", h.Peer(), app.ErrContent)
	}
	return ""
}
