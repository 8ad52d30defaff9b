package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Any is the name for all devices at once.
const Any = "any"

// The sizes of the ring that the kernel fills.
const (
	DefaultRing = 16 << 20
	MinRing     = 2 * blockSize
	MaxRing     = 1 << 30
	blockSize   = 1 << 18
	// blockWait is how long a block may wait for more packets before it is handed over, in milliseconds: what somebody who watches
	// does not notice.
	blockWait = 20
)

// LiveConfig says what is captured.
type LiveConfig struct {
	// Device is the name of a device of the calling thread's network namespace, or Any.
	Device string
	Filter *Filter // nil for all packets
	// Snap is how many octets are held of a packet, its link's header included; 0 for all.
	Snap int
	// Promiscuous asks the device for packets to others too; not with Any.
	Promiscuous bool
	// Ring is how many octets the kernel holds until they are read, 0 for DefaultRing.
	Ring int
}

// Live captures from a device through a ring that the kernel fills (packet(7), TPACKET_V3). Its methods must not be called at the
// same time.
type Live struct {
	fd                int
	ring              []byte
	block             int // the next one to be read
	iface             Interface
	link              LinkType
	mtu               int
	number            int
	received, dropped uint64
	packet            Packet
	buf               []byte // of packets that are not in the ring as they are handed on
}

// LiveError is a capture that cannot begin or go on.
type LiveError struct {
	Device, Op string
	Err        error
}

// Error names the device and what failed.
func (e *LiveError) Error() string { return fmt.Sprintf("%s: %s: %v", e.Device, e.Op, e.Err) }

// Unwrap returns the kernel's error.
func (e *LiveError) Unwrap() error { return e.Err }

// OpenLive begins to capture. The filter is there before the first packet is. The error is a *LiveError, or a *LongError of the
// filter. The caller closes it.
func OpenLive(c *LiveConfig) (*Live, error) {
	l := &Live{fd: -1, iface: Interface{Name: c.Device, Snap: uint32(c.Snap)}}
	err := l.open(c)
	if err != nil {
		_ = l.Close()
		if _, long := errors.AsType[*LongError](err); !long {
			if call, ok := errors.AsType[*os.SyscallError](err); ok {
				return nil, &LiveError{c.Device, call.Syscall, call.Err}
			}
			return nil, &LiveError{c.Device, "capture", err}
		}
		return nil, err
	}
	return l, nil
}

func (l *Live) open(c *LiveConfig) error {
	index, sort, err := l.device(c.Device)
	if err != nil {
		return err
	}
	// Protocol 0 until everything is set: no packet comes.
	if l.fd, err = unix.Socket(unix.AF_PACKET, sort|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
		return os.NewSyscallError("packet socket", err)
	}
	if err := l.attach(c); err != nil {
		return err
	}
	if err := l.makeRing(c.Ring); err != nil {
		return err
	}
	if err := unix.Bind(l.fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if c.Promiscuous && index != 0 {
		m := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(l.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return os.NewSyscallError("promiscuous mode", err)
		}
	}
	return nil
}

// device finds the device and says what its packets begin with and which sort of socket shows them.
func (l *Live) device(name string) (index, sort int, err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if l.link = LinuxSL2; name == Any {
		l.iface.Link = l.link
		return 0, unix.SOCK_DGRAM, nil
	}
	hardware, err := l.describe(fd, name)
	if err != nil {
		return 0, 0, err
	}
	sort = unix.SOCK_RAW
	switch hardware {
	case unix.ARPHRD_ETHER, unix.ARPHRD_LOOPBACK:
		l.link = Ethernet
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP:
		l.link = Raw
	default:
		sort = unix.SOCK_DGRAM
	}
	l.iface.Link = l.link
	ifr, _ := unix.NewIfreq(name)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		return 0, 0, os.NewSyscallError("SIOCGIFINDEX", err)
	}
	return int(ifr.Uint32()), sort, nil
}

