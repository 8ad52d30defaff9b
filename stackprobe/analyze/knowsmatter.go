package analyze

// Matter is what an end may know.
type Matter uint8

// The matters. PeerReads and PeerWrites are the two halves of a connection that lie at the other end: whether the peer takes
// what this end sends, and whether it sends itself. The others are about single segments.
const (
	// OwnNumber: this end's SYN has arrived, so its initial number is confirmed, and its direction carries.
	OwnNumber Matter = iota
	// PeerNumber: the peer's initial number is that of a peer that is there now, and its direction carries.
	PeerNumber
	// AckArrived: this end's acknowledgment of the peer's SYN has arrived, be it a SYN,ACK or an ACK.
	AckArrived
	PeerReads
	PeerWrites
	// FinArrived: this end's FIN has arrived, and all octets before it.
	FinArrived
	// FinAckArrived: this end's acknowledgment of the peer's FIN has arrived.
	FinAckArrived
	matters
)

// Verdict says how what an end holds stands to what is.
type Verdict uint8

// The verdicts. Nothing: there is nothing to know yet. Unaware: it is so, and the end does not know it, or has not heard that
// it is no longer as it knew it. Assumes: the end goes by it without proof, and is right. Wrong: it goes by it, and it is
// not so. Sure: it knows.
const (
	Nothing Verdict = iota
	Unaware
	Assumes
	Wrong
	Sure
)

// String returns "nothing", "unaware", "assumes", "wrong" or "knows".
func (v Verdict) String() string {
	names := [...]string{"nothing", "unaware", "assumes", "wrong", "knows"}
	if int(v) < len(names) {
		return names[v]
	}
	return ""
}

// Value is how a matter stands.
type Value uint8

// The values. Yes is that of every matter but the two halves of a connection, which are Open and then Closed.
const (
	None Value = iota
	Yes
	Open
	Closed
)

// View is what an end holds of a matter, beside the truth.
type View struct {
	Verdict Verdict
	// Value is what the end holds for Assumes, Wrong and Sure, what is true for Unaware.
	Value Value
	// Proof is the event from which the end knows, of Sure and of what an Unaware end knew before.
	Proof Proof
	// Active says that the end has opened the connection with a SYN of its own.
	Active bool
}

// view says what own knows of m, peer being the truth.
func view(own, peer *party, m Matter) View {
	var held, truth Value
	var by fact
	switch m {
	case PeerReads:
		held, by = own.heldReads()
		truth = peer.reads(own)
	case PeerWrites:
		held, by = own.heldWrites()
		truth = peer.writes(own)
	default:
		held, by = own.heldSegment(m)
		truth = peer.confirms(own, m)
	}
	v := View{Value: held, Proof: own.facts[by], Active: own.active}
	proved := own.knows(by) && !(m == PeerNumber && by == sawNumber)
	switch {
	case own.over:
		v = View{Active: own.active}
	case held == truth && held == None:
		v.Proof = Proof{}
	case held == None || proved && held == Open && truth == Closed:
		v.Verdict, v.Value = Unaware, truth
	case proved && (held == truth || held == Yes && v.Proof.N < peer.forgot): // that it had arrived stays true
		v.Verdict = Sure
	case held == truth:
		v.Verdict, v.Proof = Assumes, Proof{}
	default:
		v.Verdict, v.Proof = Wrong, Proof{}
	}
	return v
}

// heldReads is what this end holds of its peer's read half. An end that is ESTABLISHED takes it for open, with proof or
// without.
func (p *party) heldReads() (Value, fact) {
	switch {
	case p.knows(refused):
		return Closed, refused
	case p.knows(finConfirmed):
		return Closed, finConfirmed
	case p.knows(ownConfirmed), synchronized(p.state):
		return Open, ownConfirmed
	}
	return None, ownConfirmed
}

// heldWrites is what this end holds of its peer's write half. That the peer is ESTABLISHED too it can only hear from the
// peer; one that is ESTABLISHED without any proof takes even that for granted.
func (p *party) heldWrites() (Value, fact) {
	switch {
	case p.knows(refused):
		return Closed, refused
	case p.knows(gotFin):
		return Closed, gotFin
	case p.knows(peerHeard), synchronized(p.state) && !p.knows(ownConfirmed):
		return Open, peerHeard
	}
	return None, peerHeard
}

// heldSegment is what this end holds of a matter of single segments, and the fact that proves it.
func (p *party) heldSegment(m Matter) (Value, fact) {
	by := [matters]fact{OwnNumber: ownConfirmed, PeerNumber: peerConfirmed, AckArrived: peerHeard, FinArrived: finConfirmed, FinAckArrived: peerSawEnd}[m]
	switch {
	case p.knows(by):
		return Yes, by
	case m == PeerNumber && p.hasIRS:
		return Yes, sawNumber
	case m == OwnNumber && synchronized(p.state):
		return Yes, by
	}
	return None, by
}

// meets reports whether this end and other, its peer, speak of the same connection from this end's side: the number that it took
// from a SYN is the other's.
func (p *party) meets(other *party) bool { return p.hasIRS && other.hasISS && p.irs == other.iss }

// confirms is the truth of one of other's matters about single segments, this end being the peer.
func (p *party) confirms(other *party, m Matter) Value {
	so := false
	switch m {
	case OwnNumber:
		so = p.meets(other)
	case PeerNumber:
		so = other.meets(p)
	case AckArrived:
		so = other.meets(p) && p.knows(ownConfirmed)
	case FinArrived:
		so = p.meets(other) && p.knows(gotFin)
	case FinAckArrived:
		so = other.meets(p) && p.knows(finConfirmed)
	}
	if so {
		return Yes
	}
	return None
}

// reads is the truth of this end's read half, as far as it is for the octets of other.
func (p *party) reads(other *party) Value {
	switch {
	case p.meets(other) && (p.over || p.knows(gotFin)):
		return Closed
	case p.meets(other):
		return Open
	case other.knows(ownConfirmed):
		return Closed // it was there, and is no more
	}
	return None
}

// writes is the truth of this end's write half, as far as its octets are those that other awaits.
func (p *party) writes(other *party) Value {
	switch {
	case other.meets(p) && (p.over || p.finEnd > 0):
		return Closed
	case other.meets(p) && (p.knows(ownConfirmed) || synchronized(p.state)):
		return Open
	case other.knows(peerConfirmed) && !other.meets(p):
		return Closed
	}
	return None
}
