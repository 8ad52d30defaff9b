package link

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The hardware addresses of a veth link's two ends, locally administered: nobody resolves them.
const (
	VethKernel = "\x02\x00\x00\x00\x00\x01"
	VethEngine = "\x02\x00\x00\x00\x00\x02"
)

// vethBuffer is what a packet socket asks for as its receive buffer; the machine's net.core.rmem_max may cut it.
const vethBuffer = 8 << 20

// OpenVeth opens the far end of a veth pair, the interface with that index in the network namespace of the calling thread, as a
// packet socket (packet(7)) for the packets of one family: SOCK_DGRAM, so that the kernel puts Ethernet headers on and takes them
// off. The descriptor keeps the namespace.
func OpenVeth(index int, ipv6 bool) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, os.NewSyscallError("packet socket", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, vethBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, vethBuffer) // what is lost for its size is counted
	}
	// A protocol of its own, not ETH_P_ALL, shows what arrives alone and not what we write ourselves.
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: etherType(ipv6), Ifindex: index}); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("bind packet socket", err)
	}
	return fd, nil
}

// Veth returns the device over a descriptor of OpenVeth.
func Veth(fd int) (*Device, error) {
	bound, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	to, ok := bound.(*unix.SockaddrLinklayer)
	if !ok {
		return nil, fmt.Errorf("packet socket: bound to %T", bound)
	}
	to = &unix.SockaddrLinklayer{Protocol: to.Protocol, Ifindex: to.Ifindex, Halen: uint8(len(VethKernel))}
	copy(to.Addr[:], VethKernel)
	return &Device{fd: fd, to: to}, nil
}

// etherType is the protocol number of IPv4 or IPv6 in network order.
func etherType(ipv6 bool) uint16 {
	n := uint16(unix.ETH_P_IP)
	if ipv6 {
		n = unix.ETH_P_IPV6
	}
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}

// Dropped returns how many packets of the kernel found no room in the socket of a veth link; 0 for a TUN interface, whose losses
// the interface counts.
func (d *Device) Dropped() (uint64, error) {
	if d.to == nil {
		return 0, nil
	}
	s, err := unix.GetsockoptTpacketStats(d.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return d.dropped, os.NewSyscallError("getsockopt PACKET_STATISTICS", err)
	}
	d.dropped += uint64(s.Drops)
	return d.dropped, nil
}

// offloads are the switches of ethtool that would have segments leave an interface without a checksum, or several as one
// (include/uapi/linux/ethtool.h). One that is refused leaves the others to do: without checksums the kernel segments by itself.
var offloads = [...]uint32{unix.ETHTOOL_STXCSUM, unix.ETHTOOL_SSG, unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO, unix.ETHTOOL_SGRO}

// Plain switches the offloads of the interface off, in the network namespace of the calling thread. The error is that of the
// checksums' switch: a segment without one is lost to everybody.
func Plain(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	for _, command := range offloads {
		if err := ethtool(fd, name, command, 0); err != nil && command == unix.ETHTOOL_STXCSUM {
			return fmt.Errorf("offloads of %s: %w", name, err)
		}
	}
	return nil
}

// ethtool gives one command of struct ethtool_value.
func ethtool(fd int, name string, command, value uint32) error {
	arg := struct{ command, value uint32 }{command, value}
	// struct ifreq: a name of 16 octets, then a union of 24 of which a pointer is used.
	var req struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [24 - unsafe.Sizeof(uintptr(0))]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	req.data = unsafe.Pointer(&arg)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	runtime.KeepAlive(&arg)
	if errno != 0 {
		return os.NewSyscallError("SIOCETHTOOL", errno)
	}
	return nil
}
