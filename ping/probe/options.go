package probe

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Config is what a socket needs to know before the first probe.
type Config struct {
	// Dest is where probes go. A zone must be an interface name.
	Dest netip.Addr
	// Source is the address to send from; the zero Addr lets the kernel choose.
	Source netip.Addr
	// Device is the interface to send through; empty lets the kernel choose.
	// It is set with IP_UNICAST_IF and not with SO_BINDTODEVICE: that would hide
	// the errors of our own host, which come back through the loopback device.
	Device string
	// ID is the echo identifier. A ping socket gets it by bind(2); zero lets the
	// kernel choose there. A raw socket uses it as it is.
	ID uint16
	// TTL and TOS are set when they are not negative; -1 leaves them as the host's
	// configuration makes them. IPv4 has no TTL of 0.
	TTL, TOS int
	MTU      MTUDiscovery
	// Options are the options of each probe's IPv4 header, as on the wire and at
	// most 40 bytes; IPv6 has none.
	Options []byte
	// Flow asks for a flow label in each probe's IPv6 header, for FlowLabel or, if
	// that is 0, for one of the kernel's choice: see Socket.FlowLabel.
	Flow      bool
	FlowLabel uint32
	// Mark takes part in the choice of the source address; Socket.SetMark sets
	// that of the probes. 0 is what sockets have without it.
	Mark uint32
	// Connect restricts the socket to answers of Dest, by connect(2).
	Connect bool
	// NodeInfo passes replies to node information queries (RFC 4620) with ID as
	// the first two bytes of their nonce, in place of echo replies. Only raw
	// sockets of IPv6 can send such queries.
	NodeInfo bool
	// Broadcast allows broadcast destinations, DontRoute bypasses gateways,
	// NoLoop keeps multicast probes from coming back.
	Broadcast, DontRoute, NoLoop bool
	// Debug sets SO_DEBUG.
	Debug bool
	// TransmitStamps asks for a stamp of each packet at the moment when the
	// kernel hands it to the device. It costs one system call for each probe.
	TransmitStamps bool
	// SendBuffer and ReceiveBuffer are sizes in bytes, 0 for the host's default.
	SendBuffer, ReceiveBuffer int
}

// option is one setsockopt with an integer; name is the name in SocketError.
type option struct {
	level, opt, value int
	name              string
}

// Configure binds the socket, sets its options and filters. Errors are
// *SocketError with the option's name as Op.
func (s *Socket) Configure(c Config) error {
	index := 0
	if device := deviceOf(c); device != "" {
		i, err := interfaceIndex(device)
		if err != nil {
			return s.fail("SIOCGIFINDEX", device, err)
		}
		index = i
	}
	s.dest = rawSockaddr(c.Dest, index)
	if err := s.bind(c, index); err != nil {
		return err
	}
	options := append(s.baseOptions(c), s.familyOptions(c, index)...)
	for _, o := range options {
		if err := unix.SetsockoptInt(s.fd, o.level, o.opt, o.value); err != nil {
			return s.fail(o.name, "", err)
		}
	}
	if s.family == IPv4 && index != 0 {
		request := unix.IPMreqn{Ifindex: int32(index)}
		if err := unix.SetsockoptIPMreqn(s.fd, unix.SOL_IP, unix.IP_MULTICAST_IF, &request); err != nil {
			return s.fail("IP_MULTICAST_IF", c.Device, err)
		}
	}
	if err := s.setHeader(c); err != nil {
		return err
	}
	if c.Connect {
		if err := s.connect(); err != nil {
			return s.fail("connect", "", err)
		}
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return s.fail("eventfd", "", err)
	}
	s.wake = wake
	s.nodeInfo = c.NodeInfo
	if err := s.setStamps(c.TransmitStamps); err != nil {
		return s.fail("SO_TIMESTAMPING", "", err)
	}
	if s.checksKept() {
		s.checksumBase, s.checksumKnown = checksumErrors()
	}
	s.packet = make([]byte, maxPacket)
	s.control = make([]byte, maxControl)
	return s.filter()
}

// deviceOf returns the device that a destination's zone or the caller names.
func deviceOf(c Config) string {
	if zone := c.Dest.Zone(); zone != "" {
		return zone
	}
	return c.Device
}

func (s *Socket) fail(op, device string, err error) error {
	return &SocketError{Op: op, Device: device, Family: s.family, Mode: s.mode, Err: err}
}

