package probe

import (
	"net/netip"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// Each fragment is seen, once, with its length; who is neither of the two hosts is not.
func TestPackets(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		if out, err := exec.Command(nstest.Peer(t, "ip"), "link", "set", "lo", "mtu", "1500").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, tt := range []struct {
			host string
			want []int
		}{{"127.0.0.1", []int{1500, 1500, 68}}, {"::1", []int{1496, 1496, 160}}} {
			a := netip.MustParseAddr(tt.host)
			c := config(a)
			c.ID, c.TransmitStamps, c.MTU = ourID, false, MTUWant
			s := opened(t, true, c)
			packets := watchLoopback(t, s.Family(), a, a)
			others := watchLoopback(t, s.Family(), a.Next(), a.Next())
			if err := s.Send(request(s, 1, 3000)); err != nil {
				t.Fatal(err)
			}
			collect(t, s, 1)
			if diff := cmp.Diff(append(tt.want, tt.want...), lengths(t, packets, s.Family())); diff != "" {
				t.Errorf("%s (-want +got):\n%s", a, diff)
			}
			if got := lengths(t, others, s.Family()); got != nil {
				t.Errorf("%s: saw the packets of others: %v", a, got)
			}
			if n, err := packets.Drops(); n != 0 || err != nil {
				t.Errorf("%s: %d drops, %v", a, n, err)
			}
			packets.Wake()
			if more, err := packets.Wait(); more || err != nil {
				t.Errorf("%s: Wait is %v, %v after Wake", a, more, err)
			}
		}
	})
}

func watchLoopback(t *testing.T, f Family, us, them netip.Addr) *Packets {
	t.Helper()
	p, err := OpenPackets(f, 1, us, them)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// lengths are those of the IP packets that wait, as their headers say.
func lengths(t *testing.T, p *Packets, f Family) (list []int) {
	t.Helper()
	for {
		packet, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if packet == nil {
			return list
		}
		n := 0
		if f == IPv6 {
			h, err := wire.CheckIPv6(packet.Data)
			if err != nil {
				t.Fatal(err)
			}
			n = wire.IPv6Header + h.PayloadLength()
		} else {
			h, err := wire.CheckIPv4(packet.Data)
			if err != nil {
				t.Fatal(err)
			}
			n = h.TotalLength()
		}
		if n != packet.Length || packet.At.IsZero() || packet.Outgoing {
			t.Errorf("length %d in the header, %+v", n, packet)
		}
		list = append(list, n)
	}
}

// The kernel says what it will put into a header, and by which MTU it will cut.
func TestHeader(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		for host, want := range map[string]int{"127.0.0.1": 65535, "::1": 65536} { // IP_MAX_MTU bounds IPv4
			c := config(netip.MustParseAddr(host))
			c.ID, c.TTL, c.TOS, c.MTU = ourID, 7, 0x28, MTUProbe
			s := opened(t, true, c)
			got, err := s.Header()
			if diff := cmp.Diff(Header{TTL: 7, TOS: 0x28, MTU: MTUProbe}, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", host, err, diff)
			}
			mtu, err := RouteMTU(s.Family(), c)
			if mtu != want || err != nil {
				t.Errorf("%s: MTU %d, %v", host, mtu, err)
			}
		}
		_, err := RouteMTU(IPv4, config(netip.MustParseAddr("192.0.2.1")))
		if want := (&SocketError{Op: "connect", Family: IPv4, Mode: Datagram, Err: unix.ENETUNREACH}); cmp.Diff(want, err) != "" {
			t.Errorf("%v, want %v", err, want)
		}
	})
}
