package sockdiag

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/nstest"
)

// These tests talk to the kernel of the machine, in namespaces of their own.

func mustDial(t *testing.T) *Conn {
	t.Helper()
	c, err := Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// collect returns copies of the rows.
func collect(t *testing.T, c *Conn, req Request) (rows []*InetRow) {
	t.Helper()
	for row, err := range c.Inet(req) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row.Clone())
	}
	return rows
}

// sockaddr is where to bind or to connect.
func sockaddr(addr string) (family int, sa unix.Sockaddr) {
	a := netip.MustParseAddrPort(addr)
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// lab makes sockets, and closes them at the end of the test.
type lab struct{ t *testing.T }

func (l lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// socket makes a socket bound to addr, after the options.
func (l lab) socket(typ int, addr string, options ...func(fd int) error) int {
	l.t.Helper()
	family, sa := sockaddr(addr)
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, 0)
	l.must(err)
	l.t.Cleanup(func() { unix.Close(fd) })
	for _, option := range append([]func(int) error{number(unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)}, options...) {
		l.must(option(fd))
	}
	l.must(unix.Bind(fd, sa))
	return fd
}

func number(level, option, value int) func(int) error {
	return func(fd int) error { return unix.SetsockoptInt(fd, level, option, value) }
}

func (l lab) listen(addr string, backlog int, options ...func(int) error) int {
	l.t.Helper()
	fd := l.socket(unix.SOCK_STREAM, addr, options...)
	l.must(unix.Listen(fd, backlog))
	return fd
}

func (l lab) connect(from, to string, options ...func(int) error) int {
	l.t.Helper()
	fd := l.socket(unix.SOCK_STREAM, from, options...)
	_, sa := sockaddr(to)
	l.must(unix.Connect(fd, sa))
	return fd
}

// begin starts a connection and does not wait for its end.
func (l lab) begin(from, to string) int {
	l.t.Helper()
	fd := l.socket(unix.SOCK_STREAM, from, func(fd int) error { return unix.SetNonblock(fd, true) })
	_, sa := sockaddr(to)
	if err := unix.Connect(fd, sa); err != unix.EINPROGRESS {
		l.t.Fatalf("connect %s: %v", to, err)
	}
	return fd
}

func (l lab) accept(listener int) int {
	l.t.Helper()
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	l.must(err)
	l.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// close closes a socket now; the number is not closed again at the end, since
// it is given to nobody else: /dev/null takes its place.
func (l lab) close(fd int) {
	l.t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	l.must(err)
	l.must(unix.Dup3(null, fd, unix.O_CLOEXEC))
	l.must(unix.Close(null))
}

// states makes a TCP socket in each state, some more with what conditions ask
// for, and some of UDP. A connection to 10.0.0.2 loses all that we send once the neighbour's entry is
// wrong, and so stays in the state in which our FIN is not acknowledged.
func states(t *testing.T) {
	l := lab{t}
	here, peer := nstest.Here(t), nstest.NewHost(t, "peer")
	nstest.Connect(t, 1500,
		nstest.End{Host: here, Name: "e0", Addrs: []string{"10.0.0.1/24", "fd00::1/64"}},
		nstest.End{Host: peer, Name: "e0", Addrs: []string{"10.0.0.2/24", "fd00::2/64"}})
	wrong := func(addr string) {
		t.Helper()
		if r := here.Run(t, nstest.Peer(t, "ip"), "neigh", "replace", addr, "lladdr", "02:00:00:00:00:99", "dev", "e0"); r.Status != 0 {
			t.Fatal(r.Stderr)
		}
	}

	four := l.listen("127.0.0.1:5000", 7, number(unix.IPPROTO_IP, unix.IP_TOS, 0x10))
	dual := l.listen("[::]:5001", 8)
	l.listen("[::]:5002", 9, number(unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1))
	l.listen("0.0.0.0:5003", 3, number(unix.SOL_SOCKET, unix.SO_MARK, 0x11))
	l.listen("10.0.0.1:5004", 3, func(fd int) error { return unix.BindToDevice(fd, "e0") })

	pair := func(listener int, from, to string) (client, server int) {
		t.Helper()
		client = l.connect(from, to, number(unix.SOL_SOCKET, unix.SO_MARK, 0x10))
		return client, l.accept(listener)
	}
	pair(four, "127.0.0.1:40000", "127.0.0.1:5000")
	pair(dual, "[::1]:40001", "[::1]:5001")
	pair(dual, "127.0.0.1:40002", "127.0.0.1:5001") // mapped at the server
	l.connect("127.0.0.1:40003", "127.0.0.1:5000")  // waits for accept
	l.accept(four)
	l.connect("127.0.0.1:40004", "127.0.0.1:5000")
	client, _ := pair(dual, "[::1]:40005", "[::1]:5001")
	l.close(client)                                      // FIN_WAIT2 and CLOSE_WAIT
	awaitState(t, "[::1]:40005", unix.BPF_TCP_FIN_WAIT2) // the acknowledgement may be delayed
	_, server := pair(dual, "[::1]:40006", "[::1]:5001")
	_, err := unix.Write(server, make([]byte, 3000))
	l.must(err) // not read
	client, server = pair(dual, "127.0.0.1:40007", "127.0.0.1:5001")
	l.close(client)
	l.close(server) // TIME_WAIT
	l.socket(unix.SOCK_STREAM, "127.0.0.1:5009")

	deferring := l.listen("10.0.0.1:5005", 5, number(unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 20))
	_ = deferring
	remote := l.listen("127.0.0.1:5999", 1)
	var fd [3]int
	peer.Do(t, func() error {
		remote = l.listen("10.0.0.2:6000", 9)
		l.begin("10.0.0.2:41000", "10.0.0.1:5005") // SYN_RECV here: no data follows
		return nil
	})
	for i := range fd {
		fd[i] = l.connect(fmt.Sprintf("10.0.0.1:4200%d", i), "10.0.0.2:6000")
	}
	var far [3]int
	for range far {
		conn := l.accept(remote)
		sa, err := unix.Getpeername(conn)
		l.must(err)
		far[sa.(*unix.SockaddrInet4).Port-42000] = conn
	}
	wrong("10.0.0.2")
	wrong("10.0.0.77")
	l.begin("10.0.0.1:42010", "10.0.0.77:1") // SYN_SENT
	l.close(fd[0])                           // FIN_WAIT1
	l.close(fd[1])
	l.close(far[1]) // CLOSING: the other end closes without having seen our FIN
	l.close(far[2])
	awaitState(t, "10.0.0.1:42002", unix.BPF_TCP_CLOSE_WAIT)
	l.close(fd[2]) // LAST_ACK
	awaitState(t, "10.0.0.1:42001", unix.BPF_TCP_CLOSING)
	awaitState(t, "10.0.0.1:5005", unix.BPF_TCP_SYN_RECV)

	l.socket(unix.SOCK_DGRAM, "0.0.0.0:53")
	l.socket(unix.SOCK_DGRAM, "[::]:54", number(unix.SOL_SOCKET, unix.SO_MARK, 7))
	l.socket(unix.SOCK_DGRAM, "[::1]:56")
	l.socket(unix.SOCK_DGRAM, "[::ffff:127.0.0.1]:57", func(fd int) error { return unix.BindToDevice(fd, "lo") })
	udp := l.socket(unix.SOCK_DGRAM, "127.0.0.1:55", func(fd int) error { return unix.BindToDevice(fd, "lo") })
	l.must(unix.Connect(udp, &unix.SockaddrInet4{Port: 53, Addr: [4]byte{127, 0, 0, 1}}))
	_, err = unix.Write(udp, []byte("not read"))
	l.must(err)
}

// awaitState waits for a socket of that state and local end.
func awaitState(t *testing.T, local string, state uint8) {
	t.Helper()
	c := mustDial(t)
	for range 500 {
		for _, row := range collect(t, c, Request{Protocol: unix.IPPROTO_TCP, States: 1 << state}) {
			if row.Local.String() == local {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no socket at %s in state %d", local, state)
}

// fileRow is one socket in the notation of /proc/net/tcp: state, ends, queues,
// kind of timer, owner, inode.
func fileRow(r *InetRow) string {
	words := func(a netip.AddrPort) string {
		var s strings.Builder
		for b := range slices.Chunk(a.Addr().AsSlice(), 4) {
			fmt.Fprintf(&s, "%08X", hostUint32(b))
		}
		return fmt.Sprintf("%s:%04X", s.String(), a.Port())
	}
	tx := r.WQueue
	if r.State == unix.BPF_TCP_LISTEN {
		tx = 0
	}
	return fmt.Sprintf("%s %s %02X %08X:%08X %02X %d %d", words(r.Local), words(r.Remote), r.State, tx, r.RQueue, r.Timer, r.UID, r.Inode)
}

// fileRows reads a file of /proc/net into the same notation.
func fileRows(t *testing.T, file string) (rows []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		f := strings.Fields(line)
		rows = append(rows, strings.Join([]string{f[1], f[2], f[3], f[4], f[5][:2], f[7], f[9]}, " "))
	}
	slices.Sort(rows)
	return rows
}

// TestInet_theKernelsOwnFiles: in every state of TCP, and for UDP, the rows are
// those of /proc/net.
func TestInet_theKernelsOwnFiles(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		states(t)
		c := mustDial(t)
		seen := map[uint8]bool{}
		for _, tc := range []struct {
			file             string
			family, protocol uint8
		}{
			{"tcp", unix.AF_INET, unix.IPPROTO_TCP}, {"tcp6", unix.AF_INET6, unix.IPPROTO_TCP},
			{"udp", unix.AF_INET, unix.IPPROTO_UDP}, {"udp6", unix.AF_INET6, unix.IPPROTO_UDP},
		} {
			var got []string
			for _, row := range collect(t, c, Request{Family: tc.family, Protocol: tc.protocol}) {
				got = append(got, fileRow(row))
				if tc.protocol == unix.IPPROTO_TCP {
					seen[row.State] = true
				}
			}
			slices.Sort(got)
			mustEqual(t, fileRows(t, tc.file), got)
		}
		for state := uint8(1); state <= 11; state++ {
			if !seen[state] && state != unix.BPF_TCP_CLOSE {
				t.Errorf("no socket in state %d", state)
			}
		}
	})
}

// TestInet_bothFamiliesInOneWalk: the same sockets as in two walks, and bound
// ones when they are asked for.
func TestInet_bothFamiliesInOneWalk(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		states(t)
		c := mustDial(t)
		list := func(family uint8, states uint32) (rows []string) {
			for _, row := range collect(t, c, Request{Family: family, Protocol: unix.IPPROTO_TCP, States: states}) {
				rows = append(rows, fmt.Sprint(row.Family, row.Cookie, " ", fileRow(row)))
			}
			slices.Sort(rows)
			return rows
		}
		two := append(list(unix.AF_INET, 0), list(unix.AF_INET6, 0)...)
		slices.Sort(two)
		mustEqual(t, two, list(0, 0))
		listening := func(s string) bool { return strings.Contains(s, " 0A ") }
		mustEqual(t, slices.DeleteFunc(two, func(s string) bool { return !listening(s) }), list(0, 1<<unix.BPF_TCP_LISTEN))
		bound := collect(t, c, Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, States: 1 << 13})
		if len(bound) > 1 || len(bound) == 1 && bound[0].Local.Port() != 5009 {
			t.Errorf("bound sockets: %v", bound)
		}
	})
}

