package procnet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/sockdiag"
)

// scripted is a kernel that answers each dump with messages made beforehand, one datagram each.
type scripted struct {
	answers []uint16 // for each message: netlink type
	errno   int32    // of NLMSG_DONE
	short   bool     // the first row is too short
	asked   []byte   // the last request
	seq     []byte
	pending []uint16
}

func (s *scripted) Send(p []byte) error {
	s.asked, s.seq, s.pending = slices.Clone(p), slices.Clone(p[8:12]), s.answers
	return nil
}

func (s *scripted) Recv(p []byte) (int, uint32, error) {
	if len(s.pending) == 0 {
		return 0, 0, unix.EIO
	}
	typ := s.pending[0]
	s.pending = s.pending[1:]
	size := unix.NLMSG_HDRLEN + 72
	if typ == unix.NLMSG_DONE {
		size = unix.NLMSG_HDRLEN + 4
	} else if s.short {
		size = unix.NLMSG_HDRLEN + 8
	}
	clear(p[:size])
	binary.NativeEndian.PutUint32(p, uint32(size))
	binary.NativeEndian.PutUint16(p[4:], typ)
	copy(p[8:], s.seq)
	if typ == unix.NLMSG_DONE {
		binary.NativeEndian.PutUint32(p[16:], uint32(s.errno))
		return size, 0, nil
	}
	p[16], p[17] = s.asked[16], byte(Established) // the family that was asked for
	return size, 0, nil
}

func (s *scripted) Close() error { return nil }

func (s *scripted) dial() (*sockdiag.Conn, error) { return sockdiag.New(netlink.NewConn(s)), nil }

func refusedDial() (*sockdiag.Conn, error) {
	return nil, &netlink.OpError{Op: "open netlink socket", Err: unix.EPERM}
}

