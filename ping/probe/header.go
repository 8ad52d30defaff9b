package probe

import "golang.org/x/sys/unix"

// setHeader sets what stands in the header of each probe and is no integer: the
// options of IPv4 and the flow label of IPv6. On a ping socket the options of
// what arrives come as IP_RETOPTS; a raw socket sees the header itself.
func (s *Socket) setHeader(c Config) error {
	if err := s.leaseFlow(c); err != nil || s.family != IPv4 || len(c.Options) == 0 {
		return err
	}
	if err := unix.SetsockoptString(s.fd, unix.SOL_IP, unix.IP_OPTIONS, string(c.Options)); err != nil {
		return s.fail("IP_OPTIONS", "", err)
	}
	if s.mode == Datagram {
		if err := unix.SetsockoptInt(s.fd, unix.SOL_IP, unix.IP_RETOPTS, 1); err != nil {
			return s.fail("IP_RETOPTS", "", err)
		}
	}
	return nil
}

// SetMark sets the mark of all packets of the socket (SO_MARK, socket(7)), by
// which rules choose routes. It needs CAP_NET_ADMIN, or CAP_NET_RAW since Linux
// 5.17. Its error is a *SocketError; the socket works without.
func (s *Socket) SetMark(mark uint32) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_MARK, int(int32(mark))); err != nil {
		return s.fail("SO_MARK", "", err)
	}
	return nil
}
