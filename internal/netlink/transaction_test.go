package netlink_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
)

// script is a transport that keeps what is sent and gives what was made ready for it.
type script struct {
	sent    [][]byte
	answers [][]byte
}

func (s *script) Send(p []byte) error {
	s.sent = append(s.sent, append([]byte(nil), p...))
	return nil
}

func (s *script) Recv(p []byte) (int, uint32, error) {
	if len(s.answers) == 0 {
		return 0, 0, unix.EIO
	}
	n := copy(p, s.answers[0])
	s.answers = s.answers[1:]
	return n, 0, nil
}

func (s *script) Close() error { return nil }

// answer is NLMSG_ERROR to the message seq: struct nlmsgerr with an errno.
func answer(seq uint32, errno unix.Errno) []byte {
	b := make([]byte, 36)
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], unix.NLMSG_ERROR)
	binary.NativeEndian.PutUint32(b[8:], seq)
	binary.NativeEndian.PutUint32(b[16:], uint32(-int32(errno)))
	binary.NativeEndian.PutUint32(b[20:], 16) // the refused message, without its body
	return b
}

// TestTransaction: what the kernel's answers mean for the whole, in whatever datagrams they come.
func TestTransaction(t *testing.T) {
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	for name, c := range map[string]struct {
		answers [][]byte
		want    error
	}{
		"all done":                    {[][]byte{join(answer(2, 0), answer(3, 0))}, nil},
		"one by one":                  {[][]byte{answer(2, 0), answer(3, 0)}, nil},
		"the second refused":          {[][]byte{join(answer(2, 0), answer(3, unix.EEXIST))}, unix.EEXIST},
		"both refused: the first":     {[][]byte{join(answer(2, unix.ENOENT), answer(3, unix.EEXIST))}, unix.ENOENT},
		"no rights":                   {[][]byte{answer(1, unix.EPERM)}, unix.EPERM},
		"an answer to somebody else":  {[][]byte{answer(9, unix.EPERM), answer(2, 0), answer(3, 0)}, nil},
		"the kernel ends in mid-word": {[][]byte{answer(2, 0)[:20]}, netlink.ErrBadLength},
		"no further answer":           {[][]byte{answer(2, 0)}, unix.EIO},
	} {
		s := &script{answers: c.answers}
		conn := netlink.NewConn(s)
		tr := conn.NewTransaction("test", 10)
		for range 2 {
			r := conn.Request(0x0a00, unix.NLM_F_CREATE)
			r.Fixed(4)
			tr.Add(r)
		}
		if err := tr.Commit(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		var types []uint16
		for msgs := netlink.Walk(s.sent[0]); msgs.Next(); {
			types = append(types, msgs.Message().Type)
		}
		if diff := cmp.Diff([]uint16{16, 0x0a00, 0x0a00, 17}, types); diff != "" || len(s.sent) != 1 {
			t.Errorf("%s: %d datagrams (-want +got):\n%s", name, len(s.sent), diff)
		}
	}
}
