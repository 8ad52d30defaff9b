package kernelside

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/sockdiag"
	"gnet/stackprobe/event"
)

// TestVarsByLength: an older kernel's structure is shorter, and what it lacks is unknown.
func TestVarsByLength(t *testing.T) {
	b := make([]byte, 280)
	for i := range b {
		b[i] = 1
	}
	base := event.HasCwnd | event.HasSsthresh | event.HasRTO | event.HasFlight | event.HasSacked | event.HasLost | event.HasRetrans |
		event.HasReordering | event.HasBackoff | event.HasProbes | event.HasSndMSS | event.HasCongestion | event.HasSRTT | event.HasRTTVar
	for _, tt := range []struct {
		length int
		want   event.VarSet
	}{
		{0, event.HasCongestion}, {104, base}, {128, base | event.HasBytesAcked}, {136, base | event.HasBytesAcked | event.HasBytesReceived},
		{232, base | event.HasBytesAcked | event.HasBytesReceived | event.HasNotSent | event.HasWnd},
		{236, base | event.HasBytesAcked | event.HasBytesReceived | event.HasNotSent | event.HasWnd | event.HasRcvWnd},
		{280, base | event.HasBytesAcked | event.HasBytesReceived | event.HasNotSent | event.HasWnd | event.HasRcvWnd},
	} {
		var i sockdiag.TCPInfo
		i.Decode(b[:tt.length])
		if got := varsOf(&i).Has; got != tt.want {
			t.Errorf("%d bytes: %b, want %b", tt.length, got, tt.want)
		}
	}
}

// TestVars translates a whole structure.
func TestVars(t *testing.T) {
	i := sockdiag.TCPInfo{Len: 280, State: 1, CAState: 3, Retransmits: 2, Probes: 3, Backoff: 4, RTO: 5 * time.Millisecond, SndMSS: 6,
		Unacked: 7, Sacked: 8, Lost: 9, Retrans: 10, RTT: 11, RTTVar: 12, SndSsthresh: 13, SndCwnd: 14, Reordering: 15,
		BytesAcked: 16, BytesReceived: 17, NotsentBytes: 20, SndWnd: 18, RcvWnd: 19}
	want := event.Vars{How: event.Read, Has: varsOf(&i).Has, Cwnd: 14, Ssthresh: 13, RTO: 5_000_000, SRTT: 11, RTTVar: 12, Wnd: 18, RcvWnd: 19,
		Congestion: event.CongestionRecovery, Flight: 7, Sacked: 8, Lost: 9, Retrans: 10, Reordering: 15, Backoff: 4, Probes: 3,
		BytesAcked: 16, BytesReceived: 17, SndMSS: 6, NotSent: 20}
	if d := cmp.Diff(want, varsOf(&i)); d != "" {
		t.Error(d)
	}
	i.State = tcpSynSent
	if v := varsOf(&i); v.Has&(event.HasWnd|event.HasRcvWnd) != 0 {
		t.Errorf("windows before the handshake: %+v", v)
	}
	i.State = tcpClose
	if d := cmp.Diff(event.Vars{}, varsOf(&i)); d != "" {
		t.Error(d)
	}
}

