package analyze

import "gnet/stackprobe/event"

// maxDecisions bounds what is kept of each kind of decision of a connection.
const maxDecisions = 4096

// Conduct is what one end has decided in a run: what it offered, how it cut its data into segments, when it
// acknowledged and what it repeated. Memory grows with the run up to maxDecisions of each kind and connection; Cut counts
// what was not kept.
type Conduct struct {
	Host event.Host
	// Run is the run's own description, nil before its first event, End its outcome, nil before its last.
	Run *event.Run
	End *event.End
	// EndN and EndT are the number and time of the last event.
	EndN  int
	EndT  int64
	Cut   int
	conns []*conduct // by their number, from 1; nil for one that was not seen
}

// Stack returns the end's stack.
func (c *Conduct) Stack() *event.Stack {
	switch {
	case c.Run == nil:
		return &event.Stack{}
	case c.Host == event.Server:
		return &c.Run.Server
	}
	return &c.Run.Client
}

// conduct is that on one connection.
type conduct struct {
	syn    decision // its SYN or SYN,ACK
	window decision // its second segment without SYN, when the handshake is over; value is the window
	plain  int      // segments without SYN and RST
	data   []decision
	flight int      // how many of data had left before anything of them was acknowledged
	rto    decision // the first segment of data, value is the timeout in nanoseconds
	acks   map[int64]bool
	came   []arrival
	next   int64 // behind what came in order
	last   map[int64]int64
	before int64 // the time of the segment before
	again  []decision
	dsack  decision
	fin    decision
	rst    decision
	acked  bool // something of its data was acknowledged
	state  event.State
}

// decision is one segment that the end sent. n is 0 where there was none.
type decision struct {
	n     int
	t     int64
	value int64
	seg   event.Segment
	why   event.Reason
	how   event.How
}

// arrival is data that came in order.
type arrival struct {
	n        int
	t        int64
	end      int64
	answered bool
}

// Add takes the next event of the run, with what Tracker.Add has derived for it.
func (c *Conduct) Add(e *event.Event) {
	switch e.Kind {
	case event.KindRun:
		c.Run = e.Run
	case event.KindEnd:
		c.End, c.EndN, c.EndT = e.End, e.N, e.T
	}
	if e.Host != c.Host || e.Conn < 1 || e.Conn > maxDecisions {
		return
	}
	for len(c.conns) <= e.Conn {
		c.conns = append(c.conns, nil)
	}
	k := c.conns[e.Conn]
	if k == nil {
		k = &conduct{acks: map[int64]bool{}, last: map[int64]int64{}, next: 1}
		c.conns[e.Conn] = k
	}
	switch e.Kind {
	case event.KindTx:
		if e.Seg.Origin == event.FromStack {
			c.Cut += k.send(e)
		}
	case event.KindRx:
		c.Cut += k.receive(e)
	case event.KindState:
		k.state = e.State
	}
}

// send notes a transmission, and returns how many decisions had no room.
func (k *conduct) send(e *event.Event) (cut int) {
	s, d := &e.Seg, &e.Derived
	now := decision{n: e.N, t: e.T, seg: *s, why: d.Why, how: d.WhyHow}
	now.seg.Wire = ""
	first := func(to *decision, so bool) {
		if to.n == 0 && so {
			*to = now
		}
	}
	first(&k.syn, s.Flags.Has(event.SYN))
	first(&k.rst, s.Flags.Has(event.RST))
	first(&k.fin, s.Flags.Has(event.FIN))
	first(&k.dsack, d.HasRelAck && s.Opts.NSack > 0 && d.RelSack[0].Last <= d.RelAck)
	if s.Flags&(event.SYN|event.RST) == 0 && d.HasWindow {
		k.plain++
		now.value = int64(d.Window)
		first(&k.window, k.plain == 2)
	}
	if now.value = e.Vars.RTO; e.Vars.Has&event.HasRTO != 0 {
		first(&k.rto, s.Len > 0)
	}
	if d.HasRelAck && !s.Flags.Has(event.RST) {
		cut += k.acknowledge(d.RelAck)
	}
	switch {
	case d.Repeat || d.Why == event.WindowProbe || d.Why == event.Keepalive || d.Why == event.TailProbe:
		from, known := k.last[d.RelSeq]
		if !known {
			from = k.before
		}
		now.value = e.T - from
		cut += keep(&k.again, now)
	case s.Len > 0:
		now.value = d.RelSeq
		if cut += keep(&k.data, now); !k.acked {
			k.flight++
		}
	}
	if s.Space() > 0 && len(k.last) < maxDecisions {
		k.last[d.RelSeq] = e.T
	}
	k.before = e.T
	return cut
}

// keep appends d if there is room, and returns 1 if there is none.
func keep(list *[]decision, d decision) (cut int) {
	if len(*list) == maxDecisions {
		return 1
	}
	*list = append(*list, d)
	return 0
}

// acknowledge notes that an acknowledgment has left. It answers an arrival whose end it names, wherever others came between,
// because a kernel on a busy machine is late, and the last arrival in any case.
func (k *conduct) acknowledge(ack int64) (cut int) {
	if n := len(k.came); n > 0 && ack >= k.came[n-1].end {
		k.came[n-1].answered = true
	}
	if len(k.acks) == maxDecisions {
		return 1
	}
	k.acks[ack] = true
	return 0
}

// receive notes an arrival.
func (k *conduct) receive(e *event.Event) (cut int) {
	s, d := &e.Seg, &e.Derived
	if s.BadSum || s.Flags.Has(event.RST) {
		return 0
	}
	if d.NewlyAcked > 0 && d.RelAck > 1 {
		k.acked = true
	}
	if s.Len == 0 || !d.HasRelSeq || d.RelSeq > k.next || d.RelEnd <= k.next {
		return 0
	}
	k.next = d.RelEnd
	if len(k.came) == maxDecisions {
		return 1
	}
	k.came = append(k.came, arrival{n: e.N, t: e.T, end: d.RelEnd})
	return 0
}

// waiting are the arrivals that no acknowledgment of their own answered: how many, and the first. The last of all does not
// count: the end of the connection answers it.
func (k *conduct) waiting() (count int, first arrival) {
	for i := range k.came {
		if a := k.came[i]; !a.answered && !k.acks[a.end] && i < len(k.came)-1 {
			if count++; count == 1 {
				first = a
			}
		}
	}
	return count, first
}
