package probe

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/wire"
)

// lab is client -1500- r1 -1450- r2 -1400- server, both IP versions, with no
// limit on ICMP errors.
func lab(t *testing.T) (client, r1, r2, server *nstest.Host) {
	t.Helper()
	client, r1, r2, server = nstest.Here(t), nstest.NewHost(t, "r1"), nstest.NewHost(t, "r2"), nstest.NewHost(t, "server")
	link := func(mtu uint32, net int, a *nstest.Host, aName string, b *nstest.Host, bName string) {
		nstest.Connect(t, mtu,
			nstest.End{Host: a, Name: aName, Addrs: []string{fmt.Sprintf("10.77.%d.1/24", net), fmt.Sprintf("fd77:%d::1/64", net)}},
			nstest.End{Host: b, Name: bName, Addrs: []string{fmt.Sprintf("10.77.%d.2/24", net), fmt.Sprintf("fd77:%d::2/64", net)}})
	}
	link(1500, 1, client, "c0", r1, "a0")
	link(1450, 2, r1, "a1", r2, "b0")
	link(1400, 3, r2, "b1", server, "s0")
	for _, h := range []*nstest.Host{client, r1, r2, server} {
		h.Sysctl(t, "net/ipv4/icmp_ratelimit", "0")
		h.Sysctl(t, "net/ipv6/icmp/ratelimit", "0")
	}
	r1.Forward(t)
	r2.Forward(t)
	client.AddRoute(t, "default", "10.77.1.2")
	client.AddRoute(t, "default", "fd77:1::2")
	r1.AddRoute(t, "10.77.3.0/24", "10.77.2.2")
	r1.AddRoute(t, "fd77:3::/64", "fd77:2::2")
	r2.AddRoute(t, "10.77.1.0/24", "10.77.2.1")
	r2.AddRoute(t, "fd77:1::/64", "fd77:2::1")
	server.AddRoute(t, "default", "10.77.3.1")
	server.AddRoute(t, "default", "fd77:3::1")
	warmStamps(t)
	return client, r1, r2, server
}

