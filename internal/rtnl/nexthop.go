package rtnl

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// NexthopObject is a next hop that routes name by its id (RTM_NEWNEXTHOP, struct nhmsg; kernel 5.3 and later).
type NexthopObject struct {
	ID uint32
	// Gateway is invalid where there is none.
	Gateway netip.Addr
	Oif     int
	// Flags are RTNH_F_*.
	Flags uint32
	// Blackhole: packets are dropped; then Gateway and Oif are empty.
	Blackhole bool
	// Encap is as in Route.
	Encap Encap
	// Group are the members of a group; then all above but ID and Flags is empty. The slice is reused for the next row.
	Group []NexthopMember
	// GroupType is NEXTHOP_GRP_TYPE_*: 0 chooses by a hash, 1 by a table of buckets.
	GroupType uint16
}

// NexthopMember is one next hop of a group (struct nexthop_grp).
type NexthopMember struct {
	ID     uint32
	Weight int // from 1
}

// sizes of linux/nexthop.h
const (
	sizeofNhmsg         = 8
	sizeofNexthopMember = 8
)

// Nexthops lists the nexthop objects of the namespace. A kernel without them answers unix.EOPNOTSUPP.
func (c *Conn) Nexthops() iter.Seq2[*NexthopObject, error] {
	head := func(r *netlink.Request) { r.Fixed(sizeofNhmsg) }
	return list(c, "list nexthop objects", unix.RTM_GETNEXTHOP, head, decodeNexthop)
}

// decodeNexthop reads struct nhmsg and its attributes (net/ipv4/nexthop.c, nh_fill_node).
func decodeNexthop(m netlink.Message, n *NexthopObject) (bool, error) {
	if m.Type != unix.RTM_NEWNEXTHOP {
		return false, nil
	}
	if len(m.Body) < sizeofNhmsg {
		return false, netlink.ErrShortMessage
	}
	*n = NexthopObject{Flags: binary.NativeEndian.Uint32(m.Body[4:]), Group: n.Group[:0]}
	attrs := netlink.ReadAttrs(m.Body[sizeofNhmsg:])
	for attrs.Next() {
		switch attrs.Type() {
		case unix.NHA_ID:
			n.ID = attrs.Uint32()
		case unix.NHA_GATEWAY:
			n.Gateway = attrs.Addr()
		case unix.NHA_OIF:
			n.Oif = int(attrs.Uint32())
		case unix.NHA_BLACKHOLE:
			n.Blackhole = true
		case unix.NHA_ENCAP_TYPE:
			n.Encap.Type = attrs.Uint16()
		case unix.NHA_ENCAP:
			n.Encap.Data = string(attrs.Data())
		case unix.NHA_GROUP:
			n.members(&attrs)
		case unix.NHA_GROUP_TYPE:
			n.GroupType = attrs.Uint16()
		}
	}
	return true, attrs.Err()
}

// members reads an array of struct nexthop_grp: the id, the lower byte of the weight less one, its upper byte (since 6.12).
func (n *NexthopObject) members(a *netlink.Attrs) {
	b := a.Data()
	if len(b)%sizeofNexthopMember != 0 {
		a.Fail()
		return
	}
	for ; len(b) > 0; b = b[sizeofNexthopMember:] {
		weight := int(b[4]) | int(b[5])<<8
		n.Group = append(n.Group, NexthopMember{ID: binary.NativeEndian.Uint32(b), Weight: weight + 1})
	}
}
