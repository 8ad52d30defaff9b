package capture

import (
	"encoding/binary"
	"io"
	"math"
	"math/bits"
)

// The sorts of blocks that hold nothing of packets: names, statistics, secrets (draft-ietf-opsawg-pcapng section 4).
const (
	blockPacket       = 2 // obsolete
	blockSimplePacket = 3
	blockNames        = 4
	blockSecrets      = 10
)

// optTSOffset is the option if_tsoffset: seconds to be added to each time.
const optTSOffset = 14

// blockFrame is what every block has around its body: type and length before it, the length again behind.
const blockFrame = 12

// blocks reads pcapng.
func (c *Reader) blocks() error {
	for {
		err := c.block()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// block reads one; io.EOF is the end of the file.
func (c *Reader) block() error {
	var head [8]byte
	start := c.at
	if err := c.read(head[:]); err != nil {
		return c.cutBlock(err, 0)
	}
	kind := uint32(blockSection)
	if binary.LittleEndian.Uint32(head[:]) == blockSection { // the same in both byte orders
		magic, err := c.r.Peek(4)
		if err != nil {
			return c.cutBlock(err, kind)
		}
		switch {
		case binary.LittleEndian.Uint32(magic) == byteOrderMagic:
			c.order = binary.LittleEndian
		case binary.BigEndian.Uint32(magic) == byteOrderMagic:
			c.order = binary.BigEndian
		default:
			return &FormatError{c.at, "no byte-order magic of a section"}
		}
	} else {
		kind = c.order.Uint32(head[:])
	}
	total := c.order.Uint32(head[4:])
	if total < blockFrame || total%4 != 0 {
		return &FormatError{start, "a block of impossible length: the next one cannot be found"}
	}
	return c.body(kind, total-8)
}

// cutBlock is the end of the file, in a block of that sort.
func (c *Reader) cutBlock(err error, kind uint32) error {
	switch {
	case err == io.EOF && kind == 0:
		return err
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return err
	case holdsPacket(kind):
		c.number++
		if err := c.bad("the file ends in it"); err != nil {
			return err
		}
		return io.EOF
	}
	return &FormatError{c.at, "the file ends in a block"}
}

func holdsPacket(kind uint32) bool {
	return kind == blockEnhancedPacket || kind == blockPacket || kind == blockSimplePacket
}

// body reads the rest of a block: n octets, the last four of which are its length again.
func (c *Reader) body(kind, n uint32) error {
	if n > maxBlock || !holdsPacket(kind) && kind != blockSection && kind != blockInterface {
		switch {
		case holdsPacket(kind):
			c.number++
			if err := c.bad("a block of %d octets, more than any packet takes", n); err != nil {
				return err
			}
		case kind == blockInterface:
			c.ifs = append(c.ifs, nil) // those behind it must keep their numbers
		case kind != blockNames && kind != blockStatistics && kind != blockSecrets && kind != blockSection:
			c.skipped++
		}
		if err := c.pass(int64(n)); err != nil {
			return c.cutBlock(err, blockSection)
		}
		return nil
	}
	b, err := c.take(int(n))
	if err != nil {
		return c.cutBlock(err, kind)
	}
	again := c.order.Uint32(b[n-4:])
	b = b[:n-4]
	switch {
	case holdsPacket(kind):
		c.number++
		if again != n+8 {
			return c.bad("its block has two lengths, %d and %d", n+8, again)
		}
		return c.packetBlock(kind, b)
	case kind == blockInterface:
		c.addInterface(b)
	default:
		c.base = len(c.ifs)
	}
	return nil
}

// options yields those of a block; a length that lies ends them.
func (c *Reader) options(b []byte, yield func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, n := c.order.Uint16(b), int(c.order.Uint16(b[2:]))
		if code == optEnd || n > len(b)-4 {
			return
		}
		yield(code, b[4:4+n])
		b = b[min(4+(n+3)&^3, len(b)):]
	}
}

// addInterface takes an Interface Description Block (section 4.2).
func (c *Reader) addInterface(b []byte) {
	if len(b) < 8 {
		c.ifs = append(c.ifs, nil)
		return
	}
	i := &readInterface{Interface: Interface{Link: LinkType(c.order.Uint16(b)), Snap: c.order.Uint32(b[4:])}, res: 6}
	c.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == optComment:
			i.Comments = append(i.Comments, string(v))
		case code == optName:
			i.Name = string(v)
		case code == optDescription:
			i.Description = string(v)
		case code == optIfOS:
			i.OS = string(v)
		case code == optTSResol && len(v) == 1:
			i.res = v[0]
		case code == optTSOffset && len(v) == 8:
			i.offset = int64(c.order.Uint64(v))
		}
	})
	c.ifs = append(c.ifs, i)
}

