package event

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// coder writes an event to data or, reading, reads it from there. Both go through the same fields in the same order, so that what was
// written is what is read.
type coder struct {
	p       *Packed
	data    []byte
	base    int64
	place   int
	reading bool
}

// integer is any field that counts.
type integer interface {
	~int | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// number codes one that is small as a rule, either sign.
func number[T integer](c *coder, v *T) { offset(c, v, 0) }

// offset codes one that is near from as a rule.
func offset[T integer](c *coder, v *T, from T) {
	if !c.reading {
		c.data = binary.AppendVarint(c.data, int64(*v-from))
		return
	}
	n, size := binary.Varint(c.data)
	c.data = c.data[size:]
	*v = T(n) + from
}

// near32 codes a sequence number that is near from as a rule.
func (c *coder) near32(v *uint32, from uint32) {
	d := int64(int32(*v - from))
	number(c, &d)
	if c.reading {
		*v = from + uint32(d)
	}
}

// any32 codes a number that can be any.
func (c *coder) any32(v *uint32) {
	if !c.reading {
		c.data = binary.BigEndian.AppendUint32(c.data, *v)
		return
	}
	*v = binary.BigEndian.Uint32(c.data)
	c.data = c.data[4:]
}

// any64 codes a number that can be any.
func (c *coder) any64(v *uint64) {
	if !c.reading {
		c.data = binary.BigEndian.AppendUint64(c.data, *v)
		return
	}
	*v = binary.BigEndian.Uint64(c.data)
	c.data = c.data[8:]
}

// octet codes a number of one octet.
func octet[T ~uint8](c *coder, v *T) {
	if !c.reading {
		c.data = append(c.data, byte(*v))
		return
	}
	*v = T(c.data[0])
	c.data = c.data[1:]
}

// bits codes up to eight of them.
func (c *coder) bits(list ...*bool) {
	var b uint8
	for i, v := range list {
		if *v {
			b |= 1 << i
		}
	}
	octet(c, &b)
	for i, v := range list {
		*v = b&(1<<i) != 0
	}
}

// text codes a string that other events have too.
func (c *coder) text(s *string) {
	if c.reading {
		var at uint32
		number(c, &at)
		*s = c.p.words.list[at]
		return
	}
	at, known := c.p.words.place[*s]
	if !known {
		at, _ = c.p.words.of(strings.Clone(*s))
		const entry = 64
		c.p.octets += len(*s) + entry
	}
	number(c, &at)
}

// addr codes an address.
func (c *coder) addr(a *netip.AddrPort) {
	var at uint32
	if !c.reading {
		var fresh bool
		if at, fresh = c.p.addrs.of(*a); fresh {
			const entry = 120
			c.p.octets += entry
		}
	}
	number(c, &at)
	if c.reading {
		*a = c.p.addrs.list[at]
	}
}

// wire codes the octets of a packet.
func (c *coder) wire(s *string) {
	var at uint32
	if !c.reading {
		at = c.p.wire(*s)
	}
	number(c, &at)
	if c.reading {
		*s = c.p.wires[at]
	}
}

// The parts of an event that it need not have.
const (
	packSeg = 1 << iota
	packDerived
	packState
	packVars
	packApp
	packTimer
	packFault
	packRest
)

// head codes what tells an event among others.
func (c *coder) head(e *Event) {
	octet(c, &e.Kind)
	octet(c, &e.Host)
	octet(c, &e.Timer.Op)
	c.bits(&e.Derived.Repeat)
	number(c, &e.Seg.Flags)
	number(c, &e.Conn)
	offset(c, &e.N, c.place+1)
}

// event codes all of an event but what is rare.
func (c *coder) event(e *Event) {
	c.head(e)
	var has uint8
	if !c.reading {
		has = parts8(e)
	}
	octet(c, &has)
	offset(c, &e.T, c.base)
	octet(c, &e.Clock)
	if has&packSeg != 0 {
		c.segment(&e.Seg)
	}
	if has&packDerived != 0 {
		c.derived(e)
	}
	if has&packState != 0 {
		octet(c, &e.State)
		octet(c, &e.From)
		octet(c, &e.StateHow)
	}
	if has&packVars != 0 {
		c.vars(&e.Vars, e.T)
	}
	if has&packApp != 0 {
		octet(c, &e.App.Call)
		number(c, &e.App.Bytes)
		c.text(&e.App.Err)
	}
	if has&packTimer != 0 {
		octet(c, &e.Timer.Kind)
		number(c, &e.Timer.At)
		octet(c, &e.Timer.How)
	}
	if has&packFault != 0 {
		octet(c, &e.Fault.Action)
		c.text(&e.Fault.Rule)
		number(c, &e.Fault.Number)
		number(c, &e.Fault.Wait)
		number(c, &e.Fault.Copy)
		number(c, &e.Fault.Bit)
		number(c, &e.Fault.Fragments)
	}
	if has&packRest != 0 {
		c.rest(e)
	}
}

// parts8 says which parts e has.
func parts8(e *Event) (has uint8) {
	timer, seg, derived := e.Timer, e.Seg, e.Derived
	timer.Op, seg.Flags, derived.Repeat = 0, 0, false // they are in the head
	for i, is := range [...]bool{seg != Segment{}, derived != Derived{}, e.State|e.From|State(e.StateHow) != 0, e.Vars != Vars{}, e.App != App{}, timer != Timer{},
		e.Fault != Fault{}, e.Evidence != 0 || e.Rule != "" || e.ICMP != ICMP{} || e.Frame != Frame{} || e.Check != Check{} || e.Level != 0 || e.Text != ""} {
		if is {
			has |= 1 << i
		}
	}
	return has
}

// rest codes what most events have not.
func (c *coder) rest(e *Event) {
	number(c, &e.Evidence)
	c.text(&e.Rule)
	octet(c, &e.ICMP.Type)
	octet(c, &e.ICMP.Code)
	number(c, &e.ICMP.MTU)
	number(c, &e.ICMP.Size)
	c.wire(&e.ICMP.Wire)
	c.bits(&e.Frame.Sent)
	number(c, &e.Frame.Size)
	c.wire(&e.Frame.Wire)
	c.text(&e.Check.Name)
	number(c, &e.Check.Computed)
	number(c, &e.Check.Read)
	octet(c, &e.Level)
	c.text(&e.Text)
}
