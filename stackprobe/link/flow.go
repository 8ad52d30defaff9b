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

// flows are the connections on the link, each with what its SYNs fixed.
type flows struct {
	last int // number of the last connection
	m    map[ends]*flow
}

// ends names a connection by its two sockets, client's first.
type ends struct{ client, server netip.AddrPort }

// flow is one incarnation of a connection (RFC 9293 section 3.4.1).
type flow struct {
	conn int
	dir  [3]direction // by event.Host of the sender
}

// direction is what one end has shown of itself.
type direction struct {
	hasISS bool
	iss    uint32
	// scaling tells that the SYN had the window scale option, shift its value.
	scaling bool
	shift   uint8
	sent    ranges
}

// observe fills the fields of s that need the connection's past, remembers s, and returns the connection's number. Segments are observed where they
// leave, so also what is lost later counts: an initial number is fixed by sending it.
func (f *flows) observe(from event.Host, s *event.Segment) (conn int) {
	fl := f.find(from, s)
	d, peer := &fl.dir[from], &fl.dir[from.Peer()]
	if s.Flags.Has(event.SYN) && !d.hasISS {
		d.hasISS, d.iss = true, s.Seq
		d.scaling, d.shift = s.Opts.Has&event.OptWScale != 0, s.Opts.WScale
	}
	relative(s, d, peer)
	window(s, d, peer)
	if s.Space() > 0 && d.hasISS && !s.Flags.Has(event.RST) {
		s.Attempt = d.attempt(s.RelSeq, s.RelSeq+s.Space())
	}
	return fl.conn
}

// conn returns the number of the last connection between the two sockets, as host names them, 0 if there was none.
func (f *flows) conn(host event.Host, t event.Tuple) int {
	key := ends{t.Local, t.Remote}
	if host == event.Server {
		key = ends{t.Remote, t.Local}
	}
	if fl := f.m[key]; fl != nil {
		return fl.conn
	}
	return 0
}

// attempt counts one transmission of the numbers low to high. Behind the end of the number space, which no run reaches
// (stackprobe.MaxBytes), every transmission passes for the first.
func (d *direction) attempt(low, high uint32) int {
	if high < low {
		return 1
	}
	return d.sent.add(low, high)
}

// find returns the flow of s. A SYN with another initial number than before starts a new incarnation.
func (f *flows) find(from event.Host, s *event.Segment) *flow {
	key := ends{s.Src, s.Dst}
	if from == event.Server {
		key = ends{s.Dst, s.Src}
	}
	fl := f.m[key]
	if fl != nil && s.Flags&(event.SYN|event.ACK) == event.SYN {
		if d := &fl.dir[from]; d.hasISS && d.iss != s.Seq {
			fl = nil
		}
	}
	if fl == nil {
		if f.m == nil {
			f.m = make(map[ends]*flow)
		}
		f.last++
		fl = &flow{conn: f.last}
		f.m[key] = fl
	}
	return fl
}

// relative makes the numbers of s count from the initial ones.
func relative(s *event.Segment, d, peer *direction) {
	if d.hasISS {
		s.RelSeq, s.HasRelSeq = s.Seq-d.iss, true
	}
	if !peer.hasISS {
		return
	}
	if s.Flags.Has(event.ACK) {
		s.RelAck, s.HasRelAck = s.Ack-peer.iss, true
	}
	for i, b := range s.Opts.Sack[:s.Opts.NSack] {
		s.Opts.RelSack[i] = event.Block{Left: b.Left - peer.iss, Right: b.Right - peer.iss}
	}
}

// window scales the window field: only if both SYNs offered it, and never in a SYN (RFC 7323 section 2.2).
func window(s *event.Segment, d, peer *direction) {
	switch {
	case s.Flags.Has(event.SYN):
		s.Window, s.HasWindow = uint32(s.Win), true
	case !d.hasISS || !peer.hasISS:
	case d.scaling && peer.scaling:
		s.Window, s.HasWindow = uint32(s.Win)<<d.shift, true
	default:
		s.Window, s.HasWindow = uint32(s.Win), true
	}
}
