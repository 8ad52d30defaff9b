package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// moment is what happened at one end of a connection without a pause.
type moment struct {
	conn        int
	host        event.Host
	start, last int64
	changes     [2]bool // whether anything changed of what the end sends, of what it gets

	// Of the octets that the end sends:
	wrote             int64
	sent, again, lost burst
	why               event.Reason
	whyHow            event.How
	probes, fired     int
	timer             event.Timer
	fin               bool
	acks, dups        int // acknowledgments that have come
	hasAck            bool
	ack               int64
	win               string // the window that came with the last

	// Of those that it gets:
	got, stale  burst
	read        int64
	gotFIN      bool
	damaged     int
	told        int // acknowledgments that it has sent
	toldAck     int64
	toldWin     string
	hasTold     bool
	established bool
	closes      bool
}

// burst is some segments of data: how many, the octets from the first to the last of them, and the sum of their lengths.
type burst struct {
	n                int
	first, last, sum int64
}

func (b *burst) add(first, last int64) {
	b.sum += last - first
	if b.n++; b.n == 1 {
		b.first, b.last = first, last
	}
	b.first, b.last = min(b.first, first), max(b.last, last)
}

// add takes an event of the moment's end.
func (m *moment) add(e *event.Event) {
	switch e.Kind {
	case event.KindTx:
		if e.Seg.Origin != event.Injected {
			m.leaves(&e.Seg, &e.Derived)
		}
	case event.KindRx:
		m.comes(&e.Seg, &e.Derived)
	case event.KindLost:
		if e.Seg.Len > 0 && e.Derived.HasRelSeq {
			m.lost.add(e.Derived.RelSeq, e.Derived.RelEnd)
		}
	case event.KindState:
		m.established = m.established || e.State == event.StateEstablished
	case event.KindTimer:
		if k := e.Timer.Kind; e.Timer.Op == event.Fired && (k == event.RTO || k == event.TimerPersist || k == event.TimerTLP || k == event.TimerReorder) {
			m.fired, m.timer = m.fired+1, e.Timer
		}
	case event.KindApp:
		m.calls(&e.App)
	}
}

func (m *moment) calls(a *event.App) {
	n := int64(max(a.Bytes, 0))
	switch a.Call {
	case event.Write:
		m.wrote += n
	case event.Receive:
		m.read += n
	case event.Shutdown, event.Close:
		m.closes = true
	}
}

// leaves takes a segment that the end has sent: data of its own, and its acknowledgment of the other's.
func (m *moment) leaves(s *event.Segment, d *event.Derived) {
	switch {
	case s.Flags.Has(event.RST) || !d.HasRelSeq:
		return
	case d.Why == event.WindowProbe:
		m.probes++
	case d.Repeat && s.Len > 0:
		m.again.add(d.RelSeq, d.RelEnd)
		m.why, m.whyHow = d.Why, d.WhyHow
	case s.Len > 0:
		m.sent.add(d.RelSeq, d.RelEnd)
	}
	m.fin = m.fin || s.Flags.Has(event.FIN)
	if !d.HasRelAck {
		return
	}
	m.toldAck, m.hasTold = d.RelAck, true
	_, m.toldWin = window(s, d)
	if m.told++; d.HasWindow {
		m.toldWin = strconv.FormatUint(uint64(d.Window), 10)
	}
}

// comes takes a segment that has arrived: an acknowledgment of the end's own octets, and data of the other.
func (m *moment) comes(s *event.Segment, d *event.Derived) {
	switch {
	case s.BadSum:
		m.damaged++
		return
	case s.Flags.Has(event.RST):
		return
	case s.Len == 0 || !d.HasRelSeq:
	case d.Stale:
		m.stale.add(d.RelSeq, d.RelEnd)
	default:
		m.got.add(d.RelSeq, d.RelEnd)
	}
	m.gotFIN = m.gotFIN || s.Flags.Has(event.FIN)
	if !d.HasRelAck {
		return
	}
	if d.DupAck > 0 {
		m.dups++
	}
	m.acks++
	m.ack, m.hasAck = max(d.RelAck, m.ack), true
	_, m.win = window(s, d)
	if d.HasWindow {
		m.win = strconv.FormatUint(uint64(d.Window), 10)
	}
}

