package probe

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Vary is what may differ from one packet to the next on one socket.
type Vary struct {
	// TTL is the time to live or hop limit; 0 leaves the socket's.
	TTL int
	// Fragment lets the packet be fragmented: without Don't Fragment over IPv4, by
	// this host over IPv6. Otherwise it goes out whole or not at all
	// (IP_PMTUDISC_PROBE, ip(7)). What the kernel has learned of the path, rightly or
	// not, matters to fragments over IPv6 alone, where it is this host that makes them.
	Fragment bool
	// FragmentSize is the length of the largest fragment that this host makes of
	// an IPv6 packet, at least 1280; 0 is what the kernel thinks of the path.
	FragmentSize int
}

// varied is what SendVaried has made of a socket.
type varied struct {
	set                     bool
	discovery, fragmentSize int
}

// SendVaried is Send for a packet of its own kind. The modes that belong to the
// socket are set when they change, so that packets of one kind should follow one
// another.
func (s *Socket) SendVaried(message []byte, v Vary) error {
	if err := s.vary(v); err != nil {
		return err
	}
	var control []byte
	if v.TTL > 0 {
		control = s.ttlControl(v.TTL)
	}
	errno := sendmsg(s.fd, message, control, s.dest)
	if errno == 0 {
		s.accepted++
		return nil
	}
	s.pending = true
	if s.transmitStamps {
		s.restartStamps()
	}
	return errno
}

// sendmsg is sendmsg(2) with MSG_DONTWAIT. The address is one that rawSockaddr made.
func sendmsg(fd int, message, control, address []byte) unix.Errno {
	iov := unix.Iovec{Base: unsafe.SliceData(message)}
	iov.SetLen(len(message))
	header := unix.Msghdr{Name: unsafe.SliceData(address), Namelen: uint32(len(address)), Iov: &iov, Control: unsafe.SliceData(control)}
	header.SetIovlen(1)
	header.SetControllen(len(control))
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&header)), unix.MSG_DONTWAIT)
		if errno != unix.EINTR {
			return errno
		}
	}
}

// vary sets the modes that differ from those of the last packet.
func (s *Socket) vary(v Vary) error {
	mode := unix.IP_PMTUDISC_PROBE
	switch {
	case v.Fragment && s.family == IPv6:
		mode = unix.IPV6_PMTUDISC_DONT
	case v.Fragment:
		mode = unix.IP_PMTUDISC_OMIT
	}
	level, option, name := unix.SOL_IP, unix.IP_MTU_DISCOVER, "IP_MTU_DISCOVER"
	if s.family == IPv6 {
		level, option, name = unix.SOL_IPV6, unix.IPV6_MTU_DISCOVER, "IPV6_MTU_DISCOVER"
	}
	if !s.varied.set || s.varied.discovery != mode {
		if err := unix.SetsockoptInt(s.fd, level, option, mode); err != nil {
			return s.fail(name, "", err)
		}
		s.varied.set, s.varied.discovery = true, mode
	}
	if !v.Fragment {
		v.FragmentSize = 0 // it would cut whole packets too (__ip6_append_data, net/ipv6/ip6_output.c)
	}
	if s.family == IPv6 && s.varied.fragmentSize != v.FragmentSize {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_IPV6, unix.IPV6_MTU, v.FragmentSize); err != nil {
			return s.fail("IPV6_MTU", "", err)
		}
		s.varied.fragmentSize = v.FragmentSize
	}
	return nil
}

// ttlControl returns the control message that sets the time to live of one
// packet (IP_TTL, ip(7); IPV6_HOPLIMIT, RFC 3542, section 6.3).
func (s *Socket) ttlControl(ttl int) []byte {
	level, kind := unix.SOL_IP, unix.IP_TTL
	if s.family == IPv6 {
		level, kind = unix.SOL_IPV6, unix.IPV6_HOPLIMIT
	}
	b := make([]byte, unix.CmsgSpace(4))
	putCmsghdr(b, level, kind, 4)
	binary.NativeEndian.PutUint32(b[unix.CmsgLen(0):], uint32(ttl))
	return b
}

// putCmsghdr writes struct cmsghdr for n bytes of data.
func putCmsghdr(b []byte, level, kind, n int) {
	if unix.SizeofLong == 8 {
		binary.NativeEndian.PutUint64(b, uint64(unix.CmsgLen(n)))
	} else {
		binary.NativeEndian.PutUint32(b, uint32(unix.CmsgLen(n)))
	}
	binary.NativeEndian.PutUint32(b[unix.SizeofLong:], uint32(level))
	binary.NativeEndian.PutUint32(b[unix.SizeofLong+4:], uint32(kind))
}

// AskFragmentSize makes received packets that came in fragments say the length of
// the largest one (IP_RECVFRAGSIZE, IPV6_RECVFRAGSIZE): Message.FragmentSize.
func (s *Socket) AskFragmentSize() error {
	level, option, name := unix.SOL_IP, unix.IP_RECVFRAGSIZE, "IP_RECVFRAGSIZE"
	if s.family == IPv6 {
		level, option, name = unix.SOL_IPV6, unix.IPV6_RECVFRAGSIZE, "IPV6_RECVFRAGSIZE"
	}
	if err := unix.SetsockoptInt(s.fd, level, option, 1); err != nil {
		return s.fail(name, "", err)
	}
	return nil
}
