package rtnl

import (
	"encoding/binary"
	"iter"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Addr is one address of an interface (RTM_NEWADDR, struct ifaddrmsg).
type Addr struct {
	Index int
	// Prefix is the local address and the length of its network.
	Prefix netip.Prefix
	// Peer is the other end of a point-to-point address; invalid if there is none.
	Peer netip.Addr
	// Broadcast is invalid if there is none.
	Broadcast netip.Addr
	// Flags are IFA_F_NODAD and so on (linux/if_addr.h).
	Flags uint32
	// Scope is RT_SCOPE_*.
	Scope uint8
	// Label is the IPv4 alias name ("eth0:1"), text from outside.
	Label string
}

// Addrs lists the addresses of a family; unix.AF_UNSPEC means all.
func (c *Conn) Addrs(family uint8) iter.Seq2[*Addr, error] {
	head := func(r *netlink.Request) { r.Fixed(unix.SizeofIfAddrmsg)[0] = family }
	return list(c, "list addresses", unix.RTM_GETADDR, head, func(m netlink.Message, a *Addr) (bool, error) {
		return decodeAddr(m, family, a)
	})
}

// decodeAddr reads struct ifaddrmsg and its attributes (net/ipv4/devinet.c,
// inet_fill_ifaddr; net/ipv6/addrconf.c, inet6_fill_ifaddr).
func decodeAddr(m netlink.Message, family uint8, a *Addr) (bool, error) {
	if m.Type != unix.RTM_NEWADDR {
		return false, nil
	}
	if len(m.Body) < unix.SizeofIfAddrmsg {
		return false, netlink.ErrShortMessage
	}
	if family != unix.AF_UNSPEC && m.Body[0] != family {
		return false, nil
	}
	bits := int(m.Body[1])
	*a = Addr{Flags: uint32(m.Body[2]), Scope: m.Body[3], Index: int(binary.NativeEndian.Uint32(m.Body[4:]))}
	var address, local netip.Addr
	attrs := netlink.ReadAttrs(m.Body[unix.SizeofIfAddrmsg:])
	for attrs.Next() {
		switch attrs.Type() {
		case unix.IFA_ADDRESS:
			address = attrs.Addr()
		case unix.IFA_LOCAL:
			local = attrs.Addr()
		case unix.IFA_BROADCAST:
			a.Broadcast = attrs.Addr()
		case unix.IFA_LABEL:
			a.Label = attrs.String()
		case unix.IFA_FLAGS:
			a.Flags = attrs.Uint32()
		}
	}
	if !local.IsValid() {
		local = address
	} else if address != local {
		a.Peer = address
	}
	a.Prefix = netip.PrefixFrom(local, bits)
	return true, attrs.Err()
}

// AddAddr gives an interface an address. flags are IFA_F_*: with IFA_F_NODAD an
// IPv6 address can be used at once instead of after a second of duplicate
// address detection.
func (c *Conn) AddAddr(index int, prefix netip.Prefix, flags uint32) error {
	r := c.nl.Request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	ifaddr(r, index, prefix, flags)
	return c.nl.Do("add address "+prefix.String(), r)
}

// AddPeerAddr gives an interface a point-to-point address: local is ours, peer
// the other end's.
func (c *Conn) AddPeerAddr(index int, local, peer netip.Addr, flags uint32) error {
	r := c.nl.Request(unix.RTM_NEWADDR, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	b := r.Fixed(unix.SizeofIfAddrmsg)
	b[0], b[1] = family(local), uint8(local.BitLen())
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	r.Addr(unix.IFA_LOCAL, local)
	r.Addr(unix.IFA_ADDRESS, peer)
	r.Uint32(unix.IFA_FLAGS, flags)
	return c.nl.Do("add address "+local.String(), r)
}

// DelAddr takes an address from an interface.
func (c *Conn) DelAddr(index int, prefix netip.Prefix) error {
	r := c.nl.Request(unix.RTM_DELADDR, 0)
	ifaddr(r, index, prefix, 0)
	return c.nl.Do("delete address "+prefix.String(), r)
}

func ifaddr(r *netlink.Request, index int, prefix netip.Prefix, flags uint32) {
	b := r.Fixed(unix.SizeofIfAddrmsg)
	b[0], b[1] = family(prefix.Addr()), uint8(prefix.Bits())
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	r.Addr(unix.IFA_LOCAL, prefix.Addr())
	r.Addr(unix.IFA_ADDRESS, prefix.Addr())
	if flags != 0 {
		r.Uint32(unix.IFA_FLAGS, flags)
	}
}

// family is AF_INET or AF_INET6, by the address.
func family(addr netip.Addr) uint8 {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
