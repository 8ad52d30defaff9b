package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
)

// explainSchema names the machine form of ping --explain: a row for each packet of
// the plan and each that was seen.
const explainSchema = "gnet/ping-explain/1"

// explainDocument writes packets as rows, and the events of the run in jsonl.
type explainDocument struct {
	*pingDocument
	x      *explanation
	rows   *render.Rows[explainRow]
	events *render.Rows[echoRow] // nil but in jsonl
}

func newExplainDocument(x *explanation) *explainDocument {
	doc := x.e.document(x.o.Format, explainSchema)
	d := &explainDocument{pingDocument: &pingDocument{e: x.e, doc: doc, series: x.series, o: x.o}, x: x, rows: render.NewRows(doc, explainColumns())}
	if x.o.Format == render.JSONL {
		d.events = render.NewRows(doc, explainEventColumns())
	}
	d.plan(x.plan, 1)
	return d
}

func (d *explainDocument) event(ev *ping.Event) {
	switch {
	case ev.Kind == ping.Status || ev.Kind == ping.Notice:
		d.pingDocument.event(ev)
	case d.events != nil && !d.o.Quiet:
		d.events.Change(&echoRow{ev, d.series.Family})
		d.e.Stdout.Flush()
	}
}

// plan writes the packets of a plan, those of each link behind too.
func (d *explainDocument) plan(p *explainPlan, seq int64) {
	d.planned(p, p.device, p.deviceMTU, p.pieces, seq)
	for i := range p.links {
		l := &p.links[i]
		d.planned(p, l.Name, l.MTU, l.pieces, seq)
	}
}

func (d *explainDocument) planned(p *explainPlan, link string, mtu int, pieces []wire.Fragment, seq int64) {
	header := p.headers(len(pieces))
	for i, f := range pieces {
		d.rows.Write(&explainRow{stage: "plan", link: link, mtu: mtu, number: i + 1, seq: seq, p: &seenPacket{Src: p.series.Source, Dst: p.series.Target,
			Length: header + f.Length, Header: header, Piece: f, DF: p.df, TTL: uint8(p.header.TTL), six: p.six()}})
	}
}

func (d *explainDocument) datagram(g *seenDatagram) {
	if d.o.Quiet {
		return
	}
	message := "request"
	if g.Reply {
		message = "reply"
	}
	for i := range g.packets {
		row := &explainRow{stage: "seen", message: message, link: d.x.plan.device, mtu: d.x.plan.deviceMTU, number: i + 1, seq: int64(g.Seq), p: &g.packets[i]}
		if g.plan != nil {
			row.judged, row.asPlanned = true, g.matches(i)
		}
		d.rows.Write(row)
	}
}

func (d *explainDocument) complaint(c *seenPacket) {
	if !d.o.Quiet {
		d.rows.Write(&explainRow{stage: "seen", message: "error", link: d.x.plan.device, mtu: d.x.plan.deviceMTU, number: 1, seq: int64(c.Seq), p: c})
	}
}

func (d *explainDocument) close(s *ping.Stats) error {
	render.Summary(d.doc, explainSummaryColumns(), &explainSummary{echoSummary{d.series, s, d.o.Size}, d.x})
	return d.e.closeDocument(d.doc)
}

// explainRow is one packet, planned or seen.
type explainRow struct {
	stage, message, link string
	mtu, number          int
	seq                  int64
	p                    *seenPacket
	judged, asPlanned    bool
}

func (r *explainRow) seen() bool { return r.stage == "seen" }

// explainEventColumns are the columns of an event; -N does not go with --explain.
func explainEventColumns() []render.Column[echoRow] {
	return slices.Concat(echoEventColumns(), echoOptionColumns())
}

