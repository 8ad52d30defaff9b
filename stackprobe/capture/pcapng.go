package capture

import "encoding/binary"

// The block types of pcapng (draft-ietf-opsawg-pcapng section 11.1).
const (
	blockSection        = 0x0a0d0d0a
	blockInterface      = 1
	blockStatistics     = 5
	blockEnhancedPacket = 6
)

// byteOrderMagic is what a section header holds in the byte order of its section (draft-ietf-opsawg-pcapng section 4.1).
const byteOrderMagic = 0x1a2b3c4d

// The options of all blocks, and those of each sort of block (sections 3.5, 4.1, 4.2, 4.3 and 4.6).
const (
	optEnd     = 0
	optComment = 1

	optHardware    = 2
	optOS          = 3
	optApplication = 4

	optName        = 2
	optDescription = 3
	optTSResol     = 9
	optIfOS        = 12

	optFlags    = 2
	optPacketID = 5

	optReceived = 4
	optDropped  = 5
)

// nanoseconds is the value of if_tsresol for units of 10^-9 seconds.
const nanoseconds = 9

// block builds one block in memory that is used again.
type block struct{ b []byte }

// begin starts a block of that type; end writes its length.
func (b *block) begin(kind uint32) {
	b.b = binary.LittleEndian.AppendUint32(b.b[:0], kind)
	b.u32(0)
}

func (b *block) u16(v uint16) { b.b = binary.LittleEndian.AppendUint16(b.b, v) }
func (b *block) u32(v uint32) { b.b = binary.LittleEndian.AppendUint32(b.b, v) }
func (b *block) u64(v uint64) { b.b = binary.LittleEndian.AppendUint64(b.b, v) }

// pad fills up with zeros to a multiple of 4 octets.
func (b *block) pad() {
	for len(b.b)%4 != 0 {
		b.b = append(b.b, 0)
	}
}

// option appends an option of less than 2^16 octets.
func (b *block) option(code uint16, value []byte) {
	b.u16(code)
	b.u16(uint16(len(value)))
	b.b = append(b.b, value...)
	b.pad()
}

// text appends an option that is text, nothing if it is empty.
func (b *block) text(code uint16, s string) {
	if s == "" {
		return
	}
	s = comment(s)
	b.u16(code)
	b.u16(uint16(len(s)))
	b.b = append(b.b, s...)
	b.pad()
}

// number appends an option that is one value of 64 bits.
func (b *block) number(code uint16, v uint64) {
	b.u16(code)
	b.u16(8)
	b.u64(v)
}

// time appends a moment as two words, the high one first (sections 4.3 and 4.6).
func (b *block) time(ns int64) {
	b.u32(uint32(uint64(ns) >> 32))
	b.u32(uint32(uint64(ns)))
}

// end closes the options and the block.
func (b *block) end() []byte {
	b.u16(optEnd)
	b.u16(0)
	total := uint32(len(b.b) + 4)
	b.u32(total)
	binary.LittleEndian.PutUint32(b.b[4:], total)
	return b.b
}
