package link

import (
	"math/bits"
	"math/rand/v2"
	"time"

	"gnet/stackprobe/event"
)

// faults are the rules of a link, in the order in which packets meet them.
type faults struct{ boxes []box }

// box is one rule with what it has counted, drawn and queued, for each direction apart.
type box struct {
	Rule
	matched [3]int // by event.Host of the sender
	acted   int    // packets lost or changed
	// source is a sequence of its own for each rule and direction: neither another rule nor the other direction's
	// packets move it, so that a seed repeats the faults also where the times are not repeated.
	source [3]rand.PCG
	bad    [3]bool // Burst: the state of the model
	queue  [3]bottleneck
}

// effect is what a rule did to a packet.
type effect uint8

const (
	none effect = iota
	changed
	taken
	inPieces // longer than a router takes whole, and it may be cut
)

func newFaults(rules []Rule, seed int64) faults {
	f := faults{boxes: make([]box, len(rules))}
	for i := range f.boxes {
		b := &f.boxes[i]
		b.Rule = rules[i]
		for h := range b.source {
			b.source[h].Seed(uint64(seed), uint64(i)<<2|uint64(h))
		}
	}
	return f
}

// hits counts p if it matches, and reports whether the rule is about it.
func (b *box) hits(p *passage) bool {
	if b.From != event.None && b.From != p.from || p.left < b.Since || b.Until > 0 && p.left >= b.Until {
		return false
	}
	if p.ip != nil {
		if b.Link != p.ip.Link || !b.matchesPacket(p) {
			return false
		}
	} else if s, n := p.view(); !b.matches(s, n) || b.First && n != nil && n.Attempt > 1 {
		return false
	}
	b.matched[p.from]++
	count := b.matched[p.from]
	return b.High == 0 || count >= b.Low && count <= b.High
}

// treat does to p what the rule says, and tells the particulars in f. Copies are the link's.
func (b *box) treat(p *passage, f *event.Fault) effect {
	e := taken
	switch b.Action {
	case event.Loss:
		e = takenIf(b.draw(p.from, b.Chance))
	case event.Burst:
		e = takenIf(b.burst(p.from))
	case event.MTU:
		if e = takenIf(p.size > b.MTU); e == taken && p.mayCut() {
			e = inPieces
		}
	case event.Rate:
		wait, ok := b.queue[p.from].join(p.left+p.wait, p.size, &b.Rule)
		e = p.delay(wait, f)
		if !ok {
			e = taken
		}
	case event.Delay:
		e = p.delay(b.delay(p.from), f)
	case event.Corrupt:
		e = p.corrupt(b.source[p.from].Uint64(), f)
	case event.Overlap:
		e = p.overlap()
	case event.Reorder:
		p.behind += b.By
		e = changed
	case event.Dup:
		// A copy is not copied again: every further dup would double them all.
		e = none
		if !p.copied {
			e = changed
		}
	}
	if e != none {
		b.acted++
	}
	return e
}

func takenIf(is bool) effect {
	if is {
		return taken
	}
	return none
}

// draw reports whether something of that chance happens.
func (b *box) draw(from event.Host, c Chance) bool {
	return Chance(b.source[from].Uint64()>>11) < c
}

// burst moves the model of Gilbert (Capacity of a Burst-Noise Channel, Bell System Technical Journal 39, 1960) by one
// packet: from good to bad with Chance, from bad to good with Leave. Every packet in the bad state is lost, none in the
// good one, as tc-netem(8) calls its "loss gemodel P R". So bursts are 1/Leave packets long in the mean, and
// Chance/(Chance+Leave) of all packets are lost.
func (b *box) burst(from event.Host) bool {
	c := b.Chance
	if b.bad[from] {
		c = b.Leave
	}
	if b.draw(from, c) {
		b.bad[from] = !b.bad[from]
	}
	return b.bad[from]
}

// delay returns the wait of a packet.
func (b *box) delay(from event.Host) time.Duration {
	if b.Jitter == 0 {
		return b.Delay
	}
	// The high half of the product spreads the 64 bits evenly over the 2*Jitter+1 values.
	extra, _ := bits.Mul64(b.source[from].Uint64(), uint64(2*b.Jitter+1))
	return b.Delay - b.Jitter + time.Duration(extra)
}

// idle yields the rules that did nothing, each with the number of packets that it matched.
func (f *faults) idle(yield func(rule *Rule, matched int) bool) {
	for i := range f.boxes {
		b := &f.boxes[i]
		if b.acted == 0 && !yield(&b.Rule, b.matched[event.Client]+b.matched[event.Server]) {
			return
		}
	}
}
