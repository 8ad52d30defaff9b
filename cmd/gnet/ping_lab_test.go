package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
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

// responder and echoRequest are short for what most cases name.
type (
	responder   = nstest.Responder
	echoRequest = nstest.EchoRequest
)

// icmpCase is an ICMP error by type, code and second word.
type icmpCase struct {
	typ, code uint8
	rest      uint32
}

// respond makes the server answer as reply says until the returned function is
// called.
func (lab *pingLab) respond(six bool, reply func(*responder, echoRequest)) (stop func()) {
	lab.t.Helper()
	return lab.server.Respond(lab.t, six, reply)
}

// complain answers the nth request with the nth error.
func complain(cases []icmpCase) func(*responder, echoRequest) {
	return func(r *responder, q echoRequest) {
		c := cases[(int(q.Seq)-1)%len(cases)]
		r.Complain(q, q.Dst, c.typ, c.code, c.rest)
	}
}

// crossed answers the requests in pairs, the second one first.
func crossed() func(*responder, echoRequest) {
	var waiting []echoRequest
	return func(r *responder, q echoRequest) {
		if waiting = append(waiting, q); q.Seq%2 == 1 {
			return
		}
		for _, q := range slices.Backward(waiting) {
			r.Reply(q, q.Answer())
		}
		waiting = nil
	}
}
