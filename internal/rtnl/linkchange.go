package rtnl

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// NewLink describes an interface to be made.
type NewLink struct {
	Name string
	// Kind is "veth", "dummy", "bridge" ...
	Kind string
	// MTU is the link's MTU in bytes, 0 for the driver's default. It also holds for a
	// veth's other end.
	MTU uint32
	// Index is the interface index, 0 for the kernel's choice.
	Index int
	// PeerName names the other end of a veth.
	PeerName string
	// PeerIndex is the other end's index; the kernel takes it only beside an
	// Index.
	PeerIndex int
	// PeerNetns is a file descriptor of the network namespace that the other
	// end of a veth is put into; 0 leaves it in this one.
	PeerNetns int
}

// What x/sys lacks.
const (
	vethInfoPeer    = 1 // VETH_INFO_PEER, linux/veth.h
	addrGenModeNone = 1 // IN6_ADDR_GEN_MODE_NONE, linux/if_link.h
)

// AddLink makes an interface. It fails with unix.EEXIST if the name is taken.
func (c *Conn) AddLink(n NewLink) error {
	r := c.nl.Request(unix.RTM_NEWLINK, unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	ifinfo(r, n.Index)
	r.String(unix.IFLA_IFNAME, n.Name)
	if n.MTU != 0 {
		r.Uint32(unix.IFLA_MTU, n.MTU)
	}
	info := r.Open(unix.IFLA_LINKINFO)
	r.String(unix.IFLA_INFO_KIND, n.Kind)
	if n.PeerName != "" {
		addPeer(r, n)
	}
	r.Close(info)
	return c.nl.Do("add link "+n.Name, r)
}

func addPeer(r *netlink.Request, n NewLink) {
	data := r.Open(unix.IFLA_INFO_DATA)
	peer := r.Open(vethInfoPeer)
	head := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(head[4:], uint32(n.PeerIndex))
	r.Append(head...)
	r.String(unix.IFLA_IFNAME, n.PeerName)
	if n.MTU != 0 {
		r.Uint32(unix.IFLA_MTU, n.MTU)
	}
	if n.PeerNetns != 0 {
		r.Uint32(unix.IFLA_NET_NS_FD, uint32(n.PeerNetns))
	}
	r.Close(peer)
	r.Close(data)
}

// LinkChange is a set of changes to one interface; build it with its methods.
type LinkChange struct {
	flags, mask uint32
	attrs       []func(*netlink.Request)
}

// Up switches the interface on.
func (l *LinkChange) Up() *LinkChange { return l.flag(unix.IFF_UP, true) }

// Down switches the interface off.
func (l *LinkChange) Down() *LinkChange { return l.flag(unix.IFF_UP, false) }

// NoARP has the interface speak to its peers without resolving their addresses (IFF_NOARP): no ARP, no neighbour discovery and no
// membership of the groups that these need.
func (l *LinkChange) NoARP() *LinkChange { return l.flag(unix.IFF_NOARP, true) }

func (l *LinkChange) flag(flag uint32, on bool) *LinkChange {
	l.mask |= flag
	l.flags &^= flag
	if on {
		l.flags |= flag
	}
	return l
}

// MTU sets the MTU in bytes.
func (l *LinkChange) MTU(mtu uint32) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.Uint32(unix.IFLA_MTU, mtu) })
}

// Name renames the interface, which must be down on kernels before 6.2.
func (l *LinkChange) Name(name string) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.String(unix.IFLA_IFNAME, name) })
}

// Netns moves the interface to the network namespace that fd refers to.
func (l *LinkChange) Netns(fd int) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.Uint32(unix.IFLA_NET_NS_FD, uint32(fd)) })
}

// TxQueueLen sets the transmit queue's length in packets.
func (l *LinkChange) TxQueueLen(n uint32) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.Uint32(unix.IFLA_TXQLEN, n) })
}

// Hardware sets the link layer address.
func (l *LinkChange) Hardware(addr []byte) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.Bytes(unix.IFLA_ADDRESS, addr) })
}

// Master makes the interface a port of the bridge with that index; 0: of none.
func (l *LinkChange) Master(index int) *LinkChange {
	return l.attr(func(r *netlink.Request) { r.Uint32(unix.IFLA_MASTER, uint32(index)) })
}

// NoLinkLocal keeps IPv6 from making a link-local address when the interface
// comes up (IFLA_INET6_ADDR_GEN_MODE = IN6_ADDR_GEN_MODE_NONE), and with it
// from sending multicast listener reports and duplicate address probes.
func (l *LinkChange) NoLinkLocal() *LinkChange {
	return l.attr(func(r *netlink.Request) {
		spec := r.Open(unix.IFLA_AF_SPEC)
		inet6 := r.Open(unix.AF_INET6)
		r.Uint8(unix.IFLA_INET6_ADDR_GEN_MODE, addrGenModeNone)
		r.Close(inet6)
		r.Close(spec)
	})
}

func (l *LinkChange) attr(add func(*netlink.Request)) *LinkChange {
	l.attrs = append(l.attrs, add)
	return l
}

// SetLink applies change to the interface with that index.
func (c *Conn) SetLink(index int, change *LinkChange) error {
	r := c.nl.Request(unix.RTM_NEWLINK, 0)
	b := ifinfo(r, index)
	binary.NativeEndian.PutUint32(b[8:], change.flags)
	binary.NativeEndian.PutUint32(b[12:], change.mask)
	for _, add := range change.attrs {
		add(r)
	}
	return c.nl.Do("set link", r)
}

// DelLink removes the interface with that index.
func (c *Conn) DelLink(index int) error {
	r := c.nl.Request(unix.RTM_DELLINK, 0)
	ifinfo(r, index)
	return c.nl.Do("delete link", r)
}
