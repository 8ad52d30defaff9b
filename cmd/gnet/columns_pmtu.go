package main

import (
	"gnet/internal/render"
	"gnet/ping/path"
)

// pmtuSchema names the machine form of ping --pmtu: a row for each probe, and a
// summary with the answers.
const pmtuSchema = "gnet/ping-pmtu/1"

// pmtuDocument writes probes as rows.
type pmtuDocument struct {
	e    *env
	o    *pingOptions
	doc  *render.Document
	rows *render.Rows[path.Probe]
}

func newPMTUDocument(e *env, o *pingOptions) *pmtuDocument {
	doc := e.document(o.Format, pmtuSchema)
	return &pmtuDocument{e: e, o: o, doc: doc, rows: render.NewRows(doc, pmtuColumns())}
}

// probe writes one row. With -q there is only the summary.
func (d *pmtuDocument) probe(p *path.Probe) {
	if !d.o.Quiet {
		d.rows.Write(p) // a write error is kept by the document
	}
}

func (d *pmtuDocument) close(run *pathRun, r *path.Result) error {
	text := &pmtuText{e: d.e, o: d.o, run: run, r: r}
	render.Summary(d.doc, pmtuSummaryColumns(), &pmtuSummary{run, r, text.unknown()})
	return d.e.closeDocument(d.doc)
}

// pmtuSummary is what one measurement found.
type pmtuSummary struct {
	run     *pathRun
	r       *path.Result
	unknown []string
}

// pmtuColumns are the columns of a probe.
func pmtuColumns() []render.Column[path.Probe] {
	type row = path.Probe
	type value = render.Value
	number := func(name, unit, doc string, get func(*row) int) render.Column[row] {
		return column(name, render.Int, unit, doc, func(r *row, v *value) {
			if n := get(r); n > 0 {
				v.Int(int64(n))
			}
		})
	}
	claims := column("claims", render.List, "", "What routers said of its length.", func(r *row, v *value) {
		for _, c := range r.Claims {
			object := v.Object(2)
			object[0].Int(int64(c.MTU))
			object[1].Addr(c.From)
		}
	})
	claims.Sub = []render.Field{{Name: "mtu", Kind: render.Int, Unit: "bytes", Doc: "MTU that it named, 0 for none."},
		{Name: "from", Kind: render.Addr, Doc: "Router that said so."}}
	return []render.Column[row]{
		column("round", render.Int, "", "Number of the round in which it was sent, from 1.", func(r *row, v *value) { v.Int(int64(r.Round)) }),
		column("method", render.String, "", "What it asked for: icmp (an echo reply), udp (a closed port) or tcp (an answer to a SYN).",
			func(r *row, v *value) { v.Str(r.Method.String()) }),
		column("bytes", render.Int, "bytes", "Length of the IP packet before anybody fragments it.", func(r *row, v *value) { v.Int(int64(r.Size)) }),
		number("ttl", "", "Time to live or hop limit it was sent with; absent when it is the host's.", func(r *row) int { return r.TTL }),
		column("may_fragment", render.Bool, "", "Whether routers or this host may fragment it.", func(r *row, v *value) { v.Bool(r.Fragment) }),
		number("fragment_bytes", "bytes", "Largest fragment in which this host sends it, as it was asked for.", func(r *row) int { return r.FragmentSize }),
		column("time", render.Time, "", "When it was sent.", func(r *row, v *value) { v.Time(r.At) }),
		column("fate", render.String, "", "What became of it: answered, silent, too_big, time_exceeded, unreachable or not_sent.",
			func(r *row, v *value) { v.Str(r.Fate.String()) }),
		column("from", render.Addr, "", "Host that answered or complained.", func(r *row, v *value) { v.Addr(r.From) }),
		column("rtt_ns", render.Duration, "ns", "Time until then.", func(r *row, v *value) {
			if r.From.IsValid() {
				v.Duration(r.RTT)
			}
		}),
		column("reply_ttl", render.Int, "", "Time to live that the answer had left.", func(r *row, v *value) {
			if r.ReplyTTL >= 0 {
				v.Int(int64(r.ReplyTTL))
			}
		}),
		number("reply_bytes", "bytes", "Length of the IP packet of the reply.", func(r *row) int { return r.ReplySize }),
		number("reply_fragment_bytes", "bytes", "Largest fragment in which the reply came; absent when it came whole.", func(r *row) int { return r.ReplyFragment }),
		claims,
		column("late", render.Bool, "", "The answer came after the end of its round.", func(r *row, v *value) {
			if r.Late {
				v.Bool(true)
			}
		}),
		number("link_mtu", "bytes", "MTU of our own link, which refused it.", func(r *row) int { return r.MTU }),
	}
}
