package probe

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Ports is a range of port numbers, both ends among them.
type Ports struct{ First, Last uint16 }

// OpenUDP opens a UDP socket, for which nobody needs a right. What ICMP says of
// its datagrams comes out of Receive with the quoted data behind the UDP header.
func OpenUDP(f Family) (*Socket, error) {
	fd, err := unix.Socket(f.domain(), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return nil, &SocketError{Op: "socket", Family: f, Mode: Datagram, Err: err}
	}
	return &Socket{fd: fd, wake: -1, family: f, mode: Datagram, transport: unix.IPPROTO_UDP}, nil
}

// OpenTCP opens a raw socket for TCP segments, which needs CAP_NET_RAW. Messages
// start at the TCP header; so do the quotations in ICMP errors. The kernel knows of
// no connection and answers a SYN-ACK with a reset, which ends what the probe
// has begun.
func OpenTCP(f Family) (*Socket, error) {
	fd, err := unix.Socket(f.domain(), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_TCP)
	if err != nil {
		return nil, &SocketError{Op: "socket", Family: f, Mode: Raw, Err: err}
	}
	return &Socket{fd: fd, wake: -1, family: f, mode: Raw, transport: unix.IPPROTO_TCP}, nil
}

// ConfigureUDP is Configure for a UDP socket whose datagrams go to a port.
func (s *Socket) ConfigureUDP(c Config, port uint16) error {
	if err := s.Configure(c); err != nil {
		return err
	}
	s.SetPort(port)
	return nil
}

// ConfigureTCP is Configure for a TCP socket. It receives the segments that come
// to the given ports of ours.
func (s *Socket) ConfigureTCP(c Config, ours Ports) error {
	s.ports = ours
	return s.Configure(c)
}

// SetPort sets the port of the destination, the third and fourth byte of its struct
// sockaddr_in or sockaddr_in6.
func (s *Socket) SetPort(port uint16) { binary.BigEndian.PutUint16(s.dest[2:], port) }

// filterTCP passes segments to a range of ports.
func filterTCP(f Family, ports Ports) []unix.SockFilter {
	load := unix.SockFilter{Code: ldHalfAbsolute, K: 2}
	if f == IPv4 { // the packet starts at the IPv4 header
		load = unix.SockFilter{Code: ldHalf, K: 2}
	}
	const jumpAtLeast, jumpGreater = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	return []unix.SockFilter{
		{Code: ldxHeaderLength, K: 0}, // without effect for IPv6
		load,
		{Code: jumpAtLeast, K: uint32(ports.First), Jt: 0, Jf: 2},
		{Code: jumpGreater, K: uint32(ports.Last), Jt: 1, Jf: 0},
		{Code: ret, K: wholePacket},
		{Code: ret, K: 0},
	}
}
