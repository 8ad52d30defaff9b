package view

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// maxSections bounds the connections that have a section of their own, unless all are to be unfolded.
const maxSections = 8

// Summary tells a run in figures: both ends beside each other, for all connections and for each, and what the stacks have counted
// themselves beside what the events say. It writes at Close, and keeps no events: its memory is that of analyze.Figures.
type Summary struct {
	page    page
	figures analyze.Figures
}

// NewSummary gives a summary that writes to w. Close must be called at the end.
func NewSummary(w io.Writer, o Options) *Summary {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	s := &Summary{page: page{w: w, opts: o, glyphs: unicodeGlyphs}}
	if o.ASCII {
		s.page.glyphs = asciiGlyphs
	}
	return s
}

// Event takes the next event, with what package analyze has derived for it. It keeps no reference to e. The error is that of
// the writer.
func (s *Summary) Event(e *event.Event) error {
	s.figures.Add(e)
	switch {
	case e.Kind == event.KindRun && e.Run != nil:
		s.page.run(e.Run)
	case e.Kind == event.KindExpectation:
		s.page.expected(e.Expectation)
	}
	return s.page.err
}

// Close writes the figures. It does not close the writer.
func (s *Summary) Close() error {
	p, f := &s.page, &s.figures
	verdict, st := p.verdict(&f.Sums)
	p.text("result  ", verdict, st)
	if f.Sums.InFlight > 0 {
		p.text("link    ", counted(f.Sums.InFlight, "segment")+" still on the way", again)
	}
	p.leftOut()
	conns, rest := f.Connections()
	all := f.All()
	title := "connection"
	if len(conns) > 1 {
		title = "all " + strconv.Itoa(len(conns))
		if rest != nil {
			title = "all"
		}
	}
	p.figures(title, all, f, true)
	chosen := s.chosen(conns)
	if len(conns) > 1 {
		for _, c := range chosen {
			p.figures("connection "+strconv.Itoa(c.Conn), c, f, false)
		}
		if rest != nil {
			p.figures("the others", rest, f, false)
		}
		if n := len(conns) - len(chosen); n > 0 {
			p.emit(p.row())
			p.text("", "and "+counted(n, "connection")+" more, of which --unfold tells", faint)
		}
	}
	s.own(chosen)
	p.emit(p.row())
	p.text("signs   ", "~ concluded, not read from a stack or from the link", faint)
	if n := f.Unmeasured(); n > 0 {
		p.text("warning ", "of "+counted(n, "segment")+" the round trip was not measured: too many were outstanding", bad)
	}
	if d := f.Sums.Difference(); d != "" {
		p.text("warning ", "the run counts other "+d+" than its events show", bad)
	}
	p.verdicts()
	return p.err
}

// chosen are the connections that get a section: those that stood or had data, as many as there is room for. All get one if they
// are to be unfolded.
func (s *Summary) chosen(conns []*analyze.ConnectionFigures) []*analyze.ConnectionFigures {
	if s.page.opts.Unfold || len(conns) <= 1 {
		return conns
	}
	var list []*analyze.ConnectionFigures
	for _, c := range conns {
		a, b := &c.Ends[event.Client], &c.Ends[event.Server]
		if (a.Opened > 0 || b.Opened > 0 || a.Data > 0 || b.Data > 0) && len(list) < maxSections {
			list = append(list, c)
		}
	}
	return list
}

// table is the widths of the columns of a row: its name, and those of both ends.
func (p *page) table() (label, cell int) {
	label = min(max(p.opts.Width/4, 15), 22)
	return label, min((p.opts.Width-label-2)/2, 60)
}

// pair writes a row of the table, in as many lines as its cells need; nothing if both are empty.
func (p *page) pair(name, client, server string, st style) {
	if client == "" && server == "" {
		return
	}
	label, cell := p.table()
	lines := [...][]string{wrap(name, label), wrap(client, cell), wrap(server, cell)}
	for i := range max(len(lines[0]), len(lines[1]), len(lines[2])) {
		row := p.row()
		for k, at := range [...]int{0, label + 1, label + cell + 2} {
			if i < len(lines[k]) {
				put(row, at, lines[k][i], st)
			}
		}
		p.emit(row)
	}
}

