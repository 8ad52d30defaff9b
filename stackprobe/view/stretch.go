package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// maxTold is how many ends of connections have rows of their own in one stretch; the others share one for each host.
const maxTold = 8

// stretch is a run of events that are told together.
type stretch struct{ ends []sums }

// sums is what one end did in a stretch.
type sums struct {
	endOf
	others         bool // of several connections: the numbers say nothing
	first, last    int64
	data, acks     int
	dataCame       int // arrivals of data, and of acknowledgments alone
	acksCame       int
	cameTo         seqMark
	syns, synsCame int
	conn0, conn1   int // those of the SYNs
	flags          event.Flags
	low, high      seqMark
	ack            seqMark
	dup0, dup1     int // duplicate acknowledgments that arrived
	waits          int
	wait0, wait1   int64
	read, wrote    int64
}

// seqMark is a sequence number: relative if known, as it is shown.
type seqMark struct {
	rel, shown int64
	set        bool
}

// empty reports whether nothing was added.
func (t *stretch) empty() bool { return len(t.ends) == 0 }

// clear forgets all.
func (t *stretch) clear() { t.ends = t.ends[:0] }

// each yields the sums of the ends in the order in which they began.
func (t *stretch) each(yield func(*sums)) {
	for i := range t.ends {
		yield(&t.ends[i])
	}
}

// of gives the sums of an end.
func (t *stretch) of(at endOf, now int64) *sums {
	for i := range t.ends {
		s := &t.ends[i]
		if s.endOf == at || s.others && s.host == at.host {
			return s
		}
	}
	others := len(t.ends) >= maxTold
	if others {
		at.conn = 0
	}
	t.ends = append(t.ends, sums{endOf: at, others: others, first: now})
	return &t.ends[len(t.ends)-1]
}

// add takes an event in.
func (t *stretch) add(e *event.Event) {
	if e.Kind == event.KindVars || e.Host != event.Client && e.Host != event.Server {
		return
	}
	at := endOfEvent(e)
	if e.Seg.Flags.Has(event.SYN) && (e.Kind == event.KindTx || e.Kind == event.KindRx) {
		at.conn = 0 // each is another connection: they are told together
	}
	s := t.of(at, e.T)
	s.last = e.T
	switch d := &e.Derived; e.Kind {
	case event.KindTx:
		s.departs(e)
	case event.KindRx:
		s.arrives(e)
		if d.DupAck > 0 {
			if s.dup0 == 0 {
				s.dup0 = d.DupAck
			}
			s.dup1 = d.DupAck
		}
	case event.KindApp:
		if e.App.Call == event.Receive {
			s.read += int64(e.App.Bytes)
		} else {
			s.wrote += int64(e.App.Bytes)
		}
	case event.KindFault:
		if s.waits++; s.waits == 1 {
			s.wait0 = e.Fault.Wait
		}
		s.wait0, s.wait1 = min(s.wait0, e.Fault.Wait), max(s.wait1, e.Fault.Wait)
	}
}

// arrives counts a segment that arrives.
func (s *sums) arrives(e *event.Event) {
	g, d := &e.Seg, &e.Derived
	switch {
	case g.Flags.Has(event.SYN):
		if s.synsCame++; s.synsCame == 1 && s.syns == 0 {
			s.conn0 = e.Conn
		}
		if s.syns == 0 {
			s.conn1, s.flags = e.Conn, g.Flags
		}
	case g.Len > 0:
		s.dataCame++
		if d.HasRelSeq && (s.dataCame == 1 || !s.cameTo.set || d.RelEnd > s.cameTo.rel) {
			s.cameTo = seqMark{d.RelEnd, int64(g.Seq + uint32(g.Len)), true}
		}
	default:
		s.acksCame++
		if d.HasRelAck && s.dataCame == 0 {
			s.cameTo = seqMark{d.RelAck, int64(g.Ack), true}
		}
	}
}

