package procnet

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/sockdiag"
)

// TestSockets_refusedProgram: a kernel that refuses the program of a filter is asked for all rows, which have what the file lacks, and only one
// that refuses those too leaves the file. An error behind the first row is no refusal of the program.
func TestSockets_refusedProgram(t *testing.T) {
	const size = 60 // of inet_diag_req_v2 at most, and of inet_diag_req
	file := inetHead + "   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77\n"
	row := func(r netlink.Message) []byte {
		return nltest.Append(nil, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, r.Seq, diagMessage(unix.AF_INET, 5))
	}
	for name, test := range map[string]struct {
		kernel   func(r netlink.Message, program bool) []nltest.Datagram
		both     bool
		rows     string // f: from the file, d: from sock_diag
		errs     int
		requests int
	}{
		"accepted": {kernel: func(r netlink.Message, _ bool) []nltest.Datagram {
			return []nltest.Datagram{{Bytes: row(r)}, done(r, 0)}
		}, rows: "d", requests: 1},
		"program refused": {kernel: func(r netlink.Message, program bool) []nltest.Datagram {
			if program {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EINVAL, "")}}
			}
			return []nltest.Datagram{{Bytes: row(r)}, done(r, 0)}
		}, rows: "d", requests: 2},
		"program refused of both families": {kernel: func(r netlink.Message, program bool) []nltest.Datagram {
			if program {
				return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EINVAL, "")}}
			}
			return []nltest.Datagram{{Bytes: row(r)}, done(r, 0)}
		}, both: true, rows: "d", requests: 2},
		"everything refused": {kernel: func(r netlink.Message, _ bool) []nltest.Datagram {
			return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, unix.EPERM, "")}}
		}, rows: "f", requests: 2},
		"refused after a row": {kernel: func(r netlink.Message, _ bool) []nltest.Datagram {
			return []nltest.Datagram{{Bytes: row(r)}, done(r, unix.EINVAL)}
		}, rows: "d", errs: 1, requests: 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			(&procTree{t, dir}).write(file, "net", "tcp")
			(&procTree{t, dir}).write("TCP6: inuse 0\n", "net", "sockstat6")
			conn, kernel := nltest.Dial(func(r netlink.Message) []nltest.Datagram { return test.kernel(r, len(r.Body) > size) })
			s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) { return sockdiag.New(conn), nil })
			rows, errs := collect(s.Inet(TCP, false, Query{Both: test.both, Bytecode: []byte(strings.Repeat("\x00\x04\x08\x00", 2))}))
			from := ""
			for _, r := range rows {
				if r.Diag != nil {
					from += "d"
				} else {
					from += "f"
				}
			}
			got := []any{from, len(errs), len(requestTypes(kernel))}
			if diff := cmp.Diff([]any{test.rows, test.errs, test.requests}, got); diff != "" {
				t.Errorf("rows, errors, requests (-want +got): %s\n%q", diff, errs)
			}
		})
	}
}