// TestEvidence gives each segment what can belong to it of what has moved.
func TestEvidence(t *testing.T) {
	all := ^event.Evidence(0)
	with := func(state, ca uint8) *connection {
		return &connection{hasNxt: true, nxt: 1000, info: sockdiag.TCPInfo{State: state, CAState: ca}}
	}
	data, again, empty := segment{seq: 1000, space: 10}, segment{seq: 990, space: 10}, segment{seq: 1000, flags: event.ACK}
	for _, tt := range []struct {
		name    string
		c       *connection
		s       segment
		inTimer bool
		moved   event.Evidence
		want    event.Evidence
	}{
		{"new data", with(1, 0), data, false, all, 0},
		{"new data as a probe", with(1, 0), data, true, all, event.InTimer | event.ProbedTail},
		{"repeated, nothing known", with(1, 0), again, false, 0, 0},
		{"repeated, all moved", with(1, 0), again, false, all, event.ProbedTail},
		{"repeated in recovery, all moved", with(1, caRecovery), again, false, all, event.FastRetransmitted | event.LostRetransmission | event.Recovering},
		{"repeated after an expiry, all moved", with(1, caLoss), again, false, all, event.Expired | event.SlowStartRetrans | event.Resending},
		{"SYN again, all moved", with(2, caLoss), segment{seq: 999, space: 1, flags: event.SYN}, true, all,
			event.InTimer | event.Expired | event.SynRetransmitted | event.Resending},
		{"SYN,ACK again, all moved", with(3, 0), segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, false, all, event.SynRetransmitted | event.Expired},
		{"repeated in recovery", with(1, caRecovery), again, false, event.FastRetransmitted, event.FastRetransmitted | event.Recovering},
		{"repeated after an expiry", with(1, caLoss), again, true, event.Expired, event.InTimer | event.Expired | event.Resending},
		{"empty, all moved", with(1, 0), empty, false, all, ofEmpty | event.Probing},
		{"delayed", with(1, 0), empty, true, event.DelayedAck, event.InTimer | event.DelayedAck},
		{"SYN,ACK", with(3, 0), segment{seq: 1000, space: 1, flags: event.SYN | event.ACK}, false, all, event.SentCookie},
		{"SYN,ACK again by its timer", with(3, 0), segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, true, event.SynRetransmitted | event.Expired, event.InTimer | event.SynRetransmitted | event.Expired},
		{"SYN,ACK again for a SYN, late", with(3, 0), segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, true, event.SynRetransmitted, event.InTimer | event.SynRetransmitted},
		{"SYN,ACK again for a SYN", with(3, 0), segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, false, event.SynRetransmitted, event.SynRetransmitted},
	} {
		if got := tt.c.evidence(&tt.s, tt.inTimer, tt.moved); got != tt.want {
			t.Errorf("%s: %b, want %b", tt.name, got, tt.want)
		}
	}
}

