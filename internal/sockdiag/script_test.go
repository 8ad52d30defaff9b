package sockdiag

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

var byValue = cmp.Options{
	cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
}

// scripted is a Conn to a kernel that answers each dump with the messages that
// body makes, then with DONE and its errno.
func scripted(typ uint16, errno unix.Errno, bodies ...[]byte) (*Conn, *nltest.Kernel) {
	nl, kernel := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		var d []byte
		for _, body := range bodies {
			d = nltest.Append(d, typ, unix.NLM_F_MULTI, r.Seq, body)
		}
		return []nltest.Datagram{{Bytes: nltest.AppendDone(d, r, errno)}}
	})
	return New(nl), kernel
}

// sockID appends struct inet_diag_sockid.
func sockID(b []byte, local, remote string, iface uint32, cookie uint64) []byte {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	b = binary.BigEndian.AppendUint16(b, l.Port())
	b = binary.BigEndian.AppendUint16(b, r.Port())
	for _, a := range []netip.Addr{l.Addr(), r.Addr()} {
		var addr [16]byte
		copy(addr[:], a.AsSlice())
		b = append(b, addr[:]...)
	}
	b = binary.NativeEndian.AppendUint32(b, iface)
	b = binary.NativeEndian.AppendUint32(b, uint32(cookie))
	return binary.NativeEndian.AppendUint32(b, uint32(cookie>>32))
}

// host32 appends integers in host order.
func host32(b []byte, values ...uint32) []byte {
	for _, v := range values {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

// diagMsg is struct inet_diag_msg of an IPv4 or IPv6 socket.
func diagMsg(family, state uint8, local, remote string) []byte {
	b := sockID([]byte{family, state, 1, 3}, local, remote, 4, 0x1112131415161718)
	return host32(b, 21000, 22000, 23000, 1000, 24000)
}

// headOf is the row that diagMsg makes.
func headOf(family, state uint8, local, remote string) InetRow {
	return InetRow{
		Family: family, State: state, Timer: 1, Retrans: 3,
		Local: netip.MustParseAddrPort(local), Remote: netip.MustParseAddrPort(remote),
		Interface: 4, Cookie: 0x1112131415161718,
		Expires: 21000, RQueue: 22000, WQueue: 23000, UID: 1000, Inode: 24000,
	}
}

const (
	local4, remote4 = "10.1.2.3:4660", "10.9.8.7:258"
	local6, remote6 = "[2001:db8::1:2]:4660", "[::ffff:10.9.8.7]:258"
)

// answer is what a caller of Inet got to see.
type answer struct {
	Rows    []InetRow
	Err     string
	Errno   unix.Errno
	Refused bool
}

func askInet(t *testing.T, c *Conn, req Request) (got answer) {
	t.Helper()
	for row, err := range c.Inet(req) {
		if err == nil {
			got.Rows = append(got.Rows, *row.Clone())
			continue
		}
		var op *netlink.OpError
		if !errors.As(err, &op) || row != nil {
			t.Fatalf("error is %T with row %v, want *OpError and nil", err, row)
		}
		got.Err, got.Refused = err.Error(), netlink.IsRefused(err)
		errors.As(err, &got.Errno)
	}
	return got
}

func mustEqual(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, byValue); diff != "" {
		t.Error(diff)
	}
}
