package link

import (
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// parse reads the packet's TCP segment as far as one packet tells. It reports false for anything else and for what is
// cut, a fragment or malformed; only size is known then.
func (p *passage) parse() bool {
	var src, dst netip.Addr
	if ip, err := wire.CheckIPv4(p.packet); err == nil {
		p.size = ip.TotalLength()
		if ip.Protocol() != wire.ProtoTCP || ip.Offset() != 0 || ip.MF() || ip.Truncated() {
			return false
		}
		src, dst, p.transport = ip.Src(), ip.Dst(), ip.HeaderLen()
		p.seg.IPID, p.seg.Hop = ip.ID(), ip.TTL()
	} else if ip, err := wire.CheckIPv6(p.packet); err == nil {
		p.size = wire.IPv6Header + ip.PayloadLength()
		// A fragment that is the whole packet (RFC 6946) is none.
		u, err := ip.Upper()
		if err != nil || u.Protocol != wire.ProtoTCP || u.Offset != 0 || u.MF || ip.Truncated() {
			return false
		}
		src, dst, p.transport = ip.Src(), ip.Dst(), p.size-len(u.Data)
		p.seg.Hop = ip.HopLimit()
	} else {
		return false
	}
	tcp, err := wire.CheckTCP(p.packet[p.transport:p.size])
	if err != nil {
		return false
	}
	p.tcp = true
	p.segment(tcp, src, dst)
	return true
}

// segment fills the event's view of tcp, which is the whole segment.
func (p *passage) segment(tcp wire.TCP, src, dst netip.Addr) {
	s := &p.seg
	s.Src, s.Dst = netip.AddrPortFrom(src, tcp.SrcPort()), netip.AddrPortFrom(dst, tcp.DstPort())
	s.Flags, s.Seq, s.Win = event.Flags(tcp.Flags()), tcp.Seq(), tcp.Window()
	s.Len, s.Size, s.BadSum = len(tcp.Payload()), p.size, !tcp.ChecksumOK(src, dst)
	if s.Flags.Has(event.ACK) {
		s.Ack = tcp.Ack()
	}
	if s.Len > 0 {
		s.Hash = hash(tcp.Payload())
	}
	// A malformed option ends the list; what stands before it counts, as for the receiver.
	opts, _ := wire.ParseTCPOptions(tcp.Options())
	s.Opts = options(&opts)
}

func options(w *wire.TCPOptions) event.Options {
	o := event.Options{MSS: w.MSS, WScale: min(w.WindowScale, wire.MaxWindowScale), TSVal: w.TSVal, TSEcr: w.TSEcr}
	for _, f := range [...]struct {
		has bool
		bit event.OptionSet
	}{{w.HasMSS, event.OptMSS}, {w.HasScale, event.OptWScale}, {w.SACKPermitted, event.OptSackPermitted},
		{w.HasTimestamps, event.OptTimestamps}, {w.SACKCount > 0, event.OptSack}} {
		if f.has {
			o.Has |= f.bit
		}
	}
	for i, b := range w.SACK() {
		o.Sack[i] = event.Block{Left: b.Left, Right: b.Right}
	}
	o.NSack = uint8(w.SACKCount)
	return o
}
