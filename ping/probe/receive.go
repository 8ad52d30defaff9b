package probe

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

const (
	// maxPacket holds any IP packet: the length field has 16 bits, and IPv6
	// counts its payload alone.
	maxPacket = 1 << 16
	// maxControl holds the control messages that Configure asked for, several
	// times over.
	maxControl = 512
)

// Receive returns the next message that waits in the socket, nil when there is
// none. It never blocks. A *ParseError is one message that could not be read;
// the next call goes on behind it.
func (s *Socket) Receive() (*Message, error) {
	if s.transmitStamps || s.pending {
		m, err := s.receive(unix.MSG_ERRQUEUE)
		if m != nil || err != nil {
			return m, err
		}
		s.pending = false
	}
	m, err := s.receive(0)
	if m != nil || err == nil {
		return m, err
	}
	if errors.As(err, new(*ParseError)) {
		return nil, err
	}
	// An ICMP error also fails the next call on the socket, once. What it was
	// stands in the error queue, or has been read there already.
	s.pending = true
	if m, err := s.receive(unix.MSG_ERRQUEUE); m != nil || err != nil {
		return m, err
	}
	s.pending = false
	m, err = s.receive(0)
	if errno := unix.Errno(0); errors.As(err, &errno) {
		return nil, nil // another error arrived between the calls; poll reports it
	}
	return m, err
}

// receive calls recvmsg(2) once. Nothing waiting is (nil, nil).
func (s *Socket) receive(flags int) (*Message, error) {
	name := s.name[:]
	headed := flags&unix.MSG_ERRQUEUE == 0 && s.isHeaded()
	if headed {
		name = nil // the packet's own header has it
	}
	n, controlLen, nameLen, errno := recvmsg(s.fd, s.packet, s.control, name, flags)
	if errno == unix.EAGAIN {
		return nil, nil
	}
	if errno != 0 {
		return nil, errno
	}
	c := &s.parsed
	if err := c.parse(s.control[:controlLen]); err != nil {
		return nil, err
	}
	if headed {
		return s.headed(s.packet[:n], c)
	}
	from := s.addr(s.name[:min(nameLen, len(s.name))])
	if flags&unix.MSG_ERRQUEUE != 0 {
		return s.queued(s.packet[:n], c, from)
	}
	return s.received(s.packet[:n], c, from), nil
}

// fill makes the socket's message of what all kinds have.
func (s *Socket) fill(b []byte, c *control) *Message {
	m := &s.message
	*m = Message{}
	m.Data, m.TTL, m.TOS, m.Options, m.Stamp, m.Hardware, m.Drops = b, c.ttl, c.tos, c.options, c.stamp, c.hardware, c.drops
	m.FragmentSize = c.fragment
	if s.checksKept() {
		m.Drops = 0 // not all of them found no room: see Socket.Drops
	}
	return m
}

// received makes the message of a packet without an IP header.
func (s *Socket) received(b []byte, c *control, from netip.Addr) *Message {
	m := s.fill(b, c)
	m.Kind, m.From = Packet, from
	if s.transport == unix.IPPROTO_UDP {
		m.Port = binary.BigEndian.Uint16(s.name[2:])
	}
	return m
}

// isHeaded reports whether packets come with their IP header.
func (s *Socket) isHeaded() bool { return s.mode == Raw && s.family == IPv4 }

// headed makes the message of a packet of a raw IPv4 socket, which comes with
// its header. The kernel has checked it (ip_rcv_core, net/ipv4/ip_input.c); it is
// checked here again.
func (s *Socket) headed(b []byte, c *control) (*Message, error) {
	ip, err := wire.CheckIPv4(b)
	if err != nil {
		return nil, &ParseError{What: "IPv4 packet", Len: len(b), Err: err}
	}
	m := s.received(ip.Payload(), c, ip.Src())
	m.TTL, m.TOS, m.Options = int(ip.TTL()), int(ip.TOS()), ip.Options()
	m.BadChecksum = wire.Checksum(m.Data) != 0
	return m, nil
}

// queued makes the message of an entry of the error queue.
func (s *Socket) queued(b []byte, c *control, from netip.Addr) (*Message, error) {
	if !c.hasErr {
		return nil, &ParseError{What: "error queue entry without sock_extended_err", Len: len(b)}
	}
	m, e := s.fill(b, c), &c.err
	m.From = from
	m.Errno, m.Type, m.Code, m.Info = unix.Errno(e.errno), e.typ, e.code, e.info
	m.Offender = s.zoned(e.offender, e.offenderScope)
	switch e.origin {
	case unix.SO_EE_ORIGIN_ICMP, unix.SO_EE_ORIGIN_ICMP6:
		m.Kind = ICMPError
		if s.transport == unix.IPPROTO_UDP {
			m.Port = binary.BigEndian.Uint16(s.name[2:]) // of struct sockaddr_in and sockaddr_in6
		}
		s.cutExtensions(m, e)
	case unix.SO_EE_ORIGIN_TIMESTAMPING:
		m.Kind, m.StampID, m.Data = TransmitStamp, s.stampBase+e.data, nil
	default:
		m.Kind = LocalError
	}
	return m, nil
}

// Send sends one ICMP message to the destination. A pending ICMP error of an
// earlier probe makes the kernel refuse this one (sock_error in
// sock_alloc_send_pskb): Send does not repeat, because the caller must first
// read what the error was.
func (s *Socket) Send(message []byte) error {
	errno := sendto(s.fd, message, s.dest)
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

// Wait returns when something can be received, when d has passed, or after
// Wake. It may return early. A negative d waits without limit.
func (s *Socket) Wait(d time.Duration) error {
	s.pollFDs[0] = unix.PollFd{Fd: int32(s.fd), Events: unix.POLLIN}
	s.pollFDs[1] = unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN}
	var timeout *unix.Timespec
	if d >= 0 {
		ts := unix.NsecToTimespec(int64(d))
		timeout = &ts
	}
	_, err := unix.Ppoll(s.pollFDs[:], timeout, nil)
	if err != nil && err != unix.EINTR {
		return &SocketError{Op: "ppoll", Family: s.family, Mode: s.mode, Err: err}
	}
	if err == unix.EINTR {
		return nil
	}
	if s.pollFDs[0].Revents&unix.POLLERR != 0 {
		s.pending = true
	}
	if s.pollFDs[1].Revents != 0 {
		var count [8]byte
		_, _ = unix.Read(s.wake, count[:]) // only empties the eventfd
	}
	return nil
}

// Wake makes a Wait under way, or else the next one, return. Any goroutine may
// call it.
func (s *Socket) Wake() {
	one := [8]byte{1} // eventfd(2) adds the number in host order; any but zero wakes
	_, _ = unix.Write(s.wake, one[:])
}
