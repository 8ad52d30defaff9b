package sockdiag

import (
	"encoding/binary"
	"time"
)

// TCPInfo is struct tcp_info (linux/tcp.h; filled by net/ipv4/tcp.c,
// tcp_get_info), each field by the kernel's name without tcpi_. The kernel grew
// the structure over the years: a field beyond Len is zero and absent, as Has
// tells.
//
// On a LISTEN socket Unacked is the number of connections that wait for accept
// and Sacked the limit of that number.
type TCPInfo struct {
	// Len is the number of bytes that the kernel gave.
	Len int

	State, CAState, Retransmits, Probes, Backoff, Options uint8
	SndWscale, RcvWscale                                  uint8
	// DeliveryRateAppLimited: the last sample of the delivery rate was limited
	// by the application.
	DeliveryRateAppLimited bool
	FastopenClientFail     uint8

	RTO, ATO       time.Duration
	SndMSS, RcvMSS uint32

	Unacked, Sacked, Lost, Retrans, Fackets uint32

	LastDataSent, LastAckSent, LastDataRecv, LastAckRecv time.Duration

	PMTU, RcvSsthresh    uint32
	RTT, RTTVar          time.Duration
	SndSsthresh, SndCwnd uint32
	AdvMSS, Reordering   uint32
	RcvRTT               time.Duration
	RcvSpace             uint32
	TotalRetrans         uint32

	// PacingRate and MaxPacingRate are bytes per second; ^uint64(0) means no limit.
	PacingRate, MaxPacingRate uint64
	BytesAcked, BytesReceived uint64
	SegsOut, SegsIn           uint32
	NotsentBytes              uint32
	// MinRTT is MinRTTUnknown until there was a sample.
	MinRTT                               time.Duration
	DataSegsIn, DataSegsOut              uint32
	DeliveryRate                         uint64 // bytes per second
	BusyTime, RwndLimited, SndbufLimited time.Duration
	Delivered, DeliveredCE               uint32
	BytesSent, BytesRetrans              uint64
	DsackDups, ReordSeen                 uint32
	RcvOoopack                           uint32
	SndWnd                               uint32
	RcvWnd, Rehash                       uint32
	TotalRTO, TotalRTORecoveries         uint16
	TotalRTOTime                         time.Duration
	ReceivedCE                           uint32

	DeliveredE1Bytes, DeliveredE0Bytes, DeliveredCEBytes uint32
	ReceivedE1Bytes, ReceivedE0Bytes, ReceivedCEBytes    uint32
}

// InfoField names the fields that were added to struct tcp_info after Linux 2.6
// by the offset of their end, which is the length that a kernel with that field
// gives at least. Fields without a name here end before the first one.
type InfoField uint16

// The generations of struct tcp_info.
const (
	// InfoBase is the end of total_retrans: the whole of Linux 2.6.
	InfoBase           InfoField = 104
	InfoPacingRate     InfoField = 112 // Linux 3.15
	InfoMaxPacingRate  InfoField = 120 // Linux 3.15
	InfoBytesAcked     InfoField = 128 // Linux 4.1
	InfoBytesReceived  InfoField = 136 // Linux 4.1
	InfoSegsOut        InfoField = 140 // Linux 4.2
	InfoSegsIn         InfoField = 144 // Linux 4.2
	InfoNotsentBytes   InfoField = 148 // Linux 4.6
	InfoMinRTT         InfoField = 152 // Linux 4.6
	InfoDataSegsIn     InfoField = 156 // Linux 4.6
	InfoDataSegsOut    InfoField = 160 // Linux 4.6
	InfoDeliveryRate   InfoField = 168 // Linux 4.9, with the bit DeliveryRateAppLimited
	InfoBusyTime       InfoField = 176 // Linux 4.10
	InfoRwndLimited    InfoField = 184 // Linux 4.10
	InfoSndbufLimited  InfoField = 192 // Linux 4.10
	InfoDelivered      InfoField = 196 // Linux 4.18
	InfoDeliveredCE    InfoField = 200 // Linux 4.18
	InfoBytesSent      InfoField = 208 // Linux 4.19
	InfoBytesRetrans   InfoField = 216 // Linux 4.19
	InfoDsackDups      InfoField = 220 // Linux 4.19
	InfoReordSeen      InfoField = 224 // Linux 4.19
	InfoRcvOoopack     InfoField = 228 // Linux 5.4
	InfoSndWnd         InfoField = 232 // Linux 5.4
	InfoRcvWnd         InfoField = 236 // Linux 6.2
	InfoRehash         InfoField = 240 // Linux 6.2
	InfoTotalRTO       InfoField = 248 // Linux 6.7, three fields
	InfoAccECNCounters InfoField = 276 // Linux 6.18, seven fields
)

// Has reports whether the kernel gave the field.
func (i *TCPInfo) Has(f InfoField) bool { return i.Len >= int(f) }

// MinRTTUnknown is MinRTT before the first sample (~0 microseconds).
const MinRTTUnknown = (1<<32 - 1) * time.Microsecond

// SsthreshInfinite is the value of SndSsthresh before the first loss
// (TCP_INFINITE_SSTHRESH, include/net/tcp.h).
const SsthreshInfinite = 0x7fffffff