// TestInet_whatALivingKernelTells looks at single sockets whose options are
// known.
func TestInet_whatALivingKernelTells(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		states(t)
		c := mustDial(t)
		const ext = ExtInfo | ExtCong | ExtTOS | ExtTClass | ExtSkMemInfo | ExtMemInfo
		byLocal := map[string]*InetRow{}
		for _, row := range collect(t, c, Request{Protocol: unix.IPPROTO_TCP, Ext: ext}) {
			if row.State == unix.BPF_TCP_LISTEN || row.Local.Port() == 40006 {
				byLocal[row.Local.String()] = row
			}
		}
		four, six, marked, client := byLocal["127.0.0.1:5000"], byLocal["[::]:5002"], byLocal["0.0.0.0:5003"], byLocal["[::1]:40006"]
		if four.TOS != 0x10 || four.RQueue != 1 || four.WQueue != 7 || four.Info.Unacked != 1 || four.Info.Sacked != 7 {
			t.Errorf("a listener with TOS 0x10 and 1 of 7 connections waiting: %+v", four)
		}
		if !six.V6Only || six.Has&ExtV6Only == 0 || byLocal["[::]:5001"].V6Only {
			t.Errorf("an IPv6-only listener: %+v", six)
		}
		if marked.Mark != 0x11 || marked.Has&ExtMark == 0 {
			t.Errorf("a listener with mark 0x11: %+v", marked)
		}
		if client.RQueue != 3000 || client.Info.BytesReceived != 3000 || client.Info.State != 1 || client.Info.RTT == 0 || !client.Info.Has(InfoBase) {
			t.Errorf("a client with 3000 bytes unread: %+v", client)
		}
		if client.SkMem.RcvBuf == 0 || client.Mem.RMem == 0 || client.Has&ext != ext {
			t.Errorf("a client's memory: %+v", client)
		}
		cong, err := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control")
		if err != nil || strings.TrimSpace(string(cong)) != string(client.Cong) {
			t.Errorf("congestion control %q, the system's is %q, %v", client.Cong, cong, err)
		}
	})
}

