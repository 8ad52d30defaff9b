package analyze

import (
	"strconv"

	"gnet/stackprobe/event"
)

// Topic says what a difference is about.
type Topic uint8

// The topics, in the order in which they are listed.
const (
	OfferedWindow Topic = iota
	OfferedMSS
	OfferedScale
	OfferedOptions
	FirstFlight
	SegmentSize
	Push
	FirstWindow
	FirstTimeout
	Acknowledging
	Repeating
	Duplicates
	Finishing
	Resetting
	FinalState
	Outcome
)

// String returns the word of the schema.
func (t Topic) String() string {
	names := [...]string{"offered-window", "offered-mss", "offered-scale", "offered-options", "first-flight", "segment-size", "push", "first-window",
		"first-timeout", "acknowledging", "repeating", "dsack", "fin", "reset", "final-state", "outcome"}
	if int(t) < len(names) {
		return names[t]
	}
	return ""
}

// Difference is one decision that two ends in the same role made differently.
type Difference struct {
	Topic Topic
	Conn  int // 0 for the run as a whole
	A, B  Side
	// More counts further differences of the kind, which are not listed.
	More int
	// Why is one sentence on the reason, "" where it is not known.
	Why string
}

// Side is what one of the two did: the event that shows it, its time in nanoseconds, and what it was in words. N is 0 where
// it did nothing.
type Side struct {
	N    int
	T    int64
	Text string
}

// least is the smallest difference of two times that is told, in nanoseconds, whatever the clocks.
const least = 5_000_000

// Compare lists the decisions in which a and b, the same role in two runs, differ. It aligns by meaning and not by time: the SYN
// with the SYN, the first flight with the first flight, the second retransmission of data with the second. Two times differ
// only if that is more than both clocks' error.
func Compare(a, b *Conduct) []Difference {
	c := comparison{a: a, b: b, error: least}
	for _, r := range [...]*event.Run{a.Run, b.Run} {
		if r != nil {
			c.error = max(c.error, 2*r.ClockErrorMax)
		}
	}
	for conn := 1; conn < max(len(a.conns), len(b.conns)); conn++ {
		c.conn = conn
		x, y := a.on(conn), b.on(conn)
		if x == nil || y == nil {
			continue // the outcome tells
		}
		c.offers(x, y)
		c.sending(x, y)
		c.answers(x, y)
		c.repeats(x, y)
		c.endings(x, y)
	}
	c.conn = 0
	if one, two := outcome(a.End), outcome(b.End); one != two {
		c.add(Outcome, Side{a.EndN, a.EndT, one}, Side{b.EndN, b.EndT, two})
	}
	return c.list
}

// on returns the conduct on a connection, nil if there was none.
func (c *Conduct) on(conn int) *conduct {
	if conn < len(c.conns) {
		return c.conns[conn]
	}
	return nil
}

func outcome(e *event.End) string {
	switch {
	case e == nil:
		return "the run has no end"
	case e.OK:
		return "every byte arrived"
	}
	return "failed: " + e.Reason
}

// comparison gathers differences.
type comparison struct {
	a, b  *Conduct
	conn  int
	error int64
	list  []Difference
}

func (c *comparison) add(t Topic, a, b Side) {
	c.list = append(c.list, Difference{Topic: t, Conn: c.conn, A: a, B: b, Why: c.reason(t)})
}

// side is a decision in words.
func side(d *decision, text string) Side {
	if d.n == 0 {
		return Side{Text: "none"}
	}
	return Side{d.n, d.t, text}
}

