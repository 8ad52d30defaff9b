package sockdiag

import (
	"bytes"
	"encoding/binary"

	"gnet/internal/netlink"
)

// Ext is a set of INET_DIAG_* attributes: bit 1<<(attribute-1).
type Ext uint32

// The attributes of a row (linux/inet_diag.h). The first eight must be asked for,
// some of the others come with one of them, the rest always or with CAP_NET_ADMIN.
const (
	ExtMemInfo   Ext = 1 << iota // struct inet_diag_meminfo
	ExtInfo                      // struct tcp_info
	ExtVegasInfo                 // struct tcpvegas_info
	ExtCong                      // name of the congestion control
	ExtTOS
	ExtTClass
	ExtSkMemInfo // SK_MEMINFO_*
	ExtShutdown  // always comes
	ExtDCTCPInfo // asked for as ExtVegasInfo
	ExtProtocol  // of a raw socket
	ExtV6Only    // of IPv6 sockets in LISTEN or CLOSE
	extLocals
	extPeers
	extPad
	ExtMark    // with CAP_NET_ADMIN
	ExtBBRInfo // asked for as ExtVegasInfo
	ExtClassID // asked for as ExtTClass
	extMD5Sig
	ExtULP // with CAP_NET_ADMIN
	extBPFStorages
	ExtCgroupID // always comes since Linux 5.8
)

// request is the byte idiag_ext.
func (e Ext) request() uint8 {
	if e&(ExtDCTCPInfo|ExtBBRInfo) != 0 {
		e |= ExtVegasInfo
	}
	if e&ExtClassID != 0 {
		e |= ExtTClass
	}
	return uint8(e)
}

// attribute reads one attribute into r; unknown ones are skipped. The shift of a
// type beyond the set's bits gives no bit.
func (r *InetRow) attribute(a *netlink.Attrs) {
	has := Ext(1) << (a.Type() - 1)
	switch has {
	case ExtInfo:
		r.Info.Decode(a.Data())
	case ExtCong:
		r.Cong = cString(a.Data())
	case ExtTOS:
		r.TOS = a.Uint8()
	case ExtTClass:
		r.TClass = a.Uint8()
	case ExtShutdown:
		r.Shutdown = a.Uint8()
	case ExtProtocol:
		r.Protocol = a.Uint8()
	case ExtV6Only:
		r.V6Only = a.Uint8() != 0
	case ExtMark:
		r.Mark = a.Uint32()
	case ExtClassID:
		r.ClassID = a.Uint32()
	case ExtCgroupID:
		r.CgroupID = a.Uint64()
	case ExtULP:
		r.ULP = ulpName(a)
	default:
		if !r.wide(has, a) {
			return
		}
	}
	r.Has |= has
}

// wide reads the attributes that are structures of counters; false for an
// attribute that has no place in the row.
func (r *InetRow) wide(has Ext, a *netlink.Attrs) bool {
	switch has {
	case ExtMemInfo:
		r.Mem.decode(a)
	case ExtSkMemInfo:
		r.SkMem.decode(a)
	case ExtVegasInfo:
		r.Vegas.decode(a)
	case ExtDCTCPInfo:
		r.DCTCP.decode(a)
	case ExtBBRInfo:
		r.BBR.decode(a)
	default:
		return false
	}
	return true
}

// ulpName finds INET_ULP_INFO_NAME in INET_DIAG_ULP_INFO.
func ulpName(a *netlink.Attrs) (name []byte) {
	const inetULPInfoName = 1
	nested := a.Nested()
	for nested.Next() {
		if nested.Type() == inetULPInfoName {
			name = cString(nested.Data())
		}
	}
	if nested.Err() != nil {
		a.Fail()
	}
	return name
}

// cString is the bytes before the first NUL, or all of them.
func cString(b []byte) []byte {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		return b[:end]
	}
	return b
}

// words reads consecutive integers of 32 bits in host order; beyond the end it
// reads zeros.
type words []byte

func (w *words) next() uint32 {
	if len(*w) < 4 {
		*w = nil
		return 0
	}
	v := binary.NativeEndian.Uint32(*w)
	*w = (*w)[4:]
	return v
}

// fixed starts a walk over an attribute of at least n bytes; a shorter one
// fails.
func fixed(a *netlink.Attrs, n int) words {
	if len(a.Data()) < n {
		a.Fail()
		return nil
	}
	return words(a.Data())
}

// MemInfo is struct inet_diag_meminfo, in bytes: received data, data queued to
// send, memory reserved ahead, memory that unsent data may take.
type MemInfo struct{ RMem, WMem, FMem, TMem uint32 }

func (m *MemInfo) decode(a *netlink.Attrs) {
	w := fixed(a, 16)
	*m = MemInfo{RMem: w.next(), WMem: w.next(), FMem: w.next(), TMem: w.next()}
}

// SkMem is the memory of a socket in bytes (linux/sock_diag.h, SK_MEMINFO_*);
// Drops counts packets that found no room.
type SkMem struct {
	RmemAlloc, RcvBuf, WmemAlloc, SndBuf, FwdAlloc, WmemQueued, OptMem, Backlog, Drops uint32
}

// decode takes what is there: old kernels have fewer words.
func (m *SkMem) decode(a *netlink.Attrs) {
	w := words(a.Data())
	*m = SkMem{
		RmemAlloc: w.next(), RcvBuf: w.next(), WmemAlloc: w.next(), SndBuf: w.next(),
		FwdAlloc: w.next(), WmemQueued: w.next(), OptMem: w.next(), Backlog: w.next(), Drops: w.next(),
	}
}

// VegasInfo is struct tcpvegas_info; RTT and MinRTT in microseconds. Westwood and Illinois fill it too.
type VegasInfo struct{ Enabled, RTTCount, RTT, MinRTT uint32 }

func (v *VegasInfo) decode(a *netlink.Attrs) {
	w := fixed(a, 16)
	*v = VegasInfo{Enabled: w.next(), RTTCount: w.next(), RTT: w.next(), MinRTT: w.next()}
}

// DCTCPInfo is struct tcp_dctcp_info (RFC 8257): Alpha in 1/1024, AckedECN and
// AckedTotal in bytes.
type DCTCPInfo struct {
	Enabled, CEState            uint16
	Alpha, AckedECN, AckedTotal uint32
}

func (d *DCTCPInfo) decode(a *netlink.Attrs) {
	w := fixed(a, 16)
	if w == nil {
		return
	}
	*d = DCTCPInfo{Enabled: binary.NativeEndian.Uint16(w), CEState: binary.NativeEndian.Uint16(w[2:])}
	w.next()
	d.Alpha, d.AckedECN, d.AckedTotal = w.next(), w.next(), w.next()
}

// BBRInfo is struct tcp_bbr_info: Bandwidth in bytes per second, MinRTT in
// microseconds, the gains in 1/256.
type BBRInfo struct {
	Bandwidth                    uint64
	MinRTT, PacingGain, CwndGain uint32
}

func (b *BBRInfo) decode(a *netlink.Attrs) {
	w := fixed(a, 20)
	low, high := w.next(), w.next()
	*b = BBRInfo{Bandwidth: uint64(low) | uint64(high)<<32, MinRTT: w.next(), PacingGain: w.next(), CwndGain: w.next()}
}
