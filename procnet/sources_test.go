package procnet

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"gnet/internal/nstest"
	"gnet/internal/sockdiag"
)

// socketLab makes sockets that live as long as the test.
type socketLab struct{ t *testing.T }

func (l socketLab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func labAddr(addr string) (family int, sa unix.Sockaddr) {
	a := netip.MustParseAddrPort(addr)
	if a.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// bound makes a socket; its owner is uid 1000, so that a missing owner shows.
func (l socketLab) bound(typ, proto int, addr string) int {
	l.t.Helper()
	family, sa := labAddr(addr)
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, proto)
	l.must(err)
	l.t.Cleanup(func() { unix.Close(fd) })
	l.must(unix.Fchown(fd, 1000, 1000))
	l.must(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1))
	l.must(unix.Bind(fd, sa))
	return fd
}

func (l socketLab) listen(addr string) int {
	l.t.Helper()
	fd := l.bound(unix.SOCK_STREAM, 0, addr)
	l.must(unix.Listen(fd, 8))
	return fd
}

// connect begins a connection; over lo it is there at once.
func (l socketLab) connect(from, to string) int {
	l.t.Helper()
	fd := l.bound(unix.SOCK_STREAM, 0, from)
	_, sa := labAddr(to)
	if err := unix.Connect(fd, sa); err != nil && err != unix.EINPROGRESS {
		l.t.Fatal(err)
	}
	return fd
}

