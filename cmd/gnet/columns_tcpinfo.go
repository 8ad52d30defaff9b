package main

import (
	"strings"
	"time"

	"gnet/internal/render"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// infoColumns is what --info adds to the column table of socketSchema: the
// fields of struct tcp_info under the kernel's names without tcpi_.
func infoColumns() []render.Column[socketRow] {
	columns := []render.Column[socketRow]{
		backlogColumn("backlog", "connections that wait for accept at a listening TCP socket.", func(now, _ uint32) uint32 { return now }),
		backlogColumn("backlog_limit", "how many may wait, the smaller one of what listen(2) asked for and net.core.somaxconn.", func(_, limit uint32) uint32 { return limit }),
		inetColumn(infoField("cc", render.String, "", "name of the congestion control."), func(s *procnet.InetSocket, v *render.Value) {
			if s.Diag != nil && s.Diag.Has&sockdiag.ExtCong != 0 {
				v.Str(string(s.Diag.Cong))
			}
		}),
		inetColumn(infoField("drops", render.Uint, "", "packets that found no room in the socket's buffer."), func(s *procnet.InetSocket, v *render.Value) {
			if s.Diag != nil && s.Diag.Has&sockdiag.ExtSkMemInfo != 0 {
				v.Uint(uint64(s.Diag.SkMem.Drops))
			}
		}),
	}
	for _, part := range [][]render.Column[socketRow]{infoStateColumns(), infoTimeColumns(), infoWindowColumns(), infoSegmentColumns(), infoByteColumns(), infoRateColumns(), infoECNColumns()} {
		columns = append(columns, part...)
	}
	return columns
}

func infoField(name string, kind render.Kind, unit, doc string) render.Field {
	return render.Field{Name: name, Kind: kind, Unit: unit, Doc: "With --info: " + doc}
}

func backlogColumn(name, doc string, pick func(now, limit uint32) uint32) render.Column[socketRow] {
	return inetColumn(infoField(name, render.Uint, "connections", doc), func(s *procnet.InetSocket, v *render.Value) {
		if now, limit, ok := backlogOf(s); ok {
			v.Uint(uint64(pick(now, limit)))
		}
	})
}

// infoColumn is a column of a connection whose kernel gave the field that ends
// at since.
func infoColumn(f render.Field, since sockdiag.InfoField, get func(*sockdiag.TCPInfo, *render.Value)) render.Column[socketRow] {
	return inetColumn(f, func(s *procnet.InetSocket, v *render.Value) {
		if i := infoOf(s); i != nil && i.Has(since) {
			get(i, v)
		}
	})
}

func infoCount(name, unit, doc string, since sockdiag.InfoField, get func(*sockdiag.TCPInfo) uint64) render.Column[socketRow] {
	return infoColumn(infoField(name, render.Uint, unit, doc), since, func(i *sockdiag.TCPInfo, v *render.Value) { v.Uint(get(i)) })
}

func infoTime(name, doc string, since sockdiag.InfoField, get func(*sockdiag.TCPInfo) time.Duration) render.Column[socketRow] {
	return infoColumn(infoField(name+"_ns", render.Duration, "ns", doc), since, func(i *sockdiag.TCPInfo, v *render.Value) { v.Duration(get(i)) })
}

func infoStateColumns() []render.Column[socketRow] {
	const base = sockdiag.InfoBase
	return []render.Column[socketRow]{
		infoColumn(infoField("ca_state", render.String, "", "state of the congestion control: open, disorder, cwr, recovery or loss."), base,
			func(i *sockdiag.TCPInfo, v *render.Value) { v.Str(caStateWord(i.CAState)) }),
		infoColumn(infoField("options", render.String, "", "what both ends agreed on, separated by blanks: ts, sack, wscale, ecn; and ecnseen, syn_data, usec_ts, tfo_child."), base,
			func(i *sockdiag.TCPInfo, v *render.Value) { v.Str(tcpOptionWords(i.Options)) }),
		infoCount("snd_wscale", "bits", "shift of the windows that the other end announces.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SndWscale) }),
		infoCount("rcv_wscale", "bits", "shift of the windows that this end announces.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvWscale) }),
		infoCount("backoff", "", "how often the retransmission time was doubled since the last answer.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Backoff) }),
		infoCount("fastopen_client_fail", "", "why TCP Fast Open was not used, as the kernel counts (linux/tcp.h, enum tcp_fastopen_client_fail).", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.FastopenClientFail) }),
	}
}

func infoTimeColumns() []render.Column[socketRow] {
	const base = sockdiag.InfoBase
	return []render.Column[socketRow]{
		infoTime("rto", "time until a segment without an answer is sent again.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.RTO }),
		infoTime("ato", "time for which an acknowledgment may be delayed.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.ATO }),
		infoTime("rtt", "smoothed round-trip time; 0 before the first one.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.RTT }),
		infoTime("rttvar", "mean deviation of the round-trip time.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.RTTVar }),
		infoColumn(infoField("min_rtt_ns", render.Duration, "ns", "smallest round-trip time of late; absent before the first one."), sockdiag.InfoMinRTT,
			func(i *sockdiag.TCPInfo, v *render.Value) {
				if d, ok := minRTT(i); ok {
					v.Duration(d)
				}
			}),
		infoTime("rcv_rtt", "round-trip time as the receiver estimates it; 0 when it does not.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.RcvRTT }),
		infoTime("last_data_sent", "time since data was sent.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.LastDataSent }),
		infoTime("last_data_recv", "time since data came.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.LastDataRecv }),
		infoTime("last_ack_recv", "time since an acknowledgment came.", base, func(i *sockdiag.TCPInfo) time.Duration { return i.LastAckRecv }),
	}
}

func infoWindowColumns() []render.Column[socketRow] {
	const base = sockdiag.InfoBase
	return []render.Column[socketRow]{
		infoCount("snd_cwnd", "segments", "congestion window.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SndCwnd) }),
		infoColumn(infoField("snd_ssthresh", render.Uint, "segments", "window at which slow start ends; absent while there is no limit."), base,
			func(i *sockdiag.TCPInfo, v *render.Value) {
				if i.SndSsthresh < sockdiag.SsthreshInfinite {
					v.Uint(uint64(i.SndSsthresh))
				}
			}),
		infoCount("snd_wnd", "bytes", "window that the other end announced last.", sockdiag.InfoSndWnd, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SndWnd) }),
		infoCount("rcv_wnd", "bytes", "window that this end announced last.", sockdiag.InfoRcvWnd, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvWnd) }),
		infoCount("rcv_space", "bytes", "space for received data that the kernel aims at.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvSpace) }),
		infoCount("rcv_ssthresh", "bytes", "limit of the window that this end announces.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvSsthresh) }),
		infoCount("snd_mss", "bytes", "size of the segments that are sent.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SndMSS) }),
		infoCount("rcv_mss", "bytes", "size of the segments that come, estimated.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvMSS) }),
		infoCount("advmss", "bytes", "size of segments that this end announced.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.AdvMSS) }),
		infoCount("pmtu", "bytes", "path MTU that the connection goes by.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.PMTU) }),
	}
}

func infoSegmentColumns() []render.Column[socketRow] {
	const base = sockdiag.InfoBase
	return []render.Column[socketRow]{
		infoCount("unacked", "segments", "segments under way.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Unacked) }),
		infoCount("sacked", "segments", "segments that arrived behind a gap.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Sacked) }),
		infoCount("lost", "segments", "segments that the sender takes for lost.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Lost) }),
		infoCount("retrans", "segments", "segments that were sent again and are under way.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Retrans) }),
		infoCount("total_retrans", "segments", "segments that were sent again in the connection's whole life.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.TotalRetrans) }),
		infoCount("fackets", "segments", "0 since Linux 4.15.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Fackets) }),
		infoCount("reordering", "segments", "how far out of order segments may come before they count as lost.", base, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Reordering) }),
		infoCount("segs_out", "segments", "segments sent, those without data too.", sockdiag.InfoSegsOut, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SegsOut) }),
		infoCount("segs_in", "segments", "segments received, those without data too.", sockdiag.InfoSegsIn, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.SegsIn) }),
		infoCount("data_segs_out", "segments", "segments with data sent.", sockdiag.InfoDataSegsOut, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DataSegsOut) }),
		infoCount("data_segs_in", "segments", "segments with data received.", sockdiag.InfoDataSegsIn, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DataSegsIn) }),
		infoCount("delivered", "segments", "segments that arrived at the other end.", sockdiag.InfoDelivered, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Delivered) }),
		infoCount("dsack_dups", "", "segments that the other end reported to have come twice.", sockdiag.InfoDsackDups, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DsackDups) }),
		infoCount("reord_seen", "", "times that reordering was seen.", sockdiag.InfoReordSeen, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.ReordSeen) }),
		infoCount("rcv_ooopack", "segments", "segments that came out of order.", sockdiag.InfoRcvOoopack, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.RcvOoopack) }),
		infoCount("rehash", "", "times that another path was tried by a new flow label.", sockdiag.InfoRehash, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.Rehash) }),
		infoCount("total_rto", "", "retransmission timeouts in the connection's whole life.", sockdiag.InfoTotalRTO, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.TotalRTO) }),
		infoCount("total_rto_recoveries", "", "recoveries that began with such a timeout.", sockdiag.InfoTotalRTO, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.TotalRTORecoveries) }),
		infoTime("total_rto_time", "time spent in those recoveries.", sockdiag.InfoTotalRTO, func(i *sockdiag.TCPInfo) time.Duration { return i.TotalRTOTime }),
	}
}

