package main

import (
	"gnet/internal/render"
	"gnet/ping"
)

// pingTargetsSchema names the machine form of ping with many targets.
const pingTargetsSchema = "gnet/ping-targets/1"

// manyEvent is one event of a run with many targets.
type manyEvent struct {
	echoRow
	target *manyTarget // nil: it belongs to none
}

// manyEventColumns are the columns of an event: what it belongs to, and those
// of ping with one target.
func manyEventColumns() []render.Column[manyEvent] {
	type row = manyEvent
	columns := []render.Column[row]{
		column("target", render.String, "", "Target as it was written, or its address; absent of what belongs to none.",
			func(r *row, v *render.Value) {
				if r.target != nil {
					v.Str(r.target.label())
				}
			}),
		column("address", render.Addr, "", "Address of the target.", func(r *row, v *render.Value) {
			if r.target != nil {
				v.Addr(r.target.Addr)
			}
		}),
	}
	for _, c := range echoEventColumns() {
		columns = append(columns, render.Column[row]{Field: c.Field, Get: func(r *row, v *render.Value) { c.Get(&r.echoRow, v) }})
	}
	return columns
}

// manyResultColumns are the columns of a target.
func manyResultColumns() []render.Column[manyResult] {
	type row = manyResult
	type value = render.Value
	f := figures[row](func(r *row) *ping.Stats {
		if r.missing != "" {
			return nil
		}
		return r.stats
	})
	columns := []render.Column[row]{
		column("target", render.String, "", "Target as it was written, or its address.", func(r *row, v *value) { v.Str(r.target.label()) }),
		column("address", render.Addr, "", "Address that was pinged; absent when none was found.", func(r *row, v *value) {
			if r.missing == "" {
				v.Addr(r.target.Addr)
			}
		}),
		column("answered", render.Bool, "", "A probe was answered.", func(r *row, v *value) { v.Bool(r.stats.Received > 0) }),
	}
	columns = append(append(columns, f.totals()...), f.flaws()...)
	columns = append(columns, f.count("lost", "Probes that were sent and not answered.", (*ping.Stats).Lost), f.explained(), f.loss())
	columns = append(columns, f.roundTrips()...)
	return append(columns,
		column("trouble", render.String, "", "What was last wrong: an ICMP error, why a probe was not sent, or why there is no address.",
			func(r *row, v *value) {
				if text := r.trouble(); text != "" {
					v.Str(text)
				}
			}),
		column("trouble_from", render.Addr, "", "Host that sent the ICMP error.", func(r *row, v *value) {
			if r.last.kind == ping.ICMPError {
				v.Addr(r.last.from)
			}
		}))
}

// manySumColumns are the columns of the summary.
func manySumColumns() []render.Column[manySum] {
	type row = manySum
	type value = render.Value
	count := func(name, doc string, get func(*row) int64) render.Column[row] {
		return column(name, render.Int, "", doc, func(r *row, v *value) { v.Int(get(r)) })
	}
	return []render.Column[row]{
		count("targets", "Targets that have an address.", func(r *row) int64 { return int64(r.Targets) }),
		count("answered", "Targets that answered.", func(r *row) int64 { return int64(r.Answered) }),
		count("not_found", "Targets without an address.", func(r *row) int64 { return int64(r.Missing) }),
		count("left_out", "Targets that were left out because another one has their address.", func(r *row) int64 { return int64(r.results.run.targets.twice) }),
		column("data_bytes", render.Int, "bytes", "Data bytes of each probe.", func(r *row, v *value) { v.Int(int64(r.results.run.o.Size)) }),
		column("socket_ipv4", render.String, "", "Kind of socket for IPv4: SOCK_RAW or SOCK_DGRAM; absent without a target.", socketKind(4)),
		column("socket_ipv6", render.String, "", "The same for IPv6.", socketKind(6)),
		count("transmitted", "Probes that our own kernel took to send.", func(r *row) int64 { return r.Transmitted }),
		count("not_sent", "Probes that our own kernel refused; they are no loss.", func(r *row) int64 { return r.NotSent }),
		count("received", "Probes that were answered.", func(r *row) int64 { return r.Received }),
		count("duplicates", "Further answers to the same probes.", func(r *row) int64 { return r.Duplicates }),
		count("corrupted", "Answers with a wrong checksum.", func(r *row) int64 { return r.Corrupted }),
		count("errors", "ICMP errors about probes.", func(r *row) int64 { return r.Errors }),
		count("foreign", "Echo replies and ICMP errors that belong to no probe, of targets and of others.", func(r *row) int64 { return r.Foreign }),
		count("late", "Answers later than -W allows for; they are among the received.", func(r *row) int64 { return r.Late }),
		count("own_drops", "Packets for which our own receive buffers had no room.", func(r *row) int64 { return r.OwnDrops }),
		count("damaged", "Packets that our own kernel dropped for a wrong ICMPv6 checksum, other programs' too; they are no answers.", func(r *row) int64 { return r.Damaged }),
		count("back_offs", "How often a full device queue made probes wait.", func(r *row) int64 { return r.BackOffs }),
		column("loss_percent", render.Float, "", "Share of the transmitted without an answer, less own_drops; absent when no probe was sent.", func(r *row, v *value) {
			if loss, ok := r.loss(); ok {
				v.Float(loss)
			}
		}),
		column("elapsed_ns", render.Duration, "ns", "Time from the first probe to the last.", func(r *row, v *value) { v.Duration(r.results.sweep.Elapsed()) }),
	}
}

func socketKind(family int) func(*manySum, *render.Value) {
	return func(r *manySum, v *render.Value) {
		for _, f := range r.results.run.families() {
			if int(f) == family {
				v.Str(r.results.run.sockets.of(f).Mode().String())
			}
		}
	}
}
