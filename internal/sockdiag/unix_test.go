package sockdiag

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

// unixMsg is struct unix_diag_msg.
func unixMsg(family uint8) []byte {
	return host32([]byte{family, unix.SOCK_SEQPACKET, 10, 0}, 3001, 0x15161718, 0x11121314)
}

func unixEverything() []byte {
	b := unixMsg(unix.AF_UNIX)
	b = nltest.AppendAttr(b, 0, []byte("/run/a b\xff\x00"))
	b = nltest.AppendAttr(b, 1, host32(nil, 101, 102))
	b = nltest.AppendAttr(b, 2, host32(nil, 201))
	b = nltest.AppendAttr(b, 3, host32(nil, 301, 302))
	b = nltest.AppendAttr(b, 4, host32(nil, 401, 402))
	b = nltest.AppendAttr(b, 5, host32(nil, 501, 502, 503, 504, 505, 506, 507, 508, 509))
	b = nltest.AppendAttr(b, 6, []byte{3})
	b = nltest.AppendAttr(b, 7, host32(nil, 701))
	b = nltest.AppendAttr(b, 14, []byte("from the future"))
	return nltest.AppendAttr(b, 4000, []byte("from the far future"))
}

func unixHead() UnixRow {
	return UnixRow{Type: unix.SOCK_SEQPACKET, State: 10, Inode: 3001, Cookie: 0x1112131415161718}
}

func unixEverythingRow() UnixRow {
	r := unixHead()
	r.Has = UnixName | UnixVFS | UnixPeer | UnixRQLen | UnixMemory | UnixShutdown | UnixUID
	r.Name, r.VFSInode, r.VFSDev, r.Peer = []byte("/run/a b\xff"), 101, 102, 201
	r.RQueue, r.WQueue, r.UID, r.Shutdown = 401, 402, 701, 3
	r.SkMem = SkMem{RmemAlloc: 501, RcvBuf: 502, WmemAlloc: 503, SndBuf: 504, FwdAlloc: 505, WmemQueued: 506, OptMem: 507, Backlog: 508, Drops: 509}
	return r
}

// unixAnswer is what a caller of Unix got to see.
type unixAnswer struct {
	Rows []UnixRow
	Err  string
}

func askUnix(t *testing.T, c *Conn, show uint32) (got unixAnswer) {
	t.Helper()
	for row, err := range c.Unix(show) {
		if err == nil {
			got.Rows = append(got.Rows, *row.Clone())
			continue
		}
		var op *netlink.OpError
		if !errors.As(err, &op) || row != nil {
			t.Fatalf("error is %T with row %v, want *OpError and nil", err, row)
		}
		got.Err = err.Error()
	}
	return got
}

func TestUnix_whatTheKernelMaySend(t *testing.T) {
	named := func(name string) UnixRow {
		r := unixHead()
		r.Has, r.Name = UnixName, []byte(name)
		return r
	}
	withName := func(name string) []byte { return nltest.AppendAttr(unixMsg(unix.AF_UNIX), 0, []byte(name)) }
	for _, tc := range []struct {
		name   string
		typ    uint16
		bodies [][]byte
		want   unixAnswer
	}{
		{"each attribute, and then none", 20, [][]byte{unixEverything(), unixMsg(1)}, unixAnswer{Rows: []UnixRow{unixEverythingRow(), unixHead()}}},
		{"abstract name with NULs", 20, [][]byte{withName("\x00a\x00b\x00")}, unixAnswer{Rows: []UnixRow{named("\x00a\x00b\x00")}}},
		{"path without NUL", 20, [][]byte{withName("/tmp/x")}, unixAnswer{Rows: []UnixRow{named("/tmp/x")}}},
		{"another family", 20, [][]byte{unixMsg(2)}, unixAnswer{}},
		{"another type", 18, [][]byte{unixMsg(1)}, unixAnswer{}},
		{"too short", 20, [][]byte{unixMsg(1)[:15]}, unixAnswer{Err: "list unix sockets: " + netlink.ErrShortMessage.Error()}},
		{"queue too short", 20, [][]byte{nltest.AppendAttr(unixMsg(1), 4, host32(nil, 1))}, unixAnswer{Err: "list unix sockets: " + netlink.ErrBadAttribute.Error()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := scripted(tc.typ, 0, tc.bodies...)
			mustEqual(t, tc.want, askUnix(t, c, ShowName))
		})
	}
}

func TestUnix_request(t *testing.T) {
	c, kernel := scripted(20, unix.ENOENT)
	mustEqual(t, unixAnswer{Err: "list unix sockets: no such file or directory"}, askUnix(t, c, ShowName|ShowUID))
	want := nltest.Append(nil, 20, unix.NLM_F_REQUEST|unix.NLM_F_DUMP, 1, host32([]byte{1, 0, 0, 0}, 0xffffffff, 0, 0x41, 0, 0))
	mustEqual(t, [][]byte{want}, kernel.Requests)
}

func TestUnix_leavingEarly(t *testing.T) {
	c, _ := scripted(20, 0, unixMsg(1), unixEverything())
	for range c.Unix(0) {
		break
	}
	mustEqual(t, unixAnswer{Rows: []UnixRow{unixHead(), unixEverythingRow()}}, askUnix(t, c, 0))
}

func TestUnixClone_sharesNothing(t *testing.T) {
	c, _ := scripted(20, 0, unixEverything())
	for row, err := range c.Unix(0) {
		if err != nil {
			t.Fatal(err)
		}
		kept := row.Clone()
		clear(row.Name)
		mustEqual(t, unixEverythingRow(), *kept)
	}
}