// figures writes the section of one connection, or of the whole run.
func (p *page) figures(title string, c *analyze.ConnectionFigures, f *analyze.Figures, whole bool) {
	p.emit(p.row())
	p.pair(title, "client", "server", strong)
	for _, l := range figureLines {
		p.pair(l.name, l.text(f, c, event.Client), l.text(f, c, event.Server), l.st)
	}
	if whole {
		p.pair("integrity", integrity(f, event.Client), integrity(f, event.Server), plain)
	}
}

// figureLine is one row of a section: its name, and what it says of an end, "" for nothing.
type figureLine struct {
	name string
	text func(*analyze.Figures, *analyze.ConnectionFigures, event.Host) string
	st   style
}

// figureLines are the rows of a section.
var figureLines = [...]figureLine{
	{"handshake", func(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
		return timeText(c.Ends[h].Opened)
	}, plain},
	{"segments sent", segmentsText, plain},
	{"octets of data sent", octetsText, plain},
	{"retransmitted ~", repeatsText, again},
	{"probes sent ~", probesText, plain},
	{"on the link", linkFates, bad},
	{"duplicate ACKs got", dupAcksText, plain},
	{"peer's window closed", shutText, again},
	{"round trips", tripsText, plain},
	{"SRTT, RTTVAR, RTO", timersText, plain},
	{"limited by ~", limitedText, plain},
	{"goodput, sending", goodputText, plain},
	{"ends in", func(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
		return c.Ends[h].State.String()
	}, plain},
}

// timeText is a length of time, "" for none.
func timeText(ns int64) string {
	if ns <= 0 {
		return ""
	}
	return duration(ns)
}

func segmentsText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	parts := []string{strconv.Itoa(f.Data) + " with data"}
	for _, n := range [...]struct {
		n    int
		what string
	}{{f.Why[event.ChallengeAck], "challenge ACK"}, {f.Why[event.LateAck], "delayed ACK"}, {f.DSACKs, "DSACK"}, {f.Why[event.Reset], "RST"}} {
		if n.n > 0 {
			parts = append(parts, counted(n.n, n.what))
		}
	}
	return strconv.Itoa(f.Segments) + ": " + strings.Join(parts, ", ")
}

func octetsText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	text := strconv.FormatInt(f.Octets, 10)
	if f.Again > 0 {
		text += ", " + strconv.FormatInt(f.Again, 10) + " of them again"
	}
	return text
}

func repeatsText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	if f.Repeats == 0 {
		return "0"
	}
	text := strconv.Itoa(f.Repeats) + whyText(&f.RepeatWhy)
	if f.Spurious > 0 {
		text += ", " + strconv.Itoa(f.Spurious) + " needlessly"
	}
	return text
}

// whyText lists numbers by reason.
func whyText(by *[event.PathMTU + 1]int) string {
	var parts []string
	for why, n := range by {
		name := event.Reason(why).String()
		if event.Reason(why) == event.Retransmit {
			name = "unknown cause"
		}
		if n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+name)
		}
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func probesText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	var parts []string
	for _, n := range [...]struct {
		n    int
		what string
	}{{f.Why[event.WindowProbe], "of a closed window"}, {f.TailProbes, "of a tail"}, {f.Why[event.Keepalive], "to keep it alive"}} {
		if n.n > 0 {
			parts = append(parts, strconv.Itoa(n.n)+" "+n.what)
		}
	}
	return strings.Join(parts, ", ")
}

// linkFates is what the link did to an end's segments.
func linkFates(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	var parts []string
	for _, n := range [...]struct {
		n    int
		what string
	}{{f.Lost, "lost"}, {f.Damaged, "damaged"}, {f.Copies, "copied"}} {
		if n.n > 0 {
			parts = append(parts, strconv.Itoa(n.n)+" "+n.what)
		}
	}
	return strings.Join(parts, ", ")
}

