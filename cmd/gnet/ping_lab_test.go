package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/wire"
)

// pingLab is client -1500- r1 -1450- r2 -1400- server, both IP versions, with
// no limit on ICMP errors.
type pingLab struct {
	t                      *testing.T
	client, r1, r2, server *nstest.Host
}

const (
	labServer4 = "10.77.3.2"
	labServer6 = "fd77:3::2"
)

func newPingLab(t *testing.T) *pingLab {
	t.Helper()
	lab := &pingLab{t, nstest.Here(t), nstest.NewHost(t, "r1"), nstest.NewHost(t, "r2"), nstest.NewHost(t, "server")}
	hosts := []*nstest.Host{lab.client, lab.r1, lab.r2, lab.server}
	for i, mtu := range []uint32{1500, 1450, 1400} {
		nstest.Connect(t, mtu, lab.end(hosts[i], i, "right", 1), lab.end(hosts[i+1], i, "left", 2))
	}
	for _, h := range hosts {
		h.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
		h.Sysctl(t, "net/ipv6/icmp/ratelimit", "0")
	}
	lab.r1.Forward(t)
	lab.r2.Forward(t)
	lab.client.AddRoute(t, "default", "10.77.1.2")
	lab.client.AddRoute(t, "default", "fd77:1::2")
	lab.r1.AddRoute(t, "10.77.3.0/24", "10.77.2.2")
	lab.r1.AddRoute(t, "fd77:3::/64", "fd77:2::2")
	lab.r2.AddRoute(t, "10.77.1.0/24", "10.77.2.1")
	lab.r2.AddRoute(t, "fd77:1::/64", "fd77:2::1")
	lab.server.AddRoute(t, "default", "10.77.3.1")
	lab.server.AddRoute(t, "default", "fd77:3::1")
	lab.specialRoutes()
	lab.hosts()
	return lab
}

func (lab *pingLab) end(h *nstest.Host, link int, name string, side int) nstest.End {
	return nstest.End{Host: h, Name: name, Addrs: []string{
		fmt.Sprintf("10.77.%d.%d/24", link+1, side), fmt.Sprintf("fd77:%d::%d/64", link+1, side)}}
}

// specialRoutes adds routes of the client that refuse, each in its way.
func (lab *pingLab) specialRoutes() {
	types := map[string]uint8{"10.90.0.0/24": unix.RTN_PROHIBIT, "10.91.0.0/24": unix.RTN_BLACKHOLE, "10.92.0.0/24": unix.RTN_UNREACHABLE,
		"10.93.0.0/24": unix.RTN_THROW, "fd90::/64": unix.RTN_PROHIBIT, "fd91::/64": unix.RTN_BLACKHOLE, "fd92::/64": unix.RTN_UNREACHABLE}
	lab.client.Netlink(lab.t, func(c *rtnl.Conn) error {
		for prefix, typ := range types {
			dst := netip.MustParsePrefix(prefix)
			family := uint8(unix.AF_INET6)
			if dst.Addr().Is4() {
				family = unix.AF_INET
			}
			route := &rtnl.Route{Family: family, Dst: dst, Type: typ, Protocol: unix.RTPROT_STATIC}
			if err := c.AddRoute(route, unix.NLM_F_CREATE|unix.NLM_F_EXCL); err != nil {
				return fmt.Errorf("%s: %w", prefix, err)
			}
		}
		return nil
	})
}

// hosts gives the test's mount namespace a hosts(5) of its own.
func (lab *pingLab) hosts() {
	text := "127.0.0.1 localhost\n" + labServer4 + " four.example good.example\n" + labServer6 + " six.example\n" +
		labServer6 + " both6.example both.example\n" + labServer4 + " both4.example both.example\n" +
		"10.77.1.2 \x1b[31mEVIL\x1b[0m.example\nfd77:1::2 router.example\n"
	path := filepath.Join(lab.t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		lab.t.Fatal(err)
	}
	if err := unix.Mount(path, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		lab.t.Fatal(err)
	}
	lab.t.Cleanup(func() { unix.Unmount("/etc/hosts", unix.MNT_DETACH) })
}

// forget empties what the hosts have learned: path MTUs and neighbours.
func (lab *pingLab) forget() {
	ip := nstest.Peer(lab.t, "ip")
	for _, h := range []*nstest.Host{lab.client, lab.r1, lab.r2, lab.server} {
		h.Run(lab.t, ip, "route", "flush", "cache")
		h.Run(lab.t, ip, "-6", "route", "flush", "cache")
		h.Run(lab.t, ip, "neigh", "flush", "all")
	}
}

// responder answers the echo requests to the server in place of its kernel.
type responder struct {
	t       *testing.T
	six     bool
	in, out int
	reply   func(r *responder, request echoRequest)
	done    chan struct{}
}

// echoRequest is a request as the responder saw it: packet has the IPv4 header,
// icmp has not.
type echoRequest struct {
	src, dst netip.Addr
	seq      int
	packet   []byte
	icmp     []byte
}