// TestTCPInfo_asGetsockopt: inet_diag's struct is the one of getsockopt(2).
func TestTCPInfo_asGetsockopt(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		listener := l.listen("127.0.0.1:5000", 1)
		fd := l.connect("127.0.0.1:40000", "127.0.0.1:5000")
		l.accept(listener)
		_, err := unix.Write(fd, make([]byte, 1234))
		l.must(err)
		rows := collect(t, mustDial(t), Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, States: 1 << 1, Ext: ExtInfo})
		at := slices.IndexFunc(rows, func(r *InetRow) bool { return r.Local.Port() == 40000 })
		want, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		l.must(err)
		got := rows[at].Info
		us := func(n uint32) time.Duration { return time.Duration(n) * time.Microsecond }
		mustEqual(t,
			[]any{want.State, want.Options, us(want.Rto), us(want.Rtt), us(want.Rttvar), want.Snd_mss, want.Pmtu, want.Snd_cwnd, want.Snd_ssthresh,
				want.Advmss, want.Segs_out, want.Data_segs_out, want.Bytes_sent, want.Bytes_acked, want.Delivered, us(want.Min_rtt), want.Snd_wnd, want.Rcv_wnd, want.Pacing_rate, want.Rcv_space},
			[]any{got.State, got.Options, got.RTO, got.RTT, got.RTTVar, got.SndMSS, got.PMTU, got.SndCwnd, got.SndSsthresh,
				got.AdvMSS, got.SegsOut, got.DataSegsOut, got.BytesSent, got.BytesAcked, got.Delivered, got.MinRTT, got.SndWnd, got.RcvWnd, got.PacingRate, got.RcvSpace})
	})
}

