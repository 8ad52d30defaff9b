package netlink_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"gnet/internal/netlink"
	"gnet/internal/netlink/nltest"
)

const typeRow = 0x40

// transcript is what a caller of Dump got to see.
type transcript struct {
	Rows   []string
	Err    string
	Errno  unix.Errno
	Strays uint64
}

// dump runs one dump against a script and writes down what came.
func dump(t *testing.T, c *netlink.Conn) transcript {
	t.Helper()
	var got transcript
	err := c.Dump("list rows", c.Request(typeRow, 0), func(m netlink.Message) error {
		got.Rows = append(got.Rows, string(m.Body))
		return nil
	})
	if err != nil {
		var op *netlink.OpError
		if !errors.As(err, &op) {
			t.Fatalf("error is %T, want *OpError", err)
		}
		got.Err = err.Error()
		errors.As(err, &got.Errno)
	}
	got.Strays = c.Strays()
	return got
}

func row(b []byte, request netlink.Message, body string) []byte {
	return nltest.Append(b, typeRow, unix.NLM_F_MULTI, request.Seq, []byte(body))
}

func TestDump_whatTheKernelMaySend(t *testing.T) {
	type datagrams = []nltest.Datagram
	one := func(b []byte) datagrams { return datagrams{{Bytes: b}} }
	for _, tc := range []struct {
		name   string
		script func(r netlink.Message) datagrams
		want   transcript
	}{
		{"rows in two datagrams", func(r netlink.Message) datagrams {
			return datagrams{{Bytes: row(row(nil, r, "one!"), r, "two!")}, {Bytes: nltest.AppendDone(row(nil, r, "three"), r, 0)}}
		}, transcript{Rows: []string{"one!", "two!", "three"}}},
		{"no row", func(r netlink.Message) datagrams { return one(nltest.AppendDone(nil, r, 0)) }, transcript{}},
		{"done without errno", func(r netlink.Message) datagrams {
			return one(nltest.Append(nil, unix.NLMSG_DONE, 0, r.Seq, nil))
		}, transcript{}},
		{"done with errno after rows", func(r netlink.Message) datagrams {
			return one(nltest.AppendDone(row(nil, r, "one!"), r, unix.ENOENT))
		}, transcript{Rows: []string{"one!"}, Err: "list rows: no such file or directory", Errno: unix.ENOENT}},
		{"refused with a sentence", func(r netlink.Message) datagrams {
			return one(nltest.AppendAck(nil, r, unix.EINVAL, "Invalid header"))
		}, transcript{Err: "list rows: invalid argument (Invalid header)", Errno: unix.EINVAL}},
		{"overrun", func(r netlink.Message) datagrams {
			return one(nltest.Append(nil, unix.NLMSG_OVERRUN, 0, r.Seq, nil))
		}, transcript{Err: "list rows: no buffer space available", Errno: unix.ENOBUFS}},
		{"receive fails", func(r netlink.Message) datagrams {
			return datagrams{{Bytes: row(nil, r, "one!")}, {Err: unix.ENOBUFS}}
		}, transcript{Rows: []string{"one!"}, Err: "list rows: no buffer space available", Errno: unix.ENOBUFS}},
		{"interrupted", func(r netlink.Message) datagrams {
			b := nltest.Append(nil, typeRow, unix.NLM_F_MULTI|unix.NLM_F_DUMP_INTR, r.Seq, []byte("one!"))
			return one(nltest.AppendDone(row(b, r, "two!"), r, 0))
		}, transcript{Rows: []string{"one!", "two!"}, Err: "list rows: " + netlink.ErrInterrupted.Error()}},
		{"noop", func(r netlink.Message) datagrams {
			return one(nltest.AppendDone(nltest.Append(nil, unix.NLMSG_NOOP, 0, r.Seq, nil), r, 0))
		}, transcript{}},
		{"another sender and another sequence", func(r netlink.Message) datagrams {
			old := r
			old.Seq--
			return datagrams{
				{Bytes: nltest.AppendDone(row(nil, r, "forged"), r, 0), Port: 77},
				{Bytes: nltest.AppendDone(row(row(nil, old, "late"), r, "one!"), r, 0)},
			}
		}, transcript{Rows: []string{"one!"}, Strays: 2}},
		{"truncated", func(r netlink.Message) datagrams {
			return datagrams{{Bytes: make([]byte, 64<<10), Lost: 1}}
		}, transcript{Err: "list rows: " + netlink.ErrTruncated.Error()}},
		{"shorter than a header", func(r netlink.Message) datagrams {
			return one(append(row(nil, r, "one!"), 1, 2, 3))
		}, transcript{Rows: []string{"one!"}, Err: "list rows: " + netlink.ErrShortMessage.Error()}},
		{"length below a header", func(r netlink.Message) datagrams {
			b := row(nil, r, "one!")
			binary.NativeEndian.PutUint32(b, 15)
			return one(b)
		}, transcript{Err: "list rows: " + netlink.ErrBadLength.Error()}},
		{"length beyond the datagram", func(r netlink.Message) datagrams {
			b := row(nil, r, "one!")
			binary.NativeEndian.PutUint32(b, 21)
			return one(b)
		}, transcript{Err: "list rows: " + netlink.ErrBadLength.Error()}},
		{"error message too short", func(r netlink.Message) datagrams {
			return one(nltest.Append(nil, unix.NLMSG_ERROR, 0, r.Seq, make([]byte, 19)))
		}, transcript{Err: "list rows: " + netlink.ErrShortMessage.Error()}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := nltest.Dial(tc.script)
			if diff := cmp.Diff(tc.want, dump(t, c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDo_bytesOfTheRequest(t *testing.T) {
	c, kernel := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, 0, "")}}
	})
	r := c.Request(0x1234, unix.NLM_F_EXCL)
	copy(r.Fixed(5), "fixed")
	r.Uint8(1, 0x11)
	r.String(2, "abc")
	nest := r.Open(3)
	r.Uint16BE(4, 0x0102)
	r.Close(nest)
	if err := c.Do("test", r); err != nil {
		t.Fatal(err)
	}
	body := append([]byte("fixed\x00\x00\x00"), nltest.AppendAttr(nil, 1, []byte{0x11})...)
	body = nltest.AppendAttr(body, 2, []byte("abc\x00"))
	body = nltest.AppendAttr(body, 3|unix.NLA_F_NESTED, nltest.AppendAttr(nil, 4, []byte{1, 2}))
	want := nltest.Append(nil, 0x1234, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_EXCL, 1, body)
	if diff := cmp.Diff([][]byte{want}, kernel.Requests); diff != "" {
		t.Error(diff)
	}
}

