package stackprobe

import (
	"fmt"
	"net/netip"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// The times after which a datagram is given up that is not whole: those of Linux (net/ipv4/ip_fragment.c IP_FRAG_TIME,
// include/net/ipv6.h IPV6_FRAG_TIMEOUT) and of netstack.
const (
	patience4 = 30 * time.Second
	patience6 = 60 * time.Second
)

// buffer is where the fragments of one datagram are put together, as the packets that arrived say.
type buffer struct {
	key   bufferKey
	node  int
	held  wire.Reassembly
	since time.Duration
	until time.Duration
	datagram,
	total int
	open bool
}

// bufferKey is what the fragments of a datagram have in common.
type bufferKey struct {
	src, dst netip.Addr
	ident    uint32
	protocol uint8
}

// saw takes an event of a link. It is called with the link locked.
func (x *pathRun) saw(e *event.Event) {
	p := e.Packet
	if p == nil {
		x.put(e)
		return
	}
	switch e.Kind {
	case event.KindTx:
		delete(x.waiting, p.Parent)
		x.parents[p.ID] = p.Parent
		if p.Node == 0 {
			x.left[p.ID] = p
			x.datagrams[p.Datagram] = x.sending
		}
		x.refused(e)
		x.put(e)
	case event.KindRx:
		x.put(e)
		x.arrived(e)
	case event.KindLost:
		x.put(e)
		x.blame(p, fmt.Sprintf("link %d took %s (%s)", p.Link, part(p), e.Rule))
	default:
		x.put(e)
		if e.Kind == event.KindFault && e.Fault.Action == event.Corrupt {
			x.blame(p, fmt.Sprintf("link %d damaged %s (%s)", p.Link, part(p), e.Fault.Rule))
		}
	}
}

// part names a packet of a datagram in a sentence about that.
func part(p *event.Packet) string {
	if p.Fragment() {
		return fmt.Sprintf("its fragment at offset %d", p.Offset)
	}
	return "it"
}

// refused records that a router has taken the packet that the ICMP error e is about.
func (x *pathRun) refused(e *event.Event) {
	about := x.waiting[e.Packet.About]
	if about == nil || e.Packet.About == 0 {
		return
	}
	delete(x.waiting, about.ID)
	x.discard(e.T, about)
}

// discard records that a router took p.
func (x *pathRun) discard(at int64, p *event.Packet) {
	why := x.why(p)
	x.put(&event.Event{T: at, Kind: event.KindDiscard, Packet: p, Text: why})
	x.blame(p, fmt.Sprintf("router %d took a packet of it: %s", p.Node, why))
}

// why says what made a router take p, as its header says.
func (x *pathRun) why(p *event.Packet) string {
	mtu, next := 0, p.Node+1
	if next <= len(x.links) {
		mtu = x.run.Path.Links[next-1].MTU
	}
	switch {
	case p.BadSum:
		return "the checksum of its header is wrong"
	case p.TTL <= 1 && p.Dst.Is6():
		return "its hop limit is used up"
	case p.TTL <= 1:
		return "its time to live is used up"
	case p.Size > mtu && p.DF:
		return fmt.Sprintf("%d octets are more than the MTU %d of link %d, and DF forbids fragments", p.Size, mtu, next)
	case p.Size > mtu && p.Dst.Is6():
		return fmt.Sprintf("%d octets are more than the MTU %d of link %d, and routers do not fragment IPv6", p.Size, mtu, next)
	}
	return "it was not sent on"
}

// discards records what node k did not send on.
func (x *pathRun) discards(k int) {
	for {
		var first *event.Packet
		for _, p := range x.waiting {
			if p.Node == k && (first == nil || p.ID < first.ID) {
				first = p
			}
		}
		if first == nil {
			return
		}
		delete(x.waiting, first.ID)
		x.discard(int64(x.loop.Now()), first)
	}
}

// blame keeps the first thing that happened to a datagram of the client.
func (x *pathRun) blame(p *event.Packet, why string) {
	if p.Protocol != wire.ProtoUDP {
		return
	}
	if i, ok := x.datagrams[p.Datagram]; ok && x.sent[i].cause == "" {
		x.sent[i].cause = why
	}
}

// arrived follows a packet that has reached a node.
func (x *pathRun) arrived(e *event.Event) {
	p := e.Packet
	if !x.isEnd(p) {
		if p.Node > 0 && p.Node < len(x.links) {
			x.waiting[p.ID] = p
		}
		return
	}
	if about := x.origin(p.About); about != nil && p.Node == 0 {
		x.put(&event.Event{T: e.T, Kind: event.KindICMP, Host: event.Client, Packet: about, ICMP: e.ICMP})
		x.heed(e)
	}
	if p.Fragment() && p.Node == len(x.links) {
		x.gather(e)
	}
}

// origin returns the packet that the client has sent and of which the one with that ID is a part, nil if there is none.
func (x *pathRun) origin(id int) *event.Packet {
	for x.parents[id] != 0 {
		id = x.parents[id]
	}
	return x.left[id]
}

// isEnd reports whether p has reached the node that it is for.
func (x *pathRun) isEnd(p *event.Packet) bool {
	for _, f := range x.cfg.interfaces(p.Node) {
		if f.Addr == p.Dst {
			return true
		}
	}
	return false
}

// heed has the client send anew what was too long for the path, over IPv6, where nobody else can cut it: once for each MTU that
// it is told.
func (x *pathRun) heed(e *event.Event) {
	mtu := e.ICMP.MTU
	if e.ICMP.Type != wire.ICMPv6TooBig || !x.cfg.IPv6 || x.cfg.DF || mtu < MinMTU6 || x.pathMTU != 0 && mtu >= x.pathMTU {
		return
	}
	x.pathMTU = mtu
	x.plan(x.loop.Now(), func() {
		for i := range x.sent {
			if s := &x.sent[i]; s.tries > 0 && s.arrived == 0 {
				x.note(event.Info, fmt.Sprintf("the client knows a path MTU of %d now, and sends datagram %d again", mtu, i+1))
				s.cause = ""
				x.transmit(i)
			}
		}
	})
}

// gather puts a fragment into the buffer of its datagram.
func (x *pathRun) gather(e *event.Event) {
	p := e.Packet
	b := x.buffer(e)
	r := event.Reassembly{Node: p.Node, Datagram: b.datagram, Packet: p.ID, Step: event.Added, Since: int64(b.since), Until: int64(b.until)}
	before := len(b.held.Pieces())
	f := wire.Fragment{Offset: p.Offset, Length: p.Data, MF: p.MF}
	whole, err := b.held.Add(f, make([]byte, p.Data))
	switch {
	case err != nil:
		r.Step = event.Overlapped
		b.open = false
		x.blame(p, "a fragment overlaps another, so all of them are given up")
	case whole:
		r.Step = event.Whole
		b.open = false
	case len(b.held.Pieces()) == before:
		r.Step = event.Duplicate
	}
	if !p.MF && err == nil {
		b.total = p.Offset + p.Data
	}
	b.report(&r)
	x.put(&event.Event{T: e.T, Kind: event.KindReassembly, Host: event.Server, Reassembly: &r})
}

// buffer returns that of the datagram of e's packet, a new one if none is open.
func (x *pathRun) buffer(e *event.Event) *buffer {
	p := e.Packet
	key := bufferKey{p.Src, p.Dst, p.Ident, p.Protocol}
	for _, b := range x.buffers {
		if b.open && b.key == key {
			return b
		}
	}
	patience := patience4
	if x.cfg.IPv6 {
		patience = patience6
	}
	b := &buffer{key: key, node: p.Node, since: time.Duration(e.T), until: time.Duration(e.T) + patience, datagram: p.Datagram, open: true}
	x.buffers = append(x.buffers, b)
	x.loop.At(b.until, func() { x.expire(b) })
	return b
}

// expire gives a buffer up.
func (x *pathRun) expire(b *buffer) {
	if !b.open {
		return
	}
	b.open = false
	x.plan(b.until+x.lateness(), func() {}) // the stack's own timer, and what it says then
	r := event.Reassembly{Node: b.node, Datagram: b.datagram, Step: event.TimedOut, Since: int64(b.since), Until: int64(b.until)}
	b.report(&r)
	x.put(&event.Event{T: int64(b.until), Kind: event.KindReassembly, Host: event.Server, Reassembly: &r})
}

// lateness is how long after the time a stack may give a buffer up: a kernel's timers of half a minute go by steps of a second
// (kernel/time/timer.c, the levels of the wheel).
func (x *pathRun) lateness() time.Duration {
	if x.run.Server.Kernel {
		return 2 * time.Second
	}
	return time.Millisecond
}

// report tells what is in the buffer.
func (b *buffer) report(r *event.Reassembly) {
	for _, f := range b.held.Pieces() {
		first, end := int64(f.Offset), int64(f.Offset+f.Length)
		if n := len(r.Held); n > 0 && r.Held[n-1].Last == first {
			r.Held[n-1].Last = end
		} else {
			r.Held = append(r.Held, event.Range{First: first, Last: end})
		}
		r.Octets += f.Length
	}
	r.Total = b.total
}