// TestInet_absentModule: a protocol without a diag module is a refusal with
// ENOENT, and the connection goes on.
func TestInet_absentModule(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		c := mustDial(t)
		const noProtocol = 99
		for row, err := range c.Inet(Request{Family: unix.AF_INET, Protocol: noProtocol}) {
			if row != nil || !netlink.IsRefused(err) || !errors.Is(err, unix.ENOENT) {
				t.Errorf("%v, %v", row, err)
			}
		}
		if rows := collect(t, c, Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP}); len(rows) != 0 {
			t.Errorf("%d sockets in an empty namespace", len(rows))
		}
	})
}

// randomCond makes conditions of values that the sockets have.
func randomCond(rng *rand.Rand, rows []*InetRow, depth int) Cond {
	like := rows[rng.IntN(len(rows))]
	side := Side(rng.IntN(2) == 0)
	kind := rng.IntN(9)
	if depth == 0 {
		kind = rng.IntN(5)
	}
	switch kind {
	case 0:
		return Port{side, Cmp(rng.IntN(3)), side.of(like).Port() + uint16(rng.IntN(3)) - 1}
	case 1, 2:
		addr := side.of(like).Addr()
		if rng.IntN(2) == 0 {
			addr = addr.Unmap()
		}
		return Host{side, netip.PrefixFrom(addr, rng.IntN(addr.BitLen()+1))}
	case 3:
		return Dev(like.Interface)
	case 4:
		if rng.IntN(2) == 0 {
			return Cgroup(like.CgroupID)
		}
		return Mark{like.Mark, uint32(rng.IntN(256)) | like.Mark}
	case 5, 6:
		return Not{randomCond(rng, rows, depth-1)}
	}
	var all []Cond
	for range 1 + rng.IntN(3) {
		all = append(all, randomCond(rng, rows, depth-1))
	}
	if kind == 7 {
		return And(all)
	}
	return Or(all)
}

