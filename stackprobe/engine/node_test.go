package engine

import (
	"bytes"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"

	"gnet/internal/wire"
	"gnet/stackprobe/vclock"
)

// sent is a packet that a node has transmitted.
type sent struct {
	Interface int
	Packet    []byte
}

// routerConfig is that of a router between links of 1500 and 1400 octets.
func routerConfig(out *[]sent, six bool) NodeConfig {
	c := NodeConfig{Clock: vclock.NewVirtual(), Forward: true, Seed: 1,
		Interfaces: []Interface{{netip.MustParseAddr("192.0.2.2"), 1500}, {netip.MustParseAddr("192.0.2.5"), 1400}},
		Routes:     []Route{{netip.MustParsePrefix("192.0.2.0/30"), 0}, {netip.MustParsePrefix("0.0.0.0/0"), 1}},
		Send:       func(i int, _ time.Duration, packet []byte) { *out = append(*out, sent{i, packet}) }}
	if six {
		c.Interfaces = []Interface{{netip.MustParseAddr("2001:db8::2"), 1500}, {netip.MustParseAddr("2001:db8:0:1::1"), 1400}}
		c.Routes = []Route{{netip.MustParsePrefix("2001:db8::/64"), 0}, {netip.MustParsePrefix("::/0"), 1}}
	}
	return c
}

// bare is a port that puts nothing right.
type bare struct {
	*port
	out *[]sent
}

func (b bare) MTU() uint32 { return uint32(b.mtu) }
func (b bare) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	for _, p := range packets.AsSlice() {
		var packet []byte
		for _, part := range p.AsSlices() {
			packet = append(packet, part...)
		}
		*b.out = append(*b.out, sent{b.number, packet})
	}
	return packets.Len(), nil
}

// passed returns what netstack alone and what a node make of a packet that a router gets from the client's side.
func passed(t *testing.T, packet []byte) (netstack, node []sent) {
	t.Helper()
	six := packet[0]>>4 == 6
	c := routerConfig(&node, six)
	n, err := NewNode(c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.Deliver(0, bytes.Clone(packet))

	plain, err := NewNode(routerConfig(new([]sent), six))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	version := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if six {
		version = ipv6.ProtocolNumber
	}
	// The same stack with interfaces that do nothing of their own.
	var ports []bare
	for i := range plain.ports {
		if err := plain.stack.RemoveNIC(tcpip.NICID(i + 1)); err != nil {
			t.Fatal(err)
		}
		b := bare{&port{node: plain, number: i, mtu: plain.ports[i].mtu}, &netstack}
		ports = append(ports, b)
		if err := plain.stack.CreateNIC(tcpip.NICID(i+1), b); err != nil {
			t.Fatal(err)
		}
		if err := plain.stack.AddProtocolAddress(tcpip.NICID(i+1), whole(version, tcpip.AddrFromSlice(c.Interfaces[i].Addr.AsSlice())), stack.AddressProperties{}); err != nil {
			t.Fatal(err)
		}
	}
	table := []tcpip.Route{}
	for _, r := range c.Routes {
		table = append(table, tcpip.Route{Destination: tcpip.AddressWithPrefix{Address: tcpip.AddrFromSlice(r.Dst.Addr().AsSlice()), PrefixLen: r.Dst.Bits()}.Subnet(), NIC: tcpip.NICID(r.Interface + 1)})
	}
	plain.stack.SetRouteTable(table)
	if err := plain.stack.SetForwardingDefaultAndAllNICs(version, true); err != nil {
		t.Fatal(err)
	}
	b := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(bytes.Clone(packet))})
	ports[0].disp.DeliverNetworkPacket(version, b)
	b.DecRef()
	return netstack, node
}

// four makes an IPv4 packet of the client with n octets of data.
func four(t *testing.T, change func(*wire.IPv4Fields), n int) []byte {
	t.Helper()
	f := wire.IPv4Fields{ID: 9, TTL: 64, Protocol: wire.ProtoUDP, Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.6")}
	change(&f)
	b, err := f.Append(nil, n)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b = append(b, byte(i))
	}
	if f.Offset == 0 && n > 8 {
		copy(b[len(b)-n:], []byte{0x9c, 0x40, 0, 7, 0x0f, 0x8c, 0x12, 0x34}) // a UDP header whose sum is of more than this packet
	}
	return b
}

// places lists the fragments of IPv4 packets: where each left, its offset and length of data.
func places(list []sent) [][3]int {
	var out [][3]int
	for _, s := range list {
		p := wire.IPv4(s.Packet)
		out = append(out, [3]int{s.Interface, p.Offset(), len(p.Payload())})
	}
	return out
}

// TestNodeQuirks shows what this version of netstack does, and what a node does: if a new version is right, the first halves
// fail and the port has less to do.
func TestNodeQuirks(t *testing.T) {
	t.Run("a fragment that is fragmented again", func(t *testing.T) {
		netstack, node := passed(t, four(t, func(f *wire.IPv4Fields) { f.Offset, f.MF = 1480, true }, 1480))
		if d := cmp.Diff([][3]int{{1, 0, 1376}, {1, 1376, 104}}, places(netstack)); d != "" {
			t.Error("netstack", d)
		}
		if d := cmp.Diff([][3]int{{1, 1480, 1376}, {1, 2856, 104}}, places(node)); d != "" {
			t.Error(d)
		}
	})
	t.Run("what is left fits", func(t *testing.T) {
		netstack, node := passed(t, four(t, func(*wire.IPv4Fields) {}, 2756))
		if d := cmp.Diff([][3]int{{1, 0, 1376}, {1, 1376, 1376}, {1, 2752, 4}}, places(netstack)); d != "" {
			t.Error("netstack", d)
		}
		if d := cmp.Diff([][3]int{{1, 0, 1376}, {1, 1376, 1380}}, places(node)); d != "" {
			t.Error(d)
		}
	})
	t.Run("options without the copy bit", func(t *testing.T) {
		option := []byte{wire.IPv4OptRecordRoute, 7, 8, 192, 0, 2, 1, wire.IPv4OptEnd} // it is full
		netstack, node := passed(t, four(t, func(f *wire.IPv4Fields) { f.Options = option }, 1440))
		second := func(list []sent) []byte { return wire.IPv4(list[1].Packet).Options() }
		if d := cmp.Diff(option, second(netstack)); d != "" {
			t.Error("netstack", d)
		}
		if d := cmp.Diff([]byte{1, 1, 1, 1, 1, 1, 1, wire.IPv4OptEnd}, second(node)); d != "" {
			t.Error(d)
		}
	})
	t.Run("TTL of 1", func(t *testing.T) {
		packet := four(t, func(f *wire.IPv4Fields) { f.TTL = 1 }, 100)
		netstack, node := passed(t, packet)
		if len(netstack) != 1 || netstack[0].Interface != 1 || wire.IPv4(netstack[0].Packet).TTL() != 0 {
			t.Errorf("netstack: %v", netstack)
		}
		if len(node) != 1 || node[0].Interface != 0 {
			t.Fatalf("%v", node)
		}
		m := wire.ICMPv4(wire.IPv4(node[0].Packet).Payload())
		if m.Type() != wire.ICMPv4TimeExceeded || m.Code() != 0 || !m.ChecksumOK() || !bytes.Equal(m.Quoted(), packet) {
			t.Errorf("type %d code %d, sum %t, quotes\n%x\n%x", m.Type(), m.Code(), m.ChecksumOK(), m.Quoted(), packet)
		}
	})
	t.Run("an error about a fragment other than the first", func(t *testing.T) {
		netstack, node := passed(t, four(t, func(f *wire.IPv4Fields) { f.TTL, f.Offset = 0, 1480 }, 100))
		if len(netstack) != 1 || wire.IPv4(netstack[0].Packet).Protocol() != wire.ProtoICMP {
			t.Errorf("netstack: %v", netstack)
		}
		if len(node) != 0 {
			t.Errorf("%v", node)
		}
	})
	t.Run("the checksum of a first fragment", func(t *testing.T) {
		packet := four(t, func(f *wire.IPv4Fields) { f.MF = true }, 104)
		netstack, node := passed(t, packet)
		want := wire.IPv4(packet).Payload()
		if len(netstack) != 1 || bytes.Equal(wire.IPv4(netstack[0].Packet).Payload(), want) {
			t.Errorf("netstack leaves it: %v", netstack)
		}
		if len(node) != 1 || !bytes.Equal(wire.IPv4(node[0].Packet).Payload(), want) {
			t.Errorf("%v", node)
		}
	})
	t.Run("packet too big", func(t *testing.T) {
		f := wire.IPv6Fields{NextHeader: wire.ProtoUDP, HopLimit: 64, Src: netip.MustParseAddr("2001:db8::1"), Dst: netip.MustParseAddr("2001:db8:0:1::2")}
		b, err := f.Append(nil, 1460)
		if err != nil {
			t.Fatal(err)
		}
		netstack, node := passed(t, append(b, make([]byte, 1460)...))
		told := func(list []sent) (mtu uint32, right bool) {
			if len(list) != 1 {
				t.Fatalf("%d packets", len(list))
			}
			ip := wire.IPv6(list[0].Packet)
			m := wire.ICMPv6(ip.Payload())
			return m.MTU(), m.Type() == wire.ICMPv6TooBig && m.ChecksumOK(ip.Src(), ip.Dst())
		}
		if mtu, right := told(netstack); mtu != 0 || !right {
			t.Errorf("netstack: %d %t", mtu, right)
		}
		if mtu, right := told(node); mtu != 1400 || !right {
			t.Errorf("%d %t", mtu, right)
		}
	})
	t.Run("the way of an error", func(t *testing.T) {
		// A packet of the client that comes back from the other side, as in a loop.
		packet := four(t, func(f *wire.IPv4Fields) { f.TTL = 0 }, 100)
		var node []sent
		n, err := NewNode(routerConfig(&node, false))
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		n.Deliver(1, packet)
		if len(node) != 1 || node[0].Interface != 0 {
			t.Fatalf("%v", node)
		}
		if ip := wire.IPv4(node[0].Packet); ip.Src() != n.cfg.Interfaces[0].Addr || !ip.ChecksumOK() {
			t.Errorf("from %v, checksum right %t: want the address of the interface by which it leaves", ip.Src(), ip.ChecksumOK())
		}
	})
	t.Run("a recorded route", func(t *testing.T) {
		option := []byte{wire.IPv4OptNOP, wire.IPv4OptRecordRoute, 11, 8, 192, 0, 2, 1, 0, 0, 0, 0}
		netstack, node := passed(t, four(t, func(f *wire.IPv4Fields) { f.Options = option }, 100))
		recorded := func(list []sent) (netip.Addr, bool) {
			ip := wire.IPv4(list[0].Packet)
			return netip.AddrFrom4([4]byte(ip.Options()[8:12])), ip.ChecksumOK() && ip.Options()[3] == 12
		}
		if a, right := recorded(netstack); a != netip.MustParseAddr("192.0.2.2") || !right {
			t.Errorf("netstack: %v %t", a, right)
		}
		if a, right := recorded(node); a != netip.MustParseAddr("192.0.2.5") || !right {
			t.Errorf("%v %t", a, right)
		}
	})
}