func infoByteColumns() []render.Column[socketRow] {
	return []render.Column[socketRow]{
		infoCount("bytes_sent", "bytes", "data sent, also what was sent again.", sockdiag.InfoBytesSent, func(i *sockdiag.TCPInfo) uint64 { return i.BytesSent }),
		infoCount("bytes_acked", "bytes", "data that the other end acknowledged; a SYN and a FIN may count as one each.", sockdiag.InfoBytesAcked, func(i *sockdiag.TCPInfo) uint64 { return i.BytesAcked }),
		infoCount("bytes_received", "bytes", "data that came; a FIN counts as one.", sockdiag.InfoBytesReceived, func(i *sockdiag.TCPInfo) uint64 { return i.BytesReceived }),
		infoCount("bytes_retrans", "bytes", "data that was sent again.", sockdiag.InfoBytesRetrans, func(i *sockdiag.TCPInfo) uint64 { return i.BytesRetrans }),
		infoCount("notsent_bytes", "bytes", "data that waits to be sent.", sockdiag.InfoNotsentBytes, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.NotsentBytes) }),
	}
}

func infoRateColumns() []render.Column[socketRow] {
	rate := func(name, doc string, since sockdiag.InfoField, get func(*sockdiag.TCPInfo) uint64) render.Column[socketRow] {
		return infoColumn(infoField(name, render.Uint, "bytes/s", doc), since, func(i *sockdiag.TCPInfo, v *render.Value) {
			if n := get(i); n != sockdiag.RateUnlimited {
				v.Uint(n)
			}
		})
	}
	return []render.Column[socketRow]{
		rate("delivery_rate", "rate at which data arrived at the other end, by the last sample.", sockdiag.InfoDeliveryRate, func(i *sockdiag.TCPInfo) uint64 { return i.DeliveryRate }),
		infoColumn(infoField("delivery_rate_app_limited", render.Bool, "", "that sample was limited by the application, which had nothing to send."), sockdiag.InfoDeliveryRate,
			func(i *sockdiag.TCPInfo, v *render.Value) { v.Bool(i.DeliveryRateAppLimited) }),
		rate("pacing_rate", "rate at which segments are let go; absent without pacing.", sockdiag.InfoPacingRate, func(i *sockdiag.TCPInfo) uint64 { return i.PacingRate }),
		rate("max_pacing_rate", "limit of that rate (SO_MAX_PACING_RATE); absent without one.", sockdiag.InfoMaxPacingRate, func(i *sockdiag.TCPInfo) uint64 { return i.MaxPacingRate }),
		infoTime("busy_time", "time in which there was data to send or to be acknowledged.", sockdiag.InfoBusyTime, func(i *sockdiag.TCPInfo) time.Duration { return i.BusyTime }),
		infoTime("rwnd_limited", "part of busy_time in which the other end's window was the limit.", sockdiag.InfoRwndLimited, func(i *sockdiag.TCPInfo) time.Duration { return i.RwndLimited }),
		infoTime("sndbuf_limited", "part of busy_time in which the send buffer was the limit.", sockdiag.InfoSndbufLimited, func(i *sockdiag.TCPInfo) time.Duration { return i.SndbufLimited }),
	}
}

