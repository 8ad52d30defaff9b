package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// derivedField is one value that follows from the events: its documentation, and how it is set.
type derivedField struct {
	render.Field
	set func(*event.Event, *render.Value)
}

// derivedFields are the members of derived in the order of event.AppendJSON.
func derivedFields() []derivedField {
	type d = event.Derived
	number := func(name, unit, doc string, known func(*d) bool, get func(*d) int64) derivedField {
		return derivedField{render.Field{Name: name, Kind: render.Int, Unit: unit, Doc: doc}, func(e *event.Event, v *render.Value) {
			if known(&e.Derived) {
				v.Int(get(&e.Derived))
			}
		}}
	}
	word := func(name, doc string, get func(*d) string) derivedField {
		return derivedField{render.Field{Name: name, Kind: render.String, Doc: doc}, func(e *event.Event, v *render.Value) {
			if s := get(&e.Derived); s != "" {
				v.Str(s)
			}
		}}
	}
	truth := func(name, doc string, get func(*d) bool) derivedField {
		return derivedField{render.Field{Name: name, Kind: render.Bool, Doc: doc}, func(e *event.Event, v *render.Value) {
			if get(&e.Derived) {
				v.Bool(true)
			}
		}}
	}
	hasSeq, hasAck := func(d *d) bool { return d.HasRelSeq }, func(d *d) bool { return d.HasRelAck }
	sent := func(d *d) bool { return d.SentN != 0 }
	sentAt := number("sent_t_ns", "ns", "Time of its departure.", sent, func(d *d) int64 { return d.SentT })
	sentAt.Kind = render.Duration
	return []derivedField{
		number("rel_seq", "", "Sequence number counted from the sender's initial one, without wrap.", hasSeq, func(d *d) int64 { return d.RelSeq }),
		number("rel_end", "", "The number behind the segment's last.", hasSeq, func(d *d) int64 { return d.RelEnd }),
		number("rel_ack", "", "Acknowledgement number counted from the peer's initial one, without wrap.", hasAck, func(d *d) int64 { return d.RelAck }),
		number("window", "bytes", "Window as the two SYNs scale it.", func(d *d) bool { return d.HasWindow }, func(d *d) int64 { return int64(d.Window) }),
		{render.Field{Name: "rel_sack", Kind: render.List, Doc: "SACK blocks counted from the peer's initial number.", Sub: blockFields()}, setRelSack},
		number("attempt", "", "How often these sequence numbers were transmitted by now: 1 for the first time.", func(d *d) bool { return d.Attempt != 0 }, func(d *d) int64 { return int64(d.Attempt) }),
		word("why", "Reason of the transmission: new, ack, rto, fast, tlp, window-probe, keepalive, reset, challenge-ack, delayed-ack, pmtu, or retransmit where the cause is not known.", func(d *d) string { return d.Why.String() }),
		word("why_how", "Where why comes from: computed or inferred.", func(d *d) string { return d.WhyHow.String() }),
		number("sent_n", "", "Number of the event in which the segment left.", sent, func(d *d) int64 { return int64(d.SentN) }),
		sentAt,
		truth("repeat", "A departing segment takes sequence numbers that have left before.", func(d *d) bool { return d.Repeat }),
		truth("spurious", "All that it repeats had arrived at the other end when it left.", func(d *d) bool { return d.Spurious }),
		truth("copy", "An arriving segment is a copy that the link made, or has arrived or was lost before.", func(d *d) bool { return d.Copy }),
		truth("stale", "All octets of an arriving segment had arrived before.", func(d *d) bool { return d.Stale }),
		number("newly_acked", "", "Sequence numbers that an arriving acknowledgment covers for the first time.", func(d *d) bool { return d.NewlyAcked != 0 }, func(d *d) int64 { return d.NewlyAcked }),
		number("dup_ack", "", "Number of an arriving duplicate acknowledgment since the last that was none (RFC 5681, RFC 6675).", func(d *d) bool { return d.DupAck != 0 }, func(d *d) int64 { return int64(d.DupAck) }),
		word("dup_cause", "What made the receiver acknowledge the same number again: loss, reordering or duplicate.", func(d *d) string { return d.DupCause.String() }),
		word("gap", "Why octets right before those of an arriving segment have not arrived: loss, or reordering where they are on their way.", func(d *d) string { return d.Gap.String() }),
		word("wireshark", "With --wireshark: what its tcp.analysis says of this packet at this tap, words with a blank between them, or none.", func(d *d) string { return d.Wireshark.String() }),
		word("wireshark_misread", "With --wireshark: how that differs from what happened, one word; see WIRESHARK in gnet-trace(8).", func(d *d) string { return d.Misread.String() }),
	}
}

func setRelSack(e *event.Event, v *render.Value) {
	n := min(int(e.Seg.Opts.NSack), event.MaxBlocks)
	if n == 0 || !e.Derived.HasRelAck {
		return
	}
	for _, b := range e.Derived.RelSack[:n] {
		block := v.Object(2)
		block[0].Int(b.First)
		block[1].Int(b.Last)
	}
}

// derivedColumn is all that is derived as one object.
func derivedColumn() render.Column[event.Event] {
	fields := derivedFields()
	c := column("derived", render.Object, "", "What follows from this event and those before; it is computed anew when a stored run is read. "+
		"In csv and table each member is a column whose name begins with derived_.", func(e *event.Event, v *render.Value) {
		if e.Derived == (event.Derived{}) {
			return
		}
		members := v.Members(len(fields))
		for i := range fields {
			fields[i].set(e, &members[i])
		}
	})
	for _, f := range fields {
		c.Sub = append(c.Sub, f.Field)
	}
	return c
}

// derivedFlatColumns are the members of derived as columns.
func derivedFlatColumns() []render.Column[event.Event] {
	var columns []render.Column[event.Event]
	for _, f := range derivedFields() {
		f.Name = "derived_" + f.Name
		columns = append(columns, render.Column[event.Event]{Field: f.Field, Get: f.set})
	}
	return columns
}
