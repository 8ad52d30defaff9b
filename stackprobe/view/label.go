package view

import (
	"strconv"
	"strings"

	"gnet/stackprobe/event"
)

// label is the text of a segment where it leaves, in parts; a part that the segment lacks is empty.
type label struct {
	head       string // what marks a repetition or a probe, and the flags
	seq, ack   string
	win, round string // the window, exact and in three digits
	extras     string // options and oddities
	sameAck    bool   // the row before of this end said ack
	st         style
}

// fit gives as many of the parts as n columns take, and what is left for rows below. Never is a number cut; the window
// alone is left out where it is all that has no room, as the next segment says it again, and so is an acknowledgment that was
// said before.
func (l *label) fit(n int) (text, rest string) {
	numbers := words(l.head, l.seq, l.ack)
	if l.sameAck && columns(numbers) > n {
		numbers, l.ack = words(l.head, l.seq), ""
	}
	if text = words(numbers, l.win, l.extras); columns(text) <= n {
		return text, ""
	}
	for _, win := range [...]string{l.win, l.round, ""} {
		if text = words(numbers, win); columns(text) <= n {
			return text, l.extras
		}
	}
	if text = words(l.head, l.seq); columns(text) <= n {
		return text, words(l.ack, l.round, l.extras)
	}
	text = wrap(l.head, n)[0]
	return text, words(strings.TrimLeft(l.head[len(text):], " "), l.seq, l.ack, l.extras)
}

// lastAcks are the numbers that the ends acknowledged in the last segment that was drawn.
type lastAcks map[endOf]uint32

// same notes what a segment acknowledges, and reports whether the one before did the same.
func (a *lastAcks) same(e *event.Event) bool {
	if !e.Seg.Flags.Has(event.ACK) {
		return false
	}
	if *a == nil || len(*a) >= maxEnds {
		*a = make(lastAcks)
	}
	was, known := (*a)[endOfEvent(e)]
	(*a)[endOfEvent(e)] = e.Seg.Ack
	return known && was == e.Seg.Ack
}

// words joins the parts that are there with blanks.
func words(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		if part != "" && b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(part)
	}
	return b.String()
}

// newLabel words the segment of a tx event. full is for pages with room: sequence numbers are named and pure
// acknowledgments have theirs; otherwise numbers alone, and windows in three digits.
func newLabel(p *page, e *event.Event, full bool) label {
	s, r := &e.Seg, &e.Derived
	l := label{head: p.tag(e.Conn) + crafted(s) + mark(p, r) + flagNames(s.Flags), seq: p.sequence(s, r, full), ack: p.acknowledgment(s, r), extras: p.extras(s, r)}
	if full && l.seq != "" {
		l.seq = "seq " + l.seq
	}
	if l.ack != "" {
		l.ack = "ack " + l.ack
	}
	if !s.Flags.Has(event.RST) { // a window in a reset means nothing
		win, round := window(s, r)
		l.win, l.round = "win "+win, "win "+round
		if !full && !s.Flags.Has(event.SYN) {
			l.win = l.round
		}
	}
	if r.Repeat {
		l.st = again
	}
	return l
}

// crafted says that the end below which a segment leaves did not send it.
func crafted(s *event.Segment) string {
	if s.Origin == event.Injected {
		return "injected "
	}
	return ""
}

// mark says that a segment is a repetition or a probe, and why it was sent: "~" where that was not read.
func mark(p *page, r *event.Derived) string {
	why := r.Why.String()
	switch {
	case r.Why == event.WindowProbe || r.Why == event.Keepalive || r.Why == event.TailProbe:
	case !r.Repeat:
		return ""
	case r.Why == event.New || r.Why == event.Ack || r.Why == event.Retransmit || r.Why == event.Reset:
		why = ""
	}
	if why != "" {
		why = guess(p, r.WhyHow) + why + " "
	}
	if r.Repeat && r.Why != event.WindowProbe && r.Why != event.Keepalive { // what these repeat is meant to be old
		why = "R " + why
		p.used |= signAgain
	}
	return why
}

// flagNames names the control bits, "none" when there are none, as that is what one should see.
func flagNames(f event.Flags) string {
	if f == 0 {
		return "none"
	}
	return f.String()
}

// sequence is the range of a segment's octets as tcpdump writes it: the first and the one behind the last, or a single
// number when there are no data. Pure acknowledgments have one only in the full form.
func (p *page) sequence(s *event.Segment, r *event.Derived, full bool) string {
	if s.Space() == 0 && !full {
		return ""
	}
	first, behind, raw := r.RelSeq, r.RelSeq+int64(s.Len), ""
	if p.opts.Absolute || !r.HasRelSeq {
		first, behind = int64(s.Seq), int64(s.Seq+uint32(s.Len))
		raw = p.raw()
	}
	if s.Len == 0 {
		return raw + strconv.FormatInt(first, 10)
	}
	if s.Flags.Has(event.SYN) { // the data alone: SYN stands before and FIN behind it (RFC 9293 3.4)
		first, behind = first+1, behind+1
	}
	return raw + strconv.FormatInt(first, 10) + ":" + strconv.FormatInt(behind, 10)
}

// raw is the sign before a number of the header on a page whose numbers count from the initial ones.
func (p *page) raw() string {
	if p.opts.Absolute {
		return ""
	}
	return "raw "
}

// acknowledgment is the number that a segment acknowledges, "" without ACK.
func (p *page) acknowledgment(s *event.Segment, r *event.Derived) string {
	switch {
	case !s.Flags.Has(event.ACK):
		return ""
	case r.HasRelAck && !p.opts.Absolute:
		return strconv.FormatInt(r.RelAck, 10)
	}
	return p.raw() + strconv.FormatUint(uint64(s.Ack), 10)
}

