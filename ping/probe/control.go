package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// control is what the control messages of one recvmsg(2) say.
type control struct {
	ttl, tos int    // -1 when absent
	options  []byte // shares the buffer's memory
	stamp    time.Time
	hardware time.Time
	drops    uint32
	fragment int // IP_RECVFRAGSIZE, 0 when absent
	hasErr   bool
	err      extendedErr
}

// extendedErr is struct sock_extended_err (linux/errqueue.h) with the address
// that follows it, SO_EE_OFFENDER.
type extendedErr struct {
	errno             uint32
	origin, typ, code uint8
	info, data        uint32
	offender          netip.Addr
	offenderScope     uint32
}

// Sizes of the kernel's structures.
const (
	sizeofExtendedErr = 16
	sizeofInet4       = 16
	sizeofInet6       = 28
)

// parse reads the control messages of an ICMP socket (cmsg(3)) into c, in place
// of what c held. Unknown ones are skipped; one of a known kind that is too short
// is a *ParseError, and what was read before it stands.
func (c *control) parse(b []byte) error {
	*c = control{ttl: -1, tos: -1}
	for len(b) >= unix.SizeofCmsghdr {
		size := longOf(b) // the length of header and data: size_t, of the size of a long
		if size < unix.SizeofCmsghdr || size > int64(len(b)) {
			return &ParseError{What: "control message", Len: len(b)}
		}
		tail := b[unix.SizeofLong:]
		level, kind := binary.NativeEndian.Uint32(tail), binary.NativeEndian.Uint32(tail[4:])
		if err := c.add(int(int32(level)), int(int32(kind)), b[unix.SizeofCmsghdr:size]); err != nil {
			return err
		}
		b = b[min(len(b), unix.CmsgSpace(int(size)-unix.SizeofCmsghdr)):]
	}
	return nil
}

func (c *control) add(level, kind int, data []byte) error {
	switch {
	case level == unix.SOL_SOCKET && kind == unix.SCM_TIMESTAMPING:
		return c.addStamp(data)
	case level == unix.SOL_SOCKET && kind == unix.SO_RXQ_OVFL:
		return uint32Of("SO_RXQ_OVFL", data, &c.drops)
	case level == unix.SOL_IP && kind == unix.IP_TTL, level == unix.SOL_IPV6 && kind == unix.IPV6_HOPLIMIT:
		return byteOf("hop limit", data, &c.ttl)
	case level == unix.SOL_IP && kind == unix.IP_TOS, level == unix.SOL_IPV6 && kind == unix.IPV6_TCLASS:
		return byteOf("traffic class", data, &c.tos)
	case level == unix.SOL_IP && kind == unix.IP_RETOPTS:
		c.options = data
	case level == unix.SOL_IP && kind == unix.IP_RECVFRAGSIZE, level == unix.SOL_IPV6 && kind == unix.IPV6_RECVFRAGSIZE:
		return intOf("fragment size", data, &c.fragment)
	case level == unix.SOL_IP && kind == unix.IP_RECVERR, level == unix.SOL_IPV6 && kind == unix.IPV6_RECVERR:
		return c.addErr(data)
	}
	return nil
}

// addStamp reads struct scm_timestamping: three timespecs, of which the first
// is the software stamp and the third the device's (the second is not used any
// more, Documentation/networking/timestamping.rst 2.1).
func (c *control) addStamp(data []byte) error {
	const word = unix.SizeofLong
	if len(data) < 2*word {
		return &ParseError{What: "SCM_TIMESTAMPING", Len: len(data)}
	}
	c.stamp = timespec(data)
	if len(data) >= 6*word {
		c.hardware = timespec(data[4*word:])
	}
	return nil
}

// timespec returns the time in a struct timespec, zero for none.
func timespec(b []byte) time.Time {
	sec, nsec := longOf(b), longOf(b[unix.SizeofLong:])
	if sec == 0 && nsec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, nsec)
}

func longOf(b []byte) int64 {
	if unix.SizeofLong == 8 {
		return int64(binary.NativeEndian.Uint64(b))
	}
	return int64(int32(binary.NativeEndian.Uint32(b)))
}

func uint32Of(what string, data []byte, to *uint32) error {
	if len(data) < 4 {
		return &ParseError{What: what, Len: len(data)}
	}
	*to = binary.NativeEndian.Uint32(data)
	return nil
}

func intOf(what string, data []byte, to *int) error {
	var n uint32
	err := uint32Of(what, data, &n)
	*to = int(n)
	return err
}

// byteOf reads a value that the kernel gives as an int, or for IP_TOS as a
// single byte (ip_cmsg_recv_tos, net/ipv4/ip_sockglue.c).
func byteOf(what string, data []byte, to *int) error {
	switch {
	case len(data) >= 4:
		*to = int(binary.NativeEndian.Uint32(data) & 0xff)
	case len(data) >= 1:
		*to = int(data[0])
	default:
		return &ParseError{What: what, Len: len(data)}
	}
	return nil
}

func (c *control) addErr(data []byte) error {
	if len(data) < sizeofExtendedErr {
		return &ParseError{What: "sock_extended_err", Len: len(data)}
	}
	c.hasErr = true
	c.err = extendedErr{
		errno:  binary.NativeEndian.Uint32(data),
		origin: data[4], typ: data[5], code: data[6],
		info: binary.NativeEndian.Uint32(data[8:]),
		data: binary.NativeEndian.Uint32(data[12:]),
	}
	c.err.offender, c.err.offenderScope = parseSockaddr(data[sizeofExtendedErr:])
	return nil
}

// parseSockaddr reads a struct sockaddr_in or sockaddr_in6: the address and its
// scope, an interface index. The zero Addr stands for AF_UNSPEC, another family,
// or too few bytes.
func parseSockaddr(b []byte) (netip.Addr, uint32) {
	if len(b) < 2 {
		return netip.Addr{}, 0
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && len(b) >= sizeofInet4:
		return netip.AddrFrom4([4]byte(b[4:8])), 0
	case family == unix.AF_INET6 && len(b) >= sizeofInet6:
		return netip.AddrFrom16([16]byte(b[8:24])), binary.NativeEndian.Uint32(b[24:])
	}
	return netip.Addr{}, 0
}
