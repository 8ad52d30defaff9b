package inject

import (
	"net/netip"
	"slices"
	"time"

	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// PeerConfig says what a Peer is.
type PeerConfig struct {
	Clock Clock
	// End is the one whose place the peer takes; those of Steps that are another's do not count.
	End   event.Host
	Steps []Step
	// Local is the peer's socket, Remote that of the other end if the peer begins.
	Local, Remote netip.AddrPort
	// Send transmits a packet. state is what the peer believes then.
	Send func(packet []byte, line string, state event.State, vars event.Vars)
	// Note takes a sentence about a step that could not be followed.
	Note func(text string)
}

// Peer is an end that has no stack and follows a script. It is used on the clock's goroutine alone.
type Peer struct {
	c     PeerConfig
	steps []Step
	conns []*conn
	// recent is the connection that something happened on last.
	recent *conn
	// waiting counts steps whose moment is known and has not come.
	waiting int
	// received counts the octets of data that have arrived, repetitions included.
	received int64
	closed   bool
}

// conn is what a peer knows of one connection.
type conn struct {
	remote netip.AddrPort
	mine   progress
	theirs progress // theirs.nxt is RCV.NXT
	state  event.State
	seen   []int // matches so far, by step
	past   int   // how many connections there were before between the same sockets
	told   bool  // nothing has changed since the last Sample
}

// NewPeer returns a peer that has done nothing yet.
func NewPeer(c PeerConfig) *Peer {
	p := &Peer{c: c}
	for _, s := range c.Steps {
		if s.End == c.End {
			p.steps = append(p.steps, s)
		}
	}
	if c.Remote.IsValid() {
		p.conn(c.Remote)
	}
	return p
}

// Start has the clock follow those steps that have a moment.
func (p *Peer) Start() {
	for i := range p.steps {
		if s := &p.steps[i]; !s.When.On {
			p.schedule(s, nil, s.When.At)
		}
	}
}

// Pending returns the number of steps whose moment is known and has not come.
func (p *Peer) Pending() int { return p.waiting }

// schedule has the clock follow s on the connection c, the most recent one at that moment if c is nil.
func (p *Peer) schedule(s *Step, c *conn, at time.Duration) {
	p.waiting++
	p.c.Clock.At(at, func() {
		p.waiting--
		p.follow(s, c)
	})
}

// Deliver implements the link's end: it takes what has arrived and follows the steps that wait for it.
func (p *Peer) Deliver(packet []byte) {
	src, tcp := segment(packet, p.c.Local)
	if tcp == nil || p.closed {
		return
	}
	flags, data := event.Flags(tcp.Flags()), len(tcp.Payload())
	c := p.conn(src)
	p.recent = c
	p.received += int64(data)
	c.receives(tcp)
	for i := range p.steps {
		s := &p.steps[i]
		if !s.When.On || !s.When.Match.has(flags, data) {
			continue
		}
		if c.seen[i]++; s.When.N != 0 && c.seen[i] != s.When.N {
			continue
		}
		if s.When.After > 0 {
			p.schedule(s, c, p.c.Clock.Now()+s.When.After)
			continue
		}
		p.follow(s, c)
	}
}

// segment returns the whole TCP segment in packet and its source, nil if it is none or not for local.
func segment(packet []byte, local netip.AddrPort) (netip.AddrPort, wire.TCP) {
	var src, dst netip.Addr
	var payload []byte
	if ip, err := wire.CheckIPv4(packet); err == nil && ip.Protocol() == wire.ProtoTCP && !ip.Truncated() && ip.Offset() == 0 && !ip.MF() {
		src, dst, payload = ip.Src(), ip.Dst(), ip.Payload()
	} else if ip, err := wire.CheckIPv6(packet); err == nil && !ip.Truncated() {
		u, err := ip.Upper()
		if err != nil || u.Protocol != wire.ProtoTCP || u.Offset != 0 || u.MF {
			return netip.AddrPort{}, nil
		}
		src, dst, payload = ip.Src(), ip.Dst(), u.Data
	}
	tcp, err := wire.CheckTCP(payload)
	if err != nil || !tcp.ChecksumOK(src, dst) || netip.AddrPortFrom(dst, tcp.DstPort()) != local {
		return netip.AddrPort{}, nil
	}
	return netip.AddrPortFrom(src, tcp.SrcPort()), tcp
}

// conn returns what is known of the connection to remote.
func (p *Peer) conn(remote netip.AddrPort) *conn {
	i := slices.IndexFunc(p.conns, func(c *conn) bool { return c.remote == remote })
	if i >= 0 {
		return p.conns[i]
	}
	c := &conn{remote: remote, state: event.Closed, seen: make([]int, len(p.steps))}
	if p.c.End == event.Server {
		c.state = event.Listening
	}
	p.conns = append(p.conns, c)
	if p.recent == nil {
		p.recent = c
	}
	return c
}

// receives takes the numbers of a segment: RCV.NXT moves over what follows without a gap. A SYN with a number of its own
// begins anew, on both sides.
func (c *conn) receives(tcp wire.TCP) {
	seq, space := tcp.Seq(), uint32(tcp.SeqLen())
	c.told = false
	switch f := tcp.Flags(); {
	case f&wire.RST != 0:
	case f&wire.SYN != 0 && (!c.theirs.begun || c.theirs.iss != seq):
		if f&wire.ACK == 0 && c.theirs.begun {
			c.mine, c.past = progress{}, c.past+1
		}
		c.theirs = progress{true, seq, seq + space}
	case c.theirs.begun && !wire.SeqLess(c.theirs.nxt, seq) && wire.SeqLess(c.theirs.nxt, seq+space):
		c.theirs.nxt = seq + space
	}
}

// follow does what s says.
func (p *Peer) follow(s *Step, c *conn) {
	if c == nil {
		c = p.recent
	}
	switch {
	case p.closed:
	case c == nil:
		p.c.Note("peer " + s.Text + ": there is no connection")
	default:
		c.told = false
		if s.State != event.StateUnknown { // the segment leaves in the new state
			c.state = s.State
		}
		if s.Sends {
			p.send(s, c)
		}
	}
}

// send transmits the segment of s.
func (p *Peer) send(s *Step, c *conn) {
	syn, rst := s.Segment.flags()&wire.SYN != 0, s.Segment.flags()&wire.RST != 0
	natural := c.mine.nxt
	switch {
	case syn && c.mine.begun: // a repetition
		natural = c.mine.iss
	case syn:
		natural = initial(p.c.End, c.past)
	}
	seq, ok := s.Segment.Seq.of(&c.mine, natural)
	if syn && s.Segment.Seq.Base == Natural {
		seq, ok = natural, true
	}
	ack, okAck := s.Segment.Ack.of(&c.theirs, c.theirs.nxt)
	if !ok || !okAck && s.Segment.acknowledges() {
		p.c.Note("peer " + s.Text + ": nothing is known of the numbers of this connection")
		return
	}
	packet, err := craft(&s.Segment, p.c.Local, c.remote, seq, ack)
	if err != nil {
		p.c.Note("peer " + s.Text + ": " + err.Error())
		return
	}
	c.mine.sends(syn, rst, seq, s.Segment.space())
	p.c.Send(packet, s.Text, c.state, c.vars())
}

// initial is the initial number of the connection after past others between the same sockets: far from every other one, and
// the same in every run.
func initial(end event.Host, past int) uint32 {
	return uint32(end)*1_000_000_000 + uint32(past)*100_000_000
}

// vars are the numbers that the peer keeps.
func (c *conn) vars() event.Vars {
	v := event.Vars{How: event.Told}
	if c.mine.begun {
		v.Has |= event.HasISS | event.HasNxt
		v.ISS, v.Nxt = c.mine.iss, c.mine.nxt
	}
	if c.theirs.begun {
		v.Has |= event.HasIRS | event.HasRcvNxt
		v.IRS, v.RcvNxt = c.theirs.iss, c.theirs.nxt
	}
	return v
}

// Settle implements the exchange's end: a peer has done all that follows when Deliver returns.
func (p *Peer) Settle() {}

// Sample yields what the peer believes of each connection of which something may have changed since the last call.
func (p *Peer) Sample(yield func(event.Tuple, event.State, event.Vars)) {
	for _, c := range p.conns {
		if !c.told {
			c.told = true
			yield(event.Tuple{Local: p.c.Local, Remote: c.remote}, c.state, c.vars())
		}
	}
}

// Received returns the number of octets of data that have arrived, repetitions included.
func (p *Peer) Received() int64 { return p.received }

// Close ends the peer; it sends nothing any more.
func (p *Peer) Close() { p.closed = true }
