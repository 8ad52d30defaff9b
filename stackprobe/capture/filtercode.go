package capture

import (
	"encoding/binary"
	"fmt"
	"math"

	"golang.org/x/net/bpf"
)

// maxProgram is the longest program that the kernel takes (BPF_MAXINSNS in include/uapi/linux/bpf_common.h).
const maxProgram = 4096

// LongError is an expression whose program is longer than the kernel takes.
type LongError struct{ Instructions int }

// Error says how long it is.
func (e *LongError) Error() string {
	return fmt.Sprintf("the filter needs %d instructions, the kernel takes %d", e.Instructions, maxProgram)
}

// The protocols whose ports and addresses are asked for, beside the EtherTypes of link.go.
const (
	typeARP  = 0x0806
	typeRARP = 0x8035

	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44
	protoICMPv6   = 58
	protoSCTP     = 132
)

// Program compiles f for packets of that link type, as a socket of the kernel sees them: Ethernet, Raw, or LinuxSL2, whose packets
// begin with the network header and tell their protocol beside it (SKF_AD_PROTOCOL). It keeps snap octets of a packet that f
// chooses, none of others. An IPv4 fragment that is not the first has no ports; behind extension headers of IPv6 nothing is looked
// for, but for the protocol behind a fragment header, as in pcap-filter(7). The error is a *LongError.
func (f *Filter) Program(link LinkType, snap uint32) ([]bpf.Instruction, error) {
	c := &filterCompiler{link: link}
	if link == Ethernet {
		c.net = 14
	}
	refuse := c.put(bpf.RetConstant{Val: 0})
	take := c.put(bpf.RetConstant{Val: snap})
	if f.root == nil {
		c.jump(take)
	} else if entry := c.term(f.root, take, refuse); entry != len(c.code) {
		c.jump(entry)
	}
	if len(c.code) > maxProgram {
		return nil, &LongError{len(c.code)}
	}
	list := make([]bpf.Instruction, len(c.code))
	for i, in := range c.code {
		list[len(list)-1-i] = in
	}
	return list, nil
}

// filterCompiler writes a program from its end to its beginning, so that each jump knows where it leads: a place is the length that
// code had when its instruction was the last. All jumps of the machine lead forward.
type filterCompiler struct {
	code []bpf.Instruction
	link LinkType
	net  uint32 // where the network header begins
}

func (c *filterCompiler) put(in bpf.Instruction) int {
	c.code = append(c.code, in)
	return len(c.code)
}

// jump goes to a place.
func (c *filterCompiler) jump(to int) int {
	if to == len(c.code) {
		return to
	}
	return c.put(bpf.Jump{Skip: uint32(len(c.code) - to)})
}

// compare goes on at yes if the register compares, else at no. The distance of a conditional jump has eight bits: what is farther is
// reached over a jump of its own.
func (c *filterCompiler) compare(cond bpf.JumpTest, value uint32, yes, no int) int {
	if len(c.code)+1-yes > math.MaxUint8 {
		yes = c.put(bpf.Jump{Skip: uint32(len(c.code) - yes)})
	}
	if len(c.code)-no > math.MaxUint8 {
		no = c.put(bpf.Jump{Skip: uint32(len(c.code) - no)})
	}
	return c.put(bpf.JumpIf{Cond: cond, Val: value, SkipTrue: uint8(len(c.code) - yes), SkipFalse: uint8(len(c.code) - no)})
}

// term tests t, and goes on at yes or no.
func (c *filterCompiler) term(t *term, yes, no int) int {
	switch t.op {
	case opNot:
		return c.term(t.left, no, yes)
	case opAnd:
		return c.term(t.left, c.term(t.right, yes, no), no)
	case opOr:
		return c.term(t.left, yes, c.term(t.right, yes, no))
	}
	switch t.what {
	case aboutProto:
		return c.protocol(t.proto, yes, no)
	case aboutNet:
		return c.network(&t.test, yes, no)
	}
	return c.ports(&t.test, yes, no)
}

