package procnet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
	"gnet/internal/sockdiag"
)

// diagMessage is struct inet_diag_msg of a socket in ESTABLISHED
// (linux/inet_diag.h) that nobody has but by its inode.
func diagMessage(family uint8, inode uint32) []byte {
	b := make([]byte, 72)
	b[0], b[1] = family, uint8(Established)
	binary.NativeEndian.PutUint32(b[68:], inode)
	return b
}

// sockets is one datagram with a socket for each inode.
func sockets(request netlink.Message, family uint8, inodes ...uint32) nltest.Datagram {
	var b []byte
	for _, inode := range inodes {
		b = nltest.Append(b, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, request.Seq, diagMessage(family, inode))
	}
	return nltest.Datagram{Bytes: b}
}

func done(request netlink.Message, errno unix.Errno) nltest.Datagram {
	return nltest.Datagram{Bytes: nltest.AppendDone(nil, request, errno)}
}

// fileRow is a row of a tcp or tcp6 file.
func fileRow(v6 bool, inode int) string {
	zero := strings.Repeat("0", 8)
	if v6 {
		zero = strings.Repeat("0", 32)
	}
	return fmt.Sprintf("   0: %s:0016 %s:0000 01 00000000:00000000 00:00000000 00000000     0        0 %d\n", zero, zero, inode)
}