// warmStamps waits until the kernel stamps what arrives: it begins a moment after
// the first socket has asked for it (net_enable_timestamp, net/core/dev.c), and
// goes on while one does.
func warmStamps(t *testing.T) {
	t.Helper()
	c := config(netip.MustParseAddr("127.0.0.1"))
	c.ID, c.TransmitStamps = ourID+100, false
	s := opened(t, true, c)
	for seq := uint16(1); seq < 200; seq++ {
		if err := s.Send(request(s, seq, 0)); err != nil {
			t.Fatal(err)
		}
		if got := collect(t, s, 1); len(got) == 1 && strings.HasSuffix(got[0], " stamped") {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the kernel stamps nothing that arrives")
}

var (
	server4 = netip.MustParseAddr("10.77.3.2")
	server6 = netip.MustParseAddr("fd77:3::2")
)

func familyOf(a netip.Addr) Family {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// opened returns a configured socket. Nobody's ping sockets are opened by
// AllowPing; rawOnly asks for the other kind.
func opened(t *testing.T, rawOnly bool, c Config) *Socket {
	t.Helper()
	s, err := Open(familyOf(c.Dest), rawOnly)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Configure(c); err != nil {
		t.Fatal(err)
	}
	return s
}

func config(dest netip.Addr) Config {
	c := Config{Dest: dest, TTL: -1, TOS: -1, TransmitStamps: true}
	return c
}

func request(s *Socket, seq uint16, size int) []byte {
	data := make([]byte, size)
	if s.Family() == IPv6 {
		return wire.AppendICMPv6Echo(nil, netip.IPv6Unspecified(), netip.IPv6Unspecified(), wire.ICMPv6EchoRequest, s.ID(), seq, data)
	}
	return wire.AppendICMPv4Echo(nil, wire.ICMPv4EchoRequest, s.ID(), seq, data)
}

// collect returns what comes within 2 s, one line each, until it has want lines.
func collect(t *testing.T, s *Socket, want int) []string {
	t.Helper()
	var lines []string
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) && len(lines) < want; {
		m, err := s.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if m == nil {
			if err := s.Wait(100 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
			continue
		}
		lines = append(lines, line(m))
	}
	return lines
}

func line(m *Message) string {
	stamped := ""
	if !m.Stamp.IsZero() {
		stamped = " stamped"
	}
	if len(m.Data) > 0 {
		stamped = fmt.Sprintf(" type %d seq %d", m.Data[0], uint16(m.Data[6])<<8|uint16(m.Data[7])) + stamped
	}
	switch m.Kind {
	case Packet:
		return fmt.Sprintf("packet from %v ttl %d, %d bytes%s", m.From, m.TTL, len(m.Data), stamped)
	case ICMPError:
		return fmt.Sprintf("icmp %d/%d info %d by %v about %v%s", m.Type, m.Code, m.Info, m.Offender, m.From, stamped)
	case LocalError:
		return fmt.Sprintf("local %v info %d about %v", m.Errno, m.Info, m.From)
	}
	return fmt.Sprintf("sent %d%s", m.StampID, stamped)
}

func TestSocket(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		client, _, _, _ := lab(t)
		client.AllowPing(t)
		for _, rawOnly := range []bool{false, true} {
			for _, dest := range []netip.Addr{server4, server6} {
				c := config(dest)
				if rawOnly {
					c.ID = ourID
				}
				s := opened(t, rawOnly, c)
				if want := map[bool]Mode{false: Datagram, true: Raw}[rawOnly]; s.Mode() != want {
					t.Fatalf("%v socket, want %v", s.Mode(), want)
				}
				t.Run(fmt.Sprintf("%v %v", s.Family(), s.Mode()), func(t *testing.T) { conversation(t, s, rawOnly, dest) })
			}
		}
	})
}

// conversation sends one probe of each fate.
func conversation(t *testing.T, s *Socket, rawOnly bool, dest netip.Addr) {
	reply, echo, overhead, unreachable, exceeded, tooBig := 0, 8, 28, "3/1", "11/0", "3/4"
	router1, router2, absent := "10.77.1.2", "10.77.2.2", netip.MustParseAddr("10.77.3.99")
	if dest.Is6() {
		reply, echo, overhead, unreachable, exceeded, tooBig = 129, 128, 48, "1/3", "3/0", "2/0"
		router1, router2, absent = "fd77:1::2", "fd77:2::2", netip.MustParseAddr("fd77:3::99")
	}
	check := func(s *Socket, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, collect(t, s, len(want))); diff != "" {
			t.Errorf("messages (-want +got)\n%s", diff)
		}
	}
	if err := s.Send(request(s, 1, 56)); err != nil {
		t.Fatal(err)
	}
	check(s, "sent 0 stamped", fmt.Sprintf("packet from %v ttl 62, 64 bytes type %d seq 1 stamped", dest, reply))

	c := config(dest)
	c.ID, c.TTL = 0, 1
	if rawOnly {
		c.ID = otherID
	}
	near := opened(t, rawOnly, c)
	if err := near.Send(request(near, 7, 56)); err != nil {
		t.Fatal(err)
	}
	check(near, "sent 0 stamped", fmt.Sprintf("icmp %s info 0 by %s about %v type %d seq 7 stamped", exceeded, router1, dest, echo))

	c.TTL, c.MTU = -1, MTUProbe
	c.ID += 2
	whole := opened(t, rawOnly, c)
	if err := whole.Send(request(whole, 8, 1420-overhead)); err != nil {
		t.Fatal(err)
	}
	check(whole, "sent 0 stamped", fmt.Sprintf("icmp %s info 1400 by %s about %v type %d seq 8 stamped", tooBig, router2, dest, echo))
	if err := whole.Send(request(whole, 9, 3000)); err != unix.EMSGSIZE {
		t.Errorf("Send of 3000 bytes = %v, want EMSGSIZE", err)
	}
	check(whole, fmt.Sprintf("local message too long info 1500 about %v", dest))

	c.Dest, c.MTU = absent, MTUDefault
	c.ID += 2
	lost := opened(t, rawOnly, c)
	if err := lost.Send(request(lost, 10, 0)); err != nil {
		t.Fatal(err)
	}
	if got := collectFor(t, lost, 6*time.Second, 2); len(got) != 2 || !strings.HasPrefix(got[1], "icmp "+unreachable) {
		t.Errorf("messages %q, want a stamp and icmp %s", got, unreachable)
	}
}

// collectFor is collect with a longer patience: a router asks three times for a
// neighbour before it gives up.
func collectFor(t *testing.T, s *Socket, patience time.Duration, want int) []string {
	t.Helper()
	var lines []string
	for end := time.Now().Add(patience); time.Now().Before(end) && len(lines) < want; {
		lines = append(lines, collect(t, s, want-len(lines))...)
	}
	return lines
}

