package probe

import (
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// interfaceIndex returns the index of the device of that name
// (SIOCGIFINDEX, netdevice(7)). ENODEV when there is none.
func interfaceIndex(name string) (int, error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, unix.ENODEV // too long to be a name
	}
	err = ioctlDevice(unix.SIOCGIFINDEX, ifr)
	return int(ifr.Uint32()), err
}

// interfaceName returns the name of the device with that index, or the index
// in decimal when the device is gone.
func interfaceName(index int) string {
	ifr, err := unix.NewIfreq("")
	if err != nil {
		return strconv.Itoa(index)
	}
	ifr.SetUint32(uint32(index))
	if err := ioctlDevice(unix.SIOCGIFNAME, ifr); err != nil {
		return strconv.Itoa(index)
	}
	return ifr.Name()
}

// Device returns the name of the device that a zone means: a device's name, or
// its index in decimal.
func Device(zone string) (name string, ok bool) {
	if _, err := interfaceIndex(zone); err == nil {
		return zone, true
	}
	index, err := strconv.Atoi(zone)
	if err != nil || index <= 0 {
		return "", false
	}
	name = interfaceName(index)
	return name, name != zone
}

// OnDevice reports whether a is an address of the named device.
func OnDevice(device string, a netip.Addr) bool {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return false
	}
	addrs, err := dev.Addrs()
	if err != nil {
		return false
	}
	for _, addr := range addrs {
		prefix, err := netip.ParsePrefix(addr.String())
		if err == nil && prefix.Addr().WithZone("") == a.WithZone("") {
			return true
		}
	}
	return false
}

// ioctlDevice asks on a socket of its own: a probe's socket must not see the
// errors of a lookup.
func ioctlDevice(request uint, ifr *unix.Ifreq) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.IoctlIfreq(fd, request, ifr)
}

// addr returns the address in a kernel socket address, with its zone.
func (s *Socket) addr(b []byte) netip.Addr { return s.zoned(parseSockaddr(b)) }

// zoned gives an address its device's name as zone, if it has a scope.
func (s *Socket) zoned(a netip.Addr, scope uint32) netip.Addr {
	if scope == 0 || !a.Is6() {
		return a
	}
	return a.WithZone(s.zone(int(scope)))
}

// addrPort returns the address and port that getsockname(2) gave.
func addrPort(sa unix.Sockaddr) (netip.Addr, int) {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrFrom4(sa.Addr), sa.Port
	case *unix.SockaddrInet6:
		return netip.AddrFrom16(sa.Addr), sa.Port
	}
	return netip.Addr{}, 0
}

// zone returns the name of a device, asked once for each index.
func (s *Socket) zone(index int) string {
	if name, ok := s.names[index]; ok {
		return name
	}
	if s.names == nil {
		s.names = make(map[int]string)
	}
	s.names[index] = interfaceName(index)
	return s.names[index]
}
