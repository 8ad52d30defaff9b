package view

import "gnet/stackprobe/event"

// markKind says what a mark of a sequence plot stands for. The marks are those of tcptrace's time-sequence graphs, and some that
// only an observer at both ends can draw.
type markKind uint8

// The markKinds, in the order in which they are drawn: what is behind comes first.
const (
	markArrival  markKind = iota // octets arrived at the receiver, in order
	markEdge                     // acknowledgment + window: the right edge, a stair
	markAck                      // what is acknowledged, a stair
	markSame                     // a segment that acknowledges nothing new
	markSameEdge                 // ... and leaves the right edge where it was
	markData                     // octets left for the first time
	markEmpty                    // a segment without sequence numbers left
	markAgain                    // sequence numbers left again
	markProbe                    // a window probe or a keepalive left
	markCrafted                  // octets that the sender itself knows nothing of left, or arrived
	markSyn
	markFin
	markRstOut
	markRstIn
	markSack    // a SACK block arrived
	markZero    // the receiver closed its window
	markLate    // octets arrived behind later ones: out of order
	markCopy    // a second copy that the link had made arrived
	markBroken  // a segment arrived damaged, and its receiver does not look into it
	markICMP    // a message about a segment arrived
	markLost    // the link took a segment
	markAckLost // the link took an acknowledgment of these octets
	markKinds
)

// maxMarks bounds the marks of one kind and one direction, fewMarks those of a connection that is not among the first. Beyond, marks
// that stand beside each other are taken as one run.
const (
	maxMarks = 4096
	fewMarks = 256
)

// plotMark is one mark, or a run of marks that were folded.
type plotMark struct {
	t, last int64 // when; of a run, the first and the last of them
	// lo and hi are the numbers that it spans, end the number at which the last of a stair stands.
	lo, hi, end int64
	n, seg      int // event and segment of the first
	count       int // of a run, how many they are
	// what a label and a tooltip need
	from     int64 // when a segment that arrived had left, -1 if that was not seen
	flags    event.Flags
	why      event.Reason
	how      event.How
	cause    event.Cause
	order    int // the number of a duplicate acknowledgment, of a SACK block or of a transmission
	spurious bool
	rule     string
}

// plotMarks are those of one kind in order of time.
type plotMarks struct {
	list []plotMark
	// grain is the length of time in nanoseconds within which marks are one; 0 is none.
	grain  int64
	folded int // how many marks are no longer on their own
	room   int // how many there may be
}

// add appends k. It gives the mark that holds it.
func (m *plotMarks) add(k plotMark) {
	k.count = 1
	if len(m.list) == m.room {
		m.fold()
	}
	if n := len(m.list); m.grain > 0 && n > 0 && m.list[n-1].t/m.grain == k.t/m.grain {
		m.join(&m.list[n-1], &k)
		return
	}
	m.list = append(m.list, k)
}

// fold takes neighbours together until half of the room is free.
func (m *plotMarks) fold() {
	m.grain = max(m.grain, (m.list[len(m.list)-1].t-m.list[0].t)/int64(m.room), 1)
	for len(m.list) > m.room/2 && m.grain < 1<<62 {
		m.grain *= 2
		kept := 0
		for i := 1; i < len(m.list); i++ {
			if k := &m.list[i]; k.t/m.grain == m.list[kept].t/m.grain {
				m.join(&m.list[kept], k)
				continue
			}
			kept++
			m.list[kept] = m.list[i]
		}
		m.list = m.list[:kept+1]
	}
}

// join takes k into the run a.
func (m *plotMarks) join(a, k *plotMark) {
	if a.count == 1 {
		m.folded++
	}
	if k.count == 1 {
		m.folded++
	}
	a.t, a.last = min(a.t, k.t), max(a.last, k.last)
	a.lo, a.hi, a.end = min(a.lo, k.lo), max(a.hi, k.hi), k.end
	a.count += k.count
	if k.order > a.order && a.order < 3 { // the third duplicate is worth a sign of its own
		a.order = k.order
	}
}

// step appends a value of a stair, unless it is the one that stands.
func (m *plotMarks) step(k plotMark) {
	if n := len(m.list); n > 0 && m.list[n-1].end == k.hi {
		return
	}
	k.lo, k.end, k.last = k.hi, k.hi, k.t
	m.add(k)
}
