package analyze

import (
	"strings"

	"gnet/stackprobe/event"
)

// Count is something that a stack has counted itself, beside what the events of the run say of the same.
type Count struct {
	// Name is the stack's own: of a kernel that of /proc/net/snmp and netstat behind that of the protocol, or of struct tcp_info;
	// of an engine that of tcpip.Stats. A plus stands between two that are added.
	Name string
	// What says in words what of the events is the same.
	What string
	// Stack is the stack's value, Events that of the events.
	Stack, Events uint64
	// Apart says why the two differ though nothing is wrong, "" where they must be equal.
	Apart string
}

// Differs reports whether the two are not the same and nothing explains it: an event was lost, or something was counted wrongly.
func (c *Count) Differs() bool { return c.Stack != c.Events && c.Apart == "" }

// Counts compares what the stack of end h has counted over the whole run with the events, nil if it told nothing. What neither has
// met is left out.
func (f *Figures) Counts(h event.Host) []Count {
	if f.Run == nil || f.Stack[h%3] == nil || f.Sums.Part {
		return nil
	}
	t := counting{list: f.Stack[h%3]}
	all := f.All()
	e := &all.Ends[h%3]
	if stackOf(f.Run, h).Kernel {
		t.kernel(e)
	} else {
		t.engine(e)
	}
	return t.counts
}

// stackOf is the description of an end's stack.
func stackOf(r *event.Run, h event.Host) *event.Stack {
	if h == event.Server {
		return &r.Server
	}
	return &r.Client
}

// Infos compares what a kernel's end h has counted for connection c with the events, nil if it told nothing.
func (c *ConnectionFigures) Infos(h event.Host) []Count {
	if c.Counters[h%3] == nil {
		return nil
	}
	t := counting{list: c.Counters[h%3], all: true}
	t.info(&c.Ends[h%3])
	return t.counts
}

// counting makes a list of comparisons.
type counting struct {
	list   []event.Counter
	all    bool // a counter that is not in the list is not known, otherwise it is 0
	counts []Count
}

// value returns a counter by its name.
func (t *counting) value(name string) (v uint64, known bool) {
	for i := range t.list {
		if t.list[i].Name == name {
			return t.list[i].Value, true
		}
	}
	return 0, !t.all
}

// add compares the sum of the counters of these names with n.
func (t *counting) add(names, what string, n int, apart string) {
	var sum uint64
	for name := range strings.SplitSeq(names, "+") {
		v, known := t.value(name)
		if !known {
			return
		}
		sum += v
	}
	if events := uint64(max(n, 0)); sum != 0 || events != 0 {
		if sum == events {
			apart = ""
		}
		t.counts = append(t.counts, Count{names, what, sum, events, apart})
	}
}

