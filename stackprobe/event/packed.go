package event

import (
	"fmt"
	"net/netip"
	"strings"
)

const (
	// packedChunk is how many events share a piece of memory.
	packedChunk = 256
	// maxRecentWires bounds the packets that are remembered so that an arrival shares the octets of its departure.
	maxRecentWires = 4096
)

// Packed keeps events in the order in which they were added, in a sixth of the memory that they have in Go, most of it the octets of
// their packets; any of them can be had back whole. The zero value is ready. It is for one goroutine.
type Packed struct {
	chunks        []chunk
	n             int
	octets        int
	addrs         interned[netip.AddrPort]
	words         interned[string]
	wires         []string
	recent, older map[string]uint32 // places in wires
	rare          map[int]*rare
	scratch       Event
}

// chunk is up to packedChunk events.
type chunk struct {
	base int64 // the time of the first
	ends []uint32
	data []byte
}

// rare is what few events have.
type rare struct {
	counters    []Counter
	run         *Run
	end         *End
	expectation *Expectation
	packet      *Packet
	reassembly  *Reassembly
}

// interned are values that many events share.
type interned[T comparable] struct {
	list  []T
	place map[T]uint32
}

// of returns the place of v, and whether it is new.
func (t *interned[T]) of(v T) (at uint32, fresh bool) {
	at, ok := t.place[v]
	if !ok {
		if t.place == nil {
			t.place = make(map[T]uint32)
		}
		at = uint32(len(t.list))
		t.place[v] = at
		t.list = append(t.list, v)
	}
	return at, !ok
}

// Len is the number of events.
func (p *Packed) Len() int { return p.n }

// Octets is about how much memory they take.
func (p *Packed) Octets() int { return p.octets }

// Add takes an event, of which it keeps a copy.
func (p *Packed) Add(e *Event) {
	if p.n%packedChunk == 0 {
		p.clip()
		p.chunks = append(p.chunks, chunk{base: e.T, ends: make([]uint32, 0, packedChunk)})
		p.octets += 4 * packedChunk
	}
	c := &p.chunks[len(p.chunks)-1]
	p.scratch = *e
	w := coder{p: p, data: c.data, base: c.base, place: p.n}
	w.event(&p.scratch)
	p.octets += len(w.data) - len(c.data)
	c.data = w.data
	c.ends = append(c.ends, uint32(len(c.data)))
	if e.Counters != nil || e.Run != nil || e.End != nil || e.Expectation != nil || e.Packet != nil || e.Reassembly != nil {
		if p.rare == nil {
			p.rare = make(map[int]*rare)
		}
		p.rare[p.n] = &rare{e.Counters, e.Run, e.End, e.Expectation, e.Packet, e.Reassembly}
		p.octets += 200
	}
	p.n++
}

// clip gives back what the last chunk has too much of.
func (p *Packed) clip() {
	if len(p.chunks) > 0 {
		c := &p.chunks[len(p.chunks)-1]
		c.data = append(make([]byte, 0, len(c.data)), c.data...)
	}
}

// reader returns what reads the event of a place.
func (p *Packed) reader(at int) coder {
	if at < 0 || at >= p.n {
		panic(fmt.Sprintf("event %d of %d", at, p.n))
	}
	c := &p.chunks[at/packedChunk]
	from := uint32(0)
	if i := at % packedChunk; i > 0 {
		from = c.ends[i-1]
	}
	return coder{p: p, data: c.data[from:c.ends[at%packedChunk]], base: c.base, place: at, reading: true}
}

// Read writes the event of a place, from 0, to e, whatever stood there.
func (p *Packed) Read(at int, e *Event) {
	r := p.reader(at)
	*e = Event{}
	r.event(e)
	if x := p.rare[at]; x != nil {
		e.Counters, e.Run, e.End, e.Expectation, e.Packet, e.Reassembly = x.counters, x.run, x.end, x.expectation, x.packet, x.reassembly
	}
}

// Head is what tells an event among others.
type Head struct {
	Kind    Kind
	Host    Host
	N, Conn int
	// Repeat is Derived.Repeat, Op that of the timer.
	Repeat bool
	Op     TimerOp
	// Flags are those of the segment.
	Flags Flags
}

// Head returns the head of the event of a place, many times faster than Read.
func (p *Packed) Head(at int) Head {
	r := p.reader(at)
	var e Event
	r.head(&e)
	return Head{e.Kind, e.Host, e.N, e.Conn, e.Derived.Repeat, e.Timer.Op, e.Seg.Flags}
}

// wire returns the place of the octets of a packet.
func (p *Packed) wire(s string) uint32 {
	if at, ok := p.recent[s]; ok {
		return at
	}
	at, ok := p.older[s]
	if !ok {
		at = uint32(len(p.wires))
		s = strings.Clone(s) // what it was cut from may go
		p.wires = append(p.wires, s)
		const header = 16
		p.octets += len(s) + header
	}
	if len(p.recent) >= maxRecentWires || p.recent == nil {
		p.older, p.recent = p.recent, make(map[string]uint32)
	}
	p.recent[p.wires[at]] = at
	return at
}
