package main

import (
	"strconv"
	"time"

	"gnet/internal/render"
	"gnet/stackprobe/event"
)

func duration(ns int64) time.Duration { return time.Duration(ns) }

// runWord is a text of the first event.
func runWord(name, doc string, get func(*event.Run) string) render.Column[event.Event] {
	return eventWord(name, doc, func(e *event.Event) string {
		if e.Run == nil {
			return ""
		}
		return get(e.Run)
	})
}

func isRun(e *event.Event) bool { return e.Run != nil }

func isEnd(e *event.Event) bool { return e.End != nil }

// runColumns are the columns of the first event.
func runColumns() []render.Column[event.Event] {
	hasError := func(e *event.Event) bool { return isRun(e) && e.Run.Clock == event.Mono }
	columns := []render.Column[event.Event]{
		runWord("schema", "Schema of the events.", func(*event.Run) string { return event.Schema }),
		runWord("world", "World of the run: tun, veth or memory; nat or bridge, of an engine in a network of the host; capture, of both ends, or tap, of one, where a capture was read.", func(r *event.Run) string { return r.World }),
		runWord("why_world", "Why this world was taken.", func(r *event.Run) string { return r.Why }),
		runWord("run_clock", "What the times of the run mean: virtual or mono.", func(r *event.Run) string { return r.Clock.String() }),
		column("start", render.Time, "", "When the times of the run are zero; absent in virtual time.", func(e *event.Event, v *render.Value) {
			if isRun(e) && e.Run.Start != 0 {
				v.Time(time.Unix(0, e.Run.Start))
			}
		}),
		runWord("version", "Version of gnet.", func(r *event.Run) string { return r.Version }),
		runWord("scenario", "Name of the scenario.", func(r *event.Run) string { return r.Scenario }),
		runWord("title", "What it is about.", func(r *event.Run) string { return r.Title }),
		runWord("look", "What to watch, and why.", func(r *event.Run) string { return r.Look }),
		runWord("seed", "Seed of the run, a decimal string.", func(r *event.Run) string { return strconv.FormatInt(r.Seed, 10) }),
		eventInt("run_bytes", render.Int, "bytes", "What the client sends and gets back.", isRun, func(e *event.Event) int64 { return int64(e.Run.Bytes) }),
		eventInt("snap", render.Int, "bytes", "How many bytes of each packet the events have.", isRun, func(e *event.Event) int64 { return int64(e.Run.Snap) }),
		eventBool("ipv6", "The link carries IPv6.", isRun, func(e *event.Event) bool { return e.Run.IPv6 }),
		eventInt("delay_client_ns", render.Duration, "ns", "One-way delay of what the client sends.", isRun, func(e *event.Event) int64 { return e.Run.DelayClient }),
		eventInt("delay_server_ns", render.Duration, "ns", "One-way delay of what the server sends.", isRun, func(e *event.Event) int64 { return e.Run.DelayServer }),
		eventInt("mtu", render.Int, "bytes", "MTU of the link.", isRun, func(e *event.Event) int64 { return int64(e.Run.MTU) }),
		eventInt("deadline_ns", render.Duration, "ns", "When the run is given up.", func(e *event.Event) bool { return isRun(e) && e.Run.Deadline != 0 }, func(e *event.Event) int64 { return e.Run.Deadline }),
		eventInt("clock_error_ns", render.Duration, "ns", "How late the machine woke gnet before the run, median.", hasError, func(e *event.Event) int64 { return e.Run.ClockError }),
		eventInt("clock_error_max_ns", render.Duration, "ns", "The same, at worst.", hasError, func(e *event.Event) int64 { return e.Run.ClockErrorMax }),
	}
	columns = append(columns, stackColumns("client", func(r *event.Run) *event.Stack { return &r.Client })...)
	columns = append(columns, stackColumns("server", func(r *event.Run) *event.Stack { return &r.Server })...)
	columns = append(columns,
		runWord("client_program", "The program that is the application of the client, where that is not gnet.", func(r *event.Run) string { return r.Programs[event.Client] }),
		runWord("server_program", "The same of the server.", func(r *event.Run) string { return r.Programs[event.Server] }))
	columns = append(columns, runWord("conns", "Connections that were chosen, 2,4-6; absent for all.", func(r *event.Run) string { return r.Conns }))
	columns = append(columns, pathColumns()...)
	return append(columns,
		runList("faults", "rule", "Fault rules in the order of judging.", "Words of the rule.", func(r *event.Run) []string { return r.Faults }),
		runList("crafted_lines", "line", "Segments that no stack makes, and what a scripted end does.", "Words of the line.", func(r *event.Run) []string { return r.Crafted }),
		runList("pinned", "what", "What was fixed so that runs can be compared.", "What was fixed.", func(r *event.Run) []string { return r.Pinned }),
		runList("unpinned", "what", "What should have been fixed and could not be.", "What was not fixed, and why.", func(r *event.Run) []string { return r.Unpinned }))
}