// window is the window in octets, exact and, from five digits on, in three. Where the scale is not known it is the field, and says so.
func window(s *event.Segment, r *event.Derived) (exact, round string) {
	if !r.HasWindow {
		t := strconv.Itoa(int(s.Win)) + "?"
		return t, t
	}
	return strconv.FormatUint(uint64(r.Window), 10), rounded(uint64(r.Window), 100)
}

// rounded is a number of octets, from five digits on in three and a unit, cut off; tenths below so many units.
func rounded(w, tenths uint64) string {
	for _, unit := range [...]struct {
		size uint64
		name string
	}{{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}} {
		if w >= unit.size && w >= 10000 {
			whole, tenth := w/unit.size, w%unit.size*10/unit.size
			text := strconv.FormatUint(whole, 10)
			if whole < tenths && tenth > 0 {
				text += "." + strconv.FormatUint(tenth, 10)
			}
			return text + unit.name
		}
	}
	return strconv.FormatUint(w, 10)
}

// extras are the options that matter and what is odd.
func (p *page) extras(s *event.Segment, r *event.Derived) string {
	var parts []string
	o := &s.Opts
	if o.Has&event.OptMSS != 0 {
		parts = append(parts, "mss "+strconv.Itoa(int(o.MSS)))
	}
	if o.Has&event.OptWScale != 0 {
		parts = append(parts, "wscale "+strconv.Itoa(int(o.WScale)))
	}
	if o.Has&event.OptSackPermitted != 0 {
		parts = append(parts, "sackOK")
	}
	if o.Has&event.OptTimestamps != 0 && s.Flags.Has(event.SYN) {
		parts = append(parts, "TS") // in all the others it goes without saying
	}
	if o.Has&event.OptSack != 0 {
		parts = append(parts, p.blocks(o, r))
	}
	if s.BadSum {
		parts = append(parts, "bad checksum")
	}
	return strings.Join(parts, " ")
}

// blocks are the SACK blocks, relative where the numbers are known.
func (p *page) blocks(o *event.Options, r *event.Derived) string {
	var b strings.Builder
	b.WriteString("sack")
	relative := r.HasRelAck && !p.opts.Absolute
	if !r.HasRelAck && !p.opts.Absolute {
		b.WriteString(" raw")
	}
	for i, s := range o.Sack[:min(int(o.NSack), event.MaxBlocks)] {
		left, right := int64(s.Left), int64(s.Right)
		if relative {
			left, right = r.RelSack[i].First, r.RelSack[i].Last
		}
		b.WriteByte(' ')
		b.WriteString(strconv.FormatInt(left, 10))
		b.WriteByte(':')
		b.WriteString(strconv.FormatInt(right, 10))
	}
	return b.String()
}

// arrival is the text of a segment where it arrives: enough to know it again, and what it means there.
func arrival(p *page, e *event.Event) (text string, st style) {
	s, r := &e.Seg, &e.Derived
	switch {
	case s.Flags.Has(event.RST):
		text = "RST"
	case s.Len > 0:
		text = p.sequence(s, r, true)
	case s.Flags&(event.SYN|event.FIN) != 0:
		text = (s.Flags & (event.SYN | event.FIN)).String()
	default:
		text = "ack " + p.acknowledgment(s, r)
	}
	text = p.tag(e.Conn) + text
	switch {
	case s.BadSum:
		return text + " bad checksum", bad
	case r.Copy:
		return text + " copy", again
	case r.DupAck > 0:
		p.used |= signDup
		return text + " dup " + strconv.Itoa(r.DupAck), again
	case r.Stale:
		p.used |= signHadIt
		return text + " had it", again
	}
	return text, plain
}

// callText is an application's call.
func callText(p *page, a *event.App) string {
	switch a.Call {
	case event.Write:
		return "write " + strconv.Itoa(a.Bytes)
	case event.Receive:
		return "read " + strconv.Itoa(a.Bytes)
	case event.Established:
		return "connected"
	case event.EOF:
		return "end of data"
	case event.Failed:
		return "failed: " + p.clean(a.Err)
	}
	return a.Call.String()
}

// guess is the sign before a value that was not read from the stack itself.
func guess(p *page, how event.How) string {
	if how == event.Computed || how == event.Inferred {
		p.used |= signGuess
		return "~"
	}
	return ""
}

// seconds writes a time in at most n columns with as many decimals as fit, at most most, the rest cut off: a time that
// is shown has been reached.
func seconds(ns int64, n, most int) string {
	whole := strconv.FormatInt(ns/1e9, 10)
	if ns < 0 {
		ns = -ns
		whole = "-" + strconv.FormatInt(ns/1e9, 10)
	}
	if len(whole) > n {
		return whole[len(whole)-n:]
	}
	decimals := min(most, n-len(whole)-1)
	if decimals <= 0 {
		return whole
	}
	fraction := strconv.FormatInt(1e9+ns%1e9, 10) // a 1 in front keeps the zeros
	return whole + "." + fraction[1:1+decimals]
}

// stateName is the name of a state: in full, or in at most 10 columns as ss(8) shortens them; "~" before one that was
// computed or inferred.
func stateName(p *page, s event.State, how event.How, full bool) string {
	name := s.String()
	if !full {
		switch s {
		case event.StateEstablished:
			name = "ESTAB"
		case event.SynReceived:
			name = "SYN-RECV"
		case event.ClosedReset:
			name = "CLOSED rst"
		}
	}
	if name == "" {
		return ""
	}
	return guess(p, how) + name
}
