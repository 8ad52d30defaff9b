package sockdiag

import (
	"encoding/binary"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func hostUint32(b []byte) uint32 { return binary.NativeEndian.Uint32(b) }

// tcpInfoBytes is a struct tcp_info of 280 bytes (Linux 6.18) in which each
// field has its own value: a 32-bit word holds 1000 and its offset, a 64-bit one
// 1<<40 and its offset, a byte 1 and its offset.
func tcpInfoBytes() []byte {
	b := []byte{1, 2, 3, 4, 5, 6, 0x87, 0x05}
	wide := map[int]bool{104: true, 112: true, 120: true, 128: true, 160: true, 168: true, 176: true, 184: true, 200: true, 208: true}
	for len(b) < 280 {
		switch {
		case wide[len(b)]:
			b = binary.NativeEndian.AppendUint64(b, 1<<40+uint64(len(b)))
		case len(b) == 240:
			b = binary.NativeEndian.AppendUint16(b, 240)
			b = binary.NativeEndian.AppendUint16(b, 242)
		default:
			b = host32(b, 1000+uint32(len(b)))
		}
	}
	return b
}

// tcpInfoValue is what tcpInfoBytes means, on a little-endian machine.
func tcpInfoValue() TCPInfo {
	us, ms := time.Microsecond, time.Millisecond
	wscale := func(b uint8) (s, r uint8) { return nibbles(b) }
	s, r := wscale(0x87)
	limited, failed := appLimited(5)
	return TCPInfo{
		Len: 280, State: 1, CAState: 2, Retransmits: 3, Probes: 4, Backoff: 5, Options: 6, SndWscale: s, RcvWscale: r,
		DeliveryRateAppLimited: limited, FastopenClientFail: failed,
		RTO: 1008 * us, ATO: 1012 * us, SndMSS: 1016, RcvMSS: 1020,
		Unacked: 1024, Sacked: 1028, Lost: 1032, Retrans: 1036, Fackets: 1040,
		LastDataSent: 1044 * ms, LastAckSent: 1048 * ms, LastDataRecv: 1052 * ms, LastAckRecv: 1056 * ms,
		PMTU: 1060, RcvSsthresh: 1064, RTT: 1068 * us, RTTVar: 1072 * us, SndSsthresh: 1076, SndCwnd: 1080, AdvMSS: 1084, Reordering: 1088,
		RcvRTT: 1092 * us, RcvSpace: 1096, TotalRetrans: 1100,
		PacingRate: 1<<40 + 104, MaxPacingRate: 1<<40 + 112, BytesAcked: 1<<40 + 120, BytesReceived: 1<<40 + 128,
		SegsOut: 1136, SegsIn: 1140, NotsentBytes: 1144, MinRTT: 1148 * us, DataSegsIn: 1152, DataSegsOut: 1156,
		DeliveryRate: 1<<40 + 160, BusyTime: (1<<40 + 168) * us, RwndLimited: (1<<40 + 176) * us, SndbufLimited: (1<<40 + 184) * us,
		Delivered: 1192, DeliveredCE: 1196, BytesSent: 1<<40 + 200, BytesRetrans: 1<<40 + 208, DsackDups: 1216, ReordSeen: 1220,
		RcvOoopack: 1224, SndWnd: 1228, RcvWnd: 1232, Rehash: 1236, TotalRTO: 240, TotalRTORecoveries: 242, TotalRTOTime: 1244 * ms,
		ReceivedCE: 1248, DeliveredE1Bytes: 1252, DeliveredE0Bytes: 1256, DeliveredCEBytes: 1260,
		ReceivedE1Bytes: 1264, ReceivedE0Bytes: 1268, ReceivedCEBytes: 1272,
	}
}

func TestTCPInfo_whole(t *testing.T) {
	if s, r := nibbles(0x87); hostUint32([]byte{1, 0, 0, 0}) == 1 && (s != 7 || r != 8) {
		t.Errorf("window scales %d and %d of 0x87", s, r)
	}
	if limited, failed := appLimited(5); hostUint32([]byte{1, 0, 0, 0}) == 1 && (!limited || failed != 2) {
		t.Errorf("limited %v, fastopen %d of 5", limited, failed)
	}
	var got TCPInfo
	got.Decode(tcpInfoBytes())
	mustEqual(t, tcpInfoValue(), got)
}

// TestTCPInfo_noFieldIsLeftOut: of 280 bytes each field has got a value.
func TestTCPInfo_noFieldIsLeftOut(t *testing.T) {
	v := reflect.ValueOf(tcpInfoValue())
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s is zero", v.Type().Field(i).Name)
		}
	}
}