// describe reads the type of the device's hardware and its MTU.
func (l *Live) describe(fd int, name string) (hardware uint16, err error) {
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return 0, unix.ENODEV
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFHWADDR, ifr); err != nil {
		return 0, os.NewSyscallError("look up", err)
	}
	hardware = ifr.Uint16()
	if ifr, _ = unix.NewIfreq(name); unix.IoctlIfreq(fd, unix.SIOCGIFMTU, ifr) == nil {
		l.mtu = int(ifr.Uint32())
	}
	return hardware, nil
}

// attach gives the socket its filter, which cuts packets to their length too.
func (l *Live) attach(c *LiveConfig) error {
	snap := uint32(math.MaxInt32)
	switch {
	case c.Snap > 0 && l.link == LinuxSL2:
		snap = uint32(max(c.Snap-sl2Header, 1))
	case c.Snap > 0:
		snap = uint32(c.Snap)
	}
	f := c.Filter
	if f == nil {
		f = &Filter{}
	}
	list, err := f.Program(l.link, snap)
	if err != nil {
		return err
	}
	raw, err := bpf.Assemble(list)
	if err != nil {
		return err
	}
	program := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		program[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	return os.NewSyscallError("SO_ATTACH_FILTER", unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER,
		&unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}))
}

// makeRing has the kernel make the ring, and maps it.
func (l *Live) makeRing(size int) error {
	if size == 0 {
		size = DefaultRing
	}
	size = min(max(size, MinRing), MaxRing)
	if err := unix.SetsockoptInt(l.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return os.NewSyscallError("PACKET_VERSION", err)
	}
	// Frames have the sizes of their packets in version 3; Frame_size and Frame_nr must agree with the blocks all the same.
	const frame = 1 << 11
	blocks := size / blockSize
	req := unix.TpacketReq3{Block_size: blockSize, Block_nr: uint32(blocks), Frame_size: frame, Frame_nr: uint32(blocks * (blockSize / frame)), Retire_blk_tov: blockWait}
	if err := unix.SetsockoptTpacketReq3(l.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return os.NewSyscallError("PACKET_RX_RING", err)
	}
	var err error
	l.ring, err = unix.Mmap(l.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return os.NewSyscallError("mmap", err)
}

// Interface is the device as a capture's file describes it. Nobody changes it.
func (l *Live) Interface() *Interface { return &l.iface }

// MTU is that of the device, 0 if it is not known.
func (l *Live) MTU() int { return l.mtu }

// Wait waits for packets, at most that long. An interrupted wait ends early.
func (l *Live) Wait(d time.Duration) error {
	fds := []unix.PollFd{{Fd: int32(l.fd), Events: unix.POLLIN | unix.POLLERR}}
	if _, err := unix.Poll(fds, int(d.Milliseconds())); err != nil && err != unix.EINTR {
		return &LiveError{l.iface.Name, "poll", err}
	}
	if fds[0].Revents&unix.POLLERR != 0 {
		if errno, err := unix.GetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && errno != 0 {
			return &LiveError{l.iface.Name, "capture", unix.Errno(errno)}
		}
	}
	return nil
}

// Statistics returns how many packets the filter has let through so far and how many of them found no room in the ring
// (PACKET_STATISTICS, whose counters begin anew at each call; net/packet/af_packet.c, packet_getsockopt).
func (l *Live) Statistics() (received, dropped uint64, err error) {
	s, err := unix.GetsockoptTpacketStatsV3(l.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return l.received, l.dropped, &LiveError{l.iface.Name, "PACKET_STATISTICS", err}
	}
	l.received += uint64(s.Packets)
	l.dropped += uint64(s.Drops)
	return l.received, l.dropped, nil
}

// Stop has no further packets come; those in the ring can still be read.
func (l *Live) Stop() error {
	f := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K} // of 0 octets
	return os.NewSyscallError("SO_ATTACH_FILTER", unix.SetsockoptSockFprog(l.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &f}))
}

// Close ends the capture. Packets that it has yielded are no longer valid.
func (l *Live) Close() error {
	var all []error
	if l.ring != nil {
		all = append(all, unix.Munmap(l.ring))
		l.ring = nil
	}
	if l.fd >= 0 {
		all = append(all, unix.Close(l.fd))
		l.fd = -1
	}
	return errors.Join(all...)
}

// htons puts a protocol's number into network order.
func htons(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return *(*uint16)(unsafe.Pointer(&b))
}
