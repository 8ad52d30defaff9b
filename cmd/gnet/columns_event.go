package main

import (
	"net/netip"
	"strconv"

	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// eventColumns are the columns of an event of gnet trace, in the order of event.AppendJSON: a test holds the two
// together, so a document and a stored run have the same keys.
func eventColumns() []render.Column[event.Event] {
	columns := []render.Column[event.Event]{
		eventInt("t_ns", render.Duration, "ns", "Time since the start of the run.", always, func(e *event.Event) int64 { return e.T }),
		eventInt("n", render.Int, "", "Running number from 1; events are in the order of (t_ns, n).", always, func(e *event.Event) int64 { return int64(e.N) }),
		eventWord("clock", "What the times mean: virtual, or mono (CLOCK_MONOTONIC).", func(e *event.Event) string { return e.Clock.String() }),
		eventWord("event", "What happened: run, tx, rx, lost, state, vars, app, timer, note or end.", func(e *event.Event) string { return e.Kind.String() }),
		eventWord("host", "The end at whose tap it was seen, client or server; of a lost segment the sender.", func(e *event.Event) string { return e.Host.String() }),
		eventInt("conn", render.Int, "", "Number of the connection, from 1.", func(e *event.Event) bool { return e.Conn != 0 }, func(e *event.Event) int64 { return int64(e.Conn) }),
	}
	columns = append(columns, segmentColumns()...)
	columns = append(columns, callColumns()...)
	columns = append(columns, runColumns()...)
	columns = append(columns, endColumns()...)
	columns = append(columns,
		eventWord("from", "State before a change of state.", func(e *event.Event) string { return e.From.String() }),
		eventWord("state", "TCP state of the end: when it transmitted, before it processed what arrived, or the new one.", func(e *event.Event) string { return e.State.String() }),
		eventWord("state_how", "Where state comes from: read, computed or inferred.", func(e *event.Event) string { return e.StateHow.String() }))
	return append(columns, variableColumns()...)
}

// always holds for every event.
func always(*event.Event) bool { return true }

// isSegment holds for tx, rx and lost.
func isSegment(e *event.Event) bool {
	return e.Kind == event.KindTx || e.Kind == event.KindRx || e.Kind == event.KindLost
}

// eventInt is a number that is known when the condition holds.
func eventInt(name string, kind render.Kind, unit, doc string, known func(*event.Event) bool, get func(*event.Event) int64) render.Column[event.Event] {
	return column(name, kind, unit, doc, func(e *event.Event, v *render.Value) {
		if !known(e) {
			return
		}
		if kind == render.Duration {
			v.Duration(duration(get(e)))
			return
		}
		v.Int(get(e))
	})
}

// eventWord is a text that is unknown when empty.
func eventWord(name, doc string, get func(*event.Event) string) render.Column[event.Event] {
	return column(name, render.String, "", doc, func(e *event.Event, v *render.Value) {
		if s := get(e); s != "" {
			v.Str(s)
		}
	})
}

// eventBool is a truth value that is known when the condition holds.
func eventBool(name, doc string, known, get func(*event.Event) bool) render.Column[event.Event] {
	return column(name, render.Bool, "", doc, func(e *event.Event, v *render.Value) {
		if known(e) {
			v.Bool(get(e))
		}
	})
}

// segmentColumns are the columns of a segment on its way.
func segmentColumns() []render.Column[event.Event] {
	type e = event.Event
	derived := func(name, unit, doc string, known func(*event.Derived) bool, get func(*event.Derived) int64) render.Column[e] {
		return eventInt(name, render.Int, unit, doc, func(e *e) bool { return isSegment(e) && known(&e.Derived) }, func(e *e) int64 { return get(&e.Derived) })
	}
	segment := func(name, unit, doc string, get func(*event.Segment) int64) render.Column[e] {
		return eventInt(name, render.Int, unit, doc, isSegment, func(e *e) int64 { return get(&e.Seg) })
	}
	when := func(name, unit, doc string, known func(*event.Segment) bool, get func(*event.Segment) int64) render.Column[e] {
		return eventInt(name, render.Int, unit, doc, func(e *e) bool { return isSegment(e) && known(&e.Seg) }, func(e *e) int64 { return get(&e.Seg) })
	}
	option := func(bit event.OptionSet) func(*event.Segment) bool {
		return func(s *event.Segment) bool { return s.Opts.Has&bit != 0 }
	}
	columns := []render.Column[e]{
		segment("segment", "", "Number of the transmission: tx and rx (or lost) of the same packet share it.", func(s *event.Segment) int64 { return int64(s.ID) }),
		eventAddr("src", "Source address.", func(s *event.Segment) netip.Addr { return s.Src.Addr() }),
		segment("src_port", "", "Source port.", func(s *event.Segment) int64 { return int64(s.Src.Port()) }),
		eventAddr("dst", "Destination address.", func(s *event.Segment) netip.Addr { return s.Dst.Addr() }),
		segment("dst_port", "", "Destination port.", func(s *event.Segment) int64 { return int64(s.Dst.Port()) }),
		segment("ip_id", "", "Identification of the IPv4 header.", func(s *event.Segment) int64 { return int64(s.IPID) }),
		segment("ttl", "", "Time to live of the IP header.", func(s *event.Segment) int64 { return int64(s.Hop) }),
		segmentWord("flags", "Control bits, comma between them: SYN,ACK.", func(s *event.Segment) string { return s.Flags.String() }),
		segment("seq", "", "Sequence number in the header.", func(s *event.Segment) int64 { return int64(s.Seq) }),
		when("ack", "", "Acknowledgement number in the header.", func(s *event.Segment) bool { return s.Flags.Has(event.ACK) }, func(s *event.Segment) int64 { return int64(s.Ack) }),
		derived("rel_seq", "", "Sequence number counted from the sender's initial one.", func(d *event.Derived) bool { return d.HasRelSeq }, func(d *event.Derived) int64 { return int64(d.RelSeq) }),
		derived("rel_ack", "", "Acknowledgement number counted from the peer's initial one.", func(d *event.Derived) bool { return d.HasRelAck }, func(d *event.Derived) int64 { return int64(d.RelAck) }),
		segment("win", "", "Window field of the header.", func(s *event.Segment) int64 { return int64(s.Win) }),
		derived("window", "bytes", "Window as the two SYNs scale it.", func(d *event.Derived) bool { return d.HasWindow }, func(d *event.Derived) int64 { return int64(d.Window) }),
		segment("len", "bytes", "Length of the payload.", func(s *event.Segment) int64 { return int64(s.Len) }),
		when("mss", "bytes", "Maximum segment size option.", option(event.OptMSS), func(s *event.Segment) int64 { return int64(s.Opts.MSS) }),
		when("wscale", "bits", "Window scale option: the shift.", option(event.OptWScale), func(s *event.Segment) int64 { return int64(s.Opts.WScale) }),
		eventBool("sack_permitted", "The SACK-permitted option is there.", func(e *e) bool { return isSegment(e) && e.Seg.Opts.Has&event.OptSackPermitted != 0 }, always),
		when("ts_val", "", "Timestamp value.", option(event.OptTimestamps), func(s *event.Segment) int64 { return int64(s.Opts.TSVal) }),
		when("ts_ecr", "", "Timestamp echo reply.", option(event.OptTimestamps), func(s *event.Segment) int64 { return int64(s.Opts.TSEcr) }),
		sackColumn(),
		segmentWord("hash", "FNV-1a 64 of the payload, hexadecimal.", func(s *event.Segment) string {
			if s.Len == 0 {
				return ""
			}
			return strconv.FormatUint(s.Hash, 16)
		}),
		eventBool("checksum_ok", "The TCP checksum is right.", isSegment, func(e *e) bool { return !e.Seg.BadSum }),
		derived("attempt", "", "How often these sequence numbers were transmitted by now: 1 for the first time.", func(d *event.Derived) bool { return d.Attempt > 0 }, func(d *event.Derived) int64 { return int64(d.Attempt) }),
		derivedWord("why", "Reason of the transmission: new, ack, rto, fast, tlp, window-probe, keepalive, reset, or retransmit where the cause is not known.", func(d *event.Derived) string { return d.Why.String() }),
		derivedWord("why_how", "Where why comes from: computed or inferred.", func(d *event.Derived) string { return d.WhyHow.String() }),
	}
	return append(columns, eventWord("rule", "The fault rule that took a lost segment.", func(e *e) string { return e.Rule }))
}

func segmentWord(name, doc string, get func(*event.Segment) string) render.Column[event.Event] {
	return eventWord(name, doc, func(e *event.Event) string {
		if !isSegment(e) {
			return ""
		}
		return get(&e.Seg)
	})
}

func derivedWord(name, doc string, get func(*event.Derived) string) render.Column[event.Event] {
	return eventWord(name, doc, func(e *event.Event) string {
		if !isSegment(e) {
			return ""
		}
		return get(&e.Derived)
	})
}

func eventAddr(name, doc string, get func(*event.Segment) netip.Addr) render.Column[event.Event] {
	return column(name, render.Addr, "", doc, func(e *event.Event, v *render.Value) {
		if isSegment(e) {
			v.Addr(get(&e.Seg))
		}
	})
}

// sackColumn lists the SACK blocks.
func sackColumn() render.Column[event.Event] {
	c := column("sack", render.List, "", "SACK blocks.", func(e *event.Event, v *render.Value) {
		if !isSegment(e) || e.Seg.Opts.Has&event.OptSack == 0 {
			return
		}
		v.EmptyList()
		o := &e.Seg.Opts
		for i := range o.Sack[:o.NSack] {
			block := v.Object(4)
			block[0].Int(int64(o.Sack[i].Left))
			block[1].Int(int64(o.Sack[i].Right))
			block[2].Int(e.Derived.RelSack[i].First)
			block[3].Int(e.Derived.RelSack[i].Last)
		}
	})
	c.Sub = []render.Field{
		{Name: "left", Kind: render.Int, Doc: "First sequence number of the block."},
		{Name: "right", Kind: render.Int, Doc: "Sequence number behind the block."},
		{Name: "rel_left", Kind: render.Int, Doc: "The same counted from the initial number."},
		{Name: "rel_right", Kind: render.Int, Doc: "The same counted from the initial number."},
	}
	return c
}

// callColumns are the columns of application calls, timers and notes.
func callColumns() []render.Column[event.Event] {
	return []render.Column[event.Event]{
		eventWord("call", "Call of the application: listen, connect, established, accept, write, receive, eof, shutdown, close or failed.", func(e *event.Event) string { return e.App.Call.String() }),
		eventInt("bytes", render.Int, "bytes", "Bytes that a call moved.",
			func(e *event.Event) bool {
				return e.Kind == event.KindApp && (e.App.Call == event.Write || e.App.Call == event.Receive)
			}, func(e *event.Event) int64 { return int64(e.App.Bytes) }),
		eventWord("error", "Why a call failed.", func(e *event.Event) string { return e.App.Err }),
		eventWord("timer", "Timer that expired: rto.", func(e *event.Event) string { return e.Timer.Kind.String() }),
		eventWord("timer_how", "Where timer comes from: inferred.", func(e *event.Event) string { return e.Timer.How.String() }),
		eventWord("level", "Weight of a note: info or warning.", func(e *event.Event) string {
			if e.Kind != event.KindNote {
				return ""
			}
			return e.Level.String()
		}),
		eventWord("text", "Sentence of a note.", func(e *event.Event) string { return e.Text }),
	}
}