// stackColumns are the columns of one end's TCP implementation.
func stackColumns(end string, get func(*event.Run) *event.Stack) []render.Column[event.Event] {
	return []render.Column[event.Event]{
		runWord(end+"_stack", "TCP implementation of the "+end+".", func(r *event.Run) string { return get(r).Name }),
		eventBool(end+"_kernel", "It is that of a kernel.", isRun, func(e *event.Event) bool { return get(e.Run).Kernel }),
		runWord(end+"_cc", "Congestion control of the "+end+".", func(r *event.Run) string { return get(r).CC }),
		runWord(end+"_recovery", "Loss recovery of the "+end+".", func(r *event.Run) string { return get(r).Recovery }),
		runWord(end+"_addr", "Address of the "+end+".", func(r *event.Run) string { return get(r).Addr }),
		runWord(end+"_options", "What its application and its socket were asked for.", func(r *event.Run) string { return get(r).Options }),
	}
}

// runList is a list of texts of the first event.
func runList(name, member, doc, memberDoc string, get func(*event.Run) []string) render.Column[event.Event] {
	c := column(name, render.List, "", doc, func(e *event.Event, v *render.Value) {
		if e.Run == nil {
			return
		}
		v.EmptyList()
		for _, s := range get(e.Run) {
			v.Object(1)[0].Str(s)
		}
	})
	c.Sub = []render.Field{{Name: member, Kind: render.String, Doc: memberDoc}}
	return c
}

// endColumns are the columns of the last event.
func endColumns() []render.Column[event.Event] {
	columns := []render.Column[event.Event]{
		eventBool("ok", "Every byte reached the other end unchanged, each way, and both ends closed.", isEnd, func(e *event.Event) bool { return e.End.OK }),
		eventWord("reason", "Why the exchange failed.", func(e *event.Event) string {
			if e.End == nil {
				return ""
			}
			return e.End.Reason
		}),
	}
	columns = append(columns, totalColumns("client", func(e *event.End) *event.Totals { return &e.Client })...)
	return append(columns, totalColumns("server", func(e *event.End) *event.Totals { return &e.Server })...)
}

// totalColumns are the columns of one end's sums.
func totalColumns(end string, get func(*event.End) *event.Totals) []render.Column[event.Event] {
	total := func(name, unit, doc string, known func(*event.Totals) bool, n func(*event.Totals) int64) render.Column[event.Event] {
		return eventInt(end+"_"+name, render.Int, unit, doc, func(e *event.Event) bool { return isEnd(e) && known(get(e.End)) },
			func(e *event.Event) int64 { return n(get(e.End)) })
	}
	hash := func(name, doc string, get64 func(*event.Totals) uint64) render.Column[event.Event] {
		return eventWord(end+"_"+name, doc, func(e *event.Event) string {
			if e.End == nil || get(e.End).Program {
				return ""
			}
			return strconv.FormatUint(get64(get(e.End)), 16)
		})
	}
	counter := func(name, doc string, get64 func(*event.Totals) uint64) render.Column[event.Event] {
		return column(end+"_"+name, render.Uint, "", doc, func(e *event.Event, v *render.Value) {
			if isEnd(e) && get(e.End).HasKernel {
				v.Uint(get64(get(e.End)))
			}
		})
	}
	any := func(*event.Totals) bool { return true }
	ours := func(t *event.Totals) bool { return !t.Program }
	checked := func(t *event.Totals) bool { return t.Checks != 0 || t.Wrong != 0 }
	return []render.Column[event.Event]{
		eventWord(end+"_state", "Last TCP state of the "+end+".", func(e *event.Event) string {
			if e.End == nil {
				return ""
			}
			return get(e.End).State.String()
		}),
		eventBool(end+"_is_program", "Its application is not ours, a program or that of another machine: what that wrote and read is not known.", func(e *event.Event) bool { return isEnd(e) && get(e.End).Program }, always),
		total("written", "bytes", "Bytes that the application of the "+end+" handed over.", ours, func(t *event.Totals) int64 { return t.Written }),
		total("received", "bytes", "Bytes that it got.", ours, func(t *event.Totals) int64 { return t.Received }),
		eventBool(end+"_match", "The bytes that it got are those that were sent.", func(e *event.Event) bool { return isEnd(e) && ours(get(e.End)) }, func(e *event.Event) bool { return get(e.End).Match }),
		hash("written_hash", "FNV-1a 64 of all bytes that it handed over, hexadecimal.", func(t *event.Totals) uint64 { return t.WrittenHash }),
		hash("received_hash", "FNV-1a 64 of all bytes that it got, hexadecimal.", func(t *event.Totals) uint64 { return t.ReceivedHash }),
		total("segments", "", "Segments that the "+end+" transmitted.", any, func(t *event.Totals) int64 { return int64(t.Segments) }),
		total("retransmitted", "", "Repetitions among them.", any, func(t *event.Totals) int64 { return int64(t.Retransmitted) }),
		total("lost", "", "Those that the link took.", any, func(t *event.Totals) int64 { return int64(t.Lost) }),
		counter("kernel_acked", "Sequence numbers that the kernel counts as acknowledged (tcpi_bytes_acked).", func(t *event.Totals) uint64 { return t.KernelAcked }),
		counter("kernel_received", "Sequence numbers that the kernel counts as received (tcpi_bytes_received).", func(t *event.Totals) uint64 { return t.KernelReceived }),
		total("checks", "", "Computed values that were compared with the kernel's.", checked, func(t *event.Totals) int64 { return int64(t.Checks) }),
		total("checks_wrong", "", "Those that did not agree.", checked, func(t *event.Totals) int64 { return int64(t.Wrong) }),
	}
}
