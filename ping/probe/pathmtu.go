package probe

import "golang.org/x/sys/unix"

// RouteMTU returns the MTU by which the kernel cuts what it sends to c.Dest, in
// bytes: that of the device or of the route, or less when a router has named a
// smaller one and the kernel remembers that. It connects a UDP socket and sends
// nothing. Its errors are those of Source.
func RouteMTU(f Family, c Config) (int, error) {
	mtu := 0
	_, err := connected(f, c, func(fd int) (err error) {
		level, name := unix.SOL_IP, unix.IP_MTU
		if f == IPv6 {
			level, name = unix.SOL_IPV6, unix.IPV6_MTU
		}
		mtu, err = unix.GetsockoptInt(fd, level, name)
		return err
	})
	return mtu, err
}

// Header is what the kernel puts into the header of each packet of a socket.
type Header struct {
	TTL, TOS int // hop limit and traffic class in IPv6
	MTU      MTUDiscovery
}

// Header asks the kernel for the values in force. MTU is one of its own modes.
func (s *Socket) Header() (Header, error) {
	level, names := unix.SOL_IP, [...]int{unix.IP_TTL, unix.IP_TOS, unix.IP_MTU_DISCOVER}
	if s.family == IPv6 {
		level, names = unix.SOL_IPV6, [...]int{unix.IPV6_UNICAST_HOPS, unix.IPV6_TCLASS, unix.IPV6_MTU_DISCOVER}
	}
	var values [len(names)]int
	for i, name := range names {
		v, err := unix.GetsockoptInt(s.fd, level, name)
		if err != nil {
			return Header{}, s.fail("getsockopt", "", err)
		}
		values[i] = v
	}
	modes := [...]MTUDiscovery{unix.IP_PMTUDISC_DONT: MTUDont, unix.IP_PMTUDISC_WANT: MTUWant, unix.IP_PMTUDISC_DO: MTUDo,
		unix.IP_PMTUDISC_PROBE: MTUProbe}
	h := Header{TTL: values[0], TOS: values[1]}
	if m := values[2]; m >= 0 && m < len(modes) {
		h.MTU = modes[m]
	}
	return h, nil
}
