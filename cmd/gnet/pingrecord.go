package main

import (
	"fmt"
	"net/netip"
	"time"

	"gnet/ping"
	"gnet/ping/probe"
)

// pingRecord is what a run is drawn from, on the screen and in a file: the probes to each host and what was remarkable. It is bounded,
// however long the run: of each host the newest probes are kept one by one, older ones folded.
type pingRecord struct {
	tracks []*pingTrack
	log    pingLog
	// wait is after how long a probe is called unanswered when -W says so, 0 for what the answers suggest.
	wait time.Duration
	now  time.Duration // since the start, by the monotonic clock
	over bool          // the run is: nothing is waited for
	// multicast: several hosts answer one probe.
	multicast bool
}

// probeFate is what became of a probe.
type probeFate uint8

// The fates. A probe that is silent may still be answered.
const (
	fateWaiting probeFate = iota
	fateAnswered
	fateSilent
	fateError
	fateRefused
)

// trackedProbe is one probe of a track.
type trackedProbe struct {
	at   time.Duration // when it was sent, since the start
	rtt  time.Duration
	fate probeFate
	// again: a further answer came.
	again bool
}

// pingTrack is one host.
type pingTrack struct {
	name string
	addr netip.Addr
	// stats are the run's own figures, spread is the distribution of the answers, nil before the first.
	stats  ping.Stats
	spread *ping.Distribution
	last   time.Duration
	// trouble is what was last wrong, "" for nothing.
	trouble string
	// ring holds the probes from first to newest, each at its number modulo the length.
	ring          []trackedProbe
	first, newest int64
	settled       int64 // the highest number below which none waits
	whole         foldedProbes
}

// The bounds of what is kept: of all hosts together and of one.
const (
	trackedInAll, trackedAtLeast, trackedAtMost = 1 << 16, 1 << 8, 1 << 12
	foldedInAll, foldedAtLeast, foldedAtMost    = 1 << 17, 1 << 8, 1 << 11
)

// newPingRecord returns the record of a run to these hosts.
func newPingRecord(o *pingOptions, hosts []pingHost) *pingRecord {
	r := &pingRecord{}
	if o.WaitSet {
		r.wait = o.Wait
	}
	share := func(all, least, most int) int { return max(least, min(most, all/max(len(hosts), 1))) }
	for _, h := range hosts {
		t := &pingTrack{name: h.name, addr: h.addr, ring: make([]trackedProbe, share(trackedInAll, trackedAtLeast, trackedAtMost)), first: 1, settled: 1}
		t.whole = foldedProbes{most: share(foldedInAll, foldedAtLeast, foldedAtMost), per: 1}
		r.tracks = append(r.tracks, t)
	}
	return r
}

// pingHost is a host as it is shown.
type pingHost struct {
	name string
	addr netip.Addr
}

// take records an event that came at that time since the start, with the host's figures by then. It keeps no reference to them.
func (r *pingRecord) take(ev *ping.Event, at time.Duration, stats *ping.Stats) {
	r.now = max(r.now, at)
	if ev.Target < 0 || ev.Target >= len(r.tracks) {
		r.log.add(pingLine{at: at, host: -1, text: foreignSentence(ev)})
		return
	}
	t := r.tracks[ev.Target]
	if stats != nil {
		t.stats = *stats
	}
	line := pingLine{at: at, host: ev.Target, seq: ev.Seq}
	switch ev.Kind {
	case ping.Sent:
		t.at(ev.Seq, at)
		return
	case ping.Reply:
		line.text = t.answer(ev)
	case ping.Duplicate:
		if p := t.held(ev.Seq); p != nil {
			p.again = true
		}
		if !r.multicast {
			line.text = "answered again, by " + ev.From.String()
		}
	case ping.Corrupted:
		line.text = "an answer with a wrong checksum, from " + ev.From.String()
	case ping.ICMPError, ping.Advice:
		line.text, line.bad = complaintSentence(ev, t.addr), ev.Kind == ping.ICMPError
		t.blame(ev, at, fateError, line.text)
	case ping.TooLong, ping.NotSent:
		line.text, line.bad = "not sent: "+whyNotSent(ev), true
		t.blame(ev, at, fateRefused, line.text)
	case ping.Foreign:
		line.text, line.seq = foreignSentence(ev), 0
	case ping.Notice:
		line.text, line.seq = ev.Text, 0
	}
	if line.text != "" {
		r.log.add(line)
	}
}

