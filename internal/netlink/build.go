package netlink

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Request builds one message in a reused buffer: header, fixed part,
// attributes. It is made by Conn.Request and sent by Conn.Do, Get or Dump.
type Request struct {
	b   []byte
	err error
}

// start empties r and writes the header; the length is filled in by finish.
func (r *Request) start(typ, flags uint16) {
	r.err = nil
	r.b = append(r.b[:0], make([]byte, unix.NLMSG_HDRLEN)...)
	binary.NativeEndian.PutUint16(r.b[4:], typ)
	binary.NativeEndian.PutUint16(r.b[6:], flags)
}

// finish fills in length, sequence number and further flags and returns the
// message.
func (r *Request) finish(seq uint32, flags uint16) ([]byte, error) {
	binary.NativeEndian.PutUint32(r.b, uint32(len(r.b)))
	flags |= binary.NativeEndian.Uint16(r.b[6:])
	binary.NativeEndian.PutUint16(r.b[6:], flags)
	binary.NativeEndian.PutUint32(r.b[8:], seq)
	return r.b, r.err
}

// Fixed appends n zero bytes, the part between header and attributes, and
// returns them to be filled in before the next call on r.
func (r *Request) Fixed(n int) []byte {
	at := len(r.b)
	r.b = append(r.b, make([]byte, align(n))...)
	return r.b[at : at+n]
}

// Bytes appends an attribute with the payload data.
func (r *Request) Bytes(typ uint16, data []byte) {
	at := r.open(typ)
	r.b = append(r.b, data...)
	r.Close(at)
}

// Uint8 appends an attribute of one byte.
func (r *Request) Uint8(typ uint16, v uint8) {
	at := r.open(typ)
	r.b = append(r.b, v)
	r.Close(at)
}

// Uint16 appends an attribute of two bytes in host order.
func (r *Request) Uint16(typ uint16, v uint16) {
	at := r.open(typ)
	r.b = binary.NativeEndian.AppendUint16(r.b, v)
	r.Close(at)
}

// Uint16BE appends an attribute of two bytes in network order, as ports are.
func (r *Request) Uint16BE(typ uint16, v uint16) {
	at := r.open(typ)
	r.b = binary.BigEndian.AppendUint16(r.b, v)
	r.Close(at)
}

// Uint32 appends an attribute of four bytes in host order.
func (r *Request) Uint32(typ uint16, v uint32) {
	at := r.open(typ)
	r.b = binary.NativeEndian.AppendUint32(r.b, v)
	r.Close(at)
}

// String appends a C string with its NUL.
func (r *Request) String(typ uint16, s string) {
	at := r.open(typ)
	r.b = append(append(r.b, s...), 0)
	r.Close(at)
}

// Addr appends an address as 4 or 16 bytes.
func (r *Request) Addr(typ uint16, addr netip.Addr) {
	at := r.open(typ)
	r.AppendAddr(addr)
	r.Close(at)
}

// AppendAddr appends the bare bytes of an address, inside an open attribute.
func (r *Request) AppendAddr(addr netip.Addr) {
	if addr.Is4() {
		b := addr.As4()
		r.b = append(r.b, b[:]...)
		return
	}
	b := addr.As16()
	r.b = append(r.b, b[:]...)
}

// Append appends bare bytes, inside an open attribute.
func (r *Request) Append(data ...byte) { r.b = append(r.b, data...) }

// Open begins a nested attribute and returns the mark that Close takes.
func (r *Request) Open(typ uint16) (mark int) { return r.open(typ | unix.NLA_F_NESTED) }

// OpenPlain is Open without NLA_F_NESTED, for attributes that hold a structure
// of their own (RTA_VIA, RTA_MULTIPATH) or predate the flag.
func (r *Request) OpenPlain(typ uint16) (mark int) { return r.open(typ) }

func (r *Request) open(typ uint16) int {
	at := len(r.b)
	r.b = append(r.b, 0, 0, 0, 0)
	binary.NativeEndian.PutUint16(r.b[at+2:], typ)
	return at
}

// Close ends the attribute that Open began: its length is written, padding
// follows.
func (r *Request) Close(mark int) {
	size := len(r.b) - mark
	if size > 0xffff {
		r.err = ErrTooLong
		size = unix.NLA_HDRLEN
	}
	binary.NativeEndian.PutUint16(r.b[mark:], uint16(size))
	r.Pad()
}

// Pad fills up to the alignment of the next attribute.
func (r *Request) Pad() {
	r.b = append(r.b, make([]byte, align(len(r.b))-len(r.b))...)
}

// Raw is what was appended so far, a view that the next call ends.
func (r *Request) Raw() []byte { return r.b }

// Len is the number of bytes so far: with SetUint16 it lets a caller write a
// length into a structure that it appended.
func (r *Request) Len() int { return len(r.b) }

// SetUint16 overwrites two bytes at the offset at, in host order.
func (r *Request) SetUint16(at int, v uint16) { binary.NativeEndian.PutUint16(r.b[at:], v) }