// etherType tests the protocol of the network layer.
func (c *filterCompiler) etherType(kind uint32, yes, no int) int {
	switch c.link {
	case Ethernet:
		c.compare(bpf.JumpEqual, kind, yes, no)
		return c.put(bpf.LoadAbsolute{Off: 12, Size: 2})
	case Raw:
		version := map[uint32]uint32{typeIPv4: 0x40, typeIPv6: 0x60}[kind]
		if version == 0 {
			return no
		}
		c.compare(bpf.JumpEqual, version, yes, no)
		c.put(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
		return c.put(bpf.LoadAbsolute{Off: 0, Size: 1})
	}
	c.compare(bpf.JumpEqual, kind, yes, no)
	return c.put(bpf.LoadExtension{Num: bpf.ExtProto})
}

// octet tests one at a place of the network header.
func (c *filterCompiler) octet(at, value uint32, yes, no int) int {
	c.compare(bpf.JumpEqual, value, yes, no)
	return c.put(bpf.LoadAbsolute{Off: c.net + at, Size: 1})
}

// protocol tests for a protocol of the network layer or the one above.
func (c *filterCompiler) protocol(name string, yes, no int) int {
	switch name {
	case "ip":
		return c.etherType(typeIPv4, yes, no)
	case "ip6":
		return c.etherType(typeIPv6, yes, no)
	case "icmp":
		return c.over4(protoICMP, yes, no)
	case "icmp6":
		return c.over6(protoICMPv6, yes, no)
	}
	number := map[string]uint32{"tcp": protoTCP, "udp": protoUDP}[name]
	return c.over4(number, yes, c.over6(number, yes, no))
}

func (c *filterCompiler) over4(number uint32, yes, no int) int {
	return c.etherType(typeIPv4, c.octet(9, number, yes, no), no)
}

// over6 tests the next header, and that of a fragment header.
func (c *filterCompiler) over6(number uint32, yes, no int) int {
	fragment := c.octet(6, protoFragment, c.octet(40, number, yes, no), no)
	return c.etherType(typeIPv6, c.octet(6, number, yes, fragment), no)
}

// network tests the addresses, for IPv4 those in ARP and RARP too, as pcap-filter(7) does.
func (c *filterCompiler) network(t *test, yes, no int) int {
	if t.net.Addr().Is6() {
		return c.etherType(typeIPv6, c.addresses(t, 8, 24, yes, no), no)
	}
	entry := no
	if t.proto == "" {
		entry = c.etherType(typeRARP, c.addresses(t, 14, 24, yes, no), entry)
		entry = c.etherType(typeARP, c.addresses(t, 14, 24, yes, no), entry)
	}
	return c.etherType(typeIPv4, c.addresses(t, 12, 16, yes, no), entry)
}

// addresses tests the two addresses at these places of the network header.
func (c *filterCompiler) addresses(t *test, src, dst uint32, yes, no int) int {
	return c.sides(t.direction, yes, no, func(second bool, yes, no int) int {
		at := src
		if second {
			at = dst
		}
		return c.prefix(t, at, yes, no)
	})
}

// sides tests the source, the destination, or both.
func (c *filterCompiler) sides(d whichSide, yes, no int, test func(second bool, yes, no int) int) int {
	switch d {
	case sourceSide:
		return test(false, yes, no)
	case targetSide:
		return test(true, yes, no)
	case bothSides:
		return test(false, test(true, yes, no), no)
	}
	return test(false, yes, test(true, yes, no))
}

// prefix tests the first bits of an address.
func (c *filterCompiler) prefix(t *test, at uint32, yes, no int) int {
	addr, bits := t.net.Addr().AsSlice(), t.net.Bits()
	words := (bits + 31) / 32
	if words == 0 {
		return yes
	}
	for i := words - 1; i >= 0; i-- {
		value := binary.BigEndian.Uint32(addr[4*i:])
		c.compare(bpf.JumpEqual, value, yes, no)
		if left := bits - 32*i; left < 32 {
			c.put(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: math.MaxUint32 << (32 - left)})
		}
		yes = c.put(bpf.LoadAbsolute{Off: c.net + at + uint32(4*i), Size: 4})
	}
	return yes
}

// ports tests the ports of TCP, UDP and SCTP.
func (c *filterCompiler) ports(t *test, yes, no int) int {
	numbers := []uint32{protoSCTP, protoTCP, protoUDP}
	switch t.proto {
	case "tcp":
		numbers = []uint32{protoTCP}
	case "udp":
		numbers = []uint32{protoUDP}
	}
	six := c.sides(t.direction, yes, no, func(second bool, yes, no int) int {
		return c.port(t, yes, no, bpf.LoadAbsolute{Off: c.net + 40 + offsetOf(second), Size: 2})
	})
	six = c.etherType(typeIPv6, c.oneOf(6, numbers, six, no), no)

	four := c.sides(t.direction, yes, no, func(second bool, yes, no int) int {
		return c.port(t, yes, no, bpf.LoadMemShift{Off: c.net}, bpf.LoadIndirect{Off: c.net + offsetOf(second), Size: 2})
	})
	c.compare(bpf.JumpBitsNotSet, 0x1fff, four, no) // the first fragment alone has them
	four = c.put(bpf.LoadAbsolute{Off: c.net + 6, Size: 2})
	return c.etherType(typeIPv4, c.oneOf(9, numbers, four, no), six)
}

// offsetOf is the place of a port in its header.
func offsetOf(second bool) uint32 {
	if second {
		return 2
	}
	return 0
}

// oneOf tests whether an octet of the network header is one of several.
func (c *filterCompiler) oneOf(at uint32, values []uint32, yes, no int) int {
	for _, v := range values {
		no = c.octet(at, v, yes, no)
	}
	return no
}

// port tests the port that load reads.
func (c *filterCompiler) port(t *test, yes, no int, load ...bpf.Instruction) int {
	if t.low == t.high {
		c.compare(bpf.JumpEqual, uint32(t.low), yes, no)
	} else {
		below := c.compare(bpf.JumpLessOrEqual, uint32(t.high), yes, no)
		c.compare(bpf.JumpGreaterOrEqual, uint32(t.low), below, no)
	}
	for i := len(load) - 1; i >= 0; i-- {
		c.put(load[i])
	}
	return len(c.code)
}
