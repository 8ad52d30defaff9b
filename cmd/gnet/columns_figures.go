package main

import (
	"slices"
	"strings"

	"gnet/internal/render"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// figuresRow is one end of one connection in figures.
type figuresRow struct {
	run  *analyze.Figures
	conn *analyze.ConnectionFigures
	host event.Host
}

func (r *figuresRow) end() *analyze.EndFigures { return &r.conn.Ends[r.host] }

// one reports whether the row is about a single connection.
func (r *figuresRow) one() bool { return r.conn.Conn != 0 }

// tap reports whether both ends were seen at one tap, where nobody knows what arrived.
func (r *figuresRow) tap() bool { return r.run.Run != nil && r.run.Run.World == event.TapWorld }

// captured reports whether there are packets alone: neither the link nor the stacks have told anything.
func (r *figuresRow) captured() bool { return r.run.Run != nil && r.run.Run.Captured() }

// heard reports whether the calls of the end's application are among the events.
func (r *figuresRow) heard() bool {
	if r.captured() || r.end().Scripted || r.run.Run != nil && r.run.Run.Programs[r.host] != "" {
		return false
	}
	if e := r.run.End; e != nil {
		return r.host == event.Client && !e.Client.Program || r.host == event.Server && !e.Server.Program
	}
	return true
}

// figureColumn is a number that is known when the condition holds, always if there is none.
func figureColumn(name string, kind render.Kind, unit, doc string, known func(*figuresRow) bool, get func(*figuresRow) int64) render.Column[figuresRow] {
	return column(name, kind, unit, doc, func(r *figuresRow, v *render.Value) {
		switch {
		case known != nil && !known(r):
		case kind == render.Duration:
			v.Duration(duration(get(r)))
		default:
			v.Int(get(r))
		}
	})
}

// endCount is a count of one end.
func endCount(name, doc string, known func(*figuresRow) bool, get func(*analyze.EndFigures) int) render.Column[figuresRow] {
	return figureColumn(name, render.Int, "", doc, known, func(r *figuresRow) int64 { return int64(get(r.end())) })
}

// endOctets is a number of octets of one end.
func endOctets(name, doc string, known func(*figuresRow) bool, get func(*analyze.EndFigures) int64) render.Column[figuresRow] {
	return figureColumn(name, render.Int, "bytes", doc, known, func(r *figuresRow) int64 { return get(r.end()) })
}

// figuresColumns are the columns of one end of one connection, in the order of the picture of --view summary.
func figuresColumns() []render.Column[figuresRow] {
	return slices.Concat(figuresSent(), figuresRepeated(), figuresMet(), figuresTimes(), figuresLimits(), figuresMoved(), []render.Column[figuresRow]{figuresInfo()})
}

// figuresSent say which end of which connection it is, and what it sent.
func figuresSent() []render.Column[figuresRow] {
	type e = analyze.EndFigures
	one := (*figuresRow).one
	return []render.Column[figuresRow]{
		figureColumn("conn", render.Int, "", "Number of the connection, from 1; absent for several together.", one, func(r *figuresRow) int64 { return int64(r.conn.Conn) }),
		column("host", render.String, "", "The end: client or server.", func(r *figuresRow, v *render.Value) { v.Str(r.host.String()) }),
		column("state", render.String, "", "Its last TCP state.", func(r *figuresRow, v *render.Value) {
			if s := r.end().State.String(); s != "" && r.one() {
				v.Str(s)
			}
		}),
		figureColumn("handshake_ns", render.Duration, "ns", "Time from the first SYN that it sent or got to its ESTABLISHED.",
			func(r *figuresRow) bool { return r.one() && r.end().Opened > 0 }, func(r *figuresRow) int64 { return r.end().Opened }),
		endCount("segments", "Segments that it transmitted.", nil, func(f *e) int { return f.Segments }),
		endCount("data_segments", "Those with data.", nil, func(f *e) int { return f.Data }),
		endOctets("data_bytes", "Octets of data in them, repetitions included.", nil, func(f *e) int64 { return f.Octets }),
		endOctets("repeated_bytes", "Octets of data in repetitions.", nil, func(f *e) int64 { return f.Again }),
		endCount("challenge_acks", "Acknowledgments by RFC 5961.", nil, func(f *e) int { return f.Why[event.ChallengeAck] }),
		endCount("delayed_acks", "Acknowledgments that a delayed-ACK timer sent.", nil, func(f *e) int { return f.Why[event.LateAck] }),
		endCount("dsacks", "Reports that something had arrived twice (RFC 2883).", nil, func(f *e) int { return f.DSACKs }),
		endCount("resets", "RST segments.", nil, func(f *e) int { return f.Why[event.Reset] }),
	}
}

// figuresRepeated say what it sent again and what it probed.
func figuresRepeated() []render.Column[figuresRow] {
	type e = analyze.EndFigures
	list := []render.Column[figuresRow]{
		endCount("retransmitted", "Transmissions of sequence numbers that had left before; the sum of those by reason.", nil, func(f *e) int { return f.Repeats }),
	}
	for _, why := range [...]struct {
		reason    event.Reason
		word, doc string
	}{
		{event.Timeout, "rto", "Those by the retransmission timer."}, {event.Fast, "fast", "Those by duplicate acknowledgments or SACK recovery."},
		{event.TailProbe, "tlp", "Those that probed a tail."}, {event.WindowProbe, "window_probe", "Those that probed a closed window."},
		{event.Keepalive, "keepalive", "Those that keep the connection alive."}, {event.Reset, "reset", "Those in a RST."},
		{event.PathMTU, "pmtu", "Those in shorter segments, behind a router's message (RFC 1191, RFC 8201)."},
		{event.Retransmit, "unknown", "Those whose cause is not known."},
	} {
		list = append(list, endCount("retransmitted_"+why.word, why.doc, nil, func(f *e) int { return f.RepeatWhy[why.reason] }))
	}
	return append(list,
		endCount("spurious", "Repetitions of what had all arrived.", func(r *figuresRow) bool { return !r.tap() }, func(f *e) int { return f.Spurious }),
		endCount("window_probes", "Probes of a closed window.", nil, func(f *e) int { return f.Why[event.WindowProbe] }),
		endCount("tail_probes", "Probes of a tail, those with new octets among them.", nil, func(f *e) int { return f.TailProbes }),
		endCount("keepalives", "Keepalives.", nil, func(f *e) int { return f.Why[event.Keepalive] }),
		endCount("timeouts", "Expiries of the retransmission timer but that of a SYN,ACK.", func(r *figuresRow) bool { return !r.captured() }, func(f *e) int { return f.Timeouts }))
}

// figuresMet say what became of its segments and what came from the peer.
func figuresMet() []render.Column[figuresRow] {
	type e = analyze.EndFigures
	link := func(r *figuresRow) bool { return !r.captured() }
	both := func(r *figuresRow) bool { return !r.tap() }
	causes := func(name, doc string, known func(*figuresRow) bool, c event.Cause) render.Column[figuresRow] {
		return endCount("dup_acks_"+name, doc, known, func(f *e) int { return f.DupAcks[c] })
	}
	return []render.Column[figuresRow]{
		endCount("lost", "Its segments that the link took.", both, func(f *e) int { return f.Lost }),
		endCount("damaged", "Its segments of which the link turned a bit.", link, func(f *e) int { return f.Damaged }),
		endCount("copied", "Copies that the link made of its segments.", link, func(f *e) int { return f.Copies }),
		endCount("arrived", "Segments that reached it.", both, func(f *e) int { return f.Arrived }),
		endCount("bad_checksums", "Those with a wrong TCP checksum.", both, func(f *e) int { return f.BadSums }),
		endCount("dup_acks", "Duplicate acknowledgments that reached it; the sum of those by cause.", nil, func(f *e) int {
			n := 0
			for _, c := range f.DupAcks {
				n += c
			}
			return n
		}),
		causes("loss", "Those that a lost segment caused.", both, event.CauseLoss),
		causes("reordering", "Those that a segment still on its way caused.", both, event.CauseReordering),
		causes("duplicate", "Those that a segment that had arrived before caused.", both, event.CauseDuplicate),
		causes("unknown", "Those whose cause is not known.", nil, 0),
		endCount("zero_windows", "How often its peer's window was closed to it.", nil, func(f *e) int { return f.Shut }),
		figureColumn("zero_window_ns", render.Duration, "ns", "How long that was.", nil, func(r *figuresRow) int64 { return r.end().ShutTime }),
	}
}

// figuresTimes are its round trips and its timers.
func figuresTimes() []render.Column[figuresRow] {
	some := func(r *figuresRow) bool { return r.end().RTT.N > 0 }
	trip := func(name, doc string, get func(*analyze.Span) int64) render.Column[figuresRow] {
		return figureColumn(name, render.Duration, "ns", doc, some, func(r *figuresRow) int64 { return get(&r.end().RTT) })
	}
	timer := func(name, doc string, bit event.VarSet, get func(*event.Vars) int64) render.Column[figuresRow] {
		return figureColumn(name, render.Duration, "ns", doc, func(r *figuresRow) bool { return r.one() && r.end().Vars.Has&bit != 0 },
			func(r *figuresRow) int64 { return get(&r.end().Vars) })
	}
	return []render.Column[figuresRow]{
		endCount("rtt_samples", "Round trips of its segments that were measured.", nil, func(f *analyze.EndFigures) int { return f.RTT.N }),
		trip("rtt_min_ns", "The shortest.", func(s *analyze.Span) int64 { return s.Min }),
		trip("rtt_avg_ns", "Their arithmetic mean.", (*analyze.Span).Mean),
		trip("rtt_max_ns", "The longest.", func(s *analyze.Span) int64 { return s.Max }),
		timer("srtt_ns", "Smoothed round trip, as its stack told last.", event.HasSRTT, func(v *event.Vars) int64 { return v.SRTT }),
		timer("rttvar_ns", "Variation of the round trip, as its stack told last.", event.HasRTTVar, func(v *event.Vars) int64 { return v.RTTVar }),
		timer("rto_ns", "Retransmission timeout, as its stack told last.", event.HasRTO, func(v *event.Vars) int64 { return v.RTO }),
	}
}

// figuresLimits say how long its sending was limited by what.
func figuresLimits() []render.Column[figuresRow] {
	list := make([]render.Column[figuresRow], 0, len(analyze.Limits()))
	for _, l := range analyze.Limits() {
		word, doc := strings.ToLower(strings.ReplaceAll(l.String(), " ", "_")), "How long its sending was limited by: "+l.String()+"."
		if l == analyze.NoLimit {
			word, doc = "unknown", "How long its sending was limited by nothing known."
		}
		list = append(list, column("limited_"+word+"_ns", render.Duration, "ns", doc, func(r *figuresRow, v *render.Value) {
			if by, total := r.run.Limited(r.conn, r.host); total > 0 {
				v.Duration(duration(by[l]))
			}
		}))
	}
	return list
}

// figuresMoved say what its data came to.
func figuresMoved() []render.Column[figuresRow] {
	moved := func(get func(octets, ns int64) int64) func(*figuresRow) int64 {
		return func(r *figuresRow) int64 { return get(r.conn.Goodput(r.host)) }
	}
	timed := func(r *figuresRow) bool {
		octets, ns := r.conn.Goodput(r.host)
		return octets > 0 && ns > 0
	}
	return []render.Column[figuresRow]{
		figureColumn("delivered_bytes", render.Int, "bytes", "Octets of its data that reached the other end, each counted once; of a capture at one tap those that passed it.", nil, moved(func(octets, _ int64) int64 { return octets })),
		figureColumn("delivered_ns", render.Duration, "ns", "Time from the departure of the first to the arrival of the last.", timed, moved(func(_, ns int64) int64 { return ns })),
		figureColumn("goodput", render.Int, "bits/s", "The one by the other.", timed, moved(func(octets, ns int64) int64 { return int64(8e9 * float64(octets) / float64(ns)) })),
		endOctets("written", "Octets that its application handed over.", (*figuresRow).heard, func(f *analyze.EndFigures) int64 { return f.Written }),
		endOctets("received", "Octets that its application got.", (*figuresRow).heard, func(f *analyze.EndFigures) int64 { return f.Received }),
	}
}

// figuresInfo are the counters of a kernel's socket beside the events.
func figuresInfo() render.Column[figuresRow] {
	return comparedCounters("tcp_info", "What its kernel has counted for the connection (struct tcp_info) beside what the events say of the same.",
		func(r *figuresRow) []analyze.Count { return r.conn.Infos(r.host) })
}

// comparedCounters are counters of a stack beside the events.
func comparedCounters[T any](name, doc string, get func(*T) []analyze.Count) render.Column[T] {
	c := column(name, render.List, "", doc, func(row *T, v *render.Value) {
		list := get(row)
		if list == nil {
			return
		}
		v.EmptyList()
		for i := range list {
			o := v.Object(6)
			o[0].Str(list[i].Name)
			o[1].Str(list[i].What)
			o[2].Uint(list[i].Stack)
			o[3].Uint(list[i].Events)
			o[4].Bool(list[i].Differs())
			if list[i].Apart != "" {
				o[5].Str(list[i].Apart)
			}
		}
	})
	c.Sub = []render.Field{
		{Name: "name", Kind: render.String, Doc: "The stack's own name of the counter; a plus stands between two that are added."},
		{Name: "what", Kind: render.String, Doc: "What of the events is the same."},
		{Name: "stack", Kind: render.Uint, Doc: "What the stack has counted."},
		{Name: "events", Kind: render.Uint, Doc: "What the events say."},
		{Name: "differs", Kind: render.Bool, Doc: "The two are not the same, and nothing explains it."},
		{Name: "apart", Kind: render.String, Doc: "Why they differ though nothing is wrong."},
	}
	return c
}
