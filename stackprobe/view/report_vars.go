package view

import (
	"strconv"

	"gnet/stackprobe/event"
)

// variable is one of the variables of an end, as the report's tables show it.
type variable struct {
	has  event.VarSet
	name string
	// rel says whose initial number the value counts from, none for a value that is no sequence number.
	rel   event.VarSet
	value func(*event.Vars) int64
	form  func(int64) string
}

func decimalText(v int64) string  { return strconv.FormatInt(v, 10) }
func durationText(v int64) string { return duration(v) }

// reportVariables are those of the tables, in their order.
func reportVariables() []variable {
	return []variable{
		{event.HasCwnd, "congestion window, segments", 0, func(v *event.Vars) int64 { return int64(v.Cwnd) }, decimalText},
		{event.HasSsthresh, "slow start threshold", 0, func(v *event.Vars) int64 { return int64(v.Ssthresh) }, thresholdText},
		{event.HasCongestion, "recovery", 0, func(v *event.Vars) int64 { return int64(v.Congestion) }, recoveryText},
		{event.HasFlight, "in flight, segments", 0, func(v *event.Vars) int64 { return int64(v.Flight) }, decimalText},
		{event.HasDupAcks, "duplicate ACKs", 0, func(v *event.Vars) int64 { return int64(v.DupAcks) }, decimalText},
		{event.HasSacked, "reported by SACK, segments", 0, func(v *event.Vars) int64 { return int64(v.Sacked) }, decimalText},
		{event.HasLost, "taken for lost, segments", 0, func(v *event.Vars) int64 { return int64(v.Lost) }, decimalText},
		{event.HasRetrans, "retransmitted, under way", 0, func(v *event.Vars) int64 { return int64(v.Retrans) }, decimalText},
		{event.HasUna, "SND.UNA", event.HasISS, func(v *event.Vars) int64 { return int64(v.Una) }, decimalText},
		{event.HasNxt, "SND.NXT", event.HasISS, func(v *event.Vars) int64 { return int64(v.Nxt) }, decimalText},
		{event.HasWnd, "SND.WND, octets", 0, func(v *event.Vars) int64 { return int64(v.Wnd) }, decimalText},
		{event.HasRcvNxt, "RCV.NXT", event.HasIRS, func(v *event.Vars) int64 { return int64(v.RcvNxt) }, decimalText},
		{event.HasRcvWnd, "RCV.WND, octets", 0, func(v *event.Vars) int64 { return int64(v.RcvWnd) }, decimalText},
		{event.HasSRTT, "SRTT", 0, func(v *event.Vars) int64 { return v.SRTT }, durationText},
		{event.HasRTTVar, "RTTVAR", 0, func(v *event.Vars) int64 { return v.RTTVar }, durationText},
		{event.HasRTO, "RTO", 0, func(v *event.Vars) int64 { return v.RTO }, durationText},
		{event.HasBackoff, "RTO doubled, times", 0, func(v *event.Vars) int64 { return int64(v.Backoff) }, decimalText},
		{event.HasProbes, "probes unanswered", 0, func(v *event.Vars) int64 { return int64(v.Probes) }, decimalText},
		{event.HasSndMSS, "MSS, octets", 0, func(v *event.Vars) int64 { return int64(v.SndMSS) }, decimalText},
		{event.HasSndBuf, "send buffer, octets", 0, func(v *event.Vars) int64 { return int64(v.SndBuf) }, decimalText},
		{event.HasNotSent, "not sent yet, octets", 0, func(v *event.Vars) int64 { return int64(v.NotSent) }, decimalText},
		{event.HasRcvBuf, "waits for the reader, octets", 0, func(v *event.Vars) int64 { return int64(v.RcvBuf) }, decimalText},
	}
}

func thresholdText(v int64) string {
	if v >= event.InfiniteSsthresh {
		return "none yet"
	}
	return decimalText(v)
}

func recoveryText(v int64) string { return event.Congestion(v).String() }

// variables notes where a variable of an end changes.
type variables struct {
	list    []variable
	now     map[endOf][]string
	changes []varChange
}

// varChange is the new value of one variable, seen at a row.
type varChange struct {
	row      int
	end      endOf
	variable int
	text     string
}

// add takes the variables of e.
func (l *variables) add(row int, e *event.Event, absolute bool, over *overflow) {
	if e.Vars.Has == 0 || e.Host == event.None {
		return
	}
	if l.list == nil {
		l.list, l.now = reportVariables(), make(map[endOf][]string)
	}
	k := endOfEvent(e)
	now := l.now[k]
	if now == nil {
		if len(l.now) >= maxEnds {
			over.samples++
			return
		}
		now = make([]string, len(l.list))
		l.now[k] = now
	}
	for i := range l.list {
		text := l.list[i].text(&e.Vars, absolute)
		if text == "" || text == now[i] {
			continue
		}
		if len(l.changes) >= maxReportFacts {
			over.samples++
			continue
		}
		now[i] = text
		l.changes = append(l.changes, varChange{row, k, i, text})
	}
}

// text is the variable's value, "" if it is not known: relative to the initial number unless absolute, and "~" before one
// that the stack itself did not show.
func (x *variable) text(v *event.Vars, absolute bool) string {
	if v.Has&x.has == 0 {
		return ""
	}
	n, raw := x.value(v), ""
	switch {
	case x.rel == 0 || absolute:
	case v.Has&x.rel == 0:
		raw = "raw "
	case x.rel == event.HasISS:
		n = int64(uint32(n) - v.ISS)
	default:
		n = int64(uint32(n) - v.IRS)
	}
	text := x.form(n)
	if text == "" {
		return ""
	}
	if v.Computed&x.has != 0 || v.How == event.Computed || v.How == event.Inferred {
		raw = "~" + raw
	}
	return raw + text
}