// Which source a table comes from, and what becomes of the other one's error.
func TestSockets_sources(t *testing.T) {
	const row, done = unix.SOCK_DIAG_BY_FAMILY, unix.NLMSG_DONE
	fileRow := inetHead + "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77\n"
	for name, test := range map[string]struct {
		dial   func() (*sockdiag.Conn, error)
		file   string // its text; "" none, "dir" a directory in its place
		proto  Proto
		q      Query
		rows   string // f: from the file, d: from sock_diag
		err    string
		passed string
	}{
		"sock_diag":             {dial: (&scripted{answers: []uint16{row, row, done}}).dial, file: fileRow, rows: "dd"},
		"no row":                {dial: (&scripted{answers: []uint16{done}}).dial, file: fileRow},
		"file asked for":        {dial: (&scripted{answers: []uint16{row, done}}).dial, file: fileRow, q: Query{FileOnly: true}, rows: "f"},
		"no dial":               {file: fileRow, rows: "f"},
		"dial refused":          {dial: refusedDial, file: fileRow, rows: "f", passed: "tcp file true: open netlink socket: operation not permitted"},
		"no module":             {dial: (&scripted{answers: []uint16{done}, errno: -int32(unix.ENOENT)}).dial, file: fileRow, rows: "f", passed: "tcp file true: list sockets: no such file or directory"},
		"unreadable first row":  {dial: (&scripted{answers: []uint16{row, done}, short: true}).dial, file: fileRow, rows: "f", passed: "tcp file true: list sockets: netlink message is too short"},
		"error after rows":      {dial: (&scripted{answers: []uint16{row, row}}).dial, file: fileRow, rows: "dd", err: "list sockets: input/output error"},
		"refused after rows":    {dial: (&scripted{answers: []uint16{row, done}, errno: -int32(unix.EPERM)}).dial, file: fileRow, rows: "d", err: "list sockets: operation not permitted"},
		"neither":               {dial: refusedDial, err: "open DIR/net/tcp: no such file or directory"},
		"neither, no dial":      {err: "open DIR/net/tcp: no such file or directory"},
		"nonsense, no file":     {dial: (&scripted{answers: []uint16{row, done}, short: true}).dial, err: "list sockets: netlink message is too short"},
		"broken file too":       {dial: refusedDial, file: "dir", err: "read DIR/net/tcp: is a directory", passed: "tcp file true: open netlink socket: operation not permitted"},
		"raw from the file":     {dial: (&scripted{answers: []uint16{row, done}}).dial, file: fileRow, proto: Raw, rows: "f"},
		"raw joined":            {dial: (&scripted{answers: []uint16{row, done}}).dial, file: fileRow, proto: Raw, q: Query{Diag: true}, rows: "d"},
		"raw joined, no module": {dial: (&scripted{answers: []uint16{done}, errno: -int32(unix.ENOENT)}).dial, file: fileRow, proto: Raw, q: Query{Diag: true}, rows: "f", passed: "raw file true: list sockets: no such file or directory"},
		"raw without a file":    {dial: (&scripted{answers: []uint16{row, done}}).dial, proto: Raw, rows: "d", passed: "raw file false: open DIR/net/raw: no such file or directory"},
		"raw, neither":          {dial: refusedDial, proto: Raw, err: "open DIR/net/raw: no such file or directory"},
		"raw, broken file":      {dial: (&scripted{answers: []uint16{row, done}}).dial, file: "dir", proto: Raw, err: "read DIR/net/raw: is a directory"},
		"bad rows are no error": {file: inetHead + "x\n" + strings.TrimPrefix(fileRow, inetHead), rows: "f", err: "DIR/net/tcp: line 2: sl \"x\": the row does not begin with a number and a colon"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "net", test.proto.File(false))
			switch test.file {
			case "":
			case "dir":
				if err := os.MkdirAll(path, 0o755); err != nil {
					t.Fatal(err)
				}
			default:
				(&procTree{t, dir}).write(test.file, "net", test.proto.File(false))
			}
			s := NewSockets(NewFS(dir), test.dial)
			rows, errs := collect(s.Inet(test.proto, false, test.q))
			var from, passed string
			for _, r := range rows {
				if r.Diag != nil {
					from += "d"
				} else {
					from += "f"
				}
			}
			for _, f := range s.Fallbacks() {
				passed = fmt.Sprintf("%s file %v: %v", f.Table, f.File, f.Err)
			}
			got := []string{from, strings.Join(errs, "; "), passed}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], dir, "DIR")
			}
			if diff := cmp.Diff([]string{test.rows, test.err, test.passed}, got); diff != "" {
				t.Errorf("rows, errors, fallback (-want +got):\n%s", diff)
			}
		})
	}
}

// A fallback is told once, however often the table is read.
func TestSockets_fallbackOnce(t *testing.T) {
	dials := 0
	s := NewSockets(FS{}, func() (*sockdiag.Conn, error) { dials++; return refusedDial() })
	for range 3 {
		collect(s.Inet(TCP, false, Query{}))
	}
	if len(s.Fallbacks()) != 1 || dials != 1 {
		t.Errorf("%d dials, fallbacks %v; want one of each", dials, s.Fallbacks())
	}
}

// A tree of its own is never mixed with what the running kernel says.
func TestSockets_otherTree(t *testing.T) {
	rows, errs := collect(NewFS(t.TempDir()).Sockets().Inet(TCP, false, Query{}))
	if len(rows) != 0 || len(errs) != 1 || !strings.HasSuffix(errs[0], "no such file or directory") {
		t.Errorf("%d rows, errors %v", len(rows), errs)
	}
}

// After Close there is no other connection: it would be to the namespace of whatever thread asks.
func TestSockets_closed(t *testing.T) {
	s := NewSockets(NewFS(t.TempDir()), func() (*sockdiag.Conn, error) { t.Error("dialled again"); return refusedDial() })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	for _, err := range s.Inet(TCP, false, Query{}) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v, want %v", err, os.ErrNotExist)
		}
	}
}