// infoFields are the fields with a name of their own, in the kernel's order.
var infoFields = []struct {
	f   InfoField
	get func(*TCPInfo) any
}{
	{InfoBase, func(i *TCPInfo) any { return i.TotalRetrans }},
	{InfoPacingRate, func(i *TCPInfo) any { return i.PacingRate }},
	{InfoMaxPacingRate, func(i *TCPInfo) any { return i.MaxPacingRate }},
	{InfoBytesAcked, func(i *TCPInfo) any { return i.BytesAcked }},
	{InfoBytesReceived, func(i *TCPInfo) any { return i.BytesReceived }},
	{InfoSegsOut, func(i *TCPInfo) any { return i.SegsOut }},
	{InfoSegsIn, func(i *TCPInfo) any { return i.SegsIn }},
	{InfoNotsentBytes, func(i *TCPInfo) any { return i.NotsentBytes }},
	{InfoMinRTT, func(i *TCPInfo) any { return i.MinRTT }},
	{InfoDataSegsIn, func(i *TCPInfo) any { return i.DataSegsIn }},
	{InfoDataSegsOut, func(i *TCPInfo) any { return i.DataSegsOut }},
	{InfoDeliveryRate, func(i *TCPInfo) any { return i.DeliveryRate }},
	{InfoBusyTime, func(i *TCPInfo) any { return i.BusyTime }},
	{InfoRwndLimited, func(i *TCPInfo) any { return i.RwndLimited }},
	{InfoSndbufLimited, func(i *TCPInfo) any { return i.SndbufLimited }},
	{InfoDelivered, func(i *TCPInfo) any { return i.Delivered }},
	{InfoDeliveredCE, func(i *TCPInfo) any { return i.DeliveredCE }},
	{InfoBytesSent, func(i *TCPInfo) any { return i.BytesSent }},
	{InfoBytesRetrans, func(i *TCPInfo) any { return i.BytesRetrans }},
	{InfoDsackDups, func(i *TCPInfo) any { return i.DsackDups }},
	{InfoReordSeen, func(i *TCPInfo) any { return i.ReordSeen }},
	{InfoRcvOoopack, func(i *TCPInfo) any { return i.RcvOoopack }},
	{InfoSndWnd, func(i *TCPInfo) any { return i.SndWnd }},
	{InfoRcvWnd, func(i *TCPInfo) any { return i.RcvWnd }},
	{InfoRehash, func(i *TCPInfo) any { return i.Rehash }},
	{InfoTotalRTO, func(i *TCPInfo) any { return i.TotalRTOTime }},
	{InfoAccECNCounters, func(i *TCPInfo) any { return i.ReceivedCEBytes }},
}

// TestTCPInfo_byLength: at each length that a kernel may give, a field is there
// with its whole value, or it is absent and zero.
func TestTCPInfo_byLength(t *testing.T) {
	whole := tcpInfoValue()
	for n := range 300 {
		b := append(tcpInfoBytes(), make([]byte, 20)...)[:n]
		var got TCPInfo
		got.Decode(b)
		for _, field := range infoFields {
			want := reflect.Zero(reflect.TypeOf(field.get(&whole))).Interface()
			if got.Has(field.f) {
				want = field.get(&whole)
			}
			if has := n >= int(field.f); got.Has(field.f) != has || field.get(&got) != want {
				t.Fatalf("%d bytes: field that ends at %d: Has %v, value %v", n, field.f, got.Has(field.f), field.get(&got))
			}
		}
	}
}

// TestTCPInfo_longer: what a later kernel appends changes nothing but Len.
func TestTCPInfo_longer(t *testing.T) {
	want := tcpInfoValue()
	want.Len = 300
	var got TCPInfo
	got.Decode(append(tcpInfoBytes(), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTCPInfo_absurdTimes: a counter beyond a Duration's range is cut, it does
// not turn negative.
func TestTCPInfo_absurdTimes(t *testing.T) {
	b := tcpInfoBytes()
	binary.NativeEndian.PutUint64(b[168:], 1<<64-1)
	var got TCPInfo
	got.Decode(b)
	if got.BusyTime < 1<<62 {
		t.Errorf("busy time is %v", got.BusyTime)
	}
}

// FuzzTCPInfo: no length and no content panics, and a cut structure has a
// prefix of the whole one's values.
func FuzzTCPInfo(f *testing.F) {
	for _, n := range []int{0, 1, 7, 104, 111, 192, 224, 232, 248, 280, 299} {
		f.Add(append(tcpInfoBytes(), make([]byte, 20)...)[:n], uint16(n/2))
	}
	for _, row := range capturedRows(f) {
		if info := attributeOf(row.Body, 2); info != nil {
			f.Add(info, uint16(200))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, cut uint16) {
		var whole, part TCPInfo
		whole.Decode(b)
		part.Decode(b[:min(int(cut), len(b))])
		for _, field := range infoFields {
			if part.Has(field.f) && field.get(&part) != field.get(&whole) {
				t.Errorf("field that ends at %d: %v of %d bytes, %v of %d", field.f, field.get(&part), part.Len, field.get(&whole), whole.Len)
			}
			if !whole.Has(field.f) && !reflect.ValueOf(field.get(&whole)).IsZero() {
				t.Errorf("field that ends at %d is absent and %v", field.f, field.get(&whole))
			}
		}
	})
}
