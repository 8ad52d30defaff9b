package view

import (
	"slices"
	"strconv"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// spaceLog notes where the sequence space of a sender changes, as analyze.Spaces gives it.
type spaceLog struct {
	spaces analyze.Spaces
	last   map[endOf]int // the place in list, by the sender
	list   []spaceChange
}

// spaceChange is the sequence space of one sender from a row on.
type spaceChange struct {
	row   int
	end   endOf
	limit string
	// numbers are Una, Nxt, Edge, the edge of the congestion window, the end of what waits, RcvNxt, RcvEdge and Unread; one that is not
	// in known is unknown.
	numbers      [spaceNumbers]int64
	known        [spaceNumbers]bool
	sacked, held []event.Range
	// guess is 1 if the sender's part is computed from segments, 2 if the receiver's is.
	guess int
}

const spaceNumbers = 8

// add takes an event.
func (l *spaceLog) add(row int, e *event.Event, over *overflow) {
	l.spaces.Add(e)
	if !mayHaveSpace(e) {
		return
	}
	for _, host := range [...]event.Host{event.Client, event.Server} {
		s := l.spaces.Space(e.Conn, host)
		if s == nil || s.Has == 0 {
			continue
		}
		c := newSpaceChange(row, s)
		at, ok := l.last[c.end]
		switch {
		case ok && l.list[at].same(&c):
		case ok && l.list[at].row == row:
			c.keep()
			l.list[at] = c
		case len(l.list) >= maxReportFacts:
			over.samples++
		default:
			if l.last == nil {
				l.last = make(map[endOf]int)
			}
			c.keep()
			l.last[c.end] = len(l.list)
			l.list = append(l.list, c)
		}
	}
}

// mayHaveSpace reports whether e can change a sequence space.
func mayHaveSpace(e *event.Event) bool {
	return e.Conn > 0 && (e.Host == event.Client || e.Host == event.Server)
}

// newSpaceChange takes what is drawn of s; its slices are still those of s.
func newSpaceChange(row int, s *analyze.Space) spaceChange {
	c := spaceChange{row: row, end: endOf{s.Sender, s.Conn}}
	c.limit = s.Limit.String()
	if s.LimitHow == event.Computed || s.LimitHow == event.Inferred {
		c.limit = "~" + c.limit
	}
	c.numbers = [...]int64{s.Una, s.Nxt, s.Edge, s.CwndEdge(), s.Nxt + s.Queued, s.RcvNxt, s.RcvEdge, s.Unread}
	for i, bits := range [...]analyze.SpaceSet{analyze.SpaceUna, analyze.SpaceNxt, analyze.SpaceEdge, analyze.SpaceCwnd | analyze.SpaceUna,
		analyze.SpaceNxt | analyze.SpaceQueued, analyze.SpaceRcvNxt, analyze.SpaceRcvEdge, analyze.SpaceUnread} {
		c.known[i] = s.Has&bits == bits
	}
	c.sacked, c.held = s.Sacked, s.Held
	if s.Computed&(analyze.SpaceUna|analyze.SpaceNxt|analyze.SpaceEdge) != 0 {
		c.guess |= 1
	}
	if s.Computed&(analyze.SpaceRcvNxt|analyze.SpaceRcvEdge) != 0 {
		c.guess |= 2
	}
	return c
}

// same reports whether o shows nothing else.
func (c *spaceChange) same(o *spaceChange) bool {
	return c.limit == o.limit && c.guess == o.guess && c.numbers == o.numbers && c.known == o.known && slices.Equal(c.sacked, o.sacked) && slices.Equal(c.held, o.held)
}

// keep makes the slices c's own.
func (c *spaceChange) keep() { c.sacked, c.held = slices.Clone(c.sacked), slices.Clone(c.held) }

// What of a change is written: a bit for each of the numbers, and those.
const (
	spaceLimit = 1 << (spaceNumbers + iota)
	spaceSacked
	spaceHeld
	spaceGuess
)

// spaces writes the changes, each from the one before of that sender: twice the connection, and one more for the server, by how many
// rows it is later, which parts change, and those: numbers as differences (null for one that is no longer known), the limit by its place in the list that is
// returned, blocks as differences, the first to SND.UNA or RCV.NXT, and what is computed.
func (h *htmlWriter) spaces(list []spaceChange) (limits []string) {
	known := make(map[string]int)
	last := make(map[endOf]*spaceChange)
	for i := range list {
		c := &list[i]
		at, ok := known[c.limit]
		if !ok {
			at = len(limits)
			known[c.limit] = at
			limits = append(limits, c.limit)
		}
		before := last[c.end]
		if before == nil {
			before = &spaceChange{}
		}
		h.comma(i)
		h.space(c, before, at)
		last[c.end] = c
	}
	return limits
}

// space writes one change from o to c.
func (h *htmlWriter) space(c, o *spaceChange, limit int) {
	parts := 0
	for i := range c.numbers {
		if c.known[i] != o.known[i] || c.known[i] && c.numbers[i] != o.numbers[i] {
			parts |= 1 << i
		}
	}
	for bit, differs := range map[int]bool{spaceLimit: c.limit != o.limit, spaceSacked: !slices.Equal(c.sacked, o.sacked), spaceHeld: !slices.Equal(c.held, o.held),
		spaceGuess: c.guess != o.guess} {
		if differs {
			parts |= bit
		}
	}
	h.raw("\n[", strconv.Itoa(c.end.conn*2+int(c.end.host)-1), ",", strconv.Itoa(c.row-o.row), ",", strconv.Itoa(parts))
	for i, n := range c.numbers {
		switch {
		case parts&(1<<i) == 0:
		case !c.known[i]:
			h.raw(",null")
		case o.known[i]:
			h.raw(",", strconv.FormatInt(n-o.numbers[i], 10))
		default:
			h.raw(",", strconv.FormatInt(n, 10))
		}
	}
	if parts&spaceLimit != 0 {
		h.raw(",", strconv.Itoa(limit))
	}
	if parts&spaceSacked != 0 {
		h.blocks(c.sacked, c.numbers[0], c.known[0])
	}
	if parts&spaceHeld != 0 {
		h.blocks(c.held, c.numbers[5], c.known[5])
	}
	if parts&spaceGuess != 0 {
		h.raw(",", strconv.Itoa(c.guess))
	}
	h.raw("]")
}

// blocks writes the edges of blocks, each as the difference to the one before, the first to from if that is known.
func (h *htmlWriter) blocks(list []event.Range, from int64, known bool) {
	if !known {
		from = 0
	}
	h.raw(",[")
	for i, b := range list {
		h.comma(i)
		h.raw(strconv.FormatInt(b.First-from, 10), ",", strconv.FormatInt(b.Last-b.First, 10))
		from = b.Last
	}
	h.raw("]")
}