// What the query asks of the kernel: never bound sockets that are neither listening nor connected, and tcp_info for timers of TCP alone.
func TestQuery_request(t *testing.T) {
	code := []byte{1, 2, 3, 4}
	for _, test := range []struct {
		q    Query
		p    Proto
		v6   bool
		want sockdiag.Request
	}{
		{Query{}, TCP, false, sockdiag.Request{Family: unix.AF_INET, Protocol: 6}},
		{Query{States: 1<<Listen | 1<<13, Timers: true}, TCP, true, sockdiag.Request{Family: unix.AF_INET6, Protocol: 6, States: 1 << Listen, Ext: sockdiag.ExtInfo}},
		{Query{Timers: true, Bytecode: code}, UDP, false, sockdiag.Request{Family: unix.AF_INET, Protocol: 17, Bytecode: code}},
		{Query{Ext: sockdiag.ExtCong}, UDPLite, true, sockdiag.Request{Family: unix.AF_INET6, Protocol: 136, Ext: sockdiag.ExtCong}},
		{Query{Bytecode: code}, Raw, false, sockdiag.Request{Family: unix.AF_INET, Protocol: 255}},
	} {
		if diff := cmp.Diff(test.want, test.q.request(test.p, test.v6)); diff != "" {
			t.Errorf("%+v of %s (-want +got):\n%s", test.q, test.p.File(test.v6), diff)
		}
	}
}

// A million rows are read without an allocation for each.
func TestSockets_allocations(t *testing.T) {
	allocs := func(n int) float64 {
		answers := slices.Repeat([]uint16{unix.SOCK_DIAG_BY_FAMILY}, n)
		s := NewSockets(FS{}, (&scripted{answers: append(answers, unix.NLMSG_DONE)}).dial)
		return testing.AllocsPerRun(10, func() {
			for _, err := range s.Inet(TCP, false, Query{}) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if few, many := allocs(10), allocs(1000); few != many {
		t.Errorf("10 rows allocate %v times, 1000 rows %v times: want the same", few, many)
	}
}

// The remote port of a connected raw socket means nothing, and the file has none.
func TestSockets_rawRemotePort(t *testing.T) {
	row := sockdiag.InetRow{State: uint8(Established), Local: netip.MustParseAddrPort("192.0.2.1:89"), Remote: netip.MustParseAddrPort("192.0.2.2:7")}
	got := new(Sockets).newDiagReader(Raw, false, Query{}).convert(&row)
	want := &InetSocket{Proto: Raw, State: Established, Local: row.Local, Remote: netip.MustParseAddrPort("192.0.2.2:0"), Diag: &row}
	if diff := cmp.Diff(want, got, addrPorts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A shelf gives back what was put on it.
func TestInetShelf(t *testing.T) {
	want, _ := collect(parseInet(bytes.NewReader(mustCapture(t, "tcp6", "mixed")), "tcp6", TCP, true))
	for len(want) < 2*slabRows {
		want = append(want, want...)
	}
	k := NewInetShelf(TCP, true)
	for i := range want {
		want[i].Diag = &sockdiag.InetRow{Cookie: uint64(i), Cong: []byte("cubic")}
		k.Add(&want[i], true)
	}
	var got []InetSocket
	for i, s := range k.All() {
		if i != len(got) {
			t.Fatalf("row %d has the number %d", len(got), i)
		}
		got = append(got, *s)
	}
	if diff := cmp.Diff(want, got, addrPorts); diff != "" || k.Len() != len(want) {
		t.Errorf("%d rows of %d (-put +got):\n%s", k.Len(), len(want), diff)
	}
	for range k.All() {
		break // no panic
	}
	k = NewInetShelf(UDP, false)
	one := InetSocket{Proto: UDP, State: Close, Local: netip.MustParseAddrPort("192.0.2.1:53"), Remote: netip.MustParseAddrPort("0.0.0.0:0"), RxQueue: 1, TxQueue: 2,
		Timer: Timer{TimerProbe, 1 << 40, 3, -4}, UID: 5, Inode: 1 << 50}
	k.Add(&one, false)
	for _, got := range k.All() {
		if diff := cmp.Diff(&one, got, addrPorts); diff != "" {
			t.Errorf("(-put +got):\n%s", diff)
		}
	}
}
