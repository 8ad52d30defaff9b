package procnet

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/sockdiag"
)

// bothKernel answers each request of TCP sockets: n of each family, those of
// IPv4 with odd inodes and those of IPv6 with even ones, mixed when both families
// are asked for at once (TCPDIAG_GETSOCK, which is type 18).
func bothKernel(n4, n6 int) func(netlink.Message) []nltest.Datagram {
	return func(r netlink.Message) (answer []nltest.Datagram) {
		var b []byte
		add := func(family uint8, inode, n int) {
			if inode/2 < n && (r.Type == 18 || r.Body[0] == family) {
				b = nltest.Append(b, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, r.Seq, diagMessage(family, uint32(inode)))
			}
		}
		for i := range max(n4, n6) {
			add(unix.AF_INET, 2*i+1, n4)
			add(unix.AF_INET6, 2*i, n6)
			if len(b) > 30<<10 {
				answer, b = append(answer, nltest.Datagram{Bytes: b}), nil
			}
		}
		return append(answer, nltest.Datagram{Bytes: b}, done(r, 0))
	}
}

// TestSockets_both: tcp and tcp6 from one walk of the kernel's table are the rows
// that two walks give, in the same order.
func TestSockets_both(t *testing.T) {
	for name, test := range map[string]struct {
		n4, n6   int
		inuse    string // TCP6 in sockstat6, "" without the file
		q        Query
		requests []uint16 // the types, in order
	}{
		"one walk":                    {n4: 5, n6: 3, inuse: "3", q: Query{Both: true}, requests: []uint16{18}},
		"no IPv6 connection":          {n4: 700, n6: 0, inuse: "0", q: Query{Both: true}, requests: []uint16{18}},
		"no IPv4 connection":          {n4: 0, n6: 700, inuse: "700", q: Query{Both: true}, requests: []uint16{18}},
		"as many as are kept":         {n4: 2, n6: aheadRows, inuse: fmt.Sprint(aheadRows), q: Query{Both: true}, requests: []uint16{18}},
		"not asked for":               {n4: 5, n6: 3, inuse: "3", requests: []uint16{20, 20}},
		"too many":                    {n4: 5, n6: 3, inuse: fmt.Sprint(aheadRows + 1), q: Query{Both: true}, requests: []uint16{20, 20}},
		"more than were counted":      {n4: 5, n6: aheadRows + 1, inuse: "3", q: Query{Both: true}, requests: []uint16{18, 20}},
		"far more than were counted":  {n4: 5, n6: 3 * aheadRows, inuse: "3", q: Query{Both: true}, requests: []uint16{18, 20}},
		"nobody knows how many":       {n4: 5, n6: 3, q: Query{Both: true}, requests: []uint16{20, 20}},
		"what stands there is no sum": {n4: 5, n6: 3, inuse: "many", q: Query{Both: true}, requests: []uint16{20, 20}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if test.inuse != "" {
				writeFile(t, filepath.Join(dir, "net", "sockstat6"), "TCP6: inuse "+test.inuse+"\nUDP6: inuse 1\n")
			}
			conn, kernel := nltest.Dial(bothKernel(test.n4, test.n6))
			s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) { return sockdiag.New(conn), nil })
			for range 2 {
				kernel.Requests = nil
				got := [2][]uint64{inodes(t, s, false, test.q), inodes(t, s, true, test.q)}
				var want [2][]uint64
				for i := range test.n4 {
					want[0] = append(want[0], uint64(2*i+1))
				}
				for i := range test.n6 {
					want[1] = append(want[1], uint64(2*i))
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.requests, requestTypes(kernel)); diff != "" {
					t.Errorf("requests (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Where attributes are asked for the rows of tcp6 keep what sock_diag says of them.
func TestSockets_bothDiag(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "net", "sockstat6"), "TCP6: inuse 2\n")
	conn, _ := nltest.Dial(bothKernel(1, 2))
	s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) { return sockdiag.New(conn), nil })
	for _, q := range []Query{{Both: true, Ext: sockdiag.ExtInfo}, {Both: true}} {
		inodes(t, s, false, q)
		var got []bool
		for row, err := range s.Inet(TCP, true, q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, row.Diag != nil && uint64(row.Diag.Inode) == row.Inode)
		}
		if want := q.Ext != 0; len(got) != 2 || got[0] != want || got[1] != want {
			t.Errorf("attributes %v: rows of tcp6 have their own Diag: %v", q.Ext, got)
		}
	}
}

// What came with a walk of tcp is for the tcp6 that follows, and for no other.
func TestSockets_bothOnce(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "net", "sockstat6"), "TCP6: inuse 2\n")
	conn, kernel := nltest.Dial(bothKernel(2, 2))
	s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) { return sockdiag.New(conn), nil })
	both := Query{Both: true}
	for row, err := range s.Inet(TCP, false, both) {
		if err != nil || row == nil {
			t.Fatal(err)
		}
		break // half a walk says nothing of tcp6
	}
	inodes(t, s, true, both)
	inodes(t, s, false, both)
	inodes(t, s, true, Query{})
	inodes(t, s, true, both)
	if diff := cmp.Diff([]uint16{18, 20, 18, 20, 20}, requestTypes(kernel)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func inodes(t *testing.T, s *Sockets, v6 bool, q Query) (all []uint64) {
	t.Helper()
	for row, err := range s.Inet(TCP, v6, q) {
		if err != nil {
			t.Fatal(err)
		}
		if row.V6 != v6 || row.Local.Addr().Is6() != v6 {
			t.Fatalf("v6 %v: row %+v", v6, row)
		}
		all = append(all, row.Inode)
	}
	return all
}

func requestTypes(k *nltest.Kernel) (types []uint16) {
	for _, r := range k.Requests {
		msgs := netlink.Walk(r)
		for msgs.Next() {
			types = append(types, msgs.Message().Type)
		}
	}
	return types
}