// answer records a reply, and returns what is remarkable about it.
func (t *pingTrack) answer(ev *ping.Event) string {
	if t.spread == nil {
		t.spread = new(ping.Distribution)
	}
	t.spread.Add(ev.RTT, ev.Source)
	t.last = ev.RTT
	p := t.held(ev.Seq)
	was := fateWaiting
	if p != nil {
		was, p.fate, p.rtt = p.fate, fateAnswered, ev.RTT
	}
	switch {
	case ev.Wrong > 0:
		return "the answer has other data than the probe"
	case ev.Truncated:
		return "the answer is cut short"
	case ev.Source == ping.ClockStepped:
		return "the time of day was set: the round trip is this program's"
	case ev.Late || was == fateSilent:
		return "answered late, after " + threeDigits(ev.RTT) + " ms"
	}
	return ""
}

// blame records why a probe has no answer.
func (t *pingTrack) blame(ev *ping.Event, at time.Duration, fate probeFate, text string) {
	if ev.Kind == ping.Advice {
		return
	}
	t.trouble = text
	if p := t.at(ev.Seq, at); p != nil && p.fate != fateAnswered {
		p.fate = fate
	}
}

// held returns a probe that is kept, else nil.
func (t *pingTrack) held(seq int64) *trackedProbe {
	if seq < t.first || seq > t.newest {
		return nil
	}
	return &t.ring[seq%int64(len(t.ring))]
}

// at returns the probe of that number, which is new if it is the highest so far; nil when it is forgotten.
func (t *pingTrack) at(seq int64, at time.Duration) *trackedProbe {
	for seq > t.newest {
		if t.newest-t.first+1 == int64(len(t.ring)) {
			t.whole.add(t.held(t.first))
			t.first++
			t.settled = max(t.settled, t.first)
		}
		t.newest++
		*t.held(t.newest) = trackedProbe{at: at}
	}
	return t.held(seq)
}

// settle calls the probes silent that have waited too long by now.
func (r *pingRecord) settle(now time.Duration) {
	r.now = max(r.now, now)
	for i, t := range r.tracks {
		patience := r.wait
		if patience == 0 {
			patience = max(time.Second, 2*t.stats.RTT.Max)
		}
		for seq := t.settled; seq <= t.newest; seq++ {
			p := t.held(seq)
			if p.fate == fateWaiting && r.now-p.at < patience && !r.over {
				break
			}
			t.settled = seq + 1
			if p.fate == fateWaiting {
				p.fate = fateSilent
				t.trouble = "no answer"
				r.log.add(pingLine{at: r.now, host: i, seq: seq, text: "no answer", bad: true})
			}
		}
	}
}

// finish folds what is kept: the run is over. What waits by then got no answer.
func (r *pingRecord) finish() {
	for _, t := range r.tracks {
		for ; t.first <= t.newest; t.first++ {
			p := t.held(t.first)
			if p.fate == fateWaiting {
				p.fate = fateSilent
			}
			t.whole.add(p)
		}
	}
}

// lost returns the share of probes without an answer in percent, of those that have had their time: one that is under way is
// none.
func (t *pingTrack) lost() (n int64, percent float64) {
	due := t.due()
	n = max(min(t.stats.Lost(), due-t.stats.Received), 0)
	if due == 0 {
		return n, 0
	}
	return n, float64(n) * 100 / float64(due)
}

// failing is the share of probes, in percent, that brought no answer or could not be sent: how bad a host is.
func (t *pingTrack) failing() float64 {
	n, _ := t.lost()
	if all := t.due() + t.stats.NotSent; all > 0 {
		return float64(n+t.stats.NotSent) * 100 / float64(all)
	}
	return 0
}

// due is how many probes have left and are not waited for.
func (t *pingTrack) due() int64 {
	under := int64(0)
	for seq := max(t.settled, t.first); seq <= t.newest; seq++ {
		if t.held(seq).fate == fateWaiting {
			under++
		}
	}
	return max(t.stats.Transmitted-under, 0)
}

// foldedProbes are probes in the order of their numbers, per of them in each point; per doubles when there are too many points.
type foldedProbes struct {
	points []foldedPoint
	most   int
	per    int64
}

