package capture

import (
	"hash/fnv"
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// segment reads the TCP segment of an IP packet that may be cut behind its headers. It reports false for anything else.
func segment(packet []byte, s *event.Segment) bool {
	var src, dst netip.Addr
	var data []byte
	if ip, err := wire.CheckIPv4(packet); err == nil {
		if ip.Protocol() != wire.ProtoTCP || ip.Offset() != 0 || ip.MF() {
			return false
		}
		src, dst, data = ip.Src(), ip.Dst(), ip.Payload()
		s.IPID, s.Hop, s.Size = ip.ID(), ip.TTL(), ip.TotalLength()
		s.Len = s.Size - ip.HeaderLen()
	} else if ip, err := wire.CheckIPv6(packet); err == nil {
		u, err := ip.Upper()
		if err != nil || u.Protocol != wire.ProtoTCP || u.Offset != 0 || u.MF {
			return false
		}
		src, dst, data = ip.Src(), ip.Dst(), u.Data
		s.Hop, s.Size = ip.HopLimit(), wire.IPv6Header+ip.PayloadLength()
		s.Len = s.Size - (min(len(packet), s.Size) - len(data))
	} else {
		return false
	}
	tcp, err := wire.CheckTCP(data)
	if err != nil || s.Len < tcp.HeaderLen() {
		return false
	}
	s.Wire = string(packet[:min(len(packet), s.Size)])
	s.BadSum = len(data) == s.Len && !tcp.ChecksumOK(src, dst)
	s.Len -= tcp.HeaderLen()
	header(tcp, src, dst, s)
	return true
}

// header fills s from the TCP header, and from the payload if all of it is there.
func header(tcp wire.TCP, src, dst netip.Addr, s *event.Segment) {
	s.Src, s.Dst = netip.AddrPortFrom(src, tcp.SrcPort()), netip.AddrPortFrom(dst, tcp.DstPort())
	s.Flags, s.Seq, s.Win = event.Flags(tcp.Flags()), tcp.Seq(), tcp.Window()
	if s.Flags.Has(event.ACK) {
		s.Ack = tcp.Ack()
	}
	if data := tcp.Payload(); s.Len > 0 && len(data) == s.Len {
		h := fnv.New64a()
		h.Write(data)
		s.Hash = h.Sum64()
	}
	w, _ := wire.ParseTCPOptions(tcp.Options()) // behind a malformed one nothing counts, as for the receiver
	o := &s.Opts
	*o = event.Options{MSS: w.MSS, WScale: min(w.WindowScale, wire.MaxWindowScale), TSVal: w.TSVal, TSEcr: w.TSEcr, NSack: uint8(w.SACKCount)}
	for _, f := range [...]struct {
		bit event.OptionSet
		has bool
	}{{event.OptMSS, w.HasMSS}, {event.OptWScale, w.HasScale}, {event.OptSackPermitted, w.SACKPermitted}, {event.OptTimestamps, w.HasTimestamps},
		{event.OptSack, w.SACKCount > 0}} {
		if f.has {
			o.Has |= f.bit
		}
	}
	for i, b := range w.SACK() {
		o.Sack[i] = event.Block{Left: b.Left, Right: b.Right}
	}
}