// explainColumns are the columns of a packet.
func explainColumns() []render.Column[explainRow] {
	type row = explainRow
	type value = render.Value
	number := func(name, unit, doc string, get func(*row) int) render.Column[row] {
		return column(name, render.Int, unit, doc, func(r *row, v *value) { v.Int(int64(get(r))) })
	}
	when := func(c render.Column[row], is func(*row) bool) render.Column[row] {
		get := c.Get
		c.Get = func(r *row, v *value) {
			if is(r) {
				get(r, v)
			}
		}
		return c
	}
	failed := func(r *row) bool { return r.p.isError }
	return []render.Column[row]{
		column("stage", render.String, "", "plan (what will be) or seen (what was).", func(r *row, v *value) { v.Str(r.stage) }),
		column("seq", render.Int, "", "Number of the probe; of a plan the first one that it is for.", func(r *row, v *value) { v.Int(r.seq) }),
		when(column("message", render.String, "", "Of what was seen: request, reply or error.", func(r *row, v *value) { v.Str(r.message) }), (*row).seen),
		column("link", render.String, "", "Link that the packet passes: our device, or one behind it.", func(r *row, v *value) { v.Str(r.link) }),
		number("link_mtu", "bytes", "MTU of that link.", func(r *row) int { return r.mtu }),
		number("number", "", "Place of the packet among those of its datagram, from 1.", func(r *row) int { return r.number }),
		when(column("time", render.Time, "", "When it was seen.", func(r *row, v *value) { v.Time(r.p.At) }), (*row).seen),
		column("from", render.Addr, "", "Source address.", func(r *row, v *value) { v.Addr(r.p.Src) }),
		column("to", render.Addr, "", "Destination address.", func(r *row, v *value) { v.Addr(r.p.Dst) }),
		when(column("id", render.Uint, "", "Identification that the fragments of a datagram share; the kernel chooses it.", func(r *row, v *value) { v.Uint(uint64(r.p.ID)) }),
			func(r *row) bool { return r.seen() && (!r.p.six || r.p.isFragment()) }),
		number("bytes", "bytes", "Length of the packet.", func(r *row) int { return r.p.Length }),
		number("header_bytes", "bytes", "Length of its IP header, with the Fragment header of IPv6.", func(r *row) int { return r.p.Header }),
		number("data_bytes", "bytes", "Length of what follows; in the first packet of a datagram with the ICMP header.", func(r *row) int { return r.p.Piece.Length }),
		number("offset", "bytes", "Where these data begin in the datagram.", func(r *row) int { return r.p.Piece.Offset }),
		number("offset_units", "", "The same in units of 8 bytes, as the header has it.", func(r *row) int { return r.p.Piece.Units() }),
		when(column("df", render.Bool, "", "Don't fragment; IPv4 only.", func(r *row, v *value) { v.Bool(r.p.DF) }), func(r *row) bool { return !r.p.six }),
		column("mf", render.Bool, "", "More fragments follow.", func(r *row, v *value) { v.Bool(r.p.Piece.MF) }),
		number("ttl", "", "Time to live or hop limit.", func(r *row) int { return int(r.p.TTL) }),
		when(column("as_planned", render.Bool, "", "Whether a packet that left is the one that was planned.", func(r *row, v *value) { v.Bool(r.asPlanned) }),
			func(r *row) bool { return r.judged }),
		when(number("icmp_type", "", "ICMP type of an error.", func(r *row) int { return int(r.p.Type) }), failed),
		when(number("icmp_code", "", "ICMP code of an error.", func(r *row) int { return int(r.p.Code) }), failed),
		when(column("error", render.String, "", "The error in words.", func(r *row, v *value) { v.Str(complaintText(r.p)) }), failed),
		when(column("quoted_id", render.Uint, "", "Identification of the packet that an error quotes.", func(r *row, v *value) { v.Uint(uint64(r.p.Quote.ID)) }), failed),
	}
}

// explainSummary is the summary of a run with its explanation.
type explainSummary struct {
	echoSummary
	x *explanation
}

// explainSummaryColumns are those of a run, and of what was planned and seen.
func explainSummaryColumns() []render.Column[explainSummary] {
	type row = explainSummary
	type value = render.Value
	var columns []render.Column[row]
	for _, c := range echoSummaryColumns() {
		columns = append(columns, render.Column[row]{Field: c.Field, Get: func(r *row, v *value) { c.Get(&r.echoSummary, v) }})
	}
	plan := func(name, unit, doc string, get func(*explainPlan) int) render.Column[row] {
		return column(name, render.Int, unit, doc, func(r *row, v *value) { v.Int(int64(get(r.x.plan))) })
	}
	seen := func(name, doc string, get func(*explainTally) int) render.Column[row] {
		return column(name, render.Int, "", doc, func(r *row, v *value) {
			if r.x.unseen == nil {
				v.Int(int64(get(&r.x.tally)))
			}
		})
	}
	return slices.Concat(columns, []render.Column[row]{
		column("device", render.String, "", "Device that the probes leave through.", func(r *row, v *value) { v.Str(r.x.plan.device) }),
		plan("device_mtu", "bytes", "MTU of that device.", func(p *explainPlan) int { return p.deviceMTU }),
		plan("route_mtu", "bytes", "MTU by which the kernel cuts: of the route, or as a router has said.", func(p *explainPlan) int { return p.routeMTU }),
		column("mtu_discovery", render.String, "", "Mode in force: dont, want, do or probe.", func(r *row, v *value) { v.Str(modeWord(r.x.plan.header.MTU)) }),
		plan("datagram_bytes", "bytes", "Length of the datagram before it is cut.", (*explainPlan).total),
		plan("planned_packets", "", "Packets that leave for each probe by the last plan; 0 when the kernel refuses it.", func(p *explainPlan) int { return len(p.pieces) }),
		column("seen", render.Bool, "", "Whether the wire could be seen; without, the keys below are absent.", func(r *row, v *value) { v.Bool(r.x.unseen == nil) }),
		column("unseen_reason", render.String, "", "Why it could not.", func(r *row, v *value) {
			if text := r.x.blindness(); text != "" {
				v.Str(text)
			}
		}),
		seen("requests_seen", "Requests that left.", func(t *explainTally) int { return t.Requests }),
		seen("requests_as_planned", "Those that left as planned.", func(t *explainTally) int { return t.AsPlanned }),
		seen("request_packets", "Packets in which they left.", func(t *explainTally) int { return t.Packets }),
		seen("replies_seen", "Whole replies that came.", func(t *explainTally) int { return t.Replies }),
		seen("reply_packets", "Packets in which replies came.", func(t *explainTally) int { return t.ReplyPackets }),
		seen("reply_longest_bytes", "Length of the longest of these that is not the last of its reply; 0 when none was cut.", func(t *explainTally) int { return t.ReplyLongest }),
		seen("reassembly_timeouts", "Messages that a host gave up a datagram for want of a fragment.", func(t *explainTally) int { return t.Timeouts }),
		seen("incomplete", "Datagrams of which only a part was seen.", func(t *explainTally) int { return t.Incomplete }),
		seen("stray_fragments", "Fragments from the host without their first.", func(t *explainTally) int { return t.Strays }),
		seen("unread_packets", "Packets for which the packet socket had no room.", func(t *explainTally) int { return t.Drops }),
	})
}
