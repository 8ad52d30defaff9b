package event

import "net/netip"

// maxFlows bounds the connections that Flows remembers; the oldest is forgotten first. A segment of one that is forgotten
// starts a new connection.
const maxFlows = 1 << 14

// Flows numbers the connections on a link and counts what each end of them has transmitted. The link uses it where
// packets leave; package analyze uses it again on events, which gives the same, because equal segments in equal order
// give equal numbers. The zero value is ready. Its methods must not be called at the same time.
type Flows struct {
	last int // number of the last connection
	// mixed says that segments of another connection between the same sockets may be about, a crafted or an earlier one: from
	// then on a number may belong to no connection that is known.
	mixed  bool
	byEnds map[ends]*flow
	byConn map[int]*flow
	order  []*flow // as they were added
}

// ends names a connection by its two sockets.
type ends struct{ client, server netip.AddrPort }

// flow is one incarnation of a connection (RFC 9293 section 3.4.1).
type flow struct {
	conn int
	ends ends
	dir  [3]direction // by Host of the sender
}

// direction is what one end has shown of itself.
type direction struct {
	hasISS bool
	iss    uint32
	// scaling tells that the SYN had the window scale option, shift its value.
	scaling bool
	shift   uint8
	// top is behind the highest relative number that was transmitted.
	top  int64
	sent ranges
	// synAcks counts those transmitted, of this initial number; believed says that the peer has acknowledged it.
	synAcks  int
	believed bool
}

// Place returns the number of the connection to which s belongs that from transmits, from 1. A SYN with another initial
// number than before starts a new incarnation, which has a number of its own; one that was
// injected does not.
func (f *Flows) Place(from Host, s *Segment) int {
	key := ends{s.Src, s.Dst}
	if from == Server {
		key = ends{s.Dst, s.Src}
	}
	fl := f.byEnds[key]
	if fl != nil && s.Origin != Injected && s.Flags&(SYN|ACK) == SYN {
		if d := &fl.dir[from%3]; d.hasISS && d.iss != s.Seq {
			fl = nil
		}
	}
	if fl == nil {
		fl = f.add(f.last+1, key)
	}
	return fl.conn
}

// Last returns the number of the last connection between the two sockets as host names them, 0 if there was none.
func (f *Flows) Last(host Host, t Tuple) int {
	key := ends{t.Local, t.Remote}
	if host == Server {
		key = ends{t.Remote, t.Local}
	}
	if fl := f.byEnds[key]; fl != nil {
		return fl.conn
	}
	return 0
}

// add remembers a new connection.
func (f *Flows) add(conn int, key ends) *flow {
	if f.byEnds == nil {
		f.byEnds, f.byConn = make(map[ends]*flow), make(map[int]*flow)
	}
	f.mixed = f.mixed || f.byEnds[key] != nil
	f.last = max(f.last, conn)
	fl := &flow{conn: conn, ends: key}
	f.byEnds[key], f.byConn[conn] = fl, fl
	if f.order = append(f.order, fl); len(f.order) > maxFlows {
		old := f.order[0]
		f.order = f.order[1:]
		delete(f.byConn, old.conn)
		if f.byEnds[old.ends] == old {
			delete(f.byEnds, old.ends)
		}
	}
	return fl
}

// Departs counts the transmission of s by from on the connection conn, and returns its numbers. Segments count where
// they leave, so what is lost later counts too: an initial number is fixed by sending it.
func (f *Flows) Departs(conn int, from Host, s *Segment) Numbers {
	key := ends{s.Src, s.Dst}
	if from == Server {
		key = ends{s.Dst, s.Src}
	}
	fl := f.of(conn, key)
	f.mixed = f.mixed || s.Origin != FromStack
	d, peer := &fl.dir[from%3], &fl.dir[from.Peer()]
	if s.Flags.Has(SYN) && f.opens(s, d, peer) {
		*d = direction{hasISS: true, iss: s.Seq, scaling: s.Opts.Has&OptWScale != 0, shift: s.Opts.WScale}
	}
	n := f.numbers(s, d, peer)
	if s.Origin == Injected {
		return n
	}
	peer.believed = peer.believed || peer.hasISS && s.Flags&(ACK|RST) == ACK && s.Ack == peer.iss+1
	if n.HasRelSeq && n.RelEnd > n.RelSeq && !s.Flags.Has(RST) {
		n.Attempt = d.sent.add(n.RelSeq, n.RelEnd)
		d.top = max(d.top, n.RelEnd)
		if s.Flags.Has(SYN | ACK) { // that of a simultaneous open is no repetition of the SYN
			d.synAcks++
			n.Attempt = d.synAcks
		}
	}
	return n
}

