package view

import (
	"io"
	"slices"

	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// Window draws how the windows of a run move: moment by moment the sequence space of each end that sends data, to scale, as its sender
// knows it and as its receiver has it, and what keeps the sender from sending more (RFC 9293 figures 3 and 4). A moment is what happens at
// one end without a pause; that an application reads is none by itself. Where the same goes on for long, moments are told in a line, unless Options.Unfold is set; Options.Explain means
// nothing to it.
//
// It keeps what package analyze keeps of each connection, and the moments that are not over, at most maxMoments.
type Window struct {
	page    page
	sum     analyze.Summary
	spaces  analyze.Spaces
	lull    int64 // a moment is over when so long nothing has happened at its end
	moments []moment
	tracks  map[outflow]*track
	order   []outflow // of tracks
}

// maxMoments bounds the moments that are not over, one for each end of each connection.
const maxMoments = 64

// outflow names the octets that one end of a connection sends.
type outflow struct {
	conn   int
	sender event.Host
}

// track is what has been drawn of one outflow.
type track struct {
	outflow
	begun  bool // data have been sent or written
	iss    uint32
	scale  scale
	drawn  windowLook
	shrunk int64  // by how much its window was seen to shrink, at the receiver
	learnt int64  // the same at the sender
	told   int64  // what its receiver has acknowledged
	quiet  [2]int // moments since the last that showed something new, at the sender and at the receiver
	folded pleat
}

// pleat is the moments that were not drawn since the last that was: how many, the times of the first and the last, and the window probes
// among them.
type pleat struct {
	n, probes   int
	first, last int64
}

// windowLook is what a picture shows; a moment in which none of it changes is not drawn.
type windowLook struct {
	una, nxt, edge, cwnd, rcvNxt, rcvEdge int64
	held, sacked                          int64 // sums of their borders
	limit                                 analyze.Limit
}

// NewWindow gives a view that writes to w. Close must be called at the end.
func NewWindow(w io.Writer, o Options) *Window {
	if o.Width == 0 {
		o.Width = wideWidth
	}
	o.Width = max(o.Width, minWidth)
	v := &Window{tracks: map[outflow]*track{}, lull: 1e6}
	v.page = page{w: w, opts: o, glyphs: unicodeGlyphs}
	if o.ASCII {
		v.page.glyphs = asciiGlyphs
	}
	return v
}

// Event takes e, in which package analyze has derived what follows, and draws the moments that are over. It keeps no reference to e. The
// error is that of the writer; after one nothing more is written.
func (v *Window) Event(e *event.Event) error {
	v.sum.Add(e)
	switch {
	case e.Kind == event.KindRun && e.Run != nil:
		v.begins(e.Run)
	case e.Kind == event.KindExpectation:
		v.page.expected(e.Expectation)
	case e.Kind == event.KindNote && e.Level == event.Warning:
		v.finish()
		v.page.text("warning ", v.page.clean(e.Text), bad)
	}
	v.over(e.T)
	if e.Conn < 1 || e.Host != event.Client && e.Host != event.Server {
		return v.page.err
	}
	v.page.meet(e.Conn)
	ways := [...]outflow{{e.Conn, e.Host}, {e.Conn, e.Host.Peer()}}
	before := [...]windowLook{v.look(ways[0]), v.look(ways[1])}
	v.spaces.Add(e)
	m := v.note(e)
	for i, w := range ways {
		m.changes[i] = m.changes[i] || v.look(w) != before[i]
	}
	return v.page.err
}

// look is what is known of w now.
func (v *Window) look(w outflow) windowLook {
	if s := v.spaces.Space(w.conn, w.sender); s != nil {
		return lookOf(s)
	}
	return windowLook{}
}

// begins takes what the run says of itself.
func (v *Window) begins(r *event.Run) {
	v.page.run(r)
	v.page.windowLegend()
	if d := min(r.DelayClient, r.DelayServer) / 4; d < v.lull {
		v.lull = max(d, 1000)
	}
	v.spaces.Add(&event.Event{Kind: event.KindRun, Run: r})
}

// note takes e into the moment to which it belongs, and returns that.
func (v *Window) note(e *event.Event) *moment {
	i := slices.IndexFunc(v.moments, func(m moment) bool { return m.conn == e.Conn && m.host == e.Host })
	if i < 0 {
		if len(v.moments) == maxMoments {
			v.draw(&v.moments[0])
			v.moments = slices.Delete(v.moments, 0, 1)
		}
		v.moments = append(v.moments, moment{conn: e.Conn, host: e.Host, start: e.T})
		i = len(v.moments) - 1
	}
	m := &v.moments[i]
	m.last = e.T
	m.add(e)
	for _, sender := range [...]event.Host{e.Host, e.Host.Peer()} {
		if t := v.track(outflow{e.Conn, sender}); t != nil {
			t.see(e)
		}
	}
	return m
}

// track returns that of w, nil where nothing is known of it.
func (v *Window) track(w outflow) *track {
	t := v.tracks[w]
	if t == nil && v.spaces.Space(w.conn, w.sender) != nil {
		t = &track{outflow: w}
		v.tracks[w] = t
		v.order = append(v.order, w)
	}
	return t
}

// see notes whether the end sends data, and its initial number.
func (t *track) see(e *event.Event) {
	if e.Host != t.sender {
		return
	}
	switch {
	case e.Kind == event.KindTx && e.Seg.Origin != event.Injected && e.Derived.HasRelSeq:
		t.iss = e.Seg.Seq - uint32(e.Derived.RelSeq)
		t.begun = t.begun || e.Seg.Len > 0
	case e.Kind == event.KindApp && e.App.Call == event.Write && e.App.Bytes > 0:
		t.begun = true
	}
}

// over draws the moments that are over at the time t.
func (v *Window) over(t int64) {
	for len(v.moments) > 0 && t-v.moments[0].last > v.lull {
		v.draw(&v.moments[0])
		v.moments = slices.Delete(v.moments, 0, 1)
	}
}

// finish draws all moments.
func (v *Window) finish() {
	for i := range v.moments {
		v.draw(&v.moments[i])
	}
	v.moments = v.moments[:0]
}

// draw draws a moment: for the octets that its end sends and for those that it gets, where they show something.
func (v *Window) draw(m *moment) {
	for i, sender := range [...]event.Host{m.host, m.host.Peer()} {
		t := v.tracks[outflow{m.conn, sender}]
		if t == nil || !t.begun {
			continue
		}
		s := v.spaces.Space(m.conn, sender)
		told := m.words(&v.page, s, t)
		if told == "" || sender != m.host && m.idle() && !v.page.opts.Unfold {
			continue
		}
		now, odd := lookOf(s), m.odd(sender)
		quiet := now.limit == t.drawn.limit && now.held == t.drawn.held && now.sacked == t.drawn.sacked && !odd && s.Shrunk <= t.shrunk
		late := sender != m.host && t.acknowledges(m)
		if (!m.changes[i] && !odd && !late || t.hides(m.host, quiet)) && !v.page.opts.Unfold {
			t.folded.add(m)
			continue
		}
		v.unfold(t)
		v.block(m, s, t, told)
		if t.drawn, t.shrunk = now, s.Shrunk; sender == m.host {
			t.learnt = s.EdgeShrunk
		}
	}
}

// acknowledges says whether the receiver acknowledges in m what it had not before.
func (t *track) acknowledges(m *moment) bool {
	before := t.told
	t.told = max(before, m.toldAck)
	return m.hasTold && m.toldAck > before
}

// drawnQuiet is how many moments of the same kind at one end are drawn one after the other; of the later ones those whose number is a power
// of 2.
const drawnQuiet = 6

// hides counts a moment at host and says whether it is too much of the same.
func (t *track) hides(host event.Host, quiet bool) bool {
	if !quiet {
		t.quiet = [2]int{}
		return false
	}
	n := &t.quiet[0]
	if host != t.sender {
		n = &t.quiet[1]
	}
	*n++
	return *n > drawnQuiet && *n&(*n-1) != 0
}

// add counts a moment that is not drawn.
func (f *pleat) add(m *moment) {
	if f.n++; f.n == 1 {
		f.first = m.start
	}
	f.last = m.start
	f.probes += m.probes
}

// unfold tells of the moments that were not drawn.
func (v *Window) unfold(t *track) {
	f, p := &t.folded, &v.page
	if f.n == 0 {
		return
	}
	text := "to " + seconds(f.last, 10, 6) + "  " + counted(f.n, "moment") + " alike, not drawn"
	if f.n == 1 {
		text = " one moment alike, not drawn"
	}
	if f.probes > 0 {
		text += ": " + counted(f.probes, "window probe")
	}
	p.emit(p.row())
	p.text(seconds(f.first, 10, 6)+" ", text, faint)
	*f = pleat{}
}

// lookOf is what a moment of s shows.
func lookOf(s *analyze.Space) windowLook {
	l := windowLook{una: s.Una, nxt: s.Nxt, edge: s.Edge, cwnd: s.Cwnd, rcvNxt: s.RcvNxt, rcvEdge: s.RcvEdge, limit: s.Limit}
	for _, r := range s.Held {
		l.held = l.held*31 + r.First*7 + r.Last
	}
	for _, r := range s.Sacked {
		l.sacked = l.sacked*31 + r.First*7 + r.Last
	}
	return l
}

// Close draws what is still open, what limited each sender, and what came of the run. It does not close the writer.
func (v *Window) Close() error {
	v.finish()
	begun := false
	for _, w := range v.order {
		t := v.tracks[w]
		v.unfold(t)
		begun = begun || t.begun
	}
	p := &v.page
	p.emit(p.row())
	if !begun {
		p.text("windows ", "neither end had data to send, so that no window was used; --view ladder shows the segments", plain)
	}
	for _, w := range v.order {
		if t := v.tracks[w]; t.begun {
			p.text("limits  ", v.shares(t), plain)
		}
	}
	if v.spaces.Ignored > 0 {
		p.text("warning ", counted(v.spaces.Ignored, "event")+" of connections beyond the number that is followed", bad)
	}
	p.summary(&v.sum)
	p.verdicts()
	return p.err
}
