package analyze

import (
	"math"
	"strings"

	"gnet/stackprobe/event"
)

// sending is what is known of the sender of a Space beyond what it shows.
type sending struct {
	// blind says that nobody sees what its application writes: a program, a script, or an end of a capture that was read.
	blind bool
	// written counts the octets that its application has handed over, sent those of data that have left for the first time.
	written, sent int64
	closing       bool // its application has ended what it sends
	// wl1 and wl2 are SND.WL1 and SND.WL2.
	wl1, wl2 int64
	hasWL    bool
	// farthest is the rightmost edge that the sender has learnt, step how far a scaled edge can fall back by rounding alone
	// (RFC 7323 section 2.4).
	farthest, step int64
	// recover is behind the highest number that had left when the sender repeated something (RFC 6582 section 3.2).
	recover int64
	// lost are the pieces that the link took and that were not repeated since.
	lost       spans
	congestion event.Congestion
	seen       bool // a segment with numbers has left
	before     bygone
}

// nagle says whether the algorithm (RFC 9293 section 3.7.4) may run at an end: netstack has it off unless it is asked for.
func nagle(s *event.Stack) bool {
	words := " " + s.Options + " "
	if s.Kernel {
		return !strings.Contains(words, " nagle off ")
	}
	return strings.Contains(words, " nagle on ")
}

// transmits takes a segment that the sender has sent.
func (q *sequence) transmits(e *event.Event) {
	s, d, r := &e.Seg, &e.Derived, &q.reckoned
	if !d.HasRelSeq || s.Flags.Has(event.RST) {
		return
	}
	if s.Flags.Has(event.SYN) && s.Opts.Has&event.OptMSS != 0 {
		r.senderMSS = int64(s.Opts.MSS)
		q.agreeMSS()
	}
	if !q.sender.seen {
		q.sender.seen = true
		r.una, r.nxt = d.RelSeq, d.RelSeq
		r.has |= SpaceUna | SpaceNxt | SpaceSacked
	}
	if d.RelEnd > r.nxt && !q.probe(d.Why) {
		fresh := d.RelEnd - max(d.RelSeq, r.nxt)
		if s.Flags.Has(event.SYN) {
			fresh--
		}
		if s.Flags.Has(event.FIN) {
			fresh--
			q.FIN = d.RelEnd
		}
		q.sender.sent += max(fresh, 0)
		r.nxt = d.RelEnd
		if q.read(SpaceQueued) {
			q.Queued = max(q.Queued-max(fresh, 0), 0)
		}
		if q.Has&SpaceInFlight != 0 {
			q.InFlight++
		}
	}
	q.requeue()
	if q.read(SpaceNxt) {
		q.Nxt = max(q.Nxt, d.RelEnd)
	}
	if d.Repeat && !q.probe(d.Why) {
		q.sender.lost.remove(d.RelSeq, d.RelEnd)
		if d.Why != event.TailProbe && !s.Flags.Has(event.SYN) {
			q.sender.recover = max(r.nxt, q.Nxt)
		}
	}
	q.EndQueued = q.sender.closing && q.FIN == 0
}

// probe says whether a segment sent for that reason repeats what is meant to be old.
func (q *sequence) probe(why event.Reason) bool {
	return why == event.WindowProbe || why == event.Keepalive
}

// requeue counts what waits to be sent.
func (q *sequence) requeue() {
	r := &q.reckoned
	if q.sender.blind {
		r.has &^= SpaceQueued
		if !q.read(SpaceQueued) {
			q.Has &^= SpaceQueued
		}
		return
	}
	r.queued, r.has = max(q.sender.written-q.sender.sent, 0), r.has|SpaceQueued
}

// agreeMSS is the smaller of what both SYNs say (RFC 9293 section 3.7.1).
func (q *sequence) agreeMSS() {
	r := &q.reckoned
	if r.senderMSS > 0 && r.receiverMSS > 0 {
		r.mss, r.has = min(r.senderMSS, r.receiverMSS), r.has|SpaceMSS
	}
}

