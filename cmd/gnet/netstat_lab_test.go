package main

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/rtnl"
	"gnet/internal/wire"
)

// socketLab fills the namespace of the test with sockets of every kind and
// state that netstat knows. They live as long as the test. No name in it is
// hostile: what the originals get wrong has labs of its own.
type socketLab struct {
	t    *testing.T
	host *nstest.Host
}

// labEtc is the lab's /etc: two names for one port, for one uid and for one
// address, names that are cut, and numbers without a name.
var labEtc = map[string]string{
	"passwd": "root:x:0:0:root:/root:/bin/sh\nsecond:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n",
	"services": "ssh\t\t22/tcp\nhttps\t443/tcp\nmyname\t443/udp\nfirst-name 8443/tcp\nlast-of-two\t8443/tcp\t\talias # comment\n" +
		"domain 53/udp\nmdns\t5353/udp\na-service-name-of-some-length 9001/tcp\ndhcpv6-client 546/udp\n",
	"protocols":     "ip 0 IP\nicmp 1 ICMP\nospf 89 OSPFIGP\nipv6-icmp 58 IPv6-ICMP\n",
	"hosts":         "127.0.0.1 localhost alias\n127.0.0.1 second\n10.99.0.1 a-host-name-of-some-length.example.org\n::1 ip6-localhost\n2001:db8::7 seven.example.org\n",
	"networks":      "labnet 10.99.0.0\n",
	"nsswitch.conf": "passwd: files\nservices: files\nprotocols: files\nnetworks: files\nhosts: files dns\n",
	"resolv.conf":   "nameserver 192.0.2.1\n", // no route leads there, so DNS fails at once
}

func newSocketLab(t *testing.T) *socketLab {
	t.Helper()
	lab := &socketLab{t: t, host: nstest.Here(t)}
	lab.addresses()
	lab.etc()
	return lab
}

func (lab *socketLab) must(err error) {
	lab.t.Helper()
	if err != nil {
		lab.t.Fatal(err)
	}
}

// addresses gives lo addresses long enough to be cut.
func (lab *socketLab) addresses() {
	lab.host.Netlink(lab.t, func(c *rtnl.Conn) error {
		lo, err := c.LinkByName("lo")
		if err != nil {
			return err
		}
		for _, p := range []string{"10.99.0.1/32", "2001:db8:1234:5678:9abc:def0:1234:5678/128", "2001:db8::7/128", "fe80::7/64"} {
			if err := c.AddAddr(lo.Index, netip.MustParsePrefix(p), unix.IFA_F_NODAD); err != nil {
				return err
			}
		}
		return nil
	})
}

// etc mounts a folder with the lab's files over /etc, in the test's own mount
// namespace. The original is the C library's: its cache of libraries stays.
func (lab *socketLab) etc() {
	dir := publicDir(lab.t)
	for name, text := range labEtc {
		lab.must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	if cache, err := os.ReadFile("/etc/ld.so.cache"); err == nil {
		lab.must(os.WriteFile(filepath.Join(dir, "ld.so.cache"), cache, 0o644))
	}
	if err := unix.Mount(dir, "/etc", "", unix.MS_BIND, ""); err != nil {
		lab.t.Fatalf("mounting over /etc: %v", err)
	}
	lab.t.Cleanup(func() { unix.Unmount("/etc", unix.MNT_DETACH) })
}

// publicDir is t.TempDir that other users can enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gnet-netstat-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// socket opens a socket that is closed at the end of the test.
func (lab *socketLab) socket(domain, typ, proto int) int {
	lab.t.Helper()
	fd, err := unix.Socket(domain, typ|unix.SOCK_CLOEXEC, proto)
	lab.must(err)
	lab.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// sockaddr turns 127.0.0.1:22, [::1]:22 into what bind(2) wants, with the family.
func sockaddr(text string) (int, unix.Sockaddr) {
	ap := netip.MustParseAddrPort(text)
	if ap.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: ap.Addr().As4()}
	}
	sa := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if ap.Addr().IsLinkLocalUnicast() {
		sa.ZoneId = 1
	}
	return unix.AF_INET6, sa
}

func (lab *socketLab) bind(typ, proto int, local string) int {
	lab.t.Helper()
	domain, sa := sockaddr(local)
	fd := lab.socket(domain, typ, proto)
	lab.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	lab.must(unix.Bind(fd, sa))
	return fd
}

func (lab *socketLab) listen(local string) int {
	lab.t.Helper()
	fd := lab.bind(unix.SOCK_STREAM, 0, local)
	lab.must(unix.Listen(fd, 5))
	return fd
}

func (lab *socketLab) connect(remote string) int {
	lab.t.Helper()
	domain, sa := sockaddr(remote)
	fd := lab.socket(domain, unix.SOCK_STREAM, 0)
	lab.must(unix.Connect(fd, sa))
	return fd
}