// TestBytecode_theKernelAgrees: for many conditions the rows that the kernel
// lets through are those of which Eval says so.
func TestBytecode_theKernelAgrees(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		states(t)
		c := mustDial(t)
		rng := rand.New(rand.NewPCG(1, 2))
		for _, table := range []struct {
			family, protocol uint8
			conditions       int
		}{{unix.AF_INET, unix.IPPROTO_TCP, 120}, {unix.AF_INET6, unix.IPPROTO_TCP, 120}, {unix.AF_INET, unix.IPPROTO_UDP, 300}, {unix.AF_INET6, unix.IPPROTO_UDP, 300}} {
			req := Request{Family: table.family, Protocol: table.protocol}
			all, apart := collect(t, c, req), 0
			for range table.conditions {
				cond := randomCond(rng, all, 3)
				n := agree(t, c, req, cond, &all)
				if n > 0 && n < len(all) {
					apart++
				}
			}
			if apart < table.conditions/6 {
				t.Errorf("only %d of %d conditions told sockets apart", apart, table.conditions)
			}
		}
	})
}

// agree compares the kernel's answer with Eval over all and returns the number
// of sockets. Sockets in TIME_WAIT end on their own: at a difference
// all is read anew, once.
func agree(t *testing.T, c *Conn, req Request, cond Cond, all *[]*InetRow) int {
	t.Helper()
	code, err := Compile(cond)
	if err != nil {
		t.Fatal(err)
	}
	filtered := req
	filtered.Bytecode = code
	for again := false; ; again = true {
		got := picked(collect(t, c, filtered), func(*InetRow) bool { return true })
		want := picked(*all, func(r *InetRow) bool { return Eval(cond, r) })
		if slices.Equal(want, got) {
			return len(got)
		}
		if again {
			t.Fatalf("%#v: the kernel lets %q pass, Eval %q", cond, got, want)
		}
		*all = collect(t, c, req)
	}
}

// picked names the sockets for which wanted holds.
func picked(rows []*InetRow, wanted func(*InetRow) bool) (names []string) {
	for _, r := range rows {
		if wanted(r) {
			names = append(names, fmt.Sprint(r.State, " ", r.Local, " ", r.Remote))
		}
	}
	slices.Sort(names)
	return names
}

