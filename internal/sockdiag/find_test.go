package sockdiag

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
)

// TestFind asks for a connection by its two ends, for one that is not there beside a listener, and for one without a listener.
func TestFind(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		conn, err := Dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			client, server := c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort()
			other := netip.AddrPortFrom(client.Addr(), client.Port()^1)
			for _, want := range []struct {
				local, remote netip.AddrPort
				state         uint8
				remotePort    uint16
				err           error
			}{{client, server, 1, server.Port(), nil}, {server, client, 1, client.Port(), nil}, {server, other, 10, 0, nil}, {other, server, 0, 0, unix.ENOENT}} {
				var row InetRow
				if err := conn.Find(want.local, want.remote, ExtInfo, &row); !errors.Is(err, want.err) {
					t.Errorf("%v %v: %v, want %v", want.local, want.remote, err, want.err)
				}
				if row.State != want.state || row.Remote.Port() != want.remotePort || row.Info.State != want.state {
					t.Errorf("%v %v: %+v", want.local, want.remote, row)
				}
			}
		}
	})
}
