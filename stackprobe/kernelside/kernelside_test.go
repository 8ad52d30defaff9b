package kernelside

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/stackprobe/event"
)

// TestInfoIsTheKernels compares our reading of TCP_INFO with that of package unix, field by field, on a live socket.
func TestInfoIsTheKernels(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	c.Write(make([]byte, 5000))
	for n := 0; n < 5000; {
		m, err := peer.Read(make([]byte, 5000))
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		got, err := readInfo(int(fd))
		if err != nil {
			t.Fatal(err)
		}
		k, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			t.Fatal(err)
		}
		want := Info{State: k.State, CAState: k.Ca_state, Retransmits: k.Retransmits, Probes: k.Probes,
			RTO: time.Duration(k.Rto) * time.Microsecond, RTT: time.Duration(k.Rtt) * time.Microsecond, RTTVar: time.Duration(k.Rttvar) * time.Microsecond, Ssthresh: k.Snd_ssthresh, Cwnd: k.Snd_cwnd,
			BytesAcked: k.Bytes_acked, BytesReceived: k.Bytes_received, HasBytes: true,
			SndWnd: k.Snd_wnd, RcvWnd: k.Rcv_wnd, HasSndWnd: true, HasRcvWnd: got.HasRcvWnd}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if got.BytesAcked < 5000 || got.Cwnd == 0 || got.RTT == 0 || got.SndWnd == 0 {
			t.Errorf("the socket tells too little for this test: %+v", got)
		}
	})
}

// TestInfoByLength: an older kernel's structure is shorter, and what it lacks is unknown.
func TestInfoByLength(t *testing.T) {
	b := make([]byte, 248)
	for i := range b {
		b[i] = 1
	}
	for _, tt := range []struct {
		length                         int
		hasBytes, hasSndWnd, hasRcvWnd bool
	}{{0, false, false, false}, {104, false, false, false}, {136, true, false, false}, {232, true, true, false}, {236, true, true, true}, {248, true, true, true}} {
		i := parseInfo(b[:tt.length])
		if i.HasBytes != tt.hasBytes || i.HasSndWnd != tt.hasSndWnd || i.HasRcvWnd != tt.hasRcvWnd {
			t.Errorf("%d bytes: %+v", tt.length, i)
		}
		v := i.vars()
		if (v.Has&event.HasWnd != 0) != tt.hasSndWnd || (v.Has&event.HasRcvWnd != 0) != tt.hasRcvWnd {
			t.Errorf("%d bytes: %+v", tt.length, v)
		}
	}
}

func TestEvidence(t *testing.T) {
	for _, tt := range []struct {
		name        string
		now, before Info
		want        event.Evidence
	}{
		{"probing", Info{Probes: 1, Retransmits: 1}, Info{}, event.Probing},
		{"expired", Info{Retransmits: 2, CAState: caLoss}, Info{Retransmits: 1}, event.Expired},
		{"after expiry", Info{Retransmits: 1, CAState: caLoss}, Info{Retransmits: 1}, event.Resending},
		{"recovery", Info{CAState: caRecovery}, Info{}, event.Recovering},
		{"none of them", Info{}, Info{}, event.TailLoss},
	} {
		if got := tt.now.evidence(&tt.before); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// table is /proc/net/tcp of a namespace with a listener, an established connection and one in TIME-WAIT.
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 33361 1 0000000000000000 100 0 0 10 0                      
   1: 010200C0:9C41 020200C0:0007 01 00000000:00000000 00:00000000 00000000     0        0 33362 1 0000000000000000 20 0 0 10 -1                     
   2: 010200C0:9C40 020200C0:0007 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000                                      
`

func TestFindTimeWait(t *testing.T) {
	for port, want := range map[uint16]bool{40000: true, 40001: false, 8080: false, 7: false} {
		if got := findTimeWait([]byte(table), port); got != want {
			t.Errorf("port %d: %t", port, got)
		}
	}
	for _, bad := range []string{"", "\n", "0: :9C40 x 06", "   2: 010200C0:9C4G 020200C0:0007 06 0", "   2: 010200C0:9C40 020200C0:0007 0x 0", "   2: 010200C0:9C40"} {
		if findTimeWait([]byte(bad), 40000) {
			t.Errorf("found in %q", bad)
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
	q := request{client: "192.0.2.1", server: "192.0.2.2", port: 40000, mtu: 1500, cc: "reno"}
	got, ok := decodeRequest(q.encode())
	if d := cmp.Diff(q, got, cmp.AllowUnexported(request{})); d != "" || !ok {
		t.Errorf("%t %s", ok, d)
	}
	for _, r := range []reply{
		{pinned: []string{"a=1", "b"}, unpinned: []string{"c: permission denied"}},
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
	for _, bad := range []string{"", "gnet world 1", "gnet world 2 reply\n\n0\n", "gnet world 1 reply\n\nx\n"} {
		if r, err := decodeReply([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, r)
		}
		if r, ok := decodeRequest([]byte(bad)); ok {
			t.Errorf("%q: %+v", bad, r)
		}
	}
}

// FuzzMessages: what arrives on the control socket is read or refused, and what is read says the same again.
func FuzzMessages(f *testing.F) {
	f.Add((&request{client: "192.0.2.1", server: "192.0.2.2", port: 40000, mtu: 1500, cc: "reno"}).encode())
	f.Add((&reply{pinned: []string{"a"}, unpinned: []string{"b"}}).encode())
	f.Add((&reply{step: "tun", errno: 13, text: "no"}).encode())
	f.Add([]byte("gnet world 1 reply\n\n-1\n\n+\n-\nx"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if q, ok := decodeRequest(b); ok {
			if again, ok := decodeRequest(q.encode()); !ok || again != q {
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

// FuzzTables: the two files of /proc/net that are read here.
func FuzzTables(f *testing.F) {
	f.Add([]byte(table))
	f.Add([]byte(" gnet0:     101     102  103  104  105   106        107       108      109      110  111  112  113"))
	f.Fuzz(func(t *testing.T, b []byte) {
		findTimeWait(b, timeWaitPort)
		findDropped(b, tunName)
		parseInfo(b)
	})
}

const timeWaitPort = 40000

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
	_, err := Open(t.Context(), Config{Client: netip.MustParseAddr("192.0.2.1"), Server: netip.MustParseAddr("192.0.2.2"), Port: 1, MTU: 1500, Helper: []string{"/bin/false"}})
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.HasPrefix(e.Text, "the helper ended without an answer") && e.Step != "namespaces" {
		t.Errorf("%v", err)
	}
}