// A ping socket refuses to send while an ICMP error is pending. Receive must
// both give the error and clear the way.
func TestSocket_pendingError(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		client, _, _, _ := lab(t)
		client.AllowPing(t)
		c := config(server4)
		c.TTL, c.TransmitStamps = 1, false
		s := opened(t, false, c)
		if err := s.Send(request(s, 1, 56)); err != nil {
			t.Fatal(err)
		}
		if err := s.Wait(2 * time.Second); err != nil { // the error arrives, and nobody reads it
			t.Fatal(err)
		}
		err := s.Send(request(s, 2, 56))
		if err != unix.EHOSTUNREACH {
			t.Fatalf("second Send = %v, want the pending EHOSTUNREACH", err)
		}
		want := []string{"icmp 11/0 info 0 by 10.77.1.2 about 10.77.3.2 type 8 seq 1 stamped"}
		if diff := cmp.Diff(want, collect(t, s, 1)); diff != "" {
			t.Errorf("messages (-want +got)\n%s", diff)
		}
		if err := s.Send(request(s, 2, 56)); err != nil {
			t.Errorf("third Send = %v", err)
		}
	})
}

// The kernel numbers what it stamps, and a probe that a firewall of our own host
// refuses has taken a number already. The stamps of the later ones must still
// name the probes that they are about.
func TestSocket_stampsAfterRefusal(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nft := nstest.Peer(t, "nft")
	nstest.InNetns(t, func(t *testing.T) {
		client, _, _, _ := lab(t)
		client.AllowPing(t)
		firewall := func(rules string) {
			t.Helper()
			if r := client.Run(t, nft, rules); r.Status != 0 {
				t.Fatalf("nft: %s", r.Stderr)
			}
		}
		for _, rawOnly := range []bool{false, true} {
			for _, dest := range []netip.Addr{server4, server6} {
				c := config(dest)
				if rawOnly {
					c.ID = ourID
				}
				s := opened(t, rawOnly, c)
				refusal, want := error(unix.EPERM), []string{"sent 0 stamped", "sent 1 stamped", "sent 2 stamped"}
				if !rawOnly && dest.Is6() {
					// The kernel says nothing here (ping_v6_sendmsg, net/ipv6/ping.c), so
					// these are probes like others.
					refusal, want = nil, []string{"sent 0 stamped", "sent 4 stamped", "sent 5 stamped"}
				}
				stampOf := func(seq uint16) string {
					t.Helper()
					if err := s.Send(request(s, seq, 56)); err != nil {
						t.Fatal(err)
					}
					got := collect(t, s, 2) // the stamp comes before the answer
					if len(got) != 2 {
						t.Fatalf("messages %q", got)
					}
					return got[0]
				}
				got := []string{stampOf(1)}
				firewall("add table inet t; add chain inet t o { type filter hook output priority 0; }; " +
					"add rule inet t o icmp type echo-request drop; add rule inet t o icmpv6 type echo-request drop")
				for seq := range uint16(3) {
					if err := s.Send(request(s, 2+seq, 56)); err != refusal {
						t.Fatalf("refused Send = %v, want %v", err, refusal)
					}
				}
				firewall("delete table inet t")
				got = append(got, stampOf(5), stampOf(6))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%v %v: stamps (-want +got)\n%s", s.Family(), s.Mode(), diff)
				}
			}
		}
	})
}

// The device must not hide the errors of our own host: neighbours that do not
// answer are reported through the loopback device.
func TestSocket_device(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		lab(t)
		c := config(netip.MustParseAddr("10.77.1.99"))
		c.Device, c.ID, c.TransmitStamps = "c0", ourID, false
		s := opened(t, true, c)
		if err := s.Send(request(s, 1, 56)); err != nil {
			t.Fatal(err)
		}
		want := []string{"icmp 3/1 info 0 by 10.77.1.1 about 10.77.1.99 type 8 seq 1 stamped"}
		if diff := cmp.Diff(want, collectFor(t, s, 6*time.Second, 1)); diff != "" {
			t.Errorf("messages (-want +got)\n%s", diff)
		}
	})
}

// What finds no room is counted, also when no packet comes after it.
func TestSocket_drops(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Here(t).AllowPing(t)
		for _, tt := range []struct {
			host    string
			rawOnly bool
		}{{"127.0.0.1", false}, {"127.0.0.1", true}, {"::1", true}} {
			rawOnly := tt.rawOnly
			c := config(netip.MustParseAddr(tt.host))
			c.TransmitStamps, c.ReceiveBuffer = false, 1
			if rawOnly {
				c.ID = ourID
			}
			s := opened(t, rawOnly, c)
			const probes = 50
			for seq := range uint16(probes) {
				if err := s.Send(request(s, seq, 1000)); err != nil {
					t.Fatal(err)
				}
			}
			drops, ok := s.Drops()
			got := 0
			for m, err := s.Receive(); m != nil || err != nil; m, err = s.Receive() {
				got++
			}
			// A raw socket that has no room counts the requests on the loopback device too.
			if !ok || got == 0 || got == probes || drops.Damaged != 0 || int(drops.Full) < probes-got || !rawOnly && int(drops.Full) != probes-got {
				t.Errorf("%s, %v: %d of %d arrived, %+v dropped, %v", tt.host, s.Mode(), got, probes, drops, ok)
			}
		}
	})
}