func dupAcksText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	total := 0
	var parts []string
	for cause, n := range f.DupAcks {
		name := event.Cause(cause).String()
		if name == "" {
			name = "unknown cause"
		}
		if total += n; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+name)
		}
	}
	if total == 0 {
		return "0"
	}
	return strconv.Itoa(total) + " (" + strings.Join(parts, ", ") + ")"
}

func shutText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	f := &c.Ends[h]
	if f.Shut == 0 {
		return ""
	}
	return counted(f.Shut, "time") + ", " + duration(f.ShutTime)
}

func tripsText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	r := &c.Ends[h].RTT
	if r.N == 0 {
		return "none measured"
	}
	return duration(r.Min) + " least, " + duration(r.Mean()) + " mean, " + duration(r.Max) + " most, of " + strconv.Itoa(r.N)
}

func timersText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	v := &c.Ends[h].Vars
	var parts []string
	for _, t := range [...]struct {
		bit event.VarSet
		ns  int64
	}{{event.HasSRTT, v.SRTT}, {event.HasRTTVar, v.RTTVar}, {event.HasRTO, v.RTO}} {
		switch {
		case v.Has == 0:
			return ""
		case v.Has&t.bit == 0:
			parts = append(parts, "-")
		default:
			parts = append(parts, duration(t.ns))
		}
	}
	return strings.Join(parts, ", ")
}

func goodputText(_ *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	octets, ns := c.Goodput(h)
	if octets == 0 || ns == 0 {
		return ""
	}
	return bitRate(8*float64(octets)/(float64(ns)/1e9)) + ", " + strconv.FormatInt(octets, 10) + " in " + duration(ns)
}

// limitedText is the share of the time in which an end's sending was limited by what.
func limitedText(f *analyze.Figures, c *analyze.ConnectionFigures, h event.Host) string {
	by, total := f.Limited(c, h)
	if total == 0 {
		return ""
	}
	var order []analyze.Limit
	for l, ns := range by {
		if ns > 0 {
			order = append(order, analyze.Limit(l))
		}
	}
	slices.SortStableFunc(order, func(a, b analyze.Limit) int { return cmp.Compare(by[b], by[a]) })
	var parts []string
	for _, l := range order {
		name, share := l.String(), "<1"
		if l == analyze.NoLimit {
			name = "nothing known"
		}
		if percent := 100 * float64(by[l]) / float64(total); percent >= 0.5 {
			share = strconv.FormatFloat(percent, 'f', 0, 64)
		}
		parts = append(parts, share+"% "+name)
	}
	return strings.Join(parts, ", ")
}

// bitRate writes bits per second with three digits.
func bitRate(bits float64) string {
	unit := "bit/s"
	for _, u := range [...]string{"kbit/s", "Mbit/s", "Gbit/s"} {
		if bits < 999.5 {
			break
		}
		bits, unit = bits/1000, u
	}
	return strconv.FormatFloat(bits, 'g', 3, 64) + " " + unit
}

// integrity says whether an end's application got what the other's wrote.
func integrity(f *analyze.Figures, h event.Host) string {
	outcome, read, written := f.Integrity(h)
	octets := strconv.FormatInt(read, 10)
	switch outcome {
	case analyze.ByScript:
		return "a script is compared with nothing"
	case analyze.OfProgram:
		return "what a program writes and reads is not known"
	case analyze.NothingWritten:
		return "nothing was written for it"
	case analyze.Intact:
		return octets + " octets read, unchanged"
	case analyze.Incomplete:
		return octets + " of " + strconv.FormatInt(written, 10) + " octets read"
	case analyze.Changed:
		return octets + " octets read, not those that were written"
	}
	if f.End != nil {
		return "told of all connections together alone"
	}
	return "no account"
}