// TestBytecode_limits: the kernel takes the longest program, and refuses one
// that is not well formed, as the tests' own machine does.
func TestBytecode_limits(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		l.listen("127.0.0.1:5000", 1)
		c := mustDial(t)
		var long Or
		for long.size()+20 <= maxProgram {
			long = append(long, host(Dest, "192.0.2.1/32"))
		}
		long[len(long)-1] = Port{Source, Eq, 5000}
		for _, tc := range []struct {
			c    Cond
			want int
		}{{long, 1}, {Not{long}, 0}, {And{}, 1}, {Or{}, 0}} {
			code, err := Compile(tc.c)
			l.must(err)
			if rows := collect(t, c, Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Bytecode: code}); len(rows) != tc.want {
				t.Errorf("%d sockets pass a program of %d bytes, want %d", len(rows), len(code), tc.want)
			}
		}
		for _, bad := range [][]byte{{1, 4, 0, 0}, {99, 4, 4, 0}, {2, 4, 8, 0}, {0, 5, 0, 0}, {1, 4, 12, 0}} {
			if (machine{bad}).audited() == nil {
				t.Errorf("% x passes the audit", bad)
			}
			for _, err := range c.Inet(Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP, Bytecode: bad}) {
				if !netlink.IsRefused(err) || !errors.Is(err, unix.EINVAL) {
					t.Errorf("% x: %v, want EINVAL", bad, err)
				}
			}
		}
	})
}

// TestInet_noAllocationPerDatagram: 30 sockets come in one datagram, 1500 in
// many, and both cost the same.
func TestInet_noAllocationPerDatagram(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		c := mustDial(t)
		read := func(want int) float64 {
			return testing.AllocsPerRun(10, func() {
				n := 0
				for _, err := range c.Inet(Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_UDP, Ext: ExtSkMemInfo}) {
					l.must(err)
					n++
				}
				if n != want {
					t.Fatalf("%d sockets, want %d", n, want)
				}
			})
		}
		counts := map[int]float64{}
		for i := range 900 {
			if i == 30 {
				counts[30] = read(30)
			}
			l.socket(unix.SOCK_DGRAM, fmt.Sprintf("127.0.0.1:%d", 10000+i))
		}
		if counts[900] = read(900); counts[30] != counts[900] {
			t.Errorf("%v allocations for 30 sockets, %v for 900", counts[30], counts[900])
		}
	})
}

// TestUnix_theKernelsOwnFile: the sockets of /proc/net/unix, their names and
// their ends.
func TestUnix_theKernelsOwnFile(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		dir := nstest.SocketDir(t, t.TempDir())
		bound := func(typ int, name string) int {
			fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
			l.must(err)
			t.Cleanup(func() { unix.Close(fd) })
			l.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
			return fd
		}
		path := dir + "/a b"
		listener := bound(unix.SOCK_STREAM, path)
		l.must(unix.Listen(listener, 6))
		bound(unix.SOCK_DGRAM, "@abstract\x00name")
		bound(unix.SOCK_SEQPACKET, dir+"/\xff\x1b")
		client, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		l.must(err)
		t.Cleanup(func() { unix.Close(client) })
		l.must(unix.Connect(client, &unix.SockaddrUnix{Name: path}))
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		l.must(err)
		_, err = unix.Write(pair[0], []byte("12345"))
		l.must(err)
		t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })

		rows := map[uint32]*UnixRow{}
		for row, err := range mustDial(t).Unix(ShowName | ShowVFS | ShowPeer | ShowRQLen | ShowUID | ShowMemory) {
			l.must(err)
			rows[row.Inode] = row.Clone()
		}
		var got []string
		for _, row := range rows {
			if row.Inode != 0 {
				name := strings.ReplaceAll(string(row.Name), "\x00", "@")
				got = append(got, strings.TrimSpace(fmt.Sprintf("%04X %d %s", row.Type, row.Inode, name)))
			}
		}
		slices.Sort(got)
		mustEqual(t, unixFile(t), got)

		inode := func(fd int) uint32 {
			var st unix.Stat_t
			l.must(unix.Fstat(fd, &st))
			return uint32(st.Ino)
		}
		if r := rows[inode(listener)]; r.State != 10 || r.RQueue != 1 || r.WQueue != 6 || r.VFSInode == 0 {
			t.Errorf("a listener with 1 of 6 connections waiting: %+v", r)
		}
		one, two := rows[inode(pair[0])], rows[inode(pair[1])]
		if one.Peer != two.Inode || two.Peer != one.Inode || one.Cookie == two.Cookie || two.RQueue != 5 || one.Has&UnixUID == 0 {
			t.Errorf("a pair with 5 bytes under way: %+v, %+v", one, two)
		}
	})
}

