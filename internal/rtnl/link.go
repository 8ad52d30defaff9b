package rtnl

import (
	"encoding/binary"
	"errors"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// Link is one network interface (RTM_NEWLINK, struct ifinfomsg).
type Link struct {
	Index int
	// Name is text from outside: the kernel takes any byte but '/', ':', white
	// space and NUL.
	Name string
	// ARPType is the hardware type, ARPHRD_ETHER and so on (linux/if_arp.h).
	ARPType uint16
	// Flags are IFF_UP and so on (linux/if.h).
	Flags uint32
	MTU   uint32
	// Master is the index of the bridge or VRF above, 0 if none.
	Master int
	// Peer is IFLA_LINK: the index of a veth's other end (in the namespace
	// that PeerNetns names) or of the device below a VLAN; 0 if none.
	Peer int
	// TxQueueLen is in packets.
	TxQueueLen uint32
	// OperState is IF_OPER_* (RFC 2863, linux/if.h).
	OperState uint8
	// Kind is the driver's name for virtual links ("veth", "dummy", "tun"), "" otherwise.
	Kind string
	// VRFTable is the routing table of a VRF device (IFLA_VRF_TABLE), 0 for all others.
	VRFTable uint32
	// Hardware is the link layer address, empty if there is none.
	Hardware []byte
	// Map is what of the host the device occupies; zero for virtual links.
	Map LinkMap
}

// LinkMap is what of the host a device occupies (struct rtnl_link_ifmap,
// linux/if_link.h).
type LinkMap struct {
	MemStart, MemEnd, BaseAddr uint64
	IRQ                        uint16
	DMA, Port                  uint8
}

// Up reports whether the interface is switched on (IFF_UP).
func (l *Link) Up() bool { return l.Flags&unix.IFF_UP != 0 }

// Links lists the interfaces.
func (c *Conn) Links() iter.Seq2[*Link, error] {
	head := func(r *netlink.Request) { r.Fixed(unix.SizeofIfInfomsg) }
	return list(c, "list links", unix.RTM_GETLINK, head, decodeLink)
}

// LinkByName returns the interface of that name, or an error that is
// unix.ENODEV.
func (c *Conn) LinkByName(name string) (*Link, error) {
	r := c.nl.Request(unix.RTM_GETLINK, 0)
	r.Fixed(unix.SizeofIfInfomsg)
	r.String(unix.IFLA_IFNAME, name)
	return c.oneLink("get link "+name, r)
}

// LinkByIndex returns the interface with that index, or an error that is
// unix.ENODEV.
func (c *Conn) LinkByIndex(index int) (*Link, error) {
	r := c.nl.Request(unix.RTM_GETLINK, 0)
	ifinfo(r, index)
	return c.oneLink("get link", r)
}

func (c *Conn) oneLink(op string, r *netlink.Request) (*Link, error) {
	link := new(Link)
	err := c.nl.Get(op, r, func(m netlink.Message) error {
		_, err := decodeLink(m, link)
		return err
	})
	if err != nil {
		return nil, err
	}
	return link, nil
}

// Names maps interface index to name, read anew at each call by one dump. An
// interface that comes or goes meanwhile is in it or not.
func (c *Conn) Names() (map[int]string, error) {
	names := make(map[int]string)
	for link, err := range c.Links() {
		if errors.Is(err, netlink.ErrInterrupted) {
			break
		}
		if err != nil {
			return nil, err
		}
		names[link.Index] = link.Name
	}
	return names, nil
}

// ifinfo appends a struct ifinfomsg with the index.
func ifinfo(r *netlink.Request, index int) []byte {
	b := r.Fixed(unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	return b
}

// decodeLink reads struct ifinfomsg and its attributes
// (net/core/rtnetlink.c, rtnl_fill_ifinfo).
func decodeLink(m netlink.Message, l *Link) (bool, error) {
	if m.Type != unix.RTM_NEWLINK {
		return false, nil
	}
	if len(m.Body) < unix.SizeofIfInfomsg {
		return false, netlink.ErrShortMessage
	}
	*l = Link{
		ARPType:  binary.NativeEndian.Uint16(m.Body[2:]),
		Index:    int(int32(binary.NativeEndian.Uint32(m.Body[4:]))),
		Flags:    binary.NativeEndian.Uint32(m.Body[8:]),
		Hardware: l.Hardware[:0],
	}
	attrs := netlink.ReadAttrs(m.Body[unix.SizeofIfInfomsg:])
	for attrs.Next() {
		l.attribute(&attrs)
	}
	return true, attrs.Err()
}

func (l *Link) attribute(a *netlink.Attrs) {
	switch a.Type() {
	case unix.IFLA_IFNAME:
		l.Name = a.String()
	case unix.IFLA_MTU:
		l.MTU = a.Uint32()
	case unix.IFLA_MASTER:
		l.Master = int(a.Uint32())
	case unix.IFLA_LINK:
		l.Peer = int(a.Uint32())
	case unix.IFLA_TXQLEN:
		l.TxQueueLen = a.Uint32()
	case unix.IFLA_OPERSTATE:
		l.OperState = a.Uint8()
	case unix.IFLA_ADDRESS:
		l.Hardware = append(l.Hardware, a.Data()...)
	case unix.IFLA_MAP:
		l.Map = decodeLinkMap(a)
	case unix.IFLA_LINKINFO:
		l.linkInfo(a)
	}
}

// linkInfo reads the kind and, of a VRF, its table (drivers/net/vrf.c, vrf_fillinfo). The kernel writes the kind first.
func (l *Link) linkInfo(a *netlink.Attrs) {
	info := a.Nested()
	for info.Next() {
		switch {
		case info.Type() == unix.IFLA_INFO_KIND:
			l.Kind = info.String()
		case info.Type() == unix.IFLA_INFO_DATA && l.Kind == "vrf":
			data := info.Nested()
			for data.Next() {
				if data.Type() == unix.IFLA_VRF_TABLE {
					l.VRFTable = data.Uint32()
				}
			}
			if data.Err() != nil {
				a.Fail()
			}
		}
	}
	if info.Err() != nil {
		a.Fail()
	}
}

// decodeLinkMap reads struct rtnl_link_ifmap (net/core/rtnetlink.c,
// rtnl_fill_link_ifmap).
func decodeLinkMap(a *netlink.Attrs) LinkMap {
	b := a.Data()
	if len(b) < 28 {
		a.Fail()
		return LinkMap{}
	}
	return LinkMap{
		MemStart: binary.NativeEndian.Uint64(b), MemEnd: binary.NativeEndian.Uint64(b[8:]), BaseAddr: binary.NativeEndian.Uint64(b[16:]),
		IRQ: binary.NativeEndian.Uint16(b[24:]), DMA: b[26], Port: b[27],
	}
}