// departs counts a segment that leaves.
func (s *sums) departs(e *event.Event) {
	g, d := &e.Seg, &e.Derived
	if g.Flags.Has(event.SYN) {
		if s.syns++; s.syns == 1 {
			s.conn0 = e.Conn
		}
		s.conn1, s.flags = e.Conn, g.Flags
		return
	}
	if d.HasRelAck {
		s.ack = seqMark{d.RelAck, int64(g.Ack), true}
	}
	if g.Len == 0 {
		s.acks++
		return
	}
	s.data++
	if !d.HasRelSeq {
		return
	}
	if !s.low.set || d.RelSeq < s.low.rel {
		s.low = seqMark{d.RelSeq, int64(g.Seq), true}
	}
	if !s.high.set || d.RelEnd > s.high.rel {
		s.high = seqMark{d.RelEnd, int64(g.Seq + uint32(g.Len)), true}
	}
}

// number is an seqMark as the page shows sequence numbers.
func (p *page) number(n seqMark) string {
	if p.opts.Absolute {
		return strconv.FormatInt(n.shown, 10)
	}
	return strconv.FormatInt(n.rel, 10)
}

// told is the sentence about an end's part in a stretch, in fewer words if it has more than n columns.
func (p *page) told(s *sums, n int) string {
	text := p.sentence(s)
	if columns(text) > n {
		text = strings.Replace(text, " data segments", " data", 1)
	}
	if e := " " + p.glyphs.ellipsis; columns(text)+columns(e) <= n {
		text += e
	}
	return text
}

// sentence is what told says, without the sign at its end.
func (p *page) sentence(s *sums) string {
	var parts []string
	add := func(text ...string) { parts = append(parts, strings.Join(text, "")) }
	switch which := "#" + strconv.Itoa(s.conn0) + " to #" + strconv.Itoa(s.conn1); {
	case s.syns > 0:
		add(strconv.Itoa(s.syns), " ", s.flags.String(), ", ", which)
	case s.synsCame > 0 && s.data+s.acks == 0:
		add(strconv.Itoa(s.synsCame), " ", s.flags.String(), " arrived, ", which)
	}
	if s.data > 0 {
		text := counted(s.data, "data segment")
		if !s.others && s.low.set {
			text += " " + p.number(s.low) + ":" + p.number(s.high)
		}
		add(text)
	}
	if s.acks > 0 {
		text := counted(s.acks, "ack")
		if !s.others && s.ack.set {
			text += " to " + p.number(s.ack)
		}
		add(text)
	}
	to := ""
	if s.cameTo.set && !s.others {
		to = " to " + p.number(s.cameTo)
	}
	switch {
	case s.data+s.acks == 0 && s.dataCame > 0:
		add(counted(s.dataCame, "data segment"), " arrived", to)
	case s.data+s.acks == 0 && s.acksCame > 0:
		add(counted(s.acksCame, "ack"), " arrived", to)
	case s.data+s.acks == 0 && s.wrote > 0:
		add("write ", strconv.FormatInt(s.wrote, 10))
	case s.data+s.acks == 0 && s.read > 0:
		add("read ", strconv.FormatInt(s.read, 10))
	}
	if s.dup0 > 0 {
		p.used |= signDup
		add("dup ", strconv.Itoa(s.dup0))
		if s.dup1 != s.dup0 {
			parts[len(parts)-1] += " to " + strconv.Itoa(s.dup1)
		}
	}
	if s.waits > 0 {
		p.used |= signWait
		add("+", inUnit(s.wait0, 3, ""))
		if s.wait1 != s.wait0 {
			parts[len(parts)-1] += " to +" + inUnit(s.wait1, 3, "")
		}
	}
	text := strings.Join(parts, ", ")
	if took := s.last - s.first; took >= p.brief {
		text += " in " + inUnit(took, 3, "")
	}
	p.used |= signFolded
	return p.tag(s.conn) + p.glyphs.ellipsis + " " + text
}

// moved is what the application of the end moved, "" if that does not go into one word.
func (s *sums) moved() string {
	switch {
	case s.data+s.acks == 0:
		return "" // the sentence says it
	case s.read > 0 && s.wrote == 0:
		return "read " + strconv.FormatInt(s.read, 10)
	case s.wrote > 0 && s.read == 0:
		return "write " + strconv.FormatInt(s.wrote, 10)
	}
	return ""
}
