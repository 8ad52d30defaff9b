package sockdiag

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// anyCookie stands for any socket's cookie (INET_DIAG_NOCOOKIE, twice).
const anyCookie = 1<<64 - 1

// Find asks for the one TCP socket between local and remote, with the attributes in ext: a connection, one in TIME-WAIT that
// belongs to nobody any more, or an embryonic one. Where there is none the kernel answers with the listener on local, which has
// no remote port; where there is none either, errors.Is finds unix.ENOENT in the error. It costs the same however many sockets
// the machine has (net/ipv4/inet_diag.c, inet_diag_dump_one_icsk). The row is valid until the next call that uses row.
func (c *Conn) Find(local, remote netip.AddrPort, ext Ext, row *InetRow) error {
	const op = "find socket"
	r := c.nl.Request(unix.SOCK_DIAG_BY_FAMILY, 0)
	b := r.Fixed(sizeofReqV2)
	b[0], b[1], b[2] = addrFamily(local.Addr()), unix.IPPROTO_TCP, ext.request()
	binary.NativeEndian.PutUint32(b[4:], allStates)
	(&InetRow{Local: local, Remote: remote, Cookie: anyCookie}).putID(b[8:])
	return c.nl.Get(op, r, func(m netlink.Message) error {
		wanted, err := row.decode(m, unix.AF_UNSPEC)
		if err == nil && !wanted {
			err = netlink.ErrNoReply
		}
		if err != nil {
			return &netlink.OpError{Op: op, Err: err}
		}
		return nil
	})
}

func addrFamily(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
