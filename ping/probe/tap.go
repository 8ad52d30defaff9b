package probe

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// Tap counts the echo replies that reach this host's interfaces, whether or not
// they reach a Socket: those that a firewall or the reverse path filter of this
// host drops are seen here and nowhere else. It is a packet socket (packet(7))
// with a filter, needs CAP_NET_RAW, and wakes nobody.
type Tap struct{ fd int }

// OpenTap begins to count the replies with an identifier that come from a host;
// an invalid from takes any host.
func OpenTap(f Family, id uint16, from netip.Addr) (*Tap, error) {
	proto, program := uint16(unix.ETH_P_IP), tapFilter4(id, from)
	if f == IPv6 {
		proto, program = unix.ETH_P_IPV6, tapFilter6(id, from)
	}
	// The filter comes first: with protocol 0 the socket is on no interface yet.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, &SocketError{Op: "packet socket", Family: f, Mode: Raw, Err: err}
	}
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
		unix.Close(fd)
		return nil, &SocketError{Op: "SO_ATTACH_FILTER", Family: f, Mode: Raw, Err: err}
	}
	order := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, proto))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: order}); err != nil {
		unix.Close(fd)
		return nil, &SocketError{Op: "bind", Family: f, Mode: Raw, Err: err}
	}
	return &Tap{fd}, nil
}

// Seen returns how many replies have come since the last call, and the name of
// the interface of one of them.
func (t *Tap) Seen() (n int, device string, err error) {
	stats, err := unix.GetsockoptTpacketStats(t.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, "", &SocketError{Op: "PACKET_STATISTICS", Mode: Raw, Err: err}
	}
	var b [1]byte
	if _, from, err := unix.Recvfrom(t.fd, b[:], unix.MSG_TRUNC); err == nil {
		if link, ok := from.(*unix.SockaddrLinklayer); ok {
			device = interfaceName(link.Ifindex)
		}
	}
	return int(stats.Packets), device, nil
}

// Close ends the counting.
func (t *Tap) Close() error { return unix.Close(t.fd) }

// tapFilter4 passes IPv4 echo replies, of which the first fragment does for the
// whole. The packet starts at the IPv4 header; a load beyond its end drops it.
func tapFilter4(id uint16, from netip.Addr) []unix.SockFilter {
	tests := []fieldTest{{ldByteAbsolute, 9, uint32(wire.ProtoICMP)}}
	if from.Is4() {
		a := from.As4()
		tests = append(tests, fieldTest{ldWordAbsolute, 12, binary.BigEndian.Uint32(a[:])})
	}
	program := compile(tests)
	return append(program, compileRest([]fieldTest{{ldByte, 0, uint32(wire.ICMPv4EchoReply)}, {ldHalf, 4, uint32(id)}},
		unix.SockFilter{Code: ldxHeaderLength, K: 0})...)
}

// tapFilter6 passes IPv6 echo replies that no extension header precedes.
func tapFilter6(id uint16, from netip.Addr) []unix.SockFilter {
	tests := []fieldTest{{ldByteAbsolute, 6, uint32(wire.ProtoICMPv6)}}
	if from.Is6() {
		a := from.As16()
		for i := 0; i < 16; i += 4 {
			tests = append(tests, fieldTest{ldWordAbsolute, uint32(8 + i), binary.BigEndian.Uint32(a[i:])})
		}
	}
	return append(compile(tests), compileRest([]fieldTest{{ldByteAbsolute, wire.IPv6Header, uint32(wire.ICMPv6EchoReply)},
		{ldHalfAbsolute, wire.IPv6Header + 4, uint32(id)}})...)
}

const ldWordAbsolute = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS

// fieldTest is a field of a packet and the value that it must have.
type fieldTest struct {
	load      uint16
	at, value uint32
}

// compile turns tests into instructions that drop a packet at the first one that
// fails, and else go on behind them.
func compile(tests []fieldTest) (program []unix.SockFilter) {
	for _, f := range tests {
		program = append(program, unix.SockFilter{Code: f.load, K: f.at},
			unix.SockFilter{Code: jumpEqual, K: f.value, Jt: 1}, unix.SockFilter{Code: ret, K: 0})
	}
	return program
}

// compileRest puts instructions in front of the last tests of a program, and
// after them lets a byte of the packet pass: nobody reads it.
func compileRest(tests []fieldTest, before ...unix.SockFilter) []unix.SockFilter {
	return append(append(before, compile(tests)...), unix.SockFilter{Code: ret, K: 1})
}
