package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// figuresSummaryColumns are the columns of a whole run in figures: how it was made, what came of it, and both ends' figures over
// all connections.
func figuresSummaryColumns() []render.Column[figuresRun] {
	// A capture has neither link nor seed, and does not say what the stacks are.
	ofCapture := []string{"world", "why_world", "start", "ipv6", "client_addr", "server_addr", "conns"}
	of := func(columns []render.Column[event.Event], names ...string) []render.Column[figuresRun] {
		var list []render.Column[figuresRun]
		for _, c := range columns {
			if slices.Contains(names, c.Name) {
				list = append(list, column(c.Name, c.Kind, c.Unit, c.Doc, func(r *figuresRun, v *render.Value) {
					if r.figures.Run != nil && r.figures.Run.Captured() && !slices.Contains(ofCapture, c.Name) {
						return
					}
					c.Get(&event.Event{Run: r.figures.Run, End: r.figures.End}, v)
				}))
				list[len(list)-1].Sub = c.Sub
			}
		}
		return list
	}
	list := of(runColumns(), "world", "why_world", "run_clock", "start", "version", "scenario", "title", "seed", "run_bytes", "ipv6", "delay_client_ns", "delay_server_ns", "mtu",
		"client_stack", "client_kernel", "client_cc", "client_recovery", "client_addr", "client_options", "client_program",
		"server_stack", "server_kernel", "server_cc", "server_recovery", "server_addr", "server_options", "server_program", "conns", "faults", "crafted_lines")
	list = append(list, of(endColumns(), "ok", "reason")...)
	list = append(list, figuresOfRun()...)
	for h := event.Client; h <= event.Server; h++ {
		list = append(list,
			column(h.String()+"_integrity", render.String, "", "Whether its application got what the other's wrote: intact, incomplete, changed, nothing-written; script or program where that cannot be known.",
				func(r *figuresRun, v *render.Value) {
					if outcome, _, _ := r.figures.Integrity(h); outcome != analyze.NoAccount {
						v.Str(outcome.String())
					}
				}),
			figuresTogether(h),
			comparedCounters(h.String()+"_counters", "What its stack has counted over the whole run beside what the events say of the same.",
				func(r *figuresRun) []analyze.Count { return r.figures.Counts(h) }))
	}
	return append(list, figuresVerdicts())
}

// figuresOfRun are the figures that are no end's.
func figuresOfRun() []render.Column[figuresRun] {
	number := func(name, doc string, get func(*analyze.Figures) int) render.Column[figuresRun] {
		return column(name, render.Int, "", doc, func(r *figuresRun, v *render.Value) { v.Int(int64(get(r.figures))) })
	}
	return []render.Column[figuresRun]{
		column("elapsed_ns", render.Duration, "ns", "Time of the last event.", func(r *figuresRun, v *render.Value) { v.Duration(duration(r.figures.T)) }),
		number("connections", "Connections that have rows.", func(f *analyze.Figures) int {
			conns, _ := f.Connections()
			return len(conns)
		}),
		column("left_out", render.Int, "", "Connections that were not chosen, with conns.", func(r *figuresRun, v *render.Value) {
			if r.left != nil {
				v.Int(int64(r.left.Conns))
			}
		}),
		column("left_out_segments", render.Int, "", "Segments that left on them.", func(r *figuresRun, v *render.Value) {
			if r.left != nil {
				v.Int(int64(r.left.Segments))
			}
		}),
		column("in_flight", render.Int, "", "Segments that were on the link at the end; unknown of a capture at one tap.", func(r *figuresRun, v *render.Value) {
			if r.figures.Run == nil || r.figures.Run.World != event.TapWorld {
				v.Int(int64(r.figures.Sums.InFlight))
			}
		}),
		number("not_measured", "Segments whose round trip found no room to be measured.", (*analyze.Figures).Unmeasured),
		column("differs", render.String, "", "The first sum in which the run's own account is not that of its events.", func(r *figuresRun, v *render.Value) {
			if d := r.figures.Sums.Difference(); d != "" {
				v.Str(d)
			}
		}),
	}
}

// figuresTogether is one end's figures over all connections, as an object with the keys of a row.
func figuresTogether(h event.Host) render.Column[figuresRun] {
	columns := figuresColumns()
	c := column(h.String(), render.Object, "", "The figures of the "+h.String()+" over all connections; the keys are those of a row.", func(r *figuresRun, v *render.Value) {
		row := figuresRow{r.figures, r.figures.All(), h}
		values := v.Members(len(columns))
		for i := range columns {
			columns[i].Get(&row, &values[i])
		}
	})
	c.Sub = render.Fields(columns)
	return c
}

// figuresVerdicts is what came of the expectations.
func figuresVerdicts() render.Column[figuresRun] {
	columns := expectationColumns()
	c := column("expectations", render.List, "", "What came of the expectations of the scenario.", func(r *figuresRun, v *render.Value) {
		for _, x := range r.verdicts {
			values := v.Object(len(columns))
			for i := range columns {
				columns[i].Get(&event.Event{Expectation: x}, &values[i])
			}
		}
	})
	c.Sub = render.Fields(columns)
	return c
}
