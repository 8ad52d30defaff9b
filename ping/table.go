package ping

// sent is what is remembered of one probe.
type sent struct {
	departure
	n      int64
	cookie uint64

	answered bool
	// blamed: an ICMP error about it has come. refused: it was not sent.
	blamed, refused bool
}

// window is how many probes can be told apart by the 16 bits on the wire.
const window = 1 << 16

// table holds the newest probes by number, in pieces that are made when they are
// first needed: a short run costs little, and a long one copies nothing.
type table struct{ pieces [window / piece]*[piece]sent }

// piece is how many probes a piece of the table holds.
const piece = 256

// put makes room for probe n, the number after the last, and returns its slot.
func (t *table) put(n int64) *sent {
	part := &t.pieces[n&(window-1)/piece]
	if *part == nil {
		*part = new([piece]sent)
	}
	slot := &(*part)[n%piece]
	*slot = sent{n: n}
	return slot
}

// oldest returns the first number that the table still has when it has last.
func oldest(last int64) int64 { return max(1, last-window+1) }

// get returns probe n, nil when it was never sent or is forgotten.
func (t *table) get(n int64) *sent {
	if n < 1 {
		return nil
	}
	part := t.pieces[n&(window-1)/piece]
	if part == nil || part[n%piece].n != n {
		return nil
	}
	return &part[n%piece]
}

// number returns the newest number up to last that has these 16 bits; it is
// below 1 when there is none.
func number(last int64, wire uint16) int64 {
	return last - int64(uint16(last)-wire)
}