// TestDo_sentenceBehindAnEchoedRequest has the form that a kernel without
// NETLINK_CAP_ACK sends: the whole request stands before the attributes.
func TestDo_sentenceBehindAnEchoedRequest(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		body := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff&(1<<32-uint64(unix.EEXIST))))
		body = nltest.Append(body, r.Type, r.Flags, r.Seq, r.Body)
		body = nltest.AppendAttr(body, unix.NLMSGERR_ATTR_OFFS, []byte{9, 9, 9, 9})
		body = nltest.AppendAttr(body, unix.NLMSGERR_ATTR_MSG, []byte("it is there\x00"))
		return []nltest.Datagram{{Bytes: nltest.Append(nil, unix.NLMSG_ERROR, unix.NLM_F_ACK_TLVS, r.Seq, body)}}
	})
	r := c.Request(typeRow, 0)
	copy(r.Fixed(4), "\xff\xff\xff\xff")
	r.String(1, "a name of odd length")
	err := c.Do("add row", r)
	want := &netlink.OpError{Op: "add row", Err: unix.EEXIST, Kernel: "it is there", Refused: true}
	if diff := cmp.Diff(error(want), err); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, unix.EEXIST) || !netlink.IsRefused(err) {
		t.Errorf("errors.Is and IsRefused do not know %v", err)
	}
}

func TestGet_acknowledgementWithoutAnswer(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: nltest.AppendAck(nil, r, 0, "")}}
	})
	err := c.Get("get row", c.Request(typeRow, 0), func(netlink.Message) error { return nil })
	if !errors.Is(err, netlink.ErrNoReply) {
		t.Errorf("got %v, want ErrNoReply", err)
	}
}

