package main

import (
	"gnet/internal/render"
	"gnet/stackprobe/event"
)

// variableColumns are the columns of an end's variables.
func variableColumns() []render.Column[event.Event] {
	hasVars := func(e *event.Event) bool { return e.Vars.Has != 0 }
	columns := []render.Column[event.Event]{
		eventWord("vars_how", "Where the variables come from, but those in computed: read.", func(e *event.Event) string {
			if !hasVars(e) {
				return ""
			}
			return e.Vars.How.String()
		}),
		eventInt("vars_at_ns", render.Duration, "ns", "When they were sampled, since the start of the run, if that was not the moment of the event.",
			func(e *event.Event) bool { return hasVars(e) && e.Vars.At != 0 }, func(e *event.Event) int64 { return e.Vars.At }),
	}
	columns = append(columns, sequenceColumns()...)
	columns = append(columns, recoveryColumns()...)
	return append(columns, eventWord("computed", "Variables that were computed from the segments at this end's tap, a blank between them.", func(e *event.Event) string {
		if !hasVars(e) {
			return ""
		}
		return e.Vars.Computed.String()
	}))
}

// variable is one number among the variables.
func variable(bit event.VarSet, name, unit, doc string, get func(*event.Vars) uint32) render.Column[event.Event] {
	return eventInt(name, render.Int, unit, doc, func(e *event.Event) bool { return e.Vars.Has&bit != 0 }, func(e *event.Event) int64 { return int64(get(&e.Vars)) })
}

// sequenceColumns are the variables of RFC 9293, RFC 5681 and RFC 6298.
func sequenceColumns() []render.Column[event.Event] {
	type vars = event.Vars
	span := func(bit event.VarSet, name, doc string, get func(*vars) int64) render.Column[event.Event] {
		return eventInt(name, render.Duration, "ns", doc, func(e *event.Event) bool { return e.Vars.Has&bit != 0 }, func(e *event.Event) int64 { return get(&e.Vars) })
	}
	return []render.Column[event.Event]{
		variable(event.HasISS, "iss", "", "Initial send sequence number.", func(v *vars) uint32 { return v.ISS }),
		variable(event.HasIRS, "irs", "", "Initial receive sequence number.", func(v *vars) uint32 { return v.IRS }),
		variable(event.HasUna, "una", "", "SND.UNA.", func(v *vars) uint32 { return v.Una }),
		variable(event.HasNxt, "nxt", "", "SND.NXT.", func(v *vars) uint32 { return v.Nxt }),
		variable(event.HasWnd, "wnd", "bytes", "SND.WND.", func(v *vars) uint32 { return v.Wnd }),
		variable(event.HasCwnd, "cwnd", "segments", "Congestion window.", func(v *vars) uint32 { return v.Cwnd }),
		variable(event.HasSsthresh, "ssthresh", "segments", "Slow start threshold; 2147483647 before the first loss.", func(v *vars) uint32 { return v.Ssthresh }),
		span(event.HasRTO, "rto_ns", "Retransmission timeout.", func(v *vars) int64 { return v.RTO }),
		span(event.HasSRTT, "srtt_ns", "Smoothed round-trip time.", func(v *vars) int64 { return v.SRTT }),
		span(event.HasRTTVar, "rttvar_ns", "Variation of the round-trip time.", func(v *vars) int64 { return v.RTTVar }),
		variable(event.HasRcvNxt, "rcv_nxt", "", "RCV.NXT.", func(v *vars) uint32 { return v.RcvNxt }),
		variable(event.HasRcvWnd, "rcv_wnd", "bytes", "RCV.WND.", func(v *vars) uint32 { return v.RcvWnd }),
	}
}

// recoveryColumns are what a stack tells of loss recovery and of its buffers.
func recoveryColumns() []render.Column[event.Event] {
	type vars = event.Vars
	counter := func(bit event.VarSet, name, doc string, get func(*vars) uint64) render.Column[event.Event] {
		return column(name, render.Uint, "", doc, func(e *event.Event, v *render.Value) {
			if e.Vars.Has&bit != 0 {
				v.Uint(get(&e.Vars))
			}
		})
	}
	return []render.Column[event.Event]{
		eventWord("congestion", "State of loss recovery: open, disorder, cwr, recovery or loss.", func(e *event.Event) string {
			if e.Vars.Has&event.HasCongestion == 0 {
				return ""
			}
			return e.Vars.Congestion.String()
		}),
		variable(event.HasFlight, "flight", "segments", "Sent and not acknowledged (tcpi_unacked).", func(v *vars) uint32 { return v.Flight }),
		variable(event.HasSacked, "sacked", "segments", "Reported by SACK (tcpi_sacked).", func(v *vars) uint32 { return v.Sacked }),
		variable(event.HasLost, "lost", "segments", "Taken for lost (tcpi_lost).", func(v *vars) uint32 { return v.Lost }),
		variable(event.HasRetrans, "retrans", "segments", "Repeated ones that are under way (tcpi_retrans).", func(v *vars) uint32 { return v.Retrans }),
		variable(event.HasDupAcks, "dup_acks", "", "Duplicate acknowledgments since the last new one.", func(v *vars) uint32 { return v.DupAcks }),
		variable(event.HasReordering, "reordering", "segments", "Reordering that the sender allows for.", func(v *vars) uint32 { return v.Reordering }),
		variable(event.HasBackoff, "backoff", "", "How often the retransmission timeout was doubled.", func(v *vars) uint32 { return v.Backoff }),
		variable(event.HasProbes, "probes", "", "Probes that are not answered.", func(v *vars) uint32 { return v.Probes }),
		counter(event.HasBytesAcked, "bytes_acked", "Sequence numbers that the kernel counts as acknowledged (tcpi_bytes_acked).", func(v *vars) uint64 { return v.BytesAcked }),
		counter(event.HasBytesReceived, "bytes_received", "Sequence numbers that the kernel counts as received (tcpi_bytes_received).", func(v *vars) uint64 { return v.BytesReceived }),
		variable(event.HasSndMSS, "snd_mss", "bytes", "Largest payload that the end sends.", func(v *vars) uint32 { return v.SndMSS }),
		variable(event.HasSndBuf, "snd_buf", "bytes", "What waits in the send buffer.", func(v *vars) uint32 { return v.SndBuf }),
		variable(event.HasRcvBuf, "rcv_buf", "bytes", "What waits for the reader.", func(v *vars) uint32 { return v.RcvBuf }),
		blockColumn("scoreboard", "What the peer's SACKs have reported and no acknowledgment covers.", func(e *event.Event) ([]event.Block, bool) {
			v := &e.Vars
			return v.Scoreboard[:min(v.NScoreboard, event.MaxBlocks)], v.Has&event.HasScoreboard != 0
		}),
		blockColumn("held", "What this end holds beyond RCV.NXT.", func(e *event.Event) ([]event.Block, bool) {
			v := &e.Vars
			return v.Held[:min(v.NHeld, event.MaxBlocks)], v.Has&event.HasHeld != 0
		}),
		variable(event.HasNotSent, "not_sent", "bytes", "What of the send buffer was not sent yet (tcpi_notsent_bytes); a FIN that waits counts as one.", func(v *vars) uint32 { return v.NotSent }),
	}
}
