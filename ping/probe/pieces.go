package probe

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/wire"
)

// Pieces sends ICMP messages that are fragmented already, as small as one likes. It
// needs CAP_NET_RAW, and it receives nothing.
type Pieces struct {
	fd     int
	family Family
}

// OpenPieces opens a raw socket with headers of our own (IP_HDRINCL, raw(7)).
func OpenPieces(f Family) (*Pieces, error) {
	fd, err := unix.Socket(f.domain(), unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_RAW)
	if err != nil {
		return nil, &SocketError{Op: "socket", Family: f, Mode: Raw, Err: err}
	}
	// What the kernel has learned of the path, rightly or not, is not to refuse them.
	level, option, name := unix.SOL_IP, unix.IP_MTU_DISCOVER, "IP_MTU_DISCOVER"
	if f == IPv6 {
		level, option, name = unix.SOL_IPV6, unix.IPV6_MTU_DISCOVER, "IPV6_MTU_DISCOVER"
	}
	if err := unix.SetsockoptInt(fd, level, option, unix.IP_PMTUDISC_PROBE); err != nil {
		unix.Close(fd)
		return nil, &SocketError{Op: name, Family: f, Mode: Raw, Err: err}
	}
	return &Pieces{fd, f}, nil
}

// Close releases the socket.
func (p *Pieces) Close() error { return unix.Close(p.fd) }

// pieceTTL is the time to live of fragments.
const pieceTTL = 64

// Send sends an ICMP message with its checksum in fragments, each an IP packet of at
// most size bytes. id is the identification that they share, not 0: the kernel
// would choose one for each. The zone of dest is that of its link.
func (p *Pieces) Send(source, dest netip.Addr, id uint16, message []byte, size int) error {
	index := 0
	if zone := dest.Zone(); zone != "" {
		var err error
		if index, err = interfaceIndex(zone); err != nil {
			return err
		}
	}
	source, to := source.WithZone(""), sockaddr(dest, 0, index)
	plan, err := p.plan(len(message), size)
	if err != nil {
		return err
	}
	for i := range plan.Len() {
		piece := plan.At(i)
		packet, err := p.header(source, dest.WithZone(""), id, piece)
		if err != nil {
			return err
		}
		packet = append(packet, message[piece.Offset:piece.Offset+piece.Length]...)
		if err := unix.Sendto(p.fd, packet, 0, to); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pieces) plan(data, size int) (wire.FragmentPlan, error) {
	if p.family == IPv6 {
		return wire.PlanIPv6(data, wire.IPv6Header, size)
	}
	return wire.PlanIPv4(data, wire.IPv4MinHeader, size)
}

// header is what stands in front of a piece: over IPv6 with a Fragment header (RFC
// 8200, section 4.5).
func (p *Pieces) header(source, dest netip.Addr, id uint16, piece wire.Fragment) ([]byte, error) {
	if p.family == IPv4 {
		h := wire.IPv4Fields{ID: id, MF: piece.MF, Offset: piece.Offset, TTL: pieceTTL, Protocol: wire.ProtoICMP, Src: source, Dst: dest}
		return h.Append(nil, piece.Length)
	}
	h := wire.IPv6Fields{NextHeader: wire.ProtoFragment, HopLimit: pieceTTL, Src: source, Dst: dest}
	b, err := h.Append(nil, 8+piece.Length)
	more := uint16(0)
	if piece.MF {
		more = 1
	}
	b = append(b, wire.ProtoICMPv6, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(piece.Offset)|more)
	return binary.BigEndian.AppendUint32(b, uint32(id)), err
}
