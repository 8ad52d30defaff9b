package main

import (
	"net/netip"

	"gnet/internal/render"
	"gnet/ping/path"
)

// tracepathSchema names the machine form of tracepath.
const tracepathSchema = "gnet/tracepath/1"

// hopDocument writes a trace in a machine format: a row for each hop.
type hopDocument struct {
	e   *env
	t   *hopTrace
	doc *render.Document
	// steps are the MTUs that were found, by hop.
	steps map[int][]hopStep
}

// hopStep is an MTU that is less than the one before.
type hopStep struct {
	mtu  int
	kind path.HopKind
	from netip.Addr
}

func newHopDocument(e *env, o *tracepathOptions, t *hopTrace) *hopDocument {
	return &hopDocument{e: e, t: t, doc: e.document(o.Format, tracepathSchema), steps: make(map[int][]hopStep)}
}

// event remembers the steps of the MTU; all else is in the hops.
func (d *hopDocument) event(ev *path.HopEvent) {
	if ev.MTU == 0 || ev.Kind == path.DoubtfulMTU {
		return
	}
	step := hopStep{mtu: ev.MTU, kind: ev.Kind}
	if ev.Kind == path.RouterMTU {
		step.from = ev.Probe.From
	}
	d.steps[ev.TTL] = append(d.steps[ev.TTL], step)
}

// found writes nothing: the summary follows the rounds.
func (d *hopDocument) found() {}

func (d *hopDocument) close(interrupted bool) error {
	rows := render.NewRows(d.doc, hopColumns())
	for _, h := range d.t.Hops() {
		if err := rows.Write(&hopRow{Hop: h, six: d.t.dest.Is6(), steps: d.steps[h.TTL]}); err != nil {
			return err
		}
	}
	if err := render.Summary(d.doc, hopSummaryColumns(), &hopSum{t: d.t, interrupted: interrupted}); err != nil {
		return err
	}
	return d.e.closeDocument(d.doc)
}

// hopRow is one hop.
type hopRow struct {
	path.Hop
	six   bool
	steps []hopStep
}

// hopSum is the end of a trace.
type hopSum struct {
	t           *hopTrace
	interrupted bool
}

// hopColumns are the columns of a hop.
func hopColumns() []render.Column[hopRow] {
	type row = hopRow
	type value = render.Value
	answered := func(set func(*row, *value)) func(*row, *value) {
		return func(r *row, v *value) {
			if r.First != nil {
				set(r, v)
			}
		}
	}
	icmp := func(set func(*row, *value)) func(*row, *value) {
		return answered(func(r *row, v *value) {
			if r.First.Fate == path.Unreachable {
				set(r, v)
			}
		})
	}
	others := column("addresses", render.List, "", "All addresses that answered, when there are several.", func(r *row, v *value) {
		if len(r.From) < 2 {
			return
		}
		for _, a := range r.From {
			v.Object(1)[0].Addr(a)
		}
	})
	others.Sub = []render.Field{{Name: "address", Kind: render.Addr, Doc: "An address that answered."}}
	steps := column("mtu_steps", render.List, "", "MTUs less than those before, found on the way to this hop.", func(r *row, v *value) {
		for _, s := range r.steps {
			object := v.Object(3)
			object[0].Int(int64(s.mtu))
			object[1].Str(map[path.HopKind]string{path.OwnMTU: "own_link", path.RouterMTU: "router", path.SilentMTU: "silence"}[s.kind])
			object[2].Addr(s.from)
		}
	})
	steps.Sub = []render.Field{{Name: "mtu", Kind: render.Int, Unit: "bytes", Doc: "The MTU."},
		{Name: "source", Kind: render.String, Doc: "How it is known: own_link, router (it said so) or silence (longer packets vanish)."},
		{Name: "from", Kind: render.Addr, Doc: "Router that said so."}}
	return append([]render.Column[row]{
		column("hop", render.Int, "", "Number of the hop, from 1.", func(r *row, v *value) { v.Int(int64(r.TTL)) }),
		column("address", render.Addr, "", "Address of the first answer; absent when nobody answered.", answered(func(r *row, v *value) { v.Addr(r.First.From) })),
		others,
		column("fate", render.String, "", "time_exceeded (a router), answered (the host), unreachable, silent, or not_sent (this host's kernel refused it).", func(r *row, v *value) {
			fate := path.Silent
			switch {
			case r.First != nil:
				fate = r.First.Fate
			case r.Err != nil:
				fate = path.Refused
			}
			v.Str(fate.String())
		}),
		column("error", render.String, "", "Why nothing was sent; absent when something was.", func(r *row, v *value) {
			if r.Err != nil {
				v.Str(errnoText(r.Err))
			}
		}),
		column("reply", render.String, "", "How the host answered: port_unreachable, data (of a program that listens there), echo_reply, syn_ack or reset.", answered(func(r *row, v *value) {
			if r.First.Fate == path.Answered {
				v.Str(r.First.Means.String())
			}
		})),
		column("icmp_type", render.Int, "", "ICMP type of the error that ended the path.", icmp(func(r *row, v *value) { v.Int(int64(r.First.Type)) })),
		column("icmp_code", render.Int, "", "ICMP code of that error.", icmp(func(r *row, v *value) { v.Int(int64(r.First.Code)) })),
		column("back_hops", render.Int, "", "Hops that the answer came, computed from the time to live it had left.", answered(func(r *row, v *value) {
			if back := hopsBack(r.First); back > 0 {
				v.Int(int64(back))
			}
		})),
		column("sent", render.Int, "", "Probes that were not too long for the path.", func(r *row, v *value) { v.Int(int64(r.Sent)) }),
		column("received", render.Int, "", "Those that were answered.", func(r *row, v *value) { v.Int(int64(r.Answered)) }),
		column("loss_percent", render.Float, "", "Share of sent without an answer; absent when none was sent. Routers answer few probes a second, so that this is no loss of others' packets.", func(r *row, v *value) {
			if r.Sent > 0 {
				v.Float(hopLoss(&r.Hop))
			}
		}),
		column("rtt_min_ns", render.Duration, "ns", "Shortest round-trip time.", answered(func(r *row, v *value) { v.Duration(r.Min) })),
		column("rtt_avg_ns", render.Duration, "ns", "Mean round-trip time.", answered(func(r *row, v *value) { v.Duration(r.Mean) })),
		column("rtt_max_ns", render.Duration, "ns", "Longest round-trip time.", answered(func(r *row, v *value) { v.Duration(r.Max) })),
		steps,
	}, hopExtensionColumns()...)
}

