package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/analyze"
	"gnet/stackprobe/event"
)

// compareColumns are the columns of one decision in which two stacks differ.
func compareColumns() []render.Column[analyze.Difference] {
	type row = analyze.Difference
	columns := []render.Column[row]{
		column("topic", render.String, "", "What it is about: offered-window, offered-mss, offered-scale, offered-options, first-flight, segment-size, push, first-window, "+
			"first-timeout, acknowledging, repeating, dsack, fin, reset, final-state or outcome.", func(r *row, v *render.Value) { v.Str(r.Topic.String()) }),
		column("conn", render.Int, "", "Connection, from 1; absent for the run as a whole.", func(r *row, v *render.Value) {
			if r.Conn > 0 {
				v.Int(int64(r.Conn))
			}
		}),
	}
	columns = append(columns, sideColumns("kernel", func(r *row) *analyze.Side { return &r.A })...)
	columns = append(columns, sideColumns("engine", func(r *row) *analyze.Side { return &r.B })...)
	return append(columns,
		column("more", render.Int, "", "Further differences of the kind, which have no row.", func(r *row, v *render.Value) { v.Int(int64(r.More)) }),
		column("why", render.String, "", "The reason, where it is known.", func(r *row, v *render.Value) {
			if r.Why != "" {
				v.Str(r.Why)
			}
		}))
}

// sideColumns are those of one of the two stacks.
func sideColumns(name string, of func(*analyze.Difference) *analyze.Side) []render.Column[analyze.Difference] {
	type row = analyze.Difference
	return []render.Column[row]{
		column(name, render.String, "", "What the "+name+" did.", func(r *row, v *render.Value) { v.Str(of(r).Text) }),
		column(name+"_event", render.Int, "", "Number of the event that shows it in the "+name+"'s run; absent if it did nothing.", func(r *row, v *render.Value) {
			if of(r).N > 0 {
				v.Int(int64(of(r).N))
			}
		}),
		column(name+"_t_ns", render.Duration, "ns", "Its time since the start of that run.", func(r *row, v *render.Value) {
			if of(r).N > 0 {
				v.Int(of(r).T)
			}
		}),
	}
}

// compareSummaryColumns are the columns of the two runs that were compared.
func compareSummaryColumns() []render.Column[compared] {
	type row = compared
	text := func(name, doc string, get func(*row) string) render.Column[row] {
		return column(name, render.String, "", doc, func(r *row, v *render.Value) {
			if s := get(r); s != "" {
				v.Str(s)
			}
		})
	}
	return []render.Column[row]{
		text("role", "The end that was compared: client or server.", func(r *row) string { return r.role.String() }),
		text("kernel_stack", "The kernel.", func(r *row) string { return r.kernel.Stack().Name }),
		text("kernel_world", "World of its run.", func(r *row) string { return r.kernel.Run.World }),
		column("clock_error_max_ns", render.Duration, "ns", "How late the machine woke that run at worst, measured before it.", func(r *row, v *render.Value) {
			v.Int(r.kernel.Run.ClockErrorMax)
		}),
		text("engine_stack", "The engine.", func(r *row) string { return r.engine.Stack().Name }),
		text("engine_world", "World of its run.", func(r *row) string { return r.engine.Run.World }),
		text("peer_stack", "The peer of both.", func(r *row) string { return r.peer().Name }),
		column("differences", render.Int, "", "Rows.", func(r *row, v *render.Value) { v.Int(int64(len(r.list))) }),
		column("not_compared", render.Int, "", "Decisions of both runs that there was no room for.", func(r *row, v *render.Value) {
			v.Int(int64(r.kernel.Cut + r.engine.Cut))
		}),
	}
}

// peer is the stack of the other end.
func (c *compared) peer() *event.Stack {
	if c.role == event.Server {
		return &c.engine.Run.Client
	}
	return &c.engine.Run.Server
}