// differ adds a difference between two decisions if their words are not the same.
func (c *comparison) differ(t Topic, a, b *decision, words func(*decision) string) {
	one, two := side(a, words(a)), side(b, words(b))
	if one.Text != two.Text {
		c.add(t, one, two)
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// offers compares the two SYNs.
func (c *comparison) offers(x, y *conduct) {
	c.differ(OfferedWindow, &x.syn, &y.syn, func(d *decision) string { return "window " + number(int64(d.seg.Win)) })
	c.differ(OfferedMSS, &x.syn, &y.syn, func(d *decision) string {
		if d.seg.Opts.Has&event.OptMSS == 0 {
			return "no mss"
		}
		return "mss " + number(int64(d.seg.Opts.MSS))
	})
	c.differ(OfferedScale, &x.syn, &y.syn, func(d *decision) string {
		if d.seg.Opts.Has&event.OptWScale == 0 {
			return "no window scale"
		}
		return "window scale " + number(int64(d.seg.Opts.WScale))
	})
	c.differ(OfferedOptions, &x.syn, &y.syn, func(d *decision) string {
		text := "neither SACK nor timestamps"
		switch d.seg.Opts.Has & (event.OptSackPermitted | event.OptTimestamps) {
		case event.OptSackPermitted | event.OptTimestamps:
			text = "SACK and timestamps"
		case event.OptSackPermitted:
			text = "SACK"
		case event.OptTimestamps:
			text = "timestamps"
		}
		return text
	})
}

// sending compares how data leave.
func (c *comparison) sending(x, y *conduct) {
	if x.flight < len(x.data) && y.flight < len(y.data) && x.flight != y.flight && x.flight > 0 && y.flight > 0 {
		text := func(k *conduct) Side {
			d := &k.data[k.flight-1]
			return Side{d.n, d.t, number(int64(k.flight)) + " segments before the first acknowledgment"}
		}
		c.add(FirstFlight, text(x), text(y))
	}
	for i := range min(len(x.data), len(y.data)) {
		a, b := &x.data[i], &y.data[i]
		if a.value != b.value {
			break // from here on they stand elsewhere
		}
		if a.seg.Len != b.seg.Len {
			c.differ(SegmentSize, a, b, func(d *decision) string {
				return "octets " + number(d.value) + ":" + number(d.value+int64(d.seg.Len)) + ", " + number(int64(d.seg.Len)) + " of them"
			})
			break
		}
	}
	c.pushes(x, y)
	c.differ(FirstWindow, &x.window, &y.window, func(d *decision) string { return "window " + number(d.value) })
	if a, b := &x.rto, &y.rto; a.n != 0 && b.n != 0 && c.apart(a.value, b.value) {
		c.differ(FirstTimeout, a, b, func(d *decision) string { return "timeout " + milliseconds(d.value) })
	}
}

// pushes compares PSH, segment by segment, up to the last of the shorter list: that one ends what was written.
func (c *comparison) pushes(x, y *conduct) {
	at, more := -1, 0
	for i := range min(len(x.data), len(y.data)) - 1 {
		if (x.data[i].seg.Flags^y.data[i].seg.Flags)&event.PSH == 0 {
			continue
		}
		if at < 0 {
			at = i
		} else {
			more++
		}
	}
	if at < 0 {
		return
	}
	c.differ(Push, &x.data[at], &y.data[at], func(d *decision) string {
		text := "segment " + number(int64(at+1)) + " of data without PSH"
		if d.seg.Flags.Has(event.PSH) {
			text = "segment " + number(int64(at+1)) + " of data with PSH"
		}
		return text
	})
	c.list[len(c.list)-1].More = more
}

// apart reports whether two times differ by more than the clocks' error.
func (c *comparison) apart(a, b int64) bool { return max(a, b)-min(a, b) > c.error }

// milliseconds writes a time with the digits that are worth reading.
func milliseconds(ns int64) string { return strconv.FormatFloat(float64(ns)/1e6, 'f', 0, 64) + " ms" }

// answers compares how arrivals of data are acknowledged: each at once, or some by the acknowledgment of a later one. How
// many wait on a kernel is a matter of the moment, so only that any do is a difference.
func (c *comparison) answers(x, y *conduct) {
	text := func(k *conduct) (Side, bool) {
		n, first := k.waiting()
		switch {
		case len(k.came) == 0:
			return Side{Text: "none"}, false
		case n == 0:
			return Side{k.came[0].n, k.came[0].t, "acknowledges every arrival of data"}, false
		}
		return Side{first.n, first.t, "leaves " + number(int64(n)) + " of " + number(int64(len(k.came))) + " arrivals of data to a later acknowledgment"}, true
	}
	a, waits := text(x)
	b, too := text(y)
	if waits != too && a.N != 0 && b.N != 0 {
		c.add(Acknowledging, a, b)
	}
	c.differ(Duplicates, &x.dsack, &y.dsack, func(*decision) string { return "a duplicate SACK" })
}

// kind is what a repetition repeats.
func (d *decision) kind() string {
	switch f := d.seg.Flags; {
	case f.Has(event.SYN | event.ACK):
		return "SYN,ACK"
	case f.Has(event.SYN):
		return "SYN"
	case d.why == event.WindowProbe:
		return "probe of the window"
	case d.why == event.Keepalive:
		return "keepalive probe"
	case f.Has(event.FIN):
		return "FIN"
	}
	return "data"
}

// repeats compares what was sent again, the first of a kind with the first of that kind. Of each kind one difference is
// told.
func (c *comparison) repeats(x, y *conduct) {
	for _, kind := range [...]string{"SYN", "SYN,ACK", "data", "FIN", "probe of the window", "keepalive probe"} {
		a, b := of(x.again, kind), of(y.again, kind)
		var found *Difference
		for i := range max(len(a), len(b)) {
			one, two := c.repeat(a, b, i, kind), c.repeat(b, a, i, kind)
			switch {
			case one.Text == two.Text:
			case found != nil:
				found.More++
			default:
				c.add(Repeating, one, two)
				found = &c.list[len(c.list)-1]
				found.Why = c.repeatReason(a, b, i)
			}
		}
	}
}

// of returns the decisions of a kind.
func of(list []decision, kind string) (some []*decision) {
	for i := range list {
		if list[i].kind() == kind {
			some = append(some, &list[i])
		}
	}
	return some
}

// repeat words the i-th repetition, with its time since the transmission before only if that is not the other's.
func (c *comparison) repeat(own, other []*decision, i int, kind string) Side {
	if i >= len(own) {
		return Side{Text: kind + " " + number(int64(i+1)) + ": not repeated"}
	}
	d := own[i]
	text := kind + " " + number(int64(i+1)) + ": repeated"
	if why := d.why.String(); d.why != event.Retransmit && why != "" {
		text += ", " + why
	}
	if i >= len(other) || c.apart(d.value, other[i].value) {
		text += ", after " + milliseconds(d.value)
	}
	return Side{d.n, d.t, text}
}

// endings compares how the connection ends.
func (c *comparison) endings(x, y *conduct) {
	c.differ(Finishing, &x.fin, &y.fin, func(d *decision) string {
		if d.seg.Len > 0 {
			return "its FIN with data"
		}
		return "its FIN alone"
	})
	c.differ(Resetting, &x.rst, &y.rst, func(*decision) string { return "a RST" })
	if x.state != y.state && x.rst.n == 0 && y.rst.n == 0 {
		c.add(FinalState, Side{c.a.EndN, c.a.EndT, x.state.String()}, Side{c.b.EndN, c.b.EndT, y.state.String()})
	}
}
