package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/internal/wire"
	"gnet/ping"
	"gnet/ping/probe"
)

// pingSchema names the machine form of ping's events and summary.
const pingSchema = "gnet/ping/1"

// pingDocument writes events as rows.
type pingDocument struct {
	e      *env
	doc    *render.Document
	rows   *render.Rows[echoRow]
	series *pingSeries
	o      *pingOptions
	// notices is how many there were.
	notices int
}

func newPingDocument(e *env, o *pingOptions, series *pingSeries) *pingDocument {
	doc := e.document(o.Format, pingSchema)
	return &pingDocument{e: e, doc: doc, rows: render.NewRows(doc, echoColumns()), series: series, o: o}
}

// event writes one row at once: somebody may be watching. With -q there is only
// the summary.
func (d *pingDocument) event(ev *ping.Event) {
	switch ev.Kind {
	case ping.Status:
		(&pingPrinter{e: d.e, o: d.o, series: *d.series}).status(ev.Stats)
		return
	case ping.Notice:
		d.notice(ev.Text)
		return
	}
	if d.o.Quiet {
		return
	}
	d.rows.Write(&echoRow{ev, d.series.Family})
	d.doc.Flush()
	d.e.Stdout.Flush()
}

// maxNotices bounds what a document keeps in memory until its end.
const maxNotices = 1000

// notice makes a note of what happened on this host; in jsonl it stands where it
// happened.
func (d *pingDocument) notice(text string) {
	if !d.o.Quiet {
		d.e.tell("%s: %s", d.e.Name, text)
	}
	if d.notices++; d.o.Format != render.JSON || d.notices <= maxNotices {
		d.doc.Note("warning", text)
	}
	d.doc.Flush()
	d.e.Stdout.Flush()
}

func (d *pingDocument) full() bool { return d.e.Stdout.err.err != nil }

func (d *pingDocument) drain() {}

func (d *pingDocument) close(s *ping.Stats) error {
	if d.o.Format == render.JSON && d.notices > maxNotices {
		d.e.warn("%d more changes of this host were seen and not noted", d.notices-maxNotices)
	}
	render.Summary(d.doc, echoSummaryColumns(), &echoSummary{d.series, s, d.o.Size})
	return d.e.closeDocument(d.doc)
}

// echoSummary is the summary of one run.
type echoSummary struct {
	series *pingSeries
	stats  *ping.Stats
	size   int
}

// column returns one column of a table; it keeps the tables below readable.
func column[T any](name string, kind render.Kind, unit, doc string, get func(*T, *render.Value)) render.Column[T] {
	return render.Column[T]{Field: render.Field{Name: name, Kind: kind, Unit: unit, Doc: doc}, Get: get}
}

// echoRow is one event, with what its words depend on.
type echoRow struct {
	*ping.Event
	family probe.Family
}

// isReply reports whether the event is an echo reply of any kind.
func (r *echoRow) isReply() bool {
	switch r.Kind {
	case ping.Reply, ping.Duplicate, ping.Corrupted:
		return true
	case ping.Foreign:
		return r.Type == 0 // else it is an ICMP error
	}
	return false
}

// isICMP reports whether the event is an ICMP error or advice, of any kind.
func (r *echoRow) isICMP() bool {
	return r.Kind == ping.ICMPError || r.Kind == ping.Advice || r.Kind == ping.Foreign && r.Type != 0
}

// echoColumns are the columns of a row of ping.
func echoColumns() []render.Column[echoRow] {
	return slices.Concat(echoEventColumns(), echoOptionColumns(), echoNodeColumns())
}