func TestSource(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		client, _, _, _ := lab(t)
		addr := netip.MustParseAddr
		client.Netlink(t, prohibit)
		for _, tt := range []struct {
			name   string
			change func(*Config)
			want   string
			op     string
			err    error
		}{
			{"server", func(*Config) {}, "10.77.1.1", "", nil},
			{"server, IPv6", func(c *Config) { c.Dest = server6 }, "fd77:1::1", "", nil},
			{"ourselves", func(c *Config) { c.Dest = addr("0.0.0.0") }, "127.0.0.1", "", nil},
			{"through a device", func(c *Config) { c.Device = "c0" }, "10.77.1.1", "", nil},
			{"no such device", func(c *Config) { c.Device = "nosuch0" }, "", "SO_BINDTODEVICE", unix.ENODEV},
			{"not our address", func(c *Config) { c.Source = addr("10.9.9.9") }, "", "bind", unix.EADDRNOTAVAIL},
			{"broadcast", func(c *Config) { c.Dest = addr("10.77.1.255") }, "", "connect", unix.EACCES},
			{"broadcast, allowed", func(c *Config) { c.Dest, c.Broadcast = addr("10.77.1.255"), true }, "10.77.1.1", "", nil},
			{"prohibited, broadcast or not", func(c *Config) { c.Dest, c.Broadcast = addr("10.90.0.1"), true }, "", "connect", unix.EACCES},
			{"past the routing table", func(c *Config) { c.DontRoute = true }, "", "connect", unix.ENETUNREACH},
		} {
			c := config(server4)
			tt.change(&c)
			got, err := Source(familyOf(c.Dest), c)
			if tt.err == nil {
				if err != nil || got != addr(tt.want) {
					t.Errorf("%s: %v, %v; want %s", tt.name, got, err, tt.want)
				}
				continue
			}
			wrong, ok := err.(*SocketError)
			if !ok || wrong.Op != tt.op || wrong.Err != tt.err || got.IsValid() {
				t.Errorf("%s: %v, %v; want %s: %v", tt.name, got, err, tt.op, tt.err)
			}
		}
	})
}

// Without a group in ping_group_range and without CAP_NET_RAW there is no
// socket, and the error says which kind was tried last.
func TestOpen_noRight(t *testing.T) {
	nstest.Require(t, nstest.Netns)
	nstest.InNetns(t, func(t *testing.T) {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		done := make(chan error)
		go func() { // its thread ends with it: it is never unlocked
			lockThread()
			if err := unix.Capset(&header, &none[0]); err != nil {
				done <- err
				return
			}
			_, err := Open(IPv4, false)
			done <- err
		}()
		err := <-done
		wrong, ok := err.(*SocketError)
		if !ok || !wrong.NoRight() {
			t.Fatalf("Open = %v, want a SocketError without right", err)
		}
		if diff := cmp.Diff(SocketError{Op: "socket", Family: IPv4, Mode: Raw, Err: unix.EPERM}, *wrong); diff != "" {
			t.Errorf("error (-want +got)\n%s", diff)
		}
	})
}

func TestWait_wake(t *testing.T) {
	nstest.Require(t, nstest.Netns, nstest.Raw)
	nstest.InNetns(t, func(t *testing.T) {
		c := config(netip.MustParseAddr("127.0.0.1"))
		c.ID = ourID
		s := opened(t, true, c)
		s.Wake()
		if err := s.Wait(-1); err != nil { // without the wake-up this never returns
			t.Fatal(err)
		}
		m, err := s.Receive()
		if m != nil || err != nil {
			t.Errorf("Receive = %v, %v, want nothing", m, err)
		}
	})
}

// realControls are the control messages of real sockets, as captured: one line
// each, a name and the bytes.
func realControls() [][]byte {
	text, err := os.ReadFile("testdata/control.txt")
	if err != nil {
		panic(err)
	}
	var all [][]byte
	for entry := range strings.Lines(string(text)) {
		var name string
		var b []byte
		if n, err := fmt.Sscanf(entry, "%s %x", &name, &b); n != 2 || err != nil {
			panic(fmt.Sprintf("testdata/control.txt: %q: %v", entry, err))
		}
		all = append(all, b)
	}
	if len(all) == 0 {
		panic("testdata/control.txt holds no capture")
	}
	return all
}
