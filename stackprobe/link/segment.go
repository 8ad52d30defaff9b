package link

import (
	"hash/fnv"
	"net/netip"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// parse reads the IPv4 packet's TCP segment as far as one packet tells. It reports false for anything else and for what
// is cut or malformed.
func parse(packet []byte) (event.Segment, bool) {
	ip, err := wire.CheckIPv4(packet)
	if err != nil || ip.Protocol() != wire.ProtoTCP || ip.Offset() != 0 || ip.MF() || ip.Truncated() {
		return event.Segment{}, false
	}
	tcp, err := wire.CheckTCP(ip.Payload())
	if err != nil {
		return event.Segment{}, false
	}
	src, dst := ip.Src(), ip.Dst()
	s := event.Segment{
		Src: netip.AddrPortFrom(src, tcp.SrcPort()), Dst: netip.AddrPortFrom(dst, tcp.DstPort()),
		IPID: ip.ID(), Hop: ip.TTL(), Flags: event.Flags(tcp.Flags()), Seq: tcp.Seq(), Win: tcp.Window(),
		Len: len(tcp.Payload()), BadSum: !tcp.ChecksumOK(src, dst),
	}
	if s.Flags.Has(event.ACK) {
		s.Ack = tcp.Ack()
	}
	if s.Len > 0 {
		h := fnv.New64a()
		h.Write(tcp.Payload())
		s.Hash = h.Sum64()
	}
	// A malformed option ends the list; what stands before it counts, as for the receiver.
	opts, _ := wire.ParseTCPOptions(tcp.Options())
	s.Opts = options(&opts)
	return s, true
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
