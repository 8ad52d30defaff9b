package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Socket is one ICMP socket. See the package comment for its life.
type Socket struct {
	fd     int
	wake   int
	family Family
	mode   Mode
	dest   []byte // struct sockaddr
	id     uint16
	flow   uint32 // the leased flow label, which is in dest too
	// transport is the protocol of a socket that is not for ICMP; ports are those
	// that a TCP socket listens to.
	transport int
	ports     Ports
	varied    varied

	nodeInfo       bool
	transmitStamps bool
	stamps         int // the flags of SO_TIMESTAMPING, with transmitStamps
	// checksumBase is what checksumErrors returned when the socket was configured.
	checksumBase  uint64
	checksumKnown bool
	// accepted is how many messages Send has handed to the kernel; stampBase is
	// what it was when the kernel's own count began at 0.
	accepted, stampBase uint32
	// pending is set when the error queue may hold something: by poll, by a
	// failed system call, and always while transmit stamps are on.
	pending bool

	// pollFDs lives here so that Wait does not allocate.
	pollFDs [2]unix.PollFd
	packet  []byte
	control []byte
	name    [sizeofInet6]byte
	names   map[int]string
	parsed  control
	message Message
}

// Open opens an ICMP socket: a ping socket, or else a raw one, in the order in
// which iputils tries them. The raw socket is tried when the ping socket is
// refused (EACCES outside ping_group_range) or unknown to the kernel, and at
// once with rawOnly. The caller raises CAP_NET_RAW around Open if it has to.
func Open(f Family, rawOnly bool) (*Socket, error) {
	if !rawOnly {
		fd, err := socket(f, Datagram)
		if err == nil {
			return &Socket{fd: fd, wake: -1, family: f, mode: Datagram}, nil
		}
		if !refused(err) {
			return nil, &SocketError{Op: "socket", Family: f, Mode: Datagram, Err: err}
		}
	}
	fd, err := socket(f, Raw)
	if err != nil {
		return nil, &SocketError{Op: "socket", Family: f, Mode: Raw, Err: err}
	}
	return &Socket{fd: fd, wake: -1, family: f, mode: Raw}, nil
}

func refused(err error) bool {
	return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EAFNOSUPPORT) ||
		errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.EPERM)
}

func socket(f Family, m Mode) (int, error) {
	return unix.Socket(f.domain(), m.sockType()|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, f.protocol())
}

// Family returns the IP version of the socket.
func (s *Socket) Family() Family { return s.family }

// Mode returns the kind of the socket.
func (s *Socket) Mode() Mode { return s.mode }

// ID returns the echo identifier that the socket sends and receives, in host
// order. It is known after Configure.
func (s *Socket) ID() uint16 { return s.id }

// FD returns the file descriptor, for messages that name it.
func (s *Socket) FD() int { return s.fd }

// Close releases the socket. No other call may be under way.
func (s *Socket) Close() error {
	err := unix.Close(s.fd)
	if s.wake >= 0 {
		err = errors.Join(err, unix.Close(s.wake))
	}
	return err
}

// rawSockaddr returns the bytes of the struct sockaddr_in or sockaddr_in6 of a,
// with no port. Made once, it is not made again for each probe.
func rawSockaddr(a netip.Addr, index int) []byte {
	if a.Is4() {
		four := a.As4()
		b := binary.NativeEndian.AppendUint16(make([]byte, 0, sizeofInet4), unix.AF_INET)
		return append(append(append(b, 0, 0), four[:]...), make([]byte, 8)...)
	}
	sixteen := a.As16()
	b := binary.NativeEndian.AppendUint16(make([]byte, 0, sizeofInet6), unix.AF_INET6)
	b = append(append(b, 0, 0, 0, 0, 0, 0), sixteen[:]...) // no port, no flow label
	return binary.NativeEndian.AppendUint32(b, uint32(index))
}

// sockaddr makes the kernel's form of a. A zone becomes the scope by its index.
func sockaddr(a netip.Addr, port int, index int) unix.Sockaddr {
	if a.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: a.As4()}
	}
	return &unix.SockaddrInet6{Port: port, Addr: a.As16(), ZoneId: uint32(index)}
}