// bind fixes the source address and, on a ping socket, the identifier, which is
// its port (ping_get_port, net/ipv4/ping.c).
func (s *Socket) bind(c Config, index int) error {
	s.id = c.ID
	source := c.Source
	if !source.IsValid() {
		if s.mode == Raw {
			return nil
		}
		source = netip.IPv4Unspecified()
		if s.family == IPv6 {
			source = netip.IPv6Unspecified()
		}
	}
	port := 0
	if s.mode == Datagram {
		port = int(c.ID)
	}
	if err := unix.Bind(s.fd, sockaddr(source, port, scope(source, index))); err != nil {
		return s.fail("bind", "", err)
	}
	if s.mode == Raw {
		return nil
	}
	name, err := unix.Getsockname(s.fd)
	if err != nil {
		return s.fail("getsockname", "", err)
	}
	_, port = addrPort(name)
	s.id = uint16(port)
	return nil
}

// scope returns the index only where the kernel wants one.
func scope(a netip.Addr, index int) int {
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		return index
	}
	return 0
}

// baseOptions are the options of SOL_SOCKET.
func (s *Socket) baseOptions(c Config) []option {
	options := []option{
		{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1, "SO_RXQ_OVFL"},
	}
	if c.Broadcast {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_BROADCAST, 1, "SO_BROADCAST"})
	}
	if c.DontRoute {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_DONTROUTE, 1, "SO_DONTROUTE"})
	}
	if c.Debug {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_DEBUG, 1, "SO_DEBUG"})
	}
	if c.SendBuffer > 0 {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_SNDBUF, c.SendBuffer, "SO_SNDBUF"})
	}
	if c.ReceiveBuffer > 0 {
		options = append(options, option{unix.SOL_SOCKET, unix.SO_RCVBUF, c.ReceiveBuffer, "SO_RCVBUF"})
	}
	return options
}

func (s *Socket) familyOptions(c Config, index int) []option {
	if s.family == IPv6 {
		return ipv6Options(c, index)
	}
	return s.ipv4Options(c, index)
}

func (s *Socket) ipv4Options(c Config, index int) []option {
	const level = unix.SOL_IP
	options := []option{{level, unix.IP_RECVERR, 1, "IP_RECVERR"}}
	if s.mode == Datagram {
		options = append(options,
			option{level, unix.IP_RECVTTL, 1, "IP_RECVTTL"},
			option{level, unix.IP_RECVTOS, 1, "IP_RECVTOS"})
	}
	if v, ok := c.MTU.value(); ok {
		options = append(options, option{level, unix.IP_MTU_DISCOVER, v, "IP_MTU_DISCOVER"})
	}
	if c.TTL >= 0 {
		options = append(options,
			option{level, unix.IP_MULTICAST_TTL, c.TTL, "IP_MULTICAST_TTL"},
			option{level, unix.IP_TTL, c.TTL, "IP_TTL"})
	}
	if c.TOS >= 0 {
		options = append(options, option{level, unix.IP_TOS, c.TOS, "IP_TOS"})
	}
	if c.NoLoop {
		options = append(options, option{level, unix.IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP"})
	}
	if index != 0 {
		options = append(options, option{level, unix.IP_UNICAST_IF, networkOrder(index), "IP_UNICAST_IF"})
	}
	return options
}

func ipv6Options(c Config, index int) []option {
	const level = unix.SOL_IPV6
	options := []option{
		{level, unix.IPV6_RECVERR, 1, "IPV6_RECVERR"},
		{level, unix.IPV6_RECVHOPLIMIT, 1, "IPV6_RECVHOPLIMIT"},
		{level, unix.IPV6_RECVTCLASS, 1, "IPV6_RECVTCLASS"},
	}
	if v, ok := c.MTU.value(); ok {
		options = append(options, option{level, unix.IPV6_MTU_DISCOVER, v, "IPV6_MTU_DISCOVER"})
	}
	if c.TTL >= 0 {
		options = append(options,
			option{level, unix.IPV6_MULTICAST_HOPS, c.TTL, "IPV6_MULTICAST_HOPS"},
			option{level, unix.IPV6_UNICAST_HOPS, c.TTL, "IPV6_UNICAST_HOPS"})
	}
	if c.TOS >= 0 {
		options = append(options, option{level, unix.IPV6_TCLASS, c.TOS, "IPV6_TCLASS"})
	}
	if c.NoLoop {
		options = append(options, option{level, unix.IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP"})
	}
	if index != 0 {
		options = append(options,
			option{level, unix.IPV6_UNICAST_IF, networkOrder(index), "IPV6_UNICAST_IF"},
			option{level, unix.IPV6_MULTICAST_IF, index, "IPV6_MULTICAST_IF"})
	}
	return options
}

// networkOrder returns n as IP_UNICAST_IF wants it: a 32-bit integer whose
// bytes stand in network order.
func networkOrder(n int) int {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	return int(int32(binary.NativeEndian.Uint32(b[:])))
}
