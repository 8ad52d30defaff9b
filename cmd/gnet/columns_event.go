package main

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"

	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// eventColumns are the columns of an event of gnet trace, in the order of event.AppendJSON: a test holds the two
// together, so a document and a stored run have the same keys. What is derived is one object.
func eventColumns() []render.Column[event.Event] {
	return append(factColumns(), packetColumn(), reassemblyColumn(), derivedColumn())
}

// eventFlatColumns are the same for formats without objects: the members of objects have columns of their own.
func eventFlatColumns() []render.Column[event.Event] {
	return slices.Concat(factColumns(), packetFlatColumns(), reassemblyFlatColumns(), derivedFlatColumns())
}

// eventRows gives the writer of events in a document of format f.
func eventRows(doc *render.Document, f render.Format) *render.Rows[event.Event] {
	if f == render.CSV || f == render.Table {
		return render.NewRows(doc, eventFlatColumns())
	}
	return render.NewRows(doc, eventColumns())
}

// factColumns are the columns of what was observed.
func factColumns() []render.Column[event.Event] {
	columns := []render.Column[event.Event]{
		eventInt("t_ns", render.Duration, "ns", "Time since the start of the run.", always, func(e *event.Event) int64 { return e.T }),
		eventInt("n", render.Int, "", "Running number from 1; events are in the order of (t_ns, n).", always, func(e *event.Event) int64 { return int64(e.N) }),
		eventWord("clock", "What the times mean: virtual, or mono (CLOCK_MONOTONIC).", func(e *event.Event) string { return e.Clock.String() }),
		eventWord("event", "What happened: run, tx, rx, lost, fault, icmp, state, vars, app, timer, check, note, counters, expectation, discard, reassembly, frame or end.", func(e *event.Event) string { return e.Kind.String() }),
		eventWord("host", "The end at whose tap it was seen, client or server; of a segment that was lost or changed on its way the sender.", func(e *event.Event) string { return e.Host.String() }),
		eventInt("conn", render.Int, "", "Number of the connection, from 1.", func(e *event.Event) bool { return e.Conn != 0 }, func(e *event.Event) int64 { return int64(e.Conn) }),
	}
	columns = append(columns, segmentColumns()...)
	columns = append(columns, faultColumns()...)
	columns = append(columns, happeningColumns()...)
	columns = append(columns, runColumns()...)
	columns = append(columns, endColumns()...)
	columns = append(columns, expectationColumns()...)
	columns = append(columns,
		eventWord("from", "State before a change of state.", func(e *event.Event) string { return e.From.String() }),
		eventWord("state", "TCP state of the end: when it transmitted, before it processed what arrived, or the new one.", func(e *event.Event) string { return e.State.String() }),
		eventWord("state_how", "Where state comes from: read, computed, inferred or told (by the script of an end without a stack).", func(e *event.Event) string { return e.StateHow.String() }))
	columns = append(columns, variableColumns()...)
	return append(columns, eventWord("evidence", "What the stack of a sender showed that speaks for a reason: words with a blank between them.",
		func(e *event.Event) string { return e.Evidence.String() }))
}

// always holds for every event.
func always(*event.Event) bool { return true }

