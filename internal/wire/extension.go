package wire

import (
	"encoding/binary"
	"iter"
	"net/netip"
)

const (
	extensionHeader = 4 // version, reserved, checksum (RFC 4884 7)
	objectHeader    = 4 // length, class, type (RFC 4884 7.1)
	// QuoteBeforeExtensions is the least length of a quotation with extensions behind it
	// (RFC 4884 5.1), and the length that routers older than that RFC gave it (5.5).
	QuoteBeforeExtensions = 128
)

// Classes of extension objects, as in IANA's "ICMP Extension Object Classes".
const (
	ClassMPLS      uint8 = 1 // MPLS label stack (RFC 4950)
	ClassInterface uint8 = 2 // interface information (RFC 5837)
)

// Extensions is a checked view of the extension structure behind the packet that an ICMP error
// quotes (RFC 4884 7), from its version on.
type Extensions []byte

// CheckExtensions says whether b is a whole extension structure, and gives the view: version 2, a
// checksum that is right or absent, and objects that fill it to its end.
func CheckExtensions(b []byte) (Extensions, error) {
	switch {
	case len(b) < extensionHeader:
		return nil, ErrExtensionShort
	case b[0]>>4 != 2:
		return nil, ErrExtensionVersion
	case !Extensions(b).Unchecked() && Checksum(b) != 0:
		return nil, ErrExtensionChecksum
	}
	for rest := b[extensionHeader:]; len(rest) > 0; {
		if len(rest) < objectHeader {
			return nil, ErrExtensionShort
		}
		length := int(binary.BigEndian.Uint16(rest))
		if length < objectHeader || length > len(rest) {
			return nil, ErrExtensionLength
		}
		rest = rest[length:]
	}
	return Extensions(b), nil
}

// Unchecked says that the sender has left out the checksum (RFC 4884 7: it is zero then).
func (e Extensions) Unchecked() bool { return e[2] == 0 && e[3] == 0 }

// ExtensionObject is one object of an extension structure (RFC 4884 7.1). Its data share the
// message's memory.
type ExtensionObject struct {
	Class, Type uint8
	Data        []byte
}

// Objects gives the objects in their order.
func (e Extensions) Objects() iter.Seq[ExtensionObject] {
	return func(yield func(ExtensionObject) bool) {
		for rest := e[extensionHeader:]; len(rest) > 0; {
			length := int(binary.BigEndian.Uint16(rest))
			if !yield(ExtensionObject{Class: rest[2], Type: rest[3], Data: rest[objectHeader:length]}) {
				return
			}
			rest = rest[length:]
		}
	}
}

// AppendExtensions writes an extension structure of objects to the end of dst, checksum included. An
// object's data are at most 65531 bytes.
func AppendExtensions(dst []byte, objects ...ExtensionObject) []byte {
	at := len(dst)
	dst = append(dst, 2<<4, 0, 0, 0)
	for _, o := range objects {
		dst = binary.BigEndian.AppendUint16(dst, uint16(objectHeader+len(o.Data)))
		dst = append(append(dst, o.Class, o.Type), o.Data...)
	}
	binary.BigEndian.PutUint16(dst[at+2:], Checksum(dst[at:]))
	return dst
}

// MPLSEntry is an entry of a label stack (RFC 3032 2.1), as the packet had it when it came.
type MPLSEntry uint32

// Label is the label, 20 bits wide.
func (e MPLSEntry) Label() int { return int(e >> 12) }

// TC is the traffic class (RFC 5462), 3 bits wide.
func (e MPLSEntry) TC() int { return int(e >> 9 & 7) }

// Bottom says that the entry is the last of its stack.
func (e MPLSEntry) Bottom() bool { return e>>8&1 == 1 }

// TTL is the time to live.
func (e MPLSEntry) TTL() int { return int(e & 0xff) }

