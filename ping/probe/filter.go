package probe

import (
	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// filter keeps other programs' packets away from a raw socket: a ping that
// floods would otherwise wake every other one for each packet. A ping socket
// has no need of it.
func (s *Socket) filter() error {
	if s.mode != Raw {
		return nil
	}
	if s.transport == unix.IPPROTO_TCP {
		return s.attach(filterTCP(s.family, s.ports))
	}
	if s.family == IPv6 {
		// Errors come through the error queue, which no filter touches.
		var types unix.ICMPv6Filter
		for i := range types.Data {
			types.Data[i] = ^uint32(0) // a set bit blocks the type (RFC 3542, section 3.2)
		}
		reply, id := wire.ICMPv6EchoReply, uint32(4)
		if s.nodeInfo {
			reply, id = wire.ICMPv6NodeReply, 8 // the nonce (RFC 4620 4)
		}
		types.Data[reply/32] &^= 1 << (reply % 32)
		if err := unix.SetsockoptICMPv6Filter(s.fd, unix.SOL_ICMPV6, unix.ICMPV6_FILTER, &types); err != nil {
			return s.fail("ICMPV6_FILTER", "", err)
		}
		return s.attach(filter6(reply, id, s.id))
	}
	const solRaw, icmpFilter = 255, 1 // SOL_RAW, ICMP_FILTER (raw(7))
	pass := 1<<wire.ICMPv4EchoReply | 1<<wire.ICMPv4Unreachable | 1<<wire.ICMPv4SourceQuench |
		1<<wire.ICMPv4Redirect | 1<<wire.ICMPv4TimeExceeded | 1<<wire.ICMPv4ParamProblem
	if err := unix.SetsockoptInt(s.fd, solRaw, icmpFilter, int(int32(^uint32(pass)))); err != nil {
		return s.fail("ICMP_FILTER", "", err)
	}
	return s.attach(filter4(s.id))
}

func (s *Socket) attach(program []unix.SockFilter) error {
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &fprog); err != nil {
		return s.fail("SO_ATTACH_FILTER", "", err)
	}
	return nil
}

// Instructions of the classic BPF machine (linux/filter.h).
const (
	ldxHeaderLength = unix.BPF_LDX | unix.BPF_B | unix.BPF_MSH // X = 4*(P[k]&15)
	ldByte          = unix.BPF_LD | unix.BPF_B | unix.BPF_IND  // A = P[X+k]
	ldHalf          = unix.BPF_LD | unix.BPF_H | unix.BPF_IND  // A = P[X+k:2]
	ldByteAbsolute  = unix.BPF_LD | unix.BPF_B | unix.BPF_ABS
	ldHalfAbsolute  = unix.BPF_LD | unix.BPF_H | unix.BPF_ABS
	jumpEqual       = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ret             = unix.BPF_RET | unix.BPF_K
	wholePacket     = 0xffffffff
)

// filter4 passes echo replies with our identifier and every ICMP message that
// quotes an echo request with our identifier. The packet starts at the IPv4
// header; a load beyond its end drops it.
func filter4(id uint16) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: ldxHeaderLength, K: 0},
		{Code: ldByte, K: 0}, // ICMP type
		{Code: jumpEqual, K: uint32(wire.ICMPv4EchoReply), Jt: 0, Jf: 2},
		{Code: ldHalf, K: 4}, // identifier
		{Code: jumpEqual, K: uint32(id), Jt: 8, Jf: 9},
		{Code: ldByte, K: 8}, // first byte of the quoted IPv4 header
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 15},
		{Code: unix.BPF_ALU | unix.BPF_LSH | unix.BPF_K, K: 2},
		{Code: unix.BPF_ALU | unix.BPF_ADD | unix.BPF_X},
		{Code: unix.BPF_MISC | unix.BPF_TAX}, // X = both header lengths
		{Code: ldByte, K: 8},                 // quoted ICMP type
		{Code: jumpEqual, K: uint32(wire.ICMPv4EchoRequest), Jt: 0, Jf: 2},
		{Code: ldHalf, K: 12}, // quoted identifier
		{Code: jumpEqual, K: uint32(id), Jt: 1, Jf: 0},
		{Code: ret, K: 0},
		{Code: ret, K: wholePacket},
	}
}

// filter6 passes replies of a type with our identifier at an offset. The packet
// starts at the ICMPv6 header.
func filter6(reply uint8, at uint32, id uint16) []unix.SockFilter {
	return []unix.SockFilter{
		{Code: ldByteAbsolute, K: 0},
		{Code: jumpEqual, K: uint32(reply), Jt: 0, Jf: 2},
		{Code: ldHalfAbsolute, K: at},
		{Code: jumpEqual, K: uint32(id), Jt: 1, Jf: 0},
		{Code: ret, K: 0},
		{Code: ret, K: wholePacket},
	}
}