// foldedPoint is what became of some probes. The times are those of the answered ones.
type foldedPoint struct {
	at, end                            time.Duration
	n, answered, silent, errs, refused int64
	min, max                           time.Duration
	sum                                time.Duration
}

// add adds the next probe.
func (f *foldedProbes) add(p *trackedProbe) {
	point := foldedPoint{at: p.at, end: p.at, n: 1}
	switch p.fate {
	case fateAnswered:
		point.answered, point.min, point.max, point.sum = 1, p.rtt, p.rtt, p.rtt
	case fateError:
		point.errs = 1
	case fateRefused:
		point.refused = 1
	default:
		point.silent = 1
	}
	if last := len(f.points) - 1; last >= 0 && f.points[last].n < f.per {
		f.points[last].join(&point)
		return
	}
	if len(f.points) == f.most {
		for i := 0; i < len(f.points)/2; i++ {
			f.points[i] = f.points[2*i]
			f.points[i].join(&f.points[2*i+1])
		}
		f.points = f.points[:len(f.points)/2]
		f.per *= 2
	}
	f.points = append(f.points, point)
}

// join adds the figures of q, which comes next.
func (p *foldedPoint) join(q *foldedPoint) {
	switch {
	case p.answered == 0:
		p.min, p.max = q.min, q.max
	case q.answered > 0:
		p.min, p.max = min(p.min, q.min), max(p.max, q.max)
	}
	p.end = q.end
	p.n, p.answered, p.silent, p.errs, p.refused = p.n+q.n, p.answered+q.answered, p.silent+q.silent, p.errs+q.errs, p.refused+q.refused
	p.sum += q.sum
}

// whyNotSent says why our own kernel did not send.
func whyNotSent(ev *ping.Event) string {
	if ev.Kind == ping.TooLong {
		return fmt.Sprintf("message too long, mtu=%d", ev.Info)
	}
	return errnoText(ev.Err)
}

// complaintSentence is what an ICMP error or advice says, and who.
func complaintSentence(ev *ping.Event, target netip.Addr) string {
	sentence := icmpv6Sentence
	if familyOf(target) == probe.IPv4 {
		sentence = icmpv4Sentence
	}
	text := sentence(ev.Type, ev.Code, ev.Info)
	if ev.From.IsValid() {
		text += ", from " + ev.From.String()
	}
	return text
}

// foreignSentence says what was ignored.
func foreignSentence(ev *ping.Event) string {
	what := "a reply"
	if ev.Type != 0 {
		what = "an ICMP error"
	}
	if ev.Reason == ping.OtherSource {
		return "answered by another host, " + ev.From.String()
	}
	return fmt.Sprintf("ignored: %s from %v to no probe of ours", what, ev.From)
}

// pingLog is the newest of what was remarkable.
type pingLog struct {
	lines []pingLine
	total int64
}

// pingLine is a line of it. Lines that follow each other and differ in nothing but the number of the probe are one.
type pingLine struct {
	at       time.Duration
	host     int   // -1: of none
	seq, end int64 // 0: about no probe
	times    int64
	text     string
	bad      bool
}

// maxPingLines bounds the log.
const maxPingLines = 500

// add adds a line.
func (g *pingLog) add(l pingLine) {
	g.total++
	l.end, l.times = l.seq, 1
	if n := len(g.lines) - 1; n >= 0 && g.lines[n].host == l.host && g.lines[n].text == l.text && (l.seq == 0 || g.lines[n].end+1 == l.seq) {
		g.lines[n].end, g.lines[n].at = l.seq, l.at
		g.lines[n].times++
		return
	}
	if len(g.lines) == maxPingLines {
		g.lines = append(g.lines[:0], g.lines[maxPingLines/2:]...)
	}
	g.lines = append(g.lines, l)
}

// words are the line without its time.
func (l *pingLine) words() string {
	switch {
	case l.seq == 0 && l.times > 1:
		return fmt.Sprintf("%s (%d times)", l.text, l.times)
	case l.seq == 0:
		return l.text
	case l.end > l.seq:
		return fmt.Sprintf("icmp_seq=%d to %d: %s", l.seq, l.end, l.text)
	}
	return fmt.Sprintf("icmp_seq=%d: %s", l.seq, l.text)
}
