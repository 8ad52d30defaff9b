package filter

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/procnet"
)

// named is a socket of the tests.
type named struct {
	name string
	Socket
}

// inetSocket makes a row with the kernel's own beside it, as sock_diag gives them.
func inetSocket(p procnet.Proto, state procnet.State, local, remote string) *procnet.InetSocket {
	l, r := netip.MustParseAddrPort(local), netip.MustParseAddrPort(remote)
	return &procnet.InetSocket{Proto: p, V6: l.Addr().Is6(), State: state, Local: l, Remote: r, Inode: 100}
}

// withDiag gives a socket the kernel's own row, changed.
func withDiag(s *procnet.InetSocket, change func(*sockdiag.InetRow)) *procnet.InetSocket {
	d := &sockdiag.InetRow{Family: unix.AF_INET, State: uint8(s.State), Local: s.Local, Remote: s.Remote, Has: sockdiag.ExtInfo | sockdiag.ExtMark | sockdiag.ExtCgroupID}
	if s.V6 {
		d.Family = unix.AF_INET6
	}
	d.CgroupID = 1
	d.Info = sockdiag.TCPInfo{Len: 280, RTT: 20 * time.Millisecond, RTTVar: time.Millisecond, MinRTT: 15 * time.Millisecond, RTO: 220 * time.Millisecond,
		SndCwnd: 10, SndSsthresh: sockdiag.SsthreshInfinite, SndMSS: 1448, PMTU: 1500}
	change(d)
	s.Diag = d
	return s
}

// testSockets is one socket of each kind.
func testSockets() []named {
	listen := inetSocket(procnet.TCP, procnet.Listen, "0.0.0.0:22", "0.0.0.0:0")
	listen.RxQueue = 3
	estab := inetSocket(procnet.TCP, procnet.Established, "10.99.0.1:22", "192.0.2.7:40000")
	estab.TxQueue, estab.UID = 70000, 8
	lossy := inetSocket(procnet.TCP, procnet.Established, "[::ffff:10.99.0.1]:443", "[::ffff:192.0.2.8]:40001")
	lossy.Inode = 200
	v6 := inetSocket(procnet.TCP, procnet.SynSent, "[2001:db8::1]:50000", "[2001:db8::2]:443")
	wait := inetSocket(procnet.TCP, procnet.TimeWait, "10.99.0.1:22", "192.0.2.9:40002")
	wait.Inode, wait.Timer.Kind = 0, procnet.TimerTimeWait
	fromFile := inetSocket(procnet.TCP, procnet.CloseWait, "127.0.0.1:80", "127.0.0.1:50001")
	udp := inetSocket(procnet.UDP, procnet.Close, "127.0.0.1:53", "0.0.0.0:0")
	raw := inetSocket(procnet.Raw, procnet.Close, "0.0.0.0:89", "0.0.0.0:0")
	owners := []procnet.Owner{{PID: 42, FD: 3, Comm: "nginx"}, {PID: 43, FD: 3, Comm: "nginx worker"}}
	return []named{
		{"listen", Socket{Inet: withDiag(listen, func(d *sockdiag.InetRow) { d.Info.Unacked, d.Info.Sacked = 3, 128 })}},
		{"estab", Socket{Inet: withDiag(estab, func(d *sockdiag.InetRow) { d.Mark, d.Interface = 5, 2 }), Owners: owners, OwnersKnown: true}},
		{"lossy", Socket{OwnersKnown: true, Netns: 4026531840, NetnsNames: []string{"blue"}, Inet: withDiag(lossy, func(d *sockdiag.InetRow) {
			d.CgroupID, d.Info.Retrans, d.Info.TotalRetrans, d.Info.RTT, d.Info.SndSsthresh, d.Info.Unacked = 4, 2, 9, 300*time.Millisecond, 7, 12
		})}},
		{"v6", Socket{Inet: withDiag(v6, func(d *sockdiag.InetRow) { d.Info.RTT, d.Info.MinRTT, d.Interface = 0, sockdiag.MinRTTUnknown, 1 })}},
		{"wait", Socket{Inet: withDiag(wait, func(d *sockdiag.InetRow) { d.Has, d.CgroupID = sockdiag.ExtMark, 0 })}},
		{"file", Socket{Inet: fromFile}},
		{"udp", Socket{Inet: withDiag(udp, func(d *sockdiag.InetRow) { d.Has = sockdiag.ExtCgroupID })}},
		{"raw", Socket{Inet: raw}},
		{"unix", Socket{Unix: &procnet.UnixSocket{Flags: procnet.UnixAccepting, Type: procnet.UnixStream, State: procnet.UnixUnconnected, Inode: 300, Path: []byte("/run/App.sock"),
			Diag: &sockdiag.UnixRow{Has: sockdiag.UnixUID | sockdiag.UnixRQLen, UID: 8, RQueue: 2, WQueue: 128}}}},
		{"dgram", Socket{Unix: &procnet.UnixSocket{Type: procnet.UnixDgram, State: procnet.UnixUnconnected, Inode: 302, Path: []byte("@abs"),
			Diag: &sockdiag.UnixRow{Has: sockdiag.UnixUID | sockdiag.UnixRQLen, RQueue: 0, WQueue: 70000}}}},
		{"pair", Socket{Unix: &procnet.UnixSocket{Type: procnet.UnixStream, State: procnet.UnixConnected, Inode: 301}}},
	}
}