// hopSummaryColumns are the columns of the end.
func hopSummaryColumns() []render.Column[hopSum] {
	type row = hopSum
	type value = render.Value
	count := func(name, doc string, get func(*row) int) render.Column[row] {
		return column(name, render.Int, "", doc, func(r *row, v *value) { v.Int(int64(get(r))) })
	}
	reached := func(get func(*path.Probe) int) func(*row, *value) {
		return func(r *row, v *value) {
			if s := r.t.Reached(); s != nil && get(s) > 0 {
				v.Int(int64(get(s)))
			}
		}
	}
	return []render.Column[row]{
		column("destination", render.String, "", "The destination as named.", func(r *row, v *value) { v.Str(r.t.target.Name) }),
		column("address", render.Addr, "", "Its address.", func(r *row, v *value) { v.Addr(r.t.dest) }),
		column("method", render.String, "", "What the probes were: udp, icmp or tcp.", func(r *row, v *value) { v.Str(r.t.Method.String()) }),
		column("reached", render.Bool, "", "The host answered.", func(r *row, v *value) { v.Bool(r.t.Reached() != nil) }),
		column("hops", render.Int, "", "Hops to the host; absent when it was not reached.", reached(func(s *path.Probe) int { return s.TTL })),
		column("back_hops", render.Int, "", "Hops that its answer came, computed from the time to live it had left.", reached(hopsBack)),
		column("too_many_hops", render.Bool, "", "The largest number of hops ended the trace.", func(r *row, v *value) { v.Bool(r.t.TooMany()) }),
		column("mtu", render.Int, "bytes", "Length of the longest packets that went so far; absent when nobody answered.", func(r *row, v *value) {
			if r.t.Heard() {
				v.Int(int64(r.t.MTU()))
			}
		}),
		count("rounds", "Bursts of probes.", func(r *row) int { return r.t.Rounds() }),
		count("duplicates", "Further answers to the same probes.", func(r *row) int { return r.t.Counts().Duplicates }),
		count("foreign", "Answers to none of the probes.", func(r *row) int { return r.t.Counts().Foreign + r.t.Counts().OtherSource }),
		count("malformed", "Messages that could not be read.", func(r *row) int { return r.t.Counts().Malformed }),
		count("malformed_extensions", "ICMP errors with extensions that could not be read.", func(r *row) int { return r.t.Counts().BadExtensions }),
		column("interrupted", render.Bool, "", "A signal ended the trace; absent otherwise.", func(r *row, v *value) {
			if r.interrupted {
				v.Bool(true)
			}
		}),
	}
}