// isSegment holds for the events that are about a segment.
func isSegment(e *event.Event) bool {
	switch e.Kind {
	case event.KindTx, event.KindRx, event.KindLost, event.KindFault, event.KindICMP:
		return e.Packet == nil
	}
	return false
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
		when("ip_id", "", "Identification of the IPv4 header.", func(s *event.Segment) bool { return !s.Dst.Addr().Is6() }, func(s *event.Segment) int64 { return int64(s.IPID) }),
		segment("ttl", "", "Time to live or hop limit of the IP header.", func(s *event.Segment) int64 { return int64(s.Hop) }),
		column("flags", render.String, "", "Control bits, comma between them: SYN,ACK.", func(e *event.Event, v *render.Value) {
			if isSegment(e) { // one without any is known to have none
				v.Str(e.Seg.Flags.String())
			}
		}),
		segment("seq", "", "Sequence number in the header.", func(s *event.Segment) int64 { return int64(s.Seq) }),
		when("ack", "", "Acknowledgement number in the header.", func(s *event.Segment) bool { return s.Flags.Has(event.ACK) }, func(s *event.Segment) int64 { return int64(s.Ack) }),
		segment("win", "", "Window field of the header.", func(s *event.Segment) int64 { return int64(s.Win) }),
		segment("len", "bytes", "Length of the payload.", func(s *event.Segment) int64 { return int64(s.Len) }),
		when("size", "bytes", "Length of the IP packet.", func(s *event.Segment) bool { return s.Size != 0 }, func(s *event.Segment) int64 { return int64(s.Size) }),
		when("mss", "bytes", "Maximum segment size option.", option(event.OptMSS), func(s *event.Segment) int64 { return int64(s.Opts.MSS) }),
		when("wscale", "bits", "Window scale option: the shift.", option(event.OptWScale), func(s *event.Segment) int64 { return int64(s.Opts.WScale) }),
		eventBool("sack_permitted", "The SACK-permitted option is there.", func(e *e) bool { return isSegment(e) && e.Seg.Opts.Has&event.OptSackPermitted != 0 }, always),
		when("ts_val", "", "Timestamp value.", option(event.OptTimestamps), func(s *event.Segment) int64 { return int64(s.Opts.TSVal) }),
		when("ts_ecr", "", "Timestamp echo reply.", option(event.OptTimestamps), func(s *event.Segment) int64 { return int64(s.Opts.TSEcr) }),
		blockColumn("sack", "SACK blocks.", func(e *e) ([]event.Block, bool) {
			o := &e.Seg.Opts
			return o.Sack[:min(int(o.NSack), event.MaxBlocks)], isSegment(e) && o.Has&event.OptSack != 0
		}),
		segmentWord("hash", "FNV-1a 64 of the payload, hexadecimal.", func(s *event.Segment) string {
			if s.Len == 0 {
				return ""
			}
			return strconv.FormatUint(s.Hash, 16)
		}),
		eventBool("checksum_ok", "The TCP checksum is right.", isSegment, func(e *e) bool { return !e.Seg.BadSum }),
	}
	columns = append(columns,
		segmentWord("crafted", "Who made a segment that no stack made: inject, somebody between the ends, or peer, an end that follows a script.", func(s *event.Segment) string { return s.Origin.String() }),
		segmentWord("crafted_line", "The words of the run that made it.", func(s *event.Segment) string { return s.Line }))
	return append(columns, segmentWord("wire", "The first bytes of the IP packet as it was on the wire, hexadecimal; the run has snap of them.",
		func(s *event.Segment) string { return hex.EncodeToString([]byte(s.Wire)) }))
}

func segmentWord(name, doc string, get func(*event.Segment) string) render.Column[event.Event] {
	return eventWord(name, doc, func(e *event.Event) string {
		if !isSegment(e) {
			return ""
		}
		return get(&e.Seg)
	})
}

func eventAddr(name, doc string, get func(*event.Segment) netip.Addr) render.Column[event.Event] {
	return column(name, render.Addr, "", doc, func(e *event.Event, v *render.Value) {
		if isSegment(e) {
			v.Addr(get(&e.Seg))
		}
	})
}

// blockColumn lists pieces of sequence space.
func blockColumn(name, doc string, get func(*event.Event) ([]event.Block, bool)) render.Column[event.Event] {
	c := column(name, render.List, "", doc, func(e *event.Event, v *render.Value) {
		blocks, known := get(e)
		if !known {
			return
		}
		v.EmptyList()
		for _, b := range blocks {
			block := v.Object(2)
			block[0].Int(int64(b.Left))
			block[1].Int(int64(b.Right))
		}
	})
	c.Sub = blockFields()
	return c
}

func blockFields() []render.Field {
	return []render.Field{{Name: "left", Kind: render.Int, Doc: "First sequence number of the block."},
		{Name: "right", Kind: render.Int, Doc: "Sequence number behind the block."}}
}
