package rtnl

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Neigh is one entry of the neighbour table, ARP or neighbour discovery
// (RTM_NEWNEIGH, struct ndmsg).
type Neigh struct {
	Index int
	Addr  netip.Addr
	// Hardware is the link layer address, empty while it is unknown.
	Hardware []byte
	// State is NUD_REACHABLE and so on (linux/neighbour.h), a bit set.
	State uint16
	// Flags are NTF_*.
	Flags uint8
}

// Neighbours lists the entries of a family.
func (c *Conn) Neighbours(family uint8) iter.Seq2[*Neigh, error] {
	head := func(r *netlink.Request) { r.Fixed(unix.SizeofNdMsg)[0] = family }
	return list(c, "list neighbours", unix.RTM_GETNEIGH, head, func(m netlink.Message, n *Neigh) (bool, error) {
		return decodeNeigh(m, family, n)
	})
}

// decodeNeigh reads struct ndmsg and its attributes (net/core/neighbour.c,
// neigh_fill_info).
func decodeNeigh(m netlink.Message, family uint8, n *Neigh) (bool, error) {
	if m.Type != unix.RTM_NEWNEIGH {
		return false, nil
	}
	if len(m.Body) < unix.SizeofNdMsg {
		return false, netlink.ErrShortMessage
	}
	if family != unix.AF_UNSPEC && m.Body[0] != family {
		return false, nil
	}
	*n = Neigh{
		Index:    int(int32(binary.NativeEndian.Uint32(m.Body[4:]))),
		State:    binary.NativeEndian.Uint16(m.Body[8:]),
		Flags:    m.Body[10],
		Hardware: n.Hardware[:0],
	}
	attrs := netlink.ReadAttrs(m.Body[unix.SizeofNdMsg:])
	for attrs.Next() {
		switch attrs.Type() {
		case unix.NDA_DST:
			n.Addr = attrs.Addr()
		case unix.NDA_LLADDR:
			n.Hardware = append(n.Hardware, attrs.Data()...)
		}
	}
	return true, attrs.Err()
}

// AddNeigh makes or replaces an entry. A State of 0 means NUD_PERMANENT.
func (c *Conn) AddNeigh(n *Neigh) error {
	r := c.nl.Request(unix.RTM_NEWNEIGH, unix.NLM_F_CREATE|unix.NLM_F_REPLACE)
	b := r.Fixed(unix.SizeofNdMsg)
	b[0] = family(n.Addr)
	binary.NativeEndian.PutUint32(b[4:], uint32(n.Index))
	state := n.State
	if state == 0 {
		state = unix.NUD_PERMANENT
	}
	binary.NativeEndian.PutUint16(b[8:], state)
	b[10] = n.Flags
	r.Addr(unix.NDA_DST, n.Addr)
	if len(n.Hardware) > 0 {
		r.Bytes(unix.NDA_LLADDR, n.Hardware)
	}
	return c.nl.Do("add neighbour "+n.Addr.String(), r)
}
