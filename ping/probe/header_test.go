package probe

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// awaitPacket returns the next packet.
func awaitPacket(t *testing.T, s *Socket) *Message {
	t.Helper()
	for {
		m, err := s.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			if err := s.Wait(-1); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if m.Kind == Packet {
			return m
		}
	}
}

// Both kinds of socket give the options of what arrives: each of two hosts has
// written its address twice.
func TestSocket_recordRoute(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		nstest.Here(t).AllowPing(t)
		for _, raw := range []bool{false, true} {
			c := config(netip.MustParseAddr("127.0.0.1"))
			c.Options = wire.AppendRecordRoute(nil, 9)
			s := opened(t, raw, c)
			if (s.Mode() == Raw) != raw {
				t.Fatalf("a %v socket", s.Mode())
			}
			if err := s.Send(request(s, 1, 56)); err != nil {
				t.Fatal(err)
			}
			var got []netip.Addr
			for rest := awaitPacket(t, s).Options; len(rest) > 0; {
				option, after, err := wire.NextIPv4Option(rest)
				if err != nil {
					t.Fatal(err)
				}
				if route, err := wire.CheckRouteOption(option); err == nil && option[0] == wire.IPv4OptRecordRoute {
					for i := range route.Used() {
						got = append(got, route.Addr(i))
					}
				}
				rest = after
			}
			here := netip.MustParseAddr("127.0.0.1")
			if diff := cmp.Diff([]netip.Addr{here, here, here, here}, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
				t.Errorf("raw %v (-want +got)\n%s", raw, diff)
			}
		}
	})
}

// A leased flow label is on the wire, one that was asked for and one of the
// kernel's choice, on a connected socket too, and can be leased again.
func TestSocket_flowLabel(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		if err != nil {
			t.Fatal(err)
		}
		defer unix.Close(fd)
		if err := unix.SetsockoptInt(fd, unix.SOL_IPV6, ipv6FlowInfo, 1); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			label   uint32
			connect bool
		}{{0x12345, false}, {0x12345, true}, {0, false}, {MaxFlowLabel, false}} {
			c := config(netip.IPv6Loopback())
			c.Flow, c.FlowLabel, c.Connect = true, tt.label, tt.connect
			s := opened(t, true, c)
			if err := s.Send(request(s, 1, 56)); err != nil {
				t.Fatal(err)
			}
			if got := flowOnWire(t, fd); got != s.FlowLabel() || got == 0 || tt.label != 0 && got != tt.label {
				t.Errorf("%+v: label %#x on the wire, the socket says %#x", tt, got, s.FlowLabel())
			}
		}
	})
}

// ipv6FlowInfo is IPV6_FLOWINFO: the control message with traffic class and label.
const ipv6FlowInfo = 11

// flowOnWire returns the flow label of the next echo request.
func flowOnWire(t *testing.T, fd int) uint32 {
	t.Helper()
	b, oob := make([]byte, 2000), make([]byte, 200)
	for {
		n, on, _, _, err := unix.Recvmsg(fd, b, oob, 0)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 || b[0] != wire.ICMPv6EchoRequest {
			continue
		}
		messages, err := unix.ParseSocketControlMessage(oob[:on])
		if err != nil || len(messages) != 1 || len(messages[0].Data) < 4 {
			t.Fatalf("control messages %v, %v", messages, err)
		}
		return binary.BigEndian.Uint32(messages[0].Data) & MaxFlowLabel
	}
}

// A connected socket does not hear of another host.
func TestSocket_connect(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		c := config(netip.MustParseAddr("127.0.0.2"))
		c.Connect = true
		s := opened(t, true, c)
		other := wire.AppendICMPv4Echo(nil, wire.ICMPv4EchoReply, s.ID(), 9, nil)
		if err := unix.Sendto(s.fd, other, 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Send(request(s, 1, 56)); err != nil {
			t.Fatal(err)
		}
		m := awaitPacket(t, s)
		if seq := binary.BigEndian.Uint16(m.Data[6:]); m.From != c.Dest || seq != 1 {
			t.Errorf("icmp_seq %d from %v", seq, m.From)
		}
	})
}

// What the kernel refuses has the option's name.
func TestConfigure_header(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Raw)
		c := config(netip.MustParseAddr("127.0.0.1"))
		c.Options = []byte{wire.IPv4OptRecordRoute, 2}
		s, err := Open(IPv4, true)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want := &SocketError{Op: "IP_OPTIONS", Family: IPv4, Mode: Raw, Err: unix.EINVAL}
		if diff := cmp.Diff(error(want), s.Configure(c), cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if err := s.SetMark(1<<32 - 1); err != nil {
			t.Error(err)
		}
	})
}
