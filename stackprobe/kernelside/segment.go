package kernelside

import (
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// segment is what is needed here of a TCP segment on its way.
type segment struct {
	src, dst netip.AddrPort
	seq      uint32
	flags    event.Flags
	space    uint32 // length in sequence numbers (RFC 9293 section 3.4, SEG.LEN)
	sack     bool   // it has a SACK option
}

// readSegment reads the headers of a packet; ok is false for what is no whole TCP segment.
func readSegment(packet []byte) (s segment, ok bool) {
	var src, dst netip.Addr
	var payload []byte
	if ip, err := wire.CheckIPv4(packet); err == nil {
		if ip.Protocol() != wire.ProtoTCP || ip.Offset() != 0 || ip.MF() {
			return segment{}, false
		}
		src, dst, payload = ip.Src(), ip.Dst(), ip.Payload()
	} else if ip, err := wire.CheckIPv6(packet); err == nil && ip.NextHeader() == wire.ProtoTCP {
		src, dst, payload = ip.Src(), ip.Dst(), ip.Payload()
	}
	tcp, err := wire.CheckTCP(payload)
	if err != nil {
		return segment{}, false
	}
	s = segment{src: netip.AddrPortFrom(src, tcp.SrcPort()), dst: netip.AddrPortFrom(dst, tcp.DstPort()),
		seq: tcp.Seq(), flags: event.Flags(tcp.Flags()), space: uint32(tcp.SeqLen())}
	if len(tcp.Options()) > 12 { // more than timestamps with their padding
		opts, _ := wire.ParseTCPOptions(tcp.Options())
		s.sack = opts.SACKCount > 0
	}
	return s, true
}

// before reports whether a comes before b in sequence space (RFC 9293 section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }
