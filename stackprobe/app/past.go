package app

import "slices"

// past is what remains of the connections that an end has had with programs, of which there may be any number.
type past struct {
	ended, failed int
	first         error // of those that failed
	totals        Totals
}

// forget keeps the sums of the sessions that are over.
func (p *Peer) forget() {
	p.sessions = slices.DeleteFunc(p.sessions, func(s *Session) bool {
		if !s.done {
			return false
		}
		if p.past.ended == 0 {
			p.past.totals.Match = true
		}
		p.past.count(s)
		p.past.totals.add(s.Totals())
		if s.web != nil {
			s.web.close()
		}
		return true
	})
}

// count counts a session that is over.
func (p *past) count(s *Session) {
	if p.ended++; s.err == nil {
		return
	}
	if p.failed++; p.first == nil {
		p.first = s.err
	}
}

// Ended returns how many connections are over, how many of them ended in an error, and the first such error.
func (p *Peer) Ended() (ended, failed int, first error) {
	sum := p.past
	for _, s := range p.sessions {
		if s.done {
			sum.count(s)
		}
	}
	return sum.ended, sum.failed, sum.first
}