// RateUnlimited is the value of MaxPacingRate and PacingRate without a limit.
const RateUnlimited = ^uint64(0)

// infoCursor reads the fields in their order; beyond the end it reads zeros.
type infoCursor []byte

func (c *infoCursor) u8() uint8 {
	if len(*c) < 1 {
		return 0
	}
	v := (*c)[0]
	*c = (*c)[1:]
	return v
}

func (c *infoCursor) u16() uint16 {
	if len(*c) < 2 {
		*c = nil
		return 0
	}
	v := binary.NativeEndian.Uint16(*c)
	*c = (*c)[2:]
	return v
}

func (c *infoCursor) u32() uint32 {
	if len(*c) < 4 {
		*c = nil
		return 0
	}
	v := binary.NativeEndian.Uint32(*c)
	*c = (*c)[4:]
	return v
}

func (c *infoCursor) u64() uint64 {
	if len(*c) < 8 {
		*c = nil
		return 0
	}
	v := binary.NativeEndian.Uint64(*c)
	*c = (*c)[8:]
	return v
}

func (c *infoCursor) us32() time.Duration { return time.Duration(c.u32()) * time.Microsecond }
func (c *infoCursor) ms32() time.Duration { return time.Duration(c.u32()) * time.Millisecond }

// us64 reads microseconds; what is beyond the range of a Duration is cut to it.
func (c *infoCursor) us64() time.Duration {
	const most = uint64(1<<63-1) / uint64(time.Microsecond)
	return time.Duration(min(c.u64(), most)) * time.Microsecond
}

// Decode fills i from as many bytes of struct tcp_info as the kernel gave, of a socket diagnosis or of getsockopt(TCP_INFO).
func (i *TCPInfo) Decode(data []byte) {
	c := infoCursor(data)
	*i = TCPInfo{Len: len(data)}
	i.base(&c)
	i.counters(&c)
	i.recent(&c)
}

// base reads what Linux 2.6 had. The two bytes of bit fields are laid out by the
// compiler from the byte order's low end.
func (i *TCPInfo) base(c *infoCursor) {
	i.State, i.CAState, i.Retransmits, i.Probes = c.u8(), c.u8(), c.u8(), c.u8()
	i.Backoff, i.Options = c.u8(), c.u8()
	i.SndWscale, i.RcvWscale = nibbles(c.u8())
	i.DeliveryRateAppLimited, i.FastopenClientFail = appLimited(c.u8())
	i.RTO, i.ATO, i.SndMSS, i.RcvMSS = c.us32(), c.us32(), c.u32(), c.u32()
	i.Unacked, i.Sacked, i.Lost, i.Retrans, i.Fackets = c.u32(), c.u32(), c.u32(), c.u32(), c.u32()
	i.LastDataSent, i.LastAckSent, i.LastDataRecv, i.LastAckRecv = c.ms32(), c.ms32(), c.ms32(), c.ms32()
	i.PMTU, i.RcvSsthresh, i.RTT, i.RTTVar = c.u32(), c.u32(), c.us32(), c.us32()
	i.SndSsthresh, i.SndCwnd, i.AdvMSS, i.Reordering = c.u32(), c.u32(), c.u32(), c.u32()
	i.RcvRTT, i.RcvSpace, i.TotalRetrans = c.us32(), c.u32(), c.u32()
}

// counters reads what Linux 3.15 to 4.19 added.
func (i *TCPInfo) counters(c *infoCursor) {
	i.PacingRate, i.MaxPacingRate = c.u64(), c.u64()
	i.BytesAcked, i.BytesReceived = c.u64(), c.u64()
	i.SegsOut, i.SegsIn, i.NotsentBytes, i.MinRTT = c.u32(), c.u32(), c.u32(), c.us32()
	i.DataSegsIn, i.DataSegsOut, i.DeliveryRate = c.u32(), c.u32(), c.u64()
	i.BusyTime, i.RwndLimited, i.SndbufLimited = c.us64(), c.us64(), c.us64()
	i.Delivered, i.DeliveredCE = c.u32(), c.u32()
	i.BytesSent, i.BytesRetrans = c.u64(), c.u64()
	i.DsackDups, i.ReordSeen = c.u32(), c.u32()
}

// recent reads what Linux 5.4 and later added. The last word of Linux 6.18, the
// state of Accurate ECN, is left alone: Linux 7.0 gave its bits another meaning.
func (i *TCPInfo) recent(c *infoCursor) {
	i.RcvOoopack, i.SndWnd, i.RcvWnd, i.Rehash = c.u32(), c.u32(), c.u32(), c.u32()
	i.TotalRTO, i.TotalRTORecoveries, i.TotalRTOTime = c.u16(), c.u16(), c.ms32()
	i.ReceivedCE = c.u32()
	i.DeliveredE1Bytes, i.DeliveredE0Bytes, i.DeliveredCEBytes = c.u32(), c.u32(), c.u32()
	i.ReceivedE1Bytes, i.ReceivedE0Bytes, i.ReceivedCEBytes = c.u32(), c.u32(), c.u32()
}
