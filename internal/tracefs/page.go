package tracefs

import "encoding/binary"

// The kinds of entries in a buffer (enum ring_buffer_type in include/linux/ring_buffer.h); less is the length of data in words.
const (
	typePadding    = 29
	typeTimeExtend = 30
	typeTimeStamp  = 31
)

// pageHeader is the length of what stands before the entries: the time of the page, and how many octets are used.
const pageHeader = 16

// The bits of the word behind the time (kernel/trace/ring_buffer.c, RB_MISSED_EVENTS and RB_MISSED_STORED).
const (
	usedMask     = 1<<30 - 1
	missedStored = 1 << 30
	missedEvents = 1 << 31
)

// Page calls yield for each record of a page that was read from a buffer, with its time in nanoseconds; the first field of a record is its
// event's ID, and it is a part of page. It returns how many records the buffer lost before this page, -1 if the kernel did not count them. What
// is cut off is not yielded, which ok tells. The layout is that of a kernel of 64 bits in little-endian order.
func Page(page []byte, yield func(at uint64, record []byte)) (lost int, ok bool) {
	if len(page) < pageHeader {
		return 0, len(page) == 0
	}
	at, word := binary.LittleEndian.Uint64(page), binary.LittleEndian.Uint64(page[8:])
	used := int(word & usedMask)
	if used > len(page)-pageHeader {
		return 0, false
	}
	rest := page[pageHeader : pageHeader+used]
	if word&missedEvents != 0 {
		lost = -1
		if behind := page[pageHeader+used:]; word&missedStored != 0 && len(behind) >= 8 {
			lost = int(int64(binary.LittleEndian.Uint64(behind)))
		}
	}
	return lost, entries(rest, at, yield)
}

// entries walks the entries behind the header of a page.
func entries(rest []byte, at uint64, yield func(at uint64, record []byte)) (ok bool) {
	for len(rest) >= 4 {
		head := binary.LittleEndian.Uint32(rest)
		kind, delta := head&31, uint64(head>>5)
		first := uint64(0) // the word behind the head, which data of up to 28 words have in its place
		if kind == 0 || kind > 28 {
			if kind == typePadding && delta == 0 {
				return true // nothing follows
			}
			if len(rest) < 8 {
				return false
			}
			first = uint64(binary.LittleEndian.Uint32(rest[4:]))
		}
		length, data := uint64(8), uint64(8)
		switch kind {
		case typeTimeExtend:
			at += first<<27 + delta
		case typeTimeStamp:
			at = at&(0xf<<59) | first<<27 + delta
		case typePadding:
			at, length = at+delta, first+4
		case 0:
			at, length = at+delta, first+4
		default:
			at, length, data = at+delta, uint64(kind)*4+4, 4
		}
		if length < data || length > uint64(len(rest)) {
			return false
		}
		if kind <= 28 {
			yield(at, rest[data:length])
		}
		rest = rest[min((length+3)&^3, uint64(len(rest))):]
	}
	return len(rest) == 0
}
