package analyze

import "gnet/stackprobe/event"

// fact is what an end has learnt. Each is proved by one event, and none is unlearnt as long as the connection is the same.
type fact uint8

const (
	sawNumber     fact = iota // a SYN has arrived; it may be an old one
	ownConfirmed              // own SYN has been acknowledged
	peerConfirmed             // the SYN that arrived is of a peer that is there now: one that acknowledges our number sent it
	peerHeard                 // the peer has our acknowledgment of its SYN
	finConfirmed              // own FIN has been acknowledged
	gotFin                    // all the peer's octets and its FIN have arrived
	peerSawEnd                // the peer has our acknowledgment of its FIN
	refused                   // a RST has ended the connection
	facts
)

// party is one end as its own tap shows it. Numbers are relative to the initial ones of the end and of its peer.
type party struct {
	conn           int
	iss, irs       uint32
	hasISS, hasIRS bool
	active         bool  // its SYN left without an ACK
	una, nxt       int64 // of its own numbers: acknowledged, and behind the last that has left
	finEnd         int64 // behind its own FIN, 0 if none has left
	// untold is behind the last of its own numbers that has left in a segment which did not acknowledge the peer's SYN, untoldFin
	// the same for the peer's FIN: an acknowledgment of what lies behind proves that the peer has ours.
	untold, untoldFin int64
	taken, edge       int64 // of the peer's numbers: acknowledged last, and the right edge of the window
	got               spans // what has arrived of them
	peerFin           int64 // behind the peer's FIN, 0 if none has arrived
	state             event.State
	over              bool  // its stack has no such connection any more
	forgot            int   // number of the event with which its last incarnation ended, 0 if it had none
	syn, reset        Proof // the last SYN and the last RST that arrived
	facts             [facts]Proof
}

// learn notes a fact, once.
func (p *party) learn(f fact, e *event.Event) {
	if p.facts[f].N == 0 {
		p.facts[f] = Proof{e.T, e.N}
	}
}

func (p *party) knows(f fact) bool { return p.facts[f].N != 0 }

// near gives the number next to at whose low 32 bits are v minus the initial number first.
func near(v, first uint32, at int64) int64 { return at + int64(int32(v-first-uint32(at))) }

// synchronized reports whether an end in that state takes the connection for open or closes it (RFC 9293 section 3.3.2).
func synchronized(s event.State) bool {
	return s >= event.StateEstablished && s <= event.TimeWait
}

// send notes a transmission of this end.
func (p *party) send(e *event.Event) {
	s := &e.Seg
	p.sendSyn(e)
	if e.State != event.StateUnknown {
		p.state = e.State
	}
	if !p.hasISS || s.Flags.Has(event.RST) {
		return
	}
	end := near(s.Seq, p.iss, p.nxt) + int64(s.Space())
	ack := int64(-1)
	if s.Flags.Has(event.ACK) && p.hasIRS {
		ack = near(s.Ack, p.irs, p.taken)
		p.taken = max(p.taken, ack)
		p.edge = max(p.edge, ack+int64(octets(s, &e.Derived)))
	}
	if s.Space() > 0 {
		p.nxt = max(p.nxt, end)
		if ack < 1 {
			p.untold = max(p.untold, end)
		}
		if p.peerFin == 0 || ack < p.peerFin {
			p.untoldFin = max(p.untoldFin, end)
		}
	}
	if s.Flags.Has(event.FIN) {
		p.finEnd = end
	}
}

// forgets returns where an incarnation that ends with e leaves forgot.
func (p *party) forgets(e *event.Event) int {
	if p.hasISS {
		return e.N
	}
	return p.forgot
}

// sendSyn takes this end's initial number from its SYN. Another number than before is another incarnation, of which the
// end knows nothing but the SYN that it answers.
func (p *party) sendSyn(e *event.Event) {
	s := &e.Seg
	if !s.Flags.Has(event.SYN) || p.hasISS && p.iss == s.Seq && !p.over {
		return
	}
	fresh := party{conn: e.Conn, iss: s.Seq, hasISS: true, active: !s.Flags.Has(event.ACK), forgot: p.forgets(e)}
	if !fresh.active {
		fresh.take(s.Ack-1, p.syn)
	}
	*p = fresh
}