// kernel compares the counters of a namespace. The kernel counts a repetition in RetransSegs alone, but a repeated SYN,ACK in OutSegs
// too (net/ipv4/tcp_output.c, __tcp_transmit_skb and tcp_rtx_synack), an expiry in TCPTimeouts, that of a SYN,ACK among them
// (net/ipv4/tcp_timer.c, tcp_syn_ack_timeout), and there what it gives up without sending.
func (t *counting) kernel(e *EndFigures) {
	gaveUp, _ := t.value("TcpExtTCPAbortOnTimeout")
	givenUp := ""
	if gaveUp > 0 {
		givenUp = "the last timeout of a connection that is given up sends nothing"
	}
	if queued, _ := t.value("TcpExtTCPSpuriousRtxHostQueues"); queued > 0 { // net/ipv4/tcp_output.c, skb_still_in_host_queue
		givenUp = "the kernel repeats nothing that it has not yet put on the link itself"
	}
	t.add("TcpInSegs", "segments that arrived", e.Arrived, "")
	t.add("TcpInCsumErrors", "of these with a wrong checksum", e.BadSums, "")
	t.add("TcpOutSegs", "segments sent, without repetitions but those of a SYN,ACK", e.Segments-e.Repeats+e.SynAckAgain, "")
	t.add("TcpRetransSegs", "repetitions", e.Repeats, "")
	t.add("TcpOutRsts", "RSTs sent", e.Why[event.Reset], "")
	t.add("TcpExtTCPOrigDataSent", "first transmissions of data or FIN", e.Original, "")
	t.add("TcpExtTCPSynRetrans", "repetitions of a SYN or SYN,ACK", e.SynAgain+e.SynAckAgain, "")
	t.add("TcpExtTCPTimeouts", "expiries of the retransmission timer", e.Timeouts+e.SynAckTimeouts, givenUp)
	t.add("TcpExtTCPFastRetrans", "fast retransmissions", e.RepeatWhy[event.Fast], "")
	t.add("TcpExtTCPLossProbes", "probes of a tail", e.TailProbes, "")
	t.add("TcpExtTCPKeepAlive", "keepalives", e.Why[event.Keepalive], "")
	t.add("TcpExtTCPWinProbe", "probes of a closed window", e.Why[event.WindowProbe], "")
	t.add("TcpExtTCPToZeroWindowAdv", "its window closed", e.Closings, "")
	t.add("TcpExtTCPFromZeroWindowAdv", "its window opened again", e.Openings, "")
	t.add("TcpExtTCPDSACKOldSent+TcpExtTCPDSACKOfoSent", "DSACKs sent", e.DSACKs, "")
	t.add("TcpExtTCPDSACKRecv+TcpExtTCPDSACKOfoRecv", "DSACKs that arrived", e.DSACKsIn, "")
}

// info compares the counters of struct tcp_info. A listener sends the SYN,ACK, so that is in no connection's count, and takes all SYNs
// but one.
func (t *counting) info(e *EndFigures) {
	segsOut, segsIn, acked := e.Segments, e.Arrived-e.BadSums, e.AckIn
	if !e.Active {
		segsOut, segsIn, acked = segsOut-e.SynAcks, segsIn-max(e.SynsIn-1, 0), acked-1
	}
	gone := ""
	if over(e.State) {
		gone = "told before its end, when the connection had a socket"
	}
	t.add("tcpi_segs_out", "segments sent by the connection", segsOut, gone)
	t.add("tcpi_segs_in", "segments that it got", segsIn, gone)
	t.add("tcpi_data_segs_out", "of those sent with data", e.Data, "")
	t.add("tcpi_data_segs_in", "of those that it got with data", e.DataIn, gone)
	t.add("tcpi_total_retrans", "repetitions", e.Repeats, gone)
	t.add("tcpi_bytes_sent", "octets of data sent, again and again", int(e.Octets), "")
	t.add("tcpi_bytes_retrans", "octets of data repeated", int(e.Again), "")
	t.add("tcpi_bytes_acked", "numbers acknowledged", int(max(acked, 0)), gone)
	t.add("tcpi_bytes_received", "numbers received in order, behind the SYN", int(max(e.AckOut-1, 0)), gone)
	t.add("tcpi_dsack_dups", "DSACKs that arrived", e.DSACKsIn, gone)
}

// engine compares the counters of netstack, which means other things by the same words (pkg/tcpip/transport/tcp).
func (t *counting) engine(e *EndFigures) {
	t.add("TCP.ValidSegmentsReceived+TCP.InvalidSegmentsReceived+TCP.ChecksumErrors", "segments that arrived", e.Arrived,
		"netstack counts what finds a connection or a listener")
	t.add("TCP.ChecksumErrors", "of these with a wrong checksum", e.BadSums, "")
	t.add("TCP.SegmentsSent", "segments sent", e.Segments, "a stack that was started anew counts from there")
	t.add("TCP.Retransmits", "repetitions", e.Repeats, "netstack counts neither SYNs nor probes")
	t.add("TCP.Timeouts", "expiries of the retransmission timer", e.Timeouts, "netstack counts the persist timer's too, and those of no SYN")
	t.add("TCP.FastRetransmit", "fast retransmissions", e.RepeatWhy[event.Fast], "netstack counts each recovery once")
	t.add("TCP.ResetsSent", "RSTs sent", e.Why[event.Reset], "netstack counts those of connections")
}
