package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// quickSYN is the time below which no SYN is repeated by a retransmission timer (RFC 6298 section 2.1 begins with 1 s): one that
// comes sooner is netstack's, which starts at 2 microseconds and doubles after it has answered an acknowledgment in SYN-SENT with a RST.
const quickSYN = int64(200e6)

// storms folds the SYNs that an engine repeats without waiting: the first is drawn, and the others, some dozen, are told in one
// sentence. The events have all of them.
type storms struct {
	of [3]storm // by event.Host
}

// storm is what one end repeats.
type storm struct {
	conn int
	// began and last are the times of the first hidden and the last SYN, quick counts those that came too soon, one of which was
	// drawn, and hidden those that were not.
	began, last   int64
	quick, hidden int
	ids           map[int]bool // the hidden ones that are on their way
}

// hides reports whether e belongs to a SYN that is not drawn.
func (s *storms) hides(e *event.Event) bool {
	switch e.Kind {
	case event.KindTx:
		return e.Host != event.None && e.Seg.Origin == event.FromStack && e.Seg.Flags&(event.SYN|event.ACK) == event.SYN && s.of[e.Host%3].repeats(e)
	case event.KindTimer:
		st := &s.of[e.Host%3]
		return e.Timer.Kind == event.TimerSyn && e.Conn == st.conn && st.quick > 0 && e.T-st.last < quickSYN
	case event.KindRx, event.KindLost, event.KindFault:
		from := e.Host
		if e.Kind == event.KindRx {
			from = from.Peer()
		}
		st := &s.of[from%3]
		hidden := st.ids[e.Seg.ID]
		if e.Kind != event.KindFault {
			delete(st.ids, e.Seg.ID)
		}
		return hidden
	}
	return false
}

// maxHidden bounds the segments of which it is known that they were not drawn; a damaged run could have any number.
const maxHidden = 1024

// repeats takes a SYN that leaves and reports whether it is not to be drawn.
func (st *storm) repeats(e *event.Event) bool {
	soon := e.Derived.Repeat && e.Conn == st.conn && e.T-st.last < quickSYN
	st.conn, st.last = e.Conn, e.T
	if !soon {
		st.quick = 0
		return false
	}
	if st.quick++; st.quick == 1 || len(st.ids) >= maxHidden {
		return false
	}
	if st.hidden == 0 {
		st.began, st.ids = e.T, make(map[int]bool)
	}
	st.ids[e.Seg.ID] = true
	st.hidden++
	return true
}

// ended returns what is to be told before e, which is drawn: "" if nothing was folded at its end.
func (s *storms) ended(e *event.Event) string {
	st := &s.of[e.Host%3]
	if st.hidden == 0 || e.Host == event.None {
		return ""
	}
	return st.told()
}

// rest yields what was folded last at each end and not told.
func (s *storms) rest(yield func(h event.Host, t int64, text string)) {
	for h := event.Client; h <= event.Server; h++ {
		if st := &s.of[h]; st.hidden > 0 {
			yield(h, st.last, st.told())
		}
	}
}

// told is the sentence about what was folded.
func (st *storm) told() string {
	text := "the SYN again " + strconv.Itoa(st.hidden) + " times within " + milliseconds((st.last-st.began)/1e6*1e6) +
		": netstack's way after a RST in SYN-SENT"
	st.hidden = 0
	return text
}