// TestNode_refuses: a datagram that nobody may fragment and that does not fit is refused as a kernel does it.
func TestNode_refuses(t *testing.T) {
	var out []sent
	c := NodeConfig{Clock: vclock.NewVirtual(), Seed: 1, Interfaces: []Interface{{netip.MustParseAddr("192.0.2.1"), 1500}}, Routes: []Route{{netip.MustParsePrefix("0.0.0.0/0"), 0}},
		Send: func(i int, _ time.Duration, packet []byte) { out = append(out, sent{i, packet}) }}
	n, err := NewNode(c)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	d := Datagram{Local: netip.MustParseAddrPort("192.0.2.1:40000"), Remote: netip.MustParseAddrPort("192.0.2.2:7"), TTL: 9, TOS: 8, DF: true, Data: make([]byte, 1473)}
	if err := n.Send(d); err != syscall.EMSGSIZE || len(out) != 0 {
		t.Errorf("%v, %d packets", err, len(out))
	}
	d.Data = d.Data[:1472]
	if err := n.Send(d); err != nil || len(out) != 1 {
		t.Fatalf("%v, %d packets", err, len(out))
	}
	ip := wire.IPv4(out[0].Packet)
	if !ip.DF() || ip.TTL() != 9 || ip.TOS() != 8 || ip.TotalLength() != 1500 || !ip.ChecksumOK() {
		t.Errorf("%x", out[0].Packet[:20])
	}
	// What the path takes is learnt from a router, and held to.
	quote := ip[:28]
	f := wire.IPv4Fields{TTL: 64, Protocol: wire.ProtoICMP, Src: netip.MustParseAddr("192.0.2.254"), Dst: netip.MustParseAddr("192.0.2.1")}
	b, err := f.Append(nil, wire.ICMPHeader+len(quote))
	if err != nil {
		t.Fatal(err)
	}
	n.Deliver(0, wire.AppendICMPv4(b, wire.ICMPv4Unreachable, wire.ICMPv4FragNeeded, 1400, quote))
	if err := n.Send(d); err != syscall.EMSGSIZE || n.PathMTU() != 1400 {
		t.Errorf("%v, path MTU %d", err, n.PathMTU())
	}
}
