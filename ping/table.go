package ping

// sent is what is remembered of one probe.
type sent struct {
	departure
	n      int64
	cookie uint64

	answered bool
	// blamed: an ICMP error about it has come.
	blamed bool
}

// window is how many probes can be told apart by the 16 bits on the wire.
const window = 1 << 16

// table holds the newest probes by number. It grows up to the window, so that
// a short run costs little.
type table struct{ slots []sent }

// put makes room for probe n, the number after the last, and returns its slot.
func (t *table) put(n int64) *sent {
	if size := len(t.slots); size < window && n >= int64(size) {
		t.grow(max(64, 2*size))
	}
	slot := &t.slots[n&int64(len(t.slots)-1)]
	*slot = sent{n: n}
	return slot
}

func (t *table) grow(size int) {
	slots := make([]sent, size)
	for _, s := range t.slots {
		slots[s.n&int64(size-1)] = s
	}
	t.slots = slots
}

// get returns probe n, nil when it was never sent or is forgotten.
func (t *table) get(n int64) *sent {
	if len(t.slots) == 0 || n < 1 {
		return nil
	}
	if slot := &t.slots[n&int64(len(t.slots)-1)]; slot.n == n {
		return slot
	}
	return nil
}

// number returns the newest number up to last that has these 16 bits; it is
// below 1 when there is none.
func number(last int64, wire uint16) int64 {
	return last - int64(uint16(last)-wire)
}
