package filter

import (
	"strconv"
	"time"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// info compares a field of struct tcp_info, which connections of TCP have: not a listening socket, and no row of TIME_WAIT or SYN_RECV.
type info struct {
	field infoField
	op    comparison
	value uint64
}

// infoUnit is what a field counts.
type infoUnit uint8

const (
	infoCount infoUnit = iota
	infoBytes
	infoTime
)

// infoField is a field by the kernel's name without tcpi_ and, where that is how everyone calls it, without snd_.
type infoField struct {
	name  string
	unit  infoUnit
	since sockdiag.InfoField
	get   func(*sockdiag.TCPInfo) (value uint64, known bool)
}

// infoFields returns the fields that can be compared. A time that was never measured is not known.
func infoFields() []infoField {
	type tcpInfo = sockdiag.TCPInfo
	count := func(name string, since sockdiag.InfoField, get func(*tcpInfo) uint32) infoField {
		return infoField{name, infoCount, since, func(i *tcpInfo) (uint64, bool) { return uint64(get(i)), true }}
	}
	measured := func(name string, since sockdiag.InfoField, never time.Duration, get func(*tcpInfo) time.Duration) infoField {
		return infoField{name, infoTime, since, func(i *tcpInfo) (uint64, bool) { d := get(i); return uint64(d), d != never }}
	}
	bytes := func(name string, since sockdiag.InfoField, get func(*tcpInfo) uint64) infoField {
		return infoField{name, infoBytes, since, func(i *tcpInfo) (uint64, bool) { return get(i), true }}
	}
	const base = sockdiag.InfoBase
	return []infoField{
		measured("rtt", base, 0, func(i *tcpInfo) time.Duration { return i.RTT }),
		measured("rttvar", base, 0, func(i *tcpInfo) time.Duration { return i.RTTVar }),
		measured("min_rtt", sockdiag.InfoMinRTT, sockdiag.MinRTTUnknown, func(i *tcpInfo) time.Duration { return i.MinRTT }),
		measured("rto", base, 0, func(i *tcpInfo) time.Duration { return i.RTO }),
		count("cwnd", base, func(i *tcpInfo) uint32 { return i.SndCwnd }),
		{"ssthresh", infoCount, base, func(i *tcpInfo) (uint64, bool) {
			return uint64(i.SndSsthresh), i.SndSsthresh < sockdiag.SsthreshInfinite
		}},
		count("mss", base, func(i *tcpInfo) uint32 { return i.SndMSS }),
		count("pmtu", base, func(i *tcpInfo) uint32 { return i.PMTU }),
		count("unacked", base, func(i *tcpInfo) uint32 { return i.Unacked }),
		count("sacked", base, func(i *tcpInfo) uint32 { return i.Sacked }),
		count("lost", base, func(i *tcpInfo) uint32 { return i.Lost }),
		count("retrans", base, func(i *tcpInfo) uint32 { return i.Retrans }),
		count("total_retrans", base, func(i *tcpInfo) uint32 { return i.TotalRetrans }),
		count("retransmits", base, func(i *tcpInfo) uint32 { return uint32(i.Retransmits) }),
		count("backoff", base, func(i *tcpInfo) uint32 { return uint32(i.Backoff) }),
		count("probes", base, func(i *tcpInfo) uint32 { return uint32(i.Probes) }),
		bytes("notsent_bytes", sockdiag.InfoNotsentBytes, func(i *tcpInfo) uint64 { return uint64(i.NotsentBytes) }),
		bytes("bytes_sent", sockdiag.InfoBytesSent, func(i *tcpInfo) uint64 { return i.BytesSent }),
		bytes("bytes_acked", sockdiag.InfoBytesAcked, func(i *tcpInfo) uint64 { return i.BytesAcked }),
		bytes("bytes_received", sockdiag.InfoBytesReceived, func(i *tcpInfo) uint64 { return i.BytesReceived }),
		bytes("bytes_retrans", sockdiag.InfoBytesRetrans, func(i *tcpInfo) uint64 { return i.BytesRetrans }),
	}
}

func infoConditions() []condition {
	fields := infoFields()
	list := make([]condition, len(fields))
	for i, f := range fields {
		list[i] = condition{f.name, true, func(p *parser, c *comparand) (expr, error) { return f.read(p, c) }}
	}
	return list
}

func (f infoField) read(p *parser, c *comparand) (expr, error) {
	var n uint64
	var err error
	switch f.unit {
	case infoTime:
		n, err = parseTime(c.text)
	case infoBytes:
		n, err = parseBytes(c.text)
	default:
		n, err = parseNumber(c.text, 32)
	}
	if err != nil {
		return nil, p.fail(c.value, "%q %v", c.text, err)
	}
	return info{f, c.op, n}, nil
}

func (n info) eval(s *Socket, unknown *Needs) Verdict {
	if !s.isConnection() {
		return No
	}
	d := s.diag()
	if d == nil || d.Has&sockdiag.ExtInfo == 0 || !d.Info.Has(n.field.since) {
		*unknown |= NeedInfo
		return No
	}
	have, known := n.field.get(&d.Info)
	return verdict(known && n.op.holds(have, n.value))
}

// isConnection reports whether the socket is one of TCP that has a struct tcp_info of its own.
func (s *Socket) isConnection() bool {
	if s.Inet == nil || s.Inet.Proto != procnet.TCP {
		return false
	}
	switch s.Inet.State {
	case procnet.Listen, procnet.TimeWait, procnet.SynRecv:
		return false
	}
	return true
}

func (n info) needs() Needs { return NeedInfo }

func (n info) append(dst []byte) []byte {
	dst = appendComparison(dst, n.field.name, n.op)
	if n.field.unit == infoTime {
		return appendTime(dst, n.value)
	}
	return strconv.AppendUint(dst, n.value, 10)
}