// odd says whether something happened that is always worth a picture, of the octets that sender sends.
func (m *moment) odd(sender event.Host) bool {
	if sender == m.host {
		return m.again.n > 0 || m.lost.n > 0 || m.fired > 0 && m.probes == 0 || m.fin
	}
	return m.damaged > 0 || m.stale.n > 0 && m.stale.last-m.stale.first > 1
}

// words says what happened to the octets of s, "" if nothing did.
func (m *moment) words(p *page, s *analyze.Space, t *track) string {
	var parts []string
	if s.Sender == m.host {
		parts = m.senderWords(p, t)
	} else {
		parts = m.receiverWords(p, s, t)
	}
	return strings.Join(parts, ", ")
}

func (m *moment) senderWords(p *page, t *track) (parts []string) {
	say := func(is bool, words string) {
		if is {
			parts = append(parts, words)
		}
	}
	say(m.established, "established")
	say(m.hasAck && m.acks > m.dups, "gets "+acks(m.acks)+t.number(p, m.ack)+", window "+m.win)
	say(m.hasAck && m.acks == m.dups && m.dups > 0, "gets "+counted(m.dups, "duplicate ACK")+" of "+t.number(p, m.ack))
	say(m.fired > 0, guess(p, m.timer.How)+m.timer.Kind.String()+" timer expires")
	say(m.wrote > 0, "application writes "+strconv.FormatInt(m.wrote, 10))
	say(m.again.n > 0, "repeats "+t.burst(p, m.again)+becauseOf(p, m.why, m.whyHow))
	say(m.probes > 0, "probes the window")
	say(m.sent.n > 0, "sends "+t.burst(p, m.sent))
	say(m.fin, "sends FIN")
	say(m.lost.n > 0, "the link loses "+t.burst(p, m.lost))
	return parts
}

func (m *moment) receiverWords(p *page, s *analyze.Space, t *track) (parts []string) {
	say := func(is bool, words string) {
		if is {
			parts = append(parts, words)
		}
	}
	say(m.got.n > 0, "gets "+t.burst(p, m.got))
	say(m.stale.n > 0, "gets "+t.burst(p, m.stale)+" again")
	say(m.damaged > 0, "gets "+counted(m.damaged, "damaged segment"))
	say(m.gotFIN, "gets FIN")
	say(m.read > 0, "application reads "+strconv.FormatInt(m.read, 10))
	say(m.told > 0 && len(parts) > 0, "sends "+acks(m.told)+t.number(p, m.toldAck)+", window "+m.toldWin)
	say(m.told > 0 && len(parts) == 0 && m.toldAck > t.told, "sends ACK "+t.number(p, m.toldAck)+", window "+m.toldWin)
	say(m.told > 0 && len(parts) == 0 && m.toldAck <= t.told, "sends ACK "+t.number(p, m.toldAck)+" again, window "+m.toldWin)
	say(s.Shrunk > t.shrunk, "has taken back "+strconv.FormatInt(s.Shrunk, 10)+" octets of its window (RFC 9293 3.8.6: it should not)")
	return parts
}

// acks counts acknowledgments, of which the last is named behind it.
func acks(n int) string {
	if n == 1 {
		return "ACK "
	}
	return strconv.Itoa(n) + " ACKs, the last "
}

// becauseOf is the cause of a repetition.
func becauseOf(p *page, why event.Reason, how event.How) string {
	if why == event.Retransmit || why == 0 {
		return ""
	}
	return " (" + guess(p, how) + why.String() + ")"
}

// burst is a run of octets, and how many segments it was; "within" where some octets of the run were not among them.
func (t *track) burst(p *page, b burst) string {
	text := t.number(p, b.first) + ":" + t.number(p, b.last)
	switch {
	case b.sum < b.last-b.first:
		return counted(b.n, "segment") + " within " + text
	case b.n > 1:
		return text + " in " + counted(b.n, "segment")
	}
	return text
}

// idle says whether nothing happened but that the application read, of which the peer learns only with the next window.
func (m *moment) idle() bool {
	return m.told == 0 && m.got.n+m.stale.n+m.damaged == 0 && !m.gotFIN
}

// number writes a sequence number of the sender.
func (t *track) number(p *page, rel int64) string {
	if p.opts.Absolute {
		return strconv.FormatUint(uint64(uint32(rel)+t.iss), 10)
	}
	return strconv.FormatInt(rel, 10)
}
