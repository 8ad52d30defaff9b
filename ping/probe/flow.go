package probe

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The flow label of IPv6 (RFC 6437) is leased from the kernel before it may be
// sent (include/uapi/linux/in6.h; ipv6_flowlabel_opt, net/ipv6/ip6_flowlabel.c).
const (
	flowLabelManager = 32 // IPV6_FLOWLABEL_MGR
	flowInfoSend     = 33 // IPV6_FLOWINFO_SEND
	flowGet          = 0  // IPV6_FL_A_GET
	flowCreate       = 1  // IPV6_FL_F_CREATE
	// flowInfoOffset is that of sin6_flowinfo in struct sockaddr_in6.
	flowInfoOffset = 4
	flowShared     = 255 // IPV6_FL_S_ANY
)

// MaxFlowLabel is the largest flow label: it has 20 bits (RFC 8200 3).
const MaxFlowLabel = 1<<20 - 1

// flowLabelRequest is struct in6_flowlabel_req.
type flowLabelRequest struct {
	dst             [16]byte
	label           [4]byte // network order
	action, share   uint8
	flags           uint16
	expires, linger uint16
	_               uint32
}

// The lease is one that others may share: the kernel keeps an exclusive one for
// some seconds after its socket was closed, and the next ping with the same
// label would be refused.

// leaseFlow asks for a flow label towards the destination, any one when c names
// 0, and puts it into the address that probes are sent to.
func (s *Socket) leaseFlow(c Config) error {
	if s.family != IPv6 || !c.Flow {
		return nil
	}
	request := flowLabelRequest{dst: c.Dest.As16(), action: flowGet, share: flowShared, flags: flowCreate}
	binary.BigEndian.PutUint32(request.label[:], c.FlowLabel&MaxFlowLabel)
	// The kernel writes the label that it chose into the request.
	_, _, errno := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(s.fd), unix.SOL_IPV6, flowLabelManager,
		uintptr(unsafe.Pointer(&request)), unsafe.Sizeof(request), 0)
	if errno != 0 {
		return s.fail("IPV6_FLOWLABEL_MGR", "", errno)
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_IPV6, flowInfoSend, 1); err != nil {
		return s.fail("IPV6_FLOWINFO_SEND", "", err)
	}
	s.flow = binary.BigEndian.Uint32(request.label[:])
	copy(s.dest[flowInfoOffset:], request.label[:])
	return nil
}

// FlowLabel returns the flow label that Configure leased, 0 without Config.Flow.
func (s *Socket) FlowLabel() uint32 { return s.flow }

// connect restricts the socket to its destination, by connect(2): the kernel
// then passes on nothing that another host sent.
func (s *Socket) connect() error {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(s.fd), uintptr(unsafe.Pointer(unsafe.SliceData(s.dest))), uintptr(len(s.dest)))
	if errno != 0 {
		return errno
	}
	return nil
}