// accept waits for a connection: a SYN may be under way.
func (l socketLab) accept(listener int) int {
	l.t.Helper()
	for range 500 {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
		if err == nil {
			l.t.Cleanup(func() { unix.Close(fd) })
			return fd
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Fatal("no connection came")
	return -1
}

// shut closes a socket now. /dev/null takes its number, which is closed at the end.
func (l socketLab) shut(fd int) {
	l.t.Helper()
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	l.must(err)
	l.must(unix.Dup3(null, fd, unix.O_CLOEXEC))
	l.must(unix.Close(null))
}

// everyState makes TCP sockets in every state, over IPv4, IPv6 and both, bound to a device, with a running timer of each kind.
func (l socketLab) everyState() {
	here, peer := nstest.Here(l.t), nstest.NewHost(l.t, "peer")
	nstest.Connect(l.t, 1500,
		nstest.End{Host: here, Name: "e0", Addrs: []string{"10.0.0.1/24", "fd00::1/64"}},
		nstest.End{Host: peer, Name: "e0", Addrs: []string{"10.0.0.2/24", "fd00::2/64"}})
	four, dual := l.listen("127.0.0.1:5000"), l.listen("[::]:5001")
	device := l.listen("10.0.0.1:5002")
	l.must(unix.BindToDevice(device, "e0"))

	alive := l.connect("127.0.0.1:40000", "127.0.0.1:5000")
	l.must(unix.SetsockoptInt(alive, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1))
	full := l.accept(four)
	for err := error(nil); err == nil; {
		_, err = unix.Write(full, make([]byte, 1<<16)) // until the window is closed: a probe timer
	}
	closed := l.connect("127.0.0.1:40006", "127.0.0.1:5000")
	l.accept(four)
	l.shut(closed) // CLOSE_WAIT
	l.connect("[::1]:40001", "[::1]:5001")
	l.connect("127.0.0.1:40002", "127.0.0.1:5001") // mapped at the server
	for range 2 {
		l.accept(dual)
	}
	l.connect("127.0.0.1:40003", "127.0.0.1:5000") // waits to be accepted
	for _, ends := range [][2]string{{"127.0.0.1:40004", "127.0.0.1:5001"}, {"[::1]:40005", "[::1]:5001"}} {
		client := l.connect(ends[0], ends[1])
		l.accept(dual)
		l.shut(client) // FIN_WAIT2 and CLOSE_WAIT
		client = l.connect(ends[0][:len(ends[0])-1]+"8", ends[1])
		server := l.accept(dual)
		l.shut(client)
		l.shut(server) // TIME_WAIT
	}
	for i, net := range [][2]string{{"10.0.0.1:", "10.0.0.2:"}, {"[fd00::1]:", "[fd00::2]:"}} {
		l.unanswered(here, peer, net[0], net[1], []string{"10.0.0.2", "fd00::2"}[i])
	}
}

// unanswered makes the states in which one end waits for a peer that nothing reaches any more.
func (l socketLab) unanswered(here, peer *nstest.Host, local, remote, peerAddr string) {
	defers := l.listen(local + "5005")
	l.must(unix.SetsockoptInt(defers, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 30))
	var far int
	peer.Do(l.t, func() error {
		far = l.listen(remote + "6000")
		l.connect(remote+"41000", local+"5005") // SYN_RECV here, for no data follows
		return nil
	})
	var near, farEnds [4]int
	for i := range near {
		near[i] = l.connect(fmt.Sprintf("%s4200%d", local, i), remote+"6000")
		farEnds[i] = l.accept(far)
	}
	l.must(unix.SetsockoptInt(near[2], unix.IPPROTO_TCP, unix.TCP_NODELAY, 1))
	ip := nstest.Peer(l.t, "ip")
	if r := here.Run(l.t, ip, "neigh", "replace", peerAddr, "lladdr", "02:00:00:00:00:99", "dev", "e0"); r.Status != 0 {
		l.t.Fatal(r.Stderr)
	}
	l.connect(local+"42009", remote+"1") // SYN_SENT
	l.shut(near[0])                      // FIN_WAIT1
	l.shut(near[1])
	l.shut(farEnds[1]) // CLOSING
	l.shut(farEnds[2])
	l.await(local+"42002", CloseWait)
	l.shut(near[2])                             // LAST_ACK
	_, err := unix.Write(near[3], []byte("on")) // retransmitted
	l.must(err)
	l.await(local+"42001", Closing)
}

// await waits until the file has a socket of that local end in that state.
func (l socketLab) await(local string, state State) {
	l.t.Helper()
	want := netip.MustParseAddrPort(local)
	for range 500 {
		for s, err := range (FS{}).Inet(TCP, want.Addr().Is6()) {
			l.must(err)
			if s.State == state && s.Local == want {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Fatalf("no socket at %s in %v", local, state)
}

// datagrams makes UDP, UDP-Lite and raw sockets, connected and not.
func (l socketLab) datagrams() {
	for i, addr := range []string{"127.0.0.1:%d", "[::1]:%d", "[::ffff:127.0.0.1]:%d", "0.0.0.0:%d", "[::]:%d"} {
		at := func(port int) string { return fmt.Sprintf(addr, port+i) }
		l.bound(unix.SOCK_DGRAM, 0, at(7000))
		fd := l.bound(unix.SOCK_DGRAM, 0, at(7010))
		l.must(unix.BindToDevice(fd, "lo"))
		if i < 3 {
			_, sa := labAddr(at(7000))
			l.must(unix.Connect(fd, sa))
			_, err := unix.Write(fd, make([]byte, 100))
			l.must(err)
		}
		if family, sa := labAddr(at(7020)); i < 2 {
			if lite, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.IPPROTO_UDPLITE); err == nil {
				l.t.Cleanup(func() { unix.Close(lite) })
				l.must(unix.Bind(lite, sa))
			}
			raw, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 89)
			l.must(err)
			l.t.Cleanup(func() { unix.Close(raw) })
		}
	}
}

// locals makes unix sockets: named, abstract, connected, waiting to be accepted, with names that break a row.
func (l socketLab) locals() {
	dir := nstest.SocketDir(l.t, l.t.TempDir())
	for i, name := range []string{dir + "/listening", "@abstract\x00name", dir + "/a\nb c", dir + "/\xff\x1b", "@" + strings.Repeat("x", 106)} {
		typ := []int{unix.SOCK_STREAM, unix.SOCK_SEQPACKET, unix.SOCK_DGRAM, unix.SOCK_DGRAM, unix.SOCK_DGRAM}[i]
		fd, err := unix.Socket(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
		l.must(err)
		l.t.Cleanup(func() { unix.Close(fd) })
		l.must(unix.Bind(fd, &unix.SockaddrUnix{Name: name}))
		if typ != unix.SOCK_DGRAM {
			l.must(unix.Listen(fd, 5))
		}
	}
	for range 2 { // the first two wait; nobody accepts
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		l.must(err)
		l.t.Cleanup(func() { unix.Close(fd) })
		l.must(unix.Connect(fd, &unix.SockaddrUnix{Name: dir + "/listening"}))
	}
	for _, typ := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		pair, err := unix.Socketpair(unix.AF_UNIX, typ|unix.SOCK_CLOEXEC, 0)
		l.must(err)
		l.t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	}
}

// documented returns the table of doc.go, each line as "table rows column".
func documented(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "//\ttable      rows       columns\n")
	if !found {
		t.Fatal("doc.go has no table of differences")
	}
	entries := make(map[string]bool)
	for line := range strings.Lines(table) {
		line, ok := strings.CutPrefix(line, "//\t")
		if !ok {
			break
		}
		entries[strings.TrimSpace(line[:11])+"|"+strings.TrimSpace(line[11:22])+"|"+strings.Fields(line[22:])[0]] = true
	}
	return entries
}

// columns is a row of an inet file, by the names of its columns. The time until a timer fires is left out: it runs between two reads.
func columns(s *InetSocket) map[string]string {
	return map[string]string{
		"local_address": s.Local.String(), "rem_address": s.Remote.String(), "st": s.State.String(),
		"tx_queue": fmt.Sprint(s.TxQueue), "rx_queue": fmt.Sprint(s.RxQueue), "tr": fmt.Sprint(s.Timer.Kind),
		"retrnsmt": fmt.Sprint(s.Timer.Retransmits), "timeout": fmt.Sprint(s.Timer.Probes),
		"uid": fmt.Sprint(s.UID), "inode": fmt.Sprint(s.Inode),
	}
}

// inetDifferences adds what a table of inet_diag has otherwise than the file.
func inetDifferences(t *testing.T, p Proto, v6 bool, found map[string]bool) (rows int) {
	t.Helper()
	s := NewSockets(FS{}, sockdiag.Dial)
	defer s.Close()
	table := p.File(v6)
	file, errs := collect(FS{}.Inet(p, v6))
	diag, refused := collect(s.inetDiag(p, v6, Query{Ext: sockdiag.ExtInfo}))
	switch {
	case len(errs) > 0:
		found[table+"|all|absent from the file: "+errs[0]] = true
	case len(refused) > 0:
		found[table+"|all|all"] = true
	case len(file) != len(diag):
		found[fmt.Sprintf("%s|%d rows|%d in the file", table, len(diag), len(file))] = true
	default:
		for i := range file {
			rowDifferences(table, columns(&file[i]), columns(&diag[i]), file[i].State, found)
		}
	}
	return len(file)
}

func rowDifferences(table string, file, diag map[string]string, state State, found map[string]bool) {
	for name := range file {
		if file[name] != diag[name] {
			which := state.String()
			if table == "unix" {
				which = "all"
			}
			found[table+"|"+which+"|"+name] = true
		}
	}
}

func unixColumns(u *UnixSocket) map[string]string {
	return map[string]string{"RefCount": fmt.Sprint(u.RefCount, u.NoRefCount), "Flags": fmt.Sprint(u.Flags), "Type": fmt.Sprint(u.Type),
		"St": fmt.Sprint(u.State), "Inode": fmt.Sprint(u.Inode), "Path": fmt.Sprintf("%q", u.Path)}
}

func unixDifferences(t *testing.T, found map[string]bool) {
	t.Helper()
	file, errs := collectUnix(FS{}.Unix())
	waiting := len(file)
	file = slices.DeleteFunc(file, func(u UnixSocket) bool { return u.Inode == 0 })
	s := NewSockets(NewFS(t.TempDir()), sockdiag.Dial) // no file at all
	defer s.Close()
	diag, refused := collectUnix(s.Unix(Query{}))
	if len(errs)+len(refused) > 0 || len(file) != len(diag) {
		t.Fatalf("%d rows in the file, %d of unix_diag, errors %v and %v", len(file), len(diag), errs, refused)
	}
	if waiting > len(file) {
		found["unix|inode 0|all"] = true
	}
	for i := range file {
		rowDifferences("unix", unixColumns(&file[i]), unixColumns(&diag[i]), 0, found)
	}
}

// Both sources have the same rows in the same order, but for what doc.go says; and all of that does differ. What moves between two
// reads agrees soon.
func TestSources_differAsDocumented(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		l := socketLab{t}
		l.everyState()
		l.datagrams()
		l.locals()
		var found map[string]bool
		want := documented(t)
		for range 50 { // a timeout of SYN_RECV must have passed: a second
			found = make(map[string]bool)
			for p, v6 := range inetFiles {
				rows := inetDifferences(t, p, v6, found)
				if rows < 1 && p != UDPLite {
					t.Errorf("%s has %d rows", p.File(v6), rows)
				}
			}
			unixDifferences(t, found)
			if maps.Equal(want, found) {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("differences of the sources (-doc.go +found):\n%s", diff)
		}
	})
}

// What Sockets returns is what the files say, whichever source it takes, for the questions that netstat asks.
func TestSockets_sameRows(t *testing.T) {
	nstest.InNetns(t, func(t *testing.T) {
		nstest.Require(t, nstest.Root)
		l := socketLab{t}
		l.everyState()
		l.datagrams()
		l.locals()
		l.sawEveryState()
		for p, v6 := range inetFiles {
			listening, others := p.ListeningStates()
			for _, states := range []uint32{0, listening, others} {
				l.sameInet(p, v6, Query{Timers: true, Users: true, States: states})
			}
		}
		l.sameUnix()
	})
}

func (l socketLab) sawEveryState() {
	for _, v6 := range []bool{false, true} {
		seen := map[State]bool{Close: true} // TCP has none in its tables
		for s, err := range (FS{}).Inet(TCP, v6) {
			l.must(err)
			seen[s.State] = true
		}
		for state := Established; state <= Closing; state++ {
			if !seen[state] {
				l.t.Errorf("v6 %v: no socket in %v", v6, state)
			}
		}
	}
}

// sameInet compares rows whole, but for the time until a timer fires, which may have run on a little.
func (l socketLab) sameInet(p Proto, v6 bool, q Query) {
	l.t.Helper()
	var want, got []InetSocket
	var wantErrs, gotErrs []string
	for range 20 {
		want, wantErrs = collect(FS{}.Inet(p, v6))
		if q.States != 0 {
			want = slices.DeleteFunc(want, func(s InetSocket) bool { return q.States>>s.State&1 == 0 })
		}
		s := FS{}.Sockets()
		got, gotErrs = collect(s.Inet(p, v6, q))
		s.Close()
		for i := range got {
			if p != Raw && (got[i].Diag == nil) != (gotErrs != nil) {
				l.t.Fatalf("%s comes from the file: %v", p.File(v6), s.Fallbacks())
			}
			got[i].Diag = nil
			if i < len(want) && max(want[i].Timer.Remaining, got[i].Timer.Remaining)-min(want[i].Timer.Remaining, got[i].Timer.Remaining) < 50 {
				got[i].Timer.Remaining = want[i].Timer.Remaining
			}
		}
		if p == Raw && q.States != 0 {
			got = slices.DeleteFunc(got, func(s InetSocket) bool { return q.States>>s.State&1 == 0 })
		}
		if cmp.Equal(want, got, addrPorts, cmpopts.EquateEmpty()) && cmp.Equal(wantErrs, gotErrs) {
			return
		}
	}
	l.t.Errorf("%s, states %b: errors %v and %v (-file +Sockets):\n%s", p.File(v6), q.States, wantErrs, gotErrs, cmp.Diff(want, got, addrPorts))
}

// sameUnix compares the rows of both questions. With Diag the sockets that wait come last.
func (l socketLab) sameUnix() {
	l.t.Helper()
	want, errs := collectUnix(FS{}.Unix())
	s := FS{}.Sockets()
	defer s.Close()
	got, gotErrs := collectUnix(s.Unix(Query{}))
	if diff := cmp.Diff(want, got); diff != "" || errs != nil || gotErrs != nil {
		l.t.Errorf("unix: errors %v and %v (-file +Sockets):\n%s", errs, gotErrs, diff)
	}
	joined, gotErrs := collectUnix(s.Unix(Query{Diag: true}))
	named := 0
	for i := range joined {
		if joined[i].Diag != nil {
			named++
		}
		joined[i].Diag = nil
	}
	waiting := slices.DeleteFunc(slices.Clone(want), func(u UnixSocket) bool { return u.Inode != 0 })
	want = append(slices.DeleteFunc(want, func(u UnixSocket) bool { return u.Inode == 0 }), waiting...)
	if diff := cmp.Diff(want, joined); diff != "" || gotErrs != nil || named != len(joined)-len(waiting) || len(waiting) == 0 {
		l.t.Errorf("unix, joined: errors %v, %d of %d with Diag (-file +Sockets):\n%s", gotErrs, named, len(joined), diff)
	}
}