// unixFile reads type, inode and name from /proc/net/unix.
func unixFile(t *testing.T) (rows []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n")[1:] {
		head, name, _ := strings.Cut(line[strings.Index(line, ":")+2:], "/")
		if name != "" {
			name = "/" + name
		}
		f := strings.Fields(head)
		if len(f) > 6 {
			name = strings.Join(f[6:], " ")
		}
		if f[5] != "0" {
			rows = append(rows, strings.TrimSpace(f[3]+" "+f[5]+" "+name))
		}
	}
	slices.Sort(rows)
	return rows
}

// destroyed asks the kernel to end the one socket with that local end.
func destroyed(t *testing.T, protocol uint8, local string) error {
	t.Helper()
	c := mustDial(t)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		for _, row := range collect(t, c, Request{Family: family, Protocol: protocol}) {
			if row.Local.String() == local {
				return c.Destroy(protocol, row)
			}
		}
	}
	t.Fatalf("no socket at %s", local)
	return nil
}

// TestDestroy_everyState: after the call the socket is gone, whatever state it
// was in.
func TestDestroy_everyState(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		states(t)
		for _, tc := range []struct {
			name, local string
		}{
			{"established", "127.0.0.1:40000"},
			{"established, IPv6", "[::1]:40001"},
			{"established, mapped", "[::ffff:127.0.0.1]:5001"},
			{"FIN_WAIT2", "[::1]:40005"},
			{"TIME_WAIT", "127.0.0.1:40007"},
			{"SYN_SENT", "10.0.0.1:42010"},
			{"FIN_WAIT1", "10.0.0.1:42000"},
			{"CLOSING", "10.0.0.1:42001"},
			{"LAST_ACK", "10.0.0.1:42002"},
			{"SYN_RECV", "10.0.0.1:5005"},
			{"LISTEN", "[::]:5002"},
			{"LISTEN on a device", "10.0.0.1:5004"},
		} {
			t.Run(tc.name, func(t *testing.T) {
				before := cookies(t, unix.IPPROTO_TCP, tc.local)
				if err := destroyed(t, unix.IPPROTO_TCP, tc.local); err != nil {
					t.Fatal(err)
				}
				after := cookies(t, unix.IPPROTO_TCP, tc.local)
				if len(after) != len(before)-1 {
					t.Errorf("%d sockets at %s before, %d after", len(before), tc.local, len(after))
				}
			})
		}
	})
}

func cookies(t *testing.T, protocol uint8, local string) (all []uint64) {
	t.Helper()
	c := mustDial(t)
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		for _, row := range collect(t, c, Request{Family: family, Protocol: protocol}) {
			if row.Local.String() == local {
				all = append(all, row.Cookie)
			}
		}
	}
	return all
}

