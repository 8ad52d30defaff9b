package event

// varNames are the keys of the variables, in the order of the bits of VarSet.
var varNames = [...]string{"iss", "irs", "una", "nxt", "wnd", "cwnd", "ssthresh", "rto_ns", "srtt_ns", "rttvar_ns", "rcv_nxt", "rcv_wnd",
	"congestion", "flight", "sacked", "lost", "retrans", "dup_acks", "reordering", "backoff", "probes", "bytes_acked", "bytes_received",
	"snd_mss", "snd_buf", "rcv_buf", "scoreboard", "held", "not_sent"}

// number returns the variable with bit 1<<i; negative durations come back as such from int64.
func (v *Vars) number(i int) uint64 {
	if p := v.word(i); p != nil {
		return uint64(*p)
	}
	switch VarSet(1) << i {
	case HasRTO:
		return uint64(v.RTO)
	case HasSRTT:
		return uint64(v.SRTT)
	case HasRTTVar:
		return uint64(v.RTTVar)
	case HasBytesAcked:
		return v.BytesAcked
	case HasBytesReceived:
		return v.BytesReceived
	}
	return 0
}

// word returns the place of the 32-bit variable with bit 1<<i, nil for the others.
func (v *Vars) word(i int) *uint32 {
	switch VarSet(1) << i {
	case HasISS:
		return &v.ISS
	case HasIRS:
		return &v.IRS
	case HasUna:
		return &v.Una
	case HasNxt:
		return &v.Nxt
	case HasWnd:
		return &v.Wnd
	case HasCwnd:
		return &v.Cwnd
	case HasSsthresh:
		return &v.Ssthresh
	case HasRcvNxt:
		return &v.RcvNxt
	case HasRcvWnd:
		return &v.RcvWnd
	case HasFlight:
		return &v.Flight
	case HasSacked:
		return &v.Sacked
	case HasLost:
		return &v.Lost
	case HasRetrans:
		return &v.Retrans
	case HasDupAcks:
		return &v.DupAcks
	case HasReordering:
		return &v.Reordering
	case HasBackoff:
		return &v.Backoff
	case HasProbes:
		return &v.Probes
	case HasSndMSS:
		return &v.SndMSS
	case HasSndBuf:
		return &v.SndBuf
	case HasRcvBuf:
		return &v.RcvBuf
	case HasNotSent:
		return &v.NotSent
	}
	return nil
}

func (o *object) vars(v *Vars) {
	if v.Has == 0 {
		return
	}
	o.optStr("vars_how", v.How.String())
	o.optInt("vars_at_ns", v.At)
	for i, k := range varNames {
		switch bit := VarSet(1) << i; v.Has & bit {
		case 0:
		case HasCongestion:
			o.optStr(k, v.Congestion.String())
		case HasScoreboard:
			o.blocks(k, v.Scoreboard[:min(v.NScoreboard, MaxBlocks)])
		case HasHeld:
			o.blocks(k, v.Held[:min(v.NHeld, MaxBlocks)])
		case HasRTO, HasSRTT, HasRTTVar:
			o.int(k, int64(v.number(i)))
		default:
			o.uint(k, v.number(i))
		}
	}
	o.optStr("computed", v.Computed.String())
}

// String returns the keys of the variables in s, in schema order, a blank between them.
func (s VarSet) String() string { return join(varNames[:], uint32(s)) }

// evidenceNames are the words of Evidence, in the order of its bits.
var evidenceNames = [...]string{"expired", "resending", "recovering", "probing", "tail-loss", "in-timer", "probed-tail", "fast-retransmitted",
	"slow-start-retrans", "lost-retransmission", "sent-keepalive", "sent-window-probe", "challenged", "delayed-ack", "sent-dsack",
	"syn-retransmitted", "sent-cookie"}

// String returns the words of the evidence in s, a blank between them.
func (s Evidence) String() string { return join(evidenceNames[:], uint32(s)) }

// join returns the names of the bits in set, a blank between them.
func join(names []string, set uint32) string {
	if set == 0 {
		return ""
	}
	var b []byte
	for i, n := range names {
		if set&(1<<i) == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(b, n...)
	}
	return string(b)
}
