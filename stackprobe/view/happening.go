package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// happenings words the events that have one line each in every form: what the link did to a segment, messages about one,
// timers, and checks that failed.
type happenings struct {
	running running
	// met are the numbers of the rules whose words were shown.
	met map[int]bool
}

// waits is the time that a rule adds to a segment's way, "" if that is not all that is to be said of e. A rule that slows all
// segments has its words once.
func (h *happenings) waits(p *page, e *event.Event) string {
	if f := &e.Fault; e.Kind != event.KindFault || f.Wait <= 0 || !h.met[f.Number] {
		return ""
	}
	p.used |= signWait
	return "+" + inUnit(e.Fault.Wait, 3, "")
}

// meet notes that the words of a rule are shown.
func (h *happenings) meet(rule int) {
	if h.met == nil {
		h.met = make(map[int]bool)
	}
	if len(h.met) < maxWaiting { // a damaged run must not grow us
		h.met[rule] = true
	}
}

// text is the line of e and its style, "" for an event that has none.
func (h *happenings) text(p *page, e *event.Event) (string, style) {
	switch e.Kind {
	case event.KindFault:
		h.meet(e.Fault.Number)
		return faultText(p, &e.Fault), bad
	case event.KindICMP:
		return icmpText(e), bad
	case event.KindCheck:
		c := &e.Check
		return "warning: " + p.clean(c.Name) + " is " + strconv.FormatInt(c.Computed, 10) + " by the segments, the kernel says " +
			strconv.FormatInt(c.Read, 10), bad
	case event.KindTimer:
		return h.timer(p, e)
	}
	return "", plain
}

// timer is the line of a timer, "" for one that has none.
func (h *happenings) timer(p *page, e *event.Event) (string, style) {
	t := &e.Timer
	name := guess(p, t.How) + t.Kind.String()
	switch {
	case !h.running.news(e):
		return "", plain
	case t.Op == event.Fired:
		return name + " timer expired", again
	}
	return name + " armed for " + duration(t.At-e.T), faint
}

// running are the timers that run and whose running was told.
type running map[endOfTimer]bool

// endOfTimer names a timer.
type endOfTimer struct {
	endOf
	kind event.TimerKind
}

// news takes what happened to a timer, and reports whether it has a line: each that fired, and the start of those whose running
// alone says something, once until they end. All the others start and stop with every segment.
func (r *running) news(e *event.Event) bool {
	t := &e.Timer
	if t.Op != event.Fired && t.Kind != event.TimerPersist && t.Kind != event.TimerKeepalive && t.Kind != event.TimerTimeWait {
		return false
	}
	at := endOfTimer{endOfEvent(e), t.Kind}
	was := (*r)[at]
	delete(*r, at)
	if t.Op == event.Armed {
		if *r == nil || len(*r) >= maxEnds {
			*r = make(running)
		}
		(*r)[at] = true
	}
	return t.Op == event.Fired || t.Op == event.Armed && !was
}

// faultText is what a rule did to a segment that it did not take.
func faultText(p *page, f *event.Fault) string {
	text := "fault: " + p.clean(f.Rule)
	if f.Rule == "" {
		text = "fault: " + f.Action.String()
	}
	switch {
	case f.Action == event.Corrupt:
		text += ": bit " + strconv.Itoa(f.Bit)
	case f.Fragments != 0:
		text += ": cut into " + strconv.Itoa(f.Fragments) + " fragments"
	case f.Wait != 0:
		text += ": " + duration(f.Wait) + " more"
	}
	return text
}

// icmpText is a message about a packet.
func icmpText(e *event.Event) string {
	m := &e.ICMP
	text := "ICMP type " + strconv.Itoa(int(m.Type)) + " code " + strconv.Itoa(int(m.Code))
	switch six := e.Seg.Dst.Addr().Is6(); {
	case six && m.Type == 2:
		text = "ICMPv6: packet too big" // RFC 4443 3.2
	case !six && m.Type == 3 && m.Code == 4:
		text = "ICMP: fragmentation needed" // RFC 792
	case six && m.Type == 1, !six && m.Type == 3: // RFC 4443 3.1, RFC 792
		text = "ICMP: unreachable, code " + strconv.Itoa(int(m.Code))
	case six && m.Type == 3, !six && m.Type == 11: // RFC 4443 3.3, RFC 792
		text = "ICMP: time exceeded"
	}
	if m.MTU != 0 {
		text += ", MTU " + strconv.Itoa(m.MTU)
	}
	return text
}
