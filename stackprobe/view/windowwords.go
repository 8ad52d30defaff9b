package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// windowLegend explains the strips.
func (p *page) windowLegend() {
	g := p.strip()
	one := func(r rune, text string) string {
		if r == ' ' {
			return "blank " + text
		}
		return string(r) + " " + text
	}
	p.items("sender   ", []string{one(g.old, "acknowledged"), one(g.sent, "sent, not acknowledged"), one(g.sacked, "the same, reported by SACK"),
		one(g.may, "may be sent"), one(g.closed, "the receiver has room, cwnd has none"), one(g.beyond, "may not be sent")}, faint)
	p.items("receiver ", []string{one(g.old, "read by the application"), one(g.unread, "waits for it"), one(g.hole, "a hole"), one(g.sacked, "came early, behind a hole"),
		one(g.may, "room in the window"), one(g.beyond, "no room")}, faint)
	p.items("edges    ", []string{"w right edge of the receiver's window, as that end knows it", "c end of the congestion window", "b both",
		one(g.more, "an edge lies beyond")}, faint)
}

// items writes parts as a paragraph that is broken between them only, where they are not longer than a row.
func (p *page) items(head string, parts []string, st style) {
	line := ""
	for i, part := range parts {
		if i < len(parts)-1 {
			part += ","
		}
		if line != "" && columns(head)+columns(line)+1+columns(part) > p.opts.Width {
			p.text(head, line, st)
			head, line = strings.Repeat(" ", columns(head)), ""
		}
		line = words(line, part)
	}
	p.text(head, line, st)
}

// senderNumbers are the sender's variables.
func (p *page) senderNumbers(s *analyze.Space, t *track) []string {
	list := numberList{p: p, s: s}
	list.add(analyze.SpaceUna, "SND.UNA ", t.number(p, s.Una))
	list.add(analyze.SpaceNxt, "SND.NXT ", t.number(p, s.Nxt))
	list.add(analyze.SpaceEdge, "SND.WND ", strconv.FormatInt(s.Wnd(), 10)+" to "+t.number(p, s.Edge))
	list.add(analyze.SpaceCwnd, "cwnd ", strconv.FormatInt(s.Cwnd, 10)+" ("+strconv.FormatInt(s.CwndSegments, 10)+")")
	if s.Ssthresh != event.InfiniteSsthresh {
		list.add(analyze.SpaceSsthresh, "ssthresh ", strconv.FormatInt(s.Ssthresh, 10))
	}
	list.add(analyze.SpaceUna, "flight ", strconv.FormatInt(s.Flight, 10))
	list.add(analyze.SpaceQueued, "queued ", strconv.FormatInt(s.Queued, 10))
	if len(s.Sacked) > 0 {
		list.add(analyze.SpaceSacked, "SACK ", t.ranges(p, s.Sacked))
	}
	if s.EdgeShrunk > t.learnt {
		list.add(analyze.SpaceEdge, "taken back ", strconv.FormatInt(s.EdgeShrunk, 10))
	}
	return list.parts
}

// receiverNumbers are the receiver's variables.
func (p *page) receiverNumbers(s *analyze.Space, t *track) []string {
	list := numberList{p: p, s: s}
	list.add(analyze.SpaceRcvNxt, "RCV.NXT ", t.number(p, s.RcvNxt))
	list.add(analyze.SpaceRcvEdge, "RCV.WND ", strconv.FormatInt(max(s.RcvEdge-s.RcvNxt, 0), 10)+" to "+t.number(p, s.RcvEdge))
	list.add(analyze.SpaceUnread, "unread ", strconv.FormatInt(s.Unread, 10))
	if len(s.Held) > 0 {
		list.add(analyze.SpaceHeld, "holds ", t.ranges(p, s.Held))
	}
	return list.parts
}

// numberList collects what is known of a Space.
type numberList struct {
	p     *page
	s     *analyze.Space
	parts []string
}

// add adds a number, if it is known; "~" before one that the stack has not told.
func (l *numberList) add(bit analyze.SpaceSet, name, value string) {
	if l.s.Has&bit == 0 {
		return
	}
	how := event.Read
	if l.s.Computed&bit != 0 {
		how = event.Computed
	}
	l.parts = append(l.parts, name+guess(l.p, how)+value)
}

// maxRangesShown bounds the pieces that are listed.
const maxRangesShown = 8

func (t *track) ranges(p *page, list []event.Range) string {
	var parts []string
	for _, r := range list[:min(len(list), maxRangesShown)] {
		parts = append(parts, t.number(p, r.First)+":"+t.number(p, r.Last))
	}
	if more := len(list) - maxRangesShown; more > 0 {
		parts = append(parts, "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(parts, " ")
}

// limitWords says what keeps the sender from sending more, and why.
func (p *page) limitWords(s *analyze.Space) string {
	if s.State == event.Closed || s.State == event.ClosedReset {
		return "none, the connection is over"
	}
	if s.Limit == analyze.NoLimit {
		return "none that is known"
	}
	text := guess(p, s.LimitHow) + s.Limit.String()
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	switch s.Limit {
	case analyze.InApplication:
		if s.Flight > 0 {
			return text + ": all that it has written is sent"
		}
		return text + ": it has nothing to send"
	case analyze.InReceiverWindow:
		next := s.Queued
		if s.MSS > 0 {
			next = min(next, s.MSS)
		}
		return text + ": room for " + n(s.Usable()) + ", the next segment has " + n(next)
	case analyze.InZeroWindow:
		return text + ": it is closed; a probe asks from time to time"
	case analyze.InCongestionWindow:
		return text + ": " + n(s.InFlight) + " of " + n(s.CwndSegments) + " segments are in flight"
	case analyze.InNagle:
		return text + ": less than a segment waits for the acknowledgment of what is in flight"
	case analyze.InRecovery:
		return text + ": what was lost is repeated first"
	case analyze.InDetection:
		return text + ": octets are lost and not repeated; the sender waits for a timer or for duplicate ACKs"
	case analyze.InFIN:
		return text + ": nothing may follow it"
	case analyze.InHandshake:
		return text + ": data wait until the connection stands"
	}
	return text
}

// shares says how long each limit lasted, longest first as the schema has them.
func (v *Window) shares(t *track) string {
	s := v.spaces.Space(t.conn, t.sender)
	who := v.page.tag(t.conn) + t.sender.String()
	var parts []string
	for _, l := range analyze.Limits() {
		if ns := s.Spent(l, v.sum.T); ns >= 1000 && l != analyze.NoLimit {
			parts = append(parts, l.String()+" "+duration(ns))
		}
	}
	if len(parts) == 0 {
		return who + ": none"
	}
	return who + ": " + strings.Join(parts, ", ")
}