// respond makes the server answer as reply says until the returned function is
// called.
func (lab *pingLab) respond(six bool, reply func(*responder, echoRequest)) (stop func()) {
	lab.t.Helper()
	r := &responder{t: lab.t, six: six, reply: reply, done: make(chan struct{})}
	ignore := map[bool]string{false: "net/ipv4/icmp_echo_ignore_all", true: "net/ipv6/icmp/echo_ignore_all"}[six]
	lab.server.Sysctl(lab.t, ignore, "1")
	lab.server.Do(lab.t, r.open)
	go r.serve()
	return func() {
		unix.Shutdown(r.in, unix.SHUT_RD)
		<-r.done
		unix.Close(r.in)
		if !six {
			unix.Close(r.out)
		}
		lab.server.Sysctl(lab.t, ignore, "0")
	}
}

func (r *responder) open() (err error) {
	if r.six {
		r.in, err = unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
		r.out = r.in
	} else if r.in, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP); err == nil {
		r.out, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	}
	if err != nil {
		return err
	}
	return unix.SetsockoptTimeval(r.in, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 20000})
}

// serve reads requests until the socket is shut down, which a raw socket says by
// an empty read or an error.
func (r *responder) serve() {
	defer close(r.done)
	buf := make([]byte, 1<<16)
	idle := 0
	for idle < 500 {
		n, from, err := unix.Recvfrom(r.in, buf, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			idle++
			continue
		case err == unix.EINTR:
			continue
		case err != nil || n == 0:
			return
		}
		idle = 0
		if request, ok := r.parse(slices.Clone(buf[:n]), from); ok {
			r.reply(r, request)
		}
	}
}

func (r *responder) parse(b []byte, from unix.Sockaddr) (echoRequest, bool) {
	if r.six {
		sa := from.(*unix.SockaddrInet6)
		q := echoRequest{src: netip.AddrFrom16(sa.Addr), dst: netip.MustParseAddr(labServer6), packet: b, icmp: b}
		return q.numbered(wire.ICMPv6EchoRequest)
	}
	ip, err := wire.CheckIPv4(b)
	if err != nil {
		return echoRequest{}, false
	}
	q := echoRequest{src: ip.Src(), dst: ip.Dst(), packet: b, icmp: ip.Payload()}
	return q.numbered(wire.ICMPv4EchoRequest)
}

func (q echoRequest) numbered(typ uint8) (echoRequest, bool) {
	if len(q.icmp) < wire.ICMPHeader || q.icmp[0] != typ {
		return echoRequest{}, false
	}
	q.seq = int(binary.BigEndian.Uint16(q.icmp[6:]))
	return q, true
}

// answer returns the honest reply, checksum included.
func (q *echoRequest) answer() []byte {
	b := slices.Clone(q.icmp)
	b[0] = wire.ICMPv4EchoReply
	if q.icmp[0] == wire.ICMPv6EchoRequest {
		b[0] = wire.ICMPv6EchoReply
	}
	return b
}

// send sends an ICMP message to the client, from src. With mend the checksum is
// made right.
func (r *responder) send(q echoRequest, src netip.Addr, icmp []byte, mend bool) {
	if r.six {
		unix.Sendto(r.in, icmp, 0, &unix.SockaddrInet6{Addr: q.src.As16()})
		return
	}
	if mend {
		icmp[2], icmp[3] = 0, 0
		binary.BigEndian.PutUint16(icmp[2:], wire.Checksum(icmp))
	}
	header := wire.IPv4Fields{TTL: 64, Protocol: wire.ProtoICMP, Src: src, Dst: q.src}
	packet, err := header.Append(nil, len(icmp))
	if err != nil {
		r.t.Error(err)
		return
	}
	if err := unix.Sendto(r.out, append(packet, icmp...), 0, &unix.SockaddrInet4{Addr: q.src.As4()}); err != nil {
		r.t.Error(err)
	}
}

// icmpCase is an ICMP error by type, code and second word.
type icmpCase struct {
	typ, code uint8
	rest      uint32
}

// complain answers the nth request with the nth error.
func complain(cases []icmpCase) func(*responder, echoRequest) {
	return func(r *responder, q echoRequest) {
		c := cases[(q.seq-1)%len(cases)]
		if r.six {
			header := wire.IPv6Fields{NextHeader: wire.ProtoICMPv6, HopLimit: 61, Src: q.src, Dst: q.dst}
			quoted, err := header.Append(nil, len(q.icmp))
			if err != nil {
				r.t.Error(err)
				return
			}
			r.send(q, q.dst, wire.AppendICMPv6(nil, q.dst, q.src, c.typ, c.code, c.rest, append(quoted, q.icmp...)), false)
			return
		}
		r.send(q, q.dst, wire.AppendICMPv4(nil, c.typ, c.code, c.rest, q.packet[:28]), false)
	}
}

// crossed answers the requests in pairs, the second one first.
func crossed() func(*responder, echoRequest) {
	var waiting []echoRequest
	return func(r *responder, q echoRequest) {
		if waiting = append(waiting, q); q.seq%2 == 1 {
			return
		}
		for _, q := range slices.Backward(waiting) {
			r.send(q, q.dst, q.answer(), true)
		}
		waiting = nil
	}
}
