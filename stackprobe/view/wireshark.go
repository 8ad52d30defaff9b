package view

import (
	"cmp"
	"io"
	"slices"
	"strconv"

	"gnet/stackprobe/event"
)

// maxSights bounds the segments that are shown; the misreadings of the rest are counted still.
const maxSights = 5000

// Wireshark compares what Wireshark says of each segment, from what has passed the tap of either end, with what happened: a
// table of the segments that either is to be told of, then the sums of what differs. It wants events of which
// Derived.Wireshark and Derived.Misread are set. All is written at the end; until then it keeps a short row for each of the
// first 5000 segments of the table, and the segments on their way, at most 1024.
type Wireshark struct {
	page    page
	open    map[int]*sight // by Segment.ID
	rows    []*sight
	more    int
	version string
	counts  [3][event.OtherMisreading + 1]int // by the side of the tap
	asked   bool
}

// The sides of a tap, as indices of sight.at and Wireshark.counts.
const (
	sendersTap = iota
	receiversTap
)

// sight is a row: one transmission, at both taps.
type sight struct {
	n              int
	t              int64
	from           event.Host
	segment        string
	really         string
	at             [2]opinion
	repeat, landed bool
}

// opinion is what is said at one tap; text stands in its place where there is nothing to be said about.
type opinion struct {
	says    event.Opinion
	misread event.Misreading
	text    string
}

// NewWireshark gives a view that writes to w; version is that of Wireshark, "" if it is not known. Close must be called at the
// end.
func NewWireshark(w io.Writer, o Options, version string) *Wireshark {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	v := &Wireshark{open: make(map[int]*sight), version: version}
	v.page = page{w: w, opts: o, glyphs: unicodeGlyphs}
	if o.ASCII {
		v.page.glyphs = asciiGlyphs
	}
	return v
}

// Event takes the next event.
func (v *Wireshark) Event(e *event.Event) error {
	switch {
	case e.Host != event.Client && e.Host != event.Server:
	case e.Kind == event.KindTx && e.Seg.Origin != event.Injected:
		v.departs(e)
	case e.Kind == event.KindRx:
		v.arrives(e)
	case e.Kind == event.KindLost:
		if s := v.open[e.Seg.ID]; s != nil {
			s.really = words(s.really+",", "lost")
			s.repeat = true // to be told of in any case
			s.at[receiversTap].text = "never there"
			v.land(e.Seg.ID, s)
		}
	}
	return v.page.err
}

// sees counts what is said at a tap.
func (v *Wireshark) sees(side int, e *event.Event) opinion {
	d := &e.Derived
	v.asked = v.asked || d.Wireshark != 0
	if d.Misread <= event.OtherMisreading {
		v.counts[side][d.Misread]++
	}
	return opinion{says: d.Wireshark, misread: d.Misread}
}

func (v *Wireshark) departs(e *event.Event) {
	d := &e.Derived
	s := v.row(e, e.Host, reallySent(&v.page, e))
	s.repeat = d.Repeat || d.Why == event.WindowProbe || d.Why == event.Keepalive
	s.at[sendersTap] = v.sees(sendersTap, e)
	s.at[receiversTap].text = "on its way"
	if len(v.open) < maxWaiting { // a damaged run must not grow us
		v.open[e.Seg.ID] = s
	} else {
		v.keep(s)
	}
}

func (v *Wireshark) arrives(e *event.Event) {
	s := v.open[e.Seg.ID]
	if s == nil {
		s = v.row(e, e.Host.Peer(), "a copy by the link")
		s.at[sendersTap].text = "sent once"
		if e.Seg.Origin == event.Injected {
			s.really, s.at[sendersTap].text = "injected", "not sent"
		} else if !e.Derived.Copy {
			s.really, s.at[sendersTap].text = "", "not seen"
		}
		s.repeat = true
	}
	if what := reallyArrived(e); what != "" && s.really != "" {
		s.really += ", " + what
	} else {
		s.really += what
	}
	s.at[receiversTap] = v.sees(receiversTap, e)
	v.land(e.Seg.ID, s)
}

// row begins the row of a segment.
func (v *Wireshark) row(e *event.Event, from event.Host, really string) *sight {
	l := newLabel(&v.page, e, false)
	return &sight{n: e.N, t: e.T, from: from, really: really, segment: words(flagNames(e.Seg.Flags), l.seq, l.ack)}
}

func (v *Wireshark) land(id int, s *sight) {
	delete(v.open, id)
	v.keep(s)
}

// keep takes a row in that has something to tell.
func (v *Wireshark) keep(s *sight) {
	told := s.repeat
	for _, o := range s.at {
		told = told || o.says&^event.Asked != 0 || o.misread != 0
	}
	switch {
	case !told:
	case len(v.rows) == maxSights:
		v.more++
	default:
		v.rows = append(v.rows, s)
	}
}

