package main

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// otherPath stands for all that is behind a link: it sees the UDP packets that
// arrive over the link, and answers as it is told. The host's own kernel sees none
// of them.
type otherPath struct {
	t       *testing.T
	six     bool
	in, out int
	done    chan struct{}
}

// udpProbe is a UDP packet as it arrived. Its bytes belong to who got it.
type udpProbe struct {
	Src, Dst netip.Addr
	// TTL is what the packet had left when it arrived, Port where it went.
	TTL  int
	Port uint16
	// Packet is the whole packet, Header the length of its IP header.
	Packet []byte
	Header int
}

// behind puts an otherPath in the place of what is behind the left link of host n.
// The caller has asked for nft(8). reply runs for one packet after the other, in a
// goroutine that ends with the test.
func behind(t *testing.T, p *nstest.Path, n int, six bool, reply func(*otherPath, udpProbe)) {
	t.Helper()
	family, protocol := "ip", uint16(unix.ETH_P_IP)
	if six {
		family, protocol = "ip6", unix.ETH_P_IPV6
	}
	host := p.Hosts[n]
	host.Nft(t, `add table `+family+` behind
add chain `+family+` behind in { type filter hook prerouting priority -450; }
add rule `+family+` behind in iifname left meta l4proto udp drop`)
	o := &otherPath{t: t, six: six, done: make(chan struct{})}
	host.Do(t, func() error { return o.open(protocol) })
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		o.serve(stop, reply)
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		unix.Close(o.in)
		unix.Close(o.out)
	})
}

// open opens a socket for what arrives, and one that takes whole packets.
func (o *otherPath) open(protocol uint16) (err error) {
	ordered := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, protocol))
	if o.in, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(ordered)); err != nil {
		return err
	}
	if err = unix.SetsockoptTimeval(o.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000}); err != nil {
		return err
	}
	domain := unix.AF_INET
	if o.six {
		domain = unix.AF_INET6
	}
	o.out, err = unix.Socket(domain, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	return err
}

func (o *otherPath) serve(stop chan struct{}, reply func(*otherPath, udpProbe)) {
	buf := make([]byte, 1<<16)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, from, err := unix.Recvfrom(o.in, buf, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil {
			o.t.Error(err)
			return
		}
		if link, ok := from.(*unix.SockaddrLinklayer); !ok || link.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		if p, ok := o.parse(slices.Clone(buf[:n])); ok {
			reply(o, p)
		}
	}
}

// parse returns the UDP packet in b, if it is one.
func (o *otherPath) parse(b []byte) (p udpProbe, ok bool) {
	if o.six {
		ip, err := wire.CheckIPv6(b)
		if err != nil || ip.NextHeader() != wire.ProtoUDP {
			return p, false
		}
		p = udpProbe{Src: ip.Src(), Dst: ip.Dst(), TTL: int(ip.HopLimit()), Packet: b, Header: wire.IPv6Header}
	} else {
		ip, err := wire.CheckIPv4(b)
		if err != nil || ip.Protocol() != wire.ProtoUDP {
			return p, false
		}
		p = udpProbe{Src: ip.Src(), Dst: ip.Dst(), TTL: int(ip.TTL()), Packet: b, Header: ip.HeaderLen()}
	}
	if len(b) < p.Header+wire.UDPHeader {
		return p, false
	}
	p.Port = binary.BigEndian.Uint16(b[p.Header+2:])
	return p, true
}

// icmpError is an ICMP error about a probe.
type icmpError struct {
	From       netip.Addr
	Type, Code uint8
	Rest       uint32 // the second word of the message
	TTL        uint8  // 0: 64
	// Quote is what it quotes; nil is as much of the probe as a Linux router quotes.
	Quote []byte
}

// say sends an error.
func (o *otherPath) say(p udpProbe, e icmpError) {
	quote, ttl := e.Quote, e.TTL
	if ttl == 0 {
		ttl = 64
	}
	if o.six {
		if quote == nil {
			quote = p.Packet[:min(len(p.Packet), 1232)]
		}
		h := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: ttl, Src: e.From, Dst: p.Src}
		message := wire.AppendICMPv6(nil, e.From, p.Src, e.Type, e.Code, e.Rest, quote)
		header, err := h.Append(nil, len(message))
		o.send(p.Src, append(header, message...), err)
		return
	}
	if quote == nil {
		quote = p.Packet[:min(len(p.Packet), 548)]
	}
	h := wire.IPv4Fields{TTL: ttl, Protocol: wire.ProtoICMP, Src: e.From, Dst: p.Src}
	message := wire.AppendICMPv4(nil, e.Type, e.Code, e.Rest, quote)
	header, err := h.Append(nil, len(message))
	o.send(p.Src, append(header, message...), err)
}

func (o *otherPath) send(dst netip.Addr, packet []byte, err error) {
	var to unix.Sockaddr = &unix.SockaddrInet6{Addr: dst.As16()}
	if dst.Is4() {
		to = &unix.SockaddrInet4{Addr: dst.As4()}
	}
	if err == nil {
		err = unix.Sendto(o.out, packet, 0, to)
	}
	if err != nil {
		o.t.Errorf("%d bytes to %v: %v", len(packet), dst, err)
	}
}

// exceeded is the honest error of router n, counted from the client, on a path
// that numbers its routers.
func (o *otherPath) exceeded(n int) icmpError {
	if o.six {
		return icmpError{From: numbered6(n), Type: wire.ICMPv6TimeExceeded}
	}
	return icmpError{From: numbered4(n), Type: wire.ICMPv4TimeExceeded}
}

// noPort is the honest error of a host where nobody listens.
func (o *otherPath) noPort(p udpProbe) icmpError {
	if o.six {
		return icmpError{From: p.Dst, Type: wire.ICMPv6Unreachable, Code: 4}
	}
	return icmpError{From: p.Dst, Type: wire.ICMPv4Unreachable, Code: 3}
}

func numbered4(n int) netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}) }

func numbered6(n int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(n)})
}

// honest answers as routers with numbered addresses do, and the host behind the
// last of them.
func (o *otherPath) honest(p udpProbe, routers int) {
	if p.TTL <= routers {
		o.say(p, o.exceeded(p.TTL))
		return
	}
	o.say(p, o.noPort(p))
}
