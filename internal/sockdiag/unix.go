package sockdiag

import (
	"encoding/binary"
	"iter"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// What to show of unix sockets (linux/unix_diag.h, UDIAG_SHOW_*).
const (
	ShowName   = 0x01
	ShowVFS    = 0x02
	ShowPeer   = 0x04
	ShowRQLen  = 0x10
	ShowUID    = 0x40
	ShowMemory = 0x20
)

// UnixHas tells which attributes of a unix socket the kernel gave: bit
// 1<<attribute (linux/unix_diag.h, UNIX_DIAG_*).
type UnixHas uint16

// The attributes of a UnixRow.
const (
	UnixName     UnixHas = 1 << 0
	UnixVFS      UnixHas = 1 << 1
	UnixPeer     UnixHas = 1 << 2
	UnixRQLen    UnixHas = 1 << 4
	UnixMemory   UnixHas = 1 << 5
	UnixShutdown UnixHas = 1 << 6 // comes always
	UnixUID      UnixHas = 1 << 7
)

const (
	sizeofUnixReq = 24 // struct unix_diag_req
	sizeofUnixMsg = 16 // struct unix_diag_msg
)

// UnixRow is one unix socket (struct unix_diag_msg and its attributes).
type UnixRow struct {
	// Type is unix.SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET; State as in
	// linux/tcp_states.h: ESTABLISHED (1), LISTEN (10), CLOSE (7: not connected).
	Type, State uint8
	Inode       uint32
	Cookie      uint64

	// Has tells which of the fields below the kernel gave.
	Has UnixHas
	// Name is the bound name as it was given to bind, a view into the receive buffer:
	// a path, or an abstract name that begins with NUL. It may hold any byte.
	Name []byte
	// VFSInode and VFSDev name the file of a bound path.
	VFSInode, VFSDev uint32
	// Peer is the inode of the socket at the other end.
	Peer uint32
	// RQueue and WQueue are bytes; on a LISTEN socket RQueue is the number of
	// connections that wait for accept, WQueue the limit of that number.
	RQueue, WQueue uint32
	UID            uint32
	// Shutdown has bit 0 for the receiving, bit 1 for the sending side.
	Shutdown uint8
	SkMem    SkMem
}

// Clone returns a copy that does not share memory with the receive buffer.
func (r *UnixRow) Clone() *UnixRow {
	kept := *r
	kept.Name = append([]byte(nil), r.Name...)
	return &kept
}

// Unix lists the unix sockets; show is a set of Show* bits.
func (c *Conn) Unix(show uint32) iter.Seq2[*UnixRow, error] {
	const op = "list unix sockets"
	return func(yield func(*UnixRow, error) bool) {
		r := c.nl.Request(unix.SOCK_DIAG_BY_FAMILY, 0)
		b := r.Fixed(sizeofUnixReq)
		b[0] = unix.AF_UNIX
		binary.NativeEndian.PutUint32(b[4:], ^uint32(0))
		binary.NativeEndian.PutUint32(b[12:], show)
		row := new(UnixRow)
		err := c.nl.Dump(op, r, func(m netlink.Message) error {
			wanted, err := row.decode(m)
			if err != nil {
				return &netlink.OpError{Op: op, Err: err}
			}
			if wanted && !yield(row, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			yield(nil, err)
		}
	}
}

// decode reads struct unix_diag_msg and its attributes (net/unix/diag.c,
// sk_diag_fill).
func (r *UnixRow) decode(m netlink.Message) (bool, error) {
	if m.Type != unix.SOCK_DIAG_BY_FAMILY {
		return false, nil
	}
	if len(m.Body) < sizeofUnixMsg {
		return false, netlink.ErrShortMessage
	}
	b := m.Body
	if b[0] != unix.AF_UNIX {
		return false, nil
	}
	*r = UnixRow{
		Type:   b[1],
		State:  b[2],
		Inode:  binary.NativeEndian.Uint32(b[4:]),
		Cookie: uint64(binary.NativeEndian.Uint32(b[8:])) | uint64(binary.NativeEndian.Uint32(b[12:]))<<32,
	}
	attrs := netlink.ReadAttrs(b[sizeofUnixMsg:])
	for attrs.Next() {
		r.attribute(&attrs)
	}
	return true, attrs.Err()
}

// attribute reads one attribute into r; unknown ones are skipped. The shift of a
// type beyond the set's bits gives no bit.
func (r *UnixRow) attribute(a *netlink.Attrs) {
	has := UnixHas(1) << a.Type()
	switch has {
	case UnixName:
		r.Name = unixName(a.Data())
	case UnixVFS:
		w := fixed(a, 8)
		r.VFSInode, r.VFSDev = w.next(), w.next()
	case UnixPeer:
		r.Peer = a.Uint32()
	case UnixRQLen:
		w := fixed(a, 8)
		r.RQueue, r.WQueue = w.next(), w.next()
	case UnixMemory:
		r.SkMem.decode(a)
	case UnixShutdown:
		r.Shutdown = a.Uint8()
	case UnixUID:
		r.UID = a.Uint32()
	default:
		return
	}
	r.Has |= has
}

// unixName drops the NUL that ends a path; an abstract name has no end mark and
// keeps every byte.
func unixName(b []byte) []byte {
	if len(b) > 0 && b[0] != 0 {
		return cString(b)
	}
	return b
}