// TestMatch holds which of the sockets each condition keeps.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // a name with a ? is Maybe
	}{
		{"src *", []string{"listen", "estab", "lossy", "v6", "wait", "file", "udp", "raw", "unix", "dgram", "pair"}},
		{"not src *", nil},
		{"sport = 22", []string{"listen", "estab", "wait"}},
		{"sport = :ssh", []string{"listen", "estab", "wait"}},
		{"sport != 22", []string{"lossy", "v6", "file", "udp", "raw", "unix", "dgram", "pair"}},
		{"sport < 53", []string{"listen", "estab", "wait"}}, {"sport <= 53", []string{"listen", "estab", "wait", "udp"}},
		{"sport > 443", []string{"v6"}}, {"sport >= 443", []string{"lossy", "v6"}}, {"dport = :0", []string{"listen", "udp", "raw"}},
		{"sport = 89", []string{"raw"}}, {"sport = :both", nil}, {"sport = domain", []string{"udp"}}, {":443", []string{"lossy", "v6"}},
		{"src 10.99.0.1", []string{"estab", "lossy", "wait"}}, {"src inet:10.99.0.1", []string{"estab", "wait"}}, {"src [::ffff:10.99.0.1]", []string{"lossy"}},
		{"src 0.0.0.0", []string{"listen", "raw"}}, {"src 0/0", []string{"listen", "estab", "lossy", "wait", "file", "udp", "raw"}}, {"src ::/0", []string{"lossy", "v6"}},
		{"src ::ffff:0:0/96", []string{"lossy"}}, {"dst 2001:db8::/32", []string{"v6"}}, {"dst 192.0.2.8/31:40002", []string{"wait"}}, {"dst 192.0.2.0/29", []string{"estab"}},
		{"src localhost", []string{"file", "udp"}}, {"not src 0/0", []string{"v6", "unix", "dgram", "pair"}},
		{"src /run/*", []string{"unix"}}, {"src unix:*SOCK", []string{"unix"}}, {"src unix:", []string{"pair"}},
		{"src unix:*", []string{"unix", "dgram", "pair"}}, {"not src unix:*", []string{"listen", "estab", "lossy", "v6", "wait", "file", "udp", "raw"}},

		{"state listening", []string{"listen", "unix"}}, {"state established", []string{"estab", "lossy", "pair"}}, {"state closed", []string{"udp", "raw", "dgram"}},
		{"state connected", []string{"estab", "lossy", "v6", "wait", "file", "pair"}}, {"state synchronized", []string{"estab", "lossy", "wait", "file", "pair"}},
		{"state bucket", []string{"wait"}}, {"state big sport 22", []string{"listen", "estab"}}, {"exclude connected", []string{"listen", "udp", "raw", "unix", "dgram"}},

		{"dev eth0", []string{"estab"}}, {"dev 0", []string{"listen", "lossy", "wait", "udp"}}, {"dev != lo", []string{"listen", "estab", "lossy", "wait", "file", "udp", "raw", "unix", "dgram", "pair"}},
		{"fwmark 5", []string{"estab"}}, {"fwmark 4/4", []string{"estab"}}, {"fwmark 5/4", nil}, {"fwmark 0", []string{"listen", "lossy", "v6", "wait"}},
		{"cgroup /abc", []string{"lossy"}}, {"cgroup /", []string{"listen", "estab", "v6", "udp"}}, {"cgroup != /abc", []string{"listen", "estab", "v6", "wait", "file", "udp", "raw", "unix", "dgram", "pair"}},

		{"comm nginx", []string{"listen?", "estab", "v6?", "file?", "udp?", "raw?", "unix?", "dgram?", "pair?"}},
		{"comm = *worker", []string{"listen?", "estab", "v6?", "file?", "udp?", "raw?", "unix?", "dgram?", "pair?"}},
		{"comm NGINX state established", []string{"pair?"}}, {"comm != nginx state established", []string{"lossy", "pair?"}},
		{"pid > 42 src 10/8", []string{"estab"}}, {"pid 1 sport 22", []string{"listen?"}}, {"pid != 42 sport 22", []string{"listen?", "wait"}},
		{"pid 42 or sport 22", []string{"listen", "estab", "v6?", "wait", "file?", "udp?", "raw?", "unix?", "dgram?", "pair?"}},
		{"not (pid 42 and sport 22)", []string{"listen?", "lossy", "v6", "wait", "file", "udp", "raw", "unix", "dgram", "pair"}},
		{"user mail", []string{"estab", "unix"}}, {"user 0 sport 22", []string{"listen"}}, {"inode 0", []string{"wait"}}, {"inode > 200", []string{"unix", "dgram", "pair"}},
		{"netns blue", []string{"lossy"}}, {"netns 4026531840", []string{"lossy"}}, {"netns net:[4026531840]", []string{"lossy"}}, {"netns red", nil},
		{"proto tcp6", []string{"lossy", "v6"}}, {"proto udp", []string{"udp"}}, {"proto raw", []string{"raw"}}, {"proto unix", []string{"unix", "dgram", "pair"}},
		{"proto udplite", nil}, {"family inet proto tcp", []string{"listen", "estab", "wait", "file"}},
		{"sendq > 64k", []string{"estab", "dgram"}}, {"recvq > 0", []string{"listen", "unix"}}, {"sendq = 0 proto unix", []string{"unix"}}, {"user root proto unix", []string{"dgram"}},

		{"rtt > 100ms", []string{"lossy"}}, {"rtt < 100ms", []string{"estab"}}, {"rtt <= 20ms", []string{"estab"}}, {"min_rtt > 0", []string{"estab", "lossy"}},
		{"rto >= 220ms", []string{"estab", "lossy", "v6"}}, {"cwnd = 10", []string{"estab", "lossy", "v6"}}, {"ssthresh > 0", []string{"lossy"}}, {"unacked > 0", []string{"lossy"}},
		{"sacked >= 0", []string{"estab", "lossy", "v6"}}, {"retrans > 0", []string{"lossy"}}, {"total_retrans = 9", []string{"lossy"}}, {"mss 1448 pmtu 1500", []string{"estab", "lossy", "v6"}},
		{"not rtt > 100ms proto tcp", []string{"listen", "estab", "v6", "wait", "file"}}, {"rtt != 20ms proto udp", []string{"udp"}},
	} {
		f, err := Parse(c.in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		var got []string
		m := NewMatcher(f)
		for _, s := range testSockets() {
			switch m.Match(&s.Socket) {
			case Yes:
				got = append(got, s.name)
			case Maybe:
				got = append(got, s.name+"?")
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q keeps (-want +got)\n%s", c.in, diff)
		}
	}
}

// TestUnixStates holds which state of TCP stands for each of a unix socket, as in ss.
func TestUnixStates(t *testing.T) {
	for want, s := range map[procnet.State]procnet.UnixSocket{
		procnet.Listen: {State: procnet.UnixUnconnected, Flags: procnet.UnixAccepting}, procnet.Close: {State: procnet.UnixUnconnected}, procnet.SynSent: {State: procnet.UnixConnecting},
		procnet.Established: {State: procnet.UnixConnected}, procnet.Closing: {State: procnet.UnixDisconnecting},
	} {
		if got := (&Socket{Unix: &s}).state(); got != want {
			t.Errorf("%+v: %v, want %v", s, got, want)
		}
	}
}

// TestUnknown holds when a Matcher says that a row's source was too poor, and when the row simply has no such thing.
func TestUnknown(t *testing.T) {
	sockets := map[string]Socket{}
	for _, s := range testSockets() {
		sockets[s.name] = s.Socket
	}
	old := sockets["estab"]
	row := *old.Inet
	row.Diag = row.Diag.Clone()
	row.Diag.Info.Len = int(sockdiag.InfoBase)
	row.Diag.Has = sockdiag.ExtInfo
	old.Inet = &row
	sockets["old kernel"] = old
	for _, c := range []struct {
		in, socket string
		want       Needs
	}{
		{"rtt > 1s", "file", NeedInfo}, {"rtt > 1s", "estab", 0}, {"rtt > 1s", "wait", 0}, {"rtt > 1s", "listen", 0}, {"rtt > 1s", "udp", 0}, {"rtt > 1s", "unix", 0},
		{"rtt > 1s", "old kernel", 0}, {"bytes_sent > 1", "old kernel", NeedInfo}, {"bytes_sent > 1", "estab", 0}, {"rtt > 1s", "v6", 0},
		{"dev lo", "raw", NeedDevice}, {"dev lo", "estab", 0}, {"dev lo", "unix", 0},
		{"fwmark 1", "raw", NeedMark}, {"fwmark 1", "udp", NeedMark}, {"fwmark 1", "estab", 0}, {"fwmark 1", "unix", 0},
		{"cgroup /", "file", NeedCgroup}, {"cgroup /", "old kernel", NeedCgroup}, {"cgroup /", "wait", 0}, {"cgroup /", "unix", 0},
		{"user root", "pair", NeedUnixDiag}, {"user root", "unix", 0}, {"recvq 0", "pair", NeedUnixDiag}, {"sendq 0", "dgram", 0}, {"sendq 0", "file", 0}, {"netns x", "estab", NeedNetns}, {"netns x", "lossy", 0}, {"sport 1 rtt > 1s", "file", 0}, {"sport 80 (rtt > 1s or dev lo)", "file", NeedInfo | NeedDevice},
	} {
		f, err := Parse(c.in, testNames{})
		if err != nil {
			t.Errorf("Parse(%q): %v", c.in, err)
			continue
		}
		s, ok := sockets[c.socket]
		if !ok {
			t.Fatalf("no socket %q", c.socket)
		}
		m := NewMatcher(f)
		m.Match(&s)
		if m.Unknown() != c.want {
			t.Errorf("%q of %s: Unknown() = %b, want %b", c.in, c.socket, m.Unknown(), c.want)
		}
	}
}

// TestMatchDoesNotAllocate: a filter is asked once for each of a million sockets.
func TestMatchDoesNotAllocate(t *testing.T) {
	f, err := Parse("(rtt > 1ms or comm x*) and not src 10/8:22 and user root or src /tmp/* or proto udp6 or netns x or dst localhost or fwmark 1", testNames{})
	if err != nil {
		t.Fatal(err)
	}
	m, sockets := NewMatcher(f), testSockets()
	if n := testing.AllocsPerRun(10, func() {
		for i := range sockets {
			m.Match(&sockets[i].Socket)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestZone: a row whose link-local address has a zone is found by the address.
func TestZone(t *testing.T) {
	f, err := Parse("src fe80::/10", testNames{})
	if err != nil {
		t.Fatal(err)
	}
	if got := NewMatcher(f).Match(&Socket{Inet: inetSocket(procnet.TCP, procnet.Established, "[fe80::7%lo]:22", "[fe80::8%lo]:1")}); got != Yes {
		t.Errorf("%v", got)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		fold, want    bool
	}{
		{"", "", false, true}, {"", "a", false, false}, {"*", "", false, true}, {"*", "a/b", false, true}, {"a*c", "abbc", false, true}, {"a*c", "abcb", false, false},
		{"*a*b*", "xaxbx", false, true}, {"**a", "a", false, true}, {"?", "", false, false}, {"?", "/", false, true}, {"a?c", "abc", false, true},
		{"[a-c]x", "bx", false, true}, {"[a-c]x", "dx", false, false}, {"[!a-c]x", "dx", false, true}, {"[^a]", "a", false, false}, {"[]a]", "]", false, true}, {"[!]]", "]", false, false},
		{"[a-]", "-", false, true}, {"[a", "[a", false, true}, {"[", "[", false, true}, {"[\\]]", "]", false, true}, {"\\*", "*", false, true}, {"\\*", "a", false, false}, {"\\", "\\", false, true},
		{"abc", "ABC", true, true}, {"abc", "ABC", false, false}, {"[a-c]", "B", true, true}, {"[A-C]", "b", true, true}, {"\\a", "A", true, true}, {"é", "é", true, true},
		{"a*b*c*d", "aXbXcXcXd", false, true}, {"[a-c", "[a-c", false, true},
	} {
		if got := glob(c.pattern, c.text, c.fold); got != c.want {
			t.Errorf("glob(%q, %q, %v) = %v", c.pattern, c.text, c.fold, got)
		}
	}
}
