package kernelside

import (
	"encoding/binary"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

// Info is struct tcp_info (include/uapi/linux/tcp.h) as far as it is used here. Kernels fill as much as they know: the
// fields from SndWnd on are absent on older ones.
type Info struct {
	State, CAState, Retransmits, Probes uint8
	RTO, RTT, RTTVar                    time.Duration
	Ssthresh, Cwnd                      uint32 // segments
	// BytesAcked and BytesReceived count sequence numbers (SYN and FIN included where the kernel does).
	BytesAcked, BytesReceived uint64
	HasBytes                  bool
	SndWnd, RcvWnd            uint32
	HasSndWnd, HasRcvWnd      bool
}

// maxInfo is more than any kernel's struct tcp_info.
const maxInfo = 512

// readInfo asks the kernel for the socket's TCP_INFO.
func readInfo(fd int) (Info, error) {
	var buf [maxInfo]byte
	n := uint32(len(buf))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&n)), 0)
	if errno != 0 {
		return Info{}, errno
	}
	return parseInfo(buf[:n]), nil
}

// Offsets in struct tcp_info.
const (
	offRTO      = 8
	offRTT      = 68
	offRTTVar   = 72
	offSsthresh = 76
	offCwnd     = 80
	offAcked    = 120
	offReceived = 128
	offSndWnd   = 228
	offRcvWnd   = 232
)

// parseInfo reads as many fields as b holds.
func parseInfo(b []byte) Info {
	var i Info
	if len(b) >= 4 {
		i.State, i.CAState, i.Retransmits, i.Probes = b[0], b[1], b[2], b[3]
	}
	i.RTO = time.Duration(u32(b, offRTO)) * time.Microsecond
	i.RTT = time.Duration(u32(b, offRTT)) * time.Microsecond
	i.RTTVar = time.Duration(u32(b, offRTTVar)) * time.Microsecond
	i.Ssthresh, i.Cwnd = u32(b, offSsthresh), u32(b, offCwnd)
	if i.HasBytes = len(b) >= offReceived+8; i.HasBytes {
		i.BytesAcked, i.BytesReceived = binary.NativeEndian.Uint64(b[offAcked:]), binary.NativeEndian.Uint64(b[offReceived:])
	}
	i.SndWnd, i.HasSndWnd = u32(b, offSndWnd), len(b) >= offSndWnd+4
	i.RcvWnd, i.HasRcvWnd = u32(b, offRcvWnd), len(b) >= offRcvWnd+4
	return i
}

// u32 reads a field, 0 if b ends before it.
func u32(b []byte, off int) uint32 {
	if len(b) < off+4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b[off:])
}

// The values of tcpi_state (include/net/tcp_states.h) and of tcpi_ca_state (enum tcp_ca_state).
const (
	tcpSynSent  = 2
	tcpTimeWait = 6
	tcpClose    = 7

	caRecovery = 3
	caLoss     = 4
)

// states translates tcpi_state. NEW_SYN_RECV is a request socket's.
var states = [...]event.State{1: event.StateEstablished, 2: event.SynSent, 3: event.SynReceived, 4: event.FinWait1, 5: event.FinWait2,
	6: event.TimeWait, 7: event.Closed, 8: event.CloseWait, 9: event.LastAck, 10: event.Listening, 11: event.Closing, 12: event.SynReceived}

func stateOf(s uint8) event.State {
	if int(s) < len(states) {
		return states[s]
	}
	return event.StateUnknown
}

// vars translates what TCP_INFO tells of the variables; it has no sequence numbers.
func (i *Info) vars() event.Vars {
	if i.State == tcpClose {
		return event.Vars{}
	}
	v := event.Vars{How: event.Read, Has: event.HasCwnd | event.HasSsthresh | event.HasRTO,
		Cwnd: i.Cwnd, Ssthresh: i.Ssthresh, RTO: int64(i.RTO)}
	if i.RTT > 0 {
		v.Has |= event.HasSRTT | event.HasRTTVar
		v.SRTT, v.RTTVar = int64(i.RTT), int64(i.RTTVar)
	}
	if i.HasSndWnd && i.State != tcpSynSent {
		v.Has |= event.HasWnd
		v.Wnd = i.SndWnd
	}
	if i.HasRcvWnd && i.State != tcpSynSent {
		v.Has |= event.HasRcvWnd
		v.RcvWnd = i.RcvWnd
	}
	return v
}

// evidence says what speaks for a reason of a retransmission; before is the sample at the transmission before.
// tcpi_retransmits counts expiries since the last acknowledgement. Linux has tail loss probes, so a repetition outside of
// recovery and without an expiry is one.
func (i *Info) evidence(before *Info) event.Evidence {
	switch {
	case i.Probes > 0:
		return event.Probing
	case i.Retransmits > before.Retransmits:
		return event.Expired
	case i.CAState == caLoss:
		return event.Resending
	case i.CAState == caRecovery:
		return event.Recovering
	}
	return event.TailLoss
}