// TestDump_leavingEarly: the rest of the dump is read away, so that the next
// request gets its own answer.
func TestDump_leavingEarly(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: row(nil, r, "one!")}, {Bytes: row(nil, r, "two!")}, {Bytes: nltest.AppendDone(nil, r, 0)}}
	})
	stop := errors.New("stop")
	var rows []string
	err := c.Dump("list rows", c.Request(typeRow, 0), func(m netlink.Message) error {
		rows = append(rows, string(m.Body))
		return stop
	})
	if err != stop {
		t.Errorf("got %v, want the callback's own error", err)
	}
	if diff := cmp.Diff([]string{"one!"}, rows); diff != "" {
		t.Error(diff)
	}
	want := transcript{Rows: []string{"one!", "two!"}}
	if diff := cmp.Diff(want, dump(t, c)); diff != "" {
		t.Error(diff)
	}
}

func TestConn_requestInsideACallback(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: nltest.AppendDone(row(nil, r, "one!"), r, 0)}}
	})
	err := c.Dump("outer", c.Request(typeRow, 0), func(netlink.Message) error {
		return c.Do("inner", c.Request(typeRow, 0))
	})
	want := error(&netlink.OpError{Op: "inner", Err: netlink.ErrBusy})
	if diff := cmp.Diff(want, err, cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })); diff != "" {
		t.Error(diff)
	}
}

// TestConn_refusesUseAfterUnreadableBytes: what follows in the socket has no
// known beginning.
func TestConn_refusesUseAfterUnreadableBytes(t *testing.T) {
	c, kernel := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		return []nltest.Datagram{{Bytes: []byte{1, 2, 3}}}
	})
	first := c.Do("first", c.Request(typeRow, 0))
	second := c.Do("second", c.Request(typeRow, 0))
	if !errors.Is(first, netlink.ErrShortMessage) || !errors.Is(second, netlink.ErrShortMessage) {
		t.Errorf("got %v, then %v", first, second)
	}
	if len(kernel.Requests) != 1 {
		t.Errorf("%d requests were sent, want 1", len(kernel.Requests))
	}
}

func TestDo_attributeTooLong(t *testing.T) {
	c, kernel := nltest.Dial(func(netlink.Message) []nltest.Datagram { return nil })
	r := c.Request(typeRow, 0)
	r.Bytes(1, make([]byte, 0x10000))
	if err := c.Do("long", r); !errors.Is(err, netlink.ErrTooLong) {
		t.Errorf("got %v, want ErrTooLong", err)
	}
	if len(kernel.Requests) != 0 {
		t.Error("the request was sent")
	}
}

func TestDump_allocatesNothingPerMessage(t *testing.T) {
	c, _ := nltest.Dial(func(r netlink.Message) []nltest.Datagram {
		b := nltest.AppendAttr(nil, 1, []byte{1, 2, 3, 4})
		var d []byte
		for range 1000 {
			d = nltest.Append(d, typeRow, unix.NLM_F_MULTI, r.Seq, b)
		}
		return []nltest.Datagram{{Bytes: nltest.AppendDone(d, r, 0)}}
	})
	script := testing.AllocsPerRun(10, func() { walkRows(t, c, false) })
	reading := testing.AllocsPerRun(10, func() { walkRows(t, c, true) })
	if reading > script {
		t.Errorf("%v allocations while reading 1000 rows' attributes, %v while not", reading, script)
	}
	if script > 200 {
		t.Errorf("%v allocations for 1000 rows", script)
	}
}

func walkRows(t *testing.T, c *netlink.Conn, attrs bool) {
	rows, sum := 0, uint32(0)
	err := c.Dump("list rows", c.Request(typeRow, 0), func(m netlink.Message) error {
		rows++
		a := netlink.ReadAttrs(m.Body)
		for attrs && a.Next() {
			sum += a.Uint32()
		}
		return a.Err()
	})
	if err != nil || rows != 1000 || attrs && sum == 0 {
		t.Fatalf("%d rows, sum %d, %v", rows, sum, err)
	}
}
