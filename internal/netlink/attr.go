package netlink

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Attrs is a cursor over attributes (struct nlattr). Its getters check the
// payload's length; a wrong one ends the walk with ErrBadAttribute.
type Attrs struct {
	rest []byte
	typ  uint16
	data []byte
	err  error
}

// ReadAttrs starts a walk over the attributes in b. It allocates nothing.
func ReadAttrs(b []byte) Attrs { return Attrs{rest: b} }

// Next steps to the next attribute; false at the end or after an error.
// Fewer than four bytes after the last attribute are padding.
func (a *Attrs) Next() bool {
	if a.err != nil || len(a.rest) < unix.NLA_HDRLEN {
		return false
	}
	size := int(binary.NativeEndian.Uint16(a.rest))
	if size < unix.NLA_HDRLEN || size > len(a.rest) {
		a.err = ErrBadAttribute
		return false
	}
	a.typ = binary.NativeEndian.Uint16(a.rest[2:])
	a.data = a.rest[unix.NLA_HDRLEN:size:size]
	a.rest = a.rest[min(align(size), len(a.rest)):]
	return true
}

// Type is the attribute's type without the flags NLA_F_NESTED and
// NLA_F_NET_BYTEORDER.
func (a *Attrs) Type() uint16 {
	return a.typ &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)
}

// RawType is the attribute's type as it stands there, with its flags.
func (a *Attrs) RawType() uint16 { return a.typ }

// Err is what ended the walk early: ErrBadAttribute, or nil.
func (a *Attrs) Err() error { return a.err }

// Fail ends the walk with ErrBadAttribute: for payloads that a caller reads
// itself and finds too short.
func (a *Attrs) Fail() { a.err = ErrBadAttribute }

// Data is the payload, a view into the message.
func (a *Attrs) Data() []byte { return a.data }

// Nested starts a walk over the attributes inside this one.
func (a *Attrs) Nested() Attrs { return ReadAttrs(a.data) }

// sized returns the payload if it has n bytes; else it fails the walk and
// returns zeros.
func (a *Attrs) sized(n int) []byte {
	if len(a.data) == n {
		return a.data
	}
	a.Fail()
	return make([]byte, n)
}

// Uint8 reads a payload of one byte.
func (a *Attrs) Uint8() uint8 { return a.sized(1)[0] }

// Uint16 reads a payload of two bytes in host order.
func (a *Attrs) Uint16() uint16 { return binary.NativeEndian.Uint16(a.sized(2)) }

// Uint32 reads a payload of four bytes in host order.
func (a *Attrs) Uint32() uint32 { return binary.NativeEndian.Uint32(a.sized(4)) }

// Uint64 reads a payload of eight bytes in host order.
func (a *Attrs) Uint64() uint64 { return binary.NativeEndian.Uint64(a.sized(8)) }

// Uint16BE reads a payload of two bytes in network order, as ports are.
func (a *Attrs) Uint16BE() uint16 { return binary.BigEndian.Uint16(a.sized(2)) }

// String reads a C string: the bytes before the first NUL, or all of them.
// It is text from outside and may hold any byte.
func (a *Attrs) String() string {
	if end := bytes.IndexByte(a.data, 0); end >= 0 {
		return string(a.data[:end])
	}
	return string(a.data)
}

// Addr reads an address of 4 or 16 bytes; the family follows from the length.
func (a *Attrs) Addr() netip.Addr {
	addr, ok := netip.AddrFromSlice(a.data)
	if !ok {
		a.Fail()
	}
	return addr
}
