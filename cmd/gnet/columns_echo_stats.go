package main

import (
	"time"

	"gnet/internal/render"
	"gnet/ping"
)

// echoStatsColumns are the columns of ping's summary that --stats adds.
func echoStatsColumns() []render.Column[echoSummary] {
	var columns []render.Column[echoSummary]
	for _, p := range percentiles() {
		columns = append(columns, spreadColumn(p.key, render.Duration, "ns", "With --stats, the "+p.name+" of the round-trip times, within 0.8 percent.",
			func(d *ping.Distribution, v *render.Value) {
				if rtt, ok := d.Quantile(p.share); ok {
					v.Duration(rtt)
				}
			}))
	}
	sources := spreadColumn("rtt_sources", render.List, "", "With --stats, the round trips by how they were measured.", listSources)
	sources.Sub = []render.Field{
		{Name: "source", Kind: render.String, Doc: "As rtt_source of a row."},
		{Name: "count", Kind: render.Int, Doc: "Answers."},
		{Name: "min_ns", Kind: render.Duration, Unit: "ns", Doc: "Shortest."},
		{Name: "avg_ns", Kind: render.Duration, Unit: "ns", Doc: "Mean."},
		{Name: "max_ns", Kind: render.Duration, Unit: "ns", Doc: "Longest."},
	}
	histogram := spreadColumn("rtt_histogram", render.List, "", "With --stats, the round trips by length; 64 steps from a power of two to the next, without the empty ones.",
		listHistogram)
	histogram.Sub = []render.Field{
		{Name: "from_ns", Kind: render.Duration, Unit: "ns", Doc: "The step begins here."},
		{Name: "to_ns", Kind: render.Duration, Unit: "ns", Doc: "It ends before that."},
		{Name: "count", Kind: render.Int, Doc: "Answers."},
	}
	return append(columns,
		spreadColumn("rtt_jitter_ns", render.Duration, "ns", "With --stats, the interarrival jitter of RFC 3550, of the round trips.",
			func(d *ping.Distribution, v *render.Value) {
				if jitter, ok := d.Jitter(); ok {
					v.Duration(jitter)
				}
			}),
		spreadColumn("loss_runs", render.Int, "", "With --stats, how many times one or more probes in a row were lost.",
			func(d *ping.Distribution, v *render.Value) { runs, _ := d.LossRuns(); v.Int(runs) }),
		spreadColumn("loss_run_max", render.Int, "", "With --stats, how many probes the longest of them had.",
			func(d *ping.Distribution, v *render.Value) { _, longest := d.LossRuns(); v.Int(longest) }),
		sources, histogram)
}

// spreadColumn is a column of the distribution, unknown without one.
func spreadColumn(name string, kind render.Kind, unit, doc string, get func(*ping.Distribution, *render.Value)) render.Column[echoSummary] {
	return column(name, kind, unit, doc, func(r *echoSummary, v *render.Value) {
		if d := r.series.Distribution; d != nil {
			get(d, v)
		}
	})
}

func listSources(d *ping.Distribution, v *render.Value) {
	v.EmptyList()
	for _, source := range timeSources() {
		s := d.Source(source)
		if s.N == 0 {
			continue
		}
		o := v.Object(5)
		o[0].Str(source.String())
		o[1].Int(s.N)
		for i, rtt := range []time.Duration{s.Min, s.Average(), s.Max} {
			o[2+i].Duration(rtt)
		}
	}
}

func listHistogram(d *ping.Distribution, v *render.Value) {
	v.EmptyList()
	for b := range d.Histogram(64) {
		if b.Count > 0 {
			o := v.Object(3)
			o[0].Duration(b.From)
			o[1].Duration(b.To)
			o[2].Int(b.Count)
		}
	}
}