// reallySent is why a segment left.
func reallySent(p *page, e *event.Event) string {
	d := &e.Derived
	why := guess(p, d.WhyHow) + d.Why.String()
	switch {
	case d.Why == event.WindowProbe || d.Why == event.Keepalive || d.Why == event.Reset:
		return why
	case d.Repeat && d.Spurious:
		return "repeated, " + why + ", needless"
	case d.Repeat:
		return "repeated, " + why
	}
	return d.Why.String()
}

// reallyArrived is what a segment was where it arrived, "" for nothing in particular.
func reallyArrived(e *event.Event) string {
	d := &e.Derived
	switch {
	case e.Seg.BadSum:
		return "damaged"
	case d.DupAck > 0 && d.DupCause != 0:
		return "dup " + strconv.Itoa(d.DupAck) + " by " + d.DupCause.String()
	case d.DupAck > 0:
		return "dup " + strconv.Itoa(d.DupAck)
	case d.Gap == event.CauseLoss:
		return "behind a loss"
	case d.Gap == event.CauseReordering:
		return "behind late ones"
	case d.Stale && !d.Copy && d.Attempt <= 1:
		return "behind its copy"
	}
	return ""
}

// Close writes the table.
func (v *Wireshark) Close() error {
	for _, s := range v.open {
		v.keep(s)
	}
	slices.SortFunc(v.rows, func(a, b *sight) int { return cmp.Compare(a.n, b.n) })
	p := &v.page
	p.emit(p.row())
	name := "Wireshark"
	if v.version != "" {
		name += " " + p.clean(v.version)
	}
	if !v.asked {
		p.text("", name+" was asked about no packet", plain)
		return p.err
	}
	p.text("", "What "+name+" says of the segments from what has passed each tap; ! marks what differs from what happened", plain)
	v.table()
	if v.more > 0 {
		p.text("", "and "+counted(v.more, "segment")+" more", faint)
	}
	v.sums()
	return p.err
}

// columnsOf are the places of the six columns in a page of that width, and the width of the last four.
func columnsOf(width int) (at [6]int, each int) {
	const time, from, gap = 9, 6, 2
	at = [6]int{0, time + 1, time + 1 + from + 1}
	each = max((width-at[2]-3*gap)/4, 1)
	for i := 3; i < len(at); i++ {
		at[i] = at[i-1] + each + gap
	}
	return at, each
}

// table writes the rows; a cell that is too narrow for its words goes on below.
func (v *Wireshark) table() {
	if len(v.rows) == 0 {
		return
	}
	v.cells([6]string{"seconds", "from", "segment", "really", "at the sender's tap", "at the receiver's tap"}, [6]style{strong, strong, strong, strong, strong, strong})
	for _, s := range v.rows {
		texts := [6]string{seconds(s.t, 9, 6), s.from.String(), s.segment, s.really}
		styles := [6]style{}
		if s.repeat {
			styles[3] = again
		}
		for i := range s.at {
			texts[4+i], styles[4+i] = s.at[i].cell()
		}
		v.cells(texts, styles)
	}
}

// cells writes one row of the table.
func (v *Wireshark) cells(texts [6]string, styles [6]style) {
	at, each := columnsOf(v.page.opts.Width)
	for line, more := 0, true; more; line++ {
		row := v.page.row()
		more = false
		for i, text := range texts {
			lines := []string{text}
			if i >= 2 {
				lines = wrap(text, each)
			}
			if line < len(lines) {
				put(row, at[i], lines[line], styles[i])
			}
			more = more || line+1 < len(lines)
		}
		v.page.emit(row)
	}
}

// cell is what stands in the table for what is said at a tap.
func (o *opinion) cell() (string, style) {
	switch {
	case o.text != "":
		return o.text, faint
	case o.says == 0:
		return "not asked", faint
	case o.misread != 0:
		return "! " + saying(o.says), bad
	case o.says == event.Asked:
		return "-", faint
	}
	return saying(o.says), plain
}

// sums writes what differs, the most frequent first at each tap.
func (v *Wireshark) sums() {
	p := &v.page
	type sum struct {
		side, n int
		m       event.Misreading
	}
	var all []sum
	for side := range 2 {
		for m := range v.counts[side] {
			if n := v.counts[side][m]; m > 0 && n > 0 {
				all = append(all, sum{side, n, event.Misreading(m)})
			}
		}
	}
	p.emit(p.row())
	if len(all) == 0 {
		p.text("", "What it says is what happened.", plain)
		return
	}
	slices.SortStableFunc(all, func(a, b sum) int { return cmp.Or(cmp.Compare(a.side, b.side), cmp.Compare(b.n, a.n)) })
	sides := [2]string{"at the sender's tap: ", "at the receiver's tap: "}
	for _, s := range all {
		head := strconv.Itoa(s.n) + " "
		for len(head) < 6 {
			head = " " + head
		}
		p.text(head, sides[s.side]+MisreadingText(s.m)+" ("+s.m.String()+")", plain)
	}
}