// call takes what the sender's application does.
func (q *sequence) call(e *event.Event) {
	switch e.App.Call {
	case event.Write:
		n := int64(max(e.App.Bytes, 0))
		q.sender.written += n
		if q.read(SpaceQueued) {
			q.Queued += n
		}
	case event.Shutdown, event.Close:
		q.sender.closing = true
		q.EndQueued = q.FIN == 0
	default:
		return
	}
	q.requeue()
}

// acknowledged takes a segment that has arrived at the sender; told is what the sender itself has acknowledged last, below which
// nothing counts any more.
func (q *sequence) acknowledged(e *event.Event, told int64) {
	s, d, r := &e.Seg, &e.Derived, &q.reckoned
	if s.Flags.Has(event.SYN) && s.Opts.Has&event.OptMSS != 0 && s.Origin != event.Injected {
		r.receiverMSS = int64(s.Opts.MSS)
		q.agreeMSS()
	}
	if s.Flags&(event.RST|event.ACK) != event.ACK {
		q.opened(s, d)
		return
	}
	if !d.HasRelAck || !d.HasRelSeq || !q.sender.seen || d.RelEnd < told || d.RelAck > max(r.nxt, q.Nxt) {
		return
	}
	if d.RelAck > r.una {
		r.una = d.RelAck
		r.sacked.dropBelow(r.una)
		q.sender.lost.dropBelow(r.una)
	}
	for _, b := range d.RelSack[:min(int(s.Opts.NSack), event.MaxBlocks)] {
		if s.Opts.Has&event.OptSack != 0 && b.First > r.una && b.First < b.Last && b.Last <= r.nxt {
			r.sacked.add(b.First, b.Last)
		}
	}
	w := &q.sender
	if d.HasWindow && d.RelAck >= r.una && (!w.hasWL || w.wl1 < d.RelSeq || w.wl1 == d.RelSeq && w.wl2 <= d.RelAck) {
		w.wl1, w.wl2, w.hasWL = d.RelSeq, d.RelAck, true
		r.edge, r.has = d.RelAck+int64(d.Window), r.has|SpaceEdge
		w.step = max(q.receiver.step, w.step)
		if !q.read(SpaceEdge) { // a stack that tells has not taken it in yet
			w.farthest = max(w.farthest, r.edge)
		}
	}
}

// opened takes the window of a SYN that acknowledges nothing: the sender is not known yet, but its window will count from there
// (RFC 9293 section 3.10.7.2).
func (q *sequence) opened(s *event.Segment, d *event.Derived) {
	if s.Flags&(event.SYN|event.RST) != event.SYN || s.Origin == event.Injected || !d.HasWindow || q.sender.hasWL {
		return
	}
	r := &q.reckoned
	r.edge, r.has = r.una+int64(d.Window), r.has|SpaceEdge
	q.sender.farthest = max(q.sender.farthest, r.edge)
}

// lose notes octets that will not arrive by this transmission.
func (q *sequence) lose(d *event.Derived) {
	if d.HasRelSeq && d.RelEnd > d.RelSeq && d.RelEnd > q.reckoned.una && !q.probe(d.Why) {
		q.sender.lost.add(max(d.RelSeq, q.reckoned.una), d.RelEnd)
	}
}

// readSender takes what the sender's stack tells.
func (q *sequence) readSender(v *event.Vars) {
	r := &q.reckoned
	// What was sampled at another moment may know of segments whose events are still to come: only what segments do not move counts.
	now := func(b event.VarSet) bool { return v.Has&b == b && (v.At == 0 || v.Computed&b == b) }
	if v.Has&event.HasISS != 0 {
		una, nxt := near(v.Una, v.ISS, r.una), near(v.Nxt, v.ISS, r.nxt)
		sums := [...]struct {
			bit  SpaceSet
			of   event.VarSet
			to   *int64
			from *int64
			is   int64
		}{{SpaceUna, event.HasUna, &q.Una, &r.una, una}, {SpaceNxt, event.HasNxt, &q.Nxt, &r.nxt, nxt},
			{SpaceEdge, event.HasUna | event.HasWnd, &q.Edge, &r.edge, una + int64(v.Wnd)}}
		for _, f := range sums {
			if !now(f.of) || r.has&f.bit != 0 && f.bit != SpaceEdge && !nearby(f.is, *f.from) {
				continue
			}
			told := v.Computed&f.of == 0
			q.take(f.bit, f.to, f.is, told)
			if !told || r.has&f.bit == 0 {
				*f.from, r.has = f.is, r.has|f.bit
			}
		}
		q.sender.farthest = max(q.sender.farthest, q.Edge)
		q.sender.seen = q.sender.seen || now(event.HasNxt)
		q.readScoreboard(v)
	}
	q.readCongestion(v, now)
	q.readQueue(v, now)
}