// MPLSStack gives the entries of an MPLS object, the top first (RFC 4950 5). It fails with
// ErrExtensionData for another object, for one without whole entries, and for a bottom
// that is not the last one.
func (o *ExtensionObject) MPLSStack() (iter.Seq[MPLSEntry], error) {
	if o.Class != ClassMPLS || o.Type != 1 || len(o.Data) == 0 || len(o.Data)%4 != 0 {
		return nil, ErrExtensionData
	}
	for i := 0; i < len(o.Data)-4; i += 4 {
		if o.entry(i).Bottom() {
			return nil, ErrExtensionData
		}
	}
	return func(yield func(MPLSEntry) bool) {
		for i := 0; i < len(o.Data) && yield(o.entry(i)); i += 4 {
		}
	}, nil
}

func (o *ExtensionObject) entry(at int) MPLSEntry {
	return MPLSEntry(binary.BigEndian.Uint32(o.Data[at:]))
}

// InterfaceRole says what an interface has to do with the packet that an error quotes (RFC 5837 4.1).
type InterfaceRole uint8

// The roles.
const (
	IncomingInterface InterfaceRole = iota
	SubIPInterface                  // the part of the incoming one below IP
	OutgoingInterface
	NextHopInterface // the next hop's address
)

// InterfaceInfo is what a router tells of an interface (RFC 5837 4). What it left out is zero.
type InterfaceInfo struct {
	Role  InterfaceRole
	Index uint32
	Addr  netip.Addr
	Name  []byte // UTF-8 by the RFC, any bytes but zeros at its end; shares the message's memory
	MTU   uint32
}

// Bits of the type of an interface object that say which parts there are (RFC 5837 4.1).
const (
	interfaceIndex = 1 << 3
	interfaceAddr  = 1 << 2
	interfaceName  = 1 << 1
	interfaceMTU   = 1 << 0
)

// Address families of an interface's address (RFC 5837 4.2), as in IANA's "Address Family Numbers".
const (
	afiIPv4 = 1
	afiIPv6 = 2
)

// maxInterfaceName is the longest name with its length byte (RFC 5837 4.3).
const maxInterfaceName = 64

// Interface reads an interface object. It fails with ErrExtensionData for another object and
// for one that is not exactly as long as its parts.
func (o *ExtensionObject) Interface() (InterfaceInfo, error) {
	in := InterfaceInfo{Role: InterfaceRole(o.Type >> 6)}
	b, ok := o.Data, o.Class == ClassInterface
	if o.Type&interfaceIndex != 0 && ok {
		in.Index, b, ok = takeUint32(b)
	}
	if o.Type&interfaceAddr != 0 && ok {
		in.Addr, b, ok = takeAddr(b)
	}
	if o.Type&interfaceName != 0 && ok {
		in.Name, b, ok = takeName(b)
	}
	if o.Type&interfaceMTU != 0 && ok {
		in.MTU, b, ok = takeUint32(b)
	}
	if !ok || len(b) > 0 {
		return InterfaceInfo{}, ErrExtensionData
	}
	return in, nil
}

func takeUint32(b []byte) (v uint32, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint32(b), b[4:], true
}

// takeAddr reads family, two reserved bytes and address.
func takeAddr(b []byte) (a netip.Addr, rest []byte, ok bool) {
	family, b, ok := takeUint32(b)
	switch {
	case !ok:
	case family>>16 == afiIPv4 && len(b) >= 4:
		return netip.AddrFrom4([4]byte(b)), b[4:], true
	case family>>16 == afiIPv6 && len(b) >= 16:
		return netip.AddrFrom16([16]byte(b)), b[16:], true
	}
	return netip.Addr{}, nil, false
}

// takeName reads a name behind its length, which counts itself and the zeros that make it a
// multiple of 4 bytes.
func takeName(b []byte) (name, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > len(b) || b[0] == 0 || b[0]%4 != 0 || b[0] > maxInterfaceName {
		return nil, nil, false
	}
	name, rest = b[1:b[0]], b[b[0]:]
	for len(name) > 0 && name[len(name)-1] == 0 {
		name = name[:len(name)-1]
	}
	return name, rest, true
}