func (lab *socketLab) accept(listener int) int {
	lab.t.Helper()
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	lab.must(err)
	lab.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// tcp opens listening and established sockets, on low and high ports, with data
// that nobody reads, with a full window, waiting in a backlog and v4-mapped.
func (lab *socketLab) tcp() {
	ssh := lab.listen("127.0.0.1:22")
	lab.listen("0.0.0.0:9001")
	lab.listen("10.99.0.1:65535")
	both := lab.listen("[::]:443")
	lab.listen("[::1]:8443")
	wide := lab.listen("[2001:db8:1234:5678:9abc:def0:1234:5678]:8443")
	lab.listen("[fe80::7]:4096")

	unread := lab.connect("127.0.0.1:22")
	lab.must(write(unread, 1000))
	lab.accept(ssh)
	lab.fill(lab.connect("127.0.0.1:22"))
	lab.accept(ssh)
	lab.connect("10.99.0.1:443") // v4-mapped at the other end
	lab.accept(both)
	lab.connect("[2001:db8:1234:5678:9abc:def0:1234:5678]:8443")
	lab.accept(wide)
	alive := lab.connect("127.0.0.1:9001") // stays in the backlog
	lab.must(unix.SetsockoptInt(alive, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1))
}

func write(fd, n int) error {
	_, err := unix.Write(fd, make([]byte, n))
	return err
}

// fill writes until neither end takes more: a probe timer will run.
func (lab *socketLab) fill(fd int) {
	lab.must(unix.SetNonblock(fd, true))
	for range 5 {
		for write(fd, 1<<16) == nil {
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// closing opens pairs on lo and closes them in three ways.
func (lab *socketLab) closing() {
	l := lab.listen("127.0.0.1:2000")
	half, _ := lab.connect("127.0.0.1:2000"), lab.accept(l)
	lab.must(unix.Shutdown(half, unix.SHUT_WR)) // FIN_WAIT2 and CLOSE_WAIT, both held

	domain, sa := sockaddr("127.0.0.1:2000")
	orphan, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	lab.must(err)
	lab.must(unix.Connect(orphan, sa))
	lab.accept(l)
	lab.must(unix.Close(orphan)) // FIN_WAIT2 without a process

	first, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	lab.must(err)
	lab.must(unix.Connect(first, sa))
	second, _, err := unix.Accept(l)
	lab.must(err)
	lab.must(unix.Close(first))
	lab.must(unix.Close(second)) // TIME_WAIT
}

// datagrams opens UDP, UDP-Lite and raw sockets, connected and not, some with
// data waiting.
func (lab *socketLab) datagrams() {
	lab.bind(unix.SOCK_DGRAM, 0, "0.0.0.0:53")
	lab.bind(unix.SOCK_DGRAM, 0, "127.0.0.1:323")
	lab.bind(unix.SOCK_DGRAM, 0, "[::]:5353")
	lab.bind(unix.SOCK_DGRAM, 0, "[2001:db8:1234:5678:9abc:def0:1234:5678]:546")
	for _, remote := range []string{"127.0.0.1:53", "[2001:db8::7]:5353"} {
		domain, sa := sockaddr(remote)
		fd := lab.socket(domain, unix.SOCK_DGRAM, 0)
		lab.must(unix.Connect(fd, sa))
		lab.must(write(fd, 100))
	}
	lab.bind(unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, "0.0.0.0:1234")
	lab.bind(unix.SOCK_DGRAM, unix.IPPROTO_UDPLITE, "[::1]:1234")
	lab.socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	lab.socket(unix.AF_INET6, unix.SOCK_RAW, unix.IPPROTO_ICMPV6)
	raw := lab.socket(unix.AF_INET, unix.SOCK_RAW, 89)
	_, sa := sockaddr("10.99.0.1:0")
	lab.must(unix.Bind(raw, sa))
	lab.must(unix.Connect(raw, sa))
	lab.socket(unix.AF_INET, unix.SOCK_RAW, 200)
}

// unixes opens unix sockets of every type, bound to paths and to abstract names,
// connected, waiting and not bound at all.
func (lab *socketLab) unixes() {
	dir := nstest.SocketDir(lab.t, publicDir(lab.t))
	for _, s := range []struct {
		typ    int
		name   string
		listen bool
	}{
		{unix.SOCK_STREAM, dir + "/stream", true},
		{unix.SOCK_DGRAM, dir + "/dgram", false},
		{unix.SOCK_STREAM, dir + "/bound", false},
		{unix.SOCK_SEQPACKET, "@gnet-test-seqpacket", true},
		{unix.SOCK_DGRAM, "@gnet-test-dgram", false},
	} {
		fd := lab.socket(unix.AF_UNIX, s.typ, 0)
		lab.must(unix.Bind(fd, &unix.SockaddrUnix{Name: s.name}))
		if s.listen {
			lab.must(unix.Listen(fd, 5))
		}
	}
	connected := lab.socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	lab.must(unix.Connect(connected, &unix.SockaddrUnix{Name: dir + "/stream"}))
	lab.socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
		pair, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
		lab.must(err)
		lab.t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	}
}

// holder starts a process, of an ordinary user if we are root, that holds a
// socket, and gives ours up. Its first argument is arg0.
func (lab *socketLab) holder(arg0, local string) {
	lab.t.Helper()
	f := os.NewFile(uintptr(lab.listen(local)), "socket")
	sleep, err := exec.LookPath("sleep")
	lab.must(err)
	cmd := exec.Command(sleep)
	cmd.Args = []string{arg0, "1000"}
	cmd.ExtraFiles = []*os.File{f}
	if nstest.Probe(nstest.Root) == nil {
		nstest.AsNobody(lab.t, cmd)
	}
	lab.host.Start(lab.t, cmd)
	f.Close()
}

// tunPeer is a host behind a TUN link that answers only what it is told to: the
// states in which one end waits for the other last.
type tunPeer struct {
	lab *socketLab
	tun int
	buf [2048]byte
}

const (
	tunLocal = "10.98.0.1"
	tunPeer2 = "10.98.0.2"
)

func (lab *socketLab) newTunPeer() *tunPeer {
	lab.t.Helper()
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	lab.must(err)
	lab.t.Cleanup(func() { unix.Close(tun) })
	ifr, err := unix.NewIfreq("lab0")
	lab.must(err)
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	lab.must(unix.IoctlIfreq(tun, unix.TUNSETIFF, ifr))
	lab.host.Netlink(lab.t, func(c *rtnl.Conn) error {
		link, err := c.LinkByName("lab0")
		if err != nil {
			return err
		}
		if err := c.AddAddr(link.Index, netip.MustParsePrefix(tunLocal+"/24"), 0); err != nil {
			return err
		}
		return c.SetLink(link.Index, new(rtnl.LinkChange).Up())
	})
	return &tunPeer{lab: lab, tun: tun}
}

// waiting brings sockets into every state in which the other end owes an answer.
func (p *tunPeer) waiting() {
	lab := p.lab
	l := lab.listen(tunLocal + ":2222")
	p.send(5001, 2222, wire.SYN, 1000, 0) // SYN_RECV

	established := func(port uint16) (fd int, seq uint32) {
		p.send(port, 2222, wire.SYN, 1000, 0)
		seq = p.synAck(port)
		p.send(port, 2222, wire.ACK, 1001, seq+1)
		fd, _, err := unix.Accept4(l, unix.SOCK_CLOEXEC)
		lab.must(err)
		return fd, seq
	}
	finWait1, _ := established(5002)
	lab.must(unix.Close(finWait1))

	closing, seq := established(5003)
	lab.must(unix.Close(closing))
	p.send(5003, 2222, wire.FIN|wire.ACK, 1001, seq+1)

	lastAck, seq := established(5004)
	p.send(5004, 2222, wire.FIN|wire.ACK, 1001, seq+1)
	lab.must(unix.Close(lastAck))

	unacked, _ := established(5005)
	lab.t.Cleanup(func() { unix.Close(unacked) })
	lab.must(write(unacked, 50))

	_, sa := sockaddr(tunPeer2 + ":80")
	synSent := lab.socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK, 0)
	if err := unix.Connect(synSent, sa); err != unix.EINPROGRESS {
		lab.t.Fatalf("connect: %v, want EINPROGRESS", err)
	}
	time.Sleep(20 * time.Millisecond) // the kernel handles what was written to the link
}

// send puts one segment on the link.
func (p *tunPeer) send(from, to uint16, flags wire.TCPFlags, seq, ack uint32) {
	p.lab.t.Helper()
	src, dst := netip.MustParseAddr(tunPeer2), netip.MustParseAddr(tunLocal)
	tcp := wire.TCPFields{SrcPort: from, DstPort: to, Seq: seq, Ack: ack, Flags: flags, Window: 65535}
	segment, err := tcp.Append(nil, src, dst, nil, nil)
	p.lab.must(err)
	ip := wire.IPv4Fields{TTL: 64, Protocol: unix.IPPROTO_TCP, Src: src, Dst: dst}
	packet, err := ip.Append(nil, len(segment))
	p.lab.must(err)
	_, err = unix.Write(p.tun, append(packet, segment...))
	p.lab.must(err)
}

// synAck waits for the SYN-ACK to a port and returns its sequence number.
func (p *tunPeer) synAck(port uint16) uint32 {
	p.lab.t.Helper()
	for {
		n, err := unix.Read(p.tun, p.buf[:])
		p.lab.must(err)
		ip, err := wire.CheckIPv4(p.buf[:n])
		if err != nil || ip.Protocol() != unix.IPPROTO_TCP {
			continue
		}
		tcp, err := wire.CheckTCP(ip.Payload())
		if err == nil && tcp.DstPort() == port && tcp.Flags() == wire.SYN|wire.ACK {
			return tcp.Seq()
		}
	}
}
