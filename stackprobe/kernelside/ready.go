package kernelside

import (
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readyWithin is how long a link may take until it is usable: the kernel tells of a carrier on a work queue of its own, at
// most once a second (net/core/link_watch.c).
const readyWithin = 3 * time.Second

// awaitRoute waits until the kernel has a route to peer. Over IPv6 it has none before the interface's carrier was noticed,
// a moment after the interface came up (net/ipv6/addrconf.c, addrconf_notify). To connect a datagram socket asks the
// routing table and sends nothing.
func awaitRoute(peer netip.Addr) error {
	if !peer.Is6() {
		return nil
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	for until := time.Now().Add(readyWithin); ; time.Sleep(time.Millisecond) {
		err := unix.Connect(fd, &unix.SockaddrInet6{Port: 9, Addr: peer.As16()})
		if err == nil || time.Now().After(until) {
			return os.NewSyscallError("connect", err)
		}
	}
}