// opens reports whether the SYN s tells the initial number of its sender d. Where segments of other connections are about, a
// SYN-ACK may answer one of them: it counts only if it acknowledges the peer's number, and then also instead of an earlier one.
func (f *Flows) opens(s *Segment, d, peer *direction) bool {
	switch {
	case s.Origin == Injected:
		return !d.hasISS && !peer.hasISS
	case !s.Flags.Has(ACK):
		return !d.hasISS
	case !f.mixed: // a listener that has answered with a cookie may draw another number when the SYN comes again
		return !d.hasISS || d.iss != s.Seq && !d.believed && peer.hasISS && s.Ack == peer.iss+1
	}
	return !peer.hasISS && !d.hasISS || peer.hasISS && s.Ack == peer.iss+1 && (!d.hasISS || d.iss != s.Seq)
}

// Arrives returns the numbers of s, which from transmitted on the connection conn and which is seen somewhere else than
// where it left. It counts nothing: Attempt stays 0.
func (f *Flows) Arrives(conn int, from Host, s *Segment) Numbers {
	fl := f.byConn[conn]
	if fl == nil {
		fl = &flow{}
	}
	return f.numbers(s, &fl.dir[from%3], &fl.dir[from.Peer()])
}

// of returns the connection with the number conn, also one that Place did not give.
func (f *Flows) of(conn int, key ends) *flow {
	if fl := f.byConn[conn]; fl != nil {
		return fl
	}
	return f.add(conn, key)
}

// reach is how far from the highest transmitted number one may be that belongs to the connection, where others are about: twice the largest window that the stacks of the laboratory open.
const reach = 8 << 20

// belongs reports whether the relative number n of sender d counts from its initial one.
func (f *Flows) belongs(n int64, d *direction) bool {
	return !f.mixed || n >= d.top-reach && n <= d.top+reach
}

// numbers makes the numbers of s count from the initial ones of its sender d and of peer.
func (f *Flows) numbers(s *Segment, d, peer *direction) Numbers {
	var n Numbers
	if rel := d.relative(s.Seq); d.hasISS && f.belongs(rel, d) {
		n.RelSeq, n.HasRelSeq = rel, true
		n.RelEnd = n.RelSeq + int64(s.Space())
	}
	n.Window, n.HasWindow = window(s, d, peer)
	if !peer.hasISS {
		return n
	}
	if rel := peer.relative(s.Ack); s.Flags.Has(ACK) && f.belongs(rel, peer) {
		n.RelAck, n.HasRelAck = rel, true
	}
	for i, b := range s.Opts.Sack[:min(int(s.Opts.NSack), MaxBlocks)] {
		n.RelSack[i] = Range{peer.relative(b.Left), peer.relative(b.Right)}
	}
	return n
}

// relative gives the number next to the highest transmitted one whose low 32 bits are v minus the initial number: a
// connection may send more than 4 GiB, and a keepalive stands below.
func (d *direction) relative(v uint32) int64 {
	return d.top + int64(int32(v-d.iss-uint32(d.top)))
}

// window scales the window field: only if both SYNs offered it, and never in a SYN (RFC 7323 section 2.2).
func window(s *Segment, d, peer *direction) (octets uint32, known bool) {
	switch {
	case s.Flags.Has(SYN):
		return uint32(s.Win), true
	case !d.hasISS || !peer.hasISS:
		return 0, false
	case d.scaling && peer.scaling:
		return uint32(s.Win) << d.shift, true
	}
	return uint32(s.Win), true
}
