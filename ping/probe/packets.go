package probe

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// Packets shows the ICMP packets between this host and another as they are on the
// wire of one device, each fragment by itself: what a Socket hands to the kernel
// and gets from it is whole. It is a packet socket (packet(7)) with a filter, and
// needs CAP_NET_RAW.
type Packets struct {
	fd, wake int
	loopback bool
	drops    int
	buf      [packetSnap]byte
	oob      [128]byte
	out      WirePacket
}

// packetSnap is how much of a packet is read: its header, and that of a packet
// that it quotes, with all options.
const packetSnap = 256

// packetsBuffer is the receive buffer that is asked for: a burst of datagrams of
// 64 kB in small fragments has to wait in it.
const packetsBuffer = 4 << 20

// WirePacket is one packet as a device saw it.
type WirePacket struct {
	At time.Time
	// Data are its first bytes, from the IP header on, Length how many there were.
	Data   []byte
	Length int
	// Outgoing: it left this host. On the loopback device each packet is shown once,
	// as it comes back in.
	Outgoing bool
}

// OpenPackets begins to receive from the device of that index. What comes is ICMP,
// or a fragment of IPv6, to one of the two addresses, or with an unspecified us
// to any. The error is a *SocketError.
func OpenPackets(f Family, device int, us, them netip.Addr) (*Packets, error) {
	fail := func(op string, err error) (*Packets, error) {
		return nil, &SocketError{Op: op, Family: f, Mode: Raw, Err: err}
	}
	// The filter comes first: with protocol 0 the socket is on no device yet.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fail("packet socket", err)
	}
	p := &Packets{fd: fd, wake: -1, loopback: interfaceName(device) == "lo"}
	program := packetsFilter(f, us, them)
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
		p.Close()
		return fail("SO_ATTACH_FILTER", err)
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, packetsBuffer) != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, packetsBuffer) // as much as the host allows
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		p.Close()
		return fail("SO_TIMESTAMPNS", err)
	}
	if p.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		p.Close()
		return fail("eventfd", err)
	}
	// Packets that leave are shown to ETH_P_ALL alone (net/core/dev.c, dev_queue_xmit_nit).
	all := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: device}); err != nil {
		p.Close()
		return fail("bind", err)
	}
	return p, nil
}

// Next returns the next packet that waits, nil when there is none. It never
// blocks. What it returns is valid until the next call.
func (p *Packets) Next() (*WirePacket, error) {
	for {
		n, oobn, _, from, err := unix.Recvmsg(p.fd, p.buf[:], p.oob[:], unix.MSG_TRUNC|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			return nil, nil
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, &SocketError{Op: "recvmsg", Mode: Raw, Err: err}
		}
		link, _ := from.(*unix.SockaddrLinklayer)
		if outgoing := link != nil && link.Pkttype == unix.PACKET_OUTGOING; !outgoing || !p.loopback {
			p.out = WirePacket{At: arrival(p.oob[:oobn]), Data: p.buf[:min(n, len(p.buf))], Length: n, Outgoing: outgoing}
			return &p.out, nil
		}
	}
}

// arrival returns the kernel's stamp, the time of day without one.
func arrival(oob []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			return time.Unix(int64(binary.NativeEndian.Uint64(m.Data)), int64(binary.NativeEndian.Uint64(m.Data[8:])))
		}
	}
	return time.Now()
}

// Wait blocks until a packet waits, and reports false after Wake.
func (p *Packets) Wait() (bool, error) {
	fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}, {Fd: int32(p.wake), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return false, &SocketError{Op: "poll", Mode: Raw, Err: err}
		}
		return fds[1].Revents == 0, nil
	}
}

// Wake ends Wait, also one that begins later. Any goroutine may call it.
func (p *Packets) Wake() {
	_, _ = unix.Write(p.wake, binary.NativeEndian.AppendUint64(nil, 1))
}

// Drops returns how many packets have found no room in the socket since it was
// opened.
func (p *Packets) Drops() (int, error) {
	stats, err := unix.GetsockoptTpacketStats(p.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return p.drops, &SocketError{Op: "PACKET_STATISTICS", Mode: Raw, Err: err}
	}
	p.drops += int(stats.Drops) // the kernel begins anew at each call
	return p.drops, nil
}

// Close ends it. No other call may be under way.
func (p *Packets) Close() {
	if p.wake >= 0 {
		unix.Close(p.wake)
	}
	unix.Close(p.fd)
}

// packetsFilter passes what OpenPackets says.
func packetsFilter(f Family, us, them netip.Addr) []unix.SockFilter {
	ethertype, next, to := uint32(unix.ETH_P_IP), uint32(9), uint32(16)
	protocols := []uint32{uint32(wire.ProtoICMP)}
	if f == IPv6 {
		ethertype, next, to = unix.ETH_P_IPV6, 6, 24
		protocols = []uint32{uint32(wire.ProtoICMPv6), uint32(wire.ProtoFragment)}
	}
	drop := unix.SockFilter{Code: ret, K: 0}
	program := []unix.SockFilter{{Code: ldHalfAbsolute, K: protocolOffset}, {Code: jumpEqual, K: ethertype, Jt: 1}, drop,
		{Code: ldByteAbsolute, K: next}}
	for i, p := range protocols {
		// Behind the last of them is the drop, which the others step over.
		program = append(program, unix.SockFilter{Code: jumpEqual, K: p, Jt: uint8(len(protocols) - i)})
	}
	program = append(program, drop)
	pass := unix.SockFilter{Code: ret, K: 1<<18 - 1}
	if !us.IsValid() || us.IsUnspecified() {
		return append(program, pass)
	}
	for _, a := range []netip.Addr{us, them} {
		program = append(program, addressTest(a, to, pass)...)
	}
	return append(program, drop)
}

// protocolOffset is where a filter finds the packet's Ethernet type
// (linux/filter.h, SKF_AD_OFF + SKF_AD_PROTOCOL).
const protocolOffset = 0xfffff000

// addressTest goes to pass when the address at an offset is a, and else on behind
// it.
func addressTest(a netip.Addr, at uint32, pass unix.SockFilter) (program []unix.SockFilter) {
	b := a.AsSlice()
	for i := 0; i < len(b); i += 4 {
		// The rest of the words, two instructions each, and pass.
		beyond := uint8((len(b)-i)/4*2 - 1)
		program = append(program, unix.SockFilter{Code: ldWordAbsolute, K: at + uint32(i)},
			unix.SockFilter{Code: jumpEqual, K: binary.BigEndian.Uint32(b[i:]), Jf: beyond})
	}
	return append(program, pass)
}
