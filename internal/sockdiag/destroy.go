package sockdiag

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// sockDestroy is SOCK_DESTROY (linux/sock_diag.h).
const sockDestroy = 21

// Destroy has the kernel end the socket that row describes (net/core/sock_diag.c,
// sock_diag_destroy): its owner's next call fails with ECONNABORTED, a TCP peer gets a
// reset. The kernel finds the socket by its addresses and then compares the
// cookie, so that no other socket can be hit that took the addresses meanwhile.
//
// The error is netlink.IsRefused with unix.EPERM without CAP_NET_ADMIN in the
// user namespace of the network namespace, unix.EOPNOTSUPP where the kernel was built
// without CONFIG_INET_DIAG_DESTROY or the protocol has no such call, and unix.ENOENT if
// the socket is gone or another one answers for its addresses.
func (c *Conn) Destroy(protocol uint8, row *InetRow) error {
	r := c.nl.Request(sockDestroy, 0)
	b := r.Fixed(sizeofReqV2)
	b[0], b[1] = row.Family, protocol
	if protocol == unix.IPPROTO_RAW {
		b[3] = uint8(row.Local.Port()) // sdiag_raw_protocol
	}
	binary.NativeEndian.PutUint32(b[4:], 1<<row.State)
	row.putID(b[8:])
	return c.nl.Do("destroy socket", r)
}

// putID writes struct inet_diag_sockid.
func (r *InetRow) putID(b []byte) {
	binary.BigEndian.PutUint16(b, r.Local.Port())
	binary.BigEndian.PutUint16(b[2:], r.Remote.Port())
	copy(b[4:20], r.Local.Addr().AsSlice())
	copy(b[20:36], r.Remote.Addr().AsSlice())
	binary.NativeEndian.PutUint32(b[36:], r.Interface)
	binary.NativeEndian.PutUint32(b[40:], uint32(r.Cookie))
	binary.NativeEndian.PutUint32(b[44:], uint32(r.Cookie>>32))
}
