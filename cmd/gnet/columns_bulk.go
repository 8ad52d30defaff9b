package main

import (
	"slices"

	"gnet/internal/render"
	"gnet/stackprobe"
	"gnet/stackprobe/event"
)

// bulkColumns are the columns of what one direction has moved.
func bulkColumns() []render.Column[stackprobe.Transfer] {
	type t = stackprobe.Transfer
	return []render.Column[t]{
		column("from", render.String, "", "The end that sent: client or server.", func(t *t, v *render.Value) { v.Str(t.From.String()) }),
		column("to", render.String, "", "The end that received.", func(t *t, v *render.Value) { v.Str(t.To.String()) }),
		column("ok", render.Bool, "", "All that was sent arrived unchanged.", func(t *t, v *render.Value) { v.Bool(t.Reason == "") }),
		column("reason", render.String, "", "Why the transfer failed.", func(t *t, v *render.Value) {
			if t.Reason != "" {
				v.Str(t.Reason)
			}
		}),
		column("bytes", render.Int, "bytes", "What arrived; each octet was compared with what was sent.", func(t *t, v *render.Value) { v.Int(t.Bytes) }),
		column("elapsed_ns", render.Duration, "ns", "Time from the first write to the last read.", func(t *t, v *render.Value) { v.Duration(t.Elapsed) }),
		column("goodput", render.Uint, "bits/s", "Bits that arrived in a second.", func(t *t, v *render.Value) { v.Uint(uint64(t.Goodput())) }),
		column("cpu_ns", render.Duration, "ns", "Processor time of both ends meanwhile, the kernel's work for them included.", func(t *t, v *render.Value) { v.Duration(t.CPU) }),
		column("retransmitted", render.Uint, "", "Segments that the sender's stack repeated.", func(t *t, v *render.Value) { v.Uint(t.Retransmitted) }),
		column("dropped", render.Uint, "", "Packets that found no room on their way into the interface.", func(t *t, v *render.Value) { v.Uint(t.Dropped) }),
	}
}

// bulkSummaryColumns are the columns of what the run was made of: those of a run's first and last event that apply.
func bulkSummaryColumns() []render.Column[event.Event] {
	of := func(columns []render.Column[event.Event], names ...string) []render.Column[event.Event] {
		return slices.DeleteFunc(columns, func(c render.Column[event.Event]) bool { return !slices.Contains(names, c.Name) })
	}
	return append(of(runColumns(), "world", "version", "ipv6", "mtu", "deadline_ns", "client_stack", "client_kernel", "client_cc", "client_recovery", "client_addr",
		"client_options", "server_stack", "server_kernel", "server_cc", "server_recovery", "server_addr", "server_options", "pinned", "unpinned"),
		of(endColumns(), "ok", "reason")...)
}
