package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// summary writes the end: what came of the run and the sums of both ends, as the events give them.
func (p *page) summary(s *analyze.Summary) {
	p.emit(p.row())
	verdict, st := p.verdict(s)
	p.text("result  ", verdict, st)
	p.text("client  ", p.totals(s, event.Client), plain)
	p.text("server  ", p.totals(s, event.Server), plain)
	if s.InFlight > 0 {
		p.text("link    ", counted(s.InFlight, "segment")+" still on the way", again)
	}
	p.leftOut()
	p.legend()
	if d := s.Difference(); d != "" {
		p.text("warning ", "the run counts other "+d+" than its events show", bad)
	}
}

// verdict says what came of the run, and in which style.
func (p *page) verdict(s *analyze.Summary) (verdict string, st style) {
	verdict, st = "no account of its end: the run broke off", bad
	switch {
	case s.End == nil && p.captured:
		verdict, st = "end of the capture", strong
	case s.End == nil:
	case s.End.OK && (s.End.Client.Program || s.End.Server.Program):
		verdict, st = "over", strong
	case s.End.OK:
		verdict, st = "every byte arrived unchanged, both ends closed", strong
		if s.Client.Scripted || s.Server.Scripted {
			verdict = "over; what a script sends is compared with nothing"
		}
	default:
		verdict = "failed"
		if s.End.Reason != "" {
			verdict += ": " + p.clean(s.End.Reason)
		}
	}
	return verdict + ", in " + seconds(s.T, 20, 6) + " s", st
}

// legend explains the signs that were used.
func (p *page) legend() {
	var parts []string
	for i, m := range meanings {
		if p.used&(1<<i) == 0 {
			continue
		}
		switch signs(1 << i) {
		case signQueued:
			m = string(p.glyphs.stuck) + " " + m
		case signFolded:
			m = p.glyphs.ellipsis + " " + m
		}
		parts = append(parts, m)
	}
	if len(parts) > 0 {
		p.text("signs   ", strings.Join(parts, "; "), faint)
	}
}

// totals are the sums of one end in words.
func (p *page) totals(s *analyze.Summary, h event.Host) string {
	t := s.Of(h)
	parts := []string{counted(t.Segments, "segment") + " sent"}
	if t.Lost > 0 {
		parts = append(parts, strconv.Itoa(t.Lost)+" lost")
	}
	if t.Repeats > 0 {
		parts = append(parts, strconv.Itoa(t.Repeats)+" retransmitted"+reasons(t))
	}
	if t.Spurious > 0 {
		parts = append(parts, strconv.Itoa(t.Spurious)+" needlessly")
	}
	if t.Copies > 0 {
		parts = append(parts, strconv.Itoa(t.Copies)+" copied by the link")
	}
	if p.captured { // what the applications did no packet tells
		parts = append(parts, strconv.FormatInt(t.Payload, 10)+" bytes in them")
	} else {
		parts = append(parts, delivered(s, h))
	}
	if t.State != event.StateUnknown {
		parts = append(parts, "ends in "+t.State.String())
	}
	return strings.Join(parts, ", ")
}

// delivered compares what an end's application wrote with what the other's got.
func delivered(s *analyze.Summary, h event.Host) string {
	switch {
	case s.Of(h).Scripted:
		return strconv.FormatInt(s.Of(h).Payload, 10) + " bytes by its script"
	case s.Of(h.Peer()).Scripted:
		return strconv.FormatInt(s.Of(h).Written, 10) + " bytes written"
	}
	wrote, got := s.Of(h).Written, s.Of(h.Peer()).Received
	if e := s.End; e != nil && e.Client.Program != e.Server.Program {
		// What a program writes and reads nobody sees.
		if own := e.Client.Program && h == event.Client || e.Server.Program && h == event.Server; own {
			return strconv.FormatInt(got, 10) + " bytes received from it"
		}
		return strconv.FormatInt(wrote, 10) + " bytes written"
	}
	if wrote == got {
		return strconv.FormatInt(wrote, 10) + " bytes delivered"
	}
	return strconv.FormatInt(got, 10) + " of " + strconv.FormatInt(wrote, 10) + " bytes delivered"
}

// reasons lists why an end retransmitted, in the order of the schema.
func reasons(t *analyze.Totals) string {
	var parts []string
	for why, n := range t.Why {
		if n == 0 {
			continue
		}
		name := event.Reason(why).String()
		if event.Reason(why) == event.Retransmit {
			name = "unknown cause"
		}
		parts = append(parts, strconv.Itoa(n)+" "+name)
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