// take sets a field to what the stack tells, or to what was computed for it.
func (q *sequence) take(bit SpaceSet, to *int64, is int64, told bool) {
	*to = is
	q.Has |= bit
	if told {
		q.Computed &^= bit
	} else {
		q.Computed |= bit
	}
}

// readCongestion takes the congestion control's variables. They change with what the stack does, not with the segments alone, so that
// the last that was seen counts.
func (q *sequence) readCongestion(v *event.Vars, now func(event.VarSet) bool) {
	if v.Has&event.HasSndMSS != 0 && v.SndMSS > 0 {
		q.take(SpaceMSS, &q.MSS, int64(v.SndMSS), true)
	}
	mss := max(q.MSS, 1)
	if v.Has&event.HasCwnd != 0 {
		q.CwndSegments = int64(v.Cwnd)
		q.take(SpaceCwnd, &q.Cwnd, octetsOf(v.Cwnd, mss), true)
		q.SampledAt = v.At
	}
	if v.Has&event.HasSsthresh != 0 {
		is := int64(event.InfiniteSsthresh)
		if v.Ssthresh < event.InfiniteSsthresh {
			is = octetsOf(v.Ssthresh, mss)
		}
		q.take(SpaceSsthresh, &q.Ssthresh, is, true)
	}
	if v.Has&event.HasCongestion != 0 {
		q.sender.congestion = v.Congestion
	}
	if now(event.HasFlight) {
		pipe := int64(v.Flight)
		if now(event.HasLost | event.HasRetrans | event.HasSacked) { // a kernel's; an engine has subtracted them (tcp_packets_in_flight)
			pipe += int64(v.Retrans) - int64(v.Sacked) - int64(v.Lost)
		}
		q.take(SpaceInFlight, &q.InFlight, max(pipe, 0), true)
	}
}

// octetsOf are so many segments in octets, at most what an int64 holds.
func octetsOf(segments uint32, mss int64) int64 {
	if n := int64(segments); n <= math.MaxInt64/2/mss {
		return n * mss
	}
	return math.MaxInt64 / 2
}

// readQueue takes what waits to be sent: a kernel's notsent_bytes, in which a FIN that waits is one, or what of the send buffer was
// not sent.
func (q *sequence) readQueue(v *event.Vars, now func(event.VarSet) bool) {
	switch {
	case now(event.HasNotSent):
		n := int64(v.NotSent)
		if q.EndQueued && n > 0 {
			n--
		}
		q.take(SpaceQueued, &q.Queued, n, true)
	case now(event.HasSndBuf|event.HasUna|event.HasNxt) && v.Has&event.HasISS != 0:
		flight := q.Nxt - max(q.Una, 1) // the SYN is not in the buffer, and neither is the FIN
		if q.FIN > 0 && q.Nxt >= q.FIN && q.Una < q.FIN {
			flight--
		}
		q.take(SpaceQueued, &q.Queued, max(int64(int32(v.SndBuf))-max(flight, 0), 0), true) // netstack's falls to -1 with the ACK of a FIN
	}
}

// readScoreboard takes the sender's scoreboard, unless it may have more pieces than an event has room for.
func (q *sequence) readScoreboard(v *event.Vars) {
	if v.Has&event.HasScoreboard == 0 || v.At != 0 {
		return
	}
	if v.NScoreboard >= event.MaxBlocks {
		q.Computed |= SpaceSacked
		return
	}
	q.Sacked = pieces(q.Sacked, v.Scoreboard[:v.NScoreboard], v.ISS, q.Una)
	q.Has, q.Computed = q.Has|SpaceSacked, q.Computed&^SpaceSacked
}
