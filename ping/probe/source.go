package probe

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// discardPort is the port of the connect below. Nothing is ever sent to it;
// iputils uses the same.
const discardPort = 1025

// Source returns the address from which the kernel would send to c.Dest: it
// connects a UDP socket, which looks up the route and sends nothing. Its errors
// are the reasons why no probe could leave, as *SocketError with Op "connect"
// (ENETUNREACH: no route; EACCES: a broadcast address without c.Broadcast, or a
// route of type prohibit), "bind" (c.Source is not ours) or "SO_BINDTODEVICE".
func Source(f Family, c Config) (netip.Addr, error) { return connected(f, c, nil) }

// connected makes the socket of Source, and calls ask, if there is one, with it.
func connected(f Family, c Config, ask func(fd int) error) (netip.Addr, error) {
	fail := func(op, device string, err error) (netip.Addr, error) {
		return netip.Addr{}, &SocketError{Op: op, Device: device, Family: f, Mode: Datagram, Err: err}
	}
	fd, err := unix.Socket(f.domain(), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fail("socket", "", err)
	}
	defer unix.Close(fd)
	index := 0
	if device := deviceOf(c); device != "" {
		// This socket may be bound to the device: it never receives.
		if err := unix.BindToDevice(fd, device); err != nil {
			return fail("SO_BINDTODEVICE", device, err)
		}
		if index, err = interfaceIndex(device); err != nil {
			return fail("SIOCGIFINDEX", device, err)
		}
	}
	if op, err := sourceOptions(fd, c); err != nil {
		return fail(op, "", err)
	}
	if c.Source.IsValid() {
		if err := unix.Bind(fd, sockaddr(c.Source, 0, scope(c.Source, index))); err != nil {
			return fail("bind", "", err)
		}
	}
	if err := unix.Connect(fd, sockaddr(c.Dest, discardPort, scope(c.Dest, index))); err != nil {
		return fail("connect", "", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return fail("getsockname", "", err)
	}
	if ask != nil {
		if err := ask(fd); err != nil {
			return fail("getsockopt", "", err)
		}
	}
	a, _ := addrPort(name)
	return a, nil
}

// sourceOptions sets what takes part in the choice of the route.
func sourceOptions(fd int, c Config) (op string, err error) {
	if c.Broadcast {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1); err != nil {
			return "SO_BROADCAST", err
		}
	}
	if c.DontRoute {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DONTROUTE, 1); err != nil {
			return "SO_DONTROUTE", err
		}
	}
	if c.Mark != 0 {
		// Without the right it has no part in the choice, as in the probes.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, int(int32(c.Mark)))
	}
	if c.TOS < 0 {
		return "", nil
	}
	if c.Dest.Is4() {
		return "IP_TOS", unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_TOS, c.TOS)
	}
	return "IPV6_TCLASS", unix.SetsockoptInt(fd, unix.SOL_IPV6, unix.IPV6_TCLASS, c.TOS)
}