// packetBlock takes a block that holds a packet (sections 4.3, 4.4 and appendix A).
func (c *Reader) packetBlock(kind uint32, b []byte) error {
	head, number := 20, uint32(0)
	switch {
	case kind == blockSimplePacket:
		head = 4
	case len(b) < head:
	case kind == blockPacket:
		number = uint32(c.order.Uint16(b))
	default:
		number = c.order.Uint32(b)
	}
	if len(b) < head {
		return c.bad("its block is too short")
	}
	if int64(number) >= int64(len(c.ifs)-c.base) || c.ifs[c.base+int(number)] == nil {
		return c.bad("interface %d is not described", number)
	}
	c.p = Packet{Interface: c.base + int(number)}
	i := c.ifs[c.p.Interface]
	c.p.At = &i.Interface
	if kind == blockSimplePacket {
		length := c.order.Uint32(b)
		held := min(uint32(len(b)-head), length)
		if i.Snap != 0 {
			held = min(held, i.Snap)
		}
		c.p.Data, c.p.Length = b[head:head+int(held)], int(length)
		return c.good()
	}
	held := c.order.Uint32(b[12:])
	if int64(held) > int64(len(b)-head) {
		return c.bad("%d octets are said to be held, its block has room for %d", held, len(b)-head)
	}
	var ok bool
	if c.p.Time, ok = i.time(uint64(c.order.Uint32(b[4:]))<<32 | uint64(c.order.Uint32(b[8:]))); !ok {
		return c.bad("its time is out of all range")
	}
	c.p.Data, c.p.Length = b[head:head+int(held)], int(c.order.Uint32(b[16:]))
	c.options(b[min(head+(int(held)+3)&^3, len(b)):], c.packetOption)
	return c.good()
}

// packetOption takes an option of a packet.
func (c *Reader) packetOption(code uint16, v []byte) {
	switch {
	case code == optComment:
		c.p.Comments = append(c.p.Comments, string(v))
	case code == optFlags && len(v) == 4:
		if d := Direction(c.order.Uint32(v) & 3); d <= Outbound {
			c.p.Direction = d
		}
	case code == optPacketID && len(v) == 8:
		c.p.ID = c.order.Uint64(v)
	}
}

// time turns a number of the interface's units into nanoseconds since 1970, and reports whether that fits.
func (i *readInterface) time(t uint64) (ns int64, ok bool) {
	var hi, lo uint64
	switch n := uint(i.res & 0x7f); {
	case i.res&0x80 != 0: // units of 2^-n seconds
		hi, lo = bits.Mul64(t, 1e9)
		if n < 64 {
			lo = lo>>n | hi<<(64-n)
			hi >>= n
		} else {
			hi, lo = 0, hi>>(n-64)
		}
	case n <= 9: // units of 10^-n seconds
		hi, lo = bits.Mul64(t, power(9-n))
	case n-9 < 20:
		lo = t / power(n-9)
	}
	if hi != 0 || lo > math.MaxInt64 || i.offset < 0 || i.offset > math.MaxInt64/1_000_000_000 || int64(lo) > math.MaxInt64-i.offset*1e9 {
		return 0, false
	}
	return int64(lo) + i.offset*1e9, true
}

// power is 10^n; n is at most 19.
func power(n uint) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