// take makes irs, which a SYN has told, the peer's initial number.
func (p *party) take(irs uint32, from Proof) {
	p.irs, p.hasIRS, p.syn = irs, true, from
	p.facts[sawNumber] = from
	p.got.add(0, 1)
}

// receive notes an arrival at this end.
func (p *party) receive(e *event.Event) {
	s := &e.Seg
	switch {
	case s.BadSum:
	case s.Flags.Has(event.RST):
		p.reset = Proof{e.T, e.N} // whether it counts, the state tells
	case s.Flags.Has(event.SYN):
		p.receiveSyn(e)
	case p.hasIRS && !p.over:
		p.receiveRest(e)
	}
}

// receiveSyn takes the peer's number from its SYN: a listener from any, so that it may be an old one; an end that has sent
// a SYN itself from one that acknowledges it or that has no ACK (simultaneous open, RFC 9293 section 3.5). In any other state
// only the answer tells whether the SYN counts.
func (p *party) receiveSyn(e *event.Event) {
	s := &e.Seg
	fits := s.Flags.Has(event.ACK) && p.acknowledges(s)
	if s.Flags.Has(event.ACK) && !fits {
		return
	}
	switch {
	case p.hasIRS && p.irs == s.Seq && !p.over:
	case p.over || e.State == event.Listening || e.State == event.Closed || e.State == event.ClosedReset:
		*p = party{conn: e.Conn, state: e.State, forgot: p.forgets(e)}
		p.take(s.Seq, Proof{e.T, e.N})
	case !p.hasIRS:
		p.take(s.Seq, Proof{e.T, e.N})
	default:
		p.syn = Proof{e.T, e.N}
		return
	}
	if s.Space() > 1 {
		p.got.add(0, int64(s.Space()))
	}
	if fits {
		p.confirm(e)
	}
}

// acknowledges reports whether s acknowledges something that this end has sent (SND.UNA =< SEG.ACK =< SND.NXT, and the SYN
// at least).
func (p *party) acknowledges(s *event.Segment) bool {
	ack := near(s.Ack, p.iss, p.una)
	return p.hasISS && s.Flags.Has(event.ACK) && ack >= 1 && ack <= p.nxt
}

// receiveRest takes a segment without SYN and RST, if its numbers are those of this connection (RFC 9293 section 3.10.7.4).
func (p *party) receiveRest(e *event.Event) {
	s := &e.Seg
	next := int64(1)
	if len(p.got) > 0 {
		next = p.got[0].last
	}
	first := near(s.Seq, p.irs, next)
	end := first + int64(s.Space())
	if end < p.taken || first > max(p.edge, next) {
		return
	}
	acked := p.acknowledges(s)
	if acked {
		p.confirm(e)
	}
	if end == first || !acked {
		return
	}
	p.learn(peerHeard, e) // nobody sends data or a FIN before he is ESTABLISHED
	p.got.add(first, end)
	if s.Flags.Has(event.FIN) {
		p.peerFin = end
	}
	if p.peerFin > 0 && p.got[0].first <= 0 && p.got[0].last >= p.peerFin {
		p.learn(gotFin, e)
	}
}

// confirm takes an acknowledgment that fits.
func (p *party) confirm(e *event.Event) {
	ack := near(e.Seg.Ack, p.iss, p.una)
	p.una = max(p.una, ack)
	p.learn(ownConfirmed, e)
	p.learn(peerConfirmed, e)
	if ack > p.untold {
		p.learn(peerHeard, e)
	}
	if p.finEnd > 0 && ack >= p.finEnd {
		p.learn(finConfirmed, e)
	}
	if p.knows(gotFin) && ack > p.untoldFin {
		p.learn(peerSawEnd, e)
	}
}

// become notes a change of this end's state.
func (p *party) become(e *event.Event) {
	if e.Conn < p.conn {
		return // of an earlier incarnation
	}
	p.state = e.State
	switch e.State {
	case event.Listening:
		*p = party{conn: p.conn, state: e.State, forgot: p.forgets(e)}
	case event.Closed, event.ClosedReset:
		if !p.hasISS && !p.hasIRS {
			return
		}
		p.over = true
		if p.reset.N != 0 && e.State == event.ClosedReset {
			p.facts[refused] = p.reset
		}
	}
}
