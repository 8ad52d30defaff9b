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
	columns := []render.Column[event.Event]{
		runWord("schema", "Schema of the events.", func(*event.Run) string { return event.Schema }),
		runWord("world", "World of the run: tun or memory.", func(r *event.Run) string { return r.World }),
		runWord("why_world", "Why this world was taken.", func(r *event.Run) string { return r.Why }),
		runWord("version", "Version of gnet.", func(r *event.Run) string { return r.Version }),
		runWord("seed", "Seed of the run, a decimal string.", func(r *event.Run) string { return strconv.FormatInt(r.Seed, 10) }),
		eventInt("run_bytes", render.Int, "bytes", "What the client sends and gets back.", isRun, func(e *event.Event) int64 { return int64(e.Run.Bytes) }),
		eventInt("delay_client_ns", render.Duration, "ns", "One-way delay of what the client sends.", isRun, func(e *event.Event) int64 { return e.Run.DelayClient }),
		eventInt("delay_server_ns", render.Duration, "ns", "One-way delay of what the server sends.", isRun, func(e *event.Event) int64 { return e.Run.DelayServer }),
		eventInt("mtu", render.Int, "bytes", "MTU of the link.", isRun, func(e *event.Event) int64 { return int64(e.Run.MTU) }),
		eventInt("deadline_ns", render.Duration, "ns", "When the run is given up.", isRun, func(e *event.Event) int64 { return e.Run.Deadline }),
	}
	columns = append(columns, stackColumns("client", func(r *event.Run) *event.Stack { return &r.Client })...)
	columns = append(columns, stackColumns("server", func(r *event.Run) *event.Stack { return &r.Server })...)
	return append(columns,
		runList("faults", "rule", "Fault rules in the order of judging.", "Words of the rule.", func(r *event.Run) []string { return r.Faults }),
		runList("pinned", "what", "What was fixed so that runs can be compared.", "What was fixed.", func(r *event.Run) []string { return r.Pinned }),
		runList("unpinned", "what", "What should have been fixed and could not be.", "What was not fixed, and why.", func(r *event.Run) []string { return r.Unpinned }))
}

// stackColumns are the columns of one end's TCP implementation.
func stackColumns(end string, get func(*event.Run) *event.Stack) []render.Column[event.Event] {
	return []render.Column[event.Event]{
		runWord(end+"_stack", "TCP implementation of the "+end+".", func(r *event.Run) string { return get(r).Name }),
		runWord(end+"_cc", "Congestion control of the "+end+".", func(r *event.Run) string { return get(r).CC }),
		runWord(end+"_recovery", "Loss recovery of the "+end+".", func(r *event.Run) string { return get(r).Recovery }),
		runWord(end+"_addr", "Address of the "+end+".", func(r *event.Run) string { return get(r).Addr }),
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
	any := func(*event.Totals) bool { return true }
	kernel := func(t *event.Totals) bool { return t.HasKernel }
	return []render.Column[event.Event]{
		eventWord(end+"_state", "Last TCP state of the "+end+".", func(e *event.Event) string {
			if e.End == nil {
				return ""
			}
			return get(e.End).State.String()
		}),
		total("written", "bytes", "Bytes that the application of the "+end+" handed over.", any, func(t *event.Totals) int64 { return t.Written }),
		total("received", "bytes", "Bytes that it got.", any, func(t *event.Totals) int64 { return t.Received }),
		eventBool(end+"_match", "The bytes that it got are those that were sent.", isEnd, func(e *event.Event) bool { return get(e.End).Match }),
		total("segments", "", "Segments that the "+end+" transmitted.", any, func(t *event.Totals) int64 { return int64(t.Segments) }),
		total("retransmitted", "", "Repetitions among them.", any, func(t *event.Totals) int64 { return int64(t.Retransmitted) }),
		total("lost", "", "Those that the link took.", any, func(t *event.Totals) int64 { return int64(t.Lost) }),
		total("kernel_acked", "", "Sequence numbers that the kernel counts as acknowledged (tcpi_bytes_acked).", kernel, func(t *event.Totals) int64 { return int64(t.KernelAcked) }),
		total("kernel_received", "", "Sequence numbers that the kernel counts as received (tcpi_bytes_received).", kernel, func(t *event.Totals) int64 { return int64(t.KernelReceived) }),
	}
}

// variableColumns are the columns of an end's variables.
func variableColumns() []render.Column[event.Event] {
	variable := func(bit event.VarSet, name string, kind render.Kind, unit, doc string, get func(*event.Vars) int64) render.Column[event.Event] {
		return eventInt(name, kind, unit, doc, func(e *event.Event) bool { return e.Vars.Has&bit != 0 }, func(e *event.Event) int64 { return get(&e.Vars) })
	}
	return []render.Column[event.Event]{
		eventWord("vars_how", "Where the variables come from, but those in computed: read.", func(e *event.Event) string {
			if e.Vars.Has == 0 {
				return ""
			}
			return e.Vars.How.String()
		}),
		variable(event.HasISS, "iss", render.Int, "", "Initial send sequence number.", func(v *event.Vars) int64 { return int64(v.ISS) }),
		variable(event.HasIRS, "irs", render.Int, "", "Initial receive sequence number.", func(v *event.Vars) int64 { return int64(v.IRS) }),
		variable(event.HasUna, "una", render.Int, "", "SND.UNA.", func(v *event.Vars) int64 { return int64(v.Una) }),
		variable(event.HasNxt, "nxt", render.Int, "", "SND.NXT.", func(v *event.Vars) int64 { return int64(v.Nxt) }),
		variable(event.HasWnd, "wnd", render.Int, "bytes", "SND.WND.", func(v *event.Vars) int64 { return int64(v.Wnd) }),
		variable(event.HasCwnd, "cwnd", render.Int, "segments", "Congestion window.", func(v *event.Vars) int64 { return int64(v.Cwnd) }),
		variable(event.HasSsthresh, "ssthresh", render.Int, "segments", "Slow start threshold; 2147483647 before the first loss.", func(v *event.Vars) int64 { return int64(v.Ssthresh) }),
		variable(event.HasRTO, "rto_ns", render.Duration, "ns", "Retransmission timeout.", func(v *event.Vars) int64 { return v.RTO }),
		variable(event.HasSRTT, "srtt_ns", render.Duration, "ns", "Smoothed round-trip time.", func(v *event.Vars) int64 { return v.SRTT }),
		variable(event.HasRTTVar, "rttvar_ns", render.Duration, "ns", "Variation of the round-trip time.", func(v *event.Vars) int64 { return v.RTTVar }),
		variable(event.HasRcvNxt, "rcv_nxt", render.Int, "", "RCV.NXT.", func(v *event.Vars) int64 { return int64(v.RcvNxt) }),
		variable(event.HasRcvWnd, "rcv_wnd", render.Int, "bytes", "RCV.WND.", func(v *event.Vars) int64 { return int64(v.RcvWnd) }),
		eventWord("computed", "Variables that were computed from the segments at this end's tap, a blank between them.", func(e *event.Event) string { return e.Vars.Computed.String() }),
	}
}