// TestUnexplained: a repetition is asked about until a counter has moved that can be about it.
func TestUnexplained(t *testing.T) {
	c := &connection{hasNxt: true, nxt: 1000}
	synAck, syn, again := segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, segment{seq: 999, space: 1, flags: event.SYN}, segment{seq: 990, space: 10}
	for _, tt := range []struct {
		name  string
		batch []transmission
		moved event.Evidence
		want  bool
	}{
		{"SYN,ACK of which the expiry alone is counted yet", []transmission{{conn: c, seg: synAck}}, event.Expired, true},
		{"SYN,ACK", []transmission{{conn: c, seg: synAck}}, event.Expired | event.SynRetransmitted, false},
		{"SYN", []transmission{{conn: c, seg: syn}}, event.Expired, false},
		{"data beside a SYN,ACK", []transmission{{conn: c, seg: synAck}, {conn: c, seg: again}}, event.SynRetransmitted, true},
		{"data", []transmission{{conn: c, seg: again}}, event.ProbedTail, false},
		{"nothing repeated", []transmission{{conn: c, seg: segment{seq: 1000, space: 1}}, {seg: again}}, 0, false},
	} {
		if got := (&Host{traffic: traffic{batch: tt.batch}}).unexplained(tt.moved); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestBelongs: an expiry that another segment may have had is not a SYN,ACK's that no timer need have sent.
func TestBelongs(t *testing.T) {
	c := &connection{hasNxt: true, nxt: 1000}
	synAck, again := segment{seq: 999, space: 1, flags: event.SYN | event.ACK}, segment{seq: 990, space: 10}
	const moved = event.Expired | event.SynRetransmitted
	for _, tt := range []struct {
		name    string
		s       segment
		others  []transmission
		inTimer bool
		want    event.Evidence
	}{
		{"alone", synAck, nil, false, moved},
		{"beside another", synAck, []transmission{{conn: c, seg: synAck}}, false, moved},
		{"beside data", synAck, []transmission{{conn: c, seg: again}}, false, event.SynRetransmitted},
		{"beside data, by a timer", synAck, []transmission{{conn: c, seg: again}}, true, moved},
		{"data", again, []transmission{{conn: c, seg: synAck}}, false, moved},
	} {
		h := &Host{traffic: traffic{batch: append([]transmission{{conn: c, seg: tt.s}}, tt.others...)}}
		if got := h.belongs(&tt.s, tt.inTimer, moved); got != tt.want {
			t.Errorf("%s: %b, want %b", tt.name, got, tt.want)
		}
	}
}

func TestFindDropped(t *testing.T) {
	const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       1       2    3    4    5     6          7         8        9       10   11   12   13    14      15         16
 gnet0:     101     102  103  104  105   106        107       108      109      110  111  112  113   114     115        116
`
	for name, want := range map[string]uint64{"gnet0": 112, "lo": 12, "gnet1": 0, "gnet": 0} {
		if got := findDropped([]byte(dev), name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	for _, q := range []request{aRequest(), {local: netip.MustParseAddr("2001:db8::1"), peer: netip.MustParseAddr("2001:db8::2"), mtu: 65535, veth: true, quickAck: true, watch: 7, cc: "cubic"}} {
		got, ok := decodeRequest(q.encode())
		if d := cmp.Diff(q, got, cmp.AllowUnexported(request{}, sysctl{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" || !ok {
			t.Errorf("%t %s", ok, d)
		}
	}
	for _, r := range []reply{
		{pinned: []string{"a=1", "b"}, unpinned: []string{"c: permission denied"}, untraced: "no"},
		{step: "tun", errno: int(unix.EACCES), text: "no way"},
	} {
		got, err := decodeReply(r.encode())
		if d := cmp.Diff(r, got, cmp.AllowUnexported(reply{})); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
		if (r.failure() == nil) != (r.step == "") || r.step != "" && !errors.Is(r.failure(), unix.EACCES) {
			t.Errorf("failure %v", r.failure())
		}
	}
	for _, bad := range []string{"", "gnet world 3", "gnet world 9 reply\n\n0\n", "gnet world 3 reply\n\nx\n",
		"gnet world 3\n192.0.2.1\n2001:db8::2\n1500\nfalse\nfalse\nfalse\n0\nreno", "gnet world 3\n192.0.2.1\n192.0.2.2\n1500\nfalse\nno\nfalse\n0\nreno", "gnet world 3\n192.0.2.1\n192.0.2.2\n1500\nfalse\nfalse\nfalse\n70000\nreno",
		"gnet world 3\n192.0.2.1\n192.0.2.2\n1500\nfalse\nfalse\nfalse\n0\nreno\n../../kernel/x=1"} {
		if r, err := decodeReply([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, r)
		}
		if r, ok := decodeRequest([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, r)
		}
	}
}

func aRequest() request {
	return request{local: netip.MustParseAddr("192.0.2.1"), peer: netip.MustParseAddr("192.0.2.2"), mtu: 1500, cc: "reno",
		sysctls: []sysctl{{"ipv4/tcp_sack", "0"}, {"ipv4/tcp_rmem", "1 2 3"}}}
}

// FuzzMessages: what arrives on the control socket is read or refused, and what is read says the same again.
func FuzzMessages(f *testing.F) {
	q := aRequest()
	f.Add(q.encode())
	f.Add((&reply{pinned: []string{"a"}, unpinned: []string{"b"}}).encode())
	f.Add((&reply{step: "tun", errno: 13, text: "no"}).encode())
	f.Add([]byte("gnet world 3 reply\n\n-1\n\n+\n-\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, ok := decodeRequest(b); ok {
			if again, ok := decodeRequest(q.encode()); !ok || !reflect.DeepEqual(again, q) {
				t.Fatalf("%+v", q)
			}
		}
		r, err := decodeReply(b)
		if err != nil || len(b) > maxMessage/2 {
			return
		}
		again, err := decodeReply(r.encode())
		if d := cmp.Diff(r, again, cmp.AllowUnexported(reply{})); err != nil || d != "" {
			t.Fatalf("%v %s", err, d)
		}
		r.failure()
	})
}

// netstat is /proc/net/netstat as far as it matters here, with two counters that are watched.
const netstat = `TcpExt: SyncookiesSent TW TCPTimeouts TCPBacklogDrop DelayedACKs
TcpExt: 0 7 3 0 12
IpExt: InNoRoutes InOctets
IpExt: 0 4711
`

// TestCounters reads what has moved between two readings, and the list of the end.
func TestCounters(t *testing.T) {
	name := filepath.Join(t.TempDir(), "netstat")
	write := func(text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(netstat)
	fd, err := unix.Open(name, unix.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	c := newCounters(fd, fd)
	if ev := c.moved(); ev != 0 {
		t.Errorf("nothing has moved: %b", ev)
	}
	write(strings.Replace(netstat, "0 7 3 0 12", "0 8 4 1 12", 1))
	if ev := c.moved(); ev != event.Expired {
		t.Errorf("TCPTimeouts has moved: %b", ev)
	}
	write(strings.Replace(netstat, "0 7 3 0 12", "1 8 4 1 13", 1))
	if ev := c.moved(); ev != event.SentCookie|event.DelayedAck {
		t.Errorf("two have moved: %b", ev)
	}
	h := Host{stats: c}
	want := []event.Counter{{Name: "IpExtInOctets", Value: 4711}, {Name: "TcpExtDelayedACKs", Value: 13}, {Name: "TcpExtSyncookiesSent", Value: 1},
		{Name: "TcpExtTCPBacklogDrop", Value: 1}, {Name: "TcpExtTCPTimeouts", Value: 4}, {Name: "TcpExtTW", Value: 8}}
	if d := cmp.Diff(want, h.Counters()); d != "" {
		t.Error(d)
	}
}

// FuzzTables: the files of /proc/net and the structure that are read here.
func FuzzTables(f *testing.F) {
	f.Add([]byte(netstat))
	f.Add([]byte(" gnet0:     101     102  103  104  105   106        107       108      109      110  111  112  113"))
	f.Fuzz(func(t *testing.T, b []byte) {
		findDropped(b, linkName)
		for _, prefix := range []string{"TcpExt:", "Ip:"} {
			names, values := protocol(b, prefix)
			for _, c := range appendCounters(nil, "Tcp", names, values) {
				if c.Value == 0 || c.Name == "Tcp" {
					t.Errorf("%q: %+v", b, c)
				}
			}
		}
		readSegment(b)
	})
}

// TestHelperIsNotReachedByAccident: the word alone, or with anything else at the descriptor, means nothing.
func TestHelperIsNotReachedByAccident(t *testing.T) {
	args := []string{"gnet", HelperWord}
	if _, ok := Helper([]string{"gnet"}); ok {
		t.Error("without the word")
	}
	if isControl(-1) {
		t.Error("no descriptor")
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if isControl(int(f.Fd())) {
		t.Error("a file")
	}
	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM} {
		fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
		if err != nil {
			t.Fatal(err)
		}
		if isControl(fds[0]) {
			t.Errorf("a socket of kind %d", kind)
		}
		closeAll(fds[:])
	}
	if _, ok := Helper(append(args, "x")); ok {
		t.Error("with another argument")
	}
}

// TestOpenWithoutHelper: a program that says nothing is an error with its end, not a hang.
func TestOpenWithoutHelper(t *testing.T) {
	_, err := Open(t.Context(), Config{Local: netip.MustParseAddr("192.0.2.1"), Peer: netip.MustParseAddr("192.0.2.2"), MTU: 1500, Helper: []string{"/bin/false"}})
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.HasPrefix(e.Text, "the helper ended without an answer") && e.Step != StepNamespaces {
		t.Errorf("%v", err)
	}
}
