package main

import (
	"net/netip"

	"gnet/internal/render"
	"gnet/internal/rtnl"
	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// diagColumns are what sock_diag alone knows of a socket.
func diagColumns(field fieldMaker) []render.Column[socketRow] {
	inet := func(f render.Field, get func(*sockdiag.InetRow, *render.Value)) render.Column[socketRow] {
		return inetColumn(f, func(s *procnet.InetSocket, v *render.Value) {
			if s.Diag != nil {
				get(s.Diag, v)
			}
		})
	}
	unix := func(f render.Field, get func(*sockdiag.UnixRow, *render.Value)) render.Column[socketRow] {
		return unixColumn(f, func(s *procnet.UnixSocket, v *render.Value) {
			if s.Diag != nil {
				get(s.Diag, v)
			}
		})
	}
	return []render.Column[socketRow]{
		{Field: field("interface", render.String, "", "Interface that the socket is bound to (SO_BINDTODEVICE, or the scope of a link-local address); absent when it is bound to none, and where sock_diag(7) does not tell."),
			Get: (*socketRow).setInterface},
		inet(field("interface_index", render.Uint, "", "Index of that interface."), func(r *sockdiag.InetRow, v *render.Value) {
			if r.Interface != 0 {
				v.Uint(uint64(r.Interface))
			}
		}),
		inet(field("v6only", render.Bool, "", "Whether an IPv6 socket takes IPv6 alone (IPV6_V6ONLY), and not IPv4 too; of listening and unconnected sockets."), func(r *sockdiag.InetRow, v *render.Value) {
			if r.Has&sockdiag.ExtV6Only != 0 {
				v.Bool(r.V6Only)
			}
		}),
		inet(field("mark", render.Uint, "", "Mark of the socket (SO_MARK); absent without CAP_NET_ADMIN."), func(r *sockdiag.InetRow, v *render.Value) {
			if r.Has&sockdiag.ExtMark != 0 {
				v.Uint(uint64(r.Mark))
			}
		}),
		{Field: field("cookie", render.ID, "", "Number that the kernel gives to no other socket while it runs; absent where sock_diag(7) does not tell."), Get: (*socketRow).setCookie},
		unix(field("peer_inode", render.ID, "", "Inode of the socket at the other end of a connected unix socket; absent when there is none or it is in another network namespace."), func(r *sockdiag.UnixRow, v *render.Value) {
			if r.Has&sockdiag.UnixPeer != 0 && r.Peer != 0 {
				v.ID(uint64(r.Peer))
			}
		}),
		unix(field("abstract", render.Bool, "", "Whether path is an abstract name, which begins with a NUL, and no file; absent when not bound."), func(r *sockdiag.UnixRow, v *render.Value) {
			if len(r.Name) > 0 {
				v.Bool(r.Name[0] == 0)
			}
		}),
	}
}

func (r *socketRow) setCookie(v *render.Value) {
	switch {
	case r.inet != nil && r.inet.Diag != nil:
		v.ID(r.inet.Diag.Cookie)
	case r.unix != nil && r.unix.Diag != nil:
		v.ID(r.unix.Diag.Cookie)
	}
}

// uid returns the owner of the socket; of a unix socket the file does not have
// it, nor do kernels before 5.3.
func (r *socketRow) uid() (uid uint32, known bool) {
	if r.inet != nil {
		return r.inet.User()
	}
	if d := r.unix.Diag; d != nil && d.Has&sockdiag.UnixUID != 0 {
		return d.UID, true
	}
	return 0, false
}

func (r *socketRow) recvQueue(v *render.Value) {
	if r.inet != nil {
		setQueue(r.inet, r.inet.RxQueue, v)
	} else if d := r.unix.Diag; d != nil && d.Has&sockdiag.UnixRQLen != 0 {
		v.Uint(uint64(d.RQueue))
	}
}

// sendQueue leaves out what unix_diag has of a listening socket: a limit is no
// queue.
func (r *socketRow) sendQueue(v *render.Value) {
	if r.inet != nil {
		setQueue(r.inet, r.inet.TxQueue, v)
	} else if d := r.unix.Diag; d != nil && d.Has&sockdiag.UnixRQLen != 0 && !r.unix.Accepting() {
		v.Uint(uint64(d.WQueue))
	}
}

func (r *socketRow) setInterface(v *render.Value) {
	if r.inet == nil || r.inet.Diag == nil || r.inet.Diag.Interface == 0 {
		return
	}
	if name := r.names.device(r.space, r.inet.Diag.Interface); name != "" {
		v.Str(name)
	}
}

// endpoint sets an address of the socket. A link-local one has the interface as
// its zone where that is known.
func (r *socketRow) endpoint(a netip.Addr, v *render.Value) {
	if a.Is6() && !a.Is4In6() && a.IsLinkLocalUnicast() && r.inet.Diag != nil && r.inet.Diag.Interface != 0 {
		a = a.WithZone(r.names.device(r.space, r.inet.Diag.Interface))
	}
	v.Addr(a)
}

// deviceKey is an interface of a namespace.
type deviceKey struct {
	space *socketSpace
	index uint32
}

// device returns the name of an interface in a namespace, "" when it has gone. Each
// is asked for once.
func (n *socketNames) device(space *socketSpace, index uint32) string {
	key := deviceKey{space, index}
	if name, asked := n.devices[key]; asked {
		return name
	}
	if n.devices == nil {
		n.devices = make(map[deviceKey]string)
	}
	var name string
	space.inside(func() { name = linkName(index) })
	n.devices[key] = name
	return name
}

// linkName asks in the network namespace of the thread.
func linkName(index uint32) string {
	c, err := rtnl.Dial()
	if err != nil {
		return ""
	}
	defer c.Close()
	link, err := c.LinkByIndex(int(index))
	if err != nil {
		return ""
	}
	return link.Name
}