// echoEventColumns are those that every run may have, with whatever options.
func echoEventColumns() []render.Column[echoRow] {
	type row = echoRow
	type value = render.Value
	return []render.Column[row]{
		column("event", render.String, "", "What happened: reply, duplicate, corrupted, foreign, icmp_error, icmp_advice, too_long, not_sent or unanswered.",
			func(r *row, v *value) { v.Str(r.Kind.String()) }),
		column("seq", render.Int, "", "Number of the probe from 1, not cut to the 16 bits on the wire.",
			func(r *row, v *value) { v.Int(r.Seq) }),
		column("time", render.Time, "", "When it happened; of what arrived, by the kernel's stamp if there is one.",
			func(r *row, v *value) { v.Time(r.At) }),
		column("from", render.Addr, "", "Host that answered or complained.",
			func(r *row, v *value) { v.Addr(r.From) }),
		column("bytes", render.Int, "bytes", "Length of the ICMP message that arrived.",
			func(r *row, v *value) {
				if r.isReply() {
					v.Int(int64(r.Bytes))
				}
			}),
		column("ttl", render.Int, "", "Time to live or hop limit of the packet that arrived.",
			func(r *row, v *value) {
				if r.isReply() && r.TTL >= 0 {
					v.Int(int64(r.TTL))
				}
			}),
		column("rtt_ns", render.Duration, "ns", "Time from the probe to its answer or to the error.",
			func(r *row, v *value) {
				if r.Source != 0 {
					v.Duration(r.RTT)
				}
			}),
		column("rtt_source", render.String, "", "How rtt_ns was measured: device (both stamps of the network device), kernel (both stamps), kernel_receive (from before the send call to the kernel's stamp), user, or user_clock_stepped (the time of day was set meanwhile).",
			func(r *row, v *value) {
				if r.Source != 0 {
					v.Str(r.Source.String())
				}
			}),
		column("truncated", render.Bool, "", "The answer has less data than the probe.", replyFlag(func(r *row) bool { return r.Truncated })),
		column("longer", render.Bool, "", "The answer has more data than the probe.", replyFlag(func(r *row) bool { return r.Longer })),
		column("late", render.Bool, "", "The answer came later than -W allows for.", replyFlag(func(r *row) bool { return r.Late })),
		column("wrong_data_at", render.Int, "bytes", "Offset of the first data byte that is not what was sent.",
			func(r *row, v *value) {
				if r.Wrong > 0 {
					v.Int(int64(r.Wrong))
				}
			}),
		column("reason", render.String, "", "Why a foreign reply or error does not count: not_asked, other_data or other_source.",
			func(r *row, v *value) {
				if r.Kind == ping.Foreign {
					v.Str(r.Reason.String())
				}
			}),
		column("icmp_type", render.Int, "", "ICMP type of an error or advice.",
			func(r *row, v *value) {
				if r.isICMP() {
					v.Int(int64(r.Type))
				}
			}),
		column("icmp_code", render.Int, "", "ICMP code of an error or advice.",
			func(r *row, v *value) {
				if r.isICMP() {
					v.Int(int64(r.Code))
				}
			}),
		column("mtu", render.Uint, "bytes", "MTU that a router or our own kernel names.",
			func(r *row, v *value) {
				if r.Kind == ping.TooLong || r.Kind == ping.ICMPError && r.namesMTU() {
					v.Uint(uint64(r.Info))
				}
			}),
		column("message", render.String, "", "The error in words.",
			func(r *row, v *value) {
				switch {
				case r.isICMP() && r.family == probe.IPv4:
					v.Str(icmpv4Sentence(r.Type, r.Code, r.Info))
				case r.isICMP():
					v.Str(icmpv6Sentence(r.Type, r.Code, r.Info))
				case r.Kind == ping.TooLong:
					v.Str("message too long")
				case r.Kind == ping.NotSent:
					v.Str(errnoText(r.Err))
				}
			}),
	}
}

// namesMTU reports whether an ICMP error carries an MTU.
func (r *echoRow) namesMTU() bool {
	if r.family == probe.IPv6 {
		return r.Type == wire.ICMPv6TooBig
	}
	return r.Type == wire.ICMPv4Unreachable && r.Code == wire.ICMPv4FragNeeded
}

// replyFlag is the getter of a flag that only replies have.
func replyFlag(get func(*echoRow) bool) func(*echoRow, *render.Value) {
	return func(r *echoRow, v *render.Value) {
		if r.isReply() {
			v.Bool(get(r))
		}
	}
}

// echoSummaryColumns are the columns of ping's summary.
func echoSummaryColumns() []render.Column[echoSummary] {
	type row = echoSummary
	type value = render.Value
	f := figures[row](func(r *row) *ping.Stats { return r.stats })
	columns := []render.Column[row]{
		column("destination", render.String, "", "The destination as named, or its canonical name.", func(r *row, v *value) { v.Str(r.series.Name) }),
		column("address", render.Addr, "", "Address that was pinged.", func(r *row, v *value) { v.Addr(r.series.Dest) }),
		column("source", render.Addr, "", "Source address that the kernel chose at the start.", func(r *row, v *value) { v.Addr(r.series.Source) }),
		column("socket", render.String, "", "Kind of socket: SOCK_RAW or SOCK_DGRAM.", func(r *row, v *value) { v.Str(r.series.Mode.String()) }),
		column("data_bytes", render.Int, "bytes", "Data bytes of each probe.", func(r *row, v *value) { v.Int(int64(r.size)) }),
	}
	columns = append(columns, f.totals()...)
	columns = append(columns,
		column("responders", render.Int, "", "Hosts that answered; only for a broadcast or multicast destination, where the answers of all but the first are among duplicates.",
			func(r *row, v *value) {
				if r.series.Multicast {
					v.Int(int64(len(r.series.Responders.hosts)))
				}
			}),
		column("repeated", render.Int, "", "Further answers of one host to one probe; only for a broadcast or multicast destination.",
			func(r *row, v *value) {
				if r.series.Multicast {
					v.Int(r.series.Responders.again())
				}
			}))
	columns = append(columns, f.flaws()...)
	columns = append(columns,
		f.count("own_drops", "Packets for which our own receive buffer had no room.", func(s *ping.Stats) int64 { return int64(s.Dropped) }),
		f.count("damaged", "Packets that our own kernel dropped for a wrong ICMPv6 checksum, other programs' too; they are no answers.", func(s *ping.Stats) int64 { return int64(s.Damaged) }),
		f.count("lost", "Probes without an answer that were sent, less own_drops.", (*ping.Stats).Lost),
		f.explained(),
		f.count("back_offs", "How often a full device queue made a probe wait.", func(s *ping.Stats) int64 { return s.BackOffs }),
		f.loss(),
		column("elapsed_ns", render.Duration, "ns", "Time from the first probe to the last.", func(r *row, v *value) { v.Duration(r.stats.Elapsed) }))
	columns = append(columns, f.roundTrips()...)
	return append(columns, echoStatsColumns()...)
}
