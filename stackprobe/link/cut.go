package link

import (
	"gnet/internal/wire"
	"gnet/stackprobe/event"
)

// fragments are those of a packet that a router in mid-link has cut (RFC 791 section 3.2). They are no events of their own: the
// segment arrives when the receiver has all of them, and is lost when the last that is on its way cannot make it whole.
type fragments struct {
	whole    *passage
	alive    int // fragments and copies of them on their way
	received wire.Reassembly
	over     bool
	taken    bool        // one was lost
	fault    event.Fault // what took the first
}

// cut puts the fragments of p for that MTU in its place. It returns nil where they cannot be made: the packet has no room for 8
// octets behind its options.
func (l *Link) cut(p *passage, mtu int) []*passage {
	pieces, err := wire.CutIPv4(p.packet, mtu)
	if err != nil {
		return nil
	}
	group := p.cut
	if group == nil {
		group = &fragments{whole: p, alive: 1}
	}
	list := make([]*passage, len(pieces))
	for i, b := range pieces {
		l.packets++
		list[i] = &passage{from: p.from, packet: b, number: l.packets, left: p.left, wait: p.wait, behind: p.behind, size: len(b), copied: p.copied, cut: group}
	}
	group.alive += len(list) - 1
	return list
}

// mayCut reports whether a router may fragment p.
func (p *passage) mayCut() bool {
	ip, err := wire.CheckIPv4(p.packet)
	return err == nil && p.ip == nil && !ip.DF() && !ip.Truncated()
}

// gone notes that a rule took a fragment.
func (f *fragments) gone(fault *event.Fault) {
	f.alive--
	if !f.taken {
		f.taken, f.fault = true, *fault
	}
}

// missed reports whether no fragment on its way can make the packet whole any more.
func (f *fragments) missed() bool { return !f.over && f.alive == 0 }

// reached takes a fragment that has arrived, and reports whether it makes the packet whole.
func (f *fragments) reached(p *passage) bool {
	f.alive--
	ip := wire.IPv4(p.packet)
	whole, err := f.received.Add(wire.Fragment{Offset: ip.Offset(), Length: len(ip.Payload()), MF: ip.MF()}, ip.Payload())
	if f.over || err != nil || !whole {
		return false
	}
	f.over = true
	return true
}

// arriveCut takes a fragment where it arrives: the packet is there with the last of them, or lost.
func (l *Link) arriveCut(p *passage) {
	f := p.cut
	w := f.whole
	switch {
	case f.reached(p):
		l.count[w.from].Arrived++
		l.tellArrival(w, w.from.Peer())
	case f.missed():
		l.lostInPieces(f)
	}
}

// lostInPieces tells that a packet is lost because fragments of it are.
func (l *Link) lostInPieces(f *fragments) {
	f.over = true
	c := &l.count[f.whole.from]
	if !f.whole.shown() {
		c.OtherLost++
		return
	}
	c.Lost++
	if l.sink == nil {
		return
	}
	e := l.about(f.whole, event.KindLost, max(f.whole.left, l.clock.Now()), f.whole.from)
	e.Fault, e.Rule = f.fault, f.fault.Rule
	l.sink(e)
}