func infoECNColumns() []render.Column[socketRow] {
	const accurate = sockdiag.InfoAccECNCounters
	return []render.Column[socketRow]{
		infoCount("delivered_ce", "segments", "segments that arrived with a mark of congestion (ECN).", sockdiag.InfoDeliveredCE, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DeliveredCE) }),
		infoCount("received_ce", "segments", "segments that came with a mark of congestion.", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.ReceivedCE) }),
		infoCount("delivered_e1_bytes", "bytes", "data that arrived as ECT(1), by Accurate ECN (RFC 9768).", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DeliveredE1Bytes) }),
		infoCount("delivered_e0_bytes", "bytes", "data that arrived as ECT(0).", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DeliveredE0Bytes) }),
		infoCount("delivered_ce_bytes", "bytes", "data that arrived with a mark of congestion.", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.DeliveredCEBytes) }),
		infoCount("received_e1_bytes", "bytes", "data that came as ECT(1).", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.ReceivedE1Bytes) }),
		infoCount("received_e0_bytes", "bytes", "data that came as ECT(0).", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.ReceivedE0Bytes) }),
		infoCount("received_ce_bytes", "bytes", "data that came with a mark of congestion.", accurate, func(i *sockdiag.TCPInfo) uint64 { return uint64(i.ReceivedCEBytes) }),
	}
}

// tcpOptionWords are the bits of tcpi_options (linux/tcp.h, TCPI_OPT_*).
func tcpOptionWords(options uint8) string {
	var words []string
	for bit, word := range [...]string{"ts", "sack", "wscale", "ecn", "ecnseen", "syn_data", "usec_ts", "tfo_child"} {
		if options>>bit&1 != 0 {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}