// TestSockets_netlinkFails: what the reader makes of a kernel that answers
// badly. The file has the sockets 91 and 92, netlink those below 90, so that a
// table which were made of both would show.
func TestSockets_netlinkFails(t *testing.T) {
	refused := func(errno unix.Errno) func(netlink.Message) []nltest.Datagram {
		return func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, errno, "")}}
		}
	}
	for name, test := range map[string]struct {
		answer  func(netlink.Message) []nltest.Datagram
		v6      bool
		noFile  bool
		want    string // inodes and errors, in order
		because string // the fallback's reason, "" without one
	}{
		"whole": {answer: func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1, 2), sockets(r, unix.AF_INET, 3), done(r, 0)}
		}, want: "1 2 3"},
		"no diag module":               {answer: func(r netlink.Message) []nltest.Datagram { return []nltest.Datagram{done(r, unix.ENOENT)} }, want: "91 92", because: "no such file or directory"},
		"no diag module, no file":      {answer: func(r netlink.Message) []nltest.Datagram { return []nltest.Datagram{done(r, unix.ENOENT)} }, noFile: true, want: "not exist"},
		"refused":                      {answer: refused(unix.EPERM), want: "91 92", because: "operation not permitted"},
		"not known to the kernel":      {answer: refused(unix.EINVAL), want: "91 92", because: "invalid argument"},
		"refused, no file":             {answer: refused(unix.EPERM), noFile: true, want: "not exist"},
		"overrun before the first row": {answer: func(netlink.Message) []nltest.Datagram { return []nltest.Datagram{{Err: unix.ENOBUFS}} }, want: "91 92", because: "no buffer space available"},
		"overrun in the middle": {answer: func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1, 2), {Err: unix.ENOBUFS}}
		}, want: "1 2 no buffer space available"},
		"NLMSG_OVERRUN in the middle": {answer: func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1), {Bytes: nltest.Append(nil, unix.NLMSG_OVERRUN, 0, r.Seq, nil)}}
		}, want: "1 no buffer space available"},
		"the end with an error": {answer: func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1), done(r, unix.ENOMEM)}
		}, want: "1 cannot allocate memory"},
		"cut datagram": {answer: func(r netlink.Message) []nltest.Datagram {
			d := sockets(r, unix.AF_INET, 1)
			d.Lost = 1 << 20
			return []nltest.Datagram{d}
		}, want: "91 92", because: netlink.ErrTruncated.Error()},
		"message longer than its datagram": {answer: func(r netlink.Message) []nltest.Datagram {
			d := sockets(r, unix.AF_INET, 1)
			d.Bytes = d.Bytes[:len(d.Bytes)-4]
			return []nltest.Datagram{d}
		}, want: "91 92", because: "netlink message has an impossible length"},
		"short row": {answer: func(r netlink.Message) []nltest.Datagram {
			b := nltest.Append(nil, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, r.Seq, diagMessage(unix.AF_INET, 1)[:60])
			return []nltest.Datagram{{Bytes: b}, done(r, 0)}
		}, want: "91 92", because: "netlink message is too short"},
		"short row, no file": {answer: func(r netlink.Message) []nltest.Datagram {
			b := nltest.Append(nil, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, r.Seq, diagMessage(unix.AF_INET, 1)[:60])
			return []nltest.Datagram{{Bytes: b}, done(r, 0)}
		}, noFile: true, want: "netlink message is too short"},
		"another sender, another request": {answer: func(r netlink.Message) []nltest.Datagram {
			forged, late := sockets(r, unix.AF_INET, 66), sockets(netlink.Message{Seq: r.Seq - 1}, unix.AF_INET, 67)
			forged.Port = 4242
			return []nltest.Datagram{forged, late, sockets(r, unix.AF_INET, 1), done(r, 0)}
		}, want: "1"},
		// A kernel without IPv6 lists what it has.
		"IPv4 for IPv6": {answer: func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1, 2), done(r, 0)}
		}, v6: true, want: ""},
		"no socket at all": {answer: func(r netlink.Message) []nltest.Datagram { return []nltest.Datagram{done(r, 0)} }, want: ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if !test.noFile {
				writeFile(t, filepath.Join(dir, "net", TCP.File(test.v6)), inetHead+fileRow(test.v6, 91)+fileRow(test.v6, 92))
			}
			s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) {
				c, _ := nltest.Dial(test.answer)
				return sockdiag.New(c), nil
			})
			defer s.Close()
			if diff := cmp.Diff(test.want, inodesAndErrors(s, TCP, test.v6)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			got := ""
			for _, f := range s.Fallbacks() {
				got += fmt.Sprintf("%s %v %s", f.Table, f.File, cause(f.Err))
			}
			want := ""
			if test.because != "" {
				want = fmt.Sprintf("%s true %s", TCP.File(test.v6), test.because)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fallbacks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSockets_netlinkStaysBroken: after half an answer the connection is of no
// use, and the next table comes from its file.
func TestSockets_netlinkStaysBroken(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "net", "udp"), inetHead+fileRow(false, 93))
	s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) {
		c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
			return []nltest.Datagram{sockets(r, unix.AF_INET, 1), {Err: unix.ENOBUFS}}
		})
		return sockdiag.New(c), nil
	})
	defer s.Close()
	got := []string{inodesAndErrors(s, TCP, false), inodesAndErrors(s, UDP, false)}
	if diff := cmp.Diff([]string{"1 no buffer space available", "93"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f := s.Fallbacks(); len(f) != 1 || f[0].Table != "udp" || !f[0].File {
		t.Errorf("fallbacks %+v", f)
	}
}

// TestSockets_fileFails: where netlink is refused, a file that cannot be read is
// not an absent one.
func TestSockets_fileFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "net", "tcp"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := NewSockets(NewFS(dir), func() (*sockdiag.Conn, error) { return nil, unix.EPERM })
	got := inodesAndErrors(s, TCP, false)
	if f := s.Fallbacks(); got != "is a directory" || len(f) != 1 || f[0].Table != "tcp" || !errors.Is(f[0].Err, unix.EPERM) {
		t.Errorf("got %q, fallbacks %+v", got, f)
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inodesAndErrors is one table in short.
func inodesAndErrors(s *Sockets, p Proto, v6 bool) string {
	var words []string
	for row, err := range s.Inet(p, v6, Query{}) {
		if err != nil {
			words = append(words, cause(err))
			continue
		}
		words = append(words, fmt.Sprint(row.Inode))
	}
	return strings.Join(words, " ")
}

// cause is the innermost reason of an error.
func cause(err error) string {
	if errors.Is(err, os.ErrNotExist) && errors.As(err, new(*os.PathError)) {
		return "not exist"
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
