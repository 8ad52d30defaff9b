package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// maxEnds bounds the ends of connections of which a picture remembers what it showed last. Beyond, it forgets them all and may
// say something again.
const maxEnds = 1 << 12

// endOf names one end of one connection.
type endOf struct {
	host event.Host
	conn int
}

// endOfEvent is the end to which e belongs.
func endOfEvent(e *event.Event) endOf { return endOf{e.Host, e.Conn} }

// meet notes the connection of an event: from the second on each row says to which it belongs.
func (p *page) meet(conn int) {
	switch {
	case conn == 0 || p.many:
	case p.conn == 0:
		p.conn = conn
	case p.conn != conn:
		p.many = true
		p.used |= signConn
	}
}

// tag is what stands before the words of a row of conn, "" while the run has shown one connection alone.
func (p *page) tag(conn int) string {
	if !p.many || conn == 0 {
		return ""
	}
	return "#" + strconv.Itoa(conn) + " "
}

// standing is a state as it was shown.
type standing struct {
	state event.State
	how   event.How
}

// standings are the states that were shown last.
type standings struct {
	of        map[endOf]standing
	listening [3]bool // that an end listens, which is before any connection
}

// news reports whether the state of an end was not shown, and notes it as shown. That a segment meets a listening end is no news
// where that was said.
func (s *standings) news(at endOf, state event.State, how event.How) bool {
	if state == event.StateUnknown {
		return false
	}
	now := standing{state, how}
	old, was := s.of[at]
	if old == now || !was && state == event.Listening && s.listening[at.host%3] {
		return false
	}
	if s.of == nil || len(s.of) >= maxEnds {
		s.of = make(map[endOf]standing)
	}
	s.of[at] = now
	s.listening[at.host%3] = s.listening[at.host%3] || state == event.Listening
	return true
}
