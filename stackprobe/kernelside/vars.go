package kernelside

import (
	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// The values of tcpi_state (include/net/tcp_states.h).
const (
	tcpEstablished = 1
	tcpSynSent     = 2
	tcpSynRecv     = 3
	tcpClose       = 7
	tcpListen      = 10
)

// states translates tcpi_state and idiag_state. NEW_SYN_RECV is a request socket's.
var states = [...]event.State{1: event.StateEstablished, 2: event.SynSent, 3: event.SynReceived, 4: event.FinWait1, 5: event.FinWait2,
	6: event.TimeWait, 7: event.Closed, 8: event.CloseWait, 9: event.LastAck, 10: event.Listening, 11: event.Closing, 12: event.SynReceived}

func stateOf(s uint8) event.State {
	if int(s) < len(states) {
		return states[s]
	}
	return event.StateUnknown
}

// congestion translates tcpi_ca_state (enum tcp_ca_state).
var congestion = [...]event.Congestion{event.CongestionOpen, event.CongestionDisorder, event.CongestionCWR, event.CongestionRecovery, event.CongestionLoss}

// varsOf translates what TCP_INFO tells of the variables, as far as this kernel's structure reaches; it has no sequence numbers.
func varsOf(i *sockdiag.TCPInfo) event.Vars {
	if i.State == tcpClose {
		return event.Vars{}
	}
	v := event.Vars{How: event.Read, Cwnd: i.SndCwnd, Ssthresh: i.SndSsthresh, RTO: int64(i.RTO), SRTT: int64(i.RTT), RTTVar: int64(i.RTTVar),
		Flight: i.Unacked, Sacked: i.Sacked, Lost: i.Lost, Retrans: i.Retrans, Reordering: i.Reordering,
		Backoff: uint32(i.Backoff), Probes: uint32(i.Probes), BytesAcked: i.BytesAcked, BytesReceived: i.BytesReceived,
		SndMSS: i.SndMSS, NotSent: i.NotsentBytes, Wnd: i.SndWnd, RcvWnd: i.RcvWnd}
	if int(i.CAState) < len(congestion) {
		v.Congestion = congestion[i.CAState]
	}
	synchronized := i.State != tcpSynSent
	for _, f := range [...]struct {
		known bool
		bits  event.VarSet
	}{
		{i.Has(sockdiag.InfoBase), event.HasCwnd | event.HasSsthresh | event.HasRTO | event.HasFlight | event.HasSacked | event.HasLost |
			event.HasRetrans | event.HasReordering | event.HasBackoff | event.HasProbes | event.HasSndMSS},
		{v.Congestion != 0, event.HasCongestion},
		{i.RTT > 0, event.HasSRTT | event.HasRTTVar},
		{i.Has(sockdiag.InfoBytesAcked), event.HasBytesAcked},
		{i.Has(sockdiag.InfoBytesReceived), event.HasBytesReceived},
		{i.Has(sockdiag.InfoNotsentBytes), event.HasNotSent},
		{synchronized && i.Has(sockdiag.InfoSndWnd), event.HasWnd},
		{synchronized && i.Has(sockdiag.InfoRcvWnd), event.HasRcvWnd},
	} {
		if f.known {
			v.Has |= f.bits
		}
	}
	return v
}
