package stackprobe

import (
	"time"

	"gnet/stackprobe/event"
)

// The bounds of what is asked of the kernel while packets come: maxAsked sockets each time, which costs some 10 µs each, and at
// most every askEvery; a connection that it does not know is asked for maxMisses times.
const (
	maxAsked   = 64
	askEvery   = 20 * time.Millisecond
	maxMisses  = 3
	maxSockets = 1 << 14
)

// sockets are the ends of connections whose segments were seen, of which the kernel may know some.
type sockets struct {
	list     map[side]*socket
	talked   []*socket // since they were asked for last
	asked    time.Time
	mtu      int
	toldLong bool
}

// socket is one end of a connection.
type socket struct {
	side
	tuple  event.Tuple
	misses int
	waits  bool // in talked
	state  event.State
	vars   event.Vars // those told last
}

// saw takes an event: a segment of a connection is a reason to ask for the sockets of both its ends.
func (s *sockets) saw(e *event.Event) {
	if e.Kind != event.KindTx {
		return
	}
	s.talks(side{e.Host, e.Conn}, event.Tuple{Local: e.Seg.Src, Remote: e.Seg.Dst})
	s.talks(side{e.Host.Peer(), e.Conn}, event.Tuple{Local: e.Seg.Dst, Remote: e.Seg.Src})
}

func (s *sockets) talks(at side, t event.Tuple) {
	k := s.list[at]
	if k == nil {
		if s.list == nil || len(s.list) >= maxSockets { // what is forgotten is asked for again
			s.list, s.talked = make(map[side]*socket), s.talked[:0]
		}
		k = &socket{side: at, tuple: t}
		s.list[at] = k
	}
	if !k.waits && k.misses < maxMisses && len(s.talked) < maxAsked {
		k.waits = true
		s.talked = append(s.talked, k)
	}
}

// sample asks the kernel for the sockets that have talked, and tells what is new.
func (c *Capture) sample() {
	s := &c.sockets
	if c.sampler == nil || len(s.talked) == 0 || time.Since(s.asked) < askEvery {
		return
	}
	s.asked = time.Now()
	for _, k := range s.talked {
		k.waits = false
		state, vars, known, err := c.sampler.Sample(k.tuple)
		if err != nil || !known {
			k.misses++
			continue
		}
		k.misses = 0
		if state == k.state && vars == k.vars {
			continue
		}
		k.state, k.vars = state, vars
		if !c.tap.Sampled(time.Now().UnixNano(), k.host, k.conn, state, &vars) {
			break
		}
	}
	s.talked = s.talked[:0]
}