// TestDestroy_datagrams: a UDP socket is disconnected and its owner gets
// ECONNABORTED once; a port that was bound stays bound (net/ipv4/udp.c, udp_abort).
func TestDestroy_datagrams(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		bound, free := l.socket(unix.SOCK_DGRAM, "127.0.0.1:55"), l.socket(unix.SOCK_DGRAM, "[::1]:0")
		_, sa := sockaddr("127.0.0.1:56")
		l.must(unix.Connect(bound, sa))
		_, sa = sockaddr("[::1]:57")
		l.must(unix.Connect(free, sa))
		six := collect(t, mustDial(t), Request{Family: unix.AF_INET6, Protocol: unix.IPPROTO_UDP})[0]
		l.must(destroyed(t, unix.IPPROTO_UDP, "127.0.0.1:55"))
		l.must(mustDial(t).Destroy(unix.IPPROTO_UDP, six))
		for _, fd := range []int{bound, free} {
			if _, _, err := unix.Recvfrom(fd, nil, unix.MSG_DONTWAIT); err != unix.ECONNABORTED {
				t.Errorf("its owner: %v, want ECONNABORTED", err)
			}
		}
		rows := collect(t, mustDial(t), Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_UDP})
		if len(rows) != 1 || rows[0].Local.Port() != 55 || rows[0].Remote.Port() != 0 {
			t.Errorf("sockets that are left: %v", rows)
		}
		if rows := collect(t, mustDial(t), Request{Family: unix.AF_INET6, Protocol: unix.IPPROTO_UDP}); len(rows) != 0 {
			t.Errorf("sockets that are left: %v", rows)
		}
	})
}

// TestDestroy_itsOwner learns of it by ECONNABORTED, the peer by a reset.
func TestDestroy_itsOwner(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		listener := l.listen("127.0.0.1:5000", 1)
		client := l.connect("127.0.0.1:40000", "127.0.0.1:5000")
		server := l.accept(listener)
		l.must(destroyed(t, unix.IPPROTO_TCP, "127.0.0.1:40000"))
		buf := make([]byte, 1)
		_, err := unix.Read(client, buf)
		_, errPeer := unix.Read(server, buf)
		if err != unix.ECONNABORTED || errPeer != unix.ECONNRESET {
			t.Errorf("owner: %v, peer: %v", err, errPeer)
		}
	})
}

// TestDestroy_byCookie: another socket that took the same addresses is left
// alone.
func TestDestroy_byCookie(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		l := lab{t}
		c := mustDial(t)
		old := l.listen("127.0.0.1:5000", 1)
		row := collect(t, c, Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP})[0]
		l.close(old)
		err := c.Destroy(unix.IPPROTO_TCP, row)
		if !netlink.IsRefused(err) || !errors.Is(err, unix.ENOENT) {
			t.Errorf("a socket that is gone: %v, want ENOENT", err)
		}
		l.listen("127.0.0.1:5000", 1)
		err = c.Destroy(unix.IPPROTO_TCP, row)
		if !netlink.IsRefused(err) || !errors.Is(err, unix.ENOENT) {
			t.Errorf("another socket's addresses: %v, want ENOENT", err)
		}
		if rows := collect(t, c, Request{Family: unix.AF_INET, Protocol: unix.IPPROTO_TCP}); len(rows) != 1 || rows[0].Cookie == row.Cookie {
			t.Errorf("%d sockets are left", len(rows))
		}
	})
}

// TestDestroy_request holds the bytes that are sent.
func TestDestroy_request(t *testing.T) {
	c, kernel := scripted(20, 0)
	row := headOf(unix.AF_INET6, 1, local6, remote6)
	for _, err := range []error{c.Destroy(unix.IPPROTO_TCP, &row), c.Destroy(unix.IPPROTO_RAW, &row)} {
		if err != nil {
			t.Error(err)
		}
	}
	message := func(protocol, raw uint8) []byte {
		return sockID(host32([]byte{10, protocol, 0, raw}, 2), local6, remote6, 4, 0x1112131415161718)
	}
	for i, body := range [][]byte{message(6, 0), message(255, 0x34)} {
		got := kernel.Requests[i]
		if typ := binary.NativeEndian.Uint16(got[4:]); typ != 21 {
			t.Errorf("request of type %d", typ)
		}
		mustEqual(t, body, got[unix.NLMSG_HDRLEN:])
	}
}
